"""Sends a completion as Moodle's plugins do: with their spelling, their headers and their idea of a retry."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from sandbox.posting import Outgoing, post
from sandbox.shapes import (
    Check,
    any_text,
    count,
    either,
    flag,
    may,
    need,
    not_negative,
    one_of,
    require,
    structure,
    text,
    url,
    whole,
)

SENDERS = ("local_webhooks", "tool_trigger")
CONTENT_TYPES = ("application/json", "application/x-www-form-urlencoded")
_EVENT = "\\core\\event\\course_completed"

SEND: Check = structure(
    {
        "url": need(url),
        "secret": need(text),
        "sender": may(one_of(SENDERS)),
        "content_type": may(one_of(CONTENT_TYPES)),
        "extra": may(any_text),
        "actor": may(either(whole, text)),
        "dry": may(flag),
        "expected_response": may(count),
        "max_tries": may(count),
        "retry_seconds": may(not_negative),
        "timeout_seconds": may(not_negative),
    }
)


@dataclass(frozen=True, kw_only=True)
class Sending:
    """How to send. tool_trigger takes only `expected_response` for success, and tries again `max_tries` times.

    `actor` is who caused the event: never the learner. `dry` builds the request and sends nothing.
    """

    url: str
    secret: str = field(repr=False)
    sender: str = "local_webhooks"
    content_type: str = "application/json"
    extra: str = ""
    actor: int | str | None = None
    dry: bool = False
    expected_response: int = 200
    max_tries: int = 3
    retry_seconds: float = 1.0
    timeout_seconds: float = 60.0


def read_sending(body: Any) -> Sending:
    """The wish from JSON.

    Raises:
        Refused: naming every field that is wrong.
    """
    require(body, SEND)
    return Sending(**body)


@dataclass(frozen=True, kw_only=True)
class CompletionEvent:
    """What the site raised: a completion row got its time."""

    objectid: int
    learner: int
    course: int
    at: int
    site: str


def build(event: CompletionEvent, sending: Sending) -> Outgoing:
    """The request as the plugin writes it."""
    if sending.sender == "tool_trigger":
        return _tool_trigger(event, sending)
    return _local_webhooks(event, sending)


def _local_webhooks(event: CompletionEvent, sending: Sending) -> Outgoing:
    # ids come as text or as numbers, and not even alike in one body: which is which changes with every second row
    even = event.objectid % 2 == 0
    actor = sending.actor if sending.actor is not None else (-1 if even else "2")
    payload = {
        "eventname": _EVENT,
        "component": "core",
        "action": "completed",
        "target": "course",
        "objecttable": "course_completions",
        "objectid": event.objectid if even else str(event.objectid),
        "crud": "u",
        "edulevel": 2,
        "contextid": 100 + event.course,
        "contextlevel": 50,
        "contextinstanceid": str(event.course),
        "userid": actor,
        "courseid": event.course if even else str(event.course),
        "relateduserid": event.learner if even else str(event.learner),
        "anonymous": 0,
        "other": {"relateduserid": str(event.learner)},
        "timecreated": event.at,
        "host": urlsplit(event.site).hostname,
        "token": sending.secret,
        "extra": sending.extra,
    }
    headers = {
        "Content-Type": sending.content_type,
        "User-Agent": f"MoodleBot/5.1 (+{event.site})",
        "Accept": "*/*",
    }
    return Outgoing(payload, headers, _php_json(payload))


def _tool_trigger(event: CompletionEvent, sending: Sending) -> Outgoing:
    # the recommended template; a filled-in placeholder is always text
    payload = {
        "eventid": str(90_000 + event.objectid),
        "eventname": _EVENT,
        "objectid": str(event.objectid),
        "courseid": str(event.course),
        "relateduserid": str(event.learner),
        "timecreated": str(event.at),
    }
    headers = {
        "Content-Type": "application/json",
        "Authorization": f"Bearer {sending.secret}",
        "User-Agent": "GuzzleHttp/7",
        "Accept": "*/*",
    }
    return Outgoing(payload, headers, _php_json(payload))


def _php_json(value: Any) -> str:
    # PHP's json_encode writes no spaces, \u escapes, and a backslash before every slash
    return json.dumps(value, ensure_ascii=True, separators=(",", ":")).replace("/", "\\/")


def send(event: CompletionEvent, sending: Sending) -> dict[str, Any]:
    """Send, and report what was sent and what came back. Only tool_trigger ever tries again."""
    outgoing = build(event, sending)
    report: dict[str, Any] = {
        "objectid": event.objectid,
        "payload": outgoing.payload,
        "headers": outgoing.headers,
        "raw": outgoing.raw,
    }
    if sending.dry:
        return {**report, "answer": None, "tries": 0, "milliseconds": 0.0}
    tries = 1 + (sending.max_tries if sending.sender == "tool_trigger" else 0)
    started = time.monotonic()
    answer: dict[str, Any] = {}
    done = 0
    while done < tries:
        if done:
            time.sleep(sending.retry_seconds)
        answer = post(outgoing, url=sending.url, timeout_seconds=sending.timeout_seconds)
        done += 1
        if sending.sender != "tool_trigger" or answer["status"] == sending.expected_response:
            break
    return {
        **report,
        "answer": answer,
        "tries": done,
        "milliseconds": round((time.monotonic() - started) * 1000, 3),
    }
