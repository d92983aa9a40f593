"""A Moodle site in memory: courses, learners, enrolments, and how far each learner is in each course."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sandbox.moodle_errors import Unknown

#: the teacher who overrides states and grades by hand
TEACHER = 3

COMPLETE, PASSED = 1, 2
BY_HAND = ("exempt", "taken_back")
ATTEMPT_STATES = ("notstarted", "inprogress", "overdue", "submitted", "finished", "abandoned")
STATES = {"incomplete": 0, "complete": COMPLETE, "pass": PASSED, "fail": 3, "fail_hidden": 4}


@dataclass(frozen=True, kw_only=True)
class Activity:
    """One activity of a course. `graded` activities have a grade item."""

    cmid: int
    modname: str
    name: str
    instance: int
    graded: bool = False


@dataclass(frozen=True, kw_only=True)
class Course:
    """A course. `prerequisites` are other courses that its completion criteria ask for."""

    id: int
    shortname: str
    fullname: str
    idnumber: str = ""
    activities: tuple[Activity, ...] = ()
    prerequisites: tuple[int, ...] = ()
    enablecompletion: bool = True
    has_criteria: bool = True
    visible: bool = True
    grade_max: Decimal = Decimal(100)
    manual_enrolment: bool = True


@dataclass(frozen=True, kw_only=True)
class Learner:
    """A user account. `fields` are the site's own profile fields by short name."""

    id: int
    firstname: str
    lastname: str
    email: str
    username: str
    idnumber: str = ""
    suspended: bool = False
    fields: Mapping[str, str] = field(default_factory=dict)

    @property
    def fullname(self) -> str:
        """As Moodle shows it."""
        return f"{self.firstname} {self.lastname}".strip()


@dataclass(frozen=True, kw_only=True)
class Done:
    """The state of one activity. `overrideby` is the teacher who set it by hand."""

    state: int
    at: int | None = None
    overrideby: int | None = None


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One attempt at a quiz. `percent` None: not graded."""

    percent: Decimal | None
    started: int
    seconds: int
    state: str = "finished"


@dataclass(kw_only=True)
class Enrolment:
    """A learner in a course. `objectid` is the id of the completion row, None without a completion."""

    learner: int
    course: int
    suspended: bool = False
    done: dict[int, Done] = field(default_factory=dict)
    scores: dict[int, Decimal] = field(default_factory=dict)
    attempts: dict[int, list[Attempt]] = field(default_factory=dict)
    total: Decimal | None = None
    overridden: bool = False
    objectid: int | None = None
    completed_at: int | None = None
    graded_at: int | None = None
    visible_from: float = 0.0
    lag_reads: int = 0
    grade_lag_reads: int = 0
    needs_update_reads: int = 0

    def lagging(self) -> bool:
        """Whether the record is still behind the event."""
        return self.lag_reads > 0 or time.monotonic() < self.visible_from

    def completed(self) -> bool:
        """Whether the site says so already."""
        return self.completed_at is not None and not self.lagging()

    def state_of(self, activity: Activity) -> Done:
        """The state of an activity. A lagging record does not yet show the last step, the graded one."""
        if activity.graded and self.lagging():
            return Done(state=0)
        return self.done.get(activity.cmid, Done(state=0))


@dataclass(kw_only=True)
class Site:
    """The settings of the site. `functions` None means that the token's service lists every function."""

    name: str = "campus"
    token: str = "moodle-token"  # noqa: S105 - a sandbox's default, no secret
    functions: tuple[str, ...] | None = None
    web_services: bool = True
    debug: bool = False
    before_51: bool = False

    def allows(self, function: str) -> bool:
        """Whether the token's service lists this function."""
        return self.functions is None or function in self.functions


