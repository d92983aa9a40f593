"""Assertions, Badgr's word for single awards: as they are asked for, told apart, and read (contract 4, 6, 9)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any

from marshmallow import fields, validate

from pipeline import clock
from pipeline.errors import Misconfigured, Outage, Rejected
from pipeline.platforms.badgr.ids import EntityId, is_id
from pipeline.reading import Instant, Lenient
from pipeline.values import ClaimState, Held, Issued, Order, Standing

_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
#: how long ago a badge of today is dated: Badgr refuses the future, and clocks differ (contract 4)
_AGO = timedelta(minutes=2)
_CLAIMS: Mapping[str, ClaimState] = {
    "Unaccepted": ClaimState.OPEN,
    "Accepted": ClaimState.CLAIMED,
    "Rejected": ClaimState.DECLINED,
}

Award = Mapping[str, Any]


class _RecipientSchema(Lenient):
    plaintext_identity = fields.String(data_key="plaintextIdentity", load_default=None, allow_none=True)


class AwardSchema(Lenient):
    """One assertion."""

    entity_id = EntityId(data_key="entityId", required=True)
    open_badge_id = fields.String(data_key="openBadgeId", required=True, validate=validate.Regexp(r"https?://"))
    badgeclass = fields.String(required=True)
    created_by = fields.String(data_key="createdBy", load_default=None, allow_none=True)
    recipient = fields.Nested(_RecipientSchema, required=True)
    issued_on = Instant(data_key="issuedOn", load_default=None, allow_none=True)
    expires = Instant(load_default=None, allow_none=True)
    revoked = fields.Boolean(required=True)
    acceptance = fields.String(load_default=None, allow_none=True)


def wish(order: Order, *, notify: bool) -> dict[str, Any]:
    """What Badgr is asked to make of an order (contract 4).

    Raises:
        Rejected: the learner has no name or no address. Misconfigured: the program asks for what Badgr has not.
    """
    if not order.name.strip():
        raise Rejected("the learner has no name")
    if not _ADDRESS.fullmatch(order.address):
        raise Rejected("the learner has no e-mail address that could be one")
    if not is_id(order.template):
        raise Misconfigured("the program's template is no entityId of a badge class")
    if order.attributes:
        raise Misconfigured("Badgr keeps no attributes: take them out of the program")
    ends = datetime.combine(order.expires_on, time(23, 59, 59), UTC) if order.expires_on else None
    narrative = order.criteria.strip() or order.description.strip()
    said: dict[str, Any] = {
        "recipient": {"identity": order.address, "type": "email", "hashed": True},
        "issuedOn": _written(_issued_on(order)),
        "expires": _written(ends) if ends else None,
        "narrative": narrative,
    }
    return {name: value for name, value in said.items() if value} | {"notify": notify, "allowDuplicateAwards": False}


def is_for(award: Award, order: Order) -> bool:
    """Whether an award is for the address of an order, whoever reads mail there.

    Raises:
        Outage: Badgr does not tell whose it is.
    """
    identity = award["recipient"]["plaintext_identity"]
    if identity is None:
        raise Outage("Badgr does not tell whose an award is")
    return bool(identity.lower() == order.address)


def bears(award: Award, order: Order) -> bool:
    """Whether an award was made from this order, and not from another one for the same address.

    Badgr keeps no reference of ours (contract 4). But an order only says the day, so the second at which its award
    is dated is ours to choose, and follows from the reference. A server that drops fractions leaves the second.
    """
    at, day = award["issued_on"], order.issued_on
    if at is None or at.date() not in {day, day - timedelta(days=1)}:  # one of today may be dated before midnight
        return False
    second, millisecond = _mark(order.ref)
    return at.second == second and at.microsecond // 1000 in {millisecond, 0}


def issued(award: Award, *, ours: bool = True) -> Issued:
    """The award as an answer."""
    return Issued(platform_ref=award["entity_id"], url=award["open_badge_id"], ours=ours)


def held(award: Award) -> Held:
    """The award as it stands.

    Raises:
        Outage: whether it was accepted is told in a word that is not known.
    """
    claim = award["acceptance"]
    if claim not in {None, *_CLAIMS}:
        raise Outage("Badgr tells in a word that is not known whether an award was accepted")
    return Held(
        platform_ref=award["entity_id"],
        template=award["badgeclass"],
        standing=standing(award),
        url=award["open_badge_id"],
        email=award["recipient"]["plaintext_identity"],
        claim=None if claim is None else _CLAIMS[claim],
    )


def standing(award: Award) -> Standing:
    """How the award stands."""
    if award["revoked"]:
        return Standing.WITHDRAWN
    ends = award["expires"]
    return Standing.EXPIRED if ends is not None and ends <= clock.now() else Standing.LIVE


def _issued_on(order: Order) -> datetime:
    """Noon, so that it is the same day nearly everywhere; a while ago where that is still to come."""
    second, millisecond = _mark(order.ref)
    at = min(datetime.combine(order.issued_on, time(12), UTC), clock.now() - _AGO)
    return at.replace(second=second, microsecond=millisecond * 1000)


def _mark(ref: str) -> tuple[int, int]:
    """Second and millisecond that stand for a reference, neither 0: that is what other hands write."""
    digest = hashlib.sha256(ref.encode()).digest()
    return 1 + digest[0] % 59, 1 + int.from_bytes(digest[1:5]) % 999


def _written(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
