"""What every LMS adapter needs to hear a webhook: raw bytes in, proof of origin, strict JSON, events out."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any, NoReturn

from marshmallow import Schema, ValidationError

from pipeline.values import Event, ReportedScore


@dataclass(frozen=True, kw_only=True)
class Request:
    """A webhook request as it came in: the raw bytes and the headers, names in lower case.

    `path` is what follows the account's name in the address. `address` is the caller's, as the trusted proxies
    tell it.
    """

    body: bytes
    headers: Mapping[str, str]
    path: str = ""
    address: str = ""


@dataclass(frozen=True, kw_only=True)
class Announcement:
    """What one authenticated request says.

    `key` names the delivery uniquely within its account. `body` is what may be stored: the request's body
    without its secrets. Without events and scores there is nothing to do and `ignored` says why. `answer` is the
    JSON that the sender insists on, under status 200.
    """

    key: str
    body: bytes
    events: tuple[Event, ...]
    ignored: str = ""
    scores: tuple[ReportedScore, ...] = ()
    answer: Any = None


@dataclass(frozen=True, kw_only=True)
class Entrance:
    """What a request has to show before its LMS is asked about it: every part that is set.

    The parts are what an administrator can type into an LMS that signs nothing: a secret in the address
    (`path`), HTTP Basic (`basic`, as `user:password`), a Bearer token, the networks the LMS calls from.
    """

    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    path: tuple[str, ...] = field(default=(), repr=False)
    basic: tuple[str, ...] = field(default=(), repr=False)
    bearer: tuple[str, ...] = field(default=(), repr=False)

    @property
    def parts(self) -> frozenset[str]:
        """The names of the parts that are set."""
        return frozenset(name for name in ("networks", "path", "basic", "bearer") if getattr(self, name))

    def admit(self, request: Request) -> Request:
        """The request with the secret taken out of its path.

        Raises:
            Unauthenticated: naming the part that does not fit.
        """
        if self.networks and not _within(request.address, self.networks):
            raise Unauthenticated("the caller's address is not on the account's list")
        if self.basic and not proves(basic(request.headers), self.basic):
            raise Unauthenticated("no HTTP Basic user and password of this account")
        if self.bearer and not proves(bearer(request.headers), self.bearer):
            raise Unauthenticated("no Bearer token of this account")
        if not self.path:
            return request
        secret, _, rest = request.path.partition("/")
        if not proves(secret, self.path):
            raise Unauthenticated("the address does not end in a secret of this account")
        return replace(request, path=rest)


class Unauthenticated(Exception):
    """The request does not prove where it comes from."""


class Unreadable(Exception):
    """The request is no JSON, or not text at all."""


class Invalid(Exception):
    """The request is JSON of the wrong shape; `fields` names each fault."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        super().__init__(", ".join(map(str, fields)))
        self.fields = fields


def json_in(body: bytes) -> Any:
    """The JSON in a body, whatever content type the sender claims.

    Raises:
        Unreadable: it is none, or such as no honest sender writes (NaN, absurd depth or numbers).
    """
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Unreadable("the body is no JSON in UTF-8") from None


def json_body(request: Request) -> dict[str, Any]:
    """The body as a JSON object.

    Raises:
        Unreadable: see `json_in`. Invalid: it is JSON, but no object.
    """
    document = json_in(request.body)
    if not isinstance(document, dict):
        raise Invalid({"": ["expected a JSON object"]})
    return document


def heard(schema: Schema, document: Any) -> dict[str, Any]:
    """The members of a document that matter.

    Raises:
        Invalid: naming each that is missing or wrong.
    """
    try:
        found: dict[str, Any] = schema.load(document)
    except ValidationError as fault:
        raise Invalid(fault.normalized_messages()) from None  # type: ignore[no-untyped-call]
    return found


def delivery_key(keys: Collection[str]) -> str:
    """One key for a delivery of several: the same in whatever order they came."""
    if len(keys) == 1:
        return next(iter(keys))
    digest = hashlib.sha256("\n".join(sorted(keys)).encode()).hexdigest()
    return f"batch:{digest}"


def proves(given: object, secrets: tuple[str, ...]) -> bool:
    """Whether `given` is one of the active secrets, in constant time, for any input at all.

    Compares bytes, because the comparison of texts refuses non-ASCII ones, and compares with every secret,
    so that the time does not tell which one is active.
    """
    said = given.encode("utf-8", "surrogatepass") if isinstance(given, str) else b""
    matches = [hmac.compare_digest(said, secret.encode()) for secret in secrets]
    return any(matches) and bool(said)


def basic(headers: Mapping[str, str]) -> str:
    """`user:password` of an `Authorization: Basic` header, empty without a readable one."""
    scheme, _, encoded = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(encoded.strip(), validate=True).decode()
    except ValueError:
        return ""


def bearer(headers: Mapping[str, str]) -> str:
    """The token of an `Authorization: Bearer` header, empty without one."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _within(address: str, networks: tuple[IPv4Network | IPv6Network, ...]) -> bool:
    try:
        caller = ip_address(address)
    except ValueError:
        return False
    mapped = caller.ipv4_mapped if isinstance(caller, IPv6Address) else None
    return any((mapped or caller) in network for network in networks)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
