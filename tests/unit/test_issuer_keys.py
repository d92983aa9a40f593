"""The issuer's keys: made once however many start at once, kept secret, and published for ever."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from pipeline import clock
from pipeline.badges import key_files, keys
from pipeline.badges.identity import did_document, key_set, published_key
from pipeline.errors import Misconfigured
from pipeline.settings import Settings


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, password: bytes | None = None) -> bytes:
    protection = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection)


def names(directory: Path) -> list[str]:
    return sorted(file.name for file in directory.iterdir() if not file.name.startswith("."))


def put(directory: Path, text: bytes, name: str = "issuer-0001.pem", mode: int = 0o600) -> Path:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = directory / name
    path.write_bytes(text)
    path.chmod(mode)
    return path


@pytest.fixture
def directory(confer_env: Settings) -> Path:
    return confer_env.data / "keys"


def test_the_first_key_is_made_secret_and_kept(directory: Path) -> None:
    key = keys.signing_key()
    assert names(directory) == ["ed25519-0001.pem", "issuer-0001.pem"]
    for file in directory.iterdir():
        assert file.stat().st_mode & 0o777 == 0o600
        assert file.read_text().startswith("-----BEGIN PRIVATE KEY-----")
    assert directory.stat().st_mode & 0o777 == 0o700
    assert key.private.key_size == 2048
    assert keys.signing_key() is key, "a key is read once, not for every signature"


def test_the_thumbprint_is_that_of_rfc_7638(confer_env: Settings) -> None:
    [jwk] = keys.published_keys()
    canonical = f'{{"e":"{jwk["e"]}","kty":"RSA","n":"{jwk["n"]}"}}'
    expected = urlsafe_b64encode(sha256(canonical.encode()).digest()).decode().rstrip("=")
    assert keys.signing_key().thumbprint == expected
    assert jwk["kid"] == f"https://credentials.academy.example/keys/{expected}"


def test_nothing_secret_is_published_or_shown(confer_env: Settings) -> None:
    key = keys.signing_key()
    secret = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
    assert not secret & set(keys.published_keys()[0])
    assert not secret & set(key_set()["keys"][0])
    assert "PRIVATE" not in json.dumps(did_document())
    assert repr(key) == "SigningKey()"


def test_a_new_key_is_noticed_signs_and_the_old_one_stays_published(directory: Path) -> None:
    old = keys.signing_key()
    put(directory, pem(rsa.generate_private_key(65537, 3072)), "issuer-0002.pem")
    new = keys.signing_key()
    assert new.thumbprint != old.thumbprint
    assert new.private.key_size == 3072
    assert [key["kid"] for key in keys.published_keys()] == [new.kid, old.kid]
    assert did_document()["assertionMethod"] == [
        f"did:web:credentials.academy.example#{name}"
        for name in (new.thumbprint, old.thumbprint, keys.proof_key().multikey)
    ]
    assert published_key(old.thumbprint) == old.jwk
    assert published_key("nobody's") is None


def test_the_key_of_embedded_proofs_is_a_multikey(directory: Path) -> None:
    key = keys.proof_key()
    assert isinstance(key.private, ed25519.Ed25519PrivateKey)
    assert key.multikey.startswith("z6Mk"), "every Ed25519 Multikey begins like this"
    [method] = [one for one in did_document()["verificationMethod"] if one["type"] == "Multikey"]
    assert method == {
        "id": f"did:web:credentials.academy.example#{key.multikey}",
        "type": "Multikey",
        "controller": "did:web:credentials.academy.example",
        "publicKeyMultibase": key.multikey,
    }
    assert "https://w3id.org/security/multikey/v1" in did_document()["@context"]
    assert [jwk["kty"] for jwk in key_set()["keys"]] == ["RSA"]
    assert repr(key) == "ProofKey()"


def test_an_installation_with_a_key_for_jwts_alone_gets_the_other(directory: Path) -> None:
    put(directory, pem(rsa.generate_private_key(65537, 2048)))
    before = keys.signing_key().thumbprint
    assert keys.proof_key().private
    assert keys.signing_key().thumbprint == before
    assert names(directory) == ["ed25519-0001.pem", "issuer-0001.pem"]


def test_rotation_destroys_what_signed_and_keeps_what_verifies(directory: Path) -> None:
    old, old_proof = keys.signing_key(), keys.proof_key()
    keys.rotate()
    assert names(directory) == [
        "ed25519-0001.pub.pem",
        "ed25519-0002.pem",
        "issuer-0001.pub.pem",
        "issuer-0002.pem",
    ]
    assert "PRIVATE" not in (directory / "issuer-0001.pub.pem").read_text()
    assert "PRIVATE" not in (directory / "ed25519-0001.pub.pem").read_text()
    assert keys.signing_key().thumbprint != old.thumbprint
    assert keys.proof_key().multikey != old_proof.multikey
    assert [key.thumbprint for key in keys.all_keys()][1:] == [old.thumbprint]
    assert [key.multikey for key in keys.proof_keys()][1:] == [old_proof.multikey]
    assert keys.all_keys()[1].private is None
    assert published_key(old.thumbprint) == old.jwk
    assert {method["id"].rpartition("#")[2] for method in did_document()["verificationMethod"]} == {
        old.thumbprint,
        old_proof.multikey,
        keys.signing_key().thumbprint,
        keys.proof_key().multikey,
    }
    keys.rotate()
    assert (len(keys.all_keys()), len(keys.proof_keys())) == (3, 3)
    assert names(directory)[-1] == "issuer-0003.pem"


@pytest.mark.parametrize("step", range(1, 11))
def test_an_interrupted_rotation_leaves_keys_that_sign_and_the_next_completes_it(
    directory: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """Power is lost before each of its changes to the directory in turn."""
    old = keys.signing_key(), keys.proof_key()
    left = step

    def lose_power(change: Callable[..., None]) -> Callable[..., None]:
        def changed(*arguments: Any, **more: Any) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                raise KeyboardInterrupt
            change(*arguments, **more)

        return changed

    with monkeypatch.context() as patched:
        patched.setattr("os.link", lose_power(os.link))
        patched.setattr(Path, "unlink", lose_power(Path.unlink))
        with pytest.raises(KeyboardInterrupt):
            keys.rotate()
    assert {key.thumbprint for key in keys.all_keys()} >= {old[0].thumbprint}
    assert {key.multikey for key in keys.proof_keys()} >= {old[1].multikey}
    assert keys.signing_key().private
    assert keys.proof_key().private
    with clock.frozen(clock.now() + timedelta(minutes=2)):
        keys.rotate()
    private = [file for file in directory.iterdir() if "PRIVATE" in file.read_text()]
    assert len(private) == 2, "nor is one left in what the interruption left behind"
    assert {key.thumbprint for key in keys.all_keys()} >= {old[0].thumbprint}


def test_a_key_that_is_retired_while_it_is_read_is_found_in_its_new_place(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = keys.signing_key()
    put(directory, b"", "ed25519-0009.pem").unlink()
    read = key_files.private_in

    def late(file: key_files.KeyFile) -> key_files.Private:
        if file.path.name == "issuer-0001.pem":
            monkeypatch.setattr(key_files, "private_in", read)
            keys.rotate()
        return read(file)

    (directory / "issuer-0001.pem").touch()
    monkeypatch.setattr(key_files, "private_in", late)
    assert [key.thumbprint for key in keys.all_keys()][1:] == [old.thumbprint]


def test_the_public_half_of_a_retired_key_is_held_to_its_kind(directory: Path) -> None:
    keys.rotate()
    file = directory / "issuer-0001.pub.pem"
    text = file.read_bytes()
    for other in (b"", b"no PEM", (directory / "ed25519-0001.pub.pem").read_bytes()):
        file.write_bytes(other)
        with pytest.raises(Misconfigured, match=r"issuer-0001\.pub\.pem"):
            keys.all_keys()
    file.write_bytes(text)
    file.chmod(0o644)
    assert keys.all_keys(), "everybody may read what is public"
    file.chmod(0o622)
    with pytest.raises(Misconfigured, match="can change it"):
        keys.all_keys()


def test_without_any_private_key_a_new_one_is_made(directory: Path) -> None:
    keys.rotate()
    (directory / "issuer-0002.pem").unlink()
    assert keys.signing_key().private
    assert "issuer-0002.pem" in names(directory)


def test_a_replaced_file_is_read_again(directory: Path) -> None:
    before = keys.signing_key().thumbprint
    (directory / "issuer-0001.pem").unlink()
    put(directory, pem(rsa.generate_private_key(65537, 2048)))
    assert keys.signing_key().thumbprint != before


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644, 0o666])
def test_a_key_that_others_could_reach_is_refused(directory: Path, mode: int) -> None:
    path = put(directory, pem(rsa.generate_private_key(65537, 2048)), mode=mode)
    with pytest.raises(Misconfigured, match="other users") as caught:
        keys.signing_key()
    assert f"chmod 600 {path}" in str(caught.value)
    path.chmod(0o600)
    assert keys.signing_key()


def test_a_directory_in_which_others_could_put_keys_is_refused(directory: Path) -> None:
    keys.signing_key()
    directory.chmod(0o770)
    with pytest.raises(Misconfigured, match="chmod 700"):
        keys.signing_key()


def garbage() -> dict[str, bytes]:
    whole = pem(rsa.generate_private_key(65537, 2048))
    return {
        "empty": b"",
        "no PEM": b"\x00\xff not a key",
        "cut off": whole[: len(whole) // 2],
        "encrypted": pem(rsa.generate_private_key(65537, 2048), b"password"),
        "too short": pem(rsa.generate_private_key(65537, 1024)),  # noqa: S505 - it is to be refused
        "another kind": pem(ec.generate_private_key(ec.SECP256R1())),
    }


@pytest.mark.parametrize("kind", garbage())
def test_a_file_that_is_no_good_key_is_named_and_not_quoted(directory: Path, kind: str) -> None:
    text = garbage()[kind]
    path = put(directory, text)
    with pytest.raises(Misconfigured) as caught:
        keys.signing_key()
    assert str(path) in str(caught.value)
    assert caught.value.__cause__ is None
    for line in text.decode(errors="replace").splitlines():
        assert not line or line not in str(caught.value)
    assert path.read_bytes() == text, "a broken key is never replaced: its backup may be needed"


def test_a_file_of_unknown_age_is_refused(directory: Path) -> None:
    keys.signing_key()
    put(directory, pem(rsa.generate_private_key(65537, 2048)), "new.pem")
    with pytest.raises(Misconfigured, match=r"issuer-NNNN\.pem"):
        keys.signing_key()


def test_a_place_where_no_key_can_be_made_is_told(confer_env: Settings) -> None:
    confer_env.data.parent.mkdir(exist_ok=True)
    confer_env.data.write_text("a file where the directory should be")
    with pytest.raises(Misconfigured, match="keys"):
        keys.signing_key()


def test_a_key_file_that_cannot_be_opened_is_told(directory: Path) -> None:
    directory.mkdir(mode=0o700, parents=True)
    (directory / "issuer-0001.pem").mkdir(mode=0o700)
    with pytest.raises(Misconfigured, match="cannot be read"):
        keys.signing_key()


def test_of_many_processes_that_start_at_once_all_use_one_key(directory: Path) -> None:
    code = (
        "import sys, time\n"
        "from pipeline.badges.keys import proof_key, signing_key\n"
        "time.sleep(max(0, float(sys.argv[1]) - time.time()))\n"
        "print(signing_key().thumbprint, proof_key().multikey)\n"
    )
    start = str(time.time() + 4)
    processes = [
        subprocess.Popen([sys.executable, "-c", code, start], stdout=subprocess.PIPE, env=dict(os.environ))
        for _ in range(8)
    ]
    said = {process.communicate(timeout=60)[0] for process in processes}
    assert [process.returncode for process in processes] == [0] * 8
    assert said == {f"{keys.signing_key().thumbprint} {keys.proof_key().multikey}\n".encode()}
    assert names(directory) == ["ed25519-0001.pem", "issuer-0001.pem"]
