"""Says everything that is wrong with a JSON value, field by field.

The stand-ins have to be stricter than the systems they stand for, so that a typing error in a field name is
seen in a test and not at a customer. Unknown fields are therefore refused, and text is never taken for a number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple


class Problem(NamedTuple):
    """One thing that is wrong: the path of the field and what it should be."""

    field: str
    message: str


class Refused(ValueError):
    """A body that does not have the shape asked for."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(f"{problem.field}: {problem.message}" for problem in problems))
        self.problems = problems


Check = Callable[[Any, str], list[Problem]]

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


@dataclass(frozen=True, kw_only=True)
class Field:
    """One member of an object."""

    check: Check
    required: bool = False
    nullable: bool = False


def need(check: Check, *, nullable: bool = False) -> Field:
    """A field that has to be there."""
    return Field(check=check, required=True, nullable=nullable)


def may(check: Check, *, nullable: bool = False) -> Field:
    """A field that may be left out."""
    return Field(check=check, nullable=nullable)


def structure(fields: Mapping[str, Field]) -> Check:
    """An object with these fields and no others."""

    def check(value: Any, at: str) -> list[Problem]:
        if not isinstance(value, dict):
            return [Problem(at or "(body)", "must be an object")]
        prefix = f"{at}." if at else ""
        found = [Problem(prefix + str(key), "is not a known field") for key in value if key not in fields]
        for key, field in fields.items():
            if key not in value:
                if field.required:
                    found.append(Problem(prefix + key, "is missing"))
            elif value[key] is None:
                if not field.nullable:
                    found.append(Problem(prefix + key, "must not be null"))
            else:
                found.extend(field.check(value[key], prefix + key))
        return found

    return check


def listing(item: Check, *, most: int | None = None) -> Check:
    """A list whose items all pass `item`."""

    def check(value: Any, at: str) -> list[Problem]:
        if not isinstance(value, list):
            return [Problem(at, "must be a list")]
        if most is not None and len(value) > most:
            return [Problem(at, f"must have at most {most} items")]
        return [problem for number, entry in enumerate(value) for problem in item(entry, f"{at}[{number}]")]

    return check


def mapping(item: Check) -> Check:
    """An object with any keys, whose values all pass `item`."""

    def check(value: Any, at: str) -> list[Problem]:
        if not isinstance(value, dict):
            return [Problem(at, "must be an object")]
        return [problem for key, entry in value.items() for problem in item(entry, f"{at}.{key}")]

    return check


def either(*checks: Check) -> Check:
    """A value that passes one of the checks; the first one's message is given otherwise."""

    def check(value: Any, at: str) -> list[Problem]:
        results = [one(value, at) for one in checks]
        return [] if any(not result for result in results) else results[0]

    return check


def _simple(test: Callable[[Any], bool], message: str) -> Check:
    def check(value: Any, at: str) -> list[Problem]:
        return [] if test(value) else [Problem(at, message)]

    return check


def one_of(allowed: Iterable[Any]) -> Check:
    """One of a few values."""
    values = tuple(allowed)
    return _simple(lambda value: value in values, f"must be one of {', '.join(str(one) for one in values)}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_day(value: Any) -> bool:
    """Whether this is a calendar day written as YYYY-MM-DD."""
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def is_email(value: Any) -> bool:
    """Whether this can be an e-mail address at all."""
    return isinstance(value, str) and bool(_EMAIL.fullmatch(value))


text: Check = _simple(lambda value: isinstance(value, str) and bool(value.strip()), "must be text that is not blank")
any_text: Check = _simple(lambda value: isinstance(value, str), "must be text")
whole: Check = _simple(lambda value: isinstance(value, int) and not isinstance(value, bool), "must be a whole number")
count: Check = _simple(
    lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= 0,
    "must be a whole number, 0 or more",
)
number: Check = _simple(_is_number, "must be a number")
not_negative: Check = _simple(lambda value: _is_number(value) and value >= 0, "must be a number, 0 or more")
flag: Check = _simple(lambda value: isinstance(value, bool), "must be true or false")
day: Check = _simple(is_day, "must be a day as YYYY-MM-DD")
email: Check = _simple(is_email, "must be an e-mail address")
url: Check = _simple(
    lambda value: isinstance(value, str) and value.startswith(("http://", "https://")), "must be an http(s) URL"
)


def require(value: Any, check: Check) -> None:
    """Refuse a value that does not pass.

    Raises:
        Refused: naming every problem at once.
    """
    problems = check(value, "")
    if problems:
        raise Refused(problems)
