"""Signed payloads: a JWT, its key in a published set that no stranger can make us fetch again (contract 1.3)."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWTError
from jwt.algorithms import RSAAlgorithm
from jwt.api_jws import PyJWS

from pipeline import clock
from pipeline.errors import Failure, Outage
from pipeline.transport import Client, OpenGate, json_object
from pipeline.webhook import Unauthenticated

ALGORITHM = "RS256"
#: a set is good for so long (contract 1.3), and asked for at most once in so long, whatever is sent to us
KEPT_FOR = timedelta(hours=24)
ASKED_EVERY = timedelta(minutes=1)
#: seconds; the sender is waiting
_TIMEOUT = 5.0
_LEAST_BITS = 2048


class KeySet:
    """The public keys of one address. Any thread may use it."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._path = parts.path + (f"?{parts.query}" if parts.query else "")
        root = f"{parts.scheme}://{parts.netloc}"
        self._client = Client(system="Canvas", base_url=root, headers={}, timeout=_TIMEOUT, gate=OpenGate())
        self._lock = threading.Lock()
        self._keys: Mapping[str, RSAPublicKey] = {}
        self._read_at: datetime | None = None
        self._asked_at: datetime | None = None

    def verified(self, token: str) -> bytes:
        """The payload of a compact JWS.

        Raises:
            Unauthenticated: not signed by a key of the set, or not with RS256.
            Outage: the set cannot be read; the sender has to come again.
        """
        signing = PyJWS()
        try:
            header = signing.get_unverified_header(token)
        except (PyJWTError, ValueError, RecursionError):
            raise Unauthenticated("the body is no signed event") from None
        kid = header.get("kid")
        if header.get("alg") != ALGORITHM or not isinstance(kid, str):
            raise Unauthenticated(f"the event is not signed with {ALGORITHM} and a named key")
        try:
            payload: bytes = signing.decode(token, self._key(kid), algorithms=[ALGORITHM])
        except (PyJWTError, ValueError):
            raise Unauthenticated("the event's signature is wrong") from None
        return payload

    def _key(self, kid: str) -> RSAPublicKey:
        now = clock.now()
        found = self._keys.get(kid) if self._fresh(now) else None
        if found:
            return found
        with self._lock:  # one asks; who waited for it finds the answer
            if self._asked_at is None or abs(now - self._asked_at) >= ASKED_EVERY:
                self._asked_at = now
                self._keys, self._read_at = self._read(), now
            found = self._keys.get(kid) if self._fresh(now) else None
            if found:
                return found
            if self._read_at != self._asked_at:
                raise Outage("Canvas's signing keys could not be read a moment ago")
        raise Unauthenticated("the event is signed with a key that is not in Canvas's set")

    def _fresh(self, now: datetime) -> bool:
        return self._read_at is not None and now - self._read_at < KEPT_FOR

    def _read(self) -> Mapping[str, RSAPublicKey]:
        try:
            answer = self._client.read(self._path)
        except Failure as failure:
            raise Outage(f"Canvas's signing keys cannot be read: {failure.detail}") from None
        if answer.status != 200:
            raise Outage(f"Canvas answered {answer.status} instead of its signing keys")
        listed = json_object(answer, otherwise=Outage, system="Canvas").get("keys")
        rows = listed if isinstance(listed, list) else []
        keys = {row["kid"]: key for row in rows if isinstance(row, dict) and (key := _usable(row))}
        if not keys:
            raise Outage("Canvas's set of signing keys holds none that is usable")
        return keys


def _usable(row: dict[str, Any]) -> RSAPublicKey | None:
    """A public RSA key for signatures that has a name and is long enough; None for any other."""
    if (
        not isinstance(row.get("kid"), str)
        or row.get("use", "sig") != "sig"
        or row.get("alg", ALGORITHM) != ALGORITHM
    ):
        return None
    try:
        key = RSAAlgorithm.from_jwk(row)
    except (PyJWTError, ValueError, TypeError):
        return None
    return key if isinstance(key, RSAPublicKey) and key.key_size >= _LEAST_BITS else None


_SETS: dict[str, KeySet] = {}
_SETS_LOCK = threading.Lock()


def key_set(address: str) -> KeySet:
    """The set of this address, the same for all of the process: what was read once is not read again."""
    with _SETS_LOCK:
        return _SETS.setdefault(address, KeySet(address))


def forget_keys() -> None:
    """Forget all sets, for tests."""
    with _SETS_LOCK:
        _SETS.clear()
