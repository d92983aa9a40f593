"""A platform that is down: one probe at a time, ever rarer, and the end is known at once."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest

from pipeline.settings import Settings
from pipeline.store.database import reading, transaction
from pipeline.store.lanes import Lane
from pipeline.traffic import outage
from tests.driver import Clock


@pytest.fixture
def at(confer_env: Settings, still: Clock) -> Clock:
    return still


def fail(account: str = "a", reason: str = "answered 503") -> bool:
    with transaction() as session:
        return outage.failed(session, account, reason)


def answer(account: str = "a") -> timedelta | None:
    with transaction() as session:
        return outage.answered(session, account)


def lane(account: str = "a") -> Lane:
    with reading() as session:
        return session.get_one(Lane, account)


def test_an_account_that_was_never_down_may_be_called(at: Clock) -> None:
    assert outage.may_call("a")
    assert answer() is None


def test_the_first_failure_begins_the_outage_and_the_next_ones_do_not(at: Clock) -> None:
    began = at.now
    assert fail()
    at.forward(5)
    assert not fail(reason="no connection")
    assert (lane().down_since, lane().down_reason) == (began, "no connection")


def test_probes_grow_rarer_up_to_a_minute(at: Clock) -> None:
    fail()
    moments = []
    for _ in range(600):
        at.forward(1)
        if outage.may_call("a"):
            moments.append(at.now)
            fail()
    gaps = [(after - before).total_seconds() for before, after in itertools.pairwise(moments)]
    assert gaps == sorted(gaps)
    assert gaps[-1] == 60
    assert len(moments) <= 16


def test_only_one_of_many_is_the_probe(at: Clock) -> None:
    fail()
    at.forward(2)
    assert [outage.may_call("a") for _ in range(5)] == [True, False, False, False, False]


def test_a_probe_that_dies_is_followed_by_another(at: Clock) -> None:
    fail()
    at.forward(2)
    assert outage.may_call("a")
    at.forward(61)
    assert outage.may_call("a")


def test_an_answer_ends_it_and_says_how_long_it_was(at: Clock) -> None:
    fail()
    at.forward(90)
    assert answer() == timedelta(seconds=90)
    assert outage.may_call("a")
    assert (lane().down_since, lane().down_reason, lane().probe_at, lane().probes) == (None, None, None, 0)
    assert answer() is None


def test_a_second_outage_begins_with_quick_probes_again(at: Clock) -> None:
    fail()
    for _ in range(8):
        at.forward(61)
        outage.may_call("a")
    answer()
    fail()
    at.forward(1)
    assert outage.may_call("a")


def test_accounts_are_down_each_for_itself(at: Clock) -> None:
    fail("a")
    assert not outage.may_call("a")
    assert outage.may_call("b")


def test_a_long_reason_fits(at: Clock) -> None:
    fail(reason="x" * 5000)
    assert len(lane().down_reason or "") == 300
