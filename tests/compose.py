"""docker-compose.yml as a compose command would read it: variables filled in, services as plain values."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
FILE = ROOT / "docker-compose.yml"
EXAMPLE_ENV, DEMO_ENV = ROOT / ".env.example", ROOT / "sandbox" / "demo.env"

_VARIABLE = re.compile(r"\$(?:(?P<escaped>\$)|\{(?P<name>[A-Za-z_]\w*)(?:(?P<rule>:\?|:-)(?P<rest>[^}]*))?\})")


class MissingVariable(Exception):
    """A variable that the file demands is unset or empty."""


@dataclass(frozen=True, kw_only=True)
class Use:
    """One place where the file refers to a variable; `rule` is `:?`, `:-` or nothing."""

    name: str
    rule: str
    rest: str


def raw() -> dict[str, Any]:
    """The file as YAML, with its anchors resolved."""
    return dict(YAML(typ="safe", pure=True).load(FILE.read_text(encoding="utf-8")))


def uses(document: Any) -> Iterator[Use]:
    """Every reference to a variable in a part of the file."""
    for found in _VARIABLE.finditer(json.dumps(document)):
        if found["name"]:
            yield Use(name=found["name"], rule=found["rule"] or "", rest=found["rest"] or "")


def read_env(file: Path) -> dict[str, str]:
    """The variables of an env file."""
    lines = (line.strip() for line in file.read_text(encoding="utf-8").splitlines())
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def filled(part: Any, values: Mapping[str, str]) -> Any:
    """A part of the file with its variables filled in.

    Raises:
        MissingVariable: see there; every demanded variable counts, as compose looks at the whole file.
    """
    if isinstance(part, dict):
        return {key: filled(value, values) for key, value in part.items()}
    if isinstance(part, list):
        return [filled(value, values) for value in part]
    return _VARIABLE.sub(lambda found: _value(found, values), part) if isinstance(part, str) else part


def services(values: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """The services, filled in."""
    found: dict[str, dict[str, Any]] = filled(raw(), values)["services"]
    return found


def environment(service: Mapping[str, Any]) -> dict[str, str]:
    """What a container of a filled-in service finds in its environment: its env files, then what stands in place."""
    values: dict[str, str] = {}
    for file in service.get("env_file", []):
        values |= read_env(ROOT / file)
    return values | service.get("environment", {})


def _value(found: re.Match[str], values: Mapping[str, str]) -> str:
    if found["escaped"]:
        return "$"
    value = values.get(found["name"], "")
    if found["rule"] == ":?" and not value:
        raise MissingVariable(f"{found['name']}: {found['rest']}")
    return value or (found["rest"] or "" if found["rule"] == ":-" else "")
