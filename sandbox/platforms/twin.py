"""What a stand-in of a credential platform has to be: an API under its own name, and what its staff does by hand.

The bodies of the verbs share these words, and every twin adds its own to them, refusing what it does not know:

- template: `id`, `name`, and `usable` (false: archived, a draft, closed: whatever keeps it from being issued);
- credential: `template`, `name`, `email`: somebody issues one at the platform, without us;
- change: `id`, and one or more of `name`, `withdrawn` (true), `deleted` (true), `claim` (`claimed` or `declined`),
  with `send` (url, secret, dry) where the platform announces that by a webhook.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from sandbox.stand_in import Json, StandIn


class PlatformTwin(StandIn):
    """One account at a platform, in memory. `counts` tells of `templates` and live `credentials` at least."""

    @abstractmethod
    def add_template(self, body: Any) -> Json:
        """Add or replace a template.

        Raises:
            Refused: by this and every other verb, naming every field that is wrong.
        """

    @abstractmethod
    def add_credential(self, body: Any) -> Json:
        """Somebody issues a credential by hand; it as in `credentials`."""

    @abstractmethod
    def change(self, body: Any) -> Json:
        """Somebody changes a credential by hand, or the learner claims it; it as in `credentials`.

        With `send`, the report of `sandbox.sending` as well.
        """

    @abstractmethod
    def credentials(self) -> list[Json]:
        """Every credential there ever was, those that are gone too, for the eyes of a test.

        Each holds `id` (text), `template` (text), `name`, `email`, `live` (whether the public sees it as valid),
        `state` (the vendor's word, or `deleted`), `attributes`, `own_ref` (our reference, None where the platform
        keeps none) and `mailed` (how often the platform wrote to the learner), beside whatever else is of use.
        """

    def ignored_fields(self) -> list[str]:
        """The names of fields of requests that the platform passed over in silence, as some do."""
        return []
