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
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pipeline import clock
from pipeline.errors import Throttled
from pipeline.store.database import transaction
from pipeline.store.ids import new_id
from pipeline.store.lanes import Lane, Permit
from pipeline.traffic.lane import locked_lane
from pipeline.traffic.limits import in_force
from pipeline.values import Rate

#: added to the window for clocks of different hosts that do not agree to the millisecond
MARGIN = 0.004


class NoPlace(Throttled):
    """Our own pace has no place in time, or the account is paused: the platform said nothing."""

    kind = "throttled"


@dataclass(frozen=True, kw_only=True)
class Reservation:
    """The right to start one call at `start`, on the permit `slot`, which is out for `window` after its end."""

    slot: int
    holder: str
    start: datetime
    window: timedelta | None = None


class Pace:
    """The gate of one account: reserves, waits, and gives the permit back.

    `rate` is what accounts.yaml says; the limit in force is looked up for every call. `timeout` is the bound on one
    call in seconds; `patience` the longest wait, after which `NoPlace` says when there will be a place.
    """

    def __init__(self, account: str, rate: Rate | None, *, timeout: float, patience: float) -> None:
        self.account, self.rate = account, rate
        self.timeout, self.patience = timeout, patience
        self._prepaid: Reservation | None = None
        self._ended: list[tuple[Reservation, datetime]] = []
        self._lasted: list[float] = []

    @property
    def turn(self) -> timedelta:
        """How much longer than a call a turn takes: an account of four calls a minute needs longer leases."""
        return self.rate.window / self.rate.calls * CALLS_OF_A_TURN if self.rate else timedelta(0)

    def prepay(self) -> None:
        """Reserve and wait now, so that the next call goes out at once: a row is claimed only when it can go.

        Raises:
            NoPlace: there is no place within `patience`, or a person has paused the account.
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
        if reservation and reservation.window is not None:
            self._ended.append((reservation, clock.now()))
        if self._ended:
            with transaction() as session:
                self.give_back(session)

    @contextmanager
    def passage(self) -> Iterator[None]:
        """One call: waits for its start, and counts its end.

        A look-up may take several; those after the first wait for as long as their turn takes at this pace.

        Raises:
            NoPlace: there is no place within that time.
        """
        reservation, self._prepaid = self._prepaid, None
        if reservation and (clock.now() - reservation.start).total_seconds() > self.timeout / 2:
            self._ended.append((reservation, clock.now()))
            reservation = None  # this process was held up: the permit would come back while the call still runs
        if reservation is None:
            reservation = self._reserve(self.patience + self.turn.total_seconds())
        began = clock.monotonic()
        try:
            yield
            self._lasted.append(clock.monotonic() - began)
        finally:
            if reservation.window is not None:
                self._ended.append((reservation, clock.now() + reservation.window * (1 + MARGIN)))

    def _reserve(self, patience: float) -> Reservation:
        with transaction() as session:
            self.give_back(session)
            lane = locked_lane(session, self.account)
            self._note_latency(lane)
            now, rate = clock.now(), in_force(lane, self.rate)
            earliest = max(now, lane.blocked_until or now)
            if rate:
                permit, free_at = _next_permit(session, self.account, rate)
                earliest = max(earliest, lane.next_start, free_at)
            paused = lane.paused_at is not None
            refused = paused or (earliest - now).total_seconds() > patience
            reservation = Reservation(slot=0, holder=new_id("call"), start=earliest)
            if rate and not refused:
                reservation = replace(reservation, slot=permit.slot, window=rate.window)
                lane.next_start = earliest + rate.window / rate.calls
                permit.holder = reservation.holder
                permit.free_at = earliest + timedelta(seconds=self.timeout * 1.5) + rate.window * (1 + MARGIN)
        if refused:
            why = "paused" if paused else f"no place before {earliest:%H:%M:%S} UTC"
            raise NoPlace(f"{self.account}: {why}", until=earliest)
        clock.sleep((earliest - clock.now()).total_seconds())
        return reservation

    def _note_latency(self, lane: Lane) -> None:
        """Follow how long the slow calls last: quickly up, slowly down, so that about one in a hundred is slower."""
        for seconds in self._lasted:
            known, seen = lane.latency_ms, max(1, round(seconds * 1000))
            if known is None or seen > known:
                lane.latency_ms = seen if known is None else known + max(1, (seen - known) // 4)
            else:
                lane.latency_ms = known - (known - seen) // 100
        self._lasted.clear()


#: the calls that one look-up makes at most, and that other lanes may put between them
CALLS_OF_A_TURN = 5


def _free(session: Session, account: str, reservation: Reservation, *, at: datetime) -> None:
    """Let a permit be used again from `at`, unless somebody else holds it by now."""
    permit = session.get(Permit, (account, reservation.slot), with_for_update=True)
    if permit and permit.holder == reservation.holder:
        permit.free_at, permit.holder = at, None


def pause(session: Session, account: str, until: datetime) -> None:
    """The platform asked for a pause: no process calls before `until`."""
    lane = locked_lane(session, account)
    lane.blocked_until = max(until, lane.blocked_until or until)


def _next_permit(session: Session, account: str, rate: Rate) -> tuple[Permit, datetime]:
    """The permit that is free first, and from when on it may be used.

    With more permits than the rate allows, because that was lowered, all that are out count: so many have to be back
    that fewer than the limit are left.
    """
    count = session.scalar(select(func.count()).select_from(Permit).filter_by(account=account)) or 0
    if count < rate.calls:
        made = Permit(account=account, slot=count, free_at=clock.now())
        session.add(made)
        session.flush()
        return made, made.free_at
    permits = select(Permit).where(Permit.account == account).order_by(Permit.free_at, Permit.slot)
    first = session.scalars(permits.limit(1)).one()
    if count == rate.calls:
        return first, first.free_at
    return first, session.scalars(permits.offset(count - rate.calls).limit(1)).one().free_at
