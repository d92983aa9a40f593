"""The assessment score: exactly at, just under and just over each margin, and nothing that it may be given raises."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from pipeline.values import Attempt, Fact, Outcome, Record, Score
from tests.records import RANK, READ_AT, criterion, record, records, said, total

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


def quiz(*percents: str | None, counted: str | None = "50", **more: Any) -> Score:
    """A final quiz with attempts, of which the LMS counts `counted`."""
    tried = tuple(Attempt(number=n + 1, percent=p and Decimal(p)) for n, p in enumerate(percents))  # type: ignore[arg-type]
    known: dict[str, Any] = {"item": "Final quiz", "percent": counted and Decimal(counted), "attempts": tried}
    return Score(**known | more)


@pytest.mark.parametrize(
    ("attempt", "tried", "outcome", "seen"),
    [
        (None, ("90", "60"), FAIL, "50 %"),
        ("best", ("60", "90", "70"), PASS, "90 %"),
        ("last", ("90", "60"), FAIL, "60 %"),
        ("first", ("90", "60"), PASS, "90 %"),
        ("best", (None, "90"), PASS, "90 %"),
        ("best", (None, None), HOLD, "not graded"),
        ("last", ("90", None), HOLD, "not graded"),
        ("first", (None, "90"), HOLD, "not graded"),
        ("best", (), HOLD, "none"),
        ("last", ("79.995",), HOLD, "79.995 %"),
    ],
)
def test_which_attempt_counts(
    attempt: str | None, tried: tuple[str | None, ...], outcome: Outcome, seen: str
) -> None:
    rule = criterion("score", {"threshold": 80, "item": "Final quiz", "attempt": attempt})
    check = rule.judge(record(scores=(quiz(*tried),)))
    assert (check.outcome, check.seen) == (outcome, seen)
    assert (Fact.ATTEMPTS in rule.asks) is (attempt is not None)


@pytest.mark.parametrize(
    ("points", "out_of", "margin", "outcome"),
    [
        ("3.5", "5", "0", PASS), ("3.4999", "5", "0", FAIL), ("7", "10", "0", PASS), ("6.99", "10", "0", FAIL),
        ("70", "100", "0", PASS), ("3.5", "5", None, HOLD), ("3.57", "5", None, HOLD), ("3.5701", "5", None, PASS),
        ("3.43", "5", None, HOLD), ("3.4299", "5", None, FAIL), ("2", "3", "0", FAIL), ("2.1", "3", "0", PASS),
    ],
)  # fmt: skip
def test_a_rubric_is_compared_across_scales(points: str, out_of: str, margin: str | None, outcome: Outcome) -> None:
    rule = criterion("score", {"threshold": "3.5", "out_of": "5.0", "item": "Capstone", "margin": margin})
    capstone = Score(item="Capstone", percent=Decimal("0"), points=Decimal(points), out_of=Decimal(out_of))
    check = rule.judge(record(scores=(capstone,)))
    assert check.outcome is outcome
    assert check.threshold == "3.5 of 5.0"


def test_points_are_believed_before_a_rounded_percentage() -> None:
    """2 of 3 is 66.67 % in every grade book, and not two thirds."""
    rule = criterion("score", {"threshold": "66.67", "margin": 0})
    rounded = Score(item="x", total=True, percent=Decimal("66.67"), points=Decimal(2), out_of=Decimal(3))
    check = rule.judge(record(scores=(rounded,)))
    assert (check.outcome, check.seen) == (FAIL, "2 of 3")


@pytest.mark.parametrize(
    ("project", "exam", "outcome", "seen"),
    [
        ("100", "66.666666", FAIL, "79.999999 %"), ("50", "100", PASS, "80 %"), ("80", "80", PASS, "80 %"),
        ("49.99", "100", FAIL, "79.996 %"), (None, "100", HOLD, "not graded"),
    ],
)  # fmt: skip
def test_weights(project: str | None, exam: str, outcome: Outcome, seen: str) -> None:
    rule = criterion("score", {"threshold": 80, "margin": 0, "items": {"Project": 40, "Exam": "60"}})
    scores = tuple(
        Score(item=item, percent=None if value is None else Decimal(value))
        for item, value in (("Project", project), ("Exam", exam))
    )
    check = rule.judge(record(scores=scores))
    assert (check.outcome, check.seen) == (outcome, seen)


def test_an_excused_item_is_doubt_and_an_exemption_takes_it_out_of_the_weights() -> None:
    rule = criterion("score", {"threshold": 80, "items": {"Project": 40, "Exam": 60}})
    scores = (Score(item="Project", percent=None, excused=True), Score(item="Exam", percent=Decimal(95)))
    assert rule.judge(record(scores=scores)).outcome is HOLD
    waived = record(scores=scores, attestations=(said("exemption", "score", item="Project"),))
    check = rule.judge(waived)
    assert (check.outcome, check.seen) == (PASS, "95 %")
    assert "Project is waived" in check.reason


@pytest.mark.parametrize(
    ("more", "outcome"),
    [
        ([], HOLD), ([("4", "5")], PASS), ([("3.5", "5")], PASS), ([("3.49", "5")], FAIL), ([("3", "5"), ("4",
        "5")], PASS),
        ([("4", "5"), ("3", "5")], FAIL), ([("NaN", "5")], HOLD), ([("4", "0")], HOLD), ([("1E+999999", "5")], HOLD),
    ],
)  # fmt: skip
def test_an_attested_result_counts_in_place_of_the_record(more: list[tuple[str, str]], outcome: Outcome) -> None:
    """A person has decided it, so that there is no margin of doubt around the threshold; the last word counts."""
    rule = criterion("score", {"threshold": "3.5", "out_of": "5.0", "item": "Capstone", "attested": True})
    words = tuple(said("score", "capstone", points=Decimal(p), out_of=Decimal(o)) for p, o in more)
    lms = (Score(item="Capstone", percent=Decimal(100)),)
    assert rule.judge(record(scores=lms, attestations=words)).outcome is outcome
    assert rule.asks == frozenset()


def test_the_best_of_the_attested_attempts() -> None:
    rule = criterion("score", {"threshold": 80, "item": "Quiz", "attested": True, "attempt": "best"})
    words = tuple(said("score", "Quiz", points=Decimal(p), out_of=Decimal(100)) for p in (60, 90, 70))
    assert rule.judge(record(attestations=words)).outcome is PASS


def test_an_accommodation_sets_another_threshold_and_is_cited() -> None:
    eased = said("accommodation", "score", points=Decimal(70), out_of=Decimal(100))
    check = criterion("score", {"threshold": 80}).judge(record(scores=(total("75"),), attestations=(eased,)))
    assert (check.outcome, check.threshold) == (PASS, "70 % (accommodated, attestation_1 by person:registrar)")


def test_an_accommodation_without_a_number_has_a_person_decide() -> None:
    extra_time = said("accommodation", "score")
    check = criterion("score", {"threshold": 80}).judge(record(scores=(total("60"),), attestations=(extra_time,)))
    assert check.outcome is HOLD


def test_a_score_set_by_hand_says_so() -> None:
    by_hand = Score(item="x", total=True, percent=Decimal(95), overridden=True)
    assert "set by hand" in criterion("score", {"threshold": 80}).judge(record(scores=(by_hand,))).reason


@pytest.mark.parametrize("percent", ["NaN", "Infinity", "-Infinity", "1E+999999", "1E-999999", "sNaN"])
def test_what_no_grade_book_holds_is_no_score(percent: str) -> None:
    assert criterion("score", {"threshold": 80}).judge(record(scores=(total(percent),))).outcome is HOLD


@pytest.mark.parametrize(
    ("values", "faulty"),
    [
        ({"threshold": 101}, "threshold"), ({"threshold": 6, "out_of": 5}, "threshold"), ({"threshold": -1},
        "threshold"),
        ({"threshold": "NaN"}, "threshold"), ({}, "threshold"), ({"threshold": 80, "attempt": "worst"}, "attempt"),
        ({"threshold": 80, "item": "a", "items": {"b": 1}}, "items"), ({"threshold": 80, "items": {"b": 0}}, "items"),
        ({"threshold": 80, "attested": True}, "item"), ({"threshold": 80, "out_of": 0}, "out_of"),
        ({"threshold": 80, "margin": 101}, "margin"),
    ],
)  # fmt: skip
def test_what_makes_no_rule_is_refused_by_name(values: dict[str, Any], faulty: str) -> None:
    with pytest.raises(ValidationError) as refused:
        criterion("score", values)
    assert faulty in refused.value.messages_dict


@given(lower=percents, higher=percents, other=percents, attempt=st.sampled_from([None, "best", "last", "first"]))
def test_a_better_attempt_is_never_judged_worse(
    lower: Decimal, higher: Decimal, other: Decimal, attempt: str | None
) -> None:
    lower, higher = sorted((lower, higher))
    rule = criterion("score", {"threshold": 80, "item": "Final quiz", "attempt": attempt})
    for place in (0, 1):
        tried = [str(other), str(other)]
        ranks = []
        for one in (lower, higher):
            tried[place] = str(one)
            ranks.append(RANK.index(rule.judge(record(scores=(quiz(*tried, counted=str(one)),))).outcome))
        assert ranks[0] <= ranks[1]


WEIGHTS = st.dictionaries(st.sampled_from(["Project", "Exam", "Quiz"]), st.decimals("0.1", 100, places=1), min_size=1)


@given(values=WEIGHTS, found=st.lists(percents, min_size=3, max_size=3), chance=st.randoms())
def test_neither_the_order_of_weights_nor_of_scores_matters(
    values: dict[str, Decimal], found: list[Decimal], chance: Random
) -> None:
    items = [(name, str(weight)) for name, weight in values.items()]
    scores = [Score(item=name, percent=one) for name, one in zip(("Project", "Exam", "Quiz"), found, strict=True)]
    first = criterion("score", {"threshold": 80, "items": dict(items)}).judge(record(scores=tuple(scores)))
    chance.shuffle(items)
    chance.shuffle(scores)
    again = criterion("score", {"threshold": 80, "items": dict(items)}).judge(record(scores=tuple(scores)))
    assert (first.outcome, first.seen, first.threshold) == (again.outcome, again.seen, again.threshold)
