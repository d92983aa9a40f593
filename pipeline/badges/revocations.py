"""A status list as it stands, signed in both forms; signed anew only when it, or a key, has changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pipeline.badges.document import sign
from pipeline.badges.keys import proof_key, signing_key
from pipeline.badges.proof import prove_inside
from pipeline.badges.status_list import list_document, list_url
from pipeline.store.badges import ListState


@dataclass(frozen=True)
class SignedList:
    """One list, with an embedded proof and as a JWT."""

    secured: Mapping[str, Any]
    jwt: str


def signed_list(state: ListState) -> SignedList:
    """The list, signed with the keys of today: also for credentials that older keys have signed.

    Raises:
        Misconfigured: see `pipeline.badges.keys`.
    """
    return _signed(state, list_url(state.number), signing_key().thumbprint, proof_key().multikey)


@lru_cache(maxsize=64)
def _signed(state: ListState, _address: str, *_keys: str) -> SignedList:
    document = list_document(state.number, state.revoked, state.since)
    proof = prove_inside(document, created=document["validFrom"])
    return SignedList(secured={**document, "proof": proof}, jwt=sign(document))
