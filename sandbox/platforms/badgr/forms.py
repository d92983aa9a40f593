"""Objects as Badgr writes them (contract 3, 4, 9, 10)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sandbox.platforms.badgr.access import OURSELVES
from sandbox.platforms.badgr.account import ISSUER, Assertion, BadgeClass, other_id


def envelope(rows: Sequence[Any], **more: Any) -> dict[str, Any]:
    """A list, also around a single object."""
    return {"status": {"success": True, "description": "ok"}, "result": list(rows), **more}


def assertion(one: Assertion, base: str, *, hosted: bool) -> dict[str, Any]:
    """An assertion for its issuer's staff."""
    public = f"{base}/public/assertions/{one.entity_id}"
    recipient = {"identity": one.identity, "hashed": one.hashed, "type": one.type, "plaintextIdentity": one.identity}
    if one.hashed:
        digest = hashlib.sha256((one.identity + one.salt).encode()).hexdigest()
        recipient |= {"identity": f"sha256${digest}", "salt": one.salt}
    return {
        **({"id": other_id(one.entity_id)} if hosted else {}),
        "entityType": "Assertion",
        "entityId": one.entity_id,
        "openBadgeId": public,
        "createdAt": written(one.created_at),
        "createdBy": one.created_by or None,
        "badgeclass": one.badgeclass,
        "badgeclassOpenBadgeId": f"{base}/public/badges/{one.badgeclass}",
        "issuer": ISSUER,
        "issuerOpenBadgeId": f"{base}/public/issuers/{ISSUER}",
        "image": None if one.revoked else f"{public}/image",
        "recipient": recipient,
        "issuedOn": written(one.issued_on),
        "narrative": one.narrative,
        "evidence": one.evidence,
        "revoked": one.revoked,
        "revocationReason": one.reason,
        "acceptance": one.acceptance,
        "expires": written(one.expires) if one.expires else None,
        "extensions": one.extensions,
    }


def badge_class(one: BadgeClass, base: str, *, hosted: bool) -> dict[str, Any]:
    """A badge class for its issuer's staff."""
    return {
        **({"id": other_id(one.entity_id), "achievementType": "Course"} if hosted else {}),
        "entityType": "BadgeClass",
        "entityId": one.entity_id,
        "openBadgeId": f"{base}/public/badges/{one.entity_id}",
        "createdAt": written(one.created_at),
        "createdBy": OURSELVES,
        "issuer": ISSUER,
        "issuerOpenBadgeId": f"{base}/public/issuers/{ISSUER}",
        "name": one.name,
        "image": f"{base}/public/badges/{one.entity_id}/image",
        "description": one.name,
        "criteriaUrl": None,
        "criteriaNarrative": "All modules completed.",
        "alignments": [],
        "tags": [],
        "expires": {"amount": None, "duration": None},
        "extensions": {},
    }


def issuer(base: str) -> dict[str, Any]:
    """The only issuer."""
    return {
        "entityType": "Issuer",
        "entityId": ISSUER,
        "openBadgeId": f"{base}/public/issuers/{ISSUER}",
        "name": "Example Academy",
        "staff": [{"user": OURSELVES, "role": "editor"}],
    }


def user() -> dict[str, Any]:
    """The user whose token it is."""
    return {"entityType": "BadgeUser", "entityId": OURSELVES, "firstName": "Confer", "lastName": "Service"}


def public(one: Assertion, base: str) -> dict[str, Any]:
    """An assertion for everybody; of a revoked one nothing but that (contract 9)."""
    whole = assertion(one, base, hosted=False)
    head = {"@context": "https://w3id.org/openbadges/v2", "type": "Assertion", "id": whole["openBadgeId"]}
    if one.revoked:
        return {**head, "revoked": True, "revocationReason": one.reason or ""}
    recipient = {key: value for key, value in whole["recipient"].items() if key != "plaintextIdentity"}
    return {
        **head,
        "badge": whole["badgeclassOpenBadgeId"],
        "image": whole["image"],
        "verification": {"type": "HostedBadge"},
        "issuedOn": one.issued_on.isoformat(),
        **({"expires": one.expires.isoformat()} if one.expires else {}),
        **({"narrative": one.narrative} if one.narrative else {}),
        "recipient": recipient,
    }


def written(at: datetime) -> str:
    """An instant."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
