"""The mails about what became of a credential: text and HTML say the same, accessibly, and give no reason."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest

from pipeline.mail.compose import compose_corrected, compose_withdrawn
from pipeline.settings import Settings
from pipeline.values import Credential, Learner

ADA = Learner(ref="307", name="Ada Lovelace", email="ada@learners.example")
AT = datetime(2026, 3, 7, 12, 0, tzinfo=UTC)
KINDS = {"corrected": compose_corrected, "withdrawn": compose_withdrawn}


def credential(number: int = 1, url: str = "https://verify.example/c/{}") -> Credential:
    return Credential(
        ref=f"CRED-{number}", title="First Aid", url=url.format(number), issued_on=date(2026, 3, 8), expires_on=None,
        platform=f"Platform {number}",
    )  # fmt: skip


def mail(kind: str, learner: Learner = ADA, title: str = "First Aid", **more: Any) -> EmailMessage:
    credentials = more.get("credentials", (credential(),))
    return KINDS[kind](message_id="<m@x>", learner=learner, title=title, credentials=credentials, at=AT)


def parts(message: EmailMessage) -> tuple[str, str]:
    read = message_from_bytes(message.as_bytes(policy=policy.SMTP), policy=policy.default)
    text, html = read.get_body(("plain",)), read.get_body(("html",))
    assert text
    assert html
    return text.get_content(), html.get_content()


@pytest.mark.parametrize("kind", KINDS)
def test_text_and_html_say_the_same(accounts_env: Settings, kind: str) -> None:
    message = mail(kind)
    for said in ("Ada Lovelace", "First Aid", kind, "https://verify.example/c/1", "credentials@academy.example"):
        assert all(said in part for part in parts(message)), said
    assert message["Subject"] == f"Your credential was {kind}: First Aid"
    assert message["Auto-Submitted"] == "auto-generated"


@pytest.mark.parametrize("kind", KINDS)
def test_the_html_can_be_read_aloud(accounts_env: Settings, kind: str) -> None:
    _, html = parts(mail(kind))
    assert '<html lang="en">' in html
    assert re.search(r"<title>[^<]+</title>", html)
    assert html.count("<h1") == 1
    [page] = re.findall(r'<div [^>]*class="page"[^>]*>', html)
    assert 'role="article"' in page
    assert 'aria-labelledby="heading"' in page
    assert 'id="heading"' in html
    assert "<img" not in html
    assert all(re.sub("<[^>]+>", "", link).strip() for link in re.findall(r"<a [^>]*>(.*?)</a>", html))


@pytest.mark.parametrize("kind", KINDS)
def test_markup_and_line_breaks_in_names_and_titles_are_text(accounts_env: Settings, kind: str) -> None:
    learner = Learner(ref="1", name="<script>x</script>\r\nBcc: all@example.org", email="ada@learners.example")
    message = mail(kind, learner, title="Food & <b>Drink</b>\r\nBcc: all@example.org")
    assert message["Bcc"] is None
    _, html = parts(message)
    assert "<script" not in html
    assert "<b>Drink" not in html


@pytest.mark.parametrize("kind", KINDS)
def test_several_credentials_are_told_apart_by_their_platform(accounts_env: Settings, kind: str) -> None:
    for part in parts(mail(kind, credentials=(credential(1), credential(2)))):
        assert "Platform 1" in part
        assert "https://verify.example/c/2" in part


def test_a_withdrawn_credential_without_an_address_is_told_all_the_same(accounts_env: Settings) -> None:
    for part in parts(mail("withdrawn", credentials=(credential(url=""),))):
        assert "withdrawn" in part
        assert "Its address" not in part


def test_no_link_leads_to_what_was_withdrawn(accounts_env: Settings) -> None:
    _, html = parts(mail("withdrawn"))
    assert re.findall(r'href="([^"]+)"', html) == ["mailto:credentials@academy.example"]
