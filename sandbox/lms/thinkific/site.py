"""A Thinkific site in memory: courses with chapters and quizzes, people, enrolments, and results of quizzes."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any


def instant(at: datetime | None = None) -> str:
    """An instant as the REST API writes it."""
    return f"{at or datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


@dataclass(frozen=True, kw_only=True)
class Part:
    """A chapter or a quiz."""

    id: int
    name: str


@dataclass(frozen=True, kw_only=True)
class Course:
    """A course. Thinkific knows no code of it, only the slug of its address."""

    id: int
    name: str
    slug: str
    chapters: tuple[Part, ...]
    quizzes: tuple[Part, ...]


@dataclass(frozen=True, kw_only=True)
class Learner:
    """A user of the site."""

    id: int
    first_name: str
    last_name: str
    email: str
    custom_fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(kw_only=True)
class Enrolment:
    """A learner in a course; several rows of the same two may exist. `share` of the course is up to 1."""

    id: int
    learner: int
    course: int
    activated_at: str | None
    updated_at: str
    share: float = 0.0
    completed_at: str | None = None
    expired: bool = False
    free_trial: bool = False
    lag_reads: int = 0
    #: chapters that are done
    done: set[int] = field(default_factory=set)


@dataclass(kw_only=True)
class Submission:
    """The latest submission of a quiz and how many there were (contract 2.6)."""

    id: int
    learner: int
    course: int
    quiz: Part
    attempts: int
    right: int
    wrong: int
    completed_at: str | None


class Site:
    """Everything of one site."""

    def __init__(self, courses: Iterable[Course]) -> None:
        self.courses = {one.id: one for one in courses}
        self.learners: dict[int, Learner] = {}
        self.enrolments: list[Enrolment] = []
        self.submissions: list[Submission] = []
        self._numbers = itertools.count(3001)

    def number(self) -> int:
        """An id that nothing else has."""
        return next(self._numbers)

    def enrol(self, learner: int, course: int, *, activated_at: str | None) -> Enrolment:
        """A new row, whatever exists: without an activation it is a free trial (contract 3)."""
        made = Enrolment(
            id=self.number(), learner=learner, course=course, activated_at=activated_at, updated_at=instant(),
            free_trial=activated_at is None,
        )  # fmt: skip
        self.enrolments.append(made)
        return made

    def enrolment(self, learner: int, course: int) -> Enrolment | None:
        """The latest row of a learner in a course."""
        rows = [one for one in self.enrolments if (one.learner, one.course) == (learner, course)]
        return rows[-1] if rows else None

    def hand_in(self, learner: int, course: int, quiz: Part, **standing: Any) -> Submission:
        """Replace what is known of a learner's quiz; there is one row for each (contract 2.7, assumed)."""
        before = next((one for one in self.submissions if (one.learner, one.quiz.id) == (learner, quiz.id)), None)
        made = Submission(
            id=before.id if before else self.number(), learner=learner, course=course, quiz=quiz,
            attempts=standing.get("attempts", before.attempts + 1 if before else 1),
            right=standing["correct"], wrong=standing["incorrect"],
            completed_at=instant() if standing.get("finished", True) else None,
        )  # fmt: skip
        self.submissions = [one for one in self.submissions if one is not before] + [made]
        return made


def course_from(body: Mapping[str, Any]) -> Course:
    """The course that a checked body describes. Ids that it leaves out are made of the course's."""
    first = body["id"] * 100
    chapters = body.get("modules", [{"name": "Chapter 1"}])
    return Course(
        id=body["id"],
        name=body["name"],
        slug=body.get("slug", "-".join(body["name"].lower().split())),
        chapters=_parts(chapters, first),
        quizzes=_parts(body.get("quizzes", [{"name": "Final exam"}]), first + 50),
    )


def _parts(rows: list[Mapping[str, Any]], first: int) -> tuple[Part, ...]:
    return tuple(Part(id=one.get("id", first + place), name=one["name"]) for place, one in enumerate(rows, 1))


_SEED: tuple[Mapping[str, Any], ...] = (
    {
        "id": 101,
        "name": "Healthcare Compliance 101",
        "modules": [{"name": "Privacy at the bedside"}, {"name": "Reporting an incident"}, {"name": "Final exam"}],
    },
    {
        "id": 102,
        "name": "Project Management",
        "modules": [{"name": "Planning"}, {"name": "Working together"}, {"name": "Final exam"}],
    },
    {"id": 103, "name": "Leadership Development", "modules": [{"name": "Leading yourself"}], "quizzes": []},
)


def seed() -> tuple[Course, ...]:
    """The courses that every site has: 101, 102 and 103."""
    return tuple(course_from(body) for body in _SEED)
