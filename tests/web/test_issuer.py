"""Forms, status lists, badges and revocations of our own issuer, as wallets and verifiers see them."""

from __future__ import annotations

import gzip
import json
import zlib
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from xml.etree import ElementTree

import jwt
import pytest
from flask.testing import FlaskClient

from pipeline import clock
from pipeline.badges import keys
from pipeline.platforms.openbadges import OpenBadges
from pipeline.settings import Settings
from pipeline.store.badges import Badge
from pipeline.store.database import transaction
from tests.unit.test_embedded_proof import reverified
from tests.web.test_verification import ISSUED_AT, ORDER, PUBLIC, Page, client, platform, public_id

__all__ = ["client", "platform", "public_id"]  # fixtures of the pages
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


def listed(client: FlaskClient, number: int = 1) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(client.get(f"/status-lists/{number}").data)
    return document


def bits(document: dict[str, Any]) -> str:
    """Every bit of a list, the left-most first, read as the specification of Bitstring Status List says."""
    text = document["credentialSubject"]["encodedList"]
    assert text[0] == "u"
    assert "=" not in text
    packed = urlsafe_b64decode(text[1:] + "=" * (-len(text[1:]) % 4))
    assert packed[4:8] == bytes(4), "a date in it would make other bytes of the same list"
    raw = gzip.decompress(packed)
    return "".join(f"{byte:08b}" for byte in raw)


