"""The pace of an account, attacked: whatever the network and the workers do, no window ever sees one call too many.

The real rows and the real gate are driven, on a clock that the tests move. An arrival may lie anywhere between the
start of a call and its end, as on a real network.
"""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, note
from hypothesis import settings as examples
from hypothesis import strategies as st
from sqlalchemy import select

from pipeline import clock
from pipeline.errors import Throttled
from pipeline.settings import Settings
from pipeline.store.database import Row, engine, reading, transaction
from pipeline.store.lanes import Lane, Permit
from pipeline.traffic.permits import MARGIN, Pace, pause
from pipeline.values import Rate
from tests.driver import Clock

BEGAN = datetime(2026, 3, 7, 12, 0, tzinfo=UTC)
TIMEOUT = 2.0
FOR_EVER = 10**6


@pytest.fixture
def tables(confer_env: Settings, still: Clock) -> Iterator[Clock]:
    return still


def most_in_window(arrivals: list[float], window: float) -> int:
    arrivals = sorted(arrivals)
    return max((sum(1 for other in arrivals if at <= other < at + window) for at in arrivals), default=0)


@dataclass
class Call:
    """One call as the network and the worker make it: everything in parts of what is possible."""

    held_up: float  # between its turn and its start
    took: float  # of the time that a call may take
    arrived: float  # between its start and its end
    died: bool  # the worker never gave the permit back


calls = st.builds(
    Call,
    held_up=st.sampled_from([0.0, 0.0, 0.0, 0.9, 1.6, 3.0, 5.0]) | st.floats(0, 2),
    took=st.floats(0, 1),
    arrived=st.sampled_from([0.0, 1.0]) | st.floats(0, 1),
    died=st.sampled_from([False, False, True]),
)


@dataclass
class Simulation:
    """Workers that call one after the other as fast as they may; time goes from event to event."""

    rate: Rate
    todo: list[Call]
    workers: int
    arrivals: list[float] = field(default_factory=list)
    ended: float = 0.0
    #: kept, because a gate that is forgotten gives its permit back, and a dead worker does not
    dead: list[AbstractContextManager[None]] = field(default_factory=list)

    def run(self, still: Clock) -> None:
        began, counter = still.now, itertools.count()
        events: list[tuple[float, int, str, object]] = []
        todo = iter(self.todo)

        def at(seconds: float, kind: str, about: object) -> None:
            heapq.heappush(events, (seconds, next(counter), kind, about))

        for _ in range(self.workers):
            at(0.0, "reserve", Pace("a", self.rate, timeout=TIMEOUT, patience=FOR_EVER))
        while events:
            seconds, _, kind, about = heapq.heappop(events)
            self._set(still, began, seconds)
            if kind == "reserve":
                pace = about
                call = next(todo, None)
                if call is None:
                    continue
                pace.prepay()  # type: ignore[attr-defined]  # waiting moves the clock
                turn = (still.now - began).total_seconds()
                at(turn + call.held_up, "start", (pace, call))
            elif kind == "start":
                pace, call = about  # type: ignore[misc]
                passage = pace.passage()
                passage.__enter__()  # a worker that was held up too long waits for another turn here
                start = (still.now - began).total_seconds()
                end = start + call.took * TIMEOUT
                self.arrivals.append(start + call.arrived * (end - start))
                if not call.died:
                    at(end, "end", (pace, passage))
                else:
                    self.dead.append(passage)
                    at(end, "reserve", Pace("a", self.rate, timeout=TIMEOUT, patience=FOR_EVER))
            else:
                pace, passage = about  # type: ignore[misc]
                self._give_back(passage)
                at(seconds, "reserve", pace)
            self.ended = seconds
        for passage in self.dead:
            self._give_back(passage)

    @staticmethod
    def _give_back(passage: AbstractContextManager[None]) -> None:
        passage.__exit__(None, None, None)

    @staticmethod
    def _set(still: Clock, began: datetime, seconds: float) -> None:
        """The clock may go back here: another worker lives at an earlier moment than the one that waits."""
        still.now = began + timedelta(seconds=seconds)
        still._set_to(still.now)


