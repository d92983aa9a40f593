"""Withdraw: the lanes take a case's credentials back; then the learner and the systems hear of it, once."""

from __future__ import annotations

from functools import partial

from sqlalchemy.orm import Session

from pipeline import clock
from pipeline.audit.trail import change
from pipeline.errors import Rejected
from pipeline.mail.compose import address_of, compose_withdrawn
from pipeline.stages import CredentialState, Stage, WithdrawalState
from pipeline.steps.afterwards.recall import hold_for_blocked, is_over, recall, wait_for_lanes, wake
from pipeline.steps.telling.dossier import dossier
from pipeline.steps.telling.news import News, is_spread, spread
from pipeline.steps.telling.updates import completion_of
from pipeline.steps.turn import Effect, Turn, WakeUp, advance
from pipeline.store.cases import Case
from pipeline.store.credentials import credentials_of
from pipeline.store.database import reading
from pipeline.store.withdrawals import Withdrawal, approved_withdrawal

ACTOR = "confer.withdraw"
KIND = "withdrawn"


def withdraw(turn: Turn) -> Effect:
    """Go on with a withdrawal: until the platforms have taken everything back, then until everybody has heard.

    Raises:
        Outage, Misconfigured: about the mail server; the case waits, and no attempt is counted.
    """
    with reading() as session:
        rows = credentials_of(session, turn.case_id)
        over = is_over(rows)
        was_issued = over and any(row.state == CredentialState.WITHDRAWN for row in rows)
        case = dossier(session, turn.case_id, withdrawn=True) if was_issued else None
        reason = _withdrawal(session, turn.case_id).trigger
    if case and case.credentials:
        learner = case.record.learner
        mail = partial(
            compose_withdrawn, learner=learner, title=case.program.credential_title, at=clock.now(),
            credentials=case.credentials,
        )  # fmt: skip
        address = address_of(KIND, learner) if case.program.tell_learner else None
        done = completion_of(case)
        spread(
            turn,
            News(kind=KIND, about=KIND, mail=mail, address=address, ask=lambda to: to.withdraw(done, reason)),
        )
    return partial(_go_on, ready=over)


def _go_on(session: Session, case: Case, *, ready: bool) -> list[WakeUp]:
    withdrawal = _withdrawal(session, case.id)
    wakeups = recall(session, case, reason=withdrawal.trigger, actor=ACTOR)
    rows = credentials_of(session, case.id)
    if hold_for_blocked(session, case, rows, resume=Stage.WITHDRAW, actor=ACTOR):
        return wakeups
    if not is_over(rows):
        wait_for_lanes(case)
        return wakeups
    if not ready:  # the last of them was settled just now
        return wake(case)
    if not is_spread(session, case, kind=KIND, about=KIND, actor=ACTOR, resume=Stage.WITHDRAW):
        return []
    change(session, withdrawal, WithdrawalState.DONE, kind="withdrawal.done", actor=ACTOR, done_at=clock.now())
    was_issued = any(row.state == CredentialState.WITHDRAWN for row in rows)
    return advance(
        session, case, Stage.WITHDRAWN, kind="case.withdrawn", actor=ACTOR,
        trigger=withdrawal.trigger, was_issued=was_issued,
    )  # fmt: skip


def _withdrawal(session: Session, case_id: str) -> Withdrawal:
    """The approved withdrawal by which the case came here.

    Raises:
        Rejected: there is none, which is a defect.
    """
    found = approved_withdrawal(session, case_id)
    if found is None:
        raise Rejected("nobody has approved a withdrawal of this case")
    return found
