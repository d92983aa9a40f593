"""Enrolments, which are the record of completion: read, swept, and made (contract 1.6, 2.4, 3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from marshmallow import fields

from pipeline import clock
from pipeline.courses import EnrolmentState
from pipeline.errors import NotReady, Rejected
from pipeline.lms.thinkific.rest import API, Rest, number
from pipeline.reading import Instant, Lenient, Points, Ref, Words
from pipeline.values import Event, Hold, Prerequisite, PrerequisiteState

ENROLMENTS = "enrollments"
#: whether `updated_after` counts instants or days is not documented, so a day more is asked for
_A_DAY_MORE = timedelta(days=1)

Enrolment = Mapping[str, Any]


class _EnrolmentSchema(Lenient):
    """Contract 2.4. Here the share of the course is a number up to 1, unlike in events."""

    id = Ref(required=True)
    user_id = Ref(required=True)
    course_id = Ref(required=True)
    course_name = Words(load_default="", allow_none=True)
    percentage_completed = Points(required=True, allow_none=True)
    completed = fields.Boolean(required=True)
    expired = fields.Boolean(required=True)
    is_free_trial = fields.Boolean(required=True)
    completed_at = Instant(required=True, allow_none=True)


def event_key(*, enrolment: str, completed_at: datetime) -> str:
    """The key of a completion, from an event and from the API alike. Ids are per site and so per account.

    A new enrolment may take the old one's row with other dates (contract, careful 8), so the time is in it.
    """
    return f"completed:{enrolment}:{completed_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def completed_at(enrolment: Enrolment) -> datetime | None:
    """When all of the course was done; None where anything in the row speaks against it."""
    share = enrolment["percentage_completed"]
    at: datetime | None = enrolment["completed_at"]
    return at if enrolment["completed"] and share is not None and share >= 1 else None


def completed(rest: Rest, learner: str, course: str) -> Enrolment:
    """The enrolment that counts, which is completed.

    Raises:
        NotReady: none is completed. Rejected: there is none.
        Misconfigured, Outage, Throttled: see `pipeline.errors`.
    """
    found = _enrolments(rest, learner, course)
    if not found:
        raise Rejected("Thinkific knows no enrolment of the learner in the course")
    if completed_at(found[0]) is None:
        raise NotReady("Thinkific does not show the course as completed to 100 %")
    return found[0]


def holds(enrolment: Enrolment) -> tuple[Hold, ...]:
    """What speaks against issuing; Thinkific knows no more of it (contract 2.7)."""
    where = f"GET {API}{ENROLMENTS}"
    found = []
    if enrolment["is_free_trial"]:  # it can be completed with what is free of the course (contract, careful 3)
        found.append(Hold(kind="flagged", reason="the enrolment is a free trial in Thinkific", where=where))
    if enrolment["expired"]:
        found.append(Hold(kind="expired", reason="the enrolment has expired in Thinkific", where=where))
    return tuple(found)


def prerequisite(rest: Rest, learner: str, course: str) -> Prerequisite:
    """Another course. Access that ended later takes nothing from a completion; a free trial is none."""
    found = _enrolments(rest, learner, course)
    reason = ""
    if not found:
        state, reason = PrerequisiteState.UNCLEAR, "Thinkific knows no enrolment of the learner in the course"
    elif completed_at(found[0]) is None:
        state = PrerequisiteState.UNMET
    elif found[0]["is_free_trial"]:
        state, reason = PrerequisiteState.UNCLEAR, "it was completed as a free trial"
    else:
        state = PrerequisiteState.MET
    return Prerequisite(course=course, state=state, reason=reason)


def completions(rest: Rest, course: str, since: datetime) -> Iterator[Event]:
    """The completions since an instant; those of free trials are none, as in `hear`."""
    after = f"{(since - _A_DAY_MORE).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    query = [("query[course_id]", course), ("query[completed]", "true"), ("query[updated_after]", after)]
    for row in rest.every(_EnrolmentSchema(), ENROLMENTS, query):
        at = completed_at(row)
        if at is not None and at >= since and row["course_id"] == course and not row["is_free_trial"]:
            key = event_key(enrolment=row["id"], completed_at=at)
            yield Event(key=key, learner=row["user_id"], course=course, occurred_at=at, swept=True)


def enrol(rest: Rest, learner: str, course: str) -> EnrolmentState:
    """Enrol as a full participant. A second row could be made (contract 3), so it is asked first.

    Raises:
        Rejected: Thinkific knows no such learner or course, or their enrolment is a free trial or expired.
        Misconfigured, Outage, Throttled, Unsure: see `pipeline.errors`.
    """
    learner_id, course_id = number(learner), number(course)
    found = _enrolments(rest, learner, course)
    if any(not holds(one) for one in found):
        return EnrolmentState.EXISTED
    if found:
        raise Rejected(f"{holds(found[0])[0].reason}; it is not changed")
    # without `activated_at` it would become a free trial
    activated_at = f"{clock.now():%Y-%m-%dT%H:%M:%SZ}"
    rest.post(ENROLMENTS, {"course_id": course_id, "user_id": learner_id, "activated_at": activated_at})
    return EnrolmentState.MADE


def _enrolments(rest: Rest, learner: str, course: str) -> list[Enrolment]:
    """Every enrolment of a learner in a course; the one that counts comes first."""
    query = [("query[user_id]", learner), ("query[course_id]", course)]
    rows = rest.every(_EnrolmentSchema(), ENROLMENTS, query)
    # what is somebody else's is left out, should a filter ever be taken for none
    return sorted((row for row in rows if (row["user_id"], row["course_id"]) == (learner, course)), key=_rank)


def _rank(one: Enrolment) -> tuple[bool, bool, bool]:
    return completed_at(one) is None, one["is_free_trial"], one["expired"]
