"""Replay: what a person has mended goes on from where it stopped. It can never issue twice.

A replay moves rows back into the ordinary run, where the unique key, the intent and the look-up apply; there
is no second way to a platform.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from pipeline import clock
from pipeline.audit.trail import change, record
from pipeline.stages import OVER, CredentialState, MessageState, Stage, UpdateState
from pipeline.steps.turn import WakeUp, advance
from pipeline.store.cases import Case
from pipeline.store.credentials import CredentialRow, awaits_another, credentials_of
from pipeline.store.database import reading, transaction
from pipeline.store.deliveries import Delivery, DeliveryState
from pipeline.store.outbox import Message, Update

#: a due row that nobody has taken for so long is stuck
STUCK = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True)
class Filter:
    """Which cases: all given conditions have to hold."""

    ids: tuple[str, ...] = ()
    program: str | None = None
    account: str | None = None
    error: str | None = None
    since: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Stopped:
    """One case or delivery that does not go on by itself, and why."""

    id: str
    program: str
    state: str
    resume: str
    error: str
    reason: str
    since: datetime

    @property
    def age(self) -> timedelta:
        """How long it has been so."""
        return clock.now() - self.since


def stopped(which: Filter) -> list[Stopped]:
    """Held, failed and stuck cases, and deliveries that no program covers; the oldest first."""
    found = [*_stopped_cases(which)]
    if not which.program and not which.account:
        found += _stopped_deliveries(which)
    return sorted(found, key=lambda one: (one.since, one.id))


def replay(stopped_id: str, *, actor: str) -> list[WakeUp]:
    """Put one case or delivery back into the run. One that went on meanwhile is left alone.

    Args:
        actor: the person, for the ledger: `person:jdoe`.
    """
    with transaction() as session:
        case = session.get(Case, stopped_id, with_for_update=True)
        if case and case.stage != Stage.CLOSED:
            return put_back(session, case, actor)
        delivery = session.get(Delivery, stopped_id, with_for_update=True)
        return _replay_delivery(session, delivery, actor) if delivery else []


def _stopped_cases(which: Filter) -> list[Stopped]:
    overdue = Case.due_at <= clock.now() - STUCK
    query = select(Case).where(or_(Case.stage.in_([Stage.HELD.value, Stage.FAILED.value]), overdue))
    if which.ids:
        query = query.where(Case.id.in_(which.ids))
    if which.program:
        query = query.where(Case.program == which.program)
    if which.error:
        query = query.where(or_(Case.error_kind == which.error, Case.error.contains(which.error, autoescape=True)))
    if which.since:
        query = query.where(Case.changed_at >= which.since)
    if which.account:
        query = query.where(Case.id.in_(select(CredentialRow.case_id).where(CredentialRow.account == which.account)))
    with reading() as session:
        return [
            Stopped(
                id=case.id,
                program=case.program,
                state=case.stage if case.stage in {Stage.HELD, Stage.FAILED} else f"stuck in {case.stage}",
                resume=case.resume or "",
                error=case.error_kind or "",
                reason=case.error or "",
                since=case.entered_at,
            )
            for case in session.scalars(query)
        ]


def _stopped_deliveries(which: Filter) -> list[Stopped]:
    query = select(Delivery).where(Delivery.state == DeliveryState.HELD.value)
    if which.ids:
        query = query.where(Delivery.id.in_(which.ids))
    if which.error:
        query = query.where(
            or_(Delivery.error_kind == which.error, Delivery.error.contains(which.error, autoescape=True))
        )
    if which.since:
        query = query.where(Delivery.received_at >= which.since)
    with reading() as session:
        return [
            Stopped(
                id=row.id,
                program="",
                state="held",
                resume="receive",
                error=row.error_kind or "",
                reason=row.error or "",
                since=row.received_at,
            )
            for row in session.scalars(query)
        ]


def put_back(session: Session, case: Case, actor: str) -> list[WakeUp]:
    """Put a locked case back into the run: where it stopped, or to the beginning if its record was judged."""
    now = clock.now()
    if case.stage in {Stage.FAILED, Stage.CLOSED}:
        return advance(session, case, Stage.GATHER, kind="case.replayed", actor=actor)
    if case.stage != Stage.HELD:
        if case.due_at is None or case.due_at > now:
            return []
        record(session, subject=case.id, kind="case.announced", actor=actor, facts={}, rule_version=None)
        case.announced_at = now
        return [WakeUp(task=case.stage, id=case.id)]
    resume = Stage(case.resume or Stage.GATHER)
    if resume is Stage.ISSUE:
        return _replay_issuing(session, case, actor)
    lanes = _replay_credentials(session, case, actor) if resume in {Stage.CORRECT, Stage.WITHDRAW} else []
    replan_sending(session, case, actor)
    return advance(session, case, resume, kind="case.replayed", actor=actor) + lanes


def _replay_issuing(session: Session, case: Case, actor: str) -> list[WakeUp]:
    wakeups = _replay_credentials(session, case, actor)
    rows = [row for row in credentials_of(session, case.id) if row.state not in OVER]
    if rows and all(row.state == CredentialState.CONFIRMED for row in rows):
        return advance(session, case, Stage.NOTIFY, kind="case.replayed", actor=actor)
    advance(session, case, Stage.ISSUE, kind="case.replayed", actor=actor)
    return wakeups


def _replay_credentials(session: Session, case: Case, actor: str) -> list[WakeUp]:
    """Put back into its lane whatever came to a stop. What a platform refused is looked up before it is called again.

    What is to take the place of another credential waits until that is withdrawn.
    """
    for row in credentials_of(session, case.id, locked=True):
        settled = row.state == CredentialState.CONFIRMED or row.state in OVER
        waits = row.state == CredentialState.PLANNED and awaits_another(session, row)
        if row.due_at is None and not settled and not waits:
            change(
                session, row, CredentialState.UNSURE if row.state == CredentialState.REJECTED else None,
                kind="credential.replayed", actor=actor, due_at=clock.now(), attempts=0, crashes=0, failed_at=None,
            )  # fmt: skip
    rows = credentials_of(session, case.id)
    return [WakeUp(task=Stage.ISSUE.value, id=row.account) for row in rows if row.due_at]


def replan_sending(session: Session, case: Case, actor: str) -> None:
    """Have what could not be sent for good sent once more."""
    for message in session.scalars(select(Message).filter_by(case_id=case.id)):
        if message.state == MessageState.REJECTED:
            change(
                session, message, MessageState.PLANNED, kind="message.replayed", actor=actor,
                due_at=clock.now(), attempts=0, handed_over=0,
            )  # fmt: skip
        elif message.state == MessageState.UNSURE:
            change(
                session, message, None, kind="message.replayed", actor=actor, due_at=clock.now(),
                handed_over=min(message.handed_over, 1),
            )  # fmt: skip
    for row in session.scalars(select(Update).filter_by(case_id=case.id, state=UpdateState.REJECTED.value)):
        change(session, row, UpdateState.PLANNED, kind="update.replayed", actor=actor, due_at=clock.now(), attempts=0)


def _replay_delivery(session: Session, delivery: Delivery, actor: str) -> list[WakeUp]:
    if delivery.state != DeliveryState.HELD:
        return []
    delivery.state, delivery.due_at, delivery.announced_at = DeliveryState.STORED, clock.now(), clock.now()
    delivery.attempts = 0
    record(session, subject=delivery.id, kind="delivery.replayed", actor=actor, facts={}, rule_version=None)
    return [WakeUp(task="receive", id=delivery.id)]
