"""The issuer's keys: an RSA key that signs JWTs and an Ed25519 key that makes embedded proofs.

A credential is worth as much as the secrecy of its keys. A retired key stays published for ever, without its private
half: what it signed goes on to verify, and nobody can sign with it again.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from jwt.algorithms import RSAAlgorithm

from pipeline.badges import key_files
from pipeline.badges.key_files import KeyFile, Kind
from pipeline.badges.multibase import base58
from pipeline.errors import Misconfigured
from pipeline.settings import settings

ALGORITHM = "RS256"
_MULTICODEC_ED25519 = b"\xed\x01"


@dataclass(frozen=True)
class SigningKey:
    """A key for JWTs. `thumbprint` (RFC 7638) is its name, the same wherever the key is copied to."""

    public: RSAPublicKey = field(repr=False)
    private: RSAPrivateKey | None = field(default=None, repr=False)

    @cached_property
    def thumbprint(self) -> str:
        members = {name: value for name, value in self._members.items() if name in {"e", "kty", "n"}}
        digest = sha256(json.dumps(members, separators=(",", ":"), sort_keys=True).encode()).digest()
        return urlsafe_b64encode(digest).rstrip(b"=").decode()

    @property
    def kid(self) -> str:
        """The address that serves the key: Open Badges 3.0 wants a `kid` that can be fetched, and its
        validator fetches it."""
        return f"{settings().public_url}/keys/{self.thumbprint}"

    @property
    def jwk(self) -> dict[str, str]:
        """The public half, as the world may have it."""
        return {**self._members, "kid": self.kid, "use": "sig", "alg": ALGORITHM}

    @property
    def method(self) -> dict[str, Any]:
        """The key as a verification method of the issuer's did:web document."""
        issuer = settings().issuer_id
        return {
            "id": f"{issuer}#{self.thumbprint}",
            "type": "JsonWebKey",
            "controller": issuer,
            "publicKeyJwk": self.jwk,
        }

    @cached_property
    def _members(self) -> dict[str, str]:
        jwk = RSAAlgorithm.to_jwk(self.public, as_dict=True)
        return {name: cast(str, jwk[name]) for name in ("kty", "n", "e")}


@dataclass(frozen=True)
class ProofKey:
    """A key for embedded proofs. `multikey`, the key itself as text, is its name."""

    public: Ed25519PublicKey = field(repr=False)
    private: Ed25519PrivateKey | None = field(default=None, repr=False)

    @cached_property
    def multikey(self) -> str:
        """W3C Multikey: the codec of Ed25519 and the raw key in base58."""
        raw = self.public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return base58(_MULTICODEC_ED25519 + raw)

    @property
    def method(self) -> dict[str, Any]:
        """The key as a verification method of the issuer's did:web document."""
        issuer = settings().issuer_id
        return {
            "id": f"{issuer}#{self.multikey}",
            "type": "Multikey",
            "controller": issuer,
            "publicKeyMultibase": self.multikey,
        }


def signing_key() -> SigningKey:
    """The newest key for JWTs; the first one is made here when there is none.

    Raises:
        Misconfigured: see `all_keys`.
    """
    return next(key for key in all_keys() if key.private)


def proof_key() -> ProofKey:
    """The newest key for embedded proofs; the first one is made here when there is none.

    Raises:
        Misconfigured: see `all_keys`.
    """
    return next(key for key in proof_keys() if key.private)


def published_keys() -> tuple[dict[str, str], ...]:
    """The public half of every key for JWTs, the newest first, as JWKs.

    Raises:
        Misconfigured: see `all_keys`.
    """
    return tuple(key.jwk for key in all_keys())


def all_keys() -> tuple[SigningKey, ...]:
    """Every key for JWTs, the newest first. Read again whenever a file was added, changed or removed.

    Raises:
        Misconfigured: a key cannot be read or made, is of another kind, or was open to other users of the machine.
    """
    return tuple(key for key in _keys() if isinstance(key, SigningKey))


def proof_keys() -> tuple[ProofKey, ...]:
    """Every key for embedded proofs, the newest first; see `all_keys`."""
    return tuple(key for key in _keys() if isinstance(key, ProofKey))


def rotate() -> None:
    """Make a new key of each kind, which signs from now on, and destroy the private half of every older one.

    Running processes notice by themselves. One that read the old key a moment ago may still finish a credential
    with it, which verifies as well. An interrupted rotation is completed by the next.

    Raises:
        Misconfigured: see `all_keys`.
    """
    _keys()  # none is made over files that are not in order
    directory = _directory()
    try:
        for kind in Kind:
            older = [file for file in key_files.found(directory) if file.kind is kind]
            key_files.make(directory, kind, older[0].number + 1)
            for file in older:
                if (directory / f"{kind}-{file.number:04}.pem").exists():
                    key_files.retire(file, _read(file).public)
        key_files.remove_left_overs(directory)
    except OSError as failure:
        raise _unwritable(directory, failure) from None


_kept: tuple[tuple[KeyFile, ...], tuple[SigningKey | ProofKey, ...]] | None = None


def _keys() -> tuple[SigningKey | ProofKey, ...]:
    global _kept  # noqa: PLW0603 - the keys of this process, read once
    directory = _directory()
    try:
        files = key_files.found(directory)
        for kind in Kind:
            of_kind = [file for file in files if file.kind is kind]
            if all(file.retired for file in of_kind):
                key_files.make(directory, kind, 1 + max((file.number for file in of_kind), default=0))
                files = key_files.found(directory)
    except OSError as failure:
        raise _unwritable(directory, failure) from None
    if _kept is None or _kept[0] != files:
        try:
            _kept = files, tuple(_read(file) for file in files)
        except FileNotFoundError:  # retired by another process since it was listed
            return _keys()
    return _kept[1]


def _read(file: KeyFile) -> SigningKey | ProofKey:
    private = None if file.retired else key_files.private_in(file)
    public = private.public_key() if private else key_files.public_in(file)
    if file.kind is Kind.RSA:
        return SigningKey(cast(RSAPublicKey, public), cast(RSAPrivateKey | None, private))
    return ProofKey(cast(Ed25519PublicKey, public), cast(Ed25519PrivateKey | None, private))


def _directory() -> Path:
    return settings().data / "keys"


def _unwritable(directory: Path, failure: OSError) -> Misconfigured:
    return Misconfigured(
        f"{directory}: the issuer's keys cannot be read or made ({failure.strerror}). Give the user that "
        "runs Confer this directory, mode 700, on a file system that knows hard links",
        whole_account=True,
    )
