"""How Credly writes things: envelopes, errors, instants, badges, templates, events (contract 1, 2, 7, 8, 9)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from werkzeug.wrappers import Response

from sandbox.platforms.credly.organization import Badge, Event, Template

Json = dict[str, Any]


def answer(document: Any, status: int = 200) -> Response:
    """An answer in JSON."""
    return Response(json.dumps(document), status=status, content_type="application/json; charset=utf-8")


def wrapped(data: Any, status: int = 200) -> Response:
    """One object in its envelope."""
    return answer({"data": data}, status)


def error(status: int, message: str) -> Response:
    """An error in its envelope."""
    return wrapped({"message": message}, status)


def written(at: datetime | None) -> str | None:
    """An instant as the API writes it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z" if at else None


def instant(text: str) -> datetime | None:
    """An instant as the API takes it, with an explicit offset; None where it is none (contract 2)."""
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S %z")
    except ValueError:
        pass  # the other form
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo is not None else None


def template_form(one: Template, organization: str, base_url: str) -> Json:
    """A badge template."""
    return {
        "id": one.id,
        "name": one.name,
        "state": one.state,
        "allow_duplicate_badges": one.allow_duplicate_badges,
        "recipient_type": "User",
        "image_url": f"{base_url}/images/{one.id}",
        "url": f"{base_url}/org/academy/badge/{one.id}",
        "vanity_slug": one.name.lower().replace(" ", "-"),
        "owner": {"type": "Organization", "id": organization},
        "skills": [],
        "badge_template_activities": [],
    }


def badge_form(one: Badge, organization: str, base_url: str) -> Json:
    """An issued badge, as it is listed, read, issued and revoked."""
    user = {
        "id": one.user,
        "email": one.user_email or one.recipient_email,
        "first_name": one.first,
        "last_name": one.last,
    }
    issued_at, expires_at = written(one.issued_at), written(one.expires_at)
    return {
        "id": one.id,
        "state": one.state,
        "issued_to": one.name,
        "issued_to_first_name": one.first,
        "issued_to_middle_name": one.middle,
        "issued_to_last_name": one.last,
        "issuer_earner_id": one.issuer_earner_id,
        "recipient_email": one.recipient_email,
        "locale": one.locale,
        "public": one.state == "accepted",
        "badge_url": f"{base_url}/badges/{one.id}",
        "image_url": f"{base_url}/images/{one.template.id}",
        "issued_at": issued_at,
        "issued_at_date": issued_at and issued_at[:10],
        "expires_at": expires_at,
        "expires_at_date": expires_at and expires_at[:10],
        "created_at": written(one.created_at),
        "updated_at": written(one.state_updated_at),
        "state_updated_at": written(one.state_updated_at),
        "replacement_badge_id": None,
        "replaces_badge_id": None,
        "revocation_reason": one.reason,
        "suppress_badge_notification_email": one.suppressed,
        "user": {**user, "confirmed": one.state != "pending", "url": f"{base_url}/users/{one.user}"},
        "badge_template": template_form(one.template, organization, base_url),
        "evidence": [],
    }


def event_form(one: Event) -> Json:
    """An event as it is read back; its subject stands under its own name."""
    subject = one.kind.partition(".")[0]
    return {"id": one.id, "event_type": one.kind, "occurred_at": written(one.occurred_at), subject: dict(one.subject)}


def pointer_form(one: Event, organization: str) -> Json:
    """An event as the webhook tells it."""
    return {
        "id": one.id,
        "organization_id": organization,
        "event_type": one.kind,
        "occurred_at": written(one.occurred_at),
    }
