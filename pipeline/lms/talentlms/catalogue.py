"""What is asked of a whole portal or course: its courses, who completed one, and enrolling (contract 3, 4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from marshmallow import fields

from pipeline.courses import Course, EnrolmentState
from pipeline.errors import NotReady, Rejected
from pipeline.lms.talentlms import records
from pipeline.lms.talentlms.notation import Stamp, Stringy, state
from pipeline.lms.talentlms.portal import Portal
from pipeline.reading import Ref, Words
from pipeline.values import Event


class _MemberSchema(Stringy):
    id = Ref(required=True)
    role = fields.String(load_default="learner")
    completed_on_timestamp = Stamp(load_default=None)


class _MembersSchema(Stringy):
    users = fields.List(fields.Nested(_MemberSchema), required=True)


class _CourseSchema(Stringy):
    id = Ref(required=True)
    name = Words(load_default="")
    code = Words(load_default="")
    status = fields.String(load_default="active")


class _ContentsSchema(Stringy):
    units = fields.List(fields.Dict(), load_default=list)
    rules = fields.List(fields.Raw(), load_default=list)


def completions(
    portal: Portal, course: str, *, since: datetime, known: frozenset[str], dated: bool
) -> Iterator[Event]:
    """The completions of a course since an instant: one call lists every learner of it.

    Args:
        dated: the list says when each learner completed (contract 2.2: the stamps; in the list, assumed). Without
            that every learner who is not `known` costs a call.
    """
    for member in portal.one(_MembersSchema(), "courses", id=course)["users"]:
        if state(member["role"]) != "learner" or (not dated and member["id"] in known):
            continue
        at = member["completed_on_timestamp"] if dated else _asked(portal, member["id"], course)
        if at is not None and at >= since:
            key = f"completed:{course}:{member['id']}:{int(at.timestamp())}"
            yield Event(key=key, learner=member["id"], course=course, occurred_at=at, swept=True)


def courses(portal: Portal) -> tuple[Course, ...]:
    """Every course. What an active one consists of costs a call each."""
    return tuple(_course(portal, row) for row in portal.every(_CourseSchema(), "courses"))


def enrol(portal: Portal, learner: str, course: str) -> EnrolmentState:
    """Add a learner to a course, unless they are in it.

    Raises:
        Rejected: the learner or the course is not there, or the learner's account is not active.
    """
    user = records.user(portal, learner)
    if records.in_course(user, course) is not None:
        return EnrolmentState.EXISTED
    if state(user["status"]) != "active":
        raise Rejected("the learner's account is not active in TalentLMS; it is not changed from here")
    portal.change("addusertocourse", user_id=learner, course_id=course, role="learner")
    return EnrolmentState.MADE


def _asked(portal: Portal, learner: str, course: str) -> datetime | None:
    try:
        return records.completed_at(records.standing(portal, learner, course))
    except (NotReady, Rejected):
        return None  # not yet, or left the course since it was listed


def _course(portal: Portal, row: Mapping[str, Any]) -> Course:
    active = state(row["status"]) == "active"
    reason = "" if active else "the course is not active"
    if active:
        contents = portal.one(_ContentsSchema(), "courses", id=row["id"])
        if not contents["units"]:
            reason = "the course has no units"
        elif not contents["rules"]:
            reason = "the course has no rule by which it is completed"
    return Course(
        ref=row["id"],
        code=row["code"],
        title=row["name"],
        open=active,
        completes=None if not active else not reason,
        reason=reason,
    )
