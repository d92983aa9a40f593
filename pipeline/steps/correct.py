"""Correct: the lanes change or replace a case's credentials; then the learner and the systems hear of it, once."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipeline import clock
from pipeline.mail.compose import address_of, compose_corrected
from pipeline.stages import OVER, CredentialState, MessageState, Stage, UpdateState
from pipeline.steps.afterwards.recall import hold_for_blocked, wait_for_lanes, wake
from pipeline.steps.notify import KINDS
from pipeline.steps.replay import replan_sending
from pipeline.steps.telling.dossier import dossier
from pipeline.steps.telling.news import News, is_spread, spread
from pipeline.steps.telling.updates import completion_of, updates_of
from pipeline.steps.turn import Effect, Turn, WakeUp, advance
from pipeline.store.cases import Case
from pipeline.store.corrections import corrections_of
from pipeline.store.credentials import CredentialRow, credentials_of
from pipeline.store.database import reading
from pipeline.store.outbox import Message

ACTOR = "confer.correct"
KIND = "corrected"


def correct(turn: Turn) -> Effect:
    """Go on with a correction: until every credential says so, then until everybody has heard.

    Raises:
        Outage, Misconfigured: about the mail server; the case waits, and no attempt is counted.
    """
    with reading() as session:
        ready = _arrived(credentials_of(session, turn.case_id))
        case = dossier(session, turn.case_id) if ready else None
        correction = corrections_of(session, turn.case_id)[-1].id
        told = _learner_told(session, turn.case_id)
    if case and case.credentials:
        learner, done = case.record.learner, completion_of(case)
        mail = partial(
            compose_corrected, learner=learner, title=case.program.credential_title, at=clock.now(),
            credentials=case.credentials,
        )  # fmt: skip
        address = address_of(KIND, learner) if told else None
        spread(turn, News(kind=KIND, about=correction, mail=mail, address=address, ask=lambda to: to.send(done)))
    return partial(_go_on, ready=ready, correction=correction)


def _go_on(session: Session, case: Case, *, ready: bool, correction: str) -> list[WakeUp]:
    rows = credentials_of(session, case.id)
    if hold_for_blocked(session, case, rows, resume=Stage.CORRECT, actor=ACTOR):
        return []
    if not _arrived(rows):
        wait_for_lanes(case)
        return []
    if not ready:  # the last of them arrived just now
        return wake(case)
    if not is_spread(session, case, kind=KIND, about=correction, actor=ACTOR, resume=Stage.CORRECT):
        return []
    latest = corrections_of(session, case.id)[-1]
    latest.done_at = clock.now()
    following = Stage.DONE
    if not _all_sent(session, case.id):
        # it had been held over a mail or an update about the credential itself: they are sent as it is now
        replan_sending(session, case, ACTOR)
        following = Stage.NOTIFY
    return advance(session, case, following, kind="case.corrected", actor=ACTOR, correction=latest.id)


def _arrived(rows: Iterable[CredentialRow]) -> bool:
    return all(row.state == CredentialState.CONFIRMED or row.state in OVER for row in rows)


def _learner_told(session: Session, case_id: str) -> bool:
    """Whether the learner was mailed about the credential; who was not hears of it as it is now."""
    mail = select(Message.id).filter_by(case_id=case_id, kind="learner", state=MessageState.SENT.value)
    return session.scalar(mail) is not None


def _all_sent(session: Session, case_id: str) -> bool:
    mails = session.scalars(select(Message.state).filter_by(case_id=case_id).where(Message.kind.in_(KINDS)))
    updates = updates_of(session, case_id, "")
    return all(state == MessageState.SENT for state in mails) and all(
        row.state == UpdateState.SENT for row in updates
    )
