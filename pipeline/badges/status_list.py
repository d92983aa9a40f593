"""The public lists that say which credentials were revoked: Bitstring Status List 1.0.

A list holds one bit for each of its credentials and nothing else, so whoever asks for it does not tell which
credential they look at.
"""

from __future__ import annotations

import gzip
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from pipeline.badges.linked_data import UNWRITABLE
from pipeline.settings import settings
from pipeline.store.badges import LIST_SIZE, Place


def list_url(number: int) -> str:
    """The public address of a list, which is also its identifier."""
    return f"{settings().public_url}/status-lists/{number}"


def status_entry(place: Place) -> dict[str, str]:
    """What a credential says of its place. The index is a text there."""
    address = list_url(place.number)
    return {
        "id": f"{address}#{place.index}",
        "type": "BitstringStatusListEntry",
        "statusPurpose": "revocation",
        "statusListIndex": str(place.index),
        "statusListCredential": address,
    }


def list_document(number: int, revoked: Iterable[int], begins: datetime) -> dict[str, Any]:
    """The unsigned list. The same state gives the same document, so that it can be asked for by its ETag."""
    address = list_url(number)
    return {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "id": address,
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": {"id": settings().issuer_id, "name": UNWRITABLE.sub("", settings().organization)},
        "validFrom": begins.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "credentialSubject": {
            "id": f"{address}#list",
            "type": "BitstringStatusList",
            "statusPurpose": "revocation",
            "encodedList": _encoded(revoked),
        },
    }


def _encoded(revoked: Iterable[int]) -> str:
    """One bit for each index, the left-most first; compressed without a date, which would differ every time."""
    bits = bytearray(LIST_SIZE // 8)
    for index in revoked:
        bits[index // 8] |= 0x80 >> index % 8
    return "u" + urlsafe_b64encode(gzip.compress(bytes(bits), mtime=0)).rstrip(b"=").decode()
