"""The mail catcher over SMTP: a mailbox that knows a repeated message, and every way a server can fail."""

from __future__ import annotations

import smtplib
import threading
import time
from collections.abc import Callable
from email.message import EmailMessage
from urllib.parse import urlsplit

import pytest
import requests

from sandbox.control import ControlError, SandboxControl
from sandbox.server import Sandbox

Send = Callable[..., None]


def message(message_id: str = "<case-1.issued.1@academy.example>", to: str = "ann@example.org") -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = "Academy <certs@academy.example>"
    mail["To"] = to
    mail["Subject"] = "Your certificate: Grüße"
    mail["Message-ID"] = message_id
    mail.set_content("Hello Ann\n.\nhttps://verify.example/c/1\n")
    mail.add_alternative("<p>Hello <b>Ann</b></p><script>alert('x')</script>", subtype="html")
    mail.add_attachment(b"%PDF-", maintype="application", subtype="pdf", filename="certificate.pdf")
    return mail


@pytest.fixture
def send(sandbox: Sandbox) -> Send:
    def deliver(mail: EmailMessage | None = None, timeout: float = 10) -> None:
        address = urlsplit(sandbox.smtp)
        with smtplib.SMTP(address.hostname or "", address.port or 0, timeout=timeout) as smtp:
            smtp.send_message(mail or message())

    return deliver


def test_a_message_is_kept(control: SandboxControl, send: Send) -> None:
    send()
    (mail,) = control.mails("ANN@example.org")
    assert mail["recipient"] == "ann@example.org"
    assert mail["subject"] == "Your certificate: Grüße"
    assert mail["message_id"] == "<case-1.issued.1@academy.example>"
    assert "Hello Ann" in mail["text"]
    assert "<b>Ann</b>" in mail["html"]
    assert mail["attachments"] == ["certificate.pdf"]
    assert ["Message-ID", "<case-1.issued.1@academy.example>"] in mail["headers"]
    assert control.mails("bob@example.org") == []


def test_the_same_message_again_counts_a_receipt(control: SandboxControl, send: Send) -> None:
    for _ in range(3):
        send()
    send(message("<other@academy.example>"))
    send(message(to="bob@example.org"))
    assert [(one["recipient"], one["receipts"]) for one in control.mails()] == [
        ("ann@example.org", 3),
        ("ann@example.org", 1),
        ("bob@example.org", 1),
    ]
    assert control.state()["mail"] == {"messages": 3, "deliveries": 5}


def test_the_pages(sandbox: Sandbox, control: SandboxControl, send: Send, http: requests.Session) -> None:
    assert "No mail has come yet" in http.get(f"{sandbox.http}/mail/", timeout=10).text
    send()
    send(message("<second@academy.example>"))
    listed = http.get(f"{sandbox.http}/mail/", timeout=10).text
    first, second = control.mails()
    assert listed.index(f"/mail/{second['number']}") < listed.index(f"/mail/{first['number']}")
    assert '<th scope="col">Subject</th>' in listed
    page = http.get(f"{sandbox.http}/mail/{first['number']}", timeout=10)
    assert "<script>" not in page.text
    assert 'sandbox="" srcdoc="&lt;p&gt;' in page.text
    assert '<iframe sandbox="" srcdoc=' in page.text
    assert 'title="HTML part of the message' in page.text
    assert '<a href="https://verify.example/c/1"' in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert http.get(f"{sandbox.http}/mail/99", timeout=10).status_code == 404


@pytest.mark.parametrize("status", [451, 550])
def test_a_recipient_is_refused(control: SandboxControl, send: Send, status: int) -> None:
    control.fault("mail", "status", status=status, at="rcpt", to="ann@example.org")
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        send()
    assert refused.value.recipients["ann@example.org"][0] == status
    send(message(to="bob@example.org"))
    assert [one["recipient"] for one in control.mails()] == ["bob@example.org"]


@pytest.mark.parametrize(("status", "after", "stored"), [(451, False, 0), (550, False, 0), (451, True, 1)])
def test_a_message_is_refused(control: SandboxControl, send: Send, status: int, after: bool, stored: int) -> None:
    control.fault("mail", "status", status=status, after=after, times=1)
    with pytest.raises(smtplib.SMTPDataError) as refused:
        send()
    assert refused.value.smtp_code == status
    assert len(control.mails()) == stored
    send()
    assert control.mails()[0]["receipts"] == 1 + stored


@pytest.mark.parametrize(("kind", "stored"), [("drop_after", 1), ("drop_before", 0)])
def test_the_connection_is_cut(control: SandboxControl, send: Send, kind: str, stored: int) -> None:
    control.fault("mail", kind, times=1)
    with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
        send()
    assert len(control.mails()) == stored
    assert control.calls("mail")[0]["status"] is None
    send()
    assert control.mails()[0]["receipts"] == 1 + stored


@pytest.mark.parametrize(("after", "stored"), [(True, 1), (False, 0)])
def test_the_server_hangs_before_it_answers(control: SandboxControl, send: Send, after: bool, stored: int) -> None:
    fault = control.fault("mail", "hang", after=after)
    ended = threading.Event()

    def wait() -> None:
        with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
            send(timeout=30)
        ended.set()

    waiting = threading.Thread(target=wait)
    waiting.start()
    assert not ended.wait(0.3)
    assert len(control.mails()) == stored
    control.clear_fault(fault)
    assert ended.wait(2)
    waiting.join()
    assert len(control.mails()) == stored


def test_latency_and_throttle(control: SandboxControl, send: Send) -> None:
    control.fault("mail", "latency", seconds=0.2, times=1)
    started = time.monotonic()
    send()
    assert time.monotonic() - started >= 0.2
    control.fault("mail", "throttle", times=1)
    with pytest.raises(smtplib.SMTPDataError) as refused:
        send(message("<b@academy.example>"))
    assert refused.value.smtp_code == 451


def test_a_rate_for_mail(control: SandboxControl, send: Send) -> None:
    control.set_rate("mail", 1, 60)
    send()
    with pytest.raises(smtplib.SMTPDataError):
        send(message("<b@academy.example>"))
    assert control.rate("mail")["over_limit"] == 1


def test_kinds_that_mail_does_not_know(control: SandboxControl) -> None:
    with pytest.raises(ControlError, match="for mail must be one of"):
        control.fault("mail", "garbage")
    with pytest.raises(ControlError, match="for mail only"):
        control.fault("sis", "hang", at="rcpt")
