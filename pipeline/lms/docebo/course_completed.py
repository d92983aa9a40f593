"""The webhook `course.enrollment.completed`, one event or a group of them: what of it is taken for a hint.

Docebo signs nothing (contract 1.3). That a request may be believed at all is the account's `Entrance`'s matter.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from marshmallow import fields, validate

from pipeline import clock
from pipeline.reading import Lenient, Ref, UtcInstant
from pipeline.values import Event
from pipeline.webhook import Announcement, Invalid, Request, Unauthenticated, heard, json_body

COMPLETED = "course.enrollment.completed"
#: what a learner's level is called (contract 1.2); others teach the course or look after it
LEARNERS = frozenset({"student", "learner"})
#: how far Docebo's clock may be ahead of ours, or its time zone from UTC, which is assumed (contract, unknowns)
_AHEAD = timedelta(days=1)


class _MessageSchema(Lenient):
    """The outer members, the same for one event and for a group."""

    message_id = fields.String(required=True, validate=validate.Regexp(r"[!-~]{1,200}\Z"))
    event = fields.String(required=True)
    original_domain = fields.String(load_default=None, allow_none=True)
    payload = fields.Dict(load_default=None, allow_none=True)
    payloads = fields.List(fields.Dict(), load_default=None, allow_none=True)


class _CompletedSchema(Lenient):
    user_id = Ref(required=True)
    course_id = Ref(required=True)
    completion_date = UtcInstant(required=True)
    level = fields.String(load_default=None, allow_none=True)


def hear_message(request: Request, *, domain: str | None) -> Announcement:
    """Read one message. However many events it holds, it is one delivery (contract 1.4).

    Args:
        domain: the only platform whose messages are taken; None takes those of any.

    Raises:
        Unauthenticated, Unreadable, Invalid: see `pipeline.webhook`.
    """
    document = json_body(request)
    message = heard(_MessageSchema(), document)
    if domain is not None and (message["original_domain"] or "").lower() != domain.lower():
        raise Unauthenticated("the message is of another platform")
    # an administrator can have anything sent along, also what proves the origin: it is not kept
    body = json.dumps({name: value for name, value in document.items() if name != "extra_data"}).encode()
    if message["event"] != COMPLETED:
        return _ignored(body, f"not a course completion: {message['event'][:100]!r}")
    if (message["payload"] is None) == (message["payloads"] is None):
        raise Invalid({"payload": ["expected either payload or payloads"]})
    found: dict[str, Event] = {}
    others = set()
    for payload in message["payloads"] if message["payload"] is None else [message["payload"]]:
        completed = heard(_CompletedSchema(), payload)
        if completed["level"] is not None and completed["level"].lower() not in LEARNERS:
            others.add(completed["level"][:100])
            continue
        event = _event(completed)
        found[event.key] = event
    if not found:
        levels = ", ".join(map(repr, sorted(others)[:5]))
        return _ignored(body, f"enrolled as other than a learner: {levels}" if others else "a group without events")
    return Announcement(key=message["message_id"], body=body, events=tuple(found.values()))


def event_key(*, course: str, learner: str, completed_at: datetime) -> str:
    """The key of a completion, from the webhook and from the API alike: the time is UTC, to the second."""
    return f"completed:{course}:{learner}:{completed_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _event(completed: Mapping[str, Any]) -> Event:
    learner, course, at = completed["user_id"], completed["course_id"], completed["completion_date"]
    if at > clock.now() + _AHEAD:
        raise Invalid({"completion_date": ["expected an instant that is not in the future"]})
    key = event_key(course=course, learner=learner, completed_at=at)
    return Event(key=key, learner=learner, course=course, occurred_at=at)


def _ignored(body: bytes, reason: str) -> Announcement:
    return Announcement(key="", body=body, events=(), ignored=reason)
