"""A Canvas site in memory: courses with modules and assignments, people, enrolments, and how far each one is."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

#: what a global id has in front of the local one: shard · 10^13 (contract 1.2)
SHARD_SIZE = 10**13
ACCOUNT, ROOT_ACCOUNT = 79, 1
COMPLETED = "completed"
#: the states of a module (contract 2.5) and of an enrolment (contract 2.6)
MODULE_STATES = ("locked", "unlocked", "started", COMPLETED)
ENROLMENT_STATES = ("active", "invited", "creation_pending", "inactive", COMPLETED, "rejected", "deleted")


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """One assignment. `quiz` is the id of the classic quiz behind it; `rubric` its criteria, by name, with points."""

    id: int
    name: str
    points_possible: float | None = 100.0
    quiz: int | None = None
    rubric: Mapping[str, float] = field(default_factory=dict)
    use_rubric_for_grading: bool = True


@dataclass(frozen=True, kw_only=True)
class Item:
    """One item of a module. `requirement` is its completion requirement, None where it has none."""

    id: int
    title: str
    type: str
    content: int | None
    requirement: Mapping[str, Any] | None
    published: bool = True


@dataclass(frozen=True, kw_only=True)
class Module:
    """One module of a course."""

    id: int
    name: str
    position: int
    items: tuple[Item, ...]
    published: bool = True
    prerequisites: tuple[int, ...] = ()
    #: `items` is left out of a listing of modules, as where there are too many
    items_omitted: bool = False

    def requirements(self) -> list[Item]:
        """The items that have to be done: nobody can do one that is not published."""
        return [item for item in self.items if item.requirement is not None and item.published]


@dataclass(frozen=True, kw_only=True)
class Course:
    """A course."""

    id: int
    name: str
    code: str
    sis_id: str | None = None
    state: str = "available"
    modules: tuple[Module, ...] = ()
    assignments: tuple[Assignment, ...] = ()

    def published(self) -> list[Module]:
        """The modules that learners see."""
        return [module for module in self.modules if module.published]

    def requirement_count(self) -> int:
        """How many items have to be done; 0 where the course is not module based."""
        return sum(len(module.requirements()) for module in self.published())

    def assignment(self, named: int | str) -> Assignment | None:
        """The assignment of this id or name."""
        return next((one for one in self.assignments if str(named) in {str(one.id), one.name}), None)


@dataclass(frozen=True, kw_only=True)
class Learner:
    """A user account. `observers` are ids of other users, `custom_data` what an integrator stored, by namespace."""

    id: int
    name: str
    email: str | None
    login: str
    sis_id: str | None = None
    observers: tuple[int, ...] = ()
    custom_data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(kw_only=True)
class Submission:
    """What a learner handed in for one assignment. `attempts` are the points of each, None for an ungraded one."""

    attempts: list[float | None] = field(default_factory=list)
    score: float | None = None
    excused: bool = False
    posted: bool = True
    #: a part of it waits for somebody to grade it
    pending_review: bool = False
    rubric: dict[str, float] = field(default_factory=dict)


@dataclass(kw_only=True)
class Enrolment:
    """A learner in a section of a course."""

    id: int
    learner: int
    course: int
    section: int
    state: str = "active"
    type: str = "StudentEnrollment"


@dataclass(kw_only=True)
class Standing:
    """How far a learner is in a course. `total` is the course score that was set, None where it is computed."""

    completed_at: str | None = None
    modules: dict[int, str] = field(default_factory=dict)
    submissions: dict[int, Submission] = field(default_factory=dict)
    current: float | None = None
    final: float | None = None
    activity_seconds: int = 0
    lag_reads: int = 0

    def shown_completed_at(self) -> str | None:
        """The time of completion as readers see it, who may be behind the event."""
        return None if self.lag_reads > 0 else self.completed_at


class Site:
    """The data of the site; whoever uses it holds the twin's lock."""

    def __init__(self, courses: Iterable[Course]) -> None:
        self.shard = 2107
        self.courses = {course.id: course for course in courses}
        self.learners: dict[int, Learner] = {}
        self.enrolments: dict[tuple[int, int, int], Enrolment] = {}
        self.standings: dict[tuple[int, int], Standing] = {}
        self._ids = itertools.count(5001)

    def everywhere(self, local: int) -> str:
        """A global id, as text."""
        return str(self.shard * SHARD_SIZE + local)

    def standing(self, learner: int, course: int) -> Standing:
        """How far the learner is; made where there is nothing yet."""
        return self.standings.setdefault((learner, course), Standing())

    def submission(self, learner: int, course: int, assignment: Assignment) -> Submission:
        """What the learner handed in; made where there is nothing yet."""
        return self.standing(learner, course).submissions.setdefault(assignment.id, Submission())

    def enrolments_in(self, course: int, learner: int | None = None) -> list[Enrolment]:
        """The enrolments in a course, or those of one learner, in every state."""
        return [
            one
            for one in self.enrolments.values()
            if one.course == course and (learner is None or one.learner == learner)
        ]

    def students_of(self, course: int) -> list[int]:
        """The learners with an enrolment that was not deleted, in the order of their ids."""
        return sorted({one.learner for one in self.enrolments_in(course) if one.state != "deleted"})

    def enrol(self, learner: int, course: int, *, section: int = 0, state: str = "active") -> Enrolment:
        """The enrolment in that section with this state, made where there is none."""
        section = section or 77 + course
        found = self.enrolments.get((learner, course, section))
        if found is None:
            found = Enrolment(id=next(self._ids), learner=learner, course=course, section=section)
            self.enrolments[learner, course, section] = found
        found.state = state
        return found

    def totals(self, learner: int, course: Course) -> tuple[float | None, float | None]:
        """Current and final score in percent: without and with what is not graded; None where nothing is."""
        standing = self.standing(learner, course.id)
        graded = possible_graded = possible = 0.0
        for assignment in course.assignments:
            submission = standing.submissions.get(assignment.id, Submission())
            if submission.excused or not assignment.points_possible:
                continue
            possible += assignment.points_possible
            if submission.score is not None and submission.posted:
                graded += submission.score
                possible_graded += assignment.points_possible
        current = round(graded / possible_graded * 100, 2) if possible_graded else None
        final = round(graded / possible * 100, 2) if possible_graded else None
        return (
            standing.current if standing.current is not None else current,
            standing.final if standing.final is not None else final,
        )


def instant() -> str:
    """Now, as the API writes it: UTC, whole seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
