"""An issued badge as Credly tells it, and what its states mean here (contract 2, 7)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, validate

from pipeline import clock
from pipeline.reading import Instant, Lenient, Words
from pipeline.values import ClaimState, Held, Issued, Standing

#: the one place where Credly's words are given a meaning. A pending badge is issued and waits for the learner; a
#: rejected one stays issued, and the learner does not want it
_STATES: Mapping[str, tuple[Standing, ClaimState | None]] = {
    "pending": (Standing.LIVE, ClaimState.OPEN),
    "accepted": (Standing.LIVE, ClaimState.CLAIMED),
    "rejected": (Standing.LIVE, ClaimState.DECLINED),
    "revoked": (Standing.WITHDRAWN, None),
}
#: the states of a badge that exists, as a filter; a declined one is not issued again
EXISTING = "state::pending,accepted,rejected"
ANY_STATE = f"{EXISTING},revoked"

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def is_id(text: str) -> bool:
    """Whether Credly could have given this id: all of its ids are UUIDs (contract 1)."""
    return bool(_UUID.fullmatch(text.lower()))


class Id(fields.Field[str]):
    """A UUID, read in small letters."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str) or not is_id(value):
            raise ValidationError("expected a UUID")
        return value.lower()


class MadeSchema(Lenient):
    """What the answer to issuing and to revoking is certain to hold (contract 2, 6)."""

    id = Id(required=True)
    state = fields.String(required=True, validate=validate.OneOf(list(_STATES)))
    badge_url = fields.String(load_default=None, allow_none=True)


class _BadgeTemplateSchema(Lenient):
    id = Id(required=True)
    allow_duplicate_badges = fields.Boolean(load_default=None, allow_none=True)


class _UserSchema(Lenient):
    email = fields.String(load_default=None, allow_none=True)


class BadgeSchema(MadeSchema):
    """A badge as it is listed and read."""

    badge_template = fields.Nested(_BadgeTemplateSchema, required=True)
    recipient_email = fields.String(load_default=None, allow_none=True)
    issuer_earner_id = fields.String(load_default=None, allow_none=True)
    issued_to = Words(load_default=None, allow_none=True)
    issued_at = Instant(load_default=None, allow_none=True)
    expires_at = Instant(load_default=None, allow_none=True)
    state_updated_at = Instant(load_default=None, allow_none=True)
    user = fields.Nested(_UserSchema, load_default=None, allow_none=True)


def standing(badge: Mapping[str, Any]) -> Standing:
    """How the badge stands; that it has expired is no state of its own at Credly."""
    found, _ = _STATES[badge["state"]]
    ends = badge.get("expires_at")
    return Standing.EXPIRED if found is Standing.LIVE and ends is not None and ends <= clock.now() else found


def issued(badge: Mapping[str, Any], *, ours: bool) -> Issued:
    """The badge as an answer to an order."""
    return Issued(
        platform_ref=badge["id"], url=badge["badge_url"] or "", live=standing(badge) is Standing.LIVE, ours=ours
    )


def held(badge: Mapping[str, Any], earner_prefix: str) -> Held:
    """The badge as it stands. Credly keeps no reference of ours."""
    claim, earner = _STATES[badge["state"]][1], badge["issuer_earner_id"]
    return Held(
        platform_ref=badge["id"],
        template=badge["badge_template"]["id"],
        standing=standing(badge),
        url=badge["badge_url"] or "",
        learner_ref=earner.removeprefix(earner_prefix) if earner and earner.startswith(earner_prefix) else None,
        name=badge["issued_to"],
        email=badge["recipient_email"],
        claim=claim,
        claimed_at=badge["state_updated_at"] if claim is ClaimState.CLAIMED else None,
    )
