"""The limit in force: set while it runs, learnt from a 429, lowered without a window that sees too many."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import timedelta

import pytest

from pipeline.contracts import Account
from pipeline.settings import Settings
from pipeline.store.database import reading, transaction
from pipeline.store.lanes import Lane
from pipeline.traffic import pumps
from pipeline.traffic.limits import LEARNT_FOR, in_force, learn, set_rate
from pipeline.traffic.permits import NoPlace, Pace, pause
from pipeline.values import Rate
from tests.driver import Clock

MINUTE = timedelta(seconds=60)
ACCOUNT = Account(name="a", adapter="x", options={}, rate=Rate(calls=100, window=MINUTE))


@pytest.fixture
def at(confer_env: Settings, still: Clock) -> Iterator[Clock]:
    return still


def limit(account: Account = ACCOUNT) -> Rate | None:
    with reading() as session:
        return in_force(session.get(Lane, account.name), account.rate)


def call(at: Clock, times: int, *, lasts: float = 0.0) -> list[float]:
    """So many calls one after the other; when each of them started, in seconds."""
    return calls(at, [lasts] * times)


def calls(at: Clock, lasting: Iterable[float]) -> list[float]:
    """Calls one after the other that last so long."""
    started = []
    with closing(Pace(ACCOUNT.name, ACCOUNT.rate, timeout=20, patience=10**6)) as pace:
        for seconds in lasting:
            with pace.passage():
                started.append(at.now.timestamp())
                at.forward(seconds)
    return started


def most_in_window(starts: list[float], window: float = 60.0) -> int:
    return max(sum(1 for other in starts if one <= other < one + window) for one in starts)


def refuse(at: Clock, seconds: float = 30) -> int | None:
    """The platform answers 429 to a call of ours."""
    call(at, 1)
    with transaction() as session:
        learnt = learn(session, ACCOUNT)
        pause(session, ACCOUNT.name, at.now + timedelta(seconds=seconds))
    return learnt


def test_what_a_person_sets_is_in_force_at_once_and_until_it_is_taken_back(at: Clock) -> None:
    assert limit() == ACCOUNT.rate
    with transaction() as session:
        set_rate(session, ACCOUNT, Rate(calls=7, window=timedelta(seconds=10)))
    assert limit() == Rate(calls=7, window=timedelta(seconds=10))
    assert most_in_window(call(at, 30), 10) == 7
    with transaction() as session:
        set_rate(session, ACCOUNT, None)
    assert limit() == ACCOUNT.rate


@pytest.mark.parametrize("calls", [1, 9, 50, 99])
@pytest.mark.parametrize("before", [30, 100, 180])
def test_a_lowered_limit_counts_what_was_called_before(at: Clock, calls: int, before: int) -> None:
    """The platform counts the calls of the last minute, whatever limit they were made under."""
    old = call(at, before)
    with transaction() as session:
        set_rate(session, ACCOUNT, Rate(calls=calls, window=MINUTE))
    new = call(at, calls * 2 + 3)
    for start in new:
        assert sum(1 for other in (*old, *new) if start - 60 < other <= start) <= calls


def test_a_longer_window_counts_what_was_called_before(at: Clock) -> None:
    old = call(at, 100)
    with transaction() as session:
        set_rate(session, ACCOUNT, Rate(calls=100, window=timedelta(seconds=600)))
    new = call(at, 150)
    assert most_in_window([*old, *new], 600) <= 100


def test_a_429_within_the_limit_teaches_what_the_platform_takes(at: Clock) -> None:
    call(at, 40)
    assert refuse(at) == 40
    assert limit() == Rate(calls=40, window=MINUTE)
    at.forward(LEARNT_FOR.total_seconds() + 1)
    assert limit() == ACCOUNT.rate, "the full limit is tried again"


def test_a_429_at_the_full_limit_takes_one_off(at: Clock) -> None:
    call(at, 300)
    assert refuse(at) == 99


def test_one_burst_of_429s_teaches_once(at: Clock) -> None:
    call(at, 40)
    assert refuse(at) == 40
    with transaction() as session:
        assert learn(session, ACCOUNT) is None
    assert limit() == Rate(calls=40, window=MINUTE)


def test_a_429_to_the_first_call_may_be_somebody_elses_burst_and_costs_three_quarters_at_most(at: Clock) -> None:
    assert refuse(at) == 25
    at.forward(61)
    assert refuse(at) == 6, "and if it goes on, it is the limit"


def test_a_person_who_sets_a_rate_knows_better_than_what_was_learnt(at: Clock) -> None:
    call(at, 40)
    refuse(at)
    with transaction() as session:
        set_rate(session, ACCOUNT, None)
    assert limit() == ACCOUNT.rate


def test_an_account_without_a_limit_learns_none(at: Clock) -> None:
    free = Account(name="a", adapter="x", options={})
    with transaction() as session:
        assert learn(session, free) is None
    assert limit(free) is None


def test_a_paused_account_is_not_called(at: Clock) -> None:
    call(at, 1)
    with transaction() as session:
        session.get_one(Lane, "a").paused_at = at.now
    with pytest.raises(NoPlace, match="paused"):
        call(at, 1)
    with transaction() as session:
        session.get_one(Lane, "a").paused_at = None
    call(at, 1)


@pytest.mark.parametrize(
    ("calls", "seconds", "lasts", "needed"),
    [(100, 60, 0.3, 2), (200, 60, 0.3, 2), (200, 60, 2.0, 8), (30, 60, 0.1, 2), (30, 60, 9.0, 6), (100, 1, 9.0, 32)],
)
def test_calls_in_flight_follow_from_pace_and_latency(  # noqa: PLR0917
    at: Clock, monkeypatch: pytest.MonkeyPatch, calls: int, seconds: float, lasts: float, needed: int
) -> None:
    monkeypatch.setattr("pipeline.clock.monotonic", lambda: at.now.timestamp())  # noqa: PLW0108 - the clock moves
    account = Account(name="a", adapter="x", options={}, rate=Rate(calls=calls, window=timedelta(seconds=seconds)))
    assert pumps.wanted(account) == 1, "nothing is known yet"
    call(at, 30, lasts=lasts)
    assert pumps.wanted(account) == needed
    bounded = Account(name="a", adapter="x", options={}, rate=account.rate, in_flight=2)
    assert pumps.wanted(bounded) == min(2, needed)


def test_one_slow_call_among_many_is_forgotten_again(at: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.clock.monotonic", lambda: at.now.timestamp())  # noqa: PLW0108 - the clock moves
    calls(at, [*[0.2] * 20, 8, 0])
    assert pumps.wanted(ACCOUNT) > 2
    call(at, 600, lasts=0.2)
    assert pumps.wanted(ACCOUNT) == 2
