"""Enrolments: who completed a course, what speaks against issuing, how one is made (contract 1.6, 2.4, 3)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from marshmallow import fields

from pipeline import clock
from pipeline.courses import EnrolmentState
from pipeline.errors import Rejected
from pipeline.lms.teachable.records import USER, Person, Taken, person
from pipeline.lms.teachable.rest import API, PageSchema, Query, Rest
from pipeline.reading import Instant, Lenient, Ref
from pipeline.values import Event, Hold

ENROLMENTS = "courses/{course}/enrollments"
ENROL = "enroll"

#: so that the pages do not shift while somebody enrols
_OLDEST_FIRST = ("sort_direction", "asc")
#: the filter's bounds may be whole days or not belong to the span themselves
_AROUND = timedelta(days=1)


class _EnrolmentSchema(Lenient):
    """One row of the list. It does not tell the enrolment's id, which is what an event tells (contract 2.4)."""

    user_id = Ref(required=True)
    expires_at = Instant(load_default=None, allow_none=True)
    completed_at = Instant(required=True, allow_none=True)


class _EnrolmentsSchema(PageSchema):
    enrollments = fields.List(fields.Nested(_EnrolmentSchema), required=True)


def completions(rest: Rest, course: str, since: datetime) -> Iterator[Event]:
    """The completions since an instant. Teachable filters by the time of enrolment only, so all are read."""
    for row in _every(rest, course):
        at: datetime | None = row["completed_at"]
        if at is not None and at >= since:
            learner = row["user_id"]
            key = f"completed:{course}:{learner}:{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
            yield Event(key=key, learner=learner, course=course, occurred_at=at, swept=True)


def holds(rest: Rest, found: Person, course: str) -> tuple[Hold, ...]:
    """What speaks against issuing: an enrolment that was ended, has run out, or cannot be found."""
    own = found.taken(course)
    if own is None:
        reason = "Teachable does not list the course among the learner's"
        return (Hold(kind="flagged", reason=reason, where=f"GET {API}{USER}"),)
    if own.active is not True:
        reason = "Teachable does not show the learner's enrolment as active"
        return (Hold(kind="suspended", reason=reason, where=f"GET {API}{USER}"),)
    where = f"GET {API}{ENROLMENTS}"
    rows = [row for row in _every(rest, course, _about(own)) if row["user_id"] == found.learner.ref]
    if not rows:
        return (Hold(kind="flagged", reason="the course's enrolments do not show the learner's", where=where),)
    if all(row["expires_at"] is not None and row["expires_at"] <= clock.now() for row in rows):
        return (Hold(kind="expired", reason="the learner's enrolment has run out in Teachable", where=where),)
    return ()


def enrol(rest: Rest, learner: str, course: str) -> EnrolmentState:
    """Enrol, after a look at what there is: Teachable may take up an enrolment again that was ended.

    Raises:
        Rejected: the learner's enrolment was ended, or one of the two is not there.
    """
    own = person(rest, learner).taken(course)
    if own is not None and own.active:
        return EnrolmentState.EXISTED
    if own is not None:
        raise Rejected("the learner's enrolment is not active in Teachable; it is not taken up again")
    if not (course.isascii() and course.isdigit()):
        raise Rejected("the course is none of Teachable's: its ids are numbers")
    rest.post(ENROL, {"user_id": int(learner), "course_id": int(course)})
    return EnrolmentState.MADE


def _every(rest: Rest, course: str, query: Query = ()) -> Iterator[dict[str, Any]]:
    return rest.every(_EnrolmentsSchema(), "enrollments", ENROLMENTS, [*query, _OLDEST_FIRST], course=course)


def _about(own: Taken) -> Query:
    """The filter that leaves of a large course's enrolments those of a few days."""
    if own.enrolled_at is None:
        return ()
    return [
        ("enrolled_in_after", f"{own.enrolled_at - _AROUND:%Y-%m-%dT%H:%M:%SZ}"),
        ("enrolled_in_before", f"{own.enrolled_at + _AROUND:%Y-%m-%dT%H:%M:%SZ}"),
    ]
