"""What follows once a platform has taken a credential back, or has changed it in place."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipeline import clock
from pipeline.audit.trail import change
from pipeline.stages import CredentialState, Stage
from pipeline.steps.turn import WakeUp
from pipeline.store.cases import Case
from pipeline.store.credentials import CredentialRow

ACTOR = "confer.issue"


def after_withdrawal(session: Session, case: Case, row: CredentialRow) -> list[WakeUp]:
    """The credential is withdrawn: the one that takes its place may be issued now."""
    del case
    heirs = session.scalars(
        select(CredentialRow).filter_by(replaces_id=row.id, state=CredentialState.PLANNED.value).with_for_update()
    ).all()
    for heir in heirs:
        change(session, heir, None, kind="credential.released", actor=ACTOR, due_at=clock.now())
    return [WakeUp(task=Stage.ISSUE.value, id=heir.account) for heir in heirs]


def after_correction(session: Session, case: Case, row: CredentialRow) -> list[WakeUp]:
    """The credential says now what its order says."""
    del session, case, row
    return []


def not_correctable(session: Session, case: Case, row: CredentialRow) -> list[WakeUp]:
    """The platform does not change this one in place."""
    raise NotImplementedError
