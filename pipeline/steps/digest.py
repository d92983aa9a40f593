"""Digest: one channel tells staff everything that has gathered for it, in one message."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from pipeline import clock
from pipeline.alerts import CHANNELS
from pipeline.alerts.alert import Alert, Digest, Severity
from pipeline.configuration.loading import configuration
from pipeline.configuration.staff import ChannelAccount
from pipeline.errors import Failure, Outage, Throttled
from pipeline.settings import settings
from pipeline.steps.alerting import alert
from pipeline.steps.turn import WakeUp, new_owner
from pipeline.store.alerts import AlertRow, ChannelRow, Telling
from pipeline.store.database import transaction

log = structlog.get_logger(__name__)

#: alerts in one message; it lists the first of them and counts the rest
TOGETHER = 500
#: after a refusal that only an administrator can mend
_REFUSED = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A digest that this process sends."""

    channel: ChannelAccount
    owner: str
    digest: Digest
    alerts: tuple[str, ...]


def due_digests() -> list[WakeUp]:
    """The channels whose digest is due."""
    now = clock.now()
    with transaction() as session:
        due = select(ChannelRow).where(ChannelRow.due_at <= now)
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
        digest = Digest(alerts=tuple(map(_as_alert, alerts)), made_at=now)
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


def _as_alert(row: AlertRow) -> Alert:
    return Alert(
        key=row.key,
        severity=Severity(row.severity),
        title=row.title,
        summary=row.summary,
        facts=tuple((str(label), str(value)) for label, value in row.facts),
        url=settings().public_url.rstrip("/") + row.path if row.path else "",
    )


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
        more = bool(_open(session, row.name))
        row.owner, row.told_at, row.announced_at, row.failures, row.error = None, now, None, 0, None
        row.due_at = now + claim.channel.digest_every if more else None


def _after_failure(claim: Claim, failure: Failure) -> None:
    now = clock.now()
    with transaction() as session:
        row = _mine(session, claim)
        if row is None:
            return
        row.owner, row.announced_at = None, None
        row.failures, row.error = row.failures + 1, failure.detail[:1000]
        row.due_at = _retry_at(row.failures, failure, now)
        if row.failures == 1 or isinstance(failure, Outage | Throttled):
            return
        alert(
            session,
            key=f"channel:{row.name}:{now.date().isoformat()}",
            severity="critical",
            title="Alerts do not arrive",
            summary=f"the channel {row.name} refuses: {failure.detail}",
            facts=[("Channel", row.name)],
        )


def _retry_at(failures: int, failure: Failure, now: datetime) -> datetime:
    if isinstance(failure, Throttled):
        until: datetime = failure.until
        return until
    if isinstance(failure, Outage):
        return now + min(timedelta(seconds=15 << min(failures, 8)), _REFUSED)
    return now + (timedelta(minutes=1) if failures == 1 else _REFUSED)


def _mine(session: Session, claim: Claim) -> ChannelRow | None:
    row = session.get_one(ChannelRow, claim.channel.name, with_for_update=True)
    return row if row.owner == claim.owner else None
