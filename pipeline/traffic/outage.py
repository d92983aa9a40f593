"""A platform that is down: rows wait without losing an attempt, and few, spaced probes learn when it is back."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from pipeline import clock
from pipeline.store.database import reading, transaction
from pipeline.store.lanes import Lane
from pipeline.traffic.lane import locked_lane

FIRST_PROBE = timedelta(seconds=1)
LONGEST_PROBE = timedelta(seconds=60)


def may_call(account: str) -> bool:
    """Whether a pump may call now. During an outage, one pump at a time gets a yes: it is the probe."""
    with reading() as session:
        lane = session.get(Lane, account)
        if lane is None or lane.down_since is None:
            return True
        if lane.probe_at and lane.probe_at > clock.now():
            return False
    with transaction() as session:
        lane = locked_lane(session, account)
        if lane.down_since is None:
            return True
        if lane.probe_at and lane.probe_at > clock.now():
            return False
        lane.probes += 1
        lane.probe_at = clock.now() + min(FIRST_PROBE * 2 ** min(lane.probes, 10), LONGEST_PROBE)
        return True


def failed(session: Session, account: str, reason: str) -> bool:
    """The platform did not answer as one that works. Returns whether this began the outage."""
    lane = locked_lane(session, account)
    began = lane.down_since is None
    if began:
        lane.down_since, lane.probes = clock.now(), 0
        lane.probe_at = clock.now() + FIRST_PROBE
    lane.down_reason = reason[:300]
    return began


def after_next_probe(session: Session, account: str) -> datetime:
    """When a row that has failed is due again: once another one has had its turn as the probe."""
    lane = locked_lane(session, account)
    return max(lane.probe_at or clock.now(), clock.now() + FIRST_PROBE) + FIRST_PROBE


def answered(session: Session, account: str) -> timedelta | None:
    """The platform answered: the outage, if there was one, is over. Returns how long it lasted."""
    lane = session.get(Lane, account)
    if lane is None or lane.down_since is None:
        return None
    lane = locked_lane(session, account)
    began: datetime | None = lane.down_since
    lane.down_since, lane.down_reason, lane.probe_at, lane.probes = None, None, None, 0
    lane.told_at = None
    return clock.now() - began if began else None
