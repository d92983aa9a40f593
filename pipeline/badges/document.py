"""The credential itself, Open Badges 3.0 on W3C Verifiable Credentials 2.0: what it says, and its form as a JWT.

The document is public and outlives every database, so it holds no e-mail address and no name: it holds their
salted hashes, with which somebody who was told the address or the name can check that this credential is theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time
from hashlib import sha256
from typing import Any
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

import jwt

from pipeline import clock
from pipeline.badges.keys import ALGORITHM, all_keys, signing_key
from pipeline.badges.linked_data import UNWRITABLE
from pipeline.badges.status_list import status_entry
from pipeline.errors import Rejected
from pipeline.settings import settings
from pipeline.store.badges import Place
from pipeline.values import Order

CONTEXT = (
    "https://www.w3.org/ns/credentials/v2",
    "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json",
)
_CLAIMS = frozenset({"iss", "jti", "nbf", "sub", "exp"})


class Unproven(Exception):
    """What claims to be a credential of ours carries no signature that proves it. Says what is wrong."""


def credential_url(public_id: str) -> str:
    """The public address of a credential, which is also its identifier."""
    return f"{settings().public_url}/credentials/{public_id}"


def achievement_url(name: str) -> str:
    """The public address of an achievement, which is also its identifier."""
    return f"{settings().public_url}/achievements/{quote(name, safe='')}"


def achievement_name(order: Order) -> str:
    """The name under which the achievement is published: the program's own, else its template."""
    return order.achievement or order.template


def compose(order: Order, public_id: str, issued_at: datetime, salt: str, place: Place) -> dict[str, Any]:
    """The unsigned credential for an order, with its place in a status list.

    `issued_at` in the future becomes now, and whole seconds, because the signature's `nbf` counts in them.

    Raises:
        Rejected: it would have expired before it began.
    """
    begins = min(issued_at, clock.now()).astimezone(UTC).replace(microsecond=0)
    document: dict[str, Any] = {
        "@context": list(CONTEXT),
        "id": credential_url(public_id),
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "name": written(order.title),
        "issuer": {
            "id": settings().issuer_id,
            "type": ["Profile"],
            "name": written(settings().organization),
            "url": settings().issuer_url,
        },
        "validFrom": text_of(begins),
        "awardedDate": text_of(datetime.combine(order.issued_on, time.min, UTC)),
    }
    if order.expires_on is not None:
        ends = datetime.combine(order.expires_on, time(23, 59, 59), UTC)  # good for the whole of its last day
        if ends <= begins:
            raise Rejected("the credential would expire before it is issued; check the program's validity")
        document["validUntil"] = text_of(ends)
    document["credentialSubject"] = _subject(order, salt)
    document["credentialStatus"] = status_entry(place)
    return document


def _subject(order: Order, salt: str) -> dict[str, Any]:
    identifiers = [_identity("emailAddress", order.email.strip().lower(), salt)]
    if order.show_name:
        identifiers.append(_identity("name", order.name, salt))
    title = written(order.title)
    description = written(order.description) or title
    achievement = achievement_url(achievement_name(order))
    return {
        "id": uuid5(NAMESPACE_URL, order.ref).urn,
        "type": ["AchievementSubject"],
        "identifier": identifiers,
        "achievement": {
            "id": achievement,
            "type": ["Achievement"],
            "achievementType": "Certificate",
            "name": title,
            "description": description,
            "criteria": {"narrative": written(order.criteria) or description},
            "image": {"id": f"{achievement}/badge.png", "type": "Image", "caption": f"Badge: {title}"},
        },
    }


def _identity(kind: str, value: str, salt: str) -> dict[str, Any]:
    return {
        "type": "IdentityObject",
        "hashed": True,
        "identityType": kind,
        "identityHash": identity_hash(value, salt),
        "salt": salt,
    }


def identity_hash(value: str, salt: str) -> str:
    """The salted hash of an address or a name, in the spelling of Open Badges."""
    return "sha256$" + sha256((value + salt).encode()).hexdigest()


def written(text: str) -> str:
    """A text without the characters that no two verifiers write alike, such as a vertical tab of a word processor."""
    return UNWRITABLE.sub("", text)


def text_of(instant: datetime) -> str:
    """A point in time as credentials write it: in UTC, in whole seconds."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def instant(text: str) -> datetime:
    """A point in time as `compose` writes it, read back."""
    return datetime.fromisoformat(text).astimezone(UTC)


def sign(document: Mapping[str, Any]) -> str:
    """The credential as a signed VC-JWT.

    Raises:
        Misconfigured: see `pipeline.badges.keys`.
    """
    key = signing_key()
    assert key.private is not None  # noqa: S101 - the newest key is never a retired one
    payload = {**document, **_claims(document)}
    return jwt.encode(payload, key.private, algorithm=ALGORITHM, headers={"kid": key.kid})


def _claims(document: Mapping[str, Any]) -> dict[str, Any]:
    """The registered JWT claims, which say again what the document says."""
    claims: dict[str, Any] = {
        "iss": document["issuer"]["id"],
        "jti": document["id"],
        "nbf": int(instant(document["validFrom"]).timestamp()),
        "sub": document["credentialSubject"]["id"],
    }
    if "validUntil" in document:
        claims["exp"] = int(instant(document["validUntil"]).timestamp())
    return claims


def verify(token: str) -> dict[str, Any]:
    """The credential in a VC-JWT that one of our keys has signed; whether it has expired is not asked here.

    The key is found by the last part of `kid`, its thumbprint, so that a credential outlives a change of our
    public address.

    Raises:
        Unproven: it was not signed by us, or was changed since.
        Misconfigured: see `pipeline.badges.keys`.
    """
    keys = {key.thumbprint: key for key in all_keys()}
    try:
        kid = jwt.get_unverified_header(token).get("kid", "")
        key = keys.get(str(kid).rpartition("/")[2])
        if key is None:
            raise Unproven("it names a key that this issuer does not publish")
        payload: dict[str, Any] = jwt.decode(
            token,
            key.public,
            algorithms=[ALGORITHM],
            # dates are judged against Confer's one clock, by who asks; here it is only whether we said so
            options={"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_aud": False},
        )
    except jwt.InvalidTokenError as failure:
        raise Unproven(f"its signature does not verify ({type(failure).__name__})") from None
    document = {name: value for name, value in payload.items() if name not in _CLAIMS}
    try:
        agrees = {name: payload[name] for name in _CLAIMS & payload.keys()} == _claims(document)
    except (KeyError, TypeError, ValueError):
        agrees = False
    if not agrees:
        raise Unproven("its claims contradict its content")
    return document
