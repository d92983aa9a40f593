"""The limit in force at an account: what accounts.yaml says, what a person set since, what the platform showed.

A 429 while our own calls were within the limit says that the platform permits less than we think, or that somebody
else uses the same key. Either way the calls it took in the last window are what it takes; that is kept for a while,
and then the full limit is tried again.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pipeline import clock
from pipeline.contracts import Account
from pipeline.store.lanes import Lane, Permit
from pipeline.traffic.lane import locked_lane
from pipeline.values import Rate

#: after that the full limit is tried again
LEARNT_FOR = timedelta(hours=1)
#: a single 429 never costs more than this part of the limit: it may have been somebody else's burst
_KEPT = 4


def in_force(lane: Lane | None, configured: Rate | None) -> Rate | None:
    """The limit by which the account is called now."""
    rate = configured
    if lane and lane.rate_calls and lane.rate_seconds:
        rate = Rate(calls=lane.rate_calls, window=timedelta(seconds=lane.rate_seconds))
    if rate and lane and lane.learnt_calls and lane.learnt_until and lane.learnt_until > clock.now():
        return Rate(calls=min(rate.calls, lane.learnt_calls), window=rate.window)
    return rate


def learn(session: Session, account: Account) -> int | None:
    """The platform answered 429: returns the calls that it is held to take from now on, if that is news.

    Of several 429s of one burst only the first counts: those after it meet the pause that it brought.
    """
    lane = locked_lane(session, account.name)
    now, rate = clock.now(), in_force(lane, account.rate)
    if rate is None or (lane.blocked_until and lane.blocked_until > now):
        return None
    out = select(func.count()).select_from(Permit).where(Permit.account == account.name, Permit.free_at > now)
    taken = (session.scalar(out) or 0) - 1  # without the one that was refused
    lane.learnt_calls = max(min(taken, rate.calls - 1), rate.calls // _KEPT, 1)
    lane.learnt_until = now + LEARNT_FOR
    return lane.learnt_calls if lane.learnt_calls < rate.calls else None


def set_rate(session: Session, account: Account, rate: Rate | None) -> None:
    """Call the account at this rate from the next call on, everywhere; None: as accounts.yaml says.

    What was learnt is forgotten: whoever sets a rate knows better.
    """
    lane = locked_lane(session, account.name)
    before = _window(in_force(lane, account.rate))
    lane.rate_calls = rate.calls if rate else None
    lane.rate_seconds = rate.window.total_seconds() if rate else None
    lane.learnt_calls = lane.learnt_until = None
    longer = _window(in_force(lane, account.rate)) - before
    if longer > timedelta(0):  # what was called lately counts for longer now
        for permit in session.scalars(select(Permit).where(Permit.account == account.name).with_for_update()):
            permit.free_at += longer


def _window(rate: Rate | None) -> timedelta:
    return rate.window if rate else timedelta(0)
