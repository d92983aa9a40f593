"""What the web service takes for the request to issue a badge, and the badge it makes of it (contract 2)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sandbox.platforms.credly.forms import instant
from sandbox.platforms.credly.organization import Badge, Organization
from sandbox.shapes import (
    Check,
    Field,
    Problem,
    Refused,
    any_text,
    email,
    flag,
    listing,
    may,
    need,
    one_of,
    require,
    structure,
    text,
    url,
)

_LOCALES = ("en", "fr", "de", "ko", "ja", "zh-CN", "pt", "es-ES", "es-US", "fr-CA", "pt-BR")
_URL_EVIDENCE: Check = structure({"type": need(one_of(("UrlEvidence",))), "name": need(text), "value": need(url)})


def _instant(value: Any, at: str) -> list[Problem]:
    known = isinstance(value, str) and instant(value) is not None
    return [] if known else [Problem(at, "must be a date and time with its offset")]


def _past(value: Any, at: str) -> list[Problem]:
    wrong = _instant(value, at)
    found = None if wrong else instant(value)
    return [Problem(at, "must not be in the future")] if found and found > datetime.now(UTC) else wrong


def _until(value: Any, at: str) -> list[Problem]:
    return [] if value is False else _instant(value, at)


_FIELDS: dict[str, Field] = {
    "recipient_email": need(email),
    "badge_template_id": need(text),
    "issued_at": need(_past),
    "issued_to_first_name": need(text),
    "issued_to_last_name": need(text),
    "issued_to_middle_name": may(any_text, nullable=True),
    "issuer_earner_id": may(text, nullable=True),
    "expires_at": may(_until, nullable=True),
    "locale": may(one_of(_LOCALES), nullable=True),
    "suppress_badge_notification_email": may(flag),
    "country_name": may(any_text, nullable=True),
    "state_or_province": may(any_text, nullable=True),
    "evidence": may(listing(_URL_EVIDENCE), nullable=True),
}


def unknown_members(body: Any) -> set[str]:
    """The members of a request that are passed over in silence."""
    return set(body) - set(_FIELDS) if isinstance(body, dict) else set()


def issued_badge(organization: Organization, body: Any) -> Badge:
    """The badge that a request asks for, not yet taken in.

    Raises:
        Refused: a member is missing or wrong, or the template cannot be issued from.
    """
    known = {name: value for name, value in body.items() if name in _FIELDS} if isinstance(body, dict) else body
    require(known, structure(_FIELDS))
    template = organization.templates.get(known["badge_template_id"].lower())
    if template is None:
        raise Refused([Problem("badge_template_id", "must exist")])
    if template.state != "active":
        raise Refused([Problem("badge_template_id", f"is {template.state}")])
    begins, until = instant(known["issued_at"]), known.get("expires_at")
    assert begins is not None  # noqa: S101 - checked above
    return Badge(
        template=template,
        recipient_email=known["recipient_email"],
        first=known["issued_to_first_name"],
        middle=known.get("issued_to_middle_name"),
        last=known["issued_to_last_name"],
        user=organization.user_of(known["recipient_email"]),
        issuer_earner_id=known.get("issuer_earner_id"),
        issued_at=begins,
        expires_at=instant(until) if until else None,
        locale=known.get("locale") or "en",
        suppressed=known.get("suppress_badge_notification_email", False),
        never_expires=until is False,
    )
