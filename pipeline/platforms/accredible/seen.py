"""A credential as an answer of Accredible shows it, and what that means in the one vocabulary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from pipeline import clock
from pipeline.values import ClaimState, Held, Issued, Standing

#: our reference, and why we took it back, in a credential's own `meta_data`
REF, WITHDRAWN = "confer_ref", "confer_withdrawn"


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A credential as an answer shows it. `url` is None out of a search; the last two are None out of a reading."""

    id: str
    template: str
    approve: bool
    expired_on: date | None
    meta: Mapping[str, Any]
    url: str | None = None
    own_id: str | None = None
    name: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)
    learner: str | None = None
    published_on: date | None = None
    opened: bool | None = None

    @property
    def ref(self) -> str | None:
        """Our reference, if it bears one."""
        return str(self.meta[REF]) if self.meta.get(REF) else None

    @property
    def taken_back(self) -> bool:
        """Whether we withdrew it, and it was not published again since: then staff meant it to be live."""
        return WITHDRAWN in self.meta and not (self.approve and not self.over)

    @property
    def over(self) -> bool:
        """Whether its last day has passed."""
        return self.expired_on is not None and self.expired_on < clock.now().date()

    def standing(self, *, sandbox: bool) -> Standing:
        """Published is live, and so is what a sandbox account keeps unpublished. What was published and is not any
        more was taken down by hand; that `published_on` stays then is assumed (contract 7).
        """
        if self.taken_back:
            return Standing.WITHDRAWN
        if not (self.approve or sandbox):
            return Standing.WITHDRAWN if self.published_on else Standing.UNPUBLISHED
        return Standing.EXPIRED if self.over else Standing.LIVE

    def issued(self, *, sandbox: bool, ours: bool = True) -> Issued:
        """As what was issued."""
        return Issued(platform_ref=self.id, url=self.url or "", live=self.approve or sandbox, ours=ours)

    def held(self, *, sandbox: bool) -> Held:
        """As it stands. There is no step of claiming: that the learner opened it is the nearest (contract 7)."""
        claims = {None: None, True: ClaimState.CLAIMED, False: ClaimState.OPEN}
        return Held(
            platform_ref=self.id, template=self.template, standing=self.standing(sandbox=sandbox), url=self.url or "",
            ref=self.ref, learner_ref=self.learner, name=self.name, email=self.email, claim=claims[self.opened],
        )  # fmt: skip
