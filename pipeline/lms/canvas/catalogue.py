"""What is asked of a whole site or course: its courses, and who completed one (contract 1.5, 2.4, 4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from marshmallow import fields

from pipeline.courses import Course
from pipeline.errors import Misconfigured, Rejected
from pipeline.lms.canvas.completion_event import event_key
from pipeline.lms.canvas.modules import has_requirements
from pipeline.lms.canvas.notation import LocalId
from pipeline.lms.canvas.records import CourseSchema, ProgressSchema, about
from pipeline.lms.canvas.rest import Rest
from pipeline.reading import Lenient
from pipeline.values import Event

COURSES = "accounts/{account}/courses"
EVERYONE = "courses/{course}/bulk_user_progress"

_CLOSED = {"unpublished": "the course is not published", "completed": "the course is concluded"}


class _MemberSchema(Lenient):
    id = LocalId(required=True)
    progress = fields.Nested(ProgressSchema, required=True)


def completions(rest: Rest, course: str, since: datetime) -> Iterator[Event]:
    """The completions since an instant. Canvas lists every student each time; there is no filter by time.

    Raises:
        Misconfigured: the course cannot be completed. Others: see `pipeline.errors`.
    """
    root_account = about(rest, course)["root_account_id"] or ""
    try:
        for member in rest.every(_MemberSchema(), EVERYONE, course=course):
            at: datetime | None = member["progress"]["completed_at"]
            if at is not None and at >= since:
                key = event_key(root_account=root_account, course=course, learner=member["id"], completed_at=at)
                yield Event(key=key, learner=member["id"], course=course, occurred_at=at, swept=True)
    except Rejected as refusal:  # the course is there: Canvas answers 400 where it is not module based
        raise Misconfigured(f"the course's completions cannot be listed: {refusal.detail}") from None


def courses(rest: Rest, account: str) -> tuple[Course, ...]:
    """Every course that is not deleted. Whether an open one can be completed costs a call each."""
    return tuple(_course(rest, row) for row in rest.every(CourseSchema(), COURSES, account=account))


def _course(rest: Rest, row: Mapping[str, Any]) -> Course:
    reason = _CLOSED.get(row["workflow_state"], "")
    completes = None if reason else has_requirements(rest, row["id"])
    if completes is False:
        reason = "no item of a published module has a completion requirement"
    return Course(
        ref=row["id"],
        code=row["course_code"] or "",
        title=row["name"] or "",
        open=row["workflow_state"] not in _CLOSED,
        completes=completes,
        reason=reason,
    )
