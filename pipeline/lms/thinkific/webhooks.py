"""Webhooks: proof of origin over the raw bytes, and which of them is a completion or a result (contract 1)."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from marshmallow import fields

from pipeline import clock
from pipeline.attestation import Claim
from pipeline.lms.thinkific.enrolments import event_key
from pipeline.lms.thinkific.people import full_name
from pipeline.reading import Instant, Lenient, Points, Ref, Words
from pipeline.values import Event, ReportedScore
from pipeline.webhook import Announcement, Invalid, Request, Unauthenticated, heard, json_body, proves

HEADER = "x-thinkific-hmac-sha256"
#: how far Thinkific's clock may be ahead of ours
_AHEAD = timedelta(minutes=5)
#: why topics that one may well subscribe to say nothing here
_IGNORED = {
    "enrollment.created": "enrolments are read when the course is completed",
    "enrollment.progress": "the course is not completed yet",
    "enrollment.trial": "a free trial is no completion",
    "lesson.completed": "a lesson is not the course",
}


class _EnvelopeSchema(Lenient):
    resource = fields.Raw(load_default=None, allow_none=True)
    action = fields.Raw(load_default=None, allow_none=True)
    tenant_id = fields.Raw(load_default=None, allow_none=True)
    created_at = Instant(required=True)
    payload = fields.Dict(load_default=dict, allow_none=True)


class _UserSchema(Lenient):
    id = Ref(required=True)
    first_name = Words(load_default="", allow_none=True)
    last_name = Words(load_default="", allow_none=True)
    email = Words(load_default="", allow_none=True)


class _CompletedSchema(Lenient):
    id = Ref(required=True)
    completed_at = Instant(required=True)
    free_trial = fields.Boolean(load_default=False, allow_none=True)
    course_id = Ref(required=True)
    user = fields.Nested(_UserSchema, required=True)


class _NamedSchema(Lenient):
    id = Ref(required=True)
    name = Words(load_default="", allow_none=True)


class _AttemptedSchema(Lenient):
    attempts = Ref(required=True)
    grade = Points(required=True)
    correct_count = Points(load_default=None, allow_none=True)
    incorrect_count = Points(load_default=None, allow_none=True)
    result_id = Ref(required=True)
    quiz = fields.Nested(_NamedSchema, required=True)
    course = fields.Nested(_NamedSchema, required=True)
    user = fields.Nested(_UserSchema, required=True)


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What an account believes: signatures by one of its keys, of one site (None: not compared), for how long."""

    keys: tuple[str, ...] = field(repr=False)
    tenant_id: str | None
    max_age: timedelta


def hear_webhook(request: Request, terms: Terms) -> Announcement:
    """Read one webhook.

    Raises:
        Unauthenticated, Unreadable, Invalid: see `pipeline.webhook`.
    """
    signatures = tuple(hmac.new(key.encode(), request.body, hashlib.sha256).hexdigest() for key in terms.keys)
    if not proves(request.headers.get(HEADER, "").strip().lower(), signatures):
        raise Unauthenticated("the signature is missing or wrong")
    envelope = heard(_EnvelopeSchema(), json_body(request))
    now, at = clock.now(), envelope["created_at"]
    if not now - terms.max_age <= at <= now + _AHEAD:
        raise Unauthenticated("the event's time is too far from now")
    if terms.tenant_id is not None and str(envelope["tenant_id"]) != terms.tenant_id:
        raise Unauthenticated("the event is of another site")
    said, payload = (envelope["resource"], envelope["action"]), envelope["payload"]
    if said == ("enrollment", "completed"):
        return _completed(request.body, payload)
    if said == ("quiz", "attempted"):
        return _attempted(request.body, payload, at)
    topic = ".".join(str(part)[:50] for part in said)
    why = _IGNORED.get(topic)
    return _nothing(request.body, f"not a course completion: {topic!a}" + (f" ({why})" if why else ""))


def _completed(body: bytes, payload: Any) -> Announcement:
    found = heard(_CompletedSchema(), payload)
    if found["free_trial"]:
        return _nothing(body, "a free trial was completed, not the course")
    at: datetime = found["completed_at"]
    if at > clock.now() + timedelta(days=1):
        raise Invalid({"payload": {"completed_at": ["expected an instant that is not in the future"]}})
    key, user = event_key(enrolment=found["id"], completed_at=at), found["user"]
    name = full_name(user["first_name"], user["last_name"])
    claim = Claim(where="event", name=name or None, email=user["email"] or None)
    event = Event(key=key, learner=user["id"], course=found["course_id"], occurred_at=at, claim=claim)
    return Announcement(key=key, body=body, events=(event,))


def _attempted(body: bytes, payload: Any, at: datetime) -> Announcement:
    """The result of a quiz. That `grade` is a percentage is assumed (contract 1.3), so the answers have to agree."""
    found = heard(_AttemptedSchema(), payload)
    grade, right, wrong = found["grade"], found["correct_count"], found["incorrect_count"]
    counted = right * 100 / (right + wrong) if right is not None and wrong is not None and right + wrong > 0 else None
    if not 0 <= grade <= 100 or (counted is not None and abs(counted - grade) > Decimal(1)):
        return _nothing(body, "a quiz whose grade is not the percentage of right answers")
    key = f"attempted:{found['result_id']}:{found['attempts']}"
    score = ReportedScore(
        key=key, learner=found["user"]["id"], course=found["course"]["id"], item=found["quiz"]["name"] or "",
        percent=grade, at=at, attempt=int(found["attempts"]),
    )  # fmt: skip
    return Announcement(key=key, body=body, events=(), scores=(score,))


def _nothing(body: bytes, why: str) -> Announcement:
    return Announcement(key="", body=body, events=(), ignored=why)
