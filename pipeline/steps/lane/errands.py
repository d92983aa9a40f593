"""Errands: due credentials of one account that a pump has taken, each with what it wants of the platform.

Taking commits the intent: from then on a credential may exist at the platform, whatever becomes of the pump.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from pipeline import clock
from pipeline.audit.trail import change
from pipeline.settings import settings
from pipeline.stages import CredentialState
from pipeline.steps.afterwards.outcome import still_wanted
from pipeline.steps.turn import new_owner
from pipeline.store.credentials import CredentialRow
from pipeline.store.database import transaction
from pipeline.store.decisions import order_from
from pipeline.values import Order

ACTOR = "confer.issue"


class Wanted(StrEnum):
    """What an errand asks of the platform."""

    ISSUE = "issue"
    LOOK_UP = "look up"
    CORRECT = "correct"
    WITHDRAW = "withdraw"


_WANTED = {
    CredentialState.PLANNED: Wanted.ISSUE,
    CredentialState.CALLING: Wanted.LOOK_UP,  # a worker died over the call
    CredentialState.UNSURE: Wanted.LOOK_UP,
    CredentialState.CORRECTING: Wanted.CORRECT,
    CredentialState.WITHDRAWING: Wanted.WITHDRAW,
}


@dataclass(frozen=True, kw_only=True)
class Errand:
    """A credential that a pump has taken until `until`. `owner` proves it at the commit."""

    credential_id: str
    case_id: str
    owner: str
    order: Order
    wants: Wanted
    platform_ref: str
    #: why it is withdrawn
    reason: str
    unclear_since: datetime | None
    crashes: int
    until: datetime


def take(account: str, at_once: int, *, turn: timedelta) -> list[Errand]:
    """Take the credential whose turn it is; several at once where all are to be issued, for a bulk call.

    Args:
        turn: how much longer than a call the errand may take at the account's pace.
    """
    until = clock.now() + settings().lease + turn
    with transaction() as session:
        rows = _alike(still_wanted(session, _next(session, account, at_once)))
        errands = [_errand(row, until) for row in rows]
        for row, errand in zip(rows, errands, strict=True):
            _write(session, row, errand)
        return errands


def due(session: Session, account: str) -> bool:
    """Whether anything of an account is due."""
    query = select(CredentialRow.id).where(CredentialRow.account == account, CredentialRow.due_at <= clock.now())
    return session.scalar(query.limit(1)) is not None


def _next(session: Session, account: str, at_once: int) -> list[CredentialRow]:
    """What is due, by rank; and if the lane has time left before the next rank, first come, first served.

    A rank is never before its row is due, so each query stops after as many rows as it returns.
    """
    if session.get_bind().dialect.name == "postgresql":
        # before it has counted what an import has just written, it would rather sort all of it (measured: 130 ms)
        session.execute(text("SET LOCAL enable_sort = off"))
    now = clock.now()
    waiting = select(CredentialRow).where(CredentialRow.account == account, CredentialRow.due_at <= now)
    in_turn = waiting.where(CredentialRow.rank_at <= now).order_by(CredentialRow.rank_at, CredentialRow.id)
    early = waiting.where(CredentialRow.rank_at > now).order_by(CredentialRow.due_at, CredentialRow.id)
    rows = list(session.scalars(in_turn.limit(at_once).with_for_update(skip_locked=True)))
    if len(rows) < at_once:
        rows += session.scalars(early.limit(at_once - len(rows)).with_for_update(skip_locked=True))
    return rows


def _alike(rows: Sequence[CredentialRow]) -> list[CredentialRow]:
    """The first row, and the others that can go with it in one bulk call.

    What has failed before goes alone, so that one bad row does not take others down with it again and again.
    """
    first, others = list(rows[:1]), rows[1:]
    return [*first, *filter(_fresh, others)] if all(map(_fresh, first)) else first


def _fresh(row: CredentialRow) -> bool:
    return row.state == CredentialState.PLANNED and row.failed_at is None and not row.attempts


def _errand(row: CredentialRow, until: datetime) -> Errand:
    return Errand(
        credential_id=row.id, case_id=row.case_id, owner=new_owner(), order=order_from(row.order),
        wants=_WANTED[CredentialState(row.state)], platform_ref=row.platform_ref or "",
        reason=row.withdraw_reason or "", unclear_since=row.unclear_since,
        crashes=row.crashes + 1 if row.owner else 0, until=until,
    )  # fmt: skip


def _write(session: Session, row: CredentialRow, errand: Errand) -> None:
    if errand.wants is Wanted.ISSUE:
        latest_end = clock.now() + timedelta(seconds=settings().call_timeout)
        change(
            session, row, CredentialState.CALLING, kind="credential.intended", actor=ACTOR,
            owner=errand.owner, due_at=errand.until, unclear_since=latest_end,
        )  # fmt: skip
    elif row.owner:
        died_calling = row.state == CredentialState.CALLING
        change(
            session, row, CredentialState.UNSURE if died_calling else None, kind="credential.worker_lost",
            actor=ACTOR, owner=errand.owner, due_at=errand.until, crashes=errand.crashes,
        )  # fmt: skip
    else:
        row.owner, row.due_at = errand.owner, errand.until
