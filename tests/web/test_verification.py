"""The public pages, as a stranger meets them: a person with a browser, a verifier, a social network, a forger."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from flask import Flask
from flask.testing import FlaskClient
from jwt.types import Options
from werkzeug.test import TestResponse

from pipeline import clock
from pipeline.badges import keys
from pipeline.contracts import Account
from pipeline.errors import Misconfigured
from pipeline.platforms.openbadges import OpenBadges
from pipeline.settings import Settings
from pipeline.store.badges import Badge
from pipeline.store.database import transaction
from pipeline.transport import OpenGate
from pipeline.values import Order
from web.issuer import issuer
from web.verification import verification

ISSUED_AT = datetime(2026, 3, 7, 12, 30, 15, tzinfo=UTC)
PUBLIC = "https://credentials.academy.example"
ORDER = Order(
    ref="case-7-g1",
    template="safety",
    title="Workplace Safety 101",
    description="Knows the hazards of a workshop.",
    learner_ref="4711",
    name="Ada Lovelace",
    email="ada.lovelace@learners.example",
    issued_on=date(2026, 3, 7),
    expires_on=date(2028, 3, 7),
    criteria="Assessment passed with 80 %.",
    achievement="safety-101",
)


class Page(HTMLParser):
    """What a browser finds in a page."""

    def __init__(self, answer: TestResponse) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(answer.get_data(as_text=True))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.text = " ".join((self.text + data).split()) + (" " if data[-1:].isspace() else "")

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def meta(self, key: str) -> str:
        [found] = [item for item in self.all("meta") if key in {item.get("property"), item.get("name")}]
        return found["content"]


@pytest.fixture
def client(confer_env: Settings) -> Iterator[FlaskClient]:
    app = Flask("web")
    app.testing = True
    app.register_blueprint(verification)
    app.register_blueprint(issuer)
    with clock.frozen(ISSUED_AT):
        yield app.test_client()


@pytest.fixture
def platform(confer_env: Settings) -> OpenBadges:
    return OpenBadges(Account(name="ours", adapter="openbadges", options={}), OpenGate())


@pytest.fixture
def public_id(client: FlaskClient, platform: OpenBadges) -> str:
    return platform.issue(ORDER).platform_ref


def tamper(public_id: str) -> None:
    """Put another name into the stored JWT, as somebody with the database could."""
    with transaction() as session:
        badge = session.get_one(Badge, public_id)
        header, payload, signature = badge.jwt.split(".")
        document = {**jwt.decode(badge.jwt, options={"verify_signature": False}), "name": "Doctor of Medicine"}
        payload = jwt.utils.base64url_encode(json.dumps(document).encode()).decode()
        badge.jwt = f"{header}.{payload}.{signature}"


def test_the_page_says_plainly_that_it_is_valid(client: FlaskClient, public_id: str) -> None:
    answer = client.get(f"/credentials/{public_id}")
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    assert answer.headers["Cache-Control"] == "no-cache"
    text = Page(answer).text
    for part in (
        "This credential is valid",
        "Workplace Safety 101",
        "Ada Lovelace",
        "Example Academy",
        "7 March 2026",
        "7 March 2028",
        "Knows the hazards of a workshop.",
        "Assessment passed with 80 %.",
        public_id,
    ):
        assert part in text
    assert "expired." not in text.replace("it has not expired.", "")


def test_the_page_says_plainly_that_it_has_expired(client: FlaskClient, public_id: str) -> None:
    with clock.frozen(datetime(2028, 3, 8, tzinfo=UTC)):
        page = Page(client.get(f"/credentials/{public_id}"))
    assert "This credential has expired" in page.text
    assert "is valid" not in page.text
    assert "Expired on 7 March 2028" in page.meta("og:description")


def test_a_credential_without_end_says_so(client: FlaskClient, platform: OpenBadges) -> None:
    issued = platform.issue(replace(ORDER, expires_on=None))
    with clock.frozen(datetime(2066, 1, 1, tzinfo=UTC)):
        text = Page(client.get(urlsplit(issued.url).path)).text
    assert "This credential is valid" in text
    assert "Does not expire" in text


def test_a_tampered_credential_raises_an_alarm_everywhere(client: FlaskClient, public_id: str) -> None:
    tamper(public_id)
    for address in ("", ".json", ".pdf", ".png", "/badge.png", "/badge.svg"):
        answer = client.get(f"/credentials/{public_id}{address}")
        assert (answer.status_code, answer.mimetype) == (500, "text/html"), address
        assert answer.headers["Cache-Control"] == "no-cache"
        page = Page(answer)
        assert "could not be verified" in page.text
        assert "Do not rely on it" in page.text
        assert "is valid" not in page.text
        assert "Doctor of Medicine" not in page.text
        assert not [item for item in page.all("meta") if item.get("property", "").startswith("og:")]
    assert client.get("/achievements/safety-101").status_code == 500


def test_a_lost_key_raises_the_alarm_too(client: FlaskClient, public_id: str, confer_env: Settings) -> None:
    (confer_env.data / "keys" / "issuer-0001.pem").unlink()
    answer = client.get(f"/credentials/{public_id}")
    assert answer.status_code == 500
    assert "does not publish" in Page(answer).text


def test_a_name_that_is_not_to_be_shown_is_nowhere(client: FlaskClient, platform: OpenBadges) -> None:
    url = urlsplit(platform.issue(replace(ORDER, show_name=False)).url).path
    for address in ("", ".json", ".jwt"):
        assert "Lovelace" not in client.get(url + address).get_data(as_text=True)
    text = Page(client.get(url)).text
    assert "Awarded to the holder of this credential" in text
    assert "Not shown in public" in text


def test_no_address_of_a_learner_is_anywhere(client: FlaskClient, public_id: str) -> None:
    bodies = [
        client.get(address).data
        for address in (
            *(
                f"/credentials/{public_id}{kind}"
                for kind in ("", ".json", ".pdf", ".png", "/badge.png", "/badge.svg")
            ),
            "/achievements/safety-101",
            "/.well-known/did.json",
            "/.well-known/jwks.json",
        )
    ]
    token = client.get(f"/credentials/{public_id}.jwt").get_data(as_text=True)
    bodies.append(json.dumps(jwt.decode(token, options={"verify_signature": False})).encode())
    for body in bodies:
        assert b"learners.example" not in body.lower()
        assert b"4711" not in body or body.startswith((b"%PDF", b"\x89PNG"))


def test_a_stranger_verifies_with_nothing_but_the_public_addresses(client: FlaskClient, public_id: str) -> None:
    keys.rotate()
    answer = client.get(f"/credentials/{public_id}.jwt")
    assert answer.mimetype == "application/vc+jwt"
    token = answer.get_data(as_text=True)
    header = jwt.get_unverified_header(token)
    assert set(header) == {"alg", "typ", "kid"}
    known = jwt.PyJWKSet.from_dict(json.loads(client.get("/.well-known/jwks.json").data))
    assert len(known.keys) == 2
    options: Options = {"verify_nbf": False, "verify_exp": False, "require": ["iss", "jti", "nbf", "sub", "exp"]}
    payload = jwt.decode(token, known[header["kid"]], ["RS256"], issuer=f"did:web:{PUBLIC[8:]}", options=options)
    assert payload["jti"] == f"{PUBLIC}/credentials/{public_id}"
    # the same with the key behind `kid`, and with the key in the did document of the issuer
    one_key = client.get(urlsplit(header["kid"]).path).get_json()
    assert jwt.decode(token, jwt.PyJWK(one_key), ["RS256"], options=options) == payload
    did = client.get("/.well-known/did.json").get_json()
    assert did["id"] == payload["iss"]
    [method] = [
        item for item in did["verificationMethod"] if item.get("publicKeyJwk", {}).get("kid") == header["kid"]
    ]
    assert method["id"] in did["assertionMethod"]
    assert method["type"] == "JsonWebKey"
    assert jwt.decode(token, jwt.PyJWK(method["publicKeyJwk"]), ["RS256"], options=options) == payload


def test_the_json_is_the_credential_with_its_proof(client: FlaskClient, public_id: str) -> None:
    answer = client.get(f"/credentials/{public_id}.json")
    assert answer.mimetype == "application/vc"
    document = json.loads(answer.data)
    assert document["proof"]["cryptosuite"] == "eddsa-rdfc-2022"
    assert list(document)[:3] == ["@context", "id", "type"]
    assert document["id"] == f"{PUBLIC}/credentials/{public_id}"
    assert not {"iss", "jti", "nbf", "sub", "exp"} & set(document)


def test_certificate_and_picture(client: FlaskClient, public_id: str) -> None:
    pdf = client.get(f"/credentials/{public_id}.pdf")
    assert (pdf.mimetype, pdf.data[:5]) == ("application/pdf", b"%PDF-")
    assert pdf.headers["Content-Disposition"] == f'inline; filename="certificate-{public_id}.pdf"'
    png = client.get(f"/credentials/{public_id}.png")
    assert (png.mimetype, png.data[:4]) == ("image/png", b"\x89PNG")


def test_what_lasts_may_be_kept_and_is_not_sent_twice(client: FlaskClient, public_id: str) -> None:
    lasting = {
        f"/credentials/{public_id}.jwt": "public, max-age=86400, immutable",
        f"/credentials/{public_id}.json": "public, max-age=86400, immutable",
        f"/credentials/{public_id}.pdf": "public, max-age=600",
        f"/credentials/{public_id}.png": "public, max-age=600",
        f"/credentials/{public_id}/badge.png": "public, max-age=600",
        f"/credentials/{public_id}/badge.svg": "public, max-age=600",
        "/achievements/safety-101/badge.png": "public, max-age=600",
        "/status-lists/1": "public, max-age=300",
        "/achievements/safety-101": "public, max-age=300",
        "/.well-known/did.json": "public, max-age=300",
        "/.well-known/jwks.json": "public, max-age=300",
    }
    for address, caching in lasting.items():
        first = client.get(address)
        assert first.headers["Cache-Control"] == caching, address
        again = client.get(address, headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b""), address
    before = client.get("/.well-known/jwks.json").headers["ETag"]
    keys.rotate()
    assert client.get("/.well-known/jwks.json", headers={"If-None-Match": before}).status_code == 200


def test_verifiers_in_a_browser_may_read_what_machines_read(client: FlaskClient, public_id: str) -> None:
    for address in (
        f"/credentials/{public_id}.jwt",
        f"/credentials/{public_id}.json",
        "/.well-known/did.json",
        "/.well-known/jwks.json",
        urlsplit(keys.signing_key().kid).path,
    ):
        assert client.get(address).headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Origin" not in client.get(f"/credentials/{public_id}").headers


def test_a_social_network_finds_its_tags(client: FlaskClient, public_id: str) -> None:
    page = Page(client.get(f"/credentials/{public_id}", headers={"User-Agent": "LinkedInBot/1.0"}))
    url = f"{PUBLIC}/credentials/{public_id}"
    assert page.meta("og:type") == "website"
    assert page.meta("og:title") == "Workplace Safety 101"
    assert page.meta("og:url") == url
    assert page.meta("og:image") == f"{url}.png"
    assert (page.meta("og:image:width"), page.meta("og:image:height")) == ("1200", "627")
    assert page.meta("og:description") == (
        "Awarded to Ada Lovelace by Example Academy on 7 March 2026. Valid until 7 March 2028. Verify it here."
    )
    [share] = [link["href"] for link in page.all("a") if "linkedin" in link.get("href", "")]
    assert share.startswith("https://www.linkedin.com/sharing/share-offsite/?url=https%3A%2F%2F")
    assert parse_qs(urlsplit(share).query) == {"url": [url]}


HOSTILE = """"><script>alert(1)</script><img src=x onerror='alert(2)'>{{7*7}}&amp;"""


