"""A Docebo platform in memory: users, courses, and the enrolments in which everything about a learner stands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

COMPLETED = "completed"
#: the statuses as words, and the numbers by which parts of the platform call them (contract 2.4 b and c)
NUMBERS = {"waiting": -2, "subscribed": 0, "in_progress": 1, COMPLETED: 2, "suspended": 3}


@dataclass(frozen=True, kw_only=True)
class User:
    """A user. `manager` is another user's id; `expiration` is written as the API shows it."""

    id: int
    first_name: str
    last_name: str
    email: str | None
    username: str
    manager: int | None = None
    valid: bool = True
    expiration: str | None = None


@dataclass(frozen=True, kw_only=True)
class Course:
    """A course. `seats` is how many may be enrolled before there is a waiting list, None for no limit."""

    id: int
    name: str
    code: str
    type: str = "elearning"
    status: str = "published"
    seats: int | None = None


@dataclass(kw_only=True)
class Enrolment:
    """A user in a course. `lag_reads` is for how many reads a completion is not shown yet."""

    user: int
    course: int
    status: str = "subscribed"
    level: str = "student"
    created_at: str = "2026-09-01 08:00:00"
    begin: str | None = None
    end: str | None = None
    score: float | int | str | None = None
    seconds: int | None = 0
    completed_at: str | None = None
    lag_reads: int = 0


class Platform:
    """The data of the platform; whoever uses it holds the twin's lock."""

    def __init__(self, courses: Iterable[Course]) -> None:
        self.courses = {course.id: course for course in courses}
        self.users: dict[int, User] = {}
        self.enrolments: dict[tuple[int, int], Enrolment] = {}

    def enrolment(self, user: int, course: int) -> Enrolment:
        """The enrolment, made where there is none."""
        return self.enrolments.setdefault((user, course), Enrolment(user=user, course=course))

    def enrol(self, user: int, course: Course) -> Enrolment:
        """A new enrolment, on the waiting list where every seat is taken."""
        taken = sum(one.course == course.id and one.status != "waiting" for one in self.enrolments.values())
        made = self.enrolment(user, course.id)
        made.created_at = instant()
        made.status = "waiting" if course.seats is not None and taken >= course.seats else "subscribed"
        return made


def instant() -> str:
    """Now, as the platform writes it: UTC without saying so (contract 1.2)."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
