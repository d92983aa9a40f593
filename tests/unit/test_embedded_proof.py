"""The embedded proof: as others make it, checked along a second path, and never over half a document."""

from __future__ import annotations

import copy
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pyld import jsonld

from pipeline import clock
from pipeline.badges import keys, linked_data
from pipeline.badges.document import compose, verify
from pipeline.badges.identity import did_document
from pipeline.badges.issuing import signed
from pipeline.badges.linked_data import Unsignable, canonical, check_covered
from pipeline.badges.multibase import base58
from pipeline.badges.proof import prove_inside
from pipeline.errors import Misconfigured, Rejected
from pipeline.settings import Settings
from pipeline.store.badges import Place
from tests.unit.test_open_badge import NOW, ORDER, PLACE

Document = dict[str, Any]
#: the key of the known answer: thirty-two bytes, 0 to 31
SEED = bytes(range(32))
ODD = replace(
    ORDER, title='Übung „Leiter“ \\ "sicher" 李 \U0001f600', criteria="Eins.\nZwei.\tDrei\r\u000b\u007f."
)  # every kind of character that canonical statements write in a way of their own
#: what @digitalbazaar/eddsa-rdfc-2022-cryptosuite 1.3.0 with @digitalbazaar/data-integrity 2.5.0 makes of ODD
ANSWER = {
    "type": "DataIntegrityProof",
    "cryptosuite": "eddsa-rdfc-2022",
    "created": "2026-03-07T12:30:15Z",
    "verificationMethod": ("did:web:credentials.academy.example#z6MkehRgf7yJbgaGfYsdoAsKdBPE3dj2CYhowQdcjqSJgvVd"),
    "proofPurpose": "assertionMethod",
    "proofValue": "z4sD3V2GWZM3r3Wub5xp1LYPSFk6vnBYKKw6zEuPHysGBdZFkTb2wndk7VAi9C4Jkkm7qtvHbiqJ8g9mikSoXDYQw",
}
_ALPHABET = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


@pytest.fixture
def now(confer_env: Settings) -> Iterator[datetime]:
    with clock.frozen(NOW):
        yield NOW


@pytest.fixture
def document(now: datetime) -> Document:
    return compose(ODD, "abc", now, "f00d", PLACE)


def unbase58(text: str) -> bytes:
    """Written apart from the product, so that one mistake cannot hide in both."""
    assert text[0] == "z"
    number = sum(_ALPHABET.index(digit) * 58**place for place, digit in enumerate(reversed(text[1:].encode())))
    zeros = len(text[1:]) - len(text[1:].lstrip("1"))
    return bytes(zeros) + number.to_bytes(64, "big").lstrip(b"\0")


def reverified(secured: Document, did: Document) -> None:
    """A second path: statements first, then their canonical form, hashed by hand, under the key that is published.

    Raises:
        InvalidSignature: the proof is not good.
    """
    proof = dict(secured["proof"])
    value = unbase58(proof.pop("proofValue"))
    [method] = [one for one in did["verificationMethod"] if one["id"] == proof["verificationMethod"]]
    assert method["id"] in did["assertionMethod"]
    raw = unbase58(method["publicKeyMultibase"])
    assert (raw[:2], len(raw)) == (b"\xed\x01", 34)
    bare = {name: member for name, member in secured.items() if name != "proof"}
    parts = []
    for part in ({**proof, "@context": secured["@context"]}, bare):
        quads = jsonld.to_rdf(part, {"documentLoader": linked_data._load, "format": "application/n-quads"})
        form = {"inputFormat": "application/n-quads", "format": "application/n-quads"}
        parts.append(jsonld.normalize(quads, {"algorithm": "URDNA2015", **form}))
    signed_bytes = b"".join(sha256(part.encode()).digest() for part in parts)
    Ed25519PublicKey.from_public_bytes(raw[2:]).verify(value, signed_bytes)


