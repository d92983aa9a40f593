"""Sweep: the tick finds everything that is due and whose wake-up was lost, and announces it again.

Losing every message of the broker therefore costs seconds. Each look is bounded and goes over an index.
"""

from __future__ import annotations

from typing import TypeVar

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from pipeline import clock
from pipeline.configuration.loading import configuration
from pipeline.settings import settings
from pipeline.stages import STEPS, Stage
from pipeline.steps.lane.alerts import tell_outages
from pipeline.steps.poll import due_sweeps
from pipeline.steps.telling.alerting import escalate, escalate_withdrawals
from pipeline.steps.telling.digest import due_digests
from pipeline.steps.turn import WakeUp
from pipeline.store.cases import Case
from pipeline.store.credentials import CredentialRow
from pipeline.store.database import reading, transaction
from pipeline.store.deliveries import Delivery
from pipeline.store.hints import HintRow
from pipeline.store.lanes import Lane, Tick
from pipeline.traffic import pumps

#: how many wake-ups a tick leaves waiting at most, so that a drowned queue is not drowned further
BATCH = 500

R = TypeVar("R", Case, Delivery, HintRow)


def sweep(*, waiting: int = 0) -> list[WakeUp]:
    """What is due and was not announced lately.

    Args:
        waiting: wake-ups that still wait in the queue of the steps. While there are many, none can have been
            lost that matters now: the rows are due because the workers are busy.
    """
    room = max(0, BATCH - waiting)
    with transaction() as session:
        session.merge(Tick(name="sweep", at=clock.now()))
        deliveries = _unannounced(session, Delivery, room, [])
        cases = _unannounced(session, Case, room, [Case.stage.in_([stage.value for stage in STEPS])])
        hints = _unannounced(session, HintRow, room, [])
    wakeups = [WakeUp(task="receive", id=row.id) for row in deliveries]
    wakeups += [WakeUp(task=row.stage, id=row.id) for row in cases]
    wakeups += [WakeUp(task="claim", id=row.id) for row in hints]
    escalate()
    escalate_withdrawals()
    tell_outages()
    return wakeups + due_sweeps() + due_digests() + _lanes()


def last_tick_age() -> float | None:
    """Seconds since the last sweep; None before the first."""
    with reading() as session:
        tick = session.get(Tick, "sweep")
    return (clock.now() - tick.at).total_seconds() if tick else None


def _unannounced(session: Session, kind: type[R], room: int, more: list[ColumnElement[bool]]) -> list[R]:
    now = clock.now()
    announced: InstrumentedAttribute[object] = kind.announced_at
    query = (
        select(kind)
        .where(kind.due_at <= now, or_(announced.is_(None), announced <= now - settings().reannounce), *more)
        .order_by(kind.due_at, kind.id)
        .limit(room)
        .with_for_update(skip_locked=True)
    )
    rows = list(session.scalars(query))
    session.execute(update(kind).where(kind.id.in_([row.id for row in rows])).values(announced_at=now))
    return rows


def _lanes() -> list[WakeUp]:
    """One wake-up for each pump that has something to do; a pump too many ends at once."""
    paused = select(Lane.account).where(Lane.paused_at.is_not(None))
    with reading() as session:
        due = session.execute(
            select(CredentialRow.account, func.count())
            .where(CredentialRow.due_at <= clock.now(), CredentialRow.account.not_in(paused))
            .group_by(CredentialRow.account)
        ).all()
    accounts = configuration().platforms
    return [
        WakeUp(task=Stage.ISSUE.value, id=account)
        for account, count in due
        if account in accounts
        for _ in range(min(count, pumps.wanted(accounts[account])))
    ]
