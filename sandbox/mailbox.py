"""A mailbox: what the SMTP catcher accepted, one message per recipient and Message-ID, however often it came."""

from __future__ import annotations

import email
import email.policy
import itertools
import threading
import time
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any


@dataclass(kw_only=True)
class Mail:
    """One message to one recipient. `receipts` counts how often it was delivered."""

    number: int
    recipient: str
    sender: str
    message_id: str
    subject: str
    text: str
    html: str
    headers: list[tuple[str, str]]
    attachments: list[str]
    received_at: float
    receipts: int = 1
    last_received_at: float = field(default=0.0)

    def plain(self) -> dict[str, Any]:
        """As JSON shows it."""
        names = ("number", "recipient", "sender", "subject", "message_id", "text", "html", "attachments", "receipts")
        shown = {name: getattr(self, name) for name in names}
        return {**shown, "headers": [list(one) for one in self.headers], "received_at": self.received_at}


class Mailbox:
    """All messages. Every method may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        """Forget every message."""
        with self._lock:
            self._mails: dict[tuple[str, str], Mail] = {}
            self._numbers = itertools.count(1)
            self._deliveries = 0

    def deliver(self, sender: str, recipients: list[str], content: bytes) -> None:
        """Store a message for each recipient; the same one again only counts."""
        message = email.message_from_bytes(content, policy=email.policy.default)
        for recipient in recipients:
            self._store(sender, recipient, message)

    def _store(self, sender: str, recipient: str, message: EmailMessage) -> None:
        now = time.time()
        with self._lock:
            self._deliveries += 1
            number = next(self._numbers)
            # without a Message-ID every delivery is a message of its own
            message_id = str(message.get("Message-ID", f"<none-{number}>")).strip()
            known = self._mails.get((recipient.lower(), message_id))
            if known is not None:
                known.receipts += 1
                known.last_received_at = now
                return
            self._mails[recipient.lower(), message_id] = Mail(
                number=number,
                recipient=recipient,
                sender=sender,
                message_id=message_id,
                subject=str(message.get("Subject", "")),
                text=_part(message, "plain"),
                html=_part(message, "html"),
                headers=[(name, str(value)) for name, value in message.items()],
                attachments=[one.get_filename() or "(no name)" for one in message.iter_attachments()],
                received_at=now,
                last_received_at=now,
            )

    def list(self, to: str | None = None) -> list[Mail]:
        """The messages, oldest first."""
        with self._lock:
            return [one for one in self._mails.values() if to is None or one.recipient.lower() == to.lower()]

    def find(self, number: int) -> Mail | None:
        """One message by its number."""
        with self._lock:
            return next((one for one in self._mails.values() if one.number == number), None)

    def counts(self) -> dict[str, int]:
        """How many messages there are, and how many deliveries brought them."""
        with self._lock:
            return {"messages": len(self._mails), "deliveries": self._deliveries}


def _part(message: EmailMessage, subtype: str) -> str:
    body = message.get_body(preferencelist=(subtype,))
    if body is None:
        return ""
    content = body.get_content()
    return content if isinstance(content, str) else ""
