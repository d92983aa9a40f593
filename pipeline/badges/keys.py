"""The issuer's signing keys: files that are made once, kept secret, and never taken out of publication.

A credential is worth as much as the secrecy of its key, so a key that others on the machine could have read
is refused instead of used. An old key stays published for ever: without it, what it signed stops verifying.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from base64 import urlsafe_b64encode
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import cast

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from jwt.algorithms import RSAAlgorithm

from pipeline.errors import Misconfigured
from pipeline.settings import settings

ALGORITHM = "RS256"
KEY_BITS = 2048
_FILE = re.compile(r"issuer-(\d{4})\.pem")


@dataclass(frozen=True)
class SigningKey:
    """One key of the issuer. `thumbprint` (RFC 7638) is its name, the same wherever the key is copied to."""

    private: RSAPrivateKey = field(repr=False)

    @cached_property
    def thumbprint(self) -> str:
        members = {name: value for name, value in self._public.items() if name in {"e", "kty", "n"}}
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
        return {**self._public, "kid": self.kid, "use": "sig", "alg": ALGORITHM}

    @cached_property
    def _public(self) -> dict[str, str]:
        jwk = RSAAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        return {name: cast(str, jwk[name]) for name in ("kty", "n", "e")}


def signing_key() -> SigningKey:
    """The newest key; the first one is made here when there is none.

    Raises:
        Misconfigured: see `all_keys`.
    """
    return all_keys()[0]


def published_keys() -> tuple[dict[str, str], ...]:
    """The public half of every key, the newest first, as JWKs.

    Raises:
        Misconfigured: see `all_keys`.
    """
    return tuple(key.jwk for key in all_keys())


def all_keys() -> tuple[SigningKey, ...]:
    """Every key, the newest first. Read again whenever a file was added, changed or removed.

    Raises:
        Misconfigured: a key cannot be read, is no RSA key, or was open to other users of the machine.
    """
    global _kept  # noqa: PLW0603 - the keys of this process, read once
    directory = settings().data / "keys"
    try:
        found = _look(directory) or _look_after_making_one(directory)
    except OSError as failure:
        raise Misconfigured(
            f"{directory}: the issuer's keys cannot be read or made ({failure.strerror}). Give the user that "
            "runs Confer this directory, mode 700, on a file system that knows hard links"
        ) from None
    if _kept is None or _kept[0] != found:
        _kept = found, tuple(_read(file) for file in found)
    return _kept[1]


def add_key() -> SigningKey:
    """Make a new key, which signs from now on; running processes notice it by themselves.

    Raises:
        Misconfigured: see `all_keys`.
    """
    newest = _look(settings().data / "keys")[:1]
    number = int(cast(re.Match[str], _FILE.fullmatch(newest[0].path.name))[1]) if newest else 0
    _make(settings().data / "keys", number + 1)
    return signing_key()


@dataclass(frozen=True)
class _File:
    """A key file as it was found: when any of this changes, the file is read again."""

    path: Path
    mode: int
    size: int
    changed: int
    inode: int


_kept: tuple[tuple[_File, ...], tuple[SigningKey, ...]] | None = None


def _look(directory: Path) -> tuple[_File, ...]:
    if not directory.exists():
        return ()
    if directory.stat().st_mode & 0o022:
        raise Misconfigured(f"{directory}: other users can put keys there. Mend it with: chmod 700 {directory}")
    found = []
    for path in sorted(directory.glob("*.pem"), reverse=True):
        if not _FILE.fullmatch(path.name):
            raise Misconfigured(
                f"{path}: not a name for a key, so its age is unknown. Name it issuer-NNNN.pem; "
                "the highest number signs"
            )
        status = path.stat()
        found.append(_File(path, status.st_mode, status.st_size, status.st_mtime_ns, status.st_ino))
    return tuple(found)


def _look_after_making_one(directory: Path) -> tuple[_File, ...]:
    _make(directory, 1)
    return _look(directory)


def _make(directory: Path, number: int) -> None:
    """Write a new key under its final name, whole or not at all, and only if that name is free.

    Of several processes that start at once, one wins the name and the others use its key.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = generate_private_key(public_exponent=65537, key_size=KEY_BITS).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    descriptor, temporary = tempfile.mkstemp(dir=directory, prefix=".new-")  # mkstemp makes it with mode 600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(temporary, directory / f"issuer-{number:04}.pem")
    finally:
        Path(temporary).unlink()
    _make_durable(directory)


def _make_durable(directory: Path) -> None:
    """Have the new name survive a power cut: a credential may be signed with this key a moment later."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(file: _File) -> SigningKey:
    """Read one key. What the libraries say of a broken file is not passed on: it may quote the file."""
    if file.mode & 0o077:
        raise Misconfigured(
            f"{file.path}: other users of this machine can read the issuer's key (mode {file.mode & 0o777:o}). "
            f"If nobody has: chmod 600 {file.path}. If somebody may have: add a new key and withdraw this one"
        )
    try:
        key = serialization.load_pem_private_key(file.path.read_bytes(), password=None)
    except OSError as failure:
        raise Misconfigured(f"{file.path}: the issuer's key cannot be read ({failure.strerror})") from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise Misconfigured(
            f"{file.path}: not an unencrypted private key in PEM. Restore it from the backup; without it, the "
            "credentials that it signed no longer verify"
        ) from None
    if not isinstance(key, RSAPrivateKey) or key.key_size < KEY_BITS:
        raise Misconfigured(f"{file.path}: not an RSA key of {KEY_BITS} bits or more")
    return SigningKey(key)
