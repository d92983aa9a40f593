"""Field types for what adapters and programs are told: secrets and addresses by reference, durations in words."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

from marshmallow import Schema, ValidationError, fields, post_load, validates_schema

_UNITS = {"s": 1, "min": 60, "h": 3600, "day": 86400, "days": 86400}
_CENTURY = 100 * 365.25 * 86400
_DURATION = re.compile(r"^(\d+(?:\.\d+)?) ?(s|min|h|days?)$")


def resolve(text: str) -> str:
    """The value behind `env:NAME` or `file:PATH`; any other text stands for itself.

    Raises:
        ValidationError: the variable is not set, the file cannot be read, or it is empty.
    """
    kind, _, place = text.partition(":")
    if kind == "env":
        value = os.environ.get(place, "")
        if not value:
            raise ValidationError(f"the environment variable {place} is not set")
        return value
    if kind == "file":
        try:
            value = Path(place).read_text(encoding="utf-8").strip()
        except OSError as fault:
            raise ValidationError(f"the file {place} cannot be read: {fault.strerror}") from None
        if not value:
            raise ValidationError(f"the file {place} is empty")
        return value
    return text


class Secret(fields.String):
    """A password, key or token: `env:NAME` or `file:PATH`, never the value itself."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not text.startswith(("env:", "file:")):
            raise ValidationError("a secret does not belong into a file: write `env:NAME` or `file:/path`")
        return resolve(text)


class Secrets(fields.Field[tuple[str, ...]]):
    """One or two active secrets, so that one can be rotated without losing a request.

    `env:NAME?` may be unset: the place of the next secret, while there is none.
    """

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> tuple[str, ...]:
        references = value if isinstance(value, list) else [value]
        secrets = []
        for reference in references:
            optional = isinstance(reference, str) and reference.endswith("?")
            try:
                secrets.append(Secret().deserialize(str(reference).removesuffix("?")))
            except ValidationError:
                if not optional or not str(reference).startswith(("env:", "file:")):
                    raise
        if not 1 <= len(secrets) <= 2:
            raise ValidationError("write one or two secrets")
        return tuple(secrets)


class Address(fields.String):
    """An http(s) address, or `env:NAME` that holds one."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = resolve(super()._deserialize(value, attr, data, **kwargs))
        parts = urlsplit(text)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValidationError("write an address such as https://lms.example.org, or `env:NAME` that holds one")
        return text.rstrip("/")


class Duration(fields.Field[timedelta]):
    """A span of time in words: `90 s`, `15 min`, `2 h`, `3 days`."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> timedelta:
        found = _DURATION.match(str(value).strip())
        if not found:
            raise ValidationError("write a duration such as `90 s`, `15 min`, `2 h` or `3 days`")
        seconds = float(found[1]) * _UNITS[found[2]]
        if seconds > _CENTURY:
            raise ValidationError("write at most a century")
        return timedelta(seconds=seconds)

    def _serialize(self, value: timedelta | None, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else f"{value.total_seconds():f}".rstrip("0").rstrip(".") + " s"


class Network(fields.Field[IPv4Network | IPv6Network]):
    """An address or a network, such as `203.0.113.7` or `2001:db8::/32`."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> IPv4Network | IPv6Network:
        try:
            return ip_network(str(value))
        except ValueError:
            raise ValidationError("write an address or a network, such as `203.0.113.0/24`") from None


class Hosted(Schema):
    """A system with hosts of its own: `host` names one of them, or `url` says another address, such as a stand-in's.

    Loads to `url`, and `sandbox` where the vendor's host is one for trying out.
    """

    #: by the name that an administrator writes; those that begin with `sandbox` are for trying out
    hosts: ClassVar[Mapping[str, str]]

    host = fields.String()
    url = Address()
    sandbox = fields.Boolean(load_default=False)

    @validates_schema
    def _one_place(self, data: dict[str, Any], **_: Any) -> None:
        if ("host" in data) == ("url" in data):
            raise ValidationError(f"write `host` ({', '.join(self.hosts)}) or `url`, and not both", "host")
        if data.get("host", next(iter(self.hosts), None)) not in {*self.hosts, None}:
            raise ValidationError(f"write one of: {', '.join(self.hosts)}", "host")

    @post_load
    def _placed(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        host = data.pop("host", None)
        if host is None:
            return data
        return {**data, "url": self.hosts[host], "sandbox": data["sandbox"] or host.startswith("sandbox")}


class NoOptions(Schema):
    """For adapters that have nothing to set."""
