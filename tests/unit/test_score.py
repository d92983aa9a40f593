"""The assessment score: exactly at, just under and just over each margin, and nothing that it may be given raises."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.values import Fact, Outcome, Record, Score
from tests.records import RANK, READ_AT, criterion, record, records, total

PASS, HOLD, FAIL = Outcome.PASS, Outcome.HOLD, Outcome.FAIL


@pytest.mark.parametrize(
    ("threshold", "margin", "percent", "outcome"),
    [
        ("80", "2", "100", PASS),
        ("80", "2", "81.6001", PASS),
        ("80", "2", "81.6", HOLD),
        ("80", "2", "80", HOLD),
        ("80", "2", "79.995", HOLD),
        ("80", "2", "78.4", HOLD),
        ("80", "2", "78.3999", FAIL),
        ("80", "2", "0", FAIL),
        ("80", "2", None, HOLD),
        ("80", "0", "80", PASS),
        ("80", "0", "80.0000", PASS),
        ("80", "0", "79.995", FAIL),
        ("80", "0", "79.9999999999", FAIL),
        ("79.995", "0", "79.995", PASS),
        ("79.995", "0", "79.9949", FAIL),
        ("66.67", "0", "66.6666666667", FAIL),
        ("80", "10", "88", HOLD),
        ("80", "10", "88.01", PASS),
        ("80", "10", "71.99", FAIL),
        ("0", "2", "0", PASS),
        ("0", "0", "0", PASS),
        ("100", "0", "100", PASS),
        ("100", "2", "100", HOLD),
        ("100", "2", "104", PASS),
        ("80", "2", "-5", FAIL),
    ],
)
def test_the_margins(threshold: str, margin: str, percent: str | None, outcome: Outcome) -> None:
    score = criterion("score", {"threshold": threshold, "margin": margin})
    assert score.judge(record(scores=(total(percent),))).outcome is outcome


def test_the_margin_is_two_percent_of_the_threshold_by_default() -> None:
    check = criterion("score", {"threshold": 50}).judge(record(scores=(total("51"),)))
    assert check.outcome is HOLD
    assert check.reason == "within 1 points of the threshold"


def test_the_evidence() -> None:
    check = criterion("score", {"threshold": "80"}).judge(record(scores=(total("91.5"),)))
    assert (check.criterion, check.threshold, check.seen) == ("score", "80 %", "91.5 %")
    assert (check.where, check.read_at) == (f"read_{Fact.SCORES}", READ_AT)


def test_a_named_item_is_judged_and_not_the_total() -> None:
    quiz = criterion("score", {"threshold": "80", "item": "Final quiz"})
    both = (total("10"), Score(item="Final quiz", percent=Decimal(95)))
    assert quiz.judge(record(scores=both)).outcome is PASS
    assert criterion("score", {"threshold": "80"}).judge(record(scores=both)).outcome is FAIL


@pytest.mark.parametrize(
    ("scores", "seen"),
    [
        ((), "none"),
        ((Score(item="Other", percent=Decimal(100)),), "none"),
        ((total("95"), total("95")), "several"),
    ],
)
def test_no_score_or_several_is_doubt_and_never_a_pass(scores: tuple[Score, ...], seen: str) -> None:
    check = criterion("score", {"threshold": "80"}).judge(record(scores=scores))
    assert (check.outcome, check.seen) == (HOLD, seen)


thresholds = st.decimals(0, 100, places=3)
margins = st.decimals(0, 100, places=3)
percents = st.decimals(-10, 150, places=6)


@given(threshold=thresholds, margin=margins, lower=percents, higher=percents)
def test_a_better_score_is_never_judged_worse(
    threshold: Decimal, margin: Decimal, lower: Decimal, higher: Decimal
) -> None:
    lower, higher = sorted((lower, higher))
    score = criterion("score", {"threshold": str(threshold), "margin": str(margin)})
    worse, better = (RANK.index(score.judge(record(scores=(total(one),))).outcome) for one in (lower, higher))
    assert worse <= better


@given(threshold=thresholds, margin=margins, percent=percents)
def test_below_the_threshold_nothing_passes_and_above_it_nothing_fails(
    threshold: Decimal, margin: Decimal, percent: Decimal
) -> None:
    score = criterion("score", {"threshold": str(threshold), "margin": str(margin)})
    outcome = score.judge(record(scores=(total(percent),))).outcome
    assert outcome is not (PASS if percent < threshold else FAIL)


@given(found=records, item=st.none() | st.sampled_from(["Final quiz", ""]))
def test_no_record_raises(found: Record, item: str | None) -> None:
    check = criterion("score", {"threshold": "80", "item": item}).judge(found)
    assert check.outcome in RANK
    assert check.reason
