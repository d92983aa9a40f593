"""Webhooks as Teachable sends them: an envelope or a list of them, and nothing that proves where it comes from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sandbox.lms.teachable.school import Enrolment, School, instant, moment
from sandbox.posting import Outgoing
from sandbox.sending import send_shape
from sandbox.shapes import Check, count, flag, listing, mapping, may, need, structure, text

Json = dict[str, Any]


def _anything(value: Any, at: str) -> list[Any]:
    del value, at
    return []


SEND: Check = send_shape(
    type=may(text),
    livemode=may(flag),
    also=may(listing(structure({"learner": need(count), "course": need(count)}))),  # more events in the same delivery
    anew=may(flag),  # under new numbers, as a resend may be
    object=may(mapping(_anything)),  # replaces members of the event's object
)


def outgoing(school: School, enrolment: Enrolment, send: Mapping[str, Any], *, array: bool) -> Outgoing:
    """One delivery: the event, or a list where there are several or where the school is set so."""
    cases = [enrolment, *(school.enrolments[one["learner"], one["course"]] for one in send.get("also", []))]
    events = [_envelope(school, case, send) for case in cases]
    payload: Any = events if array or len(events) > 1 else events[0]
    return Outgoing(payload, {"Content-Type": "application/json"}, json.dumps(payload, ensure_ascii=False))


def _envelope(school: School, enrolment: Enrolment, send: Mapping[str, Any]) -> Json:
    """The event. It has the same numbers when it is sent again, which is assumed (contract 1.6)."""
    event = school.event() if send.get("anew") else enrolment.event
    return {
        "type": send.get("type", "Enrollment.completed"),
        "id": event + 300_000_000,
        "livemode": send.get("livemode", True),
        "created": enrolment.created,
        "hook_event_id": event,
        "object": {**_object(school, enrolment), **send.get("object", {})},
    }


def announce(school: School, enrolment: Enrolment, completed_at: str) -> None:
    """Make the event of a completion: it is created a second after it."""
    enrolment.event = school.event()
    enrolment.created = (moment(completed_at) + timedelta(seconds=1)).isoformat(timespec="seconds")


def _object(school: School, enrolment: Enrolment) -> Json:
    """The enrolment in the event: without the time of the completion, and ahead of what readers see."""
    course, learner = school.courses[enrolment.course], school.learners[enrolment.learner]
    return {
        "id": enrolment.id,
        "user_id": learner.id,
        "course_id": course.id,
        "primary_course_id": course.id,
        "course_progress_id": enrolment.id + 1_000_000,
        "sale_id": None,
        "is_active": enrolment.is_active,
        "percent_complete": enrolment.percent_complete(course),
        "has_full_access": True,
        "certificate_serial_number": None,
        "enrolled_at": enrolment.enrolled_at,
        "created_at": enrolment.enrolled_at,
        "updated_at": enrolment.completed_at or instant(),
        "user": {
            "id": learner.id,
            "email": learner.email,
            "name": learner.name,
            "phone_number": learner.phone_number,
        },
        "course": {
            "id": course.id,
            "name": course.name,
            "url": f"https://school.teachable.com/courses/{course.id}",
            "friendly_url": str(course.id),
        },
    }
