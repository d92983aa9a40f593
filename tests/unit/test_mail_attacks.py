"""What may be tried with a name, a title, an address or a mail server; nothing of it adds a header or a recipient."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from pipeline.errors import Failure, Misconfigured, Outage, Rejected, Retryable, Unsure
from pipeline.mail.compose import can_be_written_to, compose, linkedin_link
from pipeline.mail.smtp import HandOver
from pipeline.settings import Settings
from pipeline.values import Credential, Learner
from sandbox.control import SandboxControl
from sandbox.server import Sandbox

pytestmark = pytest.mark.usefixtures("accounts_env")

ADA = Learner(ref="307", name="Ada Lovelace", email="ada@learners.example", supervisor_email="boss@learners.example")
FIRST_AID = Credential(
    ref="CRED-1", title="First Aid at Work", url="https://verify.example/c/CRED-1", issued_on=date(2026, 2, 3),
    expires_on=None, platform="Open Badges",
)  # fmt: skip
HEADERS = {"subject", "from", "to", "date", "message-id", "auto-submitted", "mime-version", "content-type"}
HOSTILE = [
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7*7 }}", "{title}", "{0}", "a & b",
    "&lt;b&gt;", "O'Hara", "x\r\nBcc: all@x.example", "x\n\nbody", "\u202eevil", "名前 エイダ", "عائشة", "é" * 200,
    "%s %(x)s", "=?utf-8?q?x?=", "a, b <c@d.example>", "ada@x.example", "Åsa (HR)", ";\r\x80",
]  # fmt: skip


class Page(HTMLParser):
    """The text, the tags and the links of an HTML part."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        self.text += data


def received(kind: str, name: str, title: str) -> EmailMessage:
    """The mail as a mail program reads it after the way over the wire."""
    made = compose(
        kind, message_id="<case_1@academy.example>", learner=replace(ADA, name=name), linkedin=True,
        credentials=(replace(FIRST_AID, title=title),), at=datetime(2026, 3, 7, tzinfo=UTC),
    )  # fmt: skip
    read = message_from_bytes(made.as_bytes(policy=policy.SMTP), policy=policy.default)
    assert isinstance(read, EmailMessage)
    return read


def content(read: EmailMessage, subtype: str) -> str:
    part = read.get_body((subtype,))
    assert part is not None
    return str(part.get_content())


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("kind", ["learner", "supervisor"])
def test_a_name_stays_a_name(name: str, kind: str) -> None:
    read = received(kind, name, name)
    assert {header.lower() for header in read} == HEADERS
    [recipient] = read["To"].addresses
    assert recipient.addr_spec == ("boss@learners.example" if kind == "supervisor" else "ada@learners.example")
    page, shown = Page(content(read, "html")), " ".join(name.split())
    assert shown in " ".join(content(read, "plain").split())
    assert shown in " ".join(page.text.split())
    assert page.tags.isdisjoint({"script", "img"})


@examples(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(name=st.text(max_size=60), title=st.text(max_size=60))
def test_any_name_and_title_make_a_mail_to_one_person(name: str, title: str) -> None:
    read = received("learner", name, title)
    assert [address.addr_spec for address in read["To"].addresses] == ["ada@learners.example"]
    assert {header.lower() for header in read} == HEADERS


@pytest.mark.parametrize(
    "title", ["A & B", "C# + C++", 'The "Best" = 100 %', "安全 101", "عربى", "a/b?c", "x' #+&\""]
)
def test_any_title_comes_back_from_the_link_also_out_of_the_html(title: str) -> None:
    link = linkedin_link(replace(FIRST_AID, title=title))
    assert link.isascii()
    assert {" ", "+", '"'}.isdisjoint(link)
    assert dict(parse_qsl(urlsplit(link).query, strict_parsing=True))["name"] == title
    assert link in Page(content(received("learner", "Ada", title), "html")).links


ADDRESSES = {
    "ada@learners.example": True, "a.b+c_d-e@x-y.example": True, "o'hara@x.example": True, "a@localhost": True,
    "": False, "ada": False, "a@b@c.example": False, "a b@c.example": False, "a@b.example, c@d.example": False,
    "A <a@b.example>": False, "a@b.example\n": False, "a@b.example\r\nBcc: x@y.example": False,
    "j\u00f6rg@b.example": False, "a@b\u00fccher.example": False, "a;b@c.example": False, '"a b"@c.example': False,
}  # fmt: skip


@pytest.mark.parametrize(("address", "fine"), ADDRESSES.items())
def test_only_one_plain_address_is_written_to(address: str, fine: bool) -> None:
    assert can_be_written_to(address) is fine


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"kind": "status", "at": "rcpt", "status": 421}, Outage),
        ({"kind": "drop_before", "at": "rcpt"}, Outage),
        ({"kind": "hang", "at": "rcpt", "seconds": 2}, Outage),
        ({"kind": "throttle", "at": "rcpt"}, Retryable),
        ({"kind": "status", "at": "rcpt", "status": 552}, Rejected),
        ({"kind": "status", "at": "data", "status": 421}, Outage),
        ({"kind": "throttle", "at": "data"}, Retryable),
        ({"kind": "status", "at": "data", "status": 552}, Rejected),
        ({"kind": "drop_before", "at": "data"}, Unsure),
        ({"kind": "status", "at": "data", "status": 550, "body": "5.1.1 ada@learners.example is gone"}, Rejected),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else value.__name__,
)
def test_each_way_to_fail_is_told_as_what_it_means_and_nobody_is_quoted(
    sandbox: Sandbox, control: SandboxControl, fault: dict[str, Any], kind: type[Failure]
) -> None:
    control.fault("mail", **fault)

    def hand_over() -> None:
        with HandOver(sandbox.smtp, timeout=1) as server:
            server.address(sender="credentials@academy.example", recipient="ada@learners.example")
            server.text(received("learner", "Ada", "First Aid"))

    with pytest.raises(kind) as caught:
        hand_over()
    assert "ada@" not in caught.value.detail
    control.clear_faults()


def test_a_server_without_the_tls_or_login_that_is_asked_for_is_for_the_administrator(sandbox: Sandbox) -> None:
    host = sandbox.smtp.removeprefix("smtp://")
    for url in (f"smtp://{host}?starttls=1", f"smtp://user:hunter2@{host}"):
        with HandOver(url, timeout=1) as server, pytest.raises(Misconfigured) as caught:
            server.address(sender="a@b.example", recipient="c@d.example")
        assert caught.value.whole_account
        assert "hunter2" not in caught.value.detail


@pytest.mark.parametrize("url", ["smtp://127.0.0.1:9", "smtp://confer.invalid:25", "smtps://127.0.0.1:9"])
def test_no_mail_server_is_an_outage(accounts_env: Settings, url: str) -> None:
    with HandOver(url, timeout=1) as server, pytest.raises(Outage):
        server.address(sender="a@b.example", recipient="c@d.example")
