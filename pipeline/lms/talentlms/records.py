"""A learner's record out of TalentLMS: the person, the standing in a course with its units (contract 2.3, 2.4)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from marshmallow import INCLUDE, fields

from pipeline import clock
from pipeline.errors import NotReady
from pipeline.lms.talentlms.notation import Stamp, Stringy, state
from pipeline.lms.talentlms.portal import API, Portal
from pipeline.reading import Points, Ref, Words
from pipeline.values import Hold, Learner, Module, ModuleState, Prerequisite, PrerequisiteState, Score

USER = f"GET {API}users/id:"
STANDING = f"GET {API}getuserstatusincourse/course_id:,user_id:"
#: a unit of this type has a score that somebody earned (contract 2.4)
_GRADED = {"test", "assignment"}
_MAX_SECONDS = 10**9


class _UnitSchema(Stringy):
    id = Ref(required=True)
    name = Words(required=True)
    type = fields.String(load_default="")
    completion_status = fields.String(load_default="")
    score = Points(load_default=None)


class _StandingSchema(Stringy):
    completion_status = fields.String(load_default="")
    completed_on_timestamp = Stamp(load_default=None)
    expired_on_timestamp = Stamp(load_default=None)
    total_time_seconds = fields.Integer(load_default=None)
    units = fields.List(fields.Nested(_UnitSchema), load_default=list)


class _UsersCourseSchema(Stringy):
    id = Ref(required=True)
    name = Words(load_default="")
    completion_status = fields.String(load_default="")


class _UserSchema(Stringy):
    """The custom fields stay as they are: which one is meant is the account's to say."""

    class Meta:
        unknown = INCLUDE

    first_name = Words(load_default="")
    last_name = Words(load_default="")
    email = Words(load_default="")
    status = fields.String(load_default="")
    courses = fields.List(fields.Nested(_UsersCourseSchema), load_default=list)


User = Mapping[str, Any]
Standing = Mapping[str, Any]


def user(portal: Portal, learner: str) -> User:
    """The person with all their courses.

    Raises:
        Rejected: there is none. Misconfigured, Outage, Throttled: see `pipeline.errors`.
    """
    return portal.one(_UserSchema(), "users", id=learner)


def standing(portal: Portal, learner: str, course: str) -> Standing:
    """How the learner stands in the course.

    Raises:
        Rejected: they are not in it. Misconfigured, Outage, Throttled: see `pipeline.errors`.
    """
    return portal.one(_StandingSchema(), "getuserstatusincourse", course_id=course, user_id=learner)


def completed_at(found: Standing) -> datetime:
    """When the course was completed.

    Raises:
        NotReady: it is not, or it was reset or failed since (contract, careful 4).
    """
    at: datetime | None = found["completed_on_timestamp"]
    if state(found["completion_status"]) != "completed" or at is None:
        raise NotReady("TalentLMS does not show the course as completed")
    return at


def profile(found: User, learner: str, *, supervisor_field: str | None) -> Learner:
    """The person. There is no field for the supervisor; a custom field may be named (contract 2.5)."""
    boss = found.get(supervisor_field) if supervisor_field else None
    return Learner(
        ref=learner, name=f"{found['first_name']} {found['last_name']}".strip(), email=found["email"],
        supervisor_email=boss.strip() or None if isinstance(boss, str) else None,
        suspended=state(found["status"]) != "active",
        given_name=found["first_name"] or None, family_name=found["last_name"] or None,
    )  # fmt: skip


def in_course(found: User, course: str) -> Mapping[str, Any] | None:
    """The course among those of the learner."""
    return next((one for one in found["courses"] if one["id"] == course), None)


def modules(found: Standing) -> tuple[Module, ...]:
    """The units. One that a trainer completed by hand is not marked as such (contract 2.4)."""
    return tuple(
        Module(
            ref=unit["id"],
            name=unit["name"],
            state=ModuleState.COMPLETE if state(unit["completion_status"]) == "completed" else ModuleState.INCOMPLETE,
        )
        for unit in found["units"]
    )


def scores(found: Standing) -> tuple[Score, ...]:
    """The latest result of each test and assignment; version 1 tells no course total and no attempts."""
    graded = (unit for unit in found["units"] if state(unit["type"]) in _GRADED)
    return tuple(Score(item=unit["name"], percent=unit["score"]) for unit in graded)


def time_spent(found: Standing) -> timedelta | None:
    """The time in the course; None where it is not told."""
    seconds = found["total_time_seconds"]
    return timedelta(seconds=min(seconds, _MAX_SECONDS)) if seconds is not None and seconds >= 0 else None


def holds(learner: Learner, found: Standing) -> tuple[Hold, ...]:
    """An account that is not active, and a course whose time is over for the learner (contract 2.5)."""
    made = []
    if learner.suspended:
        made.append(Hold(kind="suspended", reason="the learner's account is not active in TalentLMS", where=USER))
    ends: datetime | None = found["expired_on_timestamp"]
    if ends is not None and ends <= clock.now():
        made.append(Hold(kind="expired", reason="the learner's enrolment is over in TalentLMS", where=STANDING))
    return tuple(made)


def prerequisite(found: User, course: str) -> Prerequisite:
    """Another course, as the list of the learner's courses shows it. One that is not in it was not completed."""
    other = in_course(found, course)
    met = other is not None and state(other["completion_status"]) == "completed"
    return Prerequisite(course=course, state=PrerequisiteState.MET if met else PrerequisiteState.UNMET)
