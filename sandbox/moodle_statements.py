"""Completions as `logstore_xapi` sends them: a JSON list of xAPI statements, under HTTP Basic."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sandbox.posting import Outgoing

USER = "moodle"
ACTORS = ("id", "username", "mbox", "hashed_mbox")
_INFO = "http://lrs.learninglocker.net/define/extensions/info"
_PLUGIN = "https://github.com/xAPI-vle/moodle-logstore_xapi"
_COMPLETED = {"id": "http://adlnet.gov/expapi/verbs/completed", "display": {"en": "completed"}}
_VIEWED = {"id": "http://id.tincanapi.com/verb/viewed", "display": {"en": "viewed"}}


@dataclass(frozen=True, kw_only=True)
class Told:
    """What one statement is about: the learner (the event's `relateduserid`), the course, when. `at` in seconds."""

    learner: int
    name: str
    email: str
    username: str
    course: int
    title: str
    at: int


def statements(told: Sequence[Told], *, site: str, actor: str, names: bool, noise: bool) -> list[dict[str, Any]]:
    """The batch. `noise` puts events of another kind beside the completions, as a store that sends all has them."""
    batch = []
    for one in told:
        who = _actor(one, site, actor, names)
        if noise:
            batch.append(_statement(one, site, who, _VIEWED, "course_viewed"))
        batch.append(_statement(one, site, who, _COMPLETED, "course_completed"))
    return batch


def outgoing(batch: Sequence[Mapping[str, Any]], *, secret: str) -> Outgoing:
    """The request for a batch."""
    headers = {
        "Authorization": f"Basic {b64encode(f'{USER}:{secret}'.encode()).decode()}",
        "X-Experience-API-Version": "1.0.3",
        "Content-Type": "application/json",
    }
    raw = json.dumps(batch, separators=(",", ":")).replace("/", "\\/")
    return Outgoing(list(batch), headers, raw)


def _actor(told: Told, site: str, actor: str, names: bool) -> dict[str, Any]:
    who: dict[str, Any] = {"name": told.name} if names else {}
    if actor == "mbox":
        return {**who, "objectType": ["Agent"], "mbox": f"mailto:{told.email}"}
    if actor == "hashed_mbox":
        return {**who, "objectType": ["Agent"], "mbox_sha1sum": "0" * 40}
    name = told.username if actor == "username" else str(told.learner)
    return {**who, "account": {"homePage": site, "name": name}}


def _statement(told: Told, site: str, who: dict[str, Any], verb: dict[str, Any], event: str) -> dict[str, Any]:
    return {
        "actor": who,
        "verb": verb,
        "object": {
            "id": f"{site}/course/view.php?id={told.course}",
            "definition": {
                "type": "http://id.tincanapi.com/activitytype/lms/course",
                "name": {"en": told.title},
            },
        },
        "timestamp": datetime.fromtimestamp(told.at, UTC).isoformat(),
        "context": {
            "platform": "Moodle",
            "language": "en",
            "extensions": {
                _INFO: {
                    "http://moodle.org": "5.1 (Build: 20251017)",
                    _PLUGIN: "v5.0.1",
                    "event_name": f"\\core\\event\\{event}",
                    "event_function": f"\\src\\transformer\\events\\core\\{event}",
                }
            },
            "contextActivities": {
                "grouping": [{"id": site, "definition": {"type": "http://id.tincanapi.com/activitytype/lms"}}],
                "category": [{"id": _PLUGIN, "definition": {"type": "http://id.tincanapi.com/activitytype/source"}}],
            },
        },
    }