def test_hostile_values_are_only_text(client: FlaskClient, platform: OpenBadges) -> None:
    order = replace(ORDER, name=HOSTILE, title=HOSTILE, description=HOSTILE, criteria="c" + HOSTILE)
    issued = platform.issue(order)
    for address in (urlsplit(issued.url).path, "/achievements/safety-101"):
        answer = client.get(address)
        page = Page(answer)
        assert answer.status_code == 200
        assert HOSTILE in page.text
        assert not page.all("script")
        assert not page.all("img")
    assert Page(client.get(urlsplit(issued.url).path)).meta("og:title") == HOSTILE
    for address in (".pdf", ".png"):
        assert client.get(urlsplit(issued.url).path + address).status_code == 200


def pages(client: FlaskClient, public_id: str) -> dict[str, Page]:
    found = {
        "valid": Page(client.get(f"/credentials/{public_id}")),
        "achievement": Page(client.get("/achievements/safety-101")),
        "not found": Page(client.get("/credentials/nothing")),
    }
    with clock.frozen(datetime(2030, 1, 1, tzinfo=UTC)):
        found["expired"] = Page(client.get(f"/credentials/{public_id}"))
    OpenBadges(Account(name="ours", adapter="openbadges", options={}), OpenGate()).withdraw(public_id, "integrity")
    found["revoked"] = Page(client.get(f"/credentials/{public_id}"))
    tamper(public_id)
    found["alarm"] = Page(client.get(f"/credentials/{public_id}"))
    return found


