"""Updates: what a downstream system is told of a case, each time once; sending is safe to repeat."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from pipeline import clock
from pipeline.adapters import TARGETS
from pipeline.audit.trail import change, plan
from pipeline.configuration.loading import configuration
from pipeline.contracts import Target
from pipeline.errors import Failure, Misconfigured, Rejected, Throttled
from pipeline.settings import settings
from pipeline.stages import UpdateState
from pipeline.steps.award import course_score
from pipeline.steps.telling.dossier import Dossier
from pipeline.steps.turn import ATTEMPTS, Turn, mine
from pipeline.store.database import transaction
from pipeline.store.ids import new_id
from pipeline.store.outbox import Update
from pipeline.values import Completion

log = structlog.get_logger(__name__)


def plan_updates(turn: Turn, targets: Iterable[str], *, about: str = "") -> list[tuple[str, str]]:
    """Plan the updates of one occasion, on the first turn; returns id and target of those that are due.

    Args:
        about: the occasion: empty for the credential itself, the id of a correction, or `withdrawn`.
    """
    with transaction() as session:
        mine(session, turn)
        known = {row.target: row for row in updates_of(session, turn.case_id, about)}
        for target in targets:
            if target not in known:
                known[target] = Update(
                    id=new_id("update"), case_id=turn.case_id, target=target, about=about,
                    state=UpdateState.PLANNED.value, attempts=0, due_at=clock.now(),
                )  # fmt: skip
                plan(session, known[target], actor=turn.actor)
        return [
            (row.id, row.target)
            for row in known.values()
            if row.state == UpdateState.PLANNED and (row.due_at is None or row.due_at <= clock.now())
        ]


def updates_of(session: Session, case_id: str, about: str) -> list[Update]:
    """The updates of a case for one occasion."""
    return list(session.scalars(select(Update).filter_by(case_id=case_id, about=about).order_by(Update.id)))


def told_targets(session: Session, case_id: str) -> tuple[str, ...]:
    """The systems that know of the case's credential, or may, because an answer was lost."""
    rows = updates_of(session, case_id, "")
    return tuple(
        row.target
        for row in rows
        if row.state == UpdateState.SENT or (row.state == UpdateState.PLANNED and row.error is not None)
    )


def send_update(turn: Turn, update_id: str, target: str, ask: Callable[[Target], str]) -> None:
    """Tell one system, and commit what came of it. `ask` calls the adapter and returns its reference."""
    account = configuration().targets.get(target)
    failure: Failure | None = None
    reference = ""
    try:
        if account is None:
            raise Misconfigured(f"{target} is gone from targets.yaml")
        reference = ask(TARGETS[account.adapter](account))
    except Failure as caught:
        failure = caught
        log.info("update_failed", target=target, kind=caught.kind, reason=caught.detail)
    with transaction() as session:
        mine(session, turn)
        row = session.get_one(Update, update_id)
        if failure is None:
            change(
                session, row, UpdateState.SENT, kind="update.sent", actor=turn.actor, facts={"reference": reference},
                reference=reference[:200], sent_at=clock.now(), due_at=None, error=None,
            )  # fmt: skip
        else:
            _after_failure(session, row, turn, failure)


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


def _after_failure(session: Session, row: Update, turn: Turn, failure: Failure) -> None:
    """Sending is safe to repeat, so a lost answer is simply sent again; an outage costs no attempt."""
    facts, error = {"error": failure.kind, "reason": failure.detail}, failure.detail[:1000]
    actor = turn.actor
    if isinstance(failure, Throttled):
        change(
            session, row, None, kind="update.throttled", actor=actor, facts=facts, due_at=failure.until, error=error
        )
    elif failure.whole_account:
        due = clock.now() + min(settings().retry_interval / 60 * 2 ** min(turn.waits, 8), settings().retry_interval)
        change(session, row, None, kind="update.waits_for_outage", actor=actor, facts=facts, due_at=due, error=error)
    elif isinstance(failure, Rejected | Misconfigured) or row.attempts + 1 >= ATTEMPTS:
        change(
            session, row, UpdateState.REJECTED, kind="update.rejected", actor=actor, facts=facts,
            due_at=None, error=error,
        )  # fmt: skip
    else:
        change(
            session, row, None, kind="update.attempt_failed", actor=actor, facts=facts, error=error,
            attempts=row.attempts + 1, due_at=clock.now() + settings().retry_interval,
        )  # fmt: skip
