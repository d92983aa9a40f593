"""Again: the case that follows a withdrawn one. A person opens it, or a new completion, which then waits for one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from pipeline import clock
from pipeline.audit.trail import open_case
from pipeline.stages import Stage
from pipeline.steps.turn import WakeUp, hold
from pipeline.store.cases import Case
from pipeline.store.credentials import next_generation
from pipeline.store.ids import new_id
from pipeline.store.withdrawals import approved_withdrawal
from pipeline.values import Event


def case_after(
    session: Session,
    before: Case,
    *,
    event: tuple[str, Event] | None,
    actor: str,
    facts: Mapping[str, Any],
) -> tuple[Case, list[WakeUp]]:
    """Open the case that follows a withdrawn one, which is locked. It runs through everything again.

    Args:
        event: the delivery and the completion that it is opened by; None: a person's wish.
    """
    now = clock.now()
    delivery, completion = (event[0], event[1].key) if event else (before.delivery_id, before.event_key)
    case = Case(
        id=new_id("case"), source=before.source, course=before.course, program=before.program,
        learner_id=before.learner_id, follows_id=before.id, delivery_id=delivery, event_key=completion,
        generation=next_generation(session, learner_id=before.learner_id, program=before.program),
        occurred_at=event[1].occurred_at if event else before.occurred_at,
        opened_at=now, changed_at=now, entered_at=now, stage=Stage.GATHER.value, due_at=now, announced_at=now,
    )  # fmt: skip
    facts = {"follows": before.id, "generation": case.generation, **facts}
    open_case(session, case, actor=actor, facts=facts)
    session.flush()
    return case, [WakeUp(task=Stage.GATHER.value, id=case.id)]


def hold_after_withdrawal(session: Session, case: Case, *, withdrawn: str, actor: str) -> None:
    """Doubt: the learner completed anew what was withdrawn before. A person lets the run begin, or ends it."""
    found = approved_withdrawal(session, withdrawn)
    because = f" ({found.trigger})" if found else ""
    reason = f"completed anew; an earlier credential of the program was withdrawn{because}"
    hold(session, case, actor=actor, error="withdrawn", reason=reason, resume=Stage.GATHER)
