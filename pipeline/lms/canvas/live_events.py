"""Deliveries of Live Events: signed or not, alone or several, and what of them is kept (contract 1.2, 1.3)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pipeline.lms.canvas.completion_event import completion
from pipeline.lms.canvas.freshness import require_fresh, require_root_account
from pipeline.lms.canvas.signed import KeySet
from pipeline.webhook import Announcement, Invalid, Request, Unauthenticated, delivery_key, json_in

#: what of the metadata is kept; the rest tells of the person's device, session and log-in
_KEPT = {
    "context_id", "context_type", "event_name", "event_time", "job_id", "job_tag", "producer", "request_id",
    "root_account_id", "root_account_uuid", "user_id",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What an account believes: signatures of `keys` (None: unsigned events), one root account, for how long."""

    keys: KeySet | None
    root_account_uuid: str | None
    max_age: timedelta


def hear_events(request: Request, terms: Terms) -> Announcement:
    """Read one delivery: an event or a list of events, signed ones each by itself.

    Raises:
        Unauthenticated, Unreadable, Invalid: see `pipeline.webhook`.
        Outage: the keys cannot be read.
    """
    documents = _unsigned(request.body) if terms.keys is None else _signed(request.body, terms.keys, terms.max_age)
    for document in documents:
        require_root_account(document, terms.root_account_uuid)
    body = json.dumps([_without_device(document) for document in documents]).encode()
    found, reasons = {}, []
    for document in documents:
        event, reason = completion(document)
        if event is not None:
            found[event.key] = event
        else:
            reasons.append(reason)
    if not found:
        return Announcement(key="", body=body, events=(), ignored="; ".join(sorted(set(reasons))[:5]))
    return Announcement(key=delivery_key(found), body=body, events=tuple(found.values()))


def _unsigned(body: bytes) -> list[dict[str, Any]]:
    return _objects(json_in(body))


def _signed(body: bytes, keys: KeySet, max_age: timedelta) -> list[dict[str, Any]]:
    """The payloads of a bare JWT, of one as JSON text, or of a list of such (contract 1.3, assumed)."""
    if body.lstrip().startswith((b'"', b"[")):
        said = json_in(body)
        tokens = said if isinstance(said, list) else [said]
    else:
        tokens = [body.decode("ascii", "replace")]
    if not tokens or not all(isinstance(token, str) for token in tokens):
        raise Unauthenticated("the event is not signed")
    documents = _objects([json_in(keys.verified(token)) for token in tokens])
    for document in documents:
        require_fresh(document, max_age)
    return documents


def _objects(said: Any) -> list[dict[str, Any]]:
    documents = said if isinstance(said, list) else [said]
    if not documents or not all(isinstance(one, dict) and isinstance(one.get("metadata"), dict) for one in documents):
        raise Invalid({"metadata": ["expected an event in Canvas format, or a list of them"]})
    return documents


def _without_device(document: Mapping[str, Any]) -> dict[str, Any]:
    metadata = {name: value for name, value in document["metadata"].items() if name in _KEPT}
    return {"metadata": metadata, "body": document.get("body")}
