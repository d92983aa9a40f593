"""All modules, or the named ones: an exemption or a missing module is doubt, an incomplete one is no pass."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.values import Module, ModuleState, Outcome, Record
from tests.records import RANK, criterion, modules, record, records

PASS, HOLD, FAIL = Outcome.PASS, Outcome.HOLD, Outcome.FAIL
DONE, OPEN, EXEMPT = ModuleState.COMPLETE, ModuleState.INCOMPLETE, ModuleState.EXEMPT


def made(*states: ModuleState) -> tuple[Module, ...]:
    return tuple(Module(ref=str(20 + n), name=f"M{n}", state=state) for n, state in enumerate(states))


@pytest.mark.parametrize(
    ("values", "states", "outcome", "seen"),
    [
        ("all", (DONE, DONE), PASS, "2 of 2 completed"),
        ("all", (DONE, OPEN), FAIL, "1 of 2 completed"),
        ("all", (DONE, EXEMPT), HOLD, "1 of 2 completed"),
        ("all", (OPEN, EXEMPT), FAIL, "0 of 2 completed"),
        ("all", (), HOLD, "0 of 0 completed"),
        ({"named": ["M0"]}, (DONE, OPEN), PASS, "1 of 1 completed"),
        ({"named": ["20"]}, (DONE, OPEN), PASS, "1 of 1 completed"),
        ({"named": ["M1"]}, (DONE, OPEN), FAIL, "0 of 1 completed"),
        ({"named": ["M1"]}, (OPEN, EXEMPT), HOLD, "0 of 1 completed"),
        ({"named": ["M0", "M9"]}, (DONE,), HOLD, "1 of 2 completed"),
        ({"named": ["M0", "M9"]}, (OPEN,), FAIL, "0 of 2 completed"),
        ({"named": []}, (DONE,), PASS, "1 of 1 completed"),
    ],
)
def test_the_table(values: object, states: tuple[ModuleState, ...], outcome: Outcome, seen: str) -> None:
    check = criterion("modules", values).judge(record(modules=made(*states)))
    assert (check.outcome, check.seen) == (outcome, seen)


def test_what_is_missing_is_named() -> None:
    check = criterion("modules", {"named": ["M0", "Renamed"]}).judge(record(modules=made(DONE)))
    assert check.reason == "the LMS reports no module Renamed"
    assert criterion("modules", "all").judge(record(modules=made(DONE, OPEN))).reason == "not completed: M1"
    assert criterion("modules", "all").judge(record(modules=made(EXEMPT))).reason == "exempt or set by hand: M0"


def test_two_modules_of_one_name_both_count() -> None:
    twins = (Module(ref="1", name="Quiz", state=DONE), Module(ref="2", name="Quiz", state=OPEN))
    assert criterion("modules", {"named": ["Quiz"]}).judge(record(modules=twins)).outcome is FAIL


@given(found=st.lists(modules, max_size=6), chance=st.randoms())
def test_the_order_never_matters(found: list[Module], chance: Random) -> None:
    mixed = list(found)
    chance.shuffle(mixed)
    for values in ("all", {"named": ["Welcome", "23"]}):
        rule = criterion("modules", values)
        assert rule.judge(record(modules=tuple(found))).outcome is rule.judge(record(modules=tuple(mixed))).outcome


@given(found=st.lists(modules, min_size=1, max_size=6), at=st.integers(0, 5))
def test_one_more_completed_module_is_never_worse(found: list[Module], at: int) -> None:
    at %= len(found)
    better = [*found]
    better[at] = Module(ref=found[at].ref, name=found[at].name, state=DONE)
    for values in ("all", {"named": ["Welcome", "Final quiz"]}):
        rule = criterion("modules", values)
        before, after = (rule.judge(record(modules=tuple(one))).outcome for one in (found, better))
        assert RANK.index(before) <= RANK.index(after)


@given(found=records, named=st.lists(st.text(max_size=6), max_size=3))
def test_no_record_raises(found: Record, named: list[str]) -> None:
    assert criterion("modules", {"named": named}).judge(found).outcome in RANK
