"""What is asked of a whole course or platform: who completed it, and which courses there are (contract 1.5, 4)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any

from marshmallow import fields

from pipeline.courses import Course
from pipeline.errors import Outage
from pipeline.lms.docebo.course_completed import event_key
from pipeline.lms.docebo.enrolments import ENROLMENTS, Status, enrolments, is_learner
from pipeline.lms.docebo.rest import Rest
from pipeline.reading import Lenient, Ref, Words
from pipeline.values import Event

COURSES = "/learn/v1/courses"


class _CourseSchema(Lenient):
    id_course = Ref(required=True)
    name = Words(load_default="", allow_none=True)
    code = Words(load_default="", allow_none=True)
    status = fields.Raw(load_default=None, allow_none=True)


def completions(rest: Rest, course: str, since: datetime) -> Iterator[Event]:
    """The completions of learners since an instant. There is no filter by time, so every one is listed each time.

    A completion without a date is passed over: nobody can tell how old it is.

    Raises:
        Outage: Docebo uses a status that is not known, and that may mean completed. Others: see `pipeline.errors`.
    """
    query = [("course_id[]", course), ("enrollment_status[]", Status.COMPLETED.value)]
    for row in enrolments(rest, query):
        if row["enrollment_status"] is Status.UNKNOWN:
            raise Outage(f"Docebo answered {ENROLMENTS} with a status that is not known")
        at: datetime | None = row["enrollment_completion_date"]
        done = row["enrollment_status"] is Status.COMPLETED and row["course_id"] == course and is_learner(row)
        if done and at is not None and at >= since:
            key = event_key(course=course, learner=row["user_id"], completed_at=at)
            yield Event(key=key, learner=row["user_id"], course=course, occurred_at=at, swept=True)


def courses(rest: Rest, open_states: Collection[str]) -> tuple[Course, ...]:
    """Every course that the token's user may see. The rule that ends one is not told (contract 4)."""
    return tuple(_course(row, open_states) for row in rest.every(_CourseSchema(), COURSES, [("sort_by", "name")]))


def _course(row: Mapping[str, Any], open_states: Collection[str]) -> Course:
    state = row["status"]
    is_open = state is None or str(state).lower() in open_states
    return Course(
        ref=row["id_course"],
        code=row["code"] or "",
        title=row["name"] or "",
        open=is_open,
        reason="" if is_open else f"the course's status in Docebo is {str(state)[:50]!r}",
    )
