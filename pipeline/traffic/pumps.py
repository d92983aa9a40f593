"""Who is pumping an account: as many places as calls may be in flight, shared by all processes.

Wake-ups may come in any number; a pump that finds no place ends at once, so they never add up.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from pipeline import clock
from pipeline.contracts import Account
from pipeline.store.database import reading, transaction
from pipeline.store.ids import new_id
from pipeline.store.lanes import Lane, Pump
from pipeline.traffic.limits import in_force


class Place:
    """One taken place; it is given up at the end, or lost when its holder dies and the lease runs out."""

    def __init__(self, account: str, number: int, owner: str, lease: timedelta) -> None:
        self.account, self.number, self.owner, self.lease = account, number, owner, lease
        self._renew_at = clock.now() + lease / 3

    def keep(self) -> None:
        """Renew the lease when a third of it has gone."""
        if clock.now() < self._renew_at:
            return
        self._renew_at = clock.now() + self.lease / 3
        self._set(until=clock.now() + self.lease)

    def give_up(self) -> None:
        """Let the next pump have it."""
        self._set(until=clock.now(), owner=None)

    def _set(self, **values: object) -> None:
        with transaction() as session:
            session.execute(
                update(Pump)
                .where(Pump.account == self.account, Pump.place == self.number, Pump.owner == self.owner)
                .values(**values)
            )


#: more calls at once at one platform are never needed: its pace would have to be hundreds a second
MOST = 32
#: of an account that says nothing of it and has no limit
_UNLIMITED = 4


def wanted(account: Account) -> int:
    """How many calls should be in flight to use the account's pace: pace times the time that slow calls take.

    What accounts.yaml says of it is a bound. One more than that, so that a single slow call costs nothing.
    """
    with reading() as session:
        lane = session.get(Lane, account.name)
        rate, latency = in_force(lane, account.rate), (lane and lane.latency_ms) or 0
    if rate is None:
        return account.in_flight or _UNLIMITED
    needed = math.ceil(rate.calls / rate.window.total_seconds() * latency / 1000) + 1
    return min(needed, account.in_flight or MOST)


@contextmanager
def place(account: str, places: int, *, lease: timedelta) -> Iterator[Place | None]:
    """Take a free place of the account; None when all are taken."""
    taken = _take(account, places, lease)
    try:
        yield taken
    finally:
        if taken:
            taken.give_up()


def _take(account: str, places: int, lease: timedelta) -> Place | None:
    owner, now = new_id("pump"), clock.now()
    try:
        with transaction() as session:
            rows = session.scalars(
                select(Pump).filter_by(account=account).order_by(Pump.place).with_for_update(skip_locked=True)
            ).all()
            for row in rows:
                if row.place < places and row.until <= now:
                    row.owner, row.until = owner, now + lease
                    return Place(account, row.place, owner, lease)
            known = session.scalars(select(Pump.place).filter_by(account=account)).all()
            if len(known) >= places:
                return None
            session.add(Pump(account=account, place=len(known), owner=owner, until=now + lease))
            return Place(account, len(known), owner, lease)
    except IntegrityError:
        return None  # another pump took the new place in the same moment; a tick wakes us again
