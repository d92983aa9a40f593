"""Webhooks: which of a delivery's envelopes are completions, and what of them is taken for a hint (contract 1)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from marshmallow import fields

from pipeline import clock
from pipeline.attestation import Claim
from pipeline.reading import Instant, Lenient, Ref, Words
from pipeline.values import Event
from pipeline.webhook import Announcement, Invalid, Request, delivery_key, heard, json_in

COMPLETED = "Enrollment.completed"
#: why events that one may well subscribe to say nothing here (contract 1.1)
_IGNORED = {
    "LectureProgress.created": "lectures are read when the course is completed",
    "Response.created": "quizzes are read when the course is completed",
}


class _UserSchema(Lenient):
    name = Words(load_default=None, allow_none=True)
    email = Words(load_default=None, allow_none=True)


class _EnrolmentSchema(Lenient):
    id = Ref(required=True)
    user_id = Ref(required=True)
    course_id = Ref(required=True)
    user = fields.Nested(_UserSchema, load_default=None, allow_none=True)


class _EnvelopeSchema(Lenient):
    """`Enrollment.completed`. It tells neither when the course was completed nor any score (contract 1.3)."""

    id = Ref(required=True)
    #: the same when a delivery is repeated, it is assumed (contract 1.6)
    hook_event_id = Ref(load_default=None, allow_none=True)
    created = Instant(required=True)
    object = fields.Nested(_EnrolmentSchema, required=True)


def hear_events(request: Request) -> Announcement:
    """Read one delivery: an envelope or a list of them, as the school is set (contract 1.2).

    Raises:
        Unreadable, Invalid: see `pipeline.webhook`.
    """
    envelopes = _envelopes(request.body)
    body = json.dumps([_without_number(envelope) for envelope in envelopes]).encode()
    found: dict[str, Event] = {}
    keys, reasons = set[str](), set[str]()
    for envelope in envelopes:
        read = _completion(envelope)
        if isinstance(read, str):
            reasons.add(read)
        else:
            key, event = read
            keys.add(key)
            found[event.key] = event
    if not found:
        why = "; ".join(sorted(reasons)[:5]) or "an empty list of events"
        return Announcement(key="", body=body, events=(), ignored=why)
    return Announcement(key=delivery_key(keys), body=body, events=tuple(found.values()))


def _envelopes(body: bytes) -> list[dict[str, Any]]:
    said = json_in(body)
    envelopes = said if isinstance(said, list) else [said]
    if not all(isinstance(one, dict) for one in envelopes):
        raise Invalid({"": ["expected an event of Teachable, or a list of them"]})
    return envelopes


def _completion(envelope: Mapping[str, Any]) -> tuple[str, Event] | str:
    """The key of the delivery and the completion, or why there is none.

    Raises:
        Invalid: it says that it is a completion and is none that can be read.
    """
    kind = envelope.get("type")
    if kind != COMPLETED:
        # how an address is verified is not documented (contract 1.2): anything that is no completion is welcome
        said, why = (repr(kind[:100]), _IGNORED.get(kind)) if isinstance(kind, str) else ("no type", None)
        return f"not a course completion: {said}" + (f" ({why})" if why else "")
    if envelope.get("livemode", True) is not True:
        return "a test that was sent by hand: livemode is not true"
    read = heard(_EnvelopeSchema(), envelope)
    created: datetime = read["created"]
    if created > clock.now() + timedelta(days=1):
        raise Invalid({"created": ["expected an instant that is not in the future"]})
    enrolment, person = read["object"], read["object"]["user"] or {"name": None, "email": None}
    claim = Claim(where="event", name=person["name"] or None, email=person["email"] or None)
    delivery = f"hook:{read['hook_event_id']}" if read["hook_event_id"] else f"{kind}:{read['id']}"
    return delivery, Event(
        # of all that the event tells, only this names one completion of an enrolment that may have several
        key=f"completed:{enrolment['id']}:{created.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        learner=enrolment["user_id"],
        course=enrolment["course_id"],
        occurred_at=created,
        claim=claim if claim.name or claim.email else None,
    )


def _without_number(envelope: Mapping[str, Any]) -> dict[str, Any]:
    """The envelope without the person's telephone number, which nobody needs."""
    enrolment = envelope.get("object")
    person = enrolment.get("user") if isinstance(enrolment, dict) else None
    if not isinstance(enrolment, dict) or not isinstance(person, dict):
        return dict(envelope)
    kept = {name: value for name, value in person.items() if name != "phone_number"}
    return {**envelope, "object": {**enrolment, "user": kept}}
