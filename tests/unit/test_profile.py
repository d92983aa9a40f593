"""The learner's profile: whoever cannot be named, reached or let in is for a person, and never fails."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.configuration.loading import load_configuration
from pipeline.criteria.profile import Profile
from pipeline.settings import Settings
from pipeline.steps.verify import judge
from pipeline.values import Learner, Outcome
from tests.records import ADA, learners, record, total

ADDRESSES = {
    "ada@learners.example": True,
    "ada+tag@sub.learners.example": True,
    "o'hara@learners.example": True,
    "ADA@LEARNERS.EXAMPLE": True,
    "": False,
    " ": False,
    "ada": False,
    "ada@localhost": False,
    "@learners.example": False,
    "ada@": False,
    "ada@learners.": False,
    "ada@@learners.example": False,
    "ada@learners.example, bob@learners.example": False,
    "Ada <ada@learners.example>": False,
    "ada@learners.example\n": False,
    "ada@learners.example\r\nBcc: all@x.example": False,
    "ada @learners.example": False,
}


@pytest.mark.parametrize(("address", "fine"), ADDRESSES.items())
def test_addresses(address: str, fine: bool) -> None:
    check = Profile({}).judge(record(learner=replace(ADA, email=address)))
    assert check.outcome is (Outcome.PASS if fine else Outcome.HOLD)
    assert check.reason == ("complete" if fine else "no usable e-mail address")


@pytest.mark.parametrize("name", ["", " ", "\t\n"])
def test_nobody_without_a_name(name: str) -> None:
    assert Profile({}).judge(record(learner=replace(ADA, name=name))).reason == "no name"


def test_a_locked_account_is_held_and_every_fault_is_named() -> None:
    check = Profile({}).judge(record(learner=Learner(ref="1", name="", email="", suspended=True)))
    assert check.reason == "no name; no usable e-mail address; the account is suspended at the LMS"


@given(learner=learners)
def test_no_learner_raises_fails_or_is_quoted(learner: Learner) -> None:
    check = Profile({}).judge(record(learner=learner))
    assert check.outcome in {Outcome.PASS, Outcome.HOLD}
    if len(learner.email) > 3:
        assert learner.email not in check.reason + check.seen


# all checks together


@pytest.mark.parametrize(
    ("outcomes", "together"),
    [
        ((), Outcome.HOLD),
        ((Outcome.PASS,), Outcome.PASS),
        ((Outcome.PASS, Outcome.HOLD), Outcome.HOLD),
        ((Outcome.HOLD, Outcome.FAIL), Outcome.FAIL),
        ((Outcome.PASS, Outcome.FAIL), Outcome.FAIL),
    ],
)
def test_one_fail_fails_else_one_doubt_holds(outcomes: tuple[Outcome, ...], together: Outcome) -> None:
    assert Outcome.all_of(outcomes) is together


@given(outcomes=st.lists(st.sampled_from(Outcome), max_size=6), chance=st.randoms())
def test_the_order_of_the_checks_never_matters(outcomes: list[Outcome], chance: Random) -> None:
    mixed = list(outcomes)
    chance.shuffle(mixed)
    assert Outcome.all_of(outcomes) is Outcome.all_of(mixed)


def test_the_profile_is_checked_whatever_a_program_says(accounts_env: Settings) -> None:
    program = load_configuration(accounts_env.config).programs["first-aid"]
    checks = judge(program, record(learner=replace(ADA, suspended=True), scores=(total("95"),)))
    assert [check.criterion for check in checks] == [
        "agreement", "identity", "integrity", "modules", "profile", "score",
    ]  # fmt: skip
    assert Outcome.all_of(check.outcome for check in checks) is Outcome.HOLD
