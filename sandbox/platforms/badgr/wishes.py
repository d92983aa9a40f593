"""What an award may be asked to be: each field as the source of the server checks it (contract 4)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

Errors = dict[str, Any]

RECIPIENT_TYPES = ("email", "url", "openBadgeId", "telephone")
_EMAIL = re.compile(r"[^@\s]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_TAG = re.compile(r"<[^>]*>")
_TRUE = {True, "true", "True", "TRUE", "1", "on", "On", "ON", "t", "T"}
_FALSE = {False, "false", "False", "FALSE", "0", "off", "Off", "OFF", "f", "F"}
_BAD_TYPE = {
    "url": "Enter a valid URL.",
    "openBadgeId": "Enter a valid URL.",
    "telephone": "Telephone number does not conform to E.164",
}
_TELEPHONE = re.compile(r"\+?[1-9]\d{1,14}")
#: what the serializer of an award knows; it passes over anything else
KNOWN = frozenset(
    {
        "recipient",
        "issuedOn",
        "expires",
        "narrative",
        "evidence",
        "notify",
        "allowDuplicateAwards",
        "extensions",
        "badgeclass",
        "badgeclassOpenBadgeId",
        "badgeclassName",
    }
)
_RECIPIENT = frozenset({"identity", "type", "hashed"})


class Wrong(ValueError):
    """A field that is not taken; holds what the answer says of it."""

    def __init__(self, said: Any) -> None:
        super().__init__(str(said))
        self.said = said


def read(item: Any) -> tuple[dict[str, Any], Errors]:
    """The fields of an award as they will be kept, and what is wrong with them by their names."""
    if not isinstance(item, Mapping):
        return {}, {"non_field_errors": [f"Invalid data. Expected a dictionary, but got {type(item).__name__}."]}
    found: dict[str, Any] = {}
    errors: Errors = {}
    for name, check in _CHECKS.items():
        if name in item:
            try:
                found[name] = check(item[name])
            except Wrong as wrong:
                errors[name] = wrong.said
    return found, errors


def passed_over(item: Any) -> set[str]:
    """The names of fields that nothing is done with."""
    if not isinstance(item, Mapping):
        return set()
    recipient = item.get("recipient")
    inner = set(recipient) - _RECIPIENT if isinstance(recipient, Mapping) else set()
    return {*(set(item) - KNOWN), *(f"recipient.{name}" for name in inner)}


def _recipient(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise Wrong({"non_field_errors": ["Invalid data. Expected a dictionary."]})
    identity, kind, hashed = value.get("identity"), value.get("type", "email"), value.get("hashed")
    if "identity" not in value:
        raise Wrong({"identity": ["This field is required."]})
    if not isinstance(identity, str) or not identity.strip():
        raise Wrong({"identity": ["This field may not be blank."]})
    if kind not in RECIPIENT_TYPES:
        raise Wrong({"type": [f'"{kind}" is not a valid choice.']})
    if hashed is not None and not isinstance(hashed, bool):
        raise Wrong({"hashed": ["Must be a valid boolean."]})
    if kind == "email" and not _EMAIL.fullmatch(identity.strip()):
        raise Wrong({"non_field_errors": ["Enter a valid email address."]})
    bad = not _TELEPHONE.fullmatch(identity) if kind == "telephone" else "://" not in identity
    if kind != "email" and bad:
        raise Wrong({"non_field_errors": [_BAD_TYPE[kind]]})
    usual = kind in {"email", "telephone"}
    return {"identity": identity.strip(), "type": kind, "hashed": usual if hashed is None else hashed}


def instant(value: Any) -> datetime:
    """An instant; UTC where it does not say.

    Raises:
        Wrong: it is none.
    """
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) and len(value) > len("2026-01-31") else None
    except ValueError:
        at = None
    if at is None:
        raise Wrong(["Datetime has wrong format. Use one of these formats instead: YYYY-MM-DDThh:mm[:ss[.uuuuuu]]."])
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def _issued_on(value: Any) -> datetime:
    at = instant(value)
    if at > datetime.now(UTC):
        raise Wrong(["Only issuedOn dates in the past are acceptable."])
    if at.year < 1583:
        raise Wrong(["Only issuedOn dates after the introduction of the Gregorian calendar are allowed."])
    return at


def _expires(value: Any) -> datetime | None:
    return None if value is None else instant(value)


def _narrative(value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise Wrong(["Not a valid string."])
    if not value.strip():
        raise Wrong(["This field may not be blank."])
    if "![" in value:
        raise Wrong(["Images not supported in markdown"])
    return _TAG.sub("", value).strip()


def _evidence(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise Wrong({"non_field_errors": ["Expected a list of items."]})
    if any(not (one.get("url") or one.get("narrative")) for one in value):
        raise Wrong([{"non_field_errors": ["Either url or narrative is required"]}])
    return [{"url": one.get("url"), "narrative": one.get("narrative")} for one in value]


def _flag(value: Any) -> bool:
    if not isinstance(value, bool | int | str) or value not in _TRUE | _FALSE:
        raise Wrong(["Must be a valid boolean."])
    return value in _TRUE


def _extensions(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Wrong(["Expected a dictionary of items."])
    for one in value.values():
        if not (isinstance(one, dict) and "@context" in one and "type" in one):
            raise Wrong(["Invalid OpenBadges Extension"])
    return value


_CHECKS: Mapping[str, Callable[[Any], Any]] = {
    "recipient": _recipient,
    "issuedOn": _issued_on,
    "expires": _expires,
    "narrative": _narrative,
    "evidence": _evidence,
    "notify": _flag,
    "allowDuplicateAwards": _flag,
    "extensions": _extensions,
    "badgeclass": lambda value: value,
    "badgeclassOpenBadgeId": lambda value: value,
    "badgeclassName": lambda value: value,
}
