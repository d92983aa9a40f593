"""What is judged of every case whatever its program says: integrity and agreement; and what only persons can say."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.attestation import Claim
from pipeline.values import Fact, Hold, Module, ModuleState, Outcome, Prerequisite, PrerequisiteState, Record, Score
from tests.records import ADA, attestations, criterion, record, records, said, total

PASS, HOLD, FAIL = Outcome.PASS, Outcome.HOLD, Outcome.FAIL


# integrity


@pytest.mark.parametrize(
    ("more", "outcome"),
    [
        ({}, PASS),
        ({"holds": (Hold(kind="suspended", reason="enrolment suspended", where="core_enrol"),)}, HOLD),
        ({"attestations": (said("investigation"),)}, HOLD),
        ({"attestations": (said("investigation", "plagiarism"),)}, HOLD),
        ({"attestations": (said("appeal"),)}, HOLD),
        ({"attestations": (said("appeal", "my grade in essay 2"),)}, HOLD),
        ({"attestations": (said("appeal", "score"),)}, PASS),
        ({"attestations": (said("exemption", "integrity"),)}, PASS),
        ({"attestations": (said("investigation"), said("exemption", "integrity"))}, HOLD),
        ({"attestations": (said("investigation"), said("approval", "integrity", approved=True))}, HOLD),
    ],
)
def test_integrity(more: dict[str, Any], outcome: Outcome) -> None:
    """An investigation ends by its validity or by being withdrawn, and by no other word."""
    assert criterion("integrity", {}).judge(record(**more)).outcome is outcome


@pytest.mark.parametrize(("approved", "outcome"), [(None, HOLD), (True, PASS), (False, HOLD)])
def test_integrity_where_the_lms_cannot_tell_and_a_person_has_to(approved: bool | None, outcome: Outcome) -> None:
    rule = criterion("integrity", {"attested": True})
    words = () if approved is None else (said("approval", "integrity", approved=approved),)
    assert rule.judge(record(attestations=words)).outcome is outcome
    assert (rule.asks, criterion("integrity", {}).asks) == (frozenset(), {Fact.HOLDS})


# agreement


@pytest.mark.parametrize(
    ("known", "reported", "tolerance", "outcome"),
    [
        ("80", "80", "5", PASS), ("80", "84", "5", PASS), ("80", "84.0001", "5", HOLD), ("80", "76", "5", PASS),
        ("80", "75.9999", "5", HOLD), ("0", "0", "5", PASS), ("0", "0.0001", "5", HOLD), ("80", "80.0001", "0", HOLD),
        ("100", "95", "5", PASS), ("100", "94.9999", "5", HOLD), ("95", "100", "5", HOLD), (None, "90", "5", PASS),
        ("90", None, "5", PASS), ("80", "NaN", "5", PASS),
    ],
)  # fmt: skip
def test_five_percent_of_what_the_lms_says(
    known: str | None, reported: str | None, tolerance: str, outcome: Outcome
) -> None:
    claim = Claim(where="event", score=reported and Decimal(reported))  # type: ignore[arg-type]
    check = criterion("agreement", {"tolerance": tolerance}).judge(record(scores=(total(known),), claims=(claim,)))
    assert check.outcome is outcome


def test_a_result_of_a_second_system_is_compared_item_by_item() -> None:
    scores = (total("90"), Score(item="Exam", percent=Decimal(90)))
    other = said("score", "exam", points=Decimal(40), out_of=Decimal(50), author="system:proctoring", id="a_2")
    check = criterion("agreement", {}).judge(record(scores=scores, attestations=(other,)))
    assert check.outcome is HOLD
    assert check.reason == "differ: Exam: 90 % (read_scores), 80 % (attestation a_2)"
    elsewhere = said("score", "Essay", points=Decimal(1), out_of=Decimal(50))
    assert criterion("agreement", {}).judge(record(scores=scores, attestations=(elsewhere,))).outcome is PASS


def test_two_systems_are_compared_where_the_lms_says_nothing_and_an_author_may_correct_themselves() -> None:
    rule = criterion("agreement", {})
    one = said("score", "Capstone", points=Decimal(4), out_of=Decimal(5), author="person:a")
    other = said("score", "Capstone", points=Decimal(3), out_of=Decimal(5), author="person:b")
    corrected = said("score", "Capstone", points=Decimal(4), out_of=Decimal(5), author="person:b")
    assert rule.judge(record(attestations=(one, other))).outcome is HOLD
    assert rule.judge(record(attestations=(one, other, corrected))).outcome is PASS


def test_the_attempts_that_an_lms_announces_are_no_disagreement() -> None:
    tries = tuple(said("score", "Quiz", points=Decimal(p), out_of=Decimal(100), author="lms:shop") for p in (40, 90))
    assert criterion("agreement", {}).judge(record(attestations=tries)).outcome is PASS


# approvals


@pytest.mark.parametrize(
    ("words", "outcome"),
    [
        ([], HOLD), ([True], PASS), ([False], FAIL), ([True, False], FAIL), ([False, True], PASS), ([None], HOLD),
    ],
)  # fmt: skip
def test_the_last_word_counts_and_nobodys_word_is_doubt(words: list[bool | None], outcome: Outcome) -> None:
    stated = tuple(said("approval", "portfolio", approved=word) for word in words)
    check = criterion("approval", "portfolio").judge(record(attestations=stated))
    assert (check.criterion, check.outcome) == ("approval:portfolio", outcome)


@pytest.mark.parametrize(
    ("word", "outcome"),
    [
        (said("exemption", "approval", item="portfolio"), PASS), (said("exemption", "Portfolio"), PASS),
        (said("exemption", "approval"), PASS),
        (said("exemption", "peer_review"), HOLD), (said("approval", "peer_review", approved=True), HOLD),
        (said("appeal", "portfolio"), HOLD),
    ],
)  # fmt: skip
def test_other_words_about_an_approval(word: Any, outcome: Outcome) -> None:
    assert criterion("approval", "portfolio").judge(record(attestations=(word,))).outcome is outcome


# modules and prerequisites


def module(state: ModuleState) -> tuple[Module, ...]:
    return (
        Module(ref="21", name="Welcome", state=ModuleState.COMPLETE),
        Module(ref="22", name="Practice", state=state),
    )


@pytest.mark.parametrize(
    ("state", "word", "outcome"),
    [
        (ModuleState.EXEMPT, None, HOLD), (ModuleState.EXEMPT, said("exemption", "modules", item="Practice"), PASS),
        (ModuleState.EXEMPT, said("exemption", "practice"), PASS),
        (ModuleState.EXEMPT, said("exemption", "modules", item="22"), PASS),
        (ModuleState.EXEMPT, said("exemption", "modules", item="Welcome"), HOLD),
        (ModuleState.EXEMPT, said("exemption", "score"), HOLD), (ModuleState.EXEMPT, said("exemption",
        "modules"), PASS),
        (ModuleState.INCOMPLETE, None, FAIL), (ModuleState.INCOMPLETE, said("exemption", "modules", item="22"), PASS),
        (ModuleState.INCOMPLETE, said("accommodation", "modules"), HOLD),
        (ModuleState.INCOMPLETE, said("appeal", "modules"), HOLD), (ModuleState.COMPLETE, said("appeal",
        "practice"), HOLD),
    ],
)  # fmt: skip
def test_modules_that_a_person_waives(state: ModuleState, word: Any, outcome: Outcome) -> None:
    found = record(modules=module(state), attestations=(word,) if word else ())
    assert criterion("modules", "all").judge(found).outcome is outcome


@pytest.mark.parametrize(("approved", "outcome"), [(None, HOLD), (True, PASS), (False, FAIL)])
def test_modules_that_a_person_attests(approved: bool | None, outcome: Outcome) -> None:
    rule = criterion("modules", {"attested": True})
    words = () if approved is None else (said("approval", "modules", approved=approved),)
    assert (rule.judge(record(attestations=words)).outcome, rule.asks) == (outcome, frozenset())


MET, UNMET, UNCLEAR = PrerequisiteState.MET, PrerequisiteState.UNMET, PrerequisiteState.UNCLEAR


@pytest.mark.parametrize(
    ("state", "word", "outcome"),
    [
        (UNMET, None, FAIL), (UNMET, said("appeal", "prerequisites"), HOLD), (UNMET, said("appeal", "11"), HOLD),
        (UNMET, said("appeal", "prerequisites", item="11"), HOLD), (UNMET, said("appeal",
        "prerequisites", item="12"), FAIL),
        (UNMET, said("exemption", "prerequisites", item="11"), PASS), (UNCLEAR, said("exemption", "11"), PASS),
        (MET, said("appeal", "11"), HOLD), (MET, None, PASS),
    ],
)  # fmt: skip
def test_prerequisites_in_appeal_and_waived(state: PrerequisiteState, word: Any, outcome: Outcome) -> None:
    found = record(prerequisites=(Prerequisite(course="11", state=state),), attestations=(word,) if word else ())
    assert criterion("prerequisites", {"courses": ["11"]}).judge(found).outcome is outcome


@pytest.mark.parametrize(("state", "outcome"), [(MET, PASS), (UNMET, FAIL), (UNCLEAR, HOLD), (None, HOLD)])
def test_a_credential_as_prerequisite(state: PrerequisiteState | None, outcome: Outcome) -> None:
    rule = criterion("prerequisites", {"credentials": ["first-aid"]})
    course = Prerequisite(course="first-aid", state=MET)  # a course of that number is no credential
    held = Prerequisite(course="first-aid", kind="credential", state=state) if state else course
    check = rule.judge(record(prerequisites=(course, held)))
    assert (check.outcome, check.threshold) == (outcome, "completed: credential first-aid")
    assert (rule.asks, rule.courses(), rule.credentials()) == (frozenset(), (), ("first-aid",))


@pytest.mark.parametrize(("approved", "outcome"), [(None, HOLD), (True, PASS), (False, FAIL)])
def test_courses_that_a_person_attests(approved: bool | None, outcome: Outcome) -> None:
    rule = criterion("prerequisites", {"courses": ["11"], "attested": True})
    words = () if approved is None else (said("approval", "prerequisites", approved=approved),)
    assert (rule.judge(record(attestations=words)).outcome, rule.courses()) == (outcome, ())


# all of them, whatever they are given

RULES: dict[str, Any] = {
    "agreement": {}, "approval": "portfolio", "identity": {}, "integrity": {}, "modules": "all", "profile": {},
    "prerequisites": {"courses": ["11"], "credentials": ["first-aid"]}, "time_spent": {"hours": 8},
    "score": {"threshold": 80, "item": "Final quiz"},
}  # fmt: skip


@given(found=records)
def test_no_record_makes_any_criterion_raise_and_each_says_why(found: Record) -> None:
    for name, values in RULES.items():
        check = criterion(name, values).judge(found)
        assert check.criterion.partition(":")[0] == name
        assert check.reason
        assert check.where
        assert check.threshold


@given(more=st.lists(attestations, max_size=3), chance=st.randoms())
def test_an_open_investigation_is_never_outweighed(more: list[Any], chance: Random) -> None:
    words = [*more, said("investigation")]
    chance.shuffle(words)
    assert criterion("integrity", {}).judge(record(attestations=tuple(words))).outcome is HOLD


def test_the_learner_of_these_tests_passes_everything() -> None:
    found = record(learner=ADA, scores=(total("95"), Score(item="Final quiz", percent=Decimal(95))))
    for name in ("agreement", "identity", "integrity", "profile", "score"):
        assert criterion(name, RULES[name]).judge(found).outcome is PASS
