"""Sends a completion as Moodle's plugins do: with their spelling, their headers and their idea of a retry."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from sandbox.moodle_statements import ACTORS, Told, statements
from sandbox.moodle_statements import outgoing as batch_request
from sandbox.posting import Outgoing, post
from sandbox.shapes import (
    Check,
    any_text,
    count,
    either,
    flag,
    listing,
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

SENDERS = ("local_webhooks", "tool_trigger", "logstore_xapi")
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
        "actor_as": may(one_of(ACTORS)),
        "names": may(flag),
        "noise": may(flag),
        "also": may(listing(count)),
    }
)


@dataclass(frozen=True, kw_only=True)
class Sending:
    """How to send. tool_trigger takes only `expected_response` for success, and tries again `max_tries` times.
    logstore_xapi takes only 200; `actor_as`, `names`, `noise` and `also` (further completions of a batch, by their
    rows) are for it alone.

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
    actor_as: str = "id"
    names: bool = True
    noise: bool = False
    also: Sequence[int] = ()


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
    name: str = ""
    email: str = ""
    username: str = ""
    title: str = ""


def build(event: CompletionEvent, sending: Sending, also: Sequence[CompletionEvent] = ()) -> Outgoing:
    """The request as the plugin writes it."""
    if sending.sender == "logstore_xapi":
        return _logstore_xapi((event, *also), sending)
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


def _logstore_xapi(events: Sequence[CompletionEvent], sending: Sending) -> Outgoing:
    told = [
        Told(
            learner=one.learner, name=one.name, email=one.email, username=one.username,
            course=one.course, title=one.title, at=one.at,
        )
        for one in events
    ]  # fmt: skip
    batch = statements(told, site=events[0].site, actor=sending.actor_as, names=sending.names, noise=sending.noise)
    return batch_request(batch, secret=sending.secret)


def _php_json(value: Any) -> str:
    # PHP's json_encode writes no spaces, \u escapes, and a backslash before every slash
    return json.dumps(value, ensure_ascii=True, separators=(",", ":")).replace("/", "\\/")


def send(event: CompletionEvent, sending: Sending, also: Sequence[CompletionEvent] = ()) -> dict[str, Any]:
    """Send, and report what was sent and what came back. local_webhooks never tries again."""
    outgoing = build(event, sending, also)
    report: dict[str, Any] = {
        "objectid": event.objectid,
        "payload": outgoing.payload,
        "headers": outgoing.headers,
        "raw": outgoing.raw,
    }
    if sending.dry:
        return {**report, "answer": None, "tries": 0, "milliseconds": 0.0}
    started = time.monotonic()
    answer, done = _posted(outgoing, sending)
    return {
        **report,
        "answer": answer,
        "tries": done,
        "milliseconds": round((time.monotonic() - started) * 1000, 3),
    }


def _posted(outgoing: Outgoing, sending: Sending) -> tuple[dict[str, Any], int]:
    """The last answer, and how often it was tried."""
    xapi = sending.sender == "logstore_xapi"
    url = f"{sending.url.rstrip('/')}/statements" if xapi else sending.url
    wanted = 200 if xapi else sending.expected_response
    tries = 1 if sending.sender == "local_webhooks" else 1 + sending.max_tries
    for done in range(1, tries + 1):
        answer = post(outgoing, url=url, timeout_seconds=sending.timeout_seconds)
        if answer["status"] == wanted or done == tries:
            break
        time.sleep(sending.retry_seconds)
    return answer, done
