"""Mail to staff: the channel that needs no chat, and the second one for what a chat does not take."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import Any

from marshmallow import Schema, fields

from pipeline.alerts.alert import Alert, Channel, Digest
from pipeline.alerts.wording import LISTED, by_weight, facts_of, fitted, headline, left_out, plain
from pipeline.mail.smtp import HandOver
from pipeline.settings import settings

_SUBJECT, _LINE = 150, 900


class MailSchema(Schema):
    """Where the mails go: one address, best that of a list."""

    to = fields.Email(required=True)


class Mail(Channel):
    """One mail in plain text for each digest, over the mail server of Confer."""

    name = "mail"
    label = "Mail"
    options = MailSchema

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._to: str = options["to"]

    def send(self, digest: Digest) -> None:
        with HandOver(settings().smtp_url, timeout=settings().call_timeout) as server:
            server.address(sender=parseaddr(settings().mail_from)[1], recipient=self._to)
            server.text(message(digest, self._to))


def message(digest: Digest, to: str) -> EmailMessage:
    """The digest as a mail. The same alerts make the same Message-ID, so that a repeat shows once."""
    alerts = by_weight(digest.alerts)[:LISTED]
    mail = EmailMessage()
    mail["Subject"] = fitted(f"[Confer] {headline(digest)}", _SUBJECT)
    mail["From"] = settings().mail_from
    mail["To"] = to
    mail["Date"] = format_datetime(digest.made_at)
    mail["Message-ID"] = _message_id(digest)
    mail["Auto-Submitted"] = "auto-generated"
    parts = [_paragraph(alert) for alert in alerts]
    missing = left_out(digest, len(alerts))
    parts += [f"{missing}."] if missing else []
    parts += [f"The queue: {digest.queue}"] if digest.queue else []
    mail.set_content("\n\n".join(parts) + "\n")
    return mail


def _paragraph(alert: Alert) -> str:
    lines = [f"{plain(alert.title)} ({alert.severity.value})", plain(alert.summary)]
    lines += [f"  {label}: {value}" for label, value in facts_of(alert)]
    lines += [f"  {alert.url}"] if alert.url else []
    return "\n".join(fitted(line, _LINE) for line in lines if line)


def _message_id(digest: Digest) -> str:
    keys = "\n".join(sorted(alert.key for alert in digest.alerts))
    domain = parseaddr(settings().mail_from)[1].rpartition("@")[2] or "localhost"
    return f"<alerts.{hashlib.sha256(keys.encode()).hexdigest()[:32]}@{domain}>"
