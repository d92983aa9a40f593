"""Live Events in raw format: which of them is a completion, and what of it is taken for a hint (contract 1)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

from marshmallow import ValidationError, fields

from pipeline import clock
from pipeline.attestation import Claim
from pipeline.lms.canvas.notation import Instant, Lenient, LocalId, Words
from pipeline.lms.canvas.signed import KeySet
from pipeline.values import Event
from pipeline.webhook import Announcement, Invalid, Request, Unauthenticated, Unreadable

COMPLETED = "course_completed"
#: how far Canvas's clock may be ahead of ours
_AHEAD = timedelta(minutes=5)
#: why events that one may well subscribe to say nothing here
_IGNORED = {
    "course_progress": "requirements of the course are still open",
    "grade_change": "grades are read when the course is completed",
    "course_grade_change": "grades are read when the course is completed",
    "enrollment_created": "enrolments are read when the course is completed",
    "enrollment_updated": "enrolments are read when the course is completed",
    "enrollment_state_created": "enrolments are read when the course is completed",
    "enrollment_state_updated": "a concluded enrolment is no completion",
    "submission_created": "work handed in is no completion",
    "submission_updated": "work handed in is no completion",
    "quiz_submitted": "a quiz handed in is no completion",
}
#: what of the metadata is kept; the rest tells of the person's device, session and log-in
_KEPT = {
    "context_id", "context_type", "event_name", "event_time", "job_id", "job_tag", "producer", "request_id",
    "root_account_id", "root_account_uuid", "user_id",
}  # fmt: skip


class _ProgressSchema(Lenient):
    error = fields.Dict(load_default=None, allow_none=True)
    completed_at = Instant(load_default=None, allow_none=True)


class _CourseSchema(Lenient):
    id = LocalId(required=True)


class _UserSchema(Lenient):
    id = LocalId(required=True)
    name = Words(load_default=None, allow_none=True)
    email = Words(load_default=None, allow_none=True)


class _BodySchema(Lenient):
    course = fields.Nested(_CourseSchema, required=True)
    progress = fields.Nested(_ProgressSchema, required=True)
    user = fields.Nested(_UserSchema, required=True)


class _MetadataSchema(Lenient):
    event_time = Instant(load_default=None, allow_none=True)
    root_account_id = LocalId(load_default=None, allow_none=True)


class _CompletedSchema(Lenient):
    """`course_completed`. The learner is `body.user`; `metadata.user_id` is whoever caused the event."""

    metadata = fields.Nested(_MetadataSchema, required=True)
    body = fields.Nested(_BodySchema, required=True)


class _ClaimsSchema(Lenient):
    """What a signed event says of time. No `exp` is documented (contract 1.3); one that is there holds."""

    exp = fields.Integer(load_default=None, strict=True)
    nbf = fields.Integer(load_default=None, strict=True)
    iat = fields.Integer(load_default=None, strict=True)
    metadata = fields.Nested(_MetadataSchema, required=True)


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
        _require_root_account(document, terms.root_account_uuid)
    body = json.dumps([_without_device(document) for document in documents]).encode()
    found, reasons = {}, []
    for document in documents:
        event, reason = _event(document)
        if event is not None:
            found[event.key] = event
        else:
            reasons.append(reason)
    if not found:
        return Announcement(key="", body=body, events=(), ignored="; ".join(sorted(set(reasons))[:5]))
    digest = hashlib.sha256("\n".join(sorted(found)).encode()).hexdigest()
    key = next(iter(found)) if len(found) == 1 else f"batch:{digest}"
    return Announcement(key=key, body=body, events=tuple(found.values()))


def event_key(*, root_account: str, course: str, learner: str, completed_at: datetime) -> str:
    """The key of a completion, from an event and from the API alike: ids are local, the time is to the second."""
    return f"completed:{root_account}:{course}:{learner}:{completed_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _unsigned(body: bytes) -> list[dict[str, Any]]:
    return _objects(_parsed(body))


def _signed(body: bytes, keys: KeySet, max_age: timedelta) -> list[dict[str, Any]]:
    """The payloads of a bare JWT, of one as JSON text, or of a list of such (contract 1.3, assumed)."""
    trimmed = body.strip()
    if trimmed.startswith(b"{"):
        raise Unauthenticated("the event is not signed")
    if trimmed.startswith((b'"', b"[")):
        said = _parsed(trimmed)
        tokens = said if isinstance(said, list) else [said]
    else:
        tokens = [trimmed.decode("ascii", "replace")]
    if not tokens or not all(isinstance(token, str) for token in tokens):
        raise Unauthenticated("the event is not signed")
    documents = _objects([_parsed(keys.verified(token)) for token in tokens])
    for document in documents:
        _require_fresh(document, max_age)
    return documents


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Unreadable("the body is no JSON in UTF-8") from None


def _objects(said: Any) -> list[dict[str, Any]]:
    documents = said if isinstance(said, list) else [said]
    if not documents or not all(isinstance(one, dict) and isinstance(one.get("metadata"), dict) for one in documents):
        raise Invalid({"metadata": ["expected an event in Canvas format, or a list of them"]})
    return documents


def _require_fresh(document: Mapping[str, Any], max_age: timedelta) -> None:
    """Refuse what was signed for another time: a payload that somebody kept is no news."""
    try:
        said = _ClaimsSchema().load(document)
    except ValidationError as fault:
        raise Invalid(fault.normalized_messages()) from None  # type: ignore[no-untyped-call]
    now = clock.now()
    at: datetime | None = said["metadata"]["event_time"]
    if at is None or not now - max_age <= at <= now + _AHEAD:
        raise Unauthenticated("the event's time is too far from now")
    seconds, slack = now.timestamp(), _AHEAD.total_seconds()
    if said["exp"] is not None and said["exp"] + slack < seconds:
        raise Unauthenticated("the signature has expired")
    if any(said[name] is not None and said[name] - slack > seconds for name in ("nbf", "iat")):
        raise Unauthenticated("the signature is of the future")
    if said["iat"] is not None and said["iat"] + max_age.total_seconds() < seconds:
        raise Unauthenticated("the signature is too old")


def _require_root_account(document: Mapping[str, Any], uuid: str | None) -> None:
    if uuid is not None and document["metadata"].get("root_account_uuid") != uuid:
        raise Unauthenticated("the event is of another root account")


def _event(document: Mapping[str, Any]) -> tuple[Event | None, str]:
    """The completion, or why there is none in it."""
    name = document["metadata"].get("event_name")
    if name != COMPLETED:
        said = repr(name[:100]) if isinstance(name, str) else "no event name"
        why = _IGNORED.get(name) if isinstance(name, str) else None
        return None, f"not a course completion: {said}" + (f" ({why})" if why else "")
    try:
        parts = _CompletedSchema().load(document)
    except ValidationError as fault:
        raise Invalid(fault.normalized_messages()) from None  # type: ignore[no-untyped-call]
    course, learner, progress = parts["body"]["course"]["id"], parts["body"]["user"], parts["body"]["progress"]
    if progress["error"] is not None:
        return None, "a completion without progress: the course has no module requirements"
    at: datetime | None = progress["completed_at"]
    if at is None or at > clock.now() + timedelta(days=1):
        raise Invalid({"body": {"progress": {"completed_at": ["expected an instant that is not in the future"]}}})
    root_account = parts["metadata"]["root_account_id"] or ""
    return Event(
        key=event_key(root_account=root_account, course=course, learner=learner["id"], completed_at=at),
        learner=learner["id"],
        course=course,
        occurred_at=at,
        claim=Claim(where="event", name=learner["name"] or None, email=learner["email"] or None),
    ), ""


def _without_device(document: Mapping[str, Any]) -> dict[str, Any]:
    metadata = {name: value for name, value in document["metadata"].items() if name in _KEPT}
    return {"metadata": metadata, "body": document.get("body")}


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
