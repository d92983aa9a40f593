"""Reads the parameters of a Moodle web service call as strictly as Moodle does: PHP-style arrays, declared types."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.moodle_errors import InvalidParameter

_KEY = re.compile(r"([A-Za-z_]+)((?:\[[^\[\]]*\])*)")
_PART = re.compile(r"\[([^\[\]]*)\]")
_WHOLE = re.compile(r"-?\d{1,18}")


@dataclass(frozen=True)
class Parameter:
    """What a function declares.

    `kind` is int, bool, text, ints, texts, pairs (rows of name and value), ids (a structure with a list of ids) or
    enrolments (rows of learner, course and role).
    """

    kind: str
    default: Any = None
    required: bool = True


def optional(kind: str, default: Any = None) -> Parameter:
    """A parameter that may be left out."""
    return Parameter(kind, default, required=False)


def nest(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """`options[0][name]=x` becomes {"options": {"0": {"name": "x"}}}, as PHP does.

    Raises:
        InvalidParameter: a key that is none.
    """
    tree: dict[str, Any] = {}
    for key, value in pairs:
        found = _KEY.fullmatch(key)
        if found is None:
            raise InvalidParameter(f"Unexpected key: {key}")
        path = [found[1], *_PART.findall(found[2])]
        place = tree
        for step, following in itertools.pairwise(path):
            place = place.setdefault(_index(step, place), {})
            if not isinstance(place, dict):
                raise InvalidParameter(f"{following} inside a single value: {key}")
        place[_index(path[-1], place)] = value
    return tree


def _index(step: str, place: dict[str, Any]) -> str:
    return step or str(len(place))


def read(given: Mapping[str, Any], declared: Mapping[str, Parameter]) -> dict[str, Any]:
    """The typed parameters.

    Raises:
        InvalidParameter: one is unknown, missing or of the wrong type.
    """
    unknown = sorted(set(given) - set(declared))
    if unknown:
        raise InvalidParameter(f"Unexpected keys ({', '.join(unknown)}) detected in parameter array.")
    values = {}
    for name, parameter in declared.items():
        if name in given:
            values[name] = _READERS[parameter.kind](name, given[name])
        elif parameter.required:
            raise InvalidParameter(f"Missing required key in single structure: {name}")
        else:
            values[name] = parameter.default
    return values


def _flag(name: str, value: Any) -> bool:
    if value not in ("0", "1"):
        raise InvalidParameter(f"{name}: expected 0 or 1")
    return bool(value == "1")


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidParameter(f"{name}: expected a single value")
    return value


def whole(name: str, value: Any) -> int:
    """A whole number from its text.

    Raises:
        InvalidParameter: it is none.
    """
    if not isinstance(value, str) or not _WHOLE.fullmatch(value):
        raise InvalidParameter(f"{name}: expected an integer")
    return int(value)


def _structure(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidParameter(f"{name}: expected an array")
    return value


def _rows(name: str, value: Any) -> list[Any]:
    rows = _structure(name, value)
    if not all(key.isdigit() for key in rows):
        raise InvalidParameter(f"{name}: expected a list")
    return [rows[key] for key in sorted(rows, key=int)]


def _pair(name: str, value: Any) -> tuple[str, str]:
    row = read(_structure(name, value), {"name": Parameter("text"), "value": Parameter("text")})
    return row["name"], row["value"]


def _enrolment(name: str, value: Any) -> dict[str, Any]:
    whole_number, may_be = Parameter("int"), optional("int", 0)
    row = {"roleid": whole_number, "userid": whole_number, "courseid": whole_number}
    return read(
        _structure(name, value), {**row, "timestart": may_be, "timeend": may_be, "suspend": optional("bool", False)}
    )


_READERS: Mapping[str, Callable[[str, Any], Any]] = {
    "int": whole,
    "bool": _flag,
    "text": _text,
    "ints": lambda name, value: [whole(name, one) for one in _rows(name, value)],
    "texts": lambda name, value: [_text(name, one) for one in _rows(name, value)],
    "pairs": lambda name, value: dict(_pair(name, one) for one in _rows(name, value)),
    "enrolments": lambda name, value: [_enrolment(name, one) for one in _rows(name, value)],
    "ids": lambda name, value: read(_structure(name, value), {"ids": optional("ints")})["ids"],
}
