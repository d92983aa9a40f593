"""Other courses first: not completed is no pass, and what the LMS will not tell is doubt."""

from __future__ import annotations

from itertools import product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.values import Outcome, Prerequisite, PrerequisiteState, Record
from tests.records import RANK, criterion, prerequisites, record, records

MET, UNMET, UNCLEAR = PrerequisiteState.MET, PrerequisiteState.UNMET, PrerequisiteState.UNCLEAR


@pytest.mark.parametrize(("one", "other"), list(product([MET, UNMET, UNCLEAR, None], repeat=2)))
def test_every_combination_of_two(one: PrerequisiteState | None, other: PrerequisiteState | None) -> None:
    known = tuple(Prerequisite(course=c, state=s) for c, s in (("11", one), ("13", other)) if s)
    check = criterion("prerequisites", {"courses": ["11", "13"]}).judge(record(prerequisites=known))
    states = {one or UNCLEAR, other or UNCLEAR}
    expected = Outcome.FAIL if UNMET in states else Outcome.HOLD if UNCLEAR in states else Outcome.PASS
    assert check.outcome is expected


def test_the_courses_are_named_with_the_reason() -> None:
    rule = criterion("prerequisites", {"courses": ["11", "13"]})
    assert rule.courses() == ("11", "13")
    unclear = (Prerequisite(course="11", state=MET), Prerequisite(course="13", state=UNCLEAR, reason="not enrolled"))
    assert rule.judge(record(prerequisites=unclear)).reason == "unclear: course 13 (not enrolled)"
    unmet = (Prerequisite(course="11", state=UNMET), Prerequisite(course="13", state=MET))
    check = rule.judge(record(prerequisites=unmet))
    assert (check.reason, check.seen) == ("not completed: course 11", "1 of 2 completed")


def test_a_course_that_was_not_asked_for_changes_nothing() -> None:
    more = (Prerequisite(course="11", state=MET), Prerequisite(course="99", state=UNMET))
    assert criterion("prerequisites", {"courses": ["11"]}).judge(record(prerequisites=more)).outcome is Outcome.PASS


@given(found=st.lists(prerequisites, max_size=5, unique_by=lambda one: one.course), chance=st.randoms())
def test_the_order_never_matters(found: list[Prerequisite], chance: Random) -> None:
    mixed = list(found)
    chance.shuffle(mixed)
    outcomes = {
        criterion("prerequisites", {"courses": courses}).judge(record(prerequisites=tuple(order))).outcome
        for courses in (["11", "13"], ["13", "11"])
        for order in (found, mixed)
    }
    assert len(outcomes) == 1


@given(found=records)
def test_no_record_raises(found: Record) -> None:
    assert criterion("prerequisites", {"courses": ["11", ""]}).judge(found).outcome in RANK
