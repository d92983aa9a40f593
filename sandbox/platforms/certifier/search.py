"""The grammar of a search: AND, OR and NOT take lists, a condition is one field with one operator (contract 5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sandbox.platforms.certifier.answers import Problem

Json = dict[str, Any]
Test = Callable[[Json], bool]

_SORTED = ("id", "createdAt", "updatedAt", "issueDate", "expiryDate")
_STATUSES = ("draft", "scheduled", "issued", "expired")
#: of text; an address is compared as it was written, capital letters and all
_OPERATORS: Mapping[str, Callable[[str, Any], bool]] = {
    "equals": lambda value, wanted: value == wanted,
    "contains": lambda value, wanted: wanted in value,
    "startsWith": lambda value, wanted: value.startswith(wanted),
    "endsWith": lambda value, wanted: value.endswith(wanted),
    "in": lambda value, wanted: value in wanted,
}
#: what can be asked for, as a path; dates have operators of their own, which are not known
_FIELDS = {"status": ("status",), "groupId": ("groupId",), "id": ("id",), "publicId": ("publicId",)}


def searched(body: Mapping[str, Any], known: Iterable[Json], *, groups_searchable: bool) -> list[Json]:
    """Those that fit a request's `filter`, in the order of its `sort`.

    Raises:
        Problem: the request has another shape.
    """
    fields = {name: path for name, path in _FIELDS.items() if groups_searchable or name != "groupId"}
    test = _test(body["filter"], fields) if "filter" in body else lambda _: True
    found = [one for one in known if test(one)]
    if "sort" not in body:
        return found
    sort = body["sort"]
    if not isinstance(sort, dict) or set(sort) != {"property", "order"}:
        raise Problem(400, "sort needs property and order, and nothing else")
    if sort["property"] not in _SORTED or sort["order"] not in ("asc", "desc"):
        raise Problem(400, "sort.property or sort.order is not one of those there are")
    found.sort(key=lambda one: (one[sort["property"]] or "", one["id"]), reverse=sort["order"] == "desc")
    return found


def _test(given: Any, fields: Mapping[str, tuple[str, ...]]) -> Test:
    if not isinstance(given, dict) or len(given) != 1:
        raise Problem(400, "a condition is an object with one member")
    [(name, value)] = given.items()
    if name in ("AND", "OR", "NOT"):
        if not isinstance(value, list) or not value:
            raise Problem(400, f"{name} needs a list")
        tests = [_test(one, fields) for one in value]
        if name == "AND":
            return lambda one: all(test(one) for test in tests)
        fits: Test = lambda one: any(test(one) for test in tests)  # noqa: E731 - one of three of the same form
        return fits if name == "OR" else lambda one: not fits(one)
    if name == "recipient":
        if not isinstance(value, dict) or len(value) != 1 or not set(value) <= {"name", "email"}:
            raise Problem(400, "recipient needs one of name and email")
        [(part, condition)] = value.items()
        return _condition(("recipient", part), condition)
    if name not in fields:
        raise Problem(400, f"{name} cannot be searched")
    if name == "status":
        _known_statuses(value)
    return _condition(fields[name], value)


def _condition(path: tuple[str, ...], given: Any) -> Test:
    if not isinstance(given, dict) or len(given) != 1 or not set(given) <= set(_OPERATORS):
        raise Problem(400, "a field needs one operator")
    [(name, wanted)] = given.items()
    texts = wanted if name == "in" and isinstance(wanted, list) else [wanted]
    if (name == "in") != isinstance(wanted, list) or not all(isinstance(one, str) for one in texts):
        raise Problem(400, f"{name} needs {'a list of texts' if name == 'in' else 'a text'}")

    def test(one: Json) -> bool:
        value: Any = one
        for part in path:
            value = value[part]
        return isinstance(value, str) and _OPERATORS[name](value, wanted)

    return test


def _known_statuses(given: Any) -> None:
    """A status is one of a few words, and those have two operators alone."""
    if not isinstance(given, dict) or not set(given) <= {"equals", "in"}:
        raise Problem(400, "status takes equals and in")
    for wanted in given.values():
        if any(one not in _STATUSES for one in (wanted if isinstance(wanted, list) else [wanted])):
            raise Problem(400, "status is none of those there are")
