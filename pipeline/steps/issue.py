"""Issue: the lane of one platform account. Intent, call, confirm; what ended unclear is looked up first.

A pump waits for its place in the account's pace, takes the credential whose turn it is (several, where the platform
has a bulk call) and commits the intent in one transaction, calls, and commits what came of it row by row. Any number
of pumps in any number of processes share the account's permits and its outage.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import timedelta

import structlog

from pipeline import clock
from pipeline.adapters import PLATFORMS
from pipeline.configuration.loading import configuration
from pipeline.contracts import Account, Platform
from pipeline.settings import settings
from pipeline.steps.lane.calls import Ended, run
from pipeline.steps.lane.errands import due, take
from pipeline.steps.lane.reconcile import settle
from pipeline.steps.turn import LeaseLost, WakeUp
from pipeline.store.database import reading, transaction
from pipeline.store.lanes import Lane
from pipeline.traffic import outage, pumps
from pipeline.traffic.permits import NoPlace, Pace

log = structlog.get_logger(__name__)

Announce = Callable[[list[WakeUp]], object]

#: how long a place is kept without a sign of life, in longest calls: a host that dies holds up its accounts for no
#: longer. Whoever outlives it in a look-up of slow calls shares the place, and the limit does not mind
_PLACE = 1.5


def pump(account_name: str, announce: Announce) -> bool:
    """Work on an account's due credentials for one slice. Returns whether to be woken again at once."""
    account = configuration().platforms.get(account_name)
    if account is None:
        log.error("account_gone", account=account_name)
        return False
    limits = settings()
    pace = Pace(account.name, account.rate, timeout=limits.call_timeout, patience=limits.slice)
    platform = PLATFORMS[account.adapter](account, pace)
    lease = timedelta(seconds=limits.call_timeout * _PLACE)
    with pumps.place(account.name, pumps.wanted(account), lease=lease) as place, closing(pace):
        if place is None:
            return False
        return _slice(account, platform, pace, place, announce)


def _slice(account: Account, platform: Platform, pace: Pace, place: pumps.Place, announce: Announce) -> bool:
    """Errand after errand until the slice is over or nothing is left to do now."""
    ends, clear = clock.monotonic() + settings().slice, False
    while clock.monotonic() < ends:
        place.keep()
        if not clear and not _open(account.name):
            return False
        try:
            pace.prepay()
        except NoPlace:
            return False
        place.keep()
        errands = take(account.name, platform.at_once(account), turn=pace.turn)
        if not errands:
            return False
        ended = run(account, errands, platform)
        announce([wakeup for one in ended for wakeup in _commit(one, pace)])
        clear = bool(ended) and not any(one.failure for one in ended)
    return _open(account.name)


def _open(account: str) -> bool:
    """Whether there is something to do, and nothing that forbids it: a pause, an outage that is not to be probed."""
    with reading() as session:
        if not due(session, account):
            return False
        lane = session.get(Lane, account)
        if lane is None or (lane.paused_at is None and lane.down_since is None):
            return True
        if lane.paused_at is not None:
            return False
    return outage.may_call(account)


def _commit(ended: Ended, pace: Pace) -> list[WakeUp]:
    structlog.contextvars.bind_contextvars(case=ended.errand.case_id, account=ended.account.name)
    try:
        with transaction() as session:
            pace.give_back(session)
            return settle(session, ended)
    except LeaseLost:
        log.warning("lease_lost")
        return []