@examples(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # to shrink would replay the database for minutes
)
@given(
    todo=st.lists(calls, min_size=5, max_size=40),
    limit=st.integers(1, 6),
    window=st.sampled_from([0.5, 3.0, 10.0]),
    workers=st.integers(1, 5),
)
def test_no_window_ever_sees_one_call_too_many(
    tables: Clock, todo: list[Call], limit: int, window: float, workers: int
) -> None:
    _empty()
    simulation = Simulation(rate=Rate(calls=limit, window=timedelta(seconds=window)), todo=todo, workers=workers)
    simulation.run(tables)
    note(str(sorted(simulation.arrivals)))
    assert len(simulation.arrivals) == len(todo)
    assert most_in_window(simulation.arrivals, window) <= limit


def test_quick_calls_use_the_limit_nearly_whole(tables: Clock) -> None:
    todo = [Call(held_up=0, took=0.01, arrived=0.5, died=False) for _ in range(200)]
    simulation = Simulation(rate=Rate(calls=10, window=timedelta(seconds=5)), todo=todo, workers=4)
    simulation.run(tables)
    needed = 200 / 10 * 5
    assert simulation.ended <= needed / 0.95
    assert most_in_window(simulation.arrivals, 5) <= 10


def test_starts_are_spread_over_the_window(tables: Clock) -> None:
    pace = Pace("a", Rate(calls=4, window=timedelta(seconds=8)), timeout=TIMEOUT, patience=100)
    starts = []
    for _ in range(4):
        with pace.passage():
            starts.append(tables.now)
    assert [(later - start).total_seconds() for start, later in itertools.pairwise(starts)] == [2, 2, 2]


def test_a_permit_comes_back_one_window_after_the_end_of_its_call(tables: Clock) -> None:
    pace = Pace("a", Rate(calls=1, window=timedelta(seconds=10)), timeout=TIMEOUT, patience=100)
    with pace.passage():
        tables.forward(1.5)
    ended = tables.now
    with pace.passage():
        assert tables.now - ended == timedelta(seconds=10) * (1 + MARGIN)


def test_a_worker_that_died_with_a_permit_gives_it_back_after_the_longest_call_and_a_window(tables: Clock) -> None:
    rate = Rate(calls=1, window=timedelta(seconds=10))
    began = tables.now
    dead = Pace("a", rate, timeout=TIMEOUT, patience=100).passage()
    dead.__enter__()
    with Pace("a", rate, timeout=TIMEOUT, patience=100).passage():
        assert (tables.now - began).total_seconds() == pytest.approx(1.5 * TIMEOUT + 10 * (1 + MARGIN))
    dead.__exit__(None, None, None)


def test_an_answer_that_comes_after_the_permit_was_given_away_frees_nothing(tables: Clock) -> None:
    rate = Rate(calls=1, window=timedelta(seconds=10))
    late = Pace("a", rate, timeout=TIMEOUT, patience=100).passage()
    late.__enter__()
    tables.forward(60)
    holder = Pace("a", rate, timeout=TIMEOUT, patience=100).passage()
    holder.__enter__()
    [before] = _permits()
    late.__exit__(None, None, None)
    [after] = _permits()
    assert (after.holder, after.free_at) == (before.holder, before.free_at)


def test_a_worker_held_up_after_its_turn_came_reserves_anew(tables: Clock) -> None:
    pace = Pace("a", Rate(calls=2, window=timedelta(seconds=10)), timeout=TIMEOUT, patience=100)
    pace.prepay()
    [first] = [permit.holder for permit in _permits() if permit.holder]
    tables.forward(TIMEOUT / 2 + 0.1)
    with pace.passage():
        assert [permit.holder for permit in _permits() if permit.holder] != [first]


