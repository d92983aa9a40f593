"""What Accredible lets through: the fields of a credential, and what is refused in which words.

The rules come from the vendor's API reference. What that leaves open is marked `assumed`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sandbox.shapes import is_day, is_email

#: what a credential may hold on creation; anything else is passed over, and noted in `ignored_fields`
FIELDS = frozenset(
    {
        "id",
        "group_id",
        "recipient",
        "name",
        "description",
        "issued_on",
        "expired_on",
        "complete",
        "private",
        "approve",
        "custom_attributes",
        "meta_data",
        "evidence_items",
        "references",
        "allow_supplemental_evidence",
        "allow_supplemental_references",
    }
)
RECIPIENT_FIELDS = frozenset({"name", "email", "id", "phone_number", "meta_data"})


@dataclass(frozen=True, kw_only=True)
class Group:
    """The achievement that credentials are issued for."""

    id: int
    name: str
    course_name: str | None = None
    course_description: str | None = None
    allow_duplicate_credentials: bool = False
    auto_expiry: int | None = None
    certificate_design_id: int | None = 12
    badge_design_id: int | None = 13
    meta_data: Mapping[str, str] = field(default_factory=dict)


class Invalid(Exception):
    """A call that the platform refuses: the `errors` of its answer."""

    def __init__(self, errors: str | dict[str, list[str]]) -> None:
        super().__init__(str(errors))
        self.errors = errors


def check_new(given: Any, groups: Mapping[int, Group]) -> Group:
    """The group that a new credential is for.

    Raises:
        Invalid: something is missing or of a wrong form.
    """
    if not isinstance(given, dict) or not isinstance(given.get("recipient"), dict):
        raise Invalid("Can not create credential without recipient data")
    group = groups.get(given["group_id"]) if type(given.get("group_id")) is int else None
    if group is None:
        raise Invalid("Invalid Group")
    errors = {}
    for name in ("name", "email"):
        if not _filled(given["recipient"].get(name)):
            errors[f"recipient.{name}"] = ["can't be blank"]
    if not (_filled(given.get("name")) or group.course_name):
        errors["course_name"] = ["can't be blank"]
    if not (_filled(given.get("description")) or group.course_description):
        errors["course_description"] = ["can't be blank"]
    if errors:
        raise Invalid(errors)
    check_fields(given)
    return group


def _filled(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def check_fields(given: dict[str, Any]) -> None:
    """Refuse values of a wrong type. assumed: the vendor's keys and texts for these are not documented.

    Raises:
        Invalid: naming every such value.
    """
    recipient = given.get("recipient", {})
    if not isinstance(recipient, dict):
        raise Invalid("Can not create credential without recipient data")
    found = {name: given[name] for name in _TYPES if name in given}
    found |= {f"recipient.{name}": recipient[name] for name in _RECIPIENT_TYPES if name in recipient}
    wrong = [name for name, value in found.items() if not _ALL_TYPES[name](value)]
    if wrong:
        raise Invalid({name: ["is invalid"] for name in wrong})


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _text(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _day(value: Any) -> bool:
    # DD/MM/YYYY is deprecated at the vendor and refused here
    return value is None or is_day(value)


def _pairs(value: Any) -> bool:
    return value is None or isinstance(value, dict)


def _list(value: Any) -> bool:
    return value is None or isinstance(value, list)


def _texts(value: Any) -> bool:
    return value is None or (isinstance(value, dict) and all(isinstance(one, str) for one in value.values()))


_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "id": _text,
    "name": _text,
    "description": _text,
    "issued_on": _day,
    "expired_on": _day,
    "approve": _flag,
    "private": _flag,
    "complete": _flag,
    "custom_attributes": _pairs,
    "meta_data": _texts,
    "evidence_items": _list,
    "references": _list,
}
_RECIPIENT_TYPES: Mapping[str, Callable[[Any], bool]] = {"email": is_email, "id": _text, "meta_data": _texts}
_ALL_TYPES = {**_TYPES, **{f"recipient.{name}": test for name, test in _RECIPIENT_TYPES.items()}}


def recipient_of(given: dict[str, Any]) -> dict[str, Any]:
    """The recipient as it is kept."""
    return {
        "name": given["name"],
        "email": given["email"],
        "phone_number": given.get("phone_number"),
        "id": given.get("id"),
        "meta_data": dict(given.get("meta_data") or {}),
    }


def ignored(given: dict[str, Any]) -> tuple[str, ...]:
    """The fields that the platform passes over in silence."""
    inside = (f"recipient.{name}" for name in set(given.get("recipient", {})) - RECIPIENT_FIELDS)
    return tuple(sorted([*(set(given) - FIELDS), *inside]))


def expiry(group: Group, issued_on: str) -> str | None:
    """The day on which a credential of this group ends by itself."""
    if group.auto_expiry is None:
        return None
    day = date.fromisoformat(issued_on)
    year = day.year + group.auto_expiry
    try:
        return day.replace(year=year).isoformat()
    except ValueError:  # 29 February in a year that has none
        return day.replace(year=year, day=28).isoformat()
