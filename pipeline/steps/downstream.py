"""Downstream: every system that a program names learns of the credential, once, after it was confirmed."""

from __future__ import annotations

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from pipeline import clock
from pipeline.adapters import TARGETS
from pipeline.audit.trail import change, plan
from pipeline.configuration.loading import configuration
from pipeline.errors import Failure, Misconfigured, Outage, Rejected, Throttled, Unsure
from pipeline.settings import settings
from pipeline.stages import MessageState, Stage, UpdateState
from pipeline.steps.award import course_score
from pipeline.steps.dossier import Dossier, dossier
from pipeline.steps.turn import ATTEMPTS, Effect, Turn, WakeUp, advance, hold, later, mine
from pipeline.store.cases import Case
from pipeline.store.database import reading, transaction
from pipeline.store.ids import new_id
from pipeline.store.outbox import Message, Update
from pipeline.values import Completion

log = structlog.get_logger(__name__)

ACTOR = "confer.downstream"


def downstream(turn: Turn) -> Effect:
    """Tell every system that has not been told; one that is down does not hold back the others."""
    with reading() as session:
        case = dossier(session, turn.case_id)
    for update_id, target in _planned(turn, case):
        _send(turn, case, update_id, target)
    return _go_on


def _planned(turn: Turn, case: Dossier) -> list[tuple[str, str]]:
    """Plan the case's updates on the first turn; returns those that are due."""
    with transaction() as session:
        mine(session, turn)
        known = {row.target: row for row in session.scalars(select(Update).filter_by(case_id=turn.case_id))}
        for target in case.program.downstream:
            if target not in known:
                known[target] = Update(
                    id=new_id("update"), case_id=turn.case_id, target=target, state=UpdateState.PLANNED.value,
                    attempts=0, due_at=clock.now(),
                )  # fmt: skip
                plan(session, known[target], actor=ACTOR)
        return [
            (row.id, row.target)
            for row in known.values()
            if row.state == UpdateState.PLANNED and (row.due_at is None or row.due_at <= clock.now())
        ]


def _send(turn: Turn, case: Dossier, update_id: str, target: str) -> None:
    account = configuration().targets.get(target)
    failure: Failure | None = None
    reference = ""
    try:
        if account is None:
            raise Misconfigured(f"{target} is gone from targets.yaml")
        reference = TARGETS[account.adapter](account).send(completion_of(case))
    except Failure as caught:
        failure = caught
        log.info("update_failed", target=target, kind=caught.kind, reason=caught.detail)
    with transaction() as session:
        mine(session, turn)
        row = session.get_one(Update, update_id)
        if failure is None:
            change(
                session, row, UpdateState.SENT, kind="update.sent", actor=ACTOR, facts={"reference": reference},
                reference=reference[:200], sent_at=clock.now(), due_at=None, error=None,
            )  # fmt: skip
        else:
            _after_failure(session, row, turn, failure)


def _after_failure(session: Session, row: Update, turn: Turn, failure: Failure) -> None:
    """Sending is safe to repeat, so a lost answer is simply sent again; an outage costs no attempt."""
    facts, error = {"error": failure.kind, "reason": failure.detail}, failure.detail[:1000]
    whole = isinstance(failure, Misconfigured) and failure.whole_account
    if isinstance(failure, Throttled):
        change(
            session, row, None, kind="update.throttled", actor=ACTOR, facts=facts, due_at=failure.until, error=error
        )
    elif isinstance(failure, Outage | Unsure) or whole:
        due = clock.now() + min(settings().retry_interval / 60 * 2 ** min(turn.waits, 8), settings().retry_interval)
        change(session, row, None, kind="update.waits_for_outage", actor=ACTOR, facts=facts, due_at=due, error=error)
    elif isinstance(failure, Rejected | Misconfigured) or row.attempts + 1 >= ATTEMPTS:
        change(
            session, row, UpdateState.REJECTED, kind="update.rejected", actor=ACTOR, facts=facts,
            due_at=None, error=error,
        )  # fmt: skip
    else:
        change(
            session, row, None, kind="update.attempt_failed", actor=ACTOR, facts=facts, error=error,
            attempts=row.attempts + 1, due_at=clock.now() + settings().retry_interval,
        )  # fmt: skip


def completion_of(case: Dossier) -> Completion:
    """What a downstream system is told: the record, and the first credential the program names."""
    found = case.record
    return Completion(
        case_id=case.case_id,
        learner=found.learner,
        course_code=found.course_code,
        course_title=found.course_title,
        completed_at=found.completed_at or case.occurred_at,
        score=course_score(found),
        source=case.source,
        event_key=case.event_key,
        credential=case.credentials[0],
    )


def _go_on(session: Session, case: Case) -> list[WakeUp]:
    updates = session.scalars(select(Update).filter_by(case_id=case.id)).all()
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
        select(Message).filter_by(case_id=case.id, state=MessageState.REJECTED.value).where(Message.kind != "gap")
    )
    refused_mails = [f"mail to the {row.kind}: {row.error}" for row in mails]
    if refused or refused_mails:
        resume = Stage.NOTIFY if refused_mails else Stage.DOWNSTREAM
        reason = "; ".join(refused_mails + refused)
        hold(session, case, actor=ACTOR, error="rejected", reason=reason, resume=resume)
        return []
    return advance(session, case, Stage.DONE, kind="case.done", actor=ACTOR)
