"""Accredible's credential search (version 2): its query language, its order, its two kinds of paging."""

from __future__ import annotations

import base64
import binascii
import json
import operator
import re
from collections.abc import Callable, Iterable
from typing import Any

from sandbox.platforms.accredible.account import Credential
from sandbox.shapes import is_day

_DEFAULT_SIZE = 50
_REACH = 10_000
_KEY = re.compile(r"([a-z_.]+)(?:\[([a-z]+)\])?")
_LISTS = ("eq", "in")
_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
}


def uuid_of(credential: Credential) -> str:
    """A credential's second, public name."""
    return f"00000000-0000-4000-8000-{credential.id:012d}"


_FIELDS: dict[str, tuple[str, Callable[[Credential], Any]]] = {
    "uuid": ("text", uuid_of),
    "group.id": ("id", lambda one: one.group.id),
    "recipient_name": ("text", lambda one: one.recipient["name"]),
    "recipient_email": ("text", lambda one: one.recipient["email"]),
    "recipient_id": ("text", lambda one: one.recipient["id"]),
    "license_id": ("text", lambda one: one.own_id),
    "approve": ("flag", lambda one: one.approve),
    "issued_on": ("day", lambda one: one.issued_on),
    "expired_on": ("day", lambda one: one.expired_on),
    "updated_at": ("day", lambda one: one.updated_at[:10]),
    "created_at": ("day", lambda one: one.created_at[:10]),
    "meta_data": ("object", lambda one: one.meta_data),
    "recipient_meta_data": ("object", lambda one: one.recipient["meta_data"]),
    "custom_attributes": ("object", lambda one: one.custom_attributes),
}
_SORTS: dict[str, Callable[[Credential], Any]] = {
    "id": lambda one: one.id,
    "recipient_name": lambda one: one.recipient["name"],
    "group.name": lambda one: one.group.name,
    "issued_on": lambda one: one.issued_on,
    "expired_on": lambda one: one.expired_on or "",
}


class InvalidQuery(ValueError):
    """A search that the platform does not understand."""


def search(credentials: Iterable[Credential], body: Any) -> tuple[list[Credential], dict[str, Any]]:
    """The credentials of one page, and the `meta` of the answer.

    Raises:
        InvalidQuery: naming what is not understood.
    """
    if not isinstance(body, dict) or not isinstance(body.get("query"), dict):
        raise InvalidQuery("query is required")
    unknown = sorted(set(body) - {"query", "sort", "page"})
    if unknown:
        raise InvalidQuery(f"unknown: {', '.join(unknown)}")
    tests = [_test(str(key), value) for key, value in body["query"].items()]
    found = [one for one in credentials if all(test(one) for test in tests)]
    return _page(_sorted(found, body.get("sort") or {}), body.get("page") or {})


def _test(key: str, value: Any) -> Callable[[Credential], bool]:
    parts = _KEY.fullmatch(key)
    if parts is None or parts[1] not in _FIELDS:
        raise InvalidQuery(f"unknown field {key}")
    kind, read = _FIELDS[parts[1]]
    name = parts[2] or "eq"
    _check_operator(key, kind, parts[2])
    if name == "in":
        if not isinstance(value, list):
            raise InvalidQuery(f"{key} takes a list")
        for one in value:
            _check_value(key, kind, one)
        return lambda one: read(one) in value
    _check_value(key, kind, value)
    if kind == "object":
        return lambda one: value.items() <= read(one).items()
    if name == "eq":
        return lambda one: bool(read(one) == value)
    compare = _ORDERS[name]
    return lambda one: read(one) is not None and compare(read(one), value)


def _check_operator(key: str, kind: str, name: str | None) -> None:
    allowed: dict[str, tuple[str, ...]] = {"day": (*_LISTS, *_ORDERS), "flag": ("eq",), "object": ()}
    if name is not None and name not in allowed.get(kind, _LISTS):
        raise InvalidQuery(f"{key}: operator {name} is not allowed here")


def _check_value(key: str, kind: str, value: Any) -> None:
    good = {
        "id": type(value) is int,
        "text": isinstance(value, str),
        "flag": isinstance(value, bool),
        "day": is_day(value),
        "object": isinstance(value, dict),
    }[kind]
    if not good:
        raise InvalidQuery(f"{key}: the value is not of the right type")


def _sorted(found: list[Credential], sort: Any) -> list[Credential]:
    if not isinstance(sort, dict):
        raise InvalidQuery("sort takes an object")
    found = sorted(found, key=lambda one: one.id)
    # the last key first: sorting is stable, so the first key decides in the end
    for key, direction in reversed(sort.items()):
        if key not in _SORTS or direction not in ("asc", "desc"):
            raise InvalidQuery(f"cannot sort by {key} {direction}")
        found = sorted(found, key=_SORTS[key], reverse=direction == "desc")
    return found


def _page(found: list[Credential], page: Any) -> tuple[list[Credential], dict[str, Any]]:
    if not isinstance(page, dict) or set(page) - {"from", "size", "cursor"}:
        raise InvalidQuery("page takes from and size, or cursor and size")
    if "from" in page and "cursor" in page:
        raise InvalidQuery("page takes from or cursor, not both")
    start, size = page.get("from", 0), page.get("size", _DEFAULT_SIZE)
    if type(start) is not int or type(size) is not int or start < 0 or size < 1:
        raise InvalidQuery("page.from and page.size are whole numbers")
    if page.get("cursor") is not None:
        start = _after(found, page["cursor"])
    elif start + size > _REACH:
        raise InvalidQuery(f"page.from and page.size reach only the first {_REACH} results")
    rows = found[start : start + size]
    # a cursor comes with every page that holds something: that nothing follows is learnt from the next page
    cursor = base64.b64encode(json.dumps([rows[-1].id]).encode()).decode() if rows else None
    return rows, {"count": len(found), "from": start, "size": size, "cursor": cursor}


def _after(found: list[Credential], cursor: Any) -> int:
    try:
        (last,) = json.loads(base64.b64decode(cursor, validate=True))
        return 1 + next(place for place, one in enumerate(found) if one.id == last)
    except (binascii.Error, ValueError, TypeError, StopIteration):
        raise InvalidQuery("page.cursor is none that this search gave") from None
