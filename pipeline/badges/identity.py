"""Who the issuer is, told to machines: the did:web document and the key set against which anybody verifies.

Without these two addresses a signature proves nothing, because a key in a header is only somebody's key.
"""

from __future__ import annotations

from typing import Any

from pipeline.badges.keys import all_keys, proof_keys, published_keys
from pipeline.settings import settings


def did_document() -> dict[str, Any]:
    """The document behind the issuer's did:web identifier. Every key stays listed, also after a newer one.

    Raises:
        Misconfigured: see `pipeline.badges.keys`.
    """
    methods = [key.method for key in all_keys()] + [key.method for key in proof_keys()]
    return {
        "@context": [
            "https://www.w3.org/ns/did/v1",
            "https://w3id.org/security/jwk/v1",
            "https://w3id.org/security/multikey/v1",
        ],
        "id": settings().issuer_id,
        "verificationMethod": methods,
        "assertionMethod": [method["id"] for method in methods],
    }


def key_set() -> dict[str, Any]:
    """Every published key for JWTs, as a JWK set.

    Raises:
        Misconfigured: see `pipeline.badges.keys`.
    """
    return {"keys": list(published_keys())}


def published_key(thumbprint: str) -> dict[str, str] | None:
    """The one key that a credential's `kid` names, or None.

    Raises:
        Misconfigured: see `pipeline.badges.keys`.
    """
    return next((key.jwk for key in all_keys() if key.thumbprint == thumbprint), None)
