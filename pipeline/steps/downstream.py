"""Downstream: every system that a program names learns of the credential, once, after it was confirmed."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipeline import clock
from pipeline.stages import MessageState, Stage, UpdateState
from pipeline.steps.notify import KINDS
from pipeline.steps.telling.dossier import dossier
from pipeline.steps.telling.updates import completion_of, plan_updates, send_update, updates_of
from pipeline.steps.turn import Effect, Turn, WakeUp, advance, hold, later
from pipeline.store.cases import Case
from pipeline.store.database import reading
from pipeline.store.outbox import Message

ACTOR = "confer.downstream"


def downstream(turn: Turn) -> Effect:
    """Tell every system that has not been told; one that is down does not hold back the others."""
    with reading() as session:
        case = dossier(session, turn.case_id)
    for update_id, target in plan_updates(turn, case.program.downstream):
        send_update(turn, update_id, target, lambda system: system.send(completion_of(case)))
    return _go_on


def _go_on(session: Session, case: Case) -> list[WakeUp]:
    updates = updates_of(session, case.id, "")
    waiting = [row for row in updates if row.state == UpdateState.PLANNED]
    if waiting:
        due = min(row.due_at or clock.now() for row in waiting)
        error = next((row.error for row in waiting if row.error), None)
        later(
            session, case, actor=ACTOR, kind="case.waits_for_update", due=due,
            waits=case.waits + 1, error_kind="downstream", error=error,
        )  # fmt: skip
        return []
    refused = [f"{row.target}: {row.error}" for row in updates if row.state == UpdateState.REJECTED]
    mails = session.scalars(
        select(Message).filter_by(case_id=case.id, state=MessageState.REJECTED.value).where(Message.kind.in_(KINDS))
    )
    refused_mails = [f"mail to the {row.kind}: {row.error}" for row in mails]
    if refused or refused_mails:
        resume = Stage.NOTIFY if refused_mails else Stage.DOWNSTREAM
        reason = "; ".join(refused_mails + refused)
        hold(session, case, actor=ACTOR, error="rejected", reason=reason, resume=resume)
        return []
    return advance(session, case, Stage.DONE, kind="case.done", actor=ACTOR)
