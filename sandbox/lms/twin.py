"""What a stand-in of an LMS has to be: an API under its own name, and the verbs by which a test makes its state.

The bodies of the verbs share these words, and every twin adds its own to them, refusing what it does not know:

- learner: `id`, `name`, `email`; course: `id`, `name`, and `modules` as a list of objects with `id` and `name`;
- enrolment, progress, completion: `learner`, `course`; `score` as a percentage, `modules` as states by id,
  `time_spent_seconds`, `completed_at`, `lag_reads` (so many reads do not show the change yet);
- completion: `send`, see `sandbox.lms.sending`.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from typing import Any, ClassVar

from flask import Blueprint, request
from werkzeug.wrappers import Response

from sandbox.plain_answers import proxy_page, retry_later
from sandbox.rates import Rate

Json = dict[str, Any]


class Twin(ABC):
    """One LMS in memory. Every method may be called from any thread; `lock` guards the state.

    `rate` is the limit in force, for systems that tell it in their headers.
    """

    #: the system's name: `/<name>/...` is its API, `system: <name>` its name in faults, rates and calls
    name: ClassVar[str]
    #: its name for people
    label: ClassVar[str]

    def __init__(self, rate: Rate, public_url: str | None = None) -> None:
        self.rate = rate
        self.lock = threading.RLock()
        self._public_url = public_url
        self.reset()

    def base_url(self) -> str:
        """The address of this LMS as readers of its answers can use it: without a slash at the end."""
        return f"{(self._public_url or request.host_url).rstrip('/')}/{self.name}"

    @abstractmethod
    def blueprint(self) -> Blueprint:
        """The API as the vendor's, with `url_prefix=f"/{self.name}"`. Called once per application."""

    @abstractmethod
    def reset(self) -> None:
        """Back to the state at the start."""

    @abstractmethod
    def counts(self) -> dict[str, int]:
        """How much there is of everything: `learners`, `courses`, `completions` at least."""

    @abstractmethod
    def add_learner(self, body: Any) -> Json:
        """Add or replace a learner.

        Raises:
            Refused: by this and every other verb, naming every field that is wrong.
        """

    @abstractmethod
    def add_course(self, body: Any) -> Json:
        """Add or replace a course."""

    @abstractmethod
    def enrol(self, body: Any) -> Json:
        """Enrol a learner, or change or end the enrolment."""

    @abstractmethod
    def progress(self, body: Any) -> Json:
        """Change a learner's standing in a course without a completion and without an event."""

    @abstractmethod
    def complete(self, body: Any) -> Json:
        """Complete a course for a learner and, with `send`, announce it; the report of `sending.deliver`."""

    @abstractmethod
    def configure(self, body: Any) -> Json:
        """Change settings of the account, such as keys; answers with all of them."""

    def throttled(self, retry_after: int | None) -> Response:
        """The answer to a call over the limit, in the vendor's form."""
        return retry_later(retry_after)

    def failed(self, status: int) -> Response:
        """An error in the vendor's form, also for an address that does not exist (404)."""
        return proxy_page(status)
