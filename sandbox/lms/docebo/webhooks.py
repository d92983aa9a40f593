"""Webhooks as Docebo sends them: HTTP Basic, no signature, one event or a group of one type (contract 1)."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sandbox.lms.docebo.platform import Enrolment, Platform, instant
from sandbox.posting import Outgoing
from sandbox.sending import send_shape
from sandbox.shapes import Check, any_text, count, flag, listing, mapping, may, structure, text

Json = dict[str, Any]

#: the most events in a group (contract 1.2)
MOST = 25


def _anything(value: Any, at: str) -> list[Any]:
    del value, at
    return []


SEND: Check = send_shape(
    user=may(any_text),  # of HTTP Basic; without user and password there is no such header
    password=may(any_text),
    event=may(text),
    grouped=may(flag),  # also where there is one event
    also=may(listing(structure({"learner": may(count), "course": may(count)}), most=MOST - 1)),
    message_id=may(text),
    original_domain=may(text, nullable=True),  # null: left out, as in older platforms
    job=may(text),  # the hash of a background job that caused the event
    extra_data=may(mapping(_anything)),
    payload=may(mapping(_anything)),  # replaces members of every event's payload
    without=may(listing(text)),  # members of the payload that this platform does not send
)


def outgoing(platform: Platform, learner: int, course: int, send: Mapping[str, Any]) -> Outgoing:
    """One message about the enrolment, and with `also` about others in the same group."""
    cases = [{"learner": learner, "course": course}]
    cases += [{**cases[0], **one} for one in send.get("also", [])]
    payloads = [_payload(platform, platform.enrolments[one["learner"], one["course"]], send) for one in cases]
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    message: Json = {
        "message_id": send.get("message_id", f"wh-{stamp}-{uuid4()}"),
        "event": send.get("event", "course.enrollment.completed"),
        "webhook_id": 3,
        "original_domain": send.get("original_domain", "acme.docebosaas.com"),
        "fired_by_batch_action": bool(send.get("job")),
    }
    message |= {"fired_by_background_job_hash": send["job"]} if "job" in send else {}
    message |= {"payloads": payloads} if send.get("grouped") or len(payloads) > 1 else {"payload": payloads[0]}
    message |= {"extra_data": send["extra_data"]} if "extra_data" in send else {}
    shown = {name: value for name, value in message.items() if (name, value) != ("original_domain", None)}
    return Outgoing(shown, _headers(send), json.dumps(shown))


def _headers(send: Mapping[str, Any]) -> dict[str, str]:
    headers = {"Content-Type": "application/json"}
    if "user" in send or "password" in send:
        said = f"{send.get('user', '')}:{send.get('password', '')}"
        headers["Authorization"] = f"Basic {base64.b64encode(said.encode()).decode()}"
    return headers


def _payload(platform: Platform, one: Enrolment, send: Mapping[str, Any]) -> Json:
    payload: Json = {
        "fired_at": instant(),
        "user_id": one.user,
        "username": platform.users[one.user].username,
        "course_id": one.course,
        "course_name": platform.courses[one.course].name,
        "completion_date": one.completed_at,
        "level": one.level,
        "enrollment_date": one.created_at,
        "enrollment_date_begin_validity": one.begin,
        "enrollment_date_end_validity": one.end,
        "subscribed_by_id": 12301,
        "status": one.status,
        **send.get("payload", {}),
    }
    return {name: value for name, value in payload.items() if name not in send.get("without", [])}
