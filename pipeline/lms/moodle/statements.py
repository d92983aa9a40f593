"""Completions as `logstore_xapi` sends them: batches of xAPI statements, under HTTP Basic (contract 1.4)."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from marshmallow import EXCLUDE, Schema, ValidationError, fields

from pipeline import clock
from pipeline.attestation import Claim
from pipeline.lms.moodle.ids import MoodleId
from pipeline.values import Event
from pipeline.webhook import Announcement, Invalid, Request, Unauthenticated, basic, json_body, json_in, proves

#: what the plug-in appends to the endpoint that it was given
PATH = "statements"
_COMPLETED = "http://adlnet.gov/expapi/verbs/completed"
#: modules are completed as well; only this object is a course
_COURSE = re.compile(r"/course/view\.php\?id=(\d{1,19})$", re.ASCII)


class _Part(Schema):
    class Meta:
        unknown = EXCLUDE


class _AccountSchema(_Part):
    name = MoodleId(required=True)


class _ActorSchema(_Part):
    """The learner, who is the event's `relateduserid`. By `send_mbox` or `send_username` there would be no id."""

    account = fields.Nested(_AccountSchema, required=True)
    name = fields.String(load_default=None)


class _StatementSchema(_Part):
    actor = fields.Nested(_ActorSchema, required=True)
    timestamp = fields.AwareDateTime(required=True, format="iso")


def hear_statements(request: Request, secrets: tuple[str, ...]) -> Announcement:
    """Authenticate and read one batch; the answer holds one id for each statement, in their order.

    Raises:
        Unauthenticated, Unreadable, Invalid: see `pipeline.webhook`.
    """
    if not proves(basic(request.headers).partition(":")[2], secrets):
        raise Unauthenticated("no HTTP Basic password that belongs to this account")
    statements = _statements(request)
    texts = [json.dumps(one, sort_keys=True) for one in statements]
    events: dict[str, Event] = {}
    for place, statement in enumerate(statements):
        event = _event(place, statement)
        if event:
            events[event.key] = event
    return Announcement(
        key=f"statements:{hashlib.sha256('|'.join(texts).encode()).hexdigest()}",
        body=json.dumps(statements).encode(),
        events=tuple(events.values()),
        ignored="" if events else "no statement says that a course was completed",
        answer=[str(uuid5(NAMESPACE_URL, f"moodle-statement:{text}")) for text in texts],
    )


def _statements(request: Request) -> list[Any]:
    """The statements of a body that is a list, or one statement alone, as xAPI allows."""
    if not request.body.lstrip().startswith(b"["):
        return [json_body(request)]
    return list(json_in(request.body))


def _event(place: int, statement: Any) -> Event | None:
    """The completion that a statement tells of; None where it tells of something else.

    Raises:
        Invalid: it tells of a completion, and not whose, of what or when.
    """
    course = _course(statement)
    if course is None:
        return None
    try:
        parts = _StatementSchema().load(statement)
    except ValidationError as fault:
        raise Invalid({str(place): fault.normalized_messages()}) from None  # type: ignore[no-untyped-call]
    at, actor = parts["timestamp"], parts["actor"]
    if not datetime(1970, 1, 2, tzinfo=UTC) < at <= clock.now() + timedelta(days=1):
        raise Invalid({str(place): {"timestamp": ["expected a time since 1970 that is not in the future"]}})
    at, learner = at.astimezone(UTC).replace(microsecond=0), actor["account"]["name"]
    claim = Claim(where="event", name=" ".join(actor["name"].split())) if actor["name"] else None
    key = f"completed:{course}:{learner}:{int(at.timestamp())}"
    return Event(key=key, learner=learner, course=course, occurred_at=at, claim=claim)


def _course(statement: Any) -> str | None:
    verb, thing = (_member(statement, name, "id") for name in ("verb", "object"))
    found = _COURSE.search(thing) if verb == _COMPLETED else None
    return str(int(found[1])) if found else None


def _member(statement: Any, name: str, inner: str) -> str:
    """A text two levels down, empty where it is not there."""
    outer = statement.get(name) if isinstance(statement, dict) else None
    text = outer.get(inner) if isinstance(outer, dict) else None
    return text if isinstance(text, str) else ""