def test_the_pages_bring_nothing_foreign(client: FlaskClient, public_id: str) -> None:
    for kind, page in pages(client, public_id).items():
        for tag, attributes in page.elements:
            assert tag not in {"script", "style", "iframe", "img", "form", "object", "embed"}, kind
            assert not [name for name in attributes if name == "style" or name.startswith("on")], kind
        assert [link["href"] for link in page.all("link") if link["rel"] == "stylesheet"] == ["/static/confer.css"], (
            kind
        )
    assert "Set-Cookie" not in client.get(f"/credentials/{public_id}").headers
    assert "@import" not in style_sheet(client)
    assert "url(" not in style_sheet(client)


def test_the_pages_can_be_used_with_a_screen_reader_and_a_keyboard(client: FlaskClient, public_id: str) -> None:
    for kind, page in pages(client, public_id).items():
        assert page.all("html") == [{"lang": "en"}], kind
        levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
        assert levels.count(1) == 1, kind
        assert all(later - earlier <= 1 for earlier, later in zip([0, *levels], levels, strict=False)), kind
        ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
        assert len(ids) == len(set(ids)), kind
        named = {attributes["aria-labelledby"] for _, attributes in page.elements if "aria-labelledby" in attributes}
        assert named <= set(ids), kind
        first_link = page.all("a")[0]
        assert first_link["href"] == "#content", kind
        assert page.all("main")[0]["id"] == "content", kind
        assert all(attributes.get("tabindex", "-1") == "-1" for _, attributes in page.elements), kind
    assert "user-scalable" not in client.get(f"/credentials/{public_id}").get_data(as_text=True)


