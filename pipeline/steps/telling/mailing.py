"""Mailing: hand one mail over to the server, so that it is sent once.

SMTP cannot be asked whether it took a mail. So the intent is committed in the last moment before the text is
sent; where the answer is lost all the same, the mail is sent once more after a while under the same Message-ID,
and a second loss goes to a person (`docs/decisions/0004-mail-once.md`).
"""

from __future__ import annotations

from email.message import EmailMessage
from email.utils import parseaddr
from typing import Protocol

import structlog
from sqlalchemy.orm import Session

from pipeline import clock
from pipeline.audit.trail import change, plan
from pipeline.errors import Failure, Outage, Rejected, Retryable, Unsure
from pipeline.mail.compose import can_be_written_to
from pipeline.mail.smtp import HandOver
from pipeline.settings import settings
from pipeline.stages import MessageState
from pipeline.steps.turn import ATTEMPTS, Turn, mine
from pipeline.store.database import transaction
from pipeline.store.ids import new_id
from pipeline.store.outbox import Message

log = structlog.get_logger(__name__)

#: a mail is handed over once, and once more after an unclear end
HAND_OVERS = 2
SETTLED = (MessageState.SENT, MessageState.REJECTED)


class Compose(Protocol):
    """Makes the mail of a Message-ID."""

    def __call__(self, *, message_id: str) -> EmailMessage: ...


def plan_mail(session: Session, turn: Turn, kind: str, *, about: str = "") -> Message:
    """Plan one mail of a case; `about` tells several of one kind apart."""
    domain = parseaddr(settings().mail_from)[1].rpartition("@")[2] or "localhost"
    which = f"{kind}.{about[-16:]}" if about else kind  # of our own ids only the end tells two apart
    row = Message(
        id=new_id("message"), case_id=turn.case_id, kind=kind, about=about,
        message_id=f"<{turn.case_id}.{which}@{domain}>", due_at=clock.now(),
    )  # fmt: skip
    plan(session, row, actor=turn.actor)
    return row


def send(turn: Turn, message_id: str, address: str, compose: Compose) -> None:
    """Hand one planned mail over, unless it waits or was handed over too often.

    Raises:
        Outage, Misconfigured: about the mail server; the case waits, and no attempt is counted.
    """
    with transaction() as session:
        mine(session, turn)
        row = session.get_one(Message, message_id)
        if row.state == MessageState.SENDING:  # the worker died with the text on its way
            _unclear(session, row, turn.actor, "the worker died while it was sent")
        if row.handed_over >= HAND_OVERS or (row.due_at and row.due_at > clock.now()):
            return
        if not can_be_written_to(address):
            _reject(session, row, turn.actor, Rejected(f"the LMS names no usable address of the {row.addressee}"))
            return
    mail = compose(message_id=row.message_id)
    with HandOver(settings().smtp_url, timeout=settings().call_timeout) as server:
        try:
            server.address(sender=parseaddr(mail["From"])[1], recipient=address)
            _commit_intent(turn, message_id)
            server.text(mail)
        except Outage as failure:
            _not_taken(turn, message_id, failure)
            raise
        except (Unsure, Retryable, Rejected) as failure:
            _after_failure(turn, message_id, failure)
            return
    _commit_sent(turn, message_id, mail)


def _commit_intent(turn: Turn, message_id: str) -> None:
    with transaction() as session:
        mine(session, turn)
        row = session.get_one(Message, message_id)
        again = {"again": True} if row.handed_over else {}
        change(
            session, row, MessageState.SENDING, kind="message.intended", actor=turn.actor, facts=again,
            handed_over=row.handed_over + 1,
        )  # fmt: skip


def _commit_sent(turn: Turn, message_id: str, mail: EmailMessage) -> None:
    with transaction() as session:
        mine(session, turn)
        row = session.get_one(Message, message_id)
        change(
            session, row, MessageState.SENT, kind="message.sent", actor=turn.actor,
            facts={"message_id": mail["Message-ID"]}, sent_at=clock.now(), due_at=None, error=None,
        )  # fmt: skip


def _not_taken(turn: Turn, message_id: str, failure: Failure) -> None:
    """The server closed instead of taking the text: a clear no, which is no hand-over."""
    with transaction() as session:
        mine(session, turn)
        row = session.get_one(Message, message_id)
        if row.state == MessageState.SENDING:
            change(
                session, row, MessageState.PLANNED, kind="message.not_taken", actor=turn.actor,
                facts={"reason": failure.detail}, handed_over=row.handed_over - 1, error=failure.detail[:1000],
            )  # fmt: skip


def _after_failure(turn: Turn, message_id: str, failure: Failure) -> None:
    with transaction() as session:
        mine(session, turn)
        row = session.get_one(Message, message_id)
        if isinstance(failure, Unsure):
            _unclear(session, row, turn.actor, failure.detail)
        elif isinstance(failure, Rejected) or row.attempts + 1 >= ATTEMPTS:
            _reject(session, row, turn.actor, failure)
        else:
            sending = row.state == MessageState.SENDING
            change(
                session, row, MessageState.PLANNED if sending else None, kind="message.attempt_failed",
                actor=turn.actor, facts={"reason": failure.detail}, attempts=row.attempts + 1,
                error=failure.detail[:1000], handed_over=row.handed_over - sending,
                due_at=clock.now() + settings().retry_interval,
            )  # fmt: skip


def _unclear(session: Session, row: Message, actor: str, reason: str) -> None:
    change(
        session, row, MessageState.UNSURE, kind="message.unclear", actor=actor, facts={"reason": reason},
        due_at=clock.now() + settings().mail_settles, error=reason[:1000],
    )  # fmt: skip
    log.warning("message_unclear", message=row.id, reason=reason)


def _reject(session: Session, row: Message, actor: str, failure: Failure) -> None:
    change(
        session, row, MessageState.REJECTED, kind="message.rejected", actor=actor,
        facts={"reason": failure.detail}, due_at=None, error=failure.detail[:1000],
    )  # fmt: skip
