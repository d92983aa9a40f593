"""Enrolling: an enrolment is made where there is none, and what exists is never touched (contract 3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import fields

from pipeline.courses import EnrolmentState
from pipeline.errors import Rejected
from pipeline.lms.docebo.enrolments import Enrolment, Status, enrolments_of, is_learner
from pipeline.lms.docebo.rest import Rest
from pipeline.reading import Lenient

ENROL = "/learn/v1/enrollments"
#: the level of a learner, in the words of this endpoint (contract 3)
_LEARNER = 3
#: on a list, until somebody lets the learner in or a place comes free
_WAITING = frozenset({Status.WAITING, Status.OVERBOOKING})


class _EnrolledSchema(Lenient):
    """Ids, as Docebo's schema has it, or objects, as Docebo answers (contract 3)."""

    enrolled = fields.List(fields.Raw(), required=True)


def enrol(rest: Rest, learner: str, course: str) -> EnrolmentState:
    """Enrol as a learner.

    Raises:
        Rejected: Docebo does not enrol, or the enrolment that exists is none that a learner could use.
        Misconfigured, Outage, Throttled, Unsure: see `pipeline.errors`.
    """
    if not (learner.isascii() and learner.isdigit() and course.isascii() and course.isdigit()):
        raise Rejected("in Docebo learners and courses are whole numbers")
    found = enrolments_of(rest, learner, course).get(course)
    if found is not None:
        return _existing(found)
    wish = {"course_ids": [int(course)], "user_ids": [int(learner)], "level": _LEARNER}
    enrolled = rest.post(_EnrolledSchema(), ENROL, wish)["enrolled"]
    mine = [one for one in enrolled if isinstance(one, Mapping) and _is(one, learner, course)]
    if mine:
        return EnrolmentState.WAITING if any(one.get("waiting") for one in mine) else EnrolmentState.MADE
    # ids alone do not tell of a waiting list; and whoever is enrolled already is an error under 200 (contract 3)
    found = enrolments_of(rest, learner, course).get(course)
    if found is None:
        raise Rejected("Docebo did not enrol the learner: one of the two is not there, or the course is closed")
    state = _existing(found)
    return EnrolmentState.MADE if enrolled and state is EnrolmentState.EXISTED else state


def _existing(found: Enrolment) -> EnrolmentState:
    status: Status = found["enrollment_status"]
    if status is Status.SUSPENDED:
        raise Rejected("the enrolment is suspended in Docebo; it is not taken up again")
    if status is Status.UNKNOWN:
        raise Rejected("there is an enrolment with a status in Docebo that is not known")
    if not is_learner(found):
        raise Rejected("the user is enrolled in Docebo as other than a learner")
    return EnrolmentState.WAITING if status in _WAITING else EnrolmentState.EXISTED


def _is(one: Mapping[str, Any], learner: str, course: str) -> bool:
    return (str(one.get("id_user")), str(one.get("id_course"))) == (learner, course)
