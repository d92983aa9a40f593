"""Time on task: above the minimum passes, at it exactly a person decides, below it as the program says."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from pipeline.values import Fact, Outcome, Record
from tests.records import RANK, criterion, record, records, said

PASS, HOLD, FAIL = Outcome.PASS, Outcome.HOLD, Outcome.FAIL
EIGHT = timedelta(hours=8)
TICK = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("spent", "below", "outcome", "seen"),
    [
        (EIGHT + TICK, "hold", PASS, "8 h"), (EIGHT, "hold", HOLD, "8 h"), (EIGHT - TICK, "hold", HOLD, "7.9999 h"),
        (EIGHT + TICK, "fail", PASS, "8 h"), (EIGHT, "fail", HOLD, "8 h"), (EIGHT - TICK, "fail", FAIL, "7.9999 h"),
        (timedelta(0), "fail", FAIL, "0 h"), (None, "hold", HOLD, "none"), (None, "fail", HOLD, "none"),
        (timedelta(hours=40, minutes=30), "hold", PASS, "40.5 h"),
    ],
)  # fmt: skip
def test_the_minimum(spent: timedelta | None, below: str, outcome: Outcome, seen: str) -> None:
    check = criterion("time_spent", {"hours": 8, "below": below}).judge(record(time_spent=spent))
    assert (check.outcome, check.seen) == (outcome, seen)
    assert check.threshold == "more than 8 h"
    assert check.where == f"read_{Fact.TIME}"


def test_a_third_of_an_hour_is_told_apart_exactly() -> None:
    rule = criterion("time_spent", {"hours": "0.3", "below": "fail"})
    assert rule.judge(record(time_spent=timedelta(minutes=18))).outcome is HOLD
    assert rule.judge(record(time_spent=timedelta(minutes=18) - TICK)).outcome is FAIL


def hours(*stated: str) -> tuple[Any, ...]:
    return tuple(said("time", "time_spent", hours=Decimal(one)) for one in stated)


@pytest.mark.parametrize(
    ("spent", "stated", "outcome"),
    [
        (timedelta(hours=5), ("3.5",), PASS), (timedelta(hours=5), ("3",), HOLD), (timedelta(hours=5),
        ("2.9",), HOLD),
        (None, ("4", "4.5"), PASS), (None, ("NaN",), HOLD), (timedelta(hours=9), ("-5",), PASS),
    ],
)  # fmt: skip
def test_attested_hours_are_added_to_what_the_lms_measured(
    spent: timedelta | None, stated: tuple[str, ...], outcome: Outcome
) -> None:
    check = criterion("time_spent", {"hours": 8}).judge(record(time_spent=spent, attestations=hours(*stated)))
    assert check.outcome is outcome


@pytest.mark.parametrize(
    ("stated", "below", "outcome"),
    [((), "fail", HOLD), (("20",), "fail", PASS), (("19.99",), "fail", FAIL), (("10", "10"), "hold", PASS)],
)
def test_where_persons_attest_all_of_it_the_lms_is_not_asked(
    stated: tuple[str, ...], below: str, outcome: Outcome
) -> None:
    rule = criterion("time_spent", {"hours": 20, "attested": True, "below": below})
    assert rule.asks == frozenset()
    assert rule.judge(record(time_spent=timedelta(hours=99), attestations=hours(*stated))).outcome is outcome


@pytest.mark.parametrize(
    ("word", "outcome"),
    [
        (said("exemption", "time_spent"), PASS), (said("exemption", "modules"), FAIL),
        (said("accommodation", "time_spent", hours=Decimal(5)), PASS),
        (said("accommodation", "time_spent", hours=Decimal(6)), HOLD),
        (said("accommodation", "time_spent", hours=Decimal(7)), FAIL),
        (said("accommodation", "time_spent"), HOLD), (said("appeal", "time_spent"), HOLD),
        (said("appeal", "score"), FAIL),
    ],
)  # fmt: skip
def test_exemption_accommodation_and_appeal(word: Any, outcome: Outcome) -> None:
    rule = criterion("time_spent", {"hours": 8, "below": "fail"})
    check = rule.judge(record(time_spent=timedelta(hours=6), attestations=(word,)))
    assert check.outcome is outcome
    if outcome is not FAIL:
        assert "attestation_1 by person:registrar" in check.reason + check.threshold


@pytest.mark.parametrize("values", [{"hours": 0}, {"hours": -1}, {"hours": "NaN"}, {}, {"hours": 8, "below": "pass"}])
def test_what_makes_no_rule_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        criterion("time_spent", values)


@given(one=st.timedeltas(timedelta(0), timedelta(days=9)), other=st.timedeltas(timedelta(0), timedelta(days=9)))
def test_more_time_is_never_judged_worse(one: timedelta, other: timedelta) -> None:
    rule = criterion("time_spent", {"hours": 8, "below": "fail"})
    less, more = sorted((one, other))
    ranks = [RANK.index(rule.judge(record(time_spent=spent)).outcome) for spent in (less, more)]
    assert ranks[0] <= ranks[1]


@given(found=records)
def test_no_record_raises(found: Record) -> None:
    assert criterion("time_spent", {"hours": 8}).judge(found).reason
