"""Moodle's completion event as `local_webhooks` and `tool_trigger` send it: a hint with a shared secret."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from marshmallow import EXCLUDE, Schema

from pipeline import clock
from pipeline.lms.moodle.ids import MoodleId
from pipeline.values import Event
from pipeline.webhook import Announcement, Invalid, Request, Unauthenticated, bearer, heard, json_body, proves

COMPLETED = "\\core\\event\\course_completed"


class CompletionSchema(Schema):
    """The parts of `course_completed` that are believed, as hints. The learner is `relateduserid`, never `userid`."""

    class Meta:
        unknown = EXCLUDE

    objectid = MoodleId(required=True)
    courseid = MoodleId(required=True)
    relateduserid = MoodleId(required=True)
    timecreated = MoodleId(required=True)


def hear_event(request: Request, secrets: tuple[str, ...]) -> Announcement:
    """Authenticate and read one request. The secret is in the body (`token`) or in a Bearer header.

    Raises:
        Unauthenticated, Unreadable, Invalid: see `pipeline.webhook`.
    """
    document = json_body(request)
    if not (proves(bearer(request.headers), secrets) or proves(document.pop("token", None), secrets)):
        raise Unauthenticated("no header or body token that belongs to this account")
    document.pop("token", None)
    body = json.dumps(document).encode()
    event_name = document.get("eventname")
    if event_name != COMPLETED:
        said = event_name if isinstance(event_name, str) else "no event name"
        return Announcement(key="", body=body, events=(), ignored=f"not a course completion: {said[:100]!r}")
    parts = heard(CompletionSchema(), document)
    at = int(parts["timecreated"])
    if not 0 < at <= (clock.now() + timedelta(days=1)).timestamp():
        raise Invalid({"timecreated": ["expected seconds since 1970 that are not in the future"]})
    # the row id names the completion (contract 1.5); course and learner are in the key because a site that was
    # restored from a backup counts its rows anew, and its completions must not pass for repeats
    key = f"course_completed:{parts['objectid']}:{parts['courseid']}:{parts['relateduserid']}"
    event = Event(
        key=key,
        learner=parts["relateduserid"],
        course=parts["courseid"],
        occurred_at=datetime.fromtimestamp(at, UTC),
    )
    return Announcement(key=key, body=body, events=(event,))
