"""The certificate: read back as a reader and as a screen reader would, with every kind of name."""

from __future__ import annotations

import io
import struct
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
import typst
from pypdf import PdfReader

from pipeline.badges import certificate
from pipeline.badges.standing import Proven

URL = "https://credentials.academy.example/credentials/dW5ndWVzc2FibGUtaWQ"
CREDENTIAL = Proven(
    public_id="dW5ndWVzc2FibGUtaWQ",
    url=URL,
    title="Workplace Safety 101",
    name="Ada Lovelace",
    issuer="Example Academy",
    issuer_id="did:web:credentials.academy.example",
    issuer_url="https://academy.example",
    achievement={},
    issued_on=date(2026, 3, 7),
    issued_at=datetime(2026, 3, 7, 12, 30, 15, tzinfo=UTC),
    expires_on=date(2028, 3, 7),
    expires_at=datetime(2028, 3, 7, 23, 59, 59, tzinfo=UTC),
    document={},
)
NAMES = {
    "Arabic": "محمد بن عبد الله الحسيني",
    "Chinese": "王小明",
    "Thai": "สมชาย ใจดี",
    "Devanagari": "प्रिया शर्मा",
    "typesetting": """O'Brien & <b> "x" #strong[y] $z$ [w] @v \\u{41} *a* _b_ `c` ~ -- // /* */""",
    "many words": "Maximiliana Konstantinopolska-Wüstenhagen de la Santísima Trinidad " * 4,
    "one long word": "W" * 300,
    "invisible": "A\u0000d\u0007a\u202e\ufeff \ue000\ud800\U0001f600",
    "blank": " ",
}


def read(content: bytes) -> PdfReader:
    return PdfReader(io.BytesIO(content))


def catalog(pdf: PdfReader) -> Any:
    return pdf.root_object


def metadata(pdf: PdfReader) -> str:
    text: str = catalog(pdf)["/Metadata"].get_object().get_data().decode()
    return text


def words(content: bytes) -> str:
    [page] = read(content).pages
    return " ".join(page.extract_text().replace("\u200b", "").split())


def tags(node: Any, found: list[str]) -> list[str]:
    """The structure types of the tag tree, in reading order."""
    node = node.get_object()
    if isinstance(node, list):
        for child in node:
            tags(child, found)
    elif isinstance(node, dict):
        if "/S" in node:
            found.append(str(node["/S"]))
        if "/K" in node:
            tags(node["/K"], found)
    return found


def test_it_says_everything_in_order() -> None:
    text = words(certificate.pdf(CREDENTIAL))
    parts = [
        "Example Academy",
        "Certificate of Completion",
        "Ada Lovelace",
        "Workplace Safety 101",
        "7 March 2026",
        "7 March 2028",
        "dW5ndWVzc2FibGUtaWQ",
        URL,
    ]
    places = [text.replace(" ", "").find(part.replace(" ", "")) for part in parts]
    assert -1 not in places
    assert places == sorted(places)


def test_it_is_tagged_and_says_title_and_language() -> None:
    pdf = read(certificate.pdf(CREDENTIAL))
    assert catalog(pdf)["/Lang"] == "en"
    assert catalog(pdf)["/MarkInfo"]["/Marked"]
    assert catalog(pdf)["/ViewerPreferences"]["/DisplayDocTitle"]
    assert "pdfuaid:part" in metadata(pdf)
    assert pdf.metadata is not None
    assert pdf.metadata.title == "Certificate of Completion: Workplace Safety 101"
    found = tags(catalog(pdf)["/StructTreeRoot"], [])
    assert "/Document" in found
    assert found.count("/H1") == 1
    assert found.count("/Link") == 1
    assert "/Figure" not in found, "what is drawn is ornament and has to be left out of the tags"


def test_it_is_one_page_a4_landscape_with_a_link_to_verify() -> None:
    page: Any
    [page] = read(certificate.pdf(CREDENTIAL)).pages
    assert (round(page.mediabox.width), round(page.mediabox.height)) == (842, 595)
    [link] = page["/Annots"]
    assert link.get_object()["/A"]["/URI"] == URL


def test_without_expiry_and_without_name_it_says_so() -> None:
    text = words(certificate.pdf(replace(CREDENTIAL, expires_on=None, expires_at=None, name=None)))
    assert "Does not expire" in text
    assert "The holder of this credential" in text
    assert "Valid until" not in text
    assert "Lovelace" not in text


@pytest.mark.parametrize("kind", NAMES)
def test_any_name_and_title_fit_on_one_page(kind: str) -> None:
    credential = replace(CREDENTIAL, name=NAMES[kind], title=NAMES[kind], issuer=NAMES[kind])
    assert len(read(certificate.pdf(credential)).pages) == 1
    assert certificate.picture(credential).startswith(b"\x89PNG")


def test_special_characters_stay_what_they_are() -> None:
    name = NAMES["typesetting"]
    text = words(certificate.pdf(replace(CREDENTIAL, name=name)))
    assert name.replace(" ", "") in text.replace(" ", "")


def test_a_long_word_is_broken_and_none_of_it_lost() -> None:
    text = words(certificate.pdf(replace(CREDENTIAL, name="Ø" * 300)))
    assert text.count("Ø") == 300


def test_the_same_credential_gives_the_same_bytes() -> None:
    assert certificate.pdf(CREDENTIAL) == certificate.pdf(CREDENTIAL)
    assert certificate.picture(CREDENTIAL) == certificate.picture(CREDENTIAL)
    pdf = read(certificate.pdf(CREDENTIAL))
    assert pdf.metadata is not None
    assert pdf.metadata.creation_date == CREDENTIAL.issued_at


def test_a_letter_without_a_font_costs_the_claim_and_not_the_certificate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(certificate, "_fonts", lambda: typst.Fonts(include_system_fonts=False))
    pdf = read(certificate.pdf(replace(CREDENTIAL, name=NAMES["Chinese"])))
    assert catalog(pdf)["/MarkInfo"]["/Marked"]
    assert "pdfuaid:part" not in metadata(pdf)


def test_the_picture_has_the_size_that_networks_want() -> None:
    content = certificate.picture(CREDENTIAL)
    assert struct.unpack(">II", content[16:24]) == certificate.PICTURE_SIZE == (1200, 627)


def test_the_picture_of_a_revoked_one_is_another() -> None:
    revoked = certificate.picture(replace(CREDENTIAL, revoked_on=date(2026, 4, 1)))
    assert struct.unpack(">II", revoked[16:24]) == certificate.PICTURE_SIZE
    assert revoked != certificate.picture(CREDENTIAL)
    assert revoked == certificate.picture(replace(CREDENTIAL, revoked_on=date(2026, 4, 1), name="Somebody else"))


@pytest.mark.parametrize("kind", NAMES)
def test_a_badge_takes_any_title_and_names_nobody(kind: str) -> None:
    credential = replace(CREDENTIAL, title=NAMES[kind], issuer=NAMES[kind])
    assert certificate.badge(credential, "png").startswith(b"\x89PNG")
    drawn = certificate.badge(credential, "svg")
    assert drawn.startswith(b"<svg")
    assert b"<script" not in drawn
    assert drawn == certificate.badge(replace(credential, name="Somebody else"), "svg")


def test_a_date_is_spelled() -> None:
    assert certificate.spelled(date(2026, 3, 7)) == "7 March 2026"
