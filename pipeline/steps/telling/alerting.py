"""Alerting: what staff has to know is written down in the transaction of what happened, and told later.

So an alert never holds up a case and is never lost with a worker; `digest` tells it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from pipeline import clock
from pipeline.audit.trail import change
from pipeline.configuration.loading import configuration
from pipeline.configuration.staff import ChannelAccount
from pipeline.stages import WithdrawalState
from pipeline.steps.deadline import error_class
from pipeline.store.alerts import AlertRow, ChannelRow, Telling
from pipeline.store.cases import Case
from pipeline.store.database import transaction
from pipeline.store.ids import new_id
from pipeline.store.withdrawals import Withdrawal

#: how long the first alert of a quiet channel waits for others that come with it, as a cohort's do
GATHERING = timedelta(seconds=20)
#: where everything that waits for a person is listed
QUEUE = "/api/reviews"
#: cases that one look of the escalation takes
_AT_ONCE = 200


def alert(
    session: Session,
    *,
    key: str,
    severity: str,
    title: str,
    summary: str,
    facts: Sequence[tuple[str, str]] = (),
    path: str = "",
    case_id: str | None = None,
    program: str | None = None,
) -> None:
    """Have staff told something, once for each `key`. Nothing personal: ids, programs, error classes."""
    if session.scalar(select(AlertRow.id).filter_by(key=key)):
        return
    row = AlertRow(
        id=new_id("alert"), key=key, severity=severity, title=title[:200], summary=summary[:1000],
        facts=[list(fact) for fact in facts], path=path, case_id=case_id, made_at=clock.now(),
    )  # fmt: skip
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:  # another worker says the same in the same moment
        return
    for channel in configuration().staff.channels.values():
        if channel.wants(severity, program):
            session.add(Telling(alert_id=row.id, channel=channel.name))
            _make_due(session, channel, severity)


def case_alert(session: Session, case: Case) -> None:
    """Tell that a case waits for a person. Each time it does so is told once."""
    kind = error_class(case.error_kind)
    alert(
        session,
        key=f"{case.id}:{case.stage}:{case.entered_at.isoformat()}",
        severity=kind.severity,
        title="Decision needed" if case.stage == "held" else "Criteria not met",
        summary=kind.label,
        facts=_facts(case),
        path=f"{QUEUE}/{case.id}",
        case_id=case.id,
        program=case.program,
    )


def escalate() -> int:
    """Tell of every case that nobody has decided in time, once; returns how many."""
    now = clock.now()
    with transaction() as session:
        late = select(Case).where(Case.decide_by <= now, Case.escalated_at.is_(None)).order_by(Case.decide_by)
        rows = list(session.scalars(late.limit(_AT_ONCE).with_for_update(skip_locked=True)))
        for case in rows:
            change(session, case, None, kind="case.escalated", actor="confer.tick", escalated_at=now)
            alert(
                session,
                key=f"{case.id}:overdue:{case.entered_at.isoformat()}",
                severity="critical",
                title="Decision overdue",
                summary=error_class(case.error_kind).label,
                facts=[*_facts(case), ("Assigned to", case.assignee or "nobody")],
                path=f"{QUEUE}/{case.id}",
                case_id=case.id,
                program=case.program,
            )
    return len(rows)


def escalate_withdrawals() -> int:
    """Tell of every withdrawal that nobody has decided about in time, once; returns how many."""
    now = clock.now()
    with transaction() as session:
        late = select(Withdrawal).where(Withdrawal.decide_by <= now, Withdrawal.escalated_at.is_(None))
        late = late.where(Withdrawal.state == WithdrawalState.REQUESTED.value).order_by(Withdrawal.id)
        rows = list(session.scalars(late.limit(_AT_ONCE).with_for_update(skip_locked=True)))
        for row in rows:
            change(session, row, None, kind="withdrawal.escalated", actor="confer.tick", escalated_at=now)
            alert(
                session,
                key=f"{row.id if row.scope == 'case' else row.scope}:overdue",
                severity="critical",
                title="Withdrawal overdue",
                summary="a requested withdrawal was neither approved nor refused in time",
                facts=[("Withdrawal", row.id), ("Case", row.case_id), ("Program", row.program)],
                path="/api/withdrawals",
                case_id=row.case_id,
                program=row.program,
            )
    return len(rows)


def _facts(case: Case) -> list[tuple[str, str]]:
    by = case.decide_by.isoformat(timespec="minutes") if case.decide_by else ""
    return [("Case", case.id), ("Program", case.program), ("Error", case.error_kind or ""), ("Decide by", by)]


def _make_due(session: Session, channel: ChannelAccount, severity: str) -> None:
    """Have the channel's next digest sent in time; one that fails keeps to its retries, and to a pause asked for."""
    now = clock.now()
    row = session.get(ChannelRow, channel.name, with_for_update=True)
    if row is None:
        try:
            with session.begin_nested():
                session.add(ChannelRow(name=channel.name))
        except IntegrityError:
            pass  # another worker makes it in the same moment
        row = session.get_one(ChannelRow, channel.name, with_for_update=True)
    if row.owner is None and not row.failures:
        due = next_digest(row.told_at, channel.digest_every, severity, now)
        row.due_at = min(row.due_at, due) if row.due_at else due


def next_digest(told_at: datetime | None, every: timedelta, severity: str, now: datetime) -> datetime:
    """When an alert is told: soon after a quiet time or when critical, otherwise at the end of the span."""
    soon = now + GATHERING
    return soon if severity == "critical" or told_at is None else max(soon, told_at + every)
