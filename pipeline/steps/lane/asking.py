"""Asking a platform beside its lane: within the account's pace, and never while it is down.

Whoever asks here could also ask later. So an outage is left to the probes of the lane, a pause that the platform asks
for is kept by every process, and long errands give way to credentials that are due.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import timedelta

from pipeline import clock
from pipeline.adapters import PLATFORMS
from pipeline.contracts import Account, Platform
from pipeline.errors import Outage, Throttled
from pipeline.settings import settings
from pipeline.steps.lane.errands import due
from pipeline.store.database import reading, transaction
from pipeline.store.lanes import Lane
from pipeline.traffic.permits import NoPlace, Pace, pause

#: how long a long errand waits for a lane that is busy, in seconds; then it is put off
_LANE_FIRST = 180
#: and for how long
_PUT_OFF = timedelta(minutes=30)
#: how long until it is looked again whether a person still pauses the account
_PAUSED = timedelta(minutes=1)


@contextmanager
def beside(account: Account, *, patience: float, gives_way: bool = False) -> Iterator[Platform]:
    """The adapter of a platform account, for questions without an effect.

    Args:
        patience: the longest wait for a place in the account's pace, in seconds.
        gives_way: before each call, wait until the lane has nothing that is due.

    Raises:
        Outage: it is known to be down. NoPlace: there is no place in time, or the account is paused.
        Throttled: the platform asked for a pause, which was written down.
    """
    with reading() as session:
        lane = session.get(Lane, account.name)
    if lane is not None and lane.down_since is not None:
        raise Outage(f"{PLATFORMS[account.adapter].label} is down")
    if lane is not None and lane.paused_at is not None:  # its credentials are due and stay so: nothing to wait for
        raise NoPlace(f"{account.name} is paused", until=clock.now() + _PAUSED)
    pace = Pace(account.name, account.rate, timeout=settings().call_timeout, patience=patience)
    with closing(pace):
        try:
            yield PLATFORMS[account.adapter](account, _GivesWay(pace) if gives_way else pace)
        except NoPlace:
            raise
        except Throttled as asked:
            with transaction() as session:
                pause(session, account.name, max(asked.until, clock.now()))
            raise


class _GivesWay:
    """The gate of an account for whoever lets its lane go first."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace

    def passage(self) -> AbstractContextManager[None]:
        """Wait for the lane, then for a place.

        Raises:
            NoPlace: the lane is busy for longer than that is worth.
        """
        waited = 0
        while _is_busy(self._pace.account):
            if waited >= _LANE_FIRST:
                raise NoPlace(f"{self._pace.account}: credentials are issued first", until=clock.now() + _PUT_OFF)
            clock.sleep(1)
            waited += 1
        return self._pace.passage()


def _is_busy(account: str) -> bool:
    with reading() as session:
        return due(session, account)
