"""Signed payloads: a set of keys that rotates, and the ways in which a forger would sign."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from hmac import digest
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

#: the keys of a set beside the one in use (contract 1.3); `unpublished` is in no set
KEYS = ("previous", "current", "next", "unpublished")
ALGORITHMS = ("RS256", "none", "HS256")


@cache
def _key(number: int) -> RSAPrivateKey:
    """Made once for each number in a process: making one takes a moment."""
    del number
    return generate_private_key(public_exponent=65537, key_size=2048)


class Signer:
    """Signs with one key of a row; the set shows the one before and the one after too."""

    def __init__(self) -> None:
        self._now = 1

    def rotate(self) -> None:
        """Go on to the next key."""
        self._now += 1

    def key_set(self) -> dict[str, Any]:
        """The JWKS: previous, current and next key."""
        return {"keys": [_public(self._now + step) for step in (-1, 0, 1)]}

    def sign(self, payload: bytes, send: Mapping[str, Any]) -> str:
        """A compact JWS. `send` may name another `key`, `alg` or `kid`."""
        number = (
            self._now + {"previous": -1, "current": 0, "next": 1, "unpublished": 1000}[send.get("key", "current")]
        )
        algorithm = send.get("alg", "RS256")
        header = {"typ": "JWT", "kid": send.get("kid", _kid(number)), "alg": algorithm}
        signed = f"{_encoded(json.dumps(header).encode())}.{_encoded(payload)}"
        return f"{signed}.{_encoded(_signature(number, algorithm, signed.encode()))}"


def _signature(number: int, algorithm: str, signed: bytes) -> bytes:
    key = _key(number)
    if algorithm == "none":
        return b""
    if algorithm == "HS256":  # the public key as if it were a shared secret
        pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return digest(pem, signed, "sha256")
    return key.sign(signed, PKCS1v15(), SHA256())


def _public(number: int) -> dict[str, str]:
    numbers = _key(number).public_key().public_numbers()
    return {
        "kty": "RSA",
        "kid": _kid(number),
        "use": "sig",
        "alg": "RS256",
        "n": _encoded(numbers.n.to_bytes(256, "big")),
        "e": _encoded(numbers.e.to_bytes(3, "big")),
    }


def _kid(number: int) -> str:
    """Other in every process, as its keys are: a receiver that still holds an old set has to see that."""
    modulus = _key(number).public_key().public_numbers().n
    return f"{number}-{sha256(str(modulus).encode()).hexdigest()[:12]}"


def _encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