def style_sheet(client: FlaskClient) -> str:
    with client.get("/static/confer.css") as answer:
        return answer.get_data(as_text=True)


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_text_has_contrast_in_both_colour_schemes(client: FlaskClient) -> None:
    style = style_sheet(client)
    schemes = [
        dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block))
        for block in re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    ]
    assert len(schemes) == 2
    for colours in schemes:
        pairs = [(text, "paper") for text in ("ink", "soft", "link")]
        pairs += [("button-text", "button")]
        for verdict in ("good", "late", "bad"):
            pairs += [(text, f"{verdict}-card") for text in ("ink", "soft", verdict)]
            pairs += [("card", verdict)]
        for text, ground in pairs:
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
        assert contrast(colours["edge"], colours["paper"]) >= 3


@pytest.mark.parametrize(
    "address",
    [
        "/credentials/nothing",
        "/credentials/nothing.pdf",
        "/credentials/nothing.json",
        "/credentials/nothing.exe",
        "/credentials/%00",
        "/credentials/' OR 1=1",
        "/credentials/" + "a" * 2000,
        "/achievements/nothing",
        "/achievements/%00",
        "/keys/nothing",
        "/credentials/nothing/badge.png",
        "/achievements/nothing/badge.png",
        "/status-lists/2",
        "/status-lists/0",
        "/status-lists/99999999999999999999",
    ],
)
def test_an_address_that_leads_nowhere_helps(client: FlaskClient, public_id: str, address: str) -> None:
    answer = client.get(address)
    assert (answer.status_code, answer.mimetype) == (404, "text/html")
    page = Page(answer)
    assert "What you can do" in page.text
    assert "Compare the address" in page.text


def test_an_achievement_speaks_html_and_json(client: FlaskClient, public_id: str) -> None:
    page = client.get("/achievements/safety-101", headers={"Accept": "text/html,*/*;q=0.8"})
    assert page.mimetype == "text/html"
    assert "Knows the hazards of a workshop." in Page(page).text
    assert "Lovelace" not in page.get_data(as_text=True)
    for wanted in ("application/json", "application/ld+json"):
        answer = client.get("/achievements/safety-101", headers={"Accept": wanted})
        assert answer.mimetype == wanted
        assert "Accept" in answer.headers["Vary"]
        document = answer.get_json()
        assert document["id"] == f"{PUBLIC}/achievements/safety-101"
        assert document["type"] == ["Achievement"]
        assert document["criteria"] == {"narrative": "Assessment passed with 80 %."}


def test_an_achievement_reads_as_it_was_awarded_last(client: FlaskClient, platform: OpenBadges) -> None:
    platform.issue(ORDER)
    with clock.frozen(datetime(2026, 9, 1, tzinfo=UTC)):
        platform.issue(replace(ORDER, ref="case-8-g1", description="Knows more."))
    assert "Knows more." in Page(client.get("/achievements/safety-101")).text


def test_a_did_with_a_path_is_found_where_it_resolves(client: FlaskClient, public_id: str) -> None:
    """did:web:host:confer resolves to /confer/did.json; the server in front takes the path away."""
    assert client.get("/did.json").get_json() == client.get("/.well-known/did.json").get_json()


def test_a_key_that_others_could_read_is_not_used_for_anything(
    client: FlaskClient, public_id: str, confer_env: Settings
) -> None:
    (confer_env.data / "keys" / "issuer-0001.pem").chmod(0o644)
    with pytest.raises(Misconfigured):
        client.get(f"/credentials/{public_id}")


def test_every_route_states_that_it_is_public() -> None:
    app = Flask("web")
    app.register_blueprint(verification)
    app.register_blueprint(issuer)
    views = {name: view for name, view in app.view_functions.items() if name != "static"}
    assert len(views) == 12
    assert {getattr(view, "guarded_by", None) for view in views.values()} == {"public"}
