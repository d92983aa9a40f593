"""Enrolments: all that Docebo tells of a learner in a course stands in them (contract 2.4 c)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

from marshmallow import ValidationError, fields, validate

from pipeline.lms.docebo.course_completed import LEARNERS
from pipeline.lms.docebo.rest import Query, Rest
from pipeline.reading import Lenient, Points, Ref, UtcInstant, Words

ENROLMENTS = "/course/v1/courses/enrollments"


class Status(StrEnum):
    """How an enrolment stands."""

    WAITING = "waiting"
    SUBSCRIBED = "subscribed"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    SUSPENDED = "suspended"
    OVERBOOKING = "overbooking"
    UNKNOWN = "unknown"


#: other spellings: a second word, and the numbers that the platform uses elsewhere (contract 2.4 b and c)
_SPELLINGS = {
    "enrolled": Status.SUBSCRIBED,
    "-2": Status.WAITING,
    "0": Status.SUBSCRIBED,
    "1": Status.IN_PROGRESS,
    "2": Status.COMPLETED,
    "3": Status.SUSPENDED,
}


class _StatusField(fields.Field[Status]):
    """A word or a number. Neither list is documented, so that what is new is no fault of form, but unknown."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Status:
        if not isinstance(value, str | int) or isinstance(value, bool):
            raise ValidationError("expected a word or a number")
        said = str(value).lower()
        return _SPELLINGS.get(said) or next((one for one in Status if one == said), Status.UNKNOWN)


class _EnrolmentSchema(Lenient):
    user_id = Ref(required=True)
    course_id = Ref(required=True)
    course_name = Words(load_default="", allow_none=True)
    course_code = Words(load_default="", allow_none=True)
    enrollment_level = fields.String(required=True)
    enrollment_status = _StatusField(required=True)
    enrollment_completion_date = UtcInstant(load_default=None, allow_none=True)
    enrollment_score = Points(load_default=None, allow_none=True)
    enrollment_time_spent = fields.Integer(
        load_default=None, allow_none=True, strict=True, validate=validate.Range(min=0, max=10**9)
    )
    enrollment_validity_begin_datetime = UtcInstant(load_default=None, allow_none=True)
    enrollment_validity_end_datetime = UtcInstant(load_default=None, allow_none=True)


Enrolment = Mapping[str, Any]


def enrolments(rest: Rest, query: Query) -> Iterator[Enrolment]:
    """The enrolments that a query finds, with the time that learners spent."""
    yield from rest.every(_EnrolmentSchema(), ENROLMENTS, [*query, ("extra_fields[]", "enrollment_time_spent")])


def enrolments_of(rest: Rest, learner: str, *courses: str) -> dict[str, Enrolment]:
    """A learner's enrolments in these courses, by course; what an answer holds of others does not count."""
    query = [("user_id[]", learner), *(("course_id[]", course) for course in courses)]
    return {row["course_id"]: row for row in enrolments(rest, query) if row["user_id"] == learner}


def is_learner(enrolment: Enrolment) -> bool:
    """Whether somebody takes the course, and does not teach it or look after it."""
    level: str = enrolment["enrollment_level"]
    return level.lower() in LEARNERS
