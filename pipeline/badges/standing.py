"""What can be said about a stored credential now: from its signature, and whether it was revoked since.

The row only says where a credential is, and that it was revoked; what a page or a certificate shows is read from the
signed document, so that a changed row cannot make Confer vouch for something that it never issued.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from pipeline.badges.document import Unproven, credential_url, identity_hash, instant, verify
from pipeline.store.badges import Badge


class Standing(StrEnum):
    """Whether a credential with a good signature still counts."""

    VALID = "valid"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, kw_only=True)
class Proven:
    """A credential whose signature was verified. `name` is None where the public is not shown one."""

    public_id: str
    url: str
    title: str
    name: str | None
    issuer: str
    issuer_id: str
    issuer_url: str
    achievement: Mapping[str, Any]
    issued_on: date
    issued_at: datetime
    expires_on: date | None
    expires_at: datetime | None
    document: Mapping[str, Any]
    #: the embedded proof; None in credentials that are older than this form
    proof: Mapping[str, Any] | None = None
    revoked_on: date | None = None
    revoked_reason: str = ""

    @property
    def secured(self) -> Mapping[str, Any] | None:
        """The credential with its embedded proof, where it has one."""
        return None if self.proof is None else {**self.document, "proof": self.proof}

    def standing(self, at: datetime) -> Standing:
        """What holds at this instant. A revocation holds for ever, also after the expiry."""
        if self.revoked_on is not None:
            return Standing.REVOKED
        if self.expires_at is not None and at > self.expires_at:
            return Standing.EXPIRED
        return Standing.VALID


def prove(badge: Badge) -> Proven:
    """Verify a stored credential.

    Raises:
        Unproven: its signature does not verify, or the row shows what was not signed.
        Misconfigured: see `pipeline.badges.keys`.
    """
    document = verify(badge.jwt)
    if document["id"].rpartition("/")[2] != badge.public_id:
        raise Unproven("another credential is stored under its address")
    if badge.shown_name is not None and not _is_signed(badge.shown_name, document):
        raise Unproven("the name beside it is not the one that was signed")
    subject = document["credentialSubject"]
    ends = instant(document["validUntil"]) if "validUntil" in document else None
    return Proven(
        public_id=badge.public_id,
        url=credential_url(badge.public_id),
        title=document["name"],
        name=badge.shown_name,
        issuer=document["issuer"]["name"],
        issuer_id=document["issuer"]["id"],
        issuer_url=document["issuer"]["url"],
        achievement=subject["achievement"],
        issued_on=instant(document["awardedDate"]).date(),
        issued_at=instant(document["validFrom"]),
        expires_on=ends.date() if ends else None,
        expires_at=ends,
        document=document,
        proof=badge.proof,
        revoked_on=badge.revoked_at.date() if badge.revoked_at else None,
        revoked_reason=badge.revoked_reason or "",
    )


def _is_signed(name: str, document: Mapping[str, Any]) -> bool:
    return any(
        identity["identityType"] == "name" and identity["identityHash"] == identity_hash(name, identity["salt"])
        for identity in document["credentialSubject"]["identifier"]
    )
