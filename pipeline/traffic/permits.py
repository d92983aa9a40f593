"""The pace of a platform account, shared by every process and host that calls it.

A limit of L calls in any window W is kept by L permits. A call takes one, and the permit comes back W after the
call has ended. Whatever the network does to the moment at which a call arrives, the platform then never sees
L + 1 arrivals within W: of any such set, the one that started last found every other permit still out
(`docs/decisions/0003-permits.md` has the argument, tests/unit/test_permits.py attacks it). Starts are also spread
evenly over the window, because platforms dislike bursts even within their limit.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from pipeline import clock
from pipeline.errors import Throttled
from pipeline.store.database import transaction
from pipeline.store.ids import new_id
from pipeline.store.lanes import Lane, Permit
from pipeline.values import Rate

#: added to the window for clocks of different hosts that do not agree to the millisecond
MARGIN = 0.004


@dataclass(frozen=True, kw_only=True)
class Reservation:
    """The right to start one call at `start`, on the permit `slot`."""

    slot: int
    holder: str
    start: datetime


class Pace:
    """The gate of one account: reserves, waits, and gives the permit back.

    `timeout` is the bound on one call in seconds; `patience` the longest wait, after which `Throttled` says
    when there will be a place.
    """

    def __init__(self, account: str, rate: Rate | None, *, timeout: float, patience: float) -> None:
        self.account, self.rate = account, rate
        self.timeout, self.patience = timeout, patience
        self._prepaid: Reservation | None = None
        self._ended: list[tuple[Reservation, datetime]] = []

    def prepay(self) -> None:
        """Reserve and wait now, so that the next call goes out at once: a row is claimed only when it can go.

        Raises:
            Throttled: there is no place within `patience`.
        """
        if self._prepaid is None:
            self._prepaid = self._reserve(self.patience)

    def give_back(self, session: Session) -> None:
        """Write down in a transaction of the caller which calls have ended; until then their permits stay out."""
        ended, self._ended = self._ended, []
        for reservation, free_at in ended:
            _free(session, self.account, reservation, at=free_at)

    def close(self) -> None:
        """Give everything back, also a prepaid place that no call used."""
        reservation, self._prepaid = self._prepaid, None
        if reservation and self.rate:
            self._ended.append((reservation, clock.now()))
        if self._ended:
            with transaction() as session:
                self.give_back(session)

    @contextmanager
    def passage(self) -> Iterator[None]:
        """One call: waits for its start, and counts its end.

        A look-up may take several; those after the first wait for as long as their turn takes at this pace.

        Raises:
            Throttled: there is no place within that time.
        """
        reservation, self._prepaid = self._prepaid, None
        if reservation and (clock.now() - reservation.start).total_seconds() > self.timeout / 2:
            self._ended.append((reservation, clock.now()))
            reservation = None  # this process was held up: the permit would come back while the call still runs
        if reservation is None:
            reservation = self._reserve(self.patience + turn_at(self.rate).total_seconds())
        try:
            yield
        finally:
            if self.rate:
                self._ended.append((reservation, clock.now() + self.rate.window * (1 + MARGIN)))

    def _reserve(self, patience: float) -> Reservation:
        with transaction() as session:
            self.give_back(session)
            lane = locked_lane(session, self.account)
            now = clock.now()
            earliest = max(now, lane.blocked_until or now)
            if self.rate:
                permit = _next_permit(session, self.account, self.rate)
                earliest = max(earliest, lane.next_start, permit.free_at)
            reservation = Reservation(slot=0, holder=new_id("call"), start=earliest)
            too_long = (earliest - now).total_seconds() > patience
            if self.rate and not too_long:
                reservation = Reservation(slot=permit.slot, holder=reservation.holder, start=earliest)
                lane.next_start = earliest + self.rate.window / self.rate.calls
                permit.holder = reservation.holder
                permit.free_at = earliest + timedelta(seconds=self.timeout * 1.5) + self.rate.window * (1 + MARGIN)
        if too_long:
            raise Throttled(f"{self.account}: no place before {earliest:%H:%M:%S} UTC", until=earliest)
        clock.sleep((earliest - clock.now()).total_seconds())
        return reservation


#: the calls that one look-up makes at most, and that other lanes may put between them
CALLS_OF_A_TURN = 5


def turn_at(rate: Rate | None) -> timedelta:
    """How much longer a turn takes at this pace: an account of four calls a minute needs longer leases."""
    return rate.window / rate.calls * CALLS_OF_A_TURN if rate else timedelta(0)


def locked_lane(session: Session, account: str) -> Lane:
    """The account's row, locked until the end of the transaction; made on first sight."""
    lane = session.get(Lane, account, with_for_update=True)
    if lane:
        return lane
    try:
        with session.begin_nested():
            session.add(Lane(account=account, next_start=clock.now()))
    except IntegrityError:
        pass  # another process made it at the same moment
    return session.get_one(Lane, account, with_for_update=True)


def _free(session: Session, account: str, reservation: Reservation, *, at: datetime) -> None:
    """Let a permit be used again from `at`, unless somebody else holds it by now."""
    permit = session.get(Permit, (account, reservation.slot), with_for_update=True)
    if permit and permit.holder == reservation.holder:
        permit.free_at, permit.holder = at, None


def pause(session: Session, account: str, until: datetime) -> None:
    """The platform asked for a pause: no process calls before `until`."""
    lane = locked_lane(session, account)
    lane.blocked_until = max(until, lane.blocked_until or until)


def _next_permit(session: Session, account: str, rate: Rate) -> Permit:
    """The permit that is free first, among as many as the rate allows now."""
    count = session.scalar(select(func.count()).select_from(Permit).filter_by(account=account)) or 0
    if count < rate.calls:
        made = Permit(account=account, slot=count, free_at=clock.now())
        session.add(made)
        session.flush()
        return made
    query = select(Permit).where(Permit.account == account, Permit.slot < rate.calls)
    return session.scalars(query.order_by(Permit.free_at, Permit.slot).limit(1)).one()
