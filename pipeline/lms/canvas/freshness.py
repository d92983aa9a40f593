"""What a signed event says of its time and its sender: what somebody kept for later is no news (contract 1.3)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from marshmallow import fields, validate

from pipeline import clock
from pipeline.reading import Instant, Lenient
from pipeline.webhook import Unauthenticated, heard

#: how far Canvas's clock may be ahead of ours
_AHEAD = timedelta(minutes=5)
#: since 1970, as a JWT counts
_SECONDS = validate.Range(min=0, max=10**11)


class _SentSchema(Lenient):
    event_time = Instant(load_default=None, allow_none=True)


class _ClaimsSchema(Lenient):
    """What a signed event says of time. No `exp` is documented (contract 1.3); one that is there holds."""

    exp = fields.Integer(load_default=None, strict=True, validate=_SECONDS)
    nbf = fields.Integer(load_default=None, strict=True, validate=_SECONDS)
    iat = fields.Integer(load_default=None, strict=True, validate=_SECONDS)
    metadata = fields.Nested(_SentSchema, required=True)


def require_fresh(document: Mapping[str, Any], max_age: timedelta) -> None:
    """Refuse what was signed for another time.

    Raises:
        Unauthenticated: it was. Invalid: it does not say when.
    """
    said = heard(_ClaimsSchema(), document)
    now = clock.now()
    at: datetime | None = said["metadata"]["event_time"]
    if at is None or not now - max_age <= at <= now + _AHEAD:
        raise Unauthenticated("the event's time is too far from now")
    seconds, slack = now.timestamp(), _AHEAD.total_seconds()
    if said["exp"] is not None and said["exp"] + slack < seconds:
        raise Unauthenticated("the signature has expired")
    if any(said[name] is not None and said[name] - slack > seconds for name in ("nbf", "iat")):
        raise Unauthenticated("the signature is of the future")
    if said["iat"] is not None and said["iat"] + max_age.total_seconds() < seconds:
        raise Unauthenticated("the signature is too old")


def require_root_account(document: Mapping[str, Any], uuid: str | None) -> None:
    """Refuse events of another customer of Canvas, whose events the same keys sign; None takes those of any.

    Raises:
        Unauthenticated: it is one.
    """
    if uuid is not None and document["metadata"].get("root_account_uuid") != uuid:
        raise Unauthenticated("the event is of another root account")
