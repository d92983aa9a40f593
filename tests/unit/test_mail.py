"""The mails: safe to compose from any name, the same in text and HTML, and handed over with a known outcome."""

from __future__ import annotations

from datetime import UTC, date, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from urllib.parse import parse_qs, urlsplit

import pytest

from pipeline.errors import Outage, Rejected, Retryable, Unsure
from pipeline.mail.compose import compose, linkedin_link
from pipeline.mail.smtp import HandOver
from pipeline.settings import Settings
from pipeline.values import Credential, Learner
from sandbox.control import SandboxControl

AT = datetime(2026, 2, 3, 10, 15, tzinfo=UTC)


def credential(title: str = "Workplace Safety 101", expires_on: date | None = date(2029, 2, 3)) -> Credential:
    return Credential(
        ref="CRED-7",
        title=title,
        url="https://verify.example/c/CRED-7",
        issued_on=date(2026, 2, 3),
        expires_on=expires_on,
        platform="Accredible",
    )


def mail(name: str = "Ann Lee", title: str = "Workplace Safety 101", kind: str = "learner") -> EmailMessage:
    return compose(
        kind,
        message_id="<case-1.learner@academy.example>",
        learner=Learner(ref="1", name=name, email="ann@example.org", supervisor_email="boss@example.org"),
        credentials=(credential(title),),
        linkedin=True,
        at=AT,
    )


def hand_over(url: str, *, timeout: float) -> None:
    with HandOver(url, timeout=timeout) as server:
        server.address(sender="credentials@academy.example", recipient="ann@example.org")
        server.text(mail())


def parts(message: EmailMessage) -> tuple[str, str]:
    read = message_from_bytes(message.as_bytes(policy=policy.SMTP), policy=policy.default)
    text, html = read.get_body(("plain",)), read.get_body(("html",))
    assert text
    assert html
    return text.get_content(), html.get_content()


def test_text_and_html_say_the_same(confer_env: Settings) -> None:
    text, html = parts(mail())
    for said in ("Ann Lee", "Workplace Safety 101", "https://verify.example/c/CRED-7", "2026-02-03", "2029-02-03"):
        assert said in text
        assert said in html
    assert 'lang="en"' in html
    assert "<title>" in html
    assert "@media" in html


def test_the_supervisor_is_told_who_and_what(confer_env: Settings) -> None:
    message = mail(kind="supervisor")
    assert message["To"] == "boss@example.org"
    text, _ = parts(message)
    assert "Ann Lee has completed Workplace Safety 101" in text
    assert "linkedin" not in text.lower()


@pytest.mark.parametrize(
    "name", ["Ann\r\nBcc: all@example.org", "Ann\nLee", 'Lee, "Ann" <x@y.example>', "آن لي", "安·李"]
)
def test_no_name_adds_a_header_or_a_recipient(confer_env: Settings, name: str) -> None:
    message = message_from_bytes(mail(name).as_bytes(policy=policy.SMTP), policy=policy.default)
    assert message["Bcc"] is None
    assert [address.addr_spec for address in message["To"].addresses] == ["ann@example.org"]


def test_markup_in_names_is_text(confer_env: Settings) -> None:
    _, html = parts(mail('<script>alert("1")</script>', title="Safety & <b>Health</b>"))
    assert "<script" not in html
    assert "<b>Health" not in html
    assert "Safety &amp; &lt;b&gt;" in html


def test_the_message_id_is_the_one_given(confer_env: Settings) -> None:
    assert mail()["Message-ID"] == mail("Somebody Else")["Message-ID"] == "<case-1.learner@academy.example>"


def test_the_linkedin_link_is_exactly_the_documented_one(confer_env: Settings) -> None:
    assert linkedin_link(credential()) == (
        "https://www.linkedin.com/profile/add?startTask=CERTIFICATION_NAME&name=Workplace%20Safety%20101"
        "&organizationName=Example%20Academy&issueYear=2026&issueMonth=2&expirationYear=2029&expirationMonth=2"
        "&certUrl=https%3A%2F%2Fverify.example%2Fc%2FCRED-7&certId=CRED-7"
    )


@pytest.mark.parametrize("title", ['Food & Drink #1 + "more"', "安全教育", "Sécurité/Santé = 100 %"])
def test_the_linkedin_link_carries_any_title(confer_env: Settings, title: str) -> None:
    told = parse_qs(urlsplit(linkedin_link(credential(title, expires_on=None))).query)
    assert told["name"] == [title]
    assert "expirationYear" not in told


@pytest.mark.parametrize(
    ("fault", "failure"),
    [
        ({"kind": "status", "status": 450, "at": "rcpt"}, Retryable),
        ({"kind": "status", "status": 550, "at": "rcpt"}, Rejected),
        ({"kind": "status", "status": 451, "at": "data"}, Retryable),
        ({"kind": "status", "status": 554, "at": "data"}, Rejected),
        ({"kind": "drop_after", "at": "data"}, Unsure),
        ({"kind": "hang", "seconds": 5, "at": "data"}, Unsure),
    ],
    ids=lambda value: f"{value['kind']} {value.get('status', '')}" if isinstance(value, dict) else value.kind,
)
def test_a_hand_over_ends_with_a_known_outcome(
    accounts_env: Settings, control: SandboxControl, fault: dict[str, object], failure: type[Exception]
) -> None:
    given = dict(fault)
    control.fault("mail", str(given.pop("kind")), **given)
    with pytest.raises(failure):
        hand_over(accounts_env.smtp_url, timeout=1)


def test_no_mail_server_is_an_outage(confer_env: Settings) -> None:
    with pytest.raises(Outage):
        hand_over("smtp://127.0.0.1:1", timeout=1)


def test_what_is_taken_arrives_once(accounts_env: Settings, control: SandboxControl) -> None:
    hand_over(accounts_env.smtp_url, timeout=5)
    [arrived] = control.mails(to="ann@example.org")
    assert (arrived["receipts"], arrived["message_id"]) == (1, "<case-1.learner@academy.example>")
