"""What a stand-in of an LMS has to be: an API under its own name, and the verbs by which a test makes its state.

The bodies of the verbs share these words, and every twin adds its own to them, refusing what it does not know:

- learner: `id`, `name`, `email`; course: `id`, `name`, and `modules` as a list of objects with `id` and `name`;
- enrolment, progress, completion: `learner`, `course`; `score` as a percentage, `modules` as states by id,
  `time_spent_seconds`, `completed_at`, `lag_reads` (so many reads do not show the change yet);
- completion: `send`, see `sandbox.sending`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Container, Mapping
from typing import Any

from sandbox.shapes import Problem, Refused
from sandbox.stand_in import Json, StandIn


def require_both(body: Mapping[str, Any], learners: Container[int], courses: Container[int]) -> None:
    """See that the learner and the course that a body names are there.

    Raises:
        Refused: naming which is not.
    """
    among = {"learner": learners, "course": courses}
    problems = [
        Problem(key, f"there is no {key} {body[key]}") for key, known in among.items() if body[key] not in known
    ]
    if problems:
        raise Refused(problems)


class Twin(StandIn):
    """One LMS in memory. `counts` tells of `learners`, `courses` and `completions` at least."""

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
