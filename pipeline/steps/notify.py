"""Notify: the learner gets one mail with the credential, and the supervisor a copy where the program says so.

SMTP cannot be asked whether it took a mail. So the intent is committed in the last moment before the text is
sent; where the answer is lost all the same, the mail is sent once more after a while under the same Message-ID,
and a second loss goes to a person (`docs/decisions/0004-mail-once.md`).
"""

from __future__ import annotations

from email.message import EmailMessage
from email.utils import parseaddr

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from pipeline import clock
from pipeline.audit.trail import change, plan, record
from pipeline.errors import Failure, Outage, Rejected, Retryable, Unsure
from pipeline.mail.compose import address_of, can_be_written_to, compose
from pipeline.mail.smtp import HandOver
from pipeline.settings import settings
from pipeline.stages import MessageState, Stage
from pipeline.steps.dossier import Dossier, dossier
from pipeline.steps.turn import ATTEMPTS, Effect, Turn, WakeUp, advance, hold, later, mine
from pipeline.store.cases import Case
from pipeline.store.database import reading, transaction
from pipeline.store.ids import new_id
from pipeline.store.outbox import Message

log = structlog.get_logger(__name__)

ACTOR = "confer.notify"
#: a mail is handed over once, and once more after an unclear end
HAND_OVERS = 2
_SETTLED = (MessageState.SENT, MessageState.REJECTED)


def notify(turn: Turn) -> Effect:
    """Send what is still to be sent; each mail's state is committed on its own, under the turn's claim.

    Raises:
        Outage, Misconfigured: about the mail server; the case waits, and no attempt is counted.
    """
    with reading() as session:
        case = dossier(session, turn.case_id)
    for message_id in _planned(turn, case):
        _send(turn, case, message_id)
    return _go_on


def _planned(turn: Turn, case: Dossier) -> list[str]:
    """Plan the case's mails on the first turn; returns those that are not settled."""
    wanted = {"learner": case.program.tell_learner, "supervisor": case.program.tell_supervisor}
    with transaction() as session:
        mine(session, turn)
        known = {row.kind: row for row in session.scalars(select(Message).filter_by(case_id=turn.case_id))}
        for kind in (kind for kind, is_wanted in wanted.items() if is_wanted and kind not in known):
            if kind == "supervisor" and not case.record.learner.supervisor_email:
                # most learners of a public course have none: told in the ledger, and nobody is troubled with it
                facts = {"recipient": kind, "reason": "the LMS names no supervisor"}
                record(
                    session, subject=turn.case_id, kind="message.skipped", actor=ACTOR, facts=facts, rule_version=None
                )
                continue
            domain = parseaddr(settings().mail_from)[1].rpartition("@")[2] or "localhost"
            row = Message(
                id=new_id("message"), case_id=turn.case_id, kind=kind,
                message_id=f"<{turn.case_id}.{kind}@{domain}>", due_at=clock.now(),
            )  # fmt: skip
            plan(session, row, actor=ACTOR)
            known[kind] = row
        return [row.id for row in known.values() if row.state not in _SETTLED]


def _send(turn: Turn, case: Dossier, message_id: str) -> None:
    with transaction() as session:
        mine(session, turn)
        row = session.get_one(Message, message_id)
        if row.state == MessageState.SENDING:  # the worker died with the text on its way
            _unclear(session, row, "the worker died while it was sent")
        if row.handed_over >= HAND_OVERS or (row.due_at and row.due_at > clock.now()):
            return
        address = address_of(row.kind, case.record.learner)
        if not can_be_written_to(address):
            _reject(session, row, Rejected(f"the LMS names no usable address of the {row.kind}"))
            return
    mail = compose(
        row.kind,
        message_id=row.message_id,
        learner=case.record.learner,
        credentials=case.credentials,
        linkedin=case.program.linkedin,
        at=clock.now(),
    )
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
            session, row, MessageState.SENDING, kind="message.intended", actor=ACTOR, facts=again,
            handed_over=row.handed_over + 1,
        )  # fmt: skip


def _commit_sent(turn: Turn, message_id: str, mail: EmailMessage) -> None:
    with transaction() as session:
        mine(session, turn)
        row = session.get_one(Message, message_id)
        change(
            session, row, MessageState.SENT, kind="message.sent", actor=ACTOR,
            facts={"message_id": mail["Message-ID"]}, sent_at=clock.now(), due_at=None, error=None,
        )  # fmt: skip


def _not_taken(turn: Turn, message_id: str, failure: Failure) -> None:
    """The server closed instead of taking the text: a clear no, which is no hand-over."""
    with transaction() as session:
        mine(session, turn)
        row = session.get_one(Message, message_id)
        if row.state == MessageState.SENDING:
            change(
                session, row, MessageState.PLANNED, kind="message.not_taken", actor=ACTOR,
                facts={"reason": failure.detail}, handed_over=row.handed_over - 1, error=failure.detail[:1000],
            )  # fmt: skip


def _after_failure(turn: Turn, message_id: str, failure: Failure) -> None:
    with transaction() as session:
        mine(session, turn)
        row = session.get_one(Message, message_id)
        if isinstance(failure, Unsure):
            _unclear(session, row, failure.detail)
        elif isinstance(failure, Rejected) or row.attempts + 1 >= ATTEMPTS:
            _reject(session, row, failure)
        else:
            sending = row.state == MessageState.SENDING
            change(
                session, row, MessageState.PLANNED if sending else None, kind="message.attempt_failed", actor=ACTOR,
                facts={"reason": failure.detail}, attempts=row.attempts + 1, error=failure.detail[:1000],
                handed_over=row.handed_over - sending, due_at=clock.now() + settings().retry_interval,
            )  # fmt: skip


def _unclear(session: Session, row: Message, reason: str) -> None:
    change(
        session, row, MessageState.UNSURE, kind="message.unclear", actor=ACTOR, facts={"reason": reason},
        due_at=clock.now() + settings().mail_settles, error=reason[:1000],
    )  # fmt: skip
    log.warning("message_unclear", message=row.id, reason=reason)


def _reject(session: Session, row: Message, failure: Failure) -> None:
    change(
        session, row, MessageState.REJECTED, kind="message.rejected", actor=ACTOR,
        facts={"reason": failure.detail}, due_at=None, error=failure.detail[:1000],
    )  # fmt: skip


def _go_on(session: Session, case: Case) -> list[WakeUp]:
    """To the next stage when every mail is settled. A refused mail does not hold back the records downstream:
    the case goes to a person at its end."""
    rows = session.scalars(select(Message).filter_by(case_id=case.id)).all()
    waiting = [row for row in rows if row.state not in _SETTLED]
    lost = [row for row in waiting if row.handed_over >= HAND_OVERS]
    if lost:
        reason = f"the mail server took the {lost[0].kind}'s mail twice without an answer"
        hold(session, case, actor=ACTOR, error="unsure", reason=reason, resume=Stage.NOTIFY)
        return []
    if waiting:
        due = min(row.due_at or clock.now() for row in waiting)
        error = next((row.error for row in waiting if row.error), None)
        later(session, case, actor=ACTOR, kind="case.waits_for_mail", due=due, error_kind="mail", error=error)
        return []
    if not rows:
        record(session, subject=case.id, kind="message.none", actor=ACTOR, facts={}, rule_version=case.rule_version)
    return advance(session, case, Stage.DOWNSTREAM, kind="case.notified", actor=ACTOR)