def test_a_place_that_was_not_used_is_free_again_at_once(tables: Clock) -> None:
    pace = Pace("a", Rate(calls=1, window=timedelta(seconds=10)), timeout=TIMEOUT, patience=0.1)
    pace.prepay()
    pace.close()
    [permit] = _permits()
    assert (permit.holder, permit.free_at) == (None, tables.now)
    pace.close()


def test_a_pause_stops_every_process_until_it_ends_and_is_never_shortened(tables: Clock) -> None:
    rate, until = Rate(calls=5, window=timedelta(seconds=1)), tables.now + timedelta(seconds=50)
    with transaction() as session:
        pause(session, "a", until)
    with transaction() as session:
        pause(session, "a", until - timedelta(seconds=30))
    with Pace("a", rate, timeout=TIMEOUT, patience=100).passage():
        assert tables.now == until


def test_a_pause_also_holds_for_an_account_without_a_limit(tables: Clock) -> None:
    with transaction() as session:
        pause(session, "a", tables.now + timedelta(seconds=50))
    with pytest.raises(Throttled):
        Pace("a", None, timeout=TIMEOUT, patience=10).prepay()


def test_a_pause_of_one_account_is_none_of_another(tables: Clock) -> None:
    began = tables.now
    with transaction() as session:
        pause(session, "a", began + timedelta(seconds=50))
    with Pace("b", Rate(calls=1, window=timedelta(seconds=1)), timeout=TIMEOUT, patience=1).passage():
        assert tables.now == began


def test_beyond_its_patience_it_says_when_there_will_be_a_place_and_reserves_nothing(tables: Clock) -> None:
    rate = Rate(calls=1, window=timedelta(seconds=60))
    with Pace("a", rate, timeout=TIMEOUT, patience=10).passage():
        pass
    [before] = _permits()
    with pytest.raises(Throttled) as caught:
        Pace("a", rate, timeout=TIMEOUT, patience=10).prepay()
    assert caught.value.until == before.free_at
    assert [permit.free_at for permit in _permits()] == [before.free_at]


@pytest.mark.parametrize(("before", "after"), [(5, 2), (2, 5)])
def test_a_limit_that_an_operator_changes_is_kept_from_then_on(tables: Clock, before: int, after: int) -> None:
    window = timedelta(seconds=10)
    for limit in (before, after):
        arrivals = []
        pace = Pace("a", Rate(calls=limit, window=window), timeout=TIMEOUT, patience=1000)
        began = tables.now
        for _ in range(12):
            with pace.passage():
                arrivals.append((tables.now - began).total_seconds())
        assert most_in_window(arrivals, 10) <= limit


def test_threads_share_the_limit_in_real_time(confer_env: Settings) -> None:
    rate = Rate(calls=8, window=timedelta(seconds=0.5))
    arrivals: list[float] = []
    lock = threading.Lock()

    def work() -> None:
        pace = Pace("a", rate, timeout=TIMEOUT, patience=60)
        for _ in range(8):
            with pace.passage(), lock:
                arrivals.append(clock.monotonic())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(arrivals) == 32
    assert most_in_window(arrivals, 0.5) <= 8
    assert max(arrivals) - min(arrivals) < 3.5


def test_threads_that_see_an_account_first_make_one_row(confer_env: Settings) -> None:
    rate = Rate(calls=100, window=timedelta(seconds=0.1))
    threads = [threading.Thread(target=Pace("new", rate, timeout=TIMEOUT, patience=60).prepay) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with reading() as session:
        assert len(session.scalars(select(Lane)).all()) == 1
        assert len({permit.slot for permit in session.scalars(select(Permit))}) == 8


def _permits() -> list[Permit]:
    with reading() as session:
        return list(session.scalars(select(Permit)))


def _empty() -> None:
    with engine().begin() as connection:
        for table in (Row.metadata.tables["permits"], Row.metadata.tables["lanes"]):
            connection.execute(table.delete())