def document_of(client: FlaskClient, public_id: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(client.get(f"/credentials/{public_id}.json").data)
    return document


def make_old(public_id: str) -> None:
    """What a credential looks like that was issued before there were embedded proofs and status lists."""
    with transaction() as session:
        badge = session.get_one(Badge, public_id)
        payload = jwt.decode(badge.jwt, options={"verify_signature": False})
        del payload["credentialStatus"]
        key = keys.signing_key()
        badge.jwt = jwt.encode(payload, key.private, algorithm="RS256", headers={"kid": key.kid})
        badge.proof = badge.status_list = badge.status_index = None


# forms


@pytest.mark.parametrize(
    ("accept", "mimetype"),
    [
        (None, "text/html"),
        ("*/*", "text/html"),
        (BROWSER, "text/html"),
        ("image/png", "text/html"),
        ("application/vc", "application/vc"),
        ("application/vc, text/html;q=0.5", "application/vc"),
        ("application/vc+jwt", "application/vc+jwt"),
        ("application/jwt", "application/jwt"),
        ("application/ld+json", "application/ld+json"),
        ("application/json", "application/json"),
    ],
)
def test_each_gets_the_form_that_it_asks_for(
    client: FlaskClient, public_id: str, accept: str | None, mimetype: str
) -> None:
    answer = client.get(f"/credentials/{public_id}", headers={"Accept": accept} if accept else {})
    assert (answer.status_code, answer.mimetype) == (200, mimetype)
    assert "Accept" in answer.headers["Vary"]
    if mimetype == "text/html":
        assert answer.headers["Cache-Control"] == "no-cache"
        return
    assert answer.headers["Cache-Control"] == "public, max-age=86400, immutable"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    if "jwt" in mimetype:
        assert answer.data == client.get(f"/credentials/{public_id}.jwt").data
    else:
        assert json.loads(answer.data) == document_of(client, public_id)


def test_a_stranger_verifies_the_embedded_proof_with_nothing_but_the_public_addresses(
    client: FlaskClient, public_id: str
) -> None:
    keys.rotate()
    did = client.get("/.well-known/did.json").get_json()
    reverified(document_of(client, public_id), did)
    reverified(listed(client), did)


def test_the_page_links_to_all_that_a_verifier_needs(client: FlaskClient, public_id: str) -> None:
    links = {link.get("href") for link in Page(client.get(f"/credentials/{public_id}")).all("a")}
    url = f"{PUBLIC}/credentials/{public_id}"
    assert {f"{url}.json", f"{url}.jwt", f"{url}.pdf", f"{url}/badge.png", f"{url}/badge.svg"} <= links
    assert {f"{PUBLIC}/status-lists/1", "/did.json", "/.well-known/jwks.json"} <= links


# status lists


def test_a_list_is_a_signed_credential_of_the_same_issuer(client: FlaskClient, public_id: str) -> None:
    answer = client.get("/status-lists/1")
    assert answer.mimetype == "application/vc"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Accept" in answer.headers["Vary"]
    document = json.loads(answer.data)
    credential = document_of(client, public_id)
    assert document.pop("proof")["proofPurpose"] == "assertionMethod"
    subject = document.pop("credentialSubject")
    assert document == {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "id": f"{PUBLIC}/status-lists/1",
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": {"id": credential["issuer"]["id"], "name": "Example Academy"},
        "validFrom": "2026-03-07T12:30:15Z",
    }
    del subject["encodedList"]
    assert subject == {
        "id": f"{PUBLIC}/status-lists/1#list",
        "type": "BitstringStatusList",
        "statusPurpose": "revocation",
    }
    assert credential["credentialStatus"]["statusListCredential"] == document["id"]
    assert len(bits(listed(client))) == 131_072


def test_a_list_is_a_jwt_for_who_prefers_that(client: FlaskClient, public_id: str) -> None:
    for accept in ("application/vc+jwt", "application/jwt", "application/vc+jwt, application/vc;q=0.5"):
        answer = client.get("/status-lists/1", headers={"Accept": accept})
        assert answer.mimetype == accept.partition(",")[0]
    for accept in ("*/*", "application/json", "application/vc", BROWSER):
        assert client.get("/status-lists/1", headers={"Accept": accept}).mimetype == "application/vc"
    token = client.get("/status-lists/1", headers={"Accept": "application/vc+jwt"}).get_data(as_text=True)
    header = jwt.get_unverified_header(token)
    assert (set(header), header["typ"]) == ({"alg", "typ", "kid"}, "JWT")
    known = jwt.PyJWKSet.from_dict(json.loads(client.get("/.well-known/jwks.json").data))
    payload = jwt.decode(token, known[header["kid"]], ["RS256"], options={"verify_nbf": False})
    assert payload["iss"] == document_of(client, public_id)["issuer"]["id"]
    assert payload["sub"] == f"{PUBLIC}/status-lists/1#list"
    assert payload["credentialSubject"] == listed(client)["credentialSubject"]


def test_a_revocation_sets_one_bit_and_no_other(client: FlaskClient, platform: OpenBadges, public_id: str) -> None:
    other = platform.issue(replace(ORDER, ref="case-8-g1")).platform_ref
    assert "1" not in bits(listed(client))
    before = client.get("/status-lists/1").headers["ETag"]
    with clock.frozen(ISSUED_AT + timedelta(days=2)):
        platform.withdraw(public_id, "integrity")
    document = listed(client)
    index = int(document_of(client, public_id)["credentialStatus"]["statusListIndex"])
    assert [place for place, bit in enumerate(bits(document)) if bit == "1"] == [index]
    assert index != int(document_of(client, other)["credentialStatus"]["statusListIndex"])
    assert document["validFrom"] == "2026-03-09T12:30:15Z"
    assert client.get("/status-lists/1", headers={"If-None-Match": before}).status_code == 200
    same = client.get("/status-lists/1").headers["ETag"]
    assert client.get("/status-lists/1", headers={"If-None-Match": same}).status_code == 304


@pytest.mark.parametrize(("index", "at"), [(0, (0, 0x80)), (7, (0, 0x01)), (8, (1, 0x80)), (131_071, (16_383, 0x01))])
def test_the_first_index_is_the_left_most_bit(
    client: FlaskClient, platform: OpenBadges, public_id: str, index: int, at: tuple[int, int]
) -> None:
    with transaction() as session:
        session.get_one(Badge, public_id).status_index = index
    platform.withdraw(public_id, "integrity")
    text = listed(client)["credentialSubject"]["encodedList"]
    raw = gzip.decompress(urlsafe_b64decode(text[1:] + "=" * (-len(text[1:]) % 4)))
    assert [(place, byte) for place, byte in enumerate(raw) if byte] == [at]


def test_a_list_is_signed_by_the_keys_of_today(client: FlaskClient, public_id: str) -> None:
    before = listed(client)["proof"]["verificationMethod"]
    token = client.get("/status-lists/1", headers={"Accept": "application/vc+jwt"}).data
    keys.rotate()
    method = listed(client)["proof"]["verificationMethod"]
    assert method != before
    assert method.endswith(keys.proof_key().multikey)
    after = client.get("/status-lists/1", headers={"Accept": "application/vc+jwt"}).get_data(as_text=True)
    assert after.encode() != token
    assert jwt.get_unverified_header(after)["kid"] == keys.signing_key().kid


# revocation


def test_the_page_says_first_that_it_was_revoked(client: FlaskClient, platform: OpenBadges, public_id: str) -> None:
    with clock.frozen(ISSUED_AT + timedelta(days=2)):
        platform.withdraw(public_id, "integrity")
    answer = client.get(f"/credentials/{public_id}")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-cache")
    page = Page(answer)
    assert page.text.index("This credential was revoked") < page.text.index("It had been awarded")
    assert "took it back on 9 March 2026" in page.text
    assert "The reason given: integrity." in page.text
    for part in ("is valid", "Share on LinkedIn", "Certificate (PDF)", "Badge (PNG)", "Valid until 7 March"):
        assert part not in page.text
    assert not [link for link in page.all("a") if "linkedin" in link.get("href", "")]
    assert page.meta("og:title") == "Revoked: Workplace Safety 101"
    assert page.meta("og:description").startswith("Revoked on 9 March 2026, no longer valid.")
    assert page.meta("og:image:alt").startswith("Revoked: ")
    assert "Lovelace" not in page.meta("og:description")
    assert "<title>Revoked: " in answer.get_data(as_text=True)


def test_a_revocation_outlives_the_expiry(client: FlaskClient, platform: OpenBadges, public_id: str) -> None:
    platform.withdraw(public_id, "integrity")
    with clock.frozen(ISSUED_AT + timedelta(days=4000)):
        text = Page(client.get(f"/credentials/{public_id}")).text
    assert "This credential was revoked" in text
    assert "has expired" not in text


def test_what_could_be_shown_as_valid_is_gone_and_what_was_signed_stays(
    client: FlaskClient, platform: OpenBadges, public_id: str
) -> None:
    signed = {form: client.get(f"/credentials/{public_id}{form}").data for form in (".json", ".jwt")}
    picture = client.get(f"/credentials/{public_id}.png").data
    platform.withdraw(public_id, "integrity")
    for form in (".pdf", "/badge.png", "/badge.svg"):
        answer = client.get(f"/credentials/{public_id}{form}")
        assert (answer.status_code, answer.mimetype) == (410, "text/html"), form
        assert answer.headers["Cache-Control"] == "no-cache"
        assert "This credential was revoked" in Page(answer).text
    for form, content in signed.items():
        assert client.get(f"/credentials/{public_id}{form}").data == content
    marked = client.get(f"/credentials/{public_id}.png")
    assert marked.mimetype == "image/png"
    assert marked.data != picture


def test_a_hostile_reason_is_only_text(client: FlaskClient, platform: OpenBadges, public_id: str) -> None:
    platform.withdraw(public_id, "<script>alert(1)</script>{{7*7}}")
    page = Page(client.get(f"/credentials/{public_id}"))
    assert "<script>alert(1)</script>{{7*7}}" in page.text
    assert not page.all("script")


def test_an_old_credential_is_told_revoked_by_its_page_alone(
    client: FlaskClient, platform: OpenBadges, public_id: str
) -> None:
    make_old(public_id)
    page = Page(client.get(f"/credentials/{public_id}"))
    assert "This credential is valid" in page.text
    assert "only this page tells of a revocation" in page.text
    assert client.get(f"/credentials/{public_id}.json").mimetype == "application/ld+json"
    assert "proof" not in document_of(client, public_id)
    asked = client.get(f"/credentials/{public_id}", headers={"Accept": "application/vc, application/vc+jwt;q=0.5"})
    assert asked.mimetype == "application/vc+jwt"
    assert client.get("/status-lists/1").status_code == 404
    platform.withdraw(public_id, "integrity")
    assert "This credential was revoked" in Page(client.get(f"/credentials/{public_id}")).text
    assert client.get(f"/credentials/{public_id}.pdf").status_code == 410


# badges


def chunks(picture: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The chunks of a PNG, each with a good checksum."""
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    place = 8
    while place < len(picture):
        length = int.from_bytes(picture[place : place + 4], "big")
        kind, content = picture[place + 4 : place + 8], picture[place + 8 : place + 8 + length]
        assert int.from_bytes(picture[place + 8 + length : place + 12 + length], "big") == zlib.crc32(kind + content)
        yield kind, content
        place += 12 + length


def baked_png(client: FlaskClient, public_id: str) -> str:
    answer = client.get(f"/credentials/{public_id}/badge.png")
    assert answer.mimetype == "image/png"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="badge-{public_id}.png"'
    found = list(chunks(answer.data))
    assert [kind for kind, _ in found][:2] == [b"IHDR", b"iTXt"]
    assert [kind for kind, _ in found][-1] == b"IEND"
    keyword, flags, text = found[1][1][:19], found[1][1][19:24], found[1][1][24:]
    assert (keyword, flags) == (b"openbadgecredential", b"\0\0\0\0\0")
    return text.decode()


def baked_svg(client: FlaskClient, public_id: str) -> ElementTree.Element:
    answer = client.get(f"/credentials/{public_id}/badge.svg")
    assert answer.mimetype == "image/svg+xml"
    root = ElementTree.fromstring(answer.data)  # noqa: S314 - it is our own
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    [element] = root.iter("{https://purl.imsglobal.org/ob/v3p0}credential")
    assert root[0] is element
    return element


def test_a_badge_holds_the_whole_credential(client: FlaskClient, public_id: str) -> None:
    credential = document_of(client, public_id)
    assert json.loads(baked_png(client, public_id)) == credential
    element = baked_svg(client, public_id)
    assert json.loads(element.text or "") == credential
    assert element.attrib == {}
    assert b"<![CDATA[{" in client.get(f"/credentials/{public_id}/badge.svg").data


def test_an_old_badge_holds_its_jwt(client: FlaskClient, public_id: str) -> None:
    make_old(public_id)
    token = client.get(f"/credentials/{public_id}.jwt").get_data(as_text=True)
    assert baked_png(client, public_id) == token
    element = baked_svg(client, public_id)
    assert (element.text, element.attrib) == (None, {"verify": token})


def test_no_text_ends_the_badge_early(client: FlaskClient, platform: OpenBadges) -> None:
    title = "]]></openbadges:credential><script>alert(1)</script><![CDATA[ & 李"
    issued = platform.issue(replace(ORDER, title=title))
    element = baked_svg(client, issued.platform_ref)
    assert json.loads(element.text or "")["name"] == title
    assert json.loads(baked_png(client, issued.platform_ref))["name"] == title
    assert b"<script" not in client.get(f"/credentials/{issued.platform_ref}/badge.svg").data.split(b"CDATA[", 1)[0]


def test_the_picture_of_an_achievement_is_nobodys(client: FlaskClient, public_id: str) -> None:
    image = document_of(client, public_id)["credentialSubject"]["achievement"]["image"]["id"]
    assert image == f"{PUBLIC}/achievements/safety-101/badge.png"
    answer = client.get("/achievements/safety-101/badge.png")
    assert answer.mimetype == "image/png"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert b"iTXt" not in [kind for kind, _ in chunks(answer.data)]
    width, height = answer.data[16:20], answer.data[20:24]
    assert int.from_bytes(width, "big") == int.from_bytes(height, "big") == 600


def test_the_limit_of_the_public_holds_for_the_lists_too(accounts_env: Settings) -> None:
    from web import PUBLIC_LIMIT, create_app

    web = create_app().test_client()
    answers = [web.get("/status-lists/9").status_code for _ in range(int(PUBLIC_LIMIT.split()[0]) + 1)]
    assert (answers[0], answers[-1]) == (404, 429)
