"""What follows once a platform has taken a credential back, has changed it in place, or will not change it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipeline import clock
from pipeline.audit.trail import change
from pipeline.stages import OVER, CredentialState, Stage
from pipeline.steps.afterwards.recall import wake
from pipeline.steps.afterwards.replacing import supersede
from pipeline.steps.turn import WakeUp, advance
from pipeline.store.cases import Case
from pipeline.store.credentials import CredentialRow, credentials_of
from pipeline.store.decisions import order_from

ACTOR = "confer.issue"
#: stages in which a case waits for what its lanes make of its credentials
_WAITING = frozenset({Stage.CORRECT, Stage.WITHDRAW})


def after_withdrawal(session: Session, case: Case, row: CredentialRow) -> list[WakeUp]:
    """The credential is withdrawn: the one that takes its place may be issued now, and its own case goes on."""
    session.flush()
    heirs = session.scalars(
        select(CredentialRow)
        .join(Case, Case.id == CredentialRow.case_id)
        .where(CredentialRow.replaces_id == row.id, CredentialRow.state == CredentialState.PLANNED.value)
        .where(CredentialRow.due_at.is_(None), Case.stage.in_([Stage.ISSUE.value, Stage.CORRECT.value]))
        .with_for_update(of=CredentialRow)
    ).all()
    for heir in heirs:
        change(session, heir, None, kind="credential.released", actor=ACTOR, due_at=clock.now())
    wakeups = [WakeUp(task=Stage.ISSUE.value, id=heir.account) for heir in heirs]
    return wakeups + (wake(case) if case.stage in _WAITING else [])


def after_correction(session: Session, case: Case, row: CredentialRow) -> list[WakeUp]:
    """The credential says now what its order says, or the one that takes another's place is issued."""
    del row
    session.flush()
    if case.stage in _WAITING:
        return wake(case)
    rows = credentials_of(session, case.id)
    arrived = all(one.state == CredentialState.CONFIRMED or one.state in OVER for one in rows)
    if case.stage == Stage.ISSUE and arrived:
        return advance(session, case, Stage.NOTIFY, kind="case.issued", actor=ACTOR)
    return []


def not_correctable(session: Session, case: Case, row: CredentialRow) -> list[WakeUp]:
    """The platform does not change this one: another one takes its place, with what the correction asked for."""
    wakeups = supersede(session, row, order_from(row.order), actor=ACTOR)
    return wakeups + (wake(case) if case.stage in _WAITING else [])


def still_wanted(session: Session, rows: Sequence[CredentialRow]) -> list[CredentialRow]:
    """The rows that a lane may go on with; what is planned for a case that is being withdrawn is cancelled.

    A lane that has just learnt that a call had no effect would otherwise make it again. Whoever calls has locked the
    rows.
    """
    planned = {row.case_id for row in rows if row.state == CredentialState.PLANNED}
    if not planned:
        return list(rows)
    query = select(Case.id).where(Case.id.in_(planned), Case.stage == Stage.WITHDRAW.value)
    withdrawn = set(session.scalars(query))
    over = [row for row in rows if row.state == CredentialState.PLANNED and row.case_id in withdrawn]
    for row in over:
        change(session, row, CredentialState.CANCELLED, kind="credential.cancelled", actor=ACTOR, due_at=None)
    return [row for row in rows if row not in over]
