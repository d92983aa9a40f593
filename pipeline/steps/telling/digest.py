"""Digest: one channel tells staff everything that has gathered for it, in one message."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pipeline import clock
from pipeline.alerts import CHANNELS
from pipeline.alerts.alert import Alert, Digest, Severity
from pipeline.configuration.loading import configuration
from pipeline.configuration.staff import ChannelAccount
from pipeline.errors import Failure, Outage, Retryable, Throttled, Unsure
from pipeline.settings import settings
from pipeline.steps.telling.alerting import QUEUE, alert, next_digest
from pipeline.steps.turn import WakeUp, new_owner
from pipeline.store.alerts import AlertRow, ChannelRow, Telling
from pipeline.store.database import transaction

log = structlog.get_logger(__name__)

#: alerts in one message; it lists the first of them and counts the rest
TOGETHER = 500
#: the longest wait between two attempts, and the wait after a refusal that only an administrator can mend
_LONGEST = timedelta(hours=1)
#: from this failure in a row on the other channels are told: of refusals, and after a quarter of an hour of silence
_REFUSALS, _SILENCES = 2, 6
#: failures that may well pass by themselves
_PASSING = (Throttled, Outage, Unsure, Retryable)


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A digest that this process sends."""

    channel: ChannelAccount
    owner: str
    digest: Digest
    alerts: tuple[str, ...]


def due_digests() -> list[WakeUp]:
    """The channels whose digest is due."""
    now, known = clock.now(), configuration().staff.channels
    with transaction() as session:
        due = select(ChannelRow).where(ChannelRow.due_at <= now, ChannelRow.name.in_(known))
        rows = [row for row in session.scalars(due) if not row.announced_at or row.announced_at <= now - _again()]
        for row in rows:
            row.announced_at = now
    return [WakeUp(task="tell-staff", id=row.name) for row in rows]


def tell_staff(name: str) -> list[WakeUp]:
    """Send one channel's digest, if it is due. A worker that dies with it under way may have it sent twice."""
    channel = configuration().staff.channels.get(name)
    claim = _claim(channel) if channel else None
    if claim is None:
        return []
    try:
        CHANNELS[claim.channel.kind](claim.channel.options).send(claim.digest)
    except Failure as failure:
        log.warning("digest_failed", channel=name, kind=failure.kind, reason=failure.detail)
        _after_failure(claim, failure)
    except Exception as defect:
        log.exception("defect", channel=name)
        _after_failure(claim, Outage(f"defect: {type(defect).__name__}"))
    else:
        _done(claim)
    return []


def _again() -> timedelta:
    return settings().reannounce


def _claim(channel: ChannelAccount) -> Claim | None:
    now = clock.now()
    with transaction() as session:
        row = session.get(ChannelRow, channel.name, with_for_update=True)
        if row is None or row.due_at is None or row.due_at > now:
            return None
        alerts = _open(session, channel.name)
        if not alerts:
            row.owner, row.due_at = None, None
            return None
        row.owner, row.due_at = new_owner(), now + settings().lease
        digest = Digest(
            alerts=tuple(map(_as_alert, alerts)), made_at=now, queue=_address(QUEUE),
            more=_waiting(session, channel.name) - len(alerts),
        )  # fmt: skip
        return Claim(channel=channel, owner=row.owner, digest=digest, alerts=tuple(one.id for one in alerts))


def _open(session: Session, channel: str) -> list[AlertRow]:
    query = (
        select(AlertRow)
        .join(Telling, Telling.alert_id == AlertRow.id)
        .where(Telling.channel == channel, Telling.told_at.is_(None))
        .order_by(AlertRow.id)
        .limit(TOGETHER)
    )
    return list(session.scalars(query))


def _waiting(session: Session, channel: str) -> int:
    open_ones = select(func.count()).where(Telling.channel == channel, Telling.told_at.is_(None))
    return session.scalar(open_ones) or 0


def _as_alert(row: AlertRow) -> Alert:
    return Alert(
        key=row.key,
        severity=Severity(row.severity),
        title=row.title,
        summary=row.summary,
        facts=tuple((str(label), str(value)) for label, value in row.facts),
        url=_address(row.path) if row.path else "",
    )


def _address(path: str) -> str:
    return settings().public_url.rstrip("/") + path


def _done(claim: Claim) -> None:
    now = clock.now()
    with transaction() as session:
        row = _mine(session, claim)
        if row is None:
            return
        told = select(Telling).where(Telling.channel == row.name, Telling.alert_id.in_(claim.alerts))
        for telling in session.scalars(told):
            telling.told_at = now
        session.flush()
        row.owner, row.told_at, row.announced_at, row.failures, row.error = None, now, None, 0, None
        every, waiting = claim.channel.digest_every, _open(session, row.name)
        row.due_at = min((next_digest(now, every, one.severity, now) for one in waiting), default=None)


def _after_failure(claim: Claim, failure: Failure) -> None:
    now = clock.now()
    with transaction() as session:
        row = _mine(session, claim)
        if row is None:
            return
        row.owner, row.announced_at = None, None
        row.failures, row.error = row.failures + 1, failure.detail[:1000]
        row.due_at = _retry_at(row.failures, failure, now)
        failures = row.failures
    if failures >= (_SILENCES if isinstance(failure, _PASSING) else _REFUSALS):
        _tell_the_others(claim.channel.name, failure, now)


def _tell_the_others(channel: str, failure: Failure, now: datetime) -> None:
    """Say once a day that a channel is down. In its own transaction: an alert locks all channels in their order."""
    with transaction() as session:
        alert(
            session,
            key=f"channel:{channel}:{now.date().isoformat()}",
            severity="critical",
            title="Alerts do not arrive",
            summary=f"the channel {channel} takes no messages: {failure.detail}",
            facts=[("Channel", channel)],
        )


def _retry_at(failures: int, failure: Failure, now: datetime) -> datetime:
    if isinstance(failure, Throttled):
        until: datetime = failure.until
        return until
    if isinstance(failure, _PASSING):
        return now + min(timedelta(seconds=15 << min(failures, 8)), _LONGEST)
    return now + (timedelta(minutes=1) if failures == 1 else _LONGEST)


def _mine(session: Session, claim: Claim) -> ChannelRow | None:
    row = session.get_one(ChannelRow, claim.channel.name, with_for_update=True)
    return row if row.owner == claim.owner else None