def test_another_implementation_makes_the_same_proof(confer_env: Settings, document: Document) -> None:
    directory = confer_env.data / "keys"
    directory.mkdir(mode=0o700, parents=True)
    file = directory / "ed25519-0001.pem"
    file.write_bytes(
        Ed25519PrivateKey.from_private_bytes(SEED).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    file.chmod(0o600)
    assert prove_inside(document, created="2026-03-07T12:30:15Z") == ANSWER


def test_a_second_path_verifies_it_and_no_change_to_it(document: Document) -> None:
    secured = {**document, "proof": prove_inside(document, created=document["validFrom"])}
    did = did_document()
    reverified(secured, did)
    for change in changes():
        other = copy.deepcopy(secured)
        change(other)
        with pytest.raises(InvalidSignature):
            reverified(other, did)


def changes() -> Iterator[Callable[[Document], object]]:
    yield lambda it: it.update(name="Doctor of Medicine")
    yield lambda it: it.update(validUntil="2099-01-01T00:00:00Z")
    yield lambda it: it["credentialSubject"].update(id="urn:uuid:00000000-0000-0000-0000-000000000000")
    yield lambda it: it["credentialSubject"]["identifier"][0].update(salt="other")
    yield lambda it: it["credentialSubject"]["achievement"]["criteria"].update(narrative="Nothing at all.")
    yield lambda it: it["credentialStatus"].update(statusListIndex="1")
    yield lambda it: it["issuer"].update(name="Somebody else")
    yield lambda it: it["proof"].update(created="2026-03-08T00:00:00Z")
    yield lambda it: it["proof"].update(proofPurpose="authentication")


def test_both_forms_say_the_same(now: datetime) -> None:
    badge = signed(ODD, "ours", Place(1, 7))
    assert badge.proof is not None
    assert badge.proof["created"] == "2026-03-07T12:30:15Z"
    reverified({**verify(badge.jwt), "proof": badge.proof}, did_document())


def test_every_member_becomes_a_statement(document: Document) -> None:
    check_covered(document)
    quads = canonical(document).decode()
    for text in (
        "Eins.\\nZwei.\\tDrei\\r",
        '\\"sicher\\"',
        "94567",
        "status-lists/3",
        "sha256$",
        "f00d",
        "badge.png",
    ):
        assert text in quads, text


@pytest.mark.parametrize(
    ("place", "name", "value"),
    [
        ((), "favourite", "blue"),
        (("credentialSubject",), "grade", "A"),
        (("credentialSubject", "achievement", "criteria"), "hint", "x"),
        (("credentialSubject",), "type", ["AchievementSubject", "Nonsense"]),
        (("credentialSubject", "achievement"), "id", "not an address"),
        (("issuer",), "url", None),
        (("credentialSubject", "achievement"), "alignment", []),
        (("credentialSubject", "achievement"), "image", {}),
        ((), "@context", ["https://www.w3.org/ns/credentials/v2"]),
        ((), "@context", ["https://www.w3.org/ns/credentials/v2", "https://elsewhere.example/context.json"]),
    ],
)
def test_what_would_not_be_signed_is_refused(
    document: Document, place: tuple[str, ...], name: str, value: Any
) -> None:
    changed = copy.deepcopy(document)
    inner = changed
    for step in place:
        inner = inner[step]
    inner[name] = value
    with pytest.raises(Rejected, match="cannot be signed whole") as caught:
        prove_inside(changed, created="2026-03-07T12:30:15Z")
    for said in ("blue", "Leiter", "f00d", "not an address"):
        assert said not in caught.value.detail


@pytest.mark.parametrize("character", ["\0", "\b", "\v", "\f", "\x1f", "\x7f", "\uffff"])
def test_a_character_that_is_not_written_alike_everywhere_is_left_out(now: datetime, character: str) -> None:
    order = replace(ORDER, title=f"First{character} Aid", criteria=character, description=f"{character}Done.")
    document = compose(order, "abc", now, "salt", PLACE)
    assert document["name"] == "First Aid"
    assert document["credentialSubject"]["achievement"]["criteria"] == {"narrative": "Done."}
    check_covered(document)
    with pytest.raises(Unsignable, match=r"\$.name holds a control character"):
        check_covered({**document, "name": f"First{character} Aid"})


def test_nothing_is_ever_fetched(monkeypatch: pytest.MonkeyPatch, document: Document) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("somebody went out to the network")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    canonical(document)
    with pytest.raises(Unsignable):
        canonical({**document, "@context": "https://elsewhere.example/context.json"})


def test_a_context_that_was_changed_is_refused(
    document: Document, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    directory = tmp_path / "contexts"
    shutil.copytree(linked_data._DIRECTORY, directory)
    [first, second] = sorted(directory.glob("*.json"))
    monkeypatch.setattr(linked_data, "_DIRECTORY", directory)
    for break_it in (lambda: second.write_bytes(second.read_bytes() + b"\n"), first.unlink):
        linked_data._context.cache_clear()
        assert prove_inside(document, created="2026-03-07T12:30:15Z")
        linked_data._context.cache_clear()
        content = first.read_bytes(), second.read_bytes()
        break_it()
        with pytest.raises(Misconfigured, match="not the context that it was") as caught:
            prove_inside(document, created="2026-03-07T12:30:15Z")
        assert caught.value.whole_account
        first.write_bytes(content[0])
        second.write_bytes(content[1])
    linked_data._context.cache_clear()


def test_the_notice_names_every_context_and_its_hash() -> None:
    notice = (linked_data._DIRECTORY / "NOTICE.md").read_text(encoding="utf-8")
    shipped = {file.name: sha256(file.read_bytes()).hexdigest() for file in linked_data._DIRECTORY.glob("*.json")}
    assert shipped == dict(linked_data._FILES.values())
    for address, (name, digest) in linked_data._FILES.items():
        assert f"| `{name}` | `{address}` | `{digest}` |" in notice


@pytest.mark.parametrize(
    ("content", "text"),
    [(b"", "z"), (b"\0", "z1"), (b"\0\0\x01", "z112"), (b"Hello World!", "z2NEpo7TZRRrLZSi2U"), (b"\xff", "z5Q")],
)
def test_base58_as_others_write_it(content: bytes, text: str) -> None:
    assert base58(content) == text


def test_an_older_key_goes_on_to_verify(document: Document) -> None:
    secured = {**document, "proof": prove_inside(document, created="2026-03-07T12:30:15Z")}
    keys.rotate()
    reverified(secured, did_document())
    later = {**document, "proof": prove_inside(document, created="2026-03-07T12:30:15Z")}
    assert later["proof"]["verificationMethod"] != secured["proof"]["verificationMethod"]
    reverified(later, did_document())


def test_many_threads_sign_at_once(document: Document) -> None:
    """PyLD's caches break when threads change them together; a pump of a lane and the web process have threads."""
    plain = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as threads:
            made = list(threads.map(lambda _: prove_inside(document, created="2026-03-07T12:30:15Z"), range(80)))
    finally:
        sys.setswitchinterval(plain)
    assert all(proof == made[0] for proof in made)


def test_signing_does_not_hold_up_a_lane(document: Document) -> None:
    """A generous bound, against contexts that are read anew each time; it is about 10 ms."""
    prove_inside(document, created="2026-03-07T12:30:15Z")
    began = datetime.now(UTC)
    for _ in range(10):
        prove_inside(document, created="2026-03-07T12:30:15Z")
    assert (datetime.now(UTC) - began).total_seconds() < 2
