"""The places from which an account is pumped: bounded, given up at the end, and lost by whoever dies."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from datetime import timedelta

import pytest
from sqlalchemy import select

from pipeline.settings import Settings
from pipeline.store.database import reading
from pipeline.store.lanes import Pump
from pipeline.traffic import pumps
from tests.driver import Clock

LEASE = timedelta(seconds=30)


@pytest.fixture
def at(confer_env: Settings, still: Clock) -> Clock:
    return still


def rows() -> list[Pump]:
    with reading() as session:
        return list(session.scalars(select(Pump).order_by(Pump.account, Pump.place)))


def test_there_are_as_many_places_as_calls_may_be_in_flight(at: Clock) -> None:
    with ExitStack() as stack:
        taken = [stack.enter_context(pumps.place("a", 2, lease=LEASE)) for _ in range(4)]
        assert [one is not None for one in taken] == [True, True, False, False]
    with pumps.place("a", 2, lease=LEASE) as again:
        assert again is not None


def test_a_place_is_given_up_also_after_an_error(at: Clock) -> None:
    with pytest.raises(ZeroDivisionError), pumps.place("a", 1, lease=LEASE):
        raise ZeroDivisionError
    with pumps.place("a", 1, lease=LEASE) as again:
        assert again is not None


def test_whoever_dies_loses_the_place_when_the_lease_ends(at: Clock) -> None:
    dead = pumps.place("a", 1, lease=LEASE)
    dead.__enter__()
    at.forward(29)
    with pumps.place("a", 1, lease=LEASE) as early:
        assert early is None
    at.forward(2)
    with pumps.place("a", 1, lease=LEASE) as late:
        assert late is not None
    dead.__exit__(None, None, None)


def test_whoever_works_on_keeps_the_place(at: Clock) -> None:
    with pumps.place("a", 1, lease=LEASE) as mine:
        assert mine is not None
        for _ in range(20):
            at.forward(11)
            mine.keep()
            with pumps.place("a", 1, lease=LEASE) as other:
                assert other is None


def test_keeping_it_writes_only_when_a_third_of_the_lease_is_gone(at: Clock) -> None:
    with pumps.place("a", 1, lease=LEASE) as mine:
        assert mine is not None
        [before] = [row.until for row in rows()]
        at.forward(9)
        mine.keep()
        assert [row.until for row in rows()] == [before]
        at.forward(2)
        mine.keep()
        assert [row.until for row in rows()] == [at.now + LEASE]


def test_one_who_comes_back_late_takes_nothing_from_the_next(at: Clock) -> None:
    late = pumps.place("a", 1, lease=LEASE)
    old = late.__enter__()
    at.forward(31)
    with pumps.place("a", 1, lease=LEASE) as new:
        assert new is not None
        assert old is not None
        old.keep()
        late.__exit__(None, None, None)
        assert [row.owner for row in rows()] == [new.owner]
        with pumps.place("a", 1, lease=LEASE) as third:
            assert third is None


def test_fewer_places_than_before_are_kept_to(at: Clock) -> None:
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(pumps.place("a", 3, lease=LEASE))
    with ExitStack() as stack:
        taken = [stack.enter_context(pumps.place("a", 1, lease=LEASE)) for _ in range(3)]
        assert sum(one is not None for one in taken) == 1


def test_accounts_have_their_own_places(at: Clock) -> None:
    with pumps.place("a", 1, lease=LEASE) as one, pumps.place("b", 1, lease=LEASE) as other:
        assert one is not None
        assert other is not None


def test_of_many_threads_no_more_than_the_places_get_in(confer_env: Settings) -> None:
    ready, leave, inside = threading.Barrier(12), threading.Event(), []

    def enter() -> None:
        ready.wait()
        with pumps.place("a", 3, lease=LEASE) as mine:
            inside.append(mine is not None)
            leave.wait(10)

    threads = [threading.Thread(target=enter) for _ in range(12)]
    for thread in threads:
        thread.start()
    while len(inside) < 12:
        pass
    leave.set()
    for thread in threads:
        thread.join()
    assert 1 <= sum(inside) <= 3
