"""Recall: give up what of a case's credentials was only planned, and hand to the lanes what is to be taken back.

What may exist without our knowing it is never given up: it is looked up first, by the lane as ever, and taken back
when it is found. So a recall is asked for again and again until nothing is left to do.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from pipeline import clock
from pipeline.audit.trail import change
from pipeline.stages import OVER, CredentialState, Stage
from pipeline.steps.turn import WakeUp, advance, hold
from pipeline.store.cases import Case
from pipeline.store.credentials import CredentialRow, credentials_of
from pipeline.store.withdrawals import Withdrawal
from pipeline.values import SUPERSEDED

#: how long a case that waits for its lanes is left alone: a quarter of the time it has waited, within these bounds
_SOONEST, _LATEST = timedelta(seconds=5), timedelta(seconds=60)
#: of a row that goes into its lane with a clean count
FRESH: dict[str, Any] = {"attempts": 0, "crashes": 0, "failed_at": None, "error_kind": None, "error": None}
#: states from which only a person, or the lane, leads on
_BLOCKED = frozenset(
    {
        CredentialState.REJECTED,
        CredentialState.UNSURE,
        CredentialState.CORRECTING,
        CredentialState.WITHDRAWING,
    }
)


def begin_withdrawal(session: Session, case: Case, withdrawal: Withdrawal, *, actor: str) -> list[WakeUp]:
    """Take a locked case out of its run and begin to take its credentials back.

    From here on nothing of the case is issued: what was only planned is cancelled in this very transaction.
    """
    facts = {"withdrawal": withdrawal.id, "trigger": withdrawal.trigger, "was": case.stage}
    wakeups = advance(session, case, Stage.WITHDRAW, kind="case.withdrawing", actor=actor, **facts)
    case.assignee = None
    for row in credentials_of(session, case.id, locked=True):
        if is_blocked(row) and row.state in {CredentialState.REJECTED, CredentialState.UNSURE}:
            wakeups += look_up(session, row, actor=actor)
    return wakeups + recall(session, case, reason=withdrawal.trigger, actor=actor)


def recall(session: Session, case: Case, *, reason: str, actor: str) -> list[WakeUp]:
    """Cancel and hand over whatever is ready for it. Leaves alone what a pump has taken, and what is in doubt."""
    wakeups: list[WakeUp] = []
    for row in credentials_of(session, case.id, locked=True):
        if row.owner is None and row.state == CredentialState.PLANNED:
            change(
                session, row, CredentialState.CANCELLED, kind="credential.cancelled", actor=actor,
                facts={"reason": reason}, due_at=None, withdraw_reason=reason, **FRESH,
            )  # fmt: skip
        elif row.owner is None and row.state in {CredentialState.CONFIRMED, CredentialState.CORRECTING}:
            wakeups += hand_over(session, row, reason=reason, kind="credential.withdrawing", actor=actor)
        elif row.state == CredentialState.WITHDRAWING and row.withdraw_reason == SUPERSEDED != reason:
            # its place was to be taken by another one, which will not be issued any more
            facts = {"reason": reason, "claim": row.claim_state}
            change(
                session, row, None, kind="credential.withdrawing", actor=actor, facts=facts, withdraw_reason=reason
            )
    return wakeups


def hand_over(session: Session, row: CredentialRow, *, reason: str, kind: str, actor: str) -> list[WakeUp]:
    """Have the lane take a credential back that exists. The entry says whether its learner had claimed it."""
    change(
        session, row, CredentialState.WITHDRAWING, kind=kind, actor=actor,
        facts={"reason": reason, "claim": row.claim_state}, withdraw_reason=reason, due_at=clock.now(), owner=None,
        **FRESH,
    )  # fmt: skip
    return [WakeUp(task=Stage.ISSUE.value, id=row.account)]


def look_up(session: Session, row: CredentialRow, *, actor: str) -> list[WakeUp]:
    """Have the lane see whether a credential exists that had come to a stop."""
    to = CredentialState.UNSURE if row.state == CredentialState.REJECTED else None
    change(session, row, to, kind="credential.replayed", actor=actor, due_at=clock.now(), **FRESH)
    return [WakeUp(task=Stage.ISSUE.value, id=row.account)]


def is_blocked(row: CredentialRow) -> bool:
    """Whether a credential has left its lane and waits for a person."""
    return row.state in _BLOCKED and row.due_at is None and row.owner is None


def hold_for_blocked(
    session: Session, case: Case, rows: Iterable[CredentialRow], *, resume: Stage, actor: str
) -> bool:
    """Hold the case where a credential has come to a stop; returns whether one has."""
    blocked = [row for row in rows if is_blocked(row)]
    if not blocked:
        return False
    reason = "; ".join(f"{row.account}: {row.error or 'no answer'}" for row in blocked)
    error = blocked[0].error_kind or "rejected"
    hold(session, case, actor=actor, error=error, reason=reason, resume=resume, account=blocked[0].account)
    return True


def wait_for_lanes(case: Case) -> None:
    """Leave the case where it is until its lanes have gone on. They wake it; this is for a wake-up that is lost."""
    waited = clock.now() - case.entered_at
    case.due_at = clock.now() + max(_SOONEST, min(waited / 4, _LATEST))
    case.announced_at = None


def wake(case: Case) -> list[WakeUp]:
    """Have a case that waits for its lanes look again, unless somebody is at it."""
    if case.owner is None:
        case.due_at = case.announced_at = clock.now()
    return [WakeUp(task=case.stage, id=case.id)]


def is_over(rows: Iterable[CredentialRow]) -> bool:
    """Whether none of these is, or may become, a live credential."""
    return all(row.state in OVER for row in rows)
