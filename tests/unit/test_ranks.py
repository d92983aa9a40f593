"""Whose turn it is: programs take turns, nobody starves, and order within a program is first in, first out."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from pipeline.audit import trail
from pipeline.settings import Settings
from pipeline.steps.lane.errands import take
from pipeline.store.credentials import CredentialRow
from pipeline.store.database import reading, transaction
from pipeline.traffic.ranks import rank
from pipeline.values import Rate
from tests.backlog import waiting_credential
from tests.driver import Clock

RATE = Rate(calls=60, window=timedelta(seconds=60))
Plan = Callable[..., str]


@pytest.fixture
def plan(confer_env: Settings, still: Clock) -> Plan:
    """Plan a credential as a decision does, for another learner each time."""
    numbers = itertools.count(1)

    def made(program: str, *, after: float = 0, bulk: int = 1) -> str:
        due = still.now + timedelta(seconds=after)
        with transaction() as session:
            row = waiting_credential(session, next(numbers), program=program, due=due)
            row.rank_at = rank(session, account="a", program=program, due=due, rate=RATE, bulk=bulk)
            trail.plan(session, row, actor="tests")
            return row.id

    return made


def served(many: int, *, at_once: int = 1) -> list[str]:
    """The programs of the next credentials that the lane takes, in their order."""
    ids: list[str] = []
    while len(ids) < many:
        taken = take("a", at_once, turn=timedelta(0))
        if not taken:
            break
        ids += [errand.credential_id for errand in taken]
    return ids


def test_order_within_a_program_is_first_in_first_out(plan: Plan, still: Clock) -> None:
    ids = []
    for _ in range(50):
        ids.append(plan("cohort"))
        still.forward(0.1)
    assert served(50) == ids


def test_a_single_learner_is_not_stuck_behind_a_cohort(plan: Plan, still: Clock) -> None:
    for _ in range(500):
        plan("cohort")
    single = plan("other")
    assert single in served(2)


def test_one_who_completes_while_the_cohort_is_being_issued_waits_for_one_at_most(plan: Plan, still: Clock) -> None:
    for _ in range(500):
        plan("cohort")
    for second in range(100):
        if second == 60:
            single = plan("other")
        taken = served(1)
        still.forward(1)
        if second == 60:
            first = taken
        if second == 61:
            assert single in [*first, *taken]


def test_two_cohorts_are_issued_side_by_side(plan: Plan, still: Clock) -> None:
    first = {plan("first") for _ in range(100)}
    for _ in range(100):
        plan("second")
    still.forward(200)
    half = served(100)
    assert 45 <= len(first & set(half)) <= 55


def test_a_cohort_is_not_starved_by_single_learners(plan: Plan, still: Clock) -> None:
    """As many single learners as the lane can serve keep coming; the cohort still gets its turns."""
    cohort = {plan("cohort") for _ in range(50)}
    seen: set[str] = set()
    for number in range(200):
        plan(f"program-{number}")
        seen |= set(served(1))
        still.forward(1)
    assert len(seen & cohort) >= 45


def test_an_idle_lane_takes_what_is_due_before_its_rank(plan: Plan) -> None:
    ids = [plan("cohort") for _ in range(40)]
    assert served(40) == ids, "nothing else waits: no call is wasted"


def test_nobody_is_taken_before_it_is_due(plan: Plan, still: Clock) -> None:
    later = plan("window", after=600)
    now = plan("window")
    assert served(2) == [now]
    still.forward(601)
    assert served(1) == [later]


def test_a_review_window_puts_nobody_of_its_program_off(plan: Plan, still: Clock) -> None:
    """Credentials that are due in three days say nothing about the turn of one that is due now."""
    for _ in range(100):
        plan("window", after=3 * 86400)
    for _ in range(100):
        plan("cohort")
    mine = plan("window")
    assert mine in served(2)


def test_a_bulk_call_takes_as_many_as_fit_and_what_failed_goes_alone(plan: Plan, still: Clock) -> None:
    ids = [plan("cohort", bulk=30) for _ in range(70)]
    with transaction() as session:
        session.execute(text("UPDATE credentials SET failed_at = due_at WHERE id = :id"), {"id": ids[3]})
    sizes = []
    while taken := take("a", 30, turn=timedelta(0)):
        sizes.append(len(taken))
        assert len(taken) == 1 or ids[3] not in [errand.credential_id for errand in taken]
    assert sum(sizes) == 70
    assert sorted(sizes)[0] == 1
    assert len(sizes) <= 5


def test_what_waits_for_nothing_has_no_rank_and_no_rank_is_before_its_row_is_due(plan: Plan, still: Clock) -> None:
    """The claim stops at the first rank in the future, and must not have to step over rows that are not due."""
    one = plan("cohort")
    with reading() as session:
        row = session.scalars(select(CredentialRow).filter_by(id=one)).one()
    row.due_at = still.now + timedelta(hours=1)
    assert row.rank_at == row.due_at
    row.due_at = still.now
    assert row.rank_at == still.now + timedelta(hours=1)
    row.due_at = None
    assert row.rank_at is None
