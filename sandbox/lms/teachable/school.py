"""A Teachable school in memory: courses with lectures and quizzes, people, enrolments, and how far each one is."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime


@dataclass(frozen=True, kw_only=True)
class Quiz:
    """A quiz of a lecture. `graded` says whether its grades are recorded; without that nobody is told any."""

    id: int
    name: str | None
    graded: bool = True


@dataclass(frozen=True, kw_only=True)
class Lecture:
    """A lecture in a section; whatever has the same section's name is in one section."""

    id: int
    name: str
    section: str
    is_published: bool = True
    quizzes: tuple[Quiz, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Course:
    """A course."""

    id: int
    name: str
    is_published: bool = True
    lectures: tuple[Lecture, ...] = ()

    def published(self) -> list[Lecture]:
        """The lectures that learners see, which are those that make a completion."""
        return [one for one in self.lectures if one.is_published]

    def quizzes(self) -> list[Quiz]:
        """All quizzes."""
        return [quiz for lecture in self.lectures for quiz in lecture.quizzes]

    def lecture(self, named: str) -> Lecture | None:
        """The lecture of this id or name."""
        return next((one for one in self.lectures if named in {str(one.id), one.name}), None)

    def sections(self) -> dict[str, list[Lecture]]:
        """The lectures by section, in order."""
        found: dict[str, list[Lecture]] = {}
        for lecture in self.lectures:
            found.setdefault(lecture.section, []).append(lecture)
        return found


@dataclass(frozen=True, kw_only=True)
class Learner:
    """A user."""

    id: int
    name: str
    email: str
    src: str | None = None
    phone_number: str | None = None


@dataclass(frozen=True, kw_only=True)
class Response:
    """One response to a quiz; `correct` is a share of 1."""

    correct: float
    submitted_at: str


@dataclass(kw_only=True)
class Enrolment:
    """A learner in a course with their progress. `event` and `created` belong to the announcement of a completion."""

    id: int
    learner: int
    course: int
    enrolled_at: str
    expires_at: str | None = None
    is_active: bool = True
    completed_at: str | None = None
    lectures: set[int] = field(default_factory=set)
    responses: dict[int, list[Response]] = field(default_factory=dict)
    lag_reads: int = 0
    event: int = 0
    created: str = ""

    def shown_completed_at(self) -> str | None:
        """The time of completion as readers see it, who may be behind the event."""
        return None if self.lag_reads > 0 else self.completed_at

    def percent_complete(self, course: Course) -> float:
        """How many of the published lectures are completed; less again when lectures were added."""
        asked = course.published()
        done = sum(lecture.id in self.lectures for lecture in asked)
        return round(100.0 * done / len(asked), 2) if asked else 0.0


class School:
    """The data of the school; whoever uses it holds the twin's lock."""

    def __init__(self, courses: tuple[Course, ...]) -> None:
        self.courses = {course.id: course for course in courses}
        self.learners: dict[int, Learner] = {}
        self.enrolments: dict[tuple[int, int], Enrolment] = {}
        self._ids = itertools.count(55512001)
        self._events = itertools.count(879962001)

    def enrol(self, learner: int, course: int) -> Enrolment:
        """The enrolment, made where there is none."""
        found = self.enrolments.get((learner, course))
        if found is None:
            enrolled_at = "2026-08-01T09:00:00Z"
            found = Enrolment(id=next(self._ids), learner=learner, course=course, enrolled_at=enrolled_at)
            self.enrolments[learner, course] = found
        return found

    def of_course(self, course: int) -> list[Enrolment]:
        """The enrolments in a course, the oldest first."""
        found = [one for one in self.enrolments.values() if one.course == course]
        return sorted(found, key=lambda one: (moment(one.enrolled_at), one.id))

    def event(self) -> int:
        """The number of a new event."""
        return next(self._events)


def moment(text: str) -> datetime:
    """An instant as a control body or a question writes it.

    Raises:
        ValueError: it is none, or has no timezone.
    """
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(text)
    return at.astimezone(UTC)


def instant(at: datetime | None = None) -> str:
    """An instant, or now, as the API writes it: UTC, whole seconds."""
    return (at or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")
