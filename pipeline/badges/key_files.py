"""The files that hold the issuer's keys: made once however many start at once, refused if others could reach them.

A private key is `issuer-0001.pem` (RSA) or `ed25519-0001.pem`; the highest number signs. What is left of a retired
one is its public half, `issuer-0001.pub.pem`.
"""

from __future__ import annotations

import os
import re
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key

from pipeline import clock
from pipeline.errors import Misconfigured

KEY_BITS = 2048
Private = RSAPrivateKey | Ed25519PrivateKey
Public = RSAPublicKey | Ed25519PublicKey
_TEMPORARY = ".new-"
_WRITTEN_WITHIN = 60  # seconds
_FILE = re.compile(r"(issuer|ed25519)-(\d{4})(\.pub)?\.pem")


class Kind(StrEnum):
    """The two kinds of keys, by the first part of their files' names."""

    RSA = "issuer"
    ED25519 = "ed25519"


@dataclass(frozen=True)
class KeyFile:
    """A key file as it was found: when any of this changes, the file is read again."""

    path: Path
    kind: Kind
    number: int
    retired: bool
    mode: int
    size: int
    changed: int
    inode: int


def found(directory: Path) -> tuple[KeyFile, ...]:
    """Every key, the newest first; a key of which both halves are there counts as retired.

    Raises:
        Misconfigured: others can put files there, or a name does not say how old a key is.
    """
    if not directory.exists():
        return ()
    if directory.stat().st_mode & 0o022:
        raise _unusable(f"{directory}: other users can put keys there. Mend it with: chmod 700 {directory}")
    keys: dict[tuple[str, int], KeyFile] = {}
    for path in sorted(directory.glob("*.pem")):  # a private half before its public one
        named = _FILE.fullmatch(path.name)
        if not named:
            raise _unusable(
                f"{path}: not a name for a key, so its age is unknown. Name it issuer-NNNN.pem or ed25519-NNNN.pem; "
                "the highest number signs"
            )
        with suppress(FileNotFoundError):  # retired by another process since it was listed
            keys[named[1], int(named[2])] = _noted(path, named)
    return tuple(sorted(keys.values(), key=lambda key: (key.number, key.kind), reverse=True))


def _noted(path: Path, named: re.Match[str]) -> KeyFile:
    status = path.stat()
    return KeyFile(
        path, Kind(named[1]), int(named[2]), bool(named[3]),
        status.st_mode, status.st_size, status.st_mtime_ns, status.st_ino,
    )  # fmt: skip


def make(directory: Path, kind: Kind, number: int) -> None:
    """Write a new private key under its final name, whole or not at all, and only if that name is free.

    Of several processes that start at once, one wins the name and the others use its key.

    Raises:
        OSError: it cannot be written.
    """
    private: Private = (
        generate_private_key(public_exponent=65537, key_size=KEY_BITS)
        if kind is Kind.RSA
        else Ed25519PrivateKey.generate()
    )
    text = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _write(directory, f"{kind}-{number:04}.pem", text)


def retire(file: KeyFile, public: Public) -> None:
    """Keep of a key what verifies, and destroy what signs. Safe to repeat.

    Raises:
        OSError: it cannot be written or removed.
    """
    text = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    _write(file.path.parent, f"{file.kind}-{file.number:04}.pub.pem", text)
    (file.path.parent / f"{file.kind}-{file.number:04}.pem").unlink(missing_ok=True)
    _make_durable(file.path.parent)


def remove_left_overs(directory: Path) -> None:
    """Remove what an interrupted writing left behind: it may hold a private key. One that goes on is left alone."""
    for path in directory.glob(f"{_TEMPORARY}*"):
        with suppress(FileNotFoundError):
            if clock.now().timestamp() - path.stat().st_mtime > _WRITTEN_WITHIN:
                path.unlink()


def _write(directory: Path, name: str, text: bytes) -> None:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=directory, prefix=_TEMPORARY)  # mkstemp makes it with mode 600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(temporary, directory / name)
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


def private_in(file: KeyFile) -> Private:
    """Read a private key. What the libraries say of a broken file is not passed on: it may quote the file.

    Raises:
        FileNotFoundError: it is gone since it was found.
        Misconfigured: it is no key of its kind, or others could have read it.
    """
    if file.mode & 0o077:
        raise _unusable(
            f"{file.path}: other users of this machine can read the issuer's key (mode {file.mode & 0o777:o}). "
            f"If nobody has: chmod 600 {file.path}. If somebody may have: see docs/openbadges.md for a stolen key"
        )
    try:
        key = serialization.load_pem_private_key(_content(file), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _unusable(
            f"{file.path}: not an unencrypted private key in PEM. Restore it from the backup; without it, the "
            "credentials that it signed no longer verify"
        ) from None
    if not isinstance(key, RSAPrivateKey | Ed25519PrivateKey) or not _fits(key.public_key(), file.kind):
        raise _unusable(f"{file.path}: {_WANTED[file.kind]}")
    return key


def public_in(file: KeyFile) -> Public:
    """Read the public half of a retired key.

    Raises:
        Misconfigured: it is no key of its kind, or others could have put another one in its place.
    """
    if file.mode & 0o022:
        raise _unusable(f"{file.path}: other users can change it. Compare it with the backup, then chmod 600 it")
    try:
        key = serialization.load_pem_public_key(_content(file))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _unusable(f"{file.path}: not a public key in PEM. Restore it from the backup") from None
    if not isinstance(key, RSAPublicKey | Ed25519PublicKey) or not _fits(key, file.kind):
        raise _unusable(f"{file.path}: {_WANTED[file.kind]}")
    return key


_WANTED = {Kind.RSA: f"not an RSA key of {KEY_BITS} bits or more", Kind.ED25519: "not an Ed25519 key"}


def _fits(key: Public, kind: Kind) -> bool:
    if kind is Kind.RSA:
        return isinstance(key, RSAPublicKey) and key.key_size >= KEY_BITS
    return isinstance(key, Ed25519PublicKey)


def _unusable(detail: str) -> Misconfigured:
    """No credential of the account can be signed, whoever it is for."""
    return Misconfigured(detail, whole_account=True)


def _content(file: KeyFile) -> bytes:
    try:
        return file.path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as failure:
        raise _unusable(f"{file.path}: the issuer's key cannot be read ({failure.strerror})") from None
