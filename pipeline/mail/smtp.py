"""Hand one mail to a mail server, and know exactly how far it got.

Up to the DATA command nothing has been said that could not be taken back; after the final dot a lost answer
leaves doubt. The two halves are two methods, so that the intent can be committed between them.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from types import TracebackType
from urllib.parse import parse_qs, unquote, urlsplit

from pipeline.errors import Misconfigured, Outage, Rejected, Retryable, Unsure

_UNREACHABLE = (OSError, smtplib.SMTPServerDisconnected, smtplib.SMTPConnectError, smtplib.SMTPHeloError)


class HandOver:
    """One connection for one mail: `address` it, then `text` it."""

    def __init__(self, url: str, *, timeout: float) -> None:
        self.parts, self.timeout = urlsplit(url), timeout
        self.server: smtplib.SMTP | None = None

    def __enter__(self) -> HandOver:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None
    ) -> None:
        if self.server:
            with suppress(OSError, smtplib.SMTPException):
                self.server.quit()
            self.server.close()

    def address(self, *, sender: str, recipient: str) -> None:
        """Connect and name sender and recipient. Nothing has been sent when this fails.

        Raises:
            Outage: no server, or it is closing. Retryable: not now. Rejected: not to this address.
            Misconfigured: the server refuses our login or our sender.
        """
        with _as_failure():
            self.server = self._connect()
            self._expect(self.server.mail(sender), about="the sender", refusal=Misconfigured)
            self._expect(self.server.rcpt(recipient), about="the recipient", refusal=Rejected)

    def text(self, message: EmailMessage) -> None:
        """Send the text of the mail.

        Raises:
            Unsure: the answer to the final dot never came. Retryable, Rejected: the server refused the text.
        """
        if self.server is None:
            raise Outage("mail server: not connected")
        try:
            code, reply = self.server.data(message.as_bytes(policy=SMTP_POLICY))
        except smtplib.SMTPDataError as refused:
            code, reply = refused.smtp_code, refused.smtp_error if isinstance(refused.smtp_error, bytes) else b""
        except (OSError, smtplib.SMTPException) as lost:
            raise Unsure(f"mail server: no answer to the text ({type(lost).__name__})") from lost
        self._expect((code, reply), about="the text", refusal=Rejected)

    def _connect(self) -> smtplib.SMTP:
        parts, host = self.parts, self.parts.hostname or "localhost"
        if parts.scheme == "smtps":
            context = ssl.create_default_context()
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, parts.port or 465, timeout=self.timeout, context=context)
        else:
            server = smtplib.SMTP(host, parts.port or 25, timeout=self.timeout)
        try:
            server.ehlo_or_helo_if_needed()
            if parse_qs(parts.query).get("starttls") == ["1"]:
                server.starttls(context=ssl.create_default_context())
            if parts.username:
                server.login(unquote(parts.username), unquote(parts.password or ""))
        except BaseException:
            server.close()
            raise
        return server

    @staticmethod
    def _expect(answer: tuple[int, bytes], *, about: str, refusal: type[Misconfigured | Rejected]) -> None:
        """Read a reply. Its text may quote the address, so only its codes are kept."""
        code, enhanced = answer[0], answer[1].split(b" ")[0].decode("ascii", "replace")
        said = f"mail server refused {about}: {code}" + (f" {enhanced}" if enhanced.count(".") == 2 else "")
        if 200 <= code < 300:
            return
        if code == 421:
            raise Outage(said)
        if 400 <= code < 500:
            raise Retryable(said)
        raise refusal(said)


@contextmanager
def _as_failure() -> Iterator[None]:
    try:
        yield
    except smtplib.SMTPAuthenticationError as refused:
        raise Misconfigured(f"mail server refused the login: {refused.smtp_code}", whole_account=True) from refused
    except smtplib.SMTPNotSupportedError as refused:
        raise Misconfigured(
            "mail server does not offer what CONFER_SMTP_URL asks for", whole_account=True
        ) from refused
    except _UNREACHABLE as lost:
        raise Outage(f"mail server: no connection ({type(lost).__name__})") from lost
