"""What every LMS adapter needs to hear a webhook: raw bytes in, proof of origin, strict JSON, events out."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from pipeline.values import Event


@dataclass(frozen=True, kw_only=True)
class Request:
    """A webhook request as it came in: the raw bytes and the headers, names in lower case."""

    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Announcement:
    """What one authenticated request says.

    `key` names the delivery uniquely within its account. `body` is what may be stored: the request's body
    without its secrets. Without events there is nothing to do and `ignored` says why.
    """

    key: str
    body: bytes
    events: tuple[Event, ...]
    ignored: str = ""


class Unauthenticated(Exception):
    """The request does not prove where it comes from."""


class Unreadable(Exception):
    """The request is no JSON, or not text at all."""


class Invalid(Exception):
    """The request is JSON of the wrong shape; `fields` names each fault."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        super().__init__(", ".join(map(str, fields)))
        self.fields = fields


def json_body(request: Request) -> dict[str, Any]:
    """The body as a JSON object, whatever content type the sender claims.

    Raises:
        Unreadable: it is no JSON, or JSON that no honest sender writes (NaN, absurd depth or numbers).
        Invalid: it is JSON, but no object.
    """
    try:
        document = json.loads(request.body.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Unreadable("the body is no JSON in UTF-8") from None
    if not isinstance(document, dict):
        raise Invalid({"": ["expected a JSON object"]})
    return document


def proves(given: object, secrets: tuple[str, ...]) -> bool:
    """Whether `given` is one of the active secrets, in constant time, for any input at all.

    Compares bytes, because the comparison of texts refuses non-ASCII ones, and compares with every secret,
    so that the time does not tell which one is active.
    """
    said = given.encode("utf-8", "surrogatepass") if isinstance(given, str) else b""
    matches = [hmac.compare_digest(said, secret.encode()) for secret in secrets]
    return any(matches) and bool(said)


def bearer(headers: Mapping[str, str]) -> str:
    """The token of an `Authorization: Bearer` header, empty without one."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
