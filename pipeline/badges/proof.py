"""The embedded proof of a credential: Data Integrity with the cryptosuite `eddsa-rdfc-2022`.

The proof stands in the document itself, so one JSON file is the whole credential, for wallets and baked badges.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from pipeline.badges.keys import proof_key
from pipeline.badges.linked_data import Unsignable, canonical, check_covered
from pipeline.badges.multibase import base58
from pipeline.errors import Rejected


def prove_inside(document: Mapping[str, Any], created: str) -> dict[str, Any]:
    """The proof for a document, to be put into it as `proof`. `created` is an instant as the document writes them.

    Raises:
        Rejected: part of the document would not be signed.
        Misconfigured: see `pipeline.badges.keys`.
    """
    key = proof_key()
    assert key.private is not None  # noqa: S101 - the newest key is never a retired one
    proof = {
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-rdfc-2022",
        "created": created,
        "verificationMethod": key.method["id"],
        "proofPurpose": "assertionMethod",
    }
    try:
        check_covered(document)
        signed = _signed_bytes(document, proof)
    except Unsignable as fault:
        raise Rejected(f"the credential cannot be signed whole: {fault}") from None
    return {**proof, "proofValue": base58(key.private.sign(signed))}


def _signed_bytes(document: Mapping[str, Any], proof: Mapping[str, Any]) -> bytes:
    """Two hashes in a row: of the proof's own members, read under the document's contexts, and of the document."""
    options = canonical({"@context": document["@context"], **proof})
    return sha256(options).digest() + sha256(canonical(document)).digest()