class Moodle:
    """The site's data. Every method may be called from any thread."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.reset()

    def reset(self) -> None:
        """Back to the courses of the default site, without learners."""
        with self.lock:
            self.site = Site()
            self.courses: dict[int, Course] = {course.id: course for course in _seed()}
            self.learners: dict[int, Learner] = {}
            self.enrolments: dict[tuple[int, int], Enrolment] = {}
            self.completions: dict[int, Enrolment] = {}
            self._rows = itertools.count(41)

    def course(self, course_id: int) -> Course:
        """The course.

        Raises:
            Unknown: the site has none of this id.
        """
        try:
            return self.courses[course_id]
        except KeyError:
            raise Unknown(f"course {course_id}") from None

    def learner(self, learner_id: int) -> Learner:
        """The user account.

        Raises:
            Unknown: the site has none of this id.
        """
        try:
            return self.learners[learner_id]
        except KeyError:
            raise Unknown(f"user {learner_id}") from None

    def enrolment(self, learner_id: int, course_id: int, *, active: bool = False) -> Enrolment | None:
        """The enrolment, if there is one; with `active` a suspended one does not count."""
        found = self.enrolments.get((learner_id, course_id))
        return None if found is None or (active and found.suspended) else found

    def enrol(self, learner_id: int, course_id: int) -> Enrolment:
        """The enrolment, made where there is none."""
        with self.lock:
            self.learner(learner_id)
            self.course(course_id)
            new = Enrolment(learner=learner_id, course=course_id)
            return self.enrolments.setdefault((learner_id, course_id), new)

    def unenrol(self, learner_id: int, course_id: int) -> None:
        """End an enrolment; what was earned is no longer shown."""
        with self.lock:
            self.enrolments.pop((learner_id, course_id), None)

    def open_row(self, enrolment: Enrolment, *, completed: bool, at: int | None = None) -> int:
        """A new completion row: as after a reset, an earlier one of the same learner is gone."""
        with self.lock:
            if enrolment.objectid is not None:
                self.completions.pop(enrolment.objectid, None)
            enrolment.objectid = next(self._rows)
            enrolment.completed_at = (at or int(time.time())) if completed else None
            self.completions[enrolment.objectid] = enrolment
            return enrolment.objectid

    def mark(self, enrolment: Enrolment, states: Mapping[int, str], *, at: int | None = None) -> None:
        """Set the states of activities by their names; `exempt` and `taken_back` are set by a teacher by hand."""
        now = at or int(time.time())
        with self.lock:
            for cmid, name in states.items():
                if name == "exempt":
                    enrolment.done[cmid] = Done(state=COMPLETE, at=now, overrideby=TEACHER)
                elif name == "taken_back":
                    enrolment.done[cmid] = Done(state=0, at=now, overrideby=TEACHER)
                else:
                    state = STATES[name]
                    enrolment.done[cmid] = Done(state=state, at=now if state else None)

    def counts(self) -> dict[str, Any]:
        """How much there is."""
        with self.lock:
            return {
                "courses": len(self.courses),
                "learners": len(self.learners),
                "enrolments": len(self.enrolments),
                "completions": len(self.completions),
            }


def activities(rows: Iterable[tuple[int, str, str]]) -> tuple[Activity, ...]:
    """Activities from (cmid, modname, name); a quiz is graded. Instance ids differ from cmids, as in Moodle."""
    return tuple(
        Activity(cmid=cmid, modname=modname, name=name, instance=1000 + cmid, graded=modname == "quiz")
        for cmid, modname, name in rows
    )


def _seed() -> tuple[Course, ...]:
    return (
        Course(
            id=11,
            shortname="SAFE0",
            fullname="Safety Induction",
            activities=activities([(11, "page", "Welcome to the site"), (12, "quiz", "Induction quiz")]),
        ),
        Course(
            id=12,
            shortname="FIRSTAID",
            fullname="First Aid at Work",
            idnumber="FA-1",
            activities=activities(
                [(21, "page", "Welcome"), (22, "lesson", "Bleeding and shock"), (23, "quiz", "Final quiz")]
            ),
        ),
        Course(
            id=13,
            shortname="INFCTRL",
            fullname="Infection Control",
            idnumber="IC-1",
            activities=activities(
                [
                    (31, "page", "Privacy at the bedside"),
                    (32, "lesson", "Reporting an incident"),
                    (33, "quiz", "Compliance quiz"),
                ]
            ),
        ),
        Course(
            id=14,
            shortname="FINREG",
            fullname="Financial Regulations",
            activities=activities([(41, "lesson", "Duties of an adviser"), (42, "quiz", "Proctored exam")]),
        ),
    )
