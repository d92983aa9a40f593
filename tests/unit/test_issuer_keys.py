"""The issuer's keys: made once however many start at once, kept secret, and published for ever."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from base64 import urlsafe_b64encode
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from pipeline.badges import keys
from pipeline.badges.identity import did_document, key_set, published_key
from pipeline.errors import Misconfigured
from pipeline.settings import Settings


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, password: bytes | None = None) -> bytes:
    protection = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection)


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
    [file] = directory.iterdir()
    assert file.name == "issuer-0001.pem"
    assert file.stat().st_mode & 0o777 == 0o600
    assert directory.stat().st_mode & 0o777 == 0o700
    assert file.read_text().startswith("-----BEGIN PRIVATE KEY-----")
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
        f"did:web:credentials.academy.example#{key.thumbprint}" for key in (new, old)
    ]
    assert published_key(old.thumbprint) == old.jwk
    assert published_key("nobody's") is None


def test_a_key_that_confer_adds_takes_over(directory: Path) -> None:
    old = keys.signing_key()
    assert keys.add_key().thumbprint == keys.signing_key().thumbprint != old.thumbprint
    assert sorted(file.name for file in directory.iterdir()) == ["issuer-0001.pem", "issuer-0002.pem"]


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
        "from pipeline.badges.keys import signing_key\n"
        "time.sleep(max(0, float(sys.argv[1]) - time.time()))\n"
        "print(signing_key().thumbprint)\n"
    )
    start = str(time.time() + 4)
    processes = [
        subprocess.Popen([sys.executable, "-c", code, start], stdout=subprocess.PIPE, env=dict(os.environ))
        for _ in range(8)
    ]
    said = {process.communicate(timeout=60)[0] for process in processes}
    assert [process.returncode for process in processes] == [0] * 8
    assert said == {f"{keys.signing_key().thumbprint}\n".encode()}
    assert [file.name for file in directory.iterdir()] == ["issuer-0001.pem"]
