"""The credential, and the platform that issues it: what it says, that it holds, and that it exists once."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from sqlalchemy import Connection, event, func, select
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, OperationalError

from pipeline import clock
from pipeline.badges import keys
from pipeline.badges.document import Unproven, compose, sign, verify
from pipeline.badges.standing import Standing, prove
from pipeline.contracts import Account
from pipeline.errors import Duplicate, Outage, Rejected, Unsure
from pipeline.platforms.openbadges import OpenBadges
from pipeline.settings import Settings, settings
from pipeline.store.badges import Badge, Place
from pipeline.store.database import engine, forget_engine, reading, transaction
from pipeline.transport import OpenGate
from pipeline.values import Issued, Order

NOW = datetime(2026, 3, 7, 12, 30, 15, 987654, tzinfo=UTC)
ORDER = Order(
    ref="case-7-g1",
    template="safety",
    title="Workplace Safety 101",
    description="Knows the hazards of a workshop.",
    learner_ref="4711",
    name="Ada Lovelace",
    email=" Ada.Lovelace@Example.org ",
    issued_on=date(2026, 3, 7),
    expires_on=date(2028, 3, 7),
    criteria="Assessment passed with 80 %.",
    achievement="safety-101",
)
PLACE = Place(3, 94567)


@pytest.fixture
def now(confer_env: Settings) -> Iterator[datetime]:
    with clock.frozen(NOW):
        yield NOW


@pytest.fixture
def platform(now: datetime) -> OpenBadges:
    return OpenBadges(Account(name="ours", adapter="openbadges", options={}), OpenGate())


def stored(issued: Issued) -> Badge:
    with reading() as session:
        badge = session.get(Badge, issued.platform_ref)
    assert badge is not None
    return badge


def part(token: str, number: int) -> dict[str, Any]:
    text = token.split(".")[number]
    document: dict[str, Any] = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return document


def encoded(document: dict[str, Any]) -> str:
    return urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


def test_the_document_is_an_open_badge_3(now: datetime) -> None:
    salt = "f00d"
    document = compose(ORDER, "abc", now, salt, PLACE)
    assert document == {
        "@context": [
            "https://www.w3.org/ns/credentials/v2",
            "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json",
        ],
        "id": "https://credentials.academy.example/credentials/abc",
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "name": "Workplace Safety 101",
        "issuer": {
            "id": "did:web:credentials.academy.example",
            "type": ["Profile"],
            "name": "Example Academy",
            "url": "https://credentials.academy.example",
        },
        "validFrom": "2026-03-07T12:30:15Z",
        "validUntil": "2028-03-07T23:59:59Z",
        "awardedDate": "2026-03-07T00:00:00Z",
        "credentialSubject": {
            "id": document["credentialSubject"]["id"],
            "type": ["AchievementSubject"],
            "identifier": [
                {
                    "type": "IdentityObject",
                    "hashed": True,
                    "identityType": "emailAddress",
                    "identityHash": "sha256$" + sha256(b"ada.lovelace@example.orgf00d").hexdigest(),
                    "salt": salt,
                },
                {
                    "type": "IdentityObject",
                    "hashed": True,
                    "identityType": "name",
                    "identityHash": "sha256$" + sha256(b"Ada Lovelacef00d").hexdigest(),
                    "salt": salt,
                },
            ],
            "achievement": {
                "id": "https://credentials.academy.example/achievements/safety-101",
                "type": ["Achievement"],
                "achievementType": "Certificate",
                "name": "Workplace Safety 101",
                "description": "Knows the hazards of a workshop.",
                "criteria": {"narrative": "Assessment passed with 80 %."},
                "image": {
                    "id": "https://credentials.academy.example/achievements/safety-101/badge.png",
                    "type": "Image",
                    "caption": "Badge: Workplace Safety 101",
                },
            },
        },
        "credentialStatus": {
            "id": "https://credentials.academy.example/status-lists/3#94567",
            "type": "BitstringStatusListEntry",
            "statusPurpose": "revocation",
            "statusListIndex": "94567",
            "statusListCredential": "https://credentials.academy.example/status-lists/3",
        },
    }


def test_the_subject_is_opaque_and_the_same_for_every_attempt(now: datetime) -> None:
    first, second = (compose(ORDER, public_id, now, public_id, PLACE) for public_id in ("a", "b"))
    other = compose(replace(ORDER, ref="case-8-g1"), "a", now, "a", PLACE)
    subject = first["credentialSubject"]["id"]
    assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", subject)
    assert subject == second["credentialSubject"]["id"] != other["credentialSubject"]["id"]


def empty_members(value: Any, path: str = "$") -> Iterator[str]:
    if value in (None, "", [], {}):
        yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, child in children:
        yield from empty_members(child, f"{path}.{name}")


def test_nothing_is_null_or_empty_where_an_order_says_little(now: datetime) -> None:
    bare = replace(ORDER, description="", criteria="", achievement="", expires_on=None, show_name=False)
    document = compose(bare, "abc", now, "salt", PLACE)
    assert list(empty_members(document)) == []
    assert "validUntil" not in document
    assert [who["identityType"] for who in document["credentialSubject"]["identifier"]] == ["emailAddress"]
    assert document["credentialSubject"]["achievement"]["id"].endswith("/achievements/safety")
    assert "exp" not in part(sign(document), 1)


def test_it_never_begins_in_the_future(now: datetime) -> None:
    assert compose(ORDER, "abc", now + timedelta(hours=3), "salt", PLACE)["validFrom"] == "2026-03-07T12:30:15Z"


def test_an_achievement_becomes_one_part_of_an_address(now: datetime) -> None:
    document = compose(replace(ORDER, achievement="a/b ?c#d"), "abc", now, "salt", PLACE)
    assert document["credentialSubject"]["achievement"]["id"].endswith("/achievements/a%2Fb%20%3Fc%23d")


def test_what_would_be_over_before_it_begins_goes_to_a_person(now: datetime) -> None:
    with pytest.raises(Rejected, match="expire before"):
        compose(replace(ORDER, expires_on=date(2026, 3, 6)), "abc", now, "salt", PLACE)
    assert compose(replace(ORDER, expires_on=date(2026, 3, 7)), "abc", now, "salt", PLACE)["validUntil"]


def test_the_jwt_has_the_header_and_claims_of_the_standard(now: datetime) -> None:
    document = compose(ORDER, "abc", now, "salt", PLACE)
    token = sign(document)
    assert part(token, 0) == {"alg": "RS256", "typ": "JWT", "kid": keys.signing_key().kid}
    claims = {
        "iss": document["issuer"]["id"],
        "jti": document["id"],
        "sub": document["credentialSubject"]["id"],
        "nbf": int(datetime(2026, 3, 7, 12, 30, 15, tzinfo=UTC).timestamp()),
        "exp": int(datetime(2028, 3, 7, 23, 59, 59, tzinfo=UTC).timestamp()),
    }
    assert part(token, 1) == {**document, **claims}
    assert verify(token) == document


def test_it_verifies_after_a_new_key_and_after_it_has_expired(now: datetime) -> None:
    token = sign(compose(ORDER, "abc", now, "salt", PLACE))
    keys.rotate()
    with clock.frozen(NOW + timedelta(days=4000)):
        assert verify(token)["name"] == "Workplace Safety 101"


def test_it_verifies_under_a_new_public_address(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    token = sign(compose(ORDER, "abc", now, "salt", PLACE))
    monkeypatch.setenv("CONFER_PUBLIC_URL", "https://elsewhere.example")
    settings.cache_clear()
    assert verify(token)["id"] == "https://credentials.academy.example/credentials/abc"


def forged(token: str) -> dict[str, str]:
    """What somebody could try to pass off as ours."""
    header, payload = part(token, 0), part(token, 1)
    signature = token.rpartition(".")[2]
    public = keys.signing_key().public
    public_pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    stranger = generate_private_key(65537, 2048)
    signed_with_public = encoded({**header, "alg": "HS256"}) + "." + encoded(payload)
    mac = urlsafe_b64encode(
        jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(
            signed_with_public.encode(), public_pem
        )
    )
    own = keys.signing_key().private
    return {
        "changed content": f"{encoded(header)}.{encoded({**payload, 'name': 'Doctor'})}.{signature}",
        "changed signature": token[:-8] + ("A" * 8 if not token.endswith("A" * 8) else "B" * 8),
        "no signature": f"{encoded({**header, 'alg': 'none'})}.{encoded(payload)}.",
        "public key as secret": f"{signed_with_public}.{mac.rstrip(b'=').decode()}",
        "a stranger's key under our name": jwt.encode(payload, stranger, "RS256", {"kid": header["kid"]}),
        "a stranger's key under another": jwt.encode(payload, stranger, "RS256", {"kid": "x"}),
        "no key named": jwt.encode(payload, own, "RS256"),
        "another algorithm": jwt.encode(payload, own, "RS512", {"kid": header["kid"]}),
        "claims that contradict": jwt.encode(
            {**payload, "exp": payload["exp"] + 1}, own, "RS256", {"kid": header["kid"]}
        ),
        "no credential": jwt.encode({"iss": "us"}, own, "RS256", {"kid": header["kid"]}),
        "not a JWT": "abc",
        "nothing": "",
    }


def test_no_forgery_verifies(now: datetime) -> None:
    token = sign(compose(ORDER, "abc", now, "salt", PLACE))
    accepted = [kind for kind, forgery in forged(token).items() if verifies(forgery)]
    assert accepted == []
    assert verifies(token)


def verifies(token: str) -> bool:
    try:
        verify(token)
    except Unproven:
        return False
    return True


def test_the_platform_issues_and_finds(platform: OpenBadges) -> None:
    assert platform.find(ORDER) is None
    issued = platform.issue(ORDER)
    assert issued.url == f"https://credentials.academy.example/credentials/{issued.platform_ref}"
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]{21}", issued.platform_ref)
    assert (issued.live, issued.ours) == (True, True)
    assert platform.find(ORDER) == issued
    badge = stored(issued)
    assert (badge.ref, badge.account, badge.template) == ("case-7-g1", "ours", "safety")
    assert (badge.achievement, badge.shown_name) == ("safety-101", "Ada Lovelace")
    assert badge.issued_at == NOW.replace(microsecond=0)
    assert badge.expires_at == datetime(2028, 3, 7, 23, 59, 59, tzinfo=UTC)
    assert verify(badge.jwt)["id"] == issued.url


def test_any_template_is_usable(platform: OpenBadges) -> None:
    template = platform.template("anything")
    assert template is not None
    assert (template.ref, template.usable) == ("anything", True)


def test_a_repeat_is_a_duplicate_of_the_same_credential(platform: OpenBadges) -> None:
    first = platform.issue(ORDER)
    with pytest.raises(Duplicate) as caught:
        platform.issue(replace(ORDER, name="Augusta Ada King"))
    assert caught.value.existing == first
    assert stored(first).shown_name == "Ada Lovelace"


def test_twenty_at_once_make_one_credential(platform: OpenBadges) -> None:
    def attempt(_number: int) -> tuple[str, Issued | None]:
        try:
            return "issued", platform.issue(ORDER)
        except Duplicate as failure:
            return "duplicate", failure.existing

    with ThreadPoolExecutor(20) as threads:
        outcomes = list(threads.map(attempt, range(20)))
    assert sorted(kind for kind, _ in outcomes) == ["duplicate"] * 19 + ["issued"]
    assert len({issued for _, issued in outcomes}) == 1
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Badge)) == 1


def test_what_is_not_to_be_shown_is_not_kept(platform: OpenBadges) -> None:
    badge = stored(platform.issue(replace(ORDER, show_name=False)))
    assert badge.shown_name is None
    assert "Lovelace" not in json.dumps(verify(badge.jwt))


def test_neither_address_nor_name_is_in_the_public_document(platform: OpenBadges) -> None:
    text = json.dumps(part(stored(platform.issue(ORDER)).jwt, 1)).lower()
    assert "@" not in text.replace('"@context"', "")
    assert "lovelace" not in text
    assert "example.org" not in text


def test_a_database_that_is_away_is_an_outage(platform: OpenBadges, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://confer@127.0.0.1:1/confer")
    settings.cache_clear()
    forget_engine()
    with pytest.raises(Outage):
        platform.issue(ORDER)
    with pytest.raises(Outage):
        platform.find(ORDER)


def test_a_commit_without_an_answer_leaves_doubt(platform: OpenBadges) -> None:
    def lose_the_answer(_connection: Connection) -> None:
        raise OperationalError("COMMIT", {}, Exception("connection lost"))

    event.listen(engine(), "commit", lose_the_answer)
    with pytest.raises(Unsure):
        platform.issue(ORDER)
    event.remove(engine(), "commit", lose_the_answer)


@pytest.mark.parametrize("refusal", [DataError, IntegrityError])
def test_a_row_that_the_database_refuses_goes_to_a_person(platform: OpenBadges, refusal: type[DBAPIError]) -> None:
    def refuse(_connection: Connection, _cursor: Any, statement: str, *_more: Any) -> None:
        if statement.startswith("INSERT"):
            raise refusal(statement, {}, Exception("value too long for type character varying(300)"))

    event.listen(engine(), "before_cursor_execute", refuse)
    with pytest.raises(Rejected) as caught:
        platform.issue(ORDER)
    assert "Lovelace" not in str(caught.value)


@pytest.mark.parametrize("field", ["name", "email", "title", "criteria", "achievement"])
def test_half_a_character_goes_to_a_person(platform: OpenBadges, field: str) -> None:
    with pytest.raises(Rejected, match="forbidden character"):
        platform.issue(replace(ORDER, **{field: "half\ud83d@academy.example"}))  # type: ignore[arg-type]


def test_no_address_begins_like_an_option(platform: OpenBadges, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter(["-abc", "--", "abc"])
    monkeypatch.setattr("secrets.token_urlsafe", lambda _bytes: next(drawn))
    assert platform.issue(ORDER).platform_ref == "abc"


def test_a_stored_credential_proves_what_it_shows(platform: OpenBadges) -> None:
    credential = prove(stored(platform.issue(ORDER)))
    assert (credential.title, credential.name) == ("Workplace Safety 101", "Ada Lovelace")
    assert (credential.issued_on, credential.expires_on) == (date(2026, 3, 7), date(2028, 3, 7))
    last_second = datetime(2028, 3, 7, 23, 59, 59, tzinfo=UTC)
    assert credential.standing(last_second) is Standing.VALID
    assert credential.standing(last_second + timedelta(seconds=1)) is Standing.EXPIRED


def test_a_name_can_be_withdrawn_but_not_exchanged(platform: OpenBadges) -> None:
    issued = platform.issue(ORDER)
    with transaction() as session:
        session.get_one(Badge, issued.platform_ref).shown_name = None
    assert prove(stored(issued)).name is None
    with transaction() as session:
        session.get_one(Badge, issued.platform_ref).shown_name = "Mallory"
    with pytest.raises(Unproven, match="name"):
        prove(stored(issued))


def test_a_changed_row_shows_what_was_signed(platform: OpenBadges) -> None:
    issued = platform.issue(ORDER)
    with transaction() as session:
        badge = session.get_one(Badge, issued.platform_ref)
        badge.title, badge.expires_at = "Doctor of Medicine", None
    credential = prove(stored(issued))
    assert (credential.title, credential.expires_on) == ("Workplace Safety 101", date(2028, 3, 7))


def test_another_credential_under_an_address_proves_nothing(platform: OpenBadges) -> None:
    first, second = platform.issue(ORDER), platform.issue(replace(ORDER, ref="case-8-g1"))
    foreign = stored(second).jwt
    with transaction() as session:
        session.get_one(Badge, first.platform_ref).jwt = foreign
    with pytest.raises(Unproven, match="another credential"):
        prove(stored(first))
