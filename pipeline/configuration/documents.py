"""YAML files that remember where everything stood, so that a fault can name its file and line."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from marshmallow import Schema, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.scalarfloat import ScalarFloat

Path_ = tuple[str | int, ...]

#: what marshmallow says, and what helps more
_INSTEAD: Mapping[str, str] = {
    "Missing data for required field.": "is required and missing",
    "Field may not be null.": "needs a value",
    "Not a valid string.": 'is no text; write it in quotes, such as "12"',
    "Not a valid boolean.": "write `true` or `false`",
    "Not a valid integer.": "write a whole number",
    "Not a valid number.": "write a number",
    "Not a valid list.": "write a list, such as `[one, two]`",
    "Not a valid mapping type.": "write names and values, such as `{name: value}`",
    "Invalid input type.": "write names and values, such as `{name: value}`",
}


@dataclass(frozen=True, kw_only=True, order=True)
class Fault:
    """One thing that is wrong in a file, with what to write instead."""

    file: str
    line: int
    path: str
    problem: str

    def __str__(self) -> str:
        place = f"{self.path}: " if self.path else ""
        return f"{self.file}:{self.line}: {place}{self.problem}"


class ConfigurationFault(Exception):
    """The configuration does not make a runnable whole. Holds every fault at once."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("\n".join(map(str, sorted(faults))))
        self.faults = sorted(faults)


@dataclass(frozen=True, kw_only=True)
class Document:
    """One file: its data, and on which line each part of it stands."""

    file: str
    data: Any

    def line(self, path: Path_) -> int:
        """The line of the part at `path`, or of the nearest part around it that exists."""
        line, here = 1, self.data
        for step in path:
            if isinstance(here, CommentedMap) and step in here:
                line = here.lc.key(step)[0] + 1
            elif isinstance(here, CommentedSeq) and isinstance(step, int) and step < len(here):
                line = here.lc.item(step)[0] + 1
            else:
                break
            here = here[step]
        return line

    def fault(self, path: Path_, problem: str) -> Fault:
        """A fault at `path`."""
        return Fault(file=self.file, line=self.line(path), path=".".join(map(str, path)), problem=problem)

    def load(self, schema: Schema, *, at: Path_ = (), faults: list[Fault]) -> Any:
        """The part at `at` through `schema`; None where it has faults, which are added to `faults`."""
        part = self.data
        for step in at:
            part = part[step]
        try:
            return schema.load(plain(part))
        except ValidationError as error:
            for path, problem in _problems(error.messages):
                faults.append(self.fault((*at, *path), _helpful(problem, (*at, *path), schema, path)))
            return None


def read_document(file: Path, *, root: Path) -> Document:
    """Read one YAML file.

    Raises:
        ConfigurationFault: it is missing, no YAML, or no mapping.
    """
    name = str(file.relative_to(root.parent) if file.is_relative_to(root.parent) else file)
    reader = YAML(typ="rt")
    try:
        data = reader.load(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigurationFault([Fault(file=name, line=1, path="", problem="this file is missing")]) from None
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        problem = f"this is no YAML: {error.problem or error.context}"
        raise ConfigurationFault([Fault(file=name, line=line, path="", problem=problem)]) from None
    except (YAMLError, UnicodeDecodeError, OSError) as error:
        problem = f"cannot be read: {type(error).__name__}"
        raise ConfigurationFault([Fault(file=name, line=1, path="", problem=problem)]) from None
    if not isinstance(data, CommentedMap):
        problem = "expected names and values, such as `program: first-aid`"
        raise ConfigurationFault([Fault(file=name, line=1, path="", problem=problem)])
    return Document(file=name, data=data)


def plain(data: Any) -> Any:
    """YAML data as plain dicts and lists; numbers with a point as text, so that 79.95 stays 79.95."""
    if isinstance(data, Mapping):
        return {str(key): plain(value) for key, value in data.items()}
    if isinstance(data, list):
        return [plain(value) for value in data]
    if isinstance(data, ScalarFloat | float):
        return str(float(data))
    if isinstance(data, bool):
        return bool(data)
    if isinstance(data, int):
        return int(data)
    return str(data) if isinstance(data, str) else data


def _problems(messages: Any, path: Path_ = ()) -> Iterator[tuple[Path_, str]]:
    if isinstance(messages, Mapping):
        for key, value in messages.items():
            deeper = path if key == "_schema" else (*path, key)
            yield from _problems(value, deeper)
    elif isinstance(messages, list):
        for message in messages:
            yield from _problems(message, path)
    else:
        yield path, str(messages)


def _helpful(problem: str, where: Path_, schema: Schema, path: Path_) -> str:
    """Say what to write instead where marshmallow only says no."""
    if problem == "Unknown field.":
        known = sorted(schema.fields) if len(path) == 1 else _siblings(schema, path)
        close = difflib.get_close_matches(str(where[-1]), known, n=1)
        hint = f"; did you mean `{close[0]}`?" if close else f"; known here: {', '.join(known)}" if known else ""
        return f"is not known{hint}"
    return _INSTEAD.get(problem, problem)


def _siblings(schema: Schema, path: Path_) -> list[str]:
    here: Any = schema
    for step in path[:-1]:
        field = getattr(here, "fields", {}).get(step)
        inner = getattr(field, "inner", field)
        here = getattr(inner, "schema", here)
    return sorted(getattr(here, "fields", {}))
