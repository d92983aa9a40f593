"""The criteria of a program file: lists, groups, what is always judged, and the same again from a kept decision."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from pipeline.adapters import CRITERIA
from pipeline.configuration.documents import Document, Fault, read_document
from pipeline.configuration.rules import Group, criteria_from, kept_criteria, read_criteria, standing
from pipeline.contracts import Criterion
from pipeline.values import Check, Fact, Outcome, Record
from tests.records import RANK, READ_AT, record, records, said, total

PASS, HOLD, FAIL = Outcome.PASS, Outcome.HOLD, Outcome.FAIL
ALWAYS = ["agreement", "identity", "integrity", "profile"]


def document(criteria: str) -> Document:
    return Document(file="x.yaml", data=YAML(typ="rt").load(f"criteria:\n{criteria}"))


def read(criteria: str) -> tuple[Criterion, ...]:
    """What a file's criteria are, without those that are always judged."""
    faults: list[Fault] = []
    found = read_criteria(document(criteria), faults)
    assert faults == []
    return tuple(one for one in found if one.name not in ALWAYS)


def test_what_is_always_judged_need_not_be_named_and_may_be_made_stricter() -> None:
    assert [one.name for one in standing()] == ALWAYS
    faults: list[Fault] = []
    found = {
        one.name: one
        for one in read_criteria(document("  agreement: {tolerance: 1}\n  score: {threshold: 5}"), faults)
    }
    assert sorted(found) == [*ALWAYS, "score"]
    assert str(found["agreement"].values["tolerance"]) == "1"
    assert str(found["identity"].values["characters"]) == "2"


def test_a_list_asks_one_criterion_about_several_things() -> None:
    titles = [
        one.title
        for one in read("  approval: [portfolio, peer_review]\n  score: [{threshold: 5, item: A}, {threshold: 6}]")
    ]
    assert titles == ["approval:peer_review", "approval:portfolio", "score", "score:A"]


def words(*about: str, no: bool = False) -> tuple[Any, ...]:
    return tuple(said("approval", one, approved=not no) for one in about)


@pytest.mark.parametrize(
    ("score", "approved", "rejected", "outcome"),
    [
        ("95", (), (), PASS), ("10", ("portfolio",), (), PASS), ("95", (), ("portfolio",), PASS), ("10", (),
        (), HOLD),
        ("10", (), ("portfolio",), FAIL), ("80", (), ("portfolio",), HOLD),
    ],
)  # fmt: skip
def test_any_of(score: str, approved: tuple[str, ...], rejected: tuple[str, ...], outcome: Outcome) -> None:
    [rule] = read("  any_of:\n    - score: {threshold: 80}\n    - approval: portfolio")
    found = record(scores=(total(score),), attestations=words(*approved) + words(*rejected, no=True))
    check = rule.judge(found)
    assert check.outcome is outcome
    assert [part.criterion for part in check.parts] == ["score", "approval:portfolio"]
    assert check.reason
    assert rule.asks == {Fact.SCORES}


@pytest.mark.parametrize(
    ("score", "approved", "outcome"),
    [
        ("95", ("capstone",), PASS),
        ("95", (), HOLD),
        ("10", ("capstone", "peer_review"), PASS),
        ("10", ("capstone",), HOLD),
    ],
)
def test_several_together_in_one_of_a_group(score: str, approved: tuple[str, ...], outcome: Outcome) -> None:
    for spelling in (
        "  any_of: [{score: {threshold: 80}, approval: capstone}, {approval: [capstone, peer_review]}]",
        "  any_of:\n    - all_of: [{score: {threshold: 80}}, {approval: capstone}]\n"
        "    - all_of: [{approval: capstone}, {approval: peer_review}]",
    ):
        [rule] = read(spelling)
        assert rule.judge(record(scores=(total(score),), attestations=words(*approved))).outcome is outcome


def test_groups_ask_for_what_their_parts_ask_for() -> None:
    [rule] = read("  any_of: [{prerequisites: {courses: ['11']}}, {prerequisites: {credentials: [first-aid]}}]")
    assert (rule.courses(), rule.credentials()) == (("11",), ("first-aid",))
    assert rule.asks == {Fact.PREREQUISITES}


@pytest.mark.parametrize(
    ("criteria", "line", "path", "says"),
    [
        ("  skore: {}", 2, "criteria.skore", "is no criterion; known: agreement, all_of, any_of, approval"),
        ("  any_of: {score: {threshold: 5}}", 2, "criteria.any_of", "write a list of criteria"),
        ("  any_of: []", 2, "criteria.any_of", "write a list of criteria"),
        ("  any_of:\n    - 7", 2, "criteria.any_of", "write a list of criteria"),
        ("  any_of:\n    - score: {threshold: 5}\n    - skore: 7", 4, "criteria.any_of.1.skore", "is no criterion"),
        ("  any_of:\n    - score:\n        treshold: 5", 3, "criteria.any_of.0.score.threshold", "is required"),
        ("  approval: [portfolio, portfolio]", 2, "criteria.approval", "approval:portfolio is asked for twice"),
        ("  approval: []", 2, "criteria.approval", "asks for nothing"),
        ("  approval: [Peer Review]", 2, "criteria.approval.0.about", "write a name such as `peer_review`"),
        ("  approval: 7", 2, "criteria.approval", "write names and values"),
        ("  approval:", 2, "criteria.approval", "write names and values"),
        ("  identity: {characters: two}", 2, "criteria.identity.characters", "whole number"),
        ("  prerequisites: {}", 2, "criteria.prerequisites", "name `courses` of the LMS"),
        ("  any_of: [{any_of: [{any_of: [{any_of: [{any_of: [{approval: x}]}]}]}]}]", 2,
         "criteria.any_of.0.any_of.0.any_of.0.any_of.0.any_of", "at most 4 deep"),
    ],
)  # fmt: skip
def test_a_fault_says_where_it_stands_and_what_to_write(criteria: str, line: int, path: str, says: str) -> None:
    faults: list[Fault] = []
    read_criteria(document(criteria), faults)
    [fault] = [one for one in faults if one.path == path]
    assert says in fault.problem
    assert fault.line == line


def test_what_means_the_same_is_kept_in_the_same_words() -> None:
    one = read("  modules: all\n  approval: [portfolio]\n  score: {threshold: 80, margin: 2}")
    other = read("  score: {margin: 2, threshold: 80}\n  approval: portfolio\n  modules: {named: []}")
    assert kept_criteria(one) == kept_criteria(other)
    assert kept_criteria(one) != kept_criteria(read("  score: {threshold: 80, margin: 3}\n  approval: portfolio"))


SIMPLE = st.sampled_from(
    [("score", {"threshold": "80"}), ("score", {"threshold": "3.5", "out_of": "5.0", "item": "Capstone"}),
     ("modules", "all"), ("modules", {"named": ["Welcome"]}), ("time_spent", {"hours": 8}), ("approval", "portfolio"),
     ("approval", ["peer_review", "capstone"]), ("prerequisites", {"courses": ["11"]}), ("identity",
     {"characters": 1}),
     ("prerequisites", {"credentials": ["first-aid"]}), ("integrity", {"attested": True})]
)  # fmt: skip
MAPPINGS = st.lists(SIMPLE, min_size=1, max_size=4).map(dict)
RULES = st.builds(
    lambda plain, name, inner: plain | ({name: inner} if inner else {}),
    MAPPINGS, st.sampled_from(["any_of", "all_of"]), st.lists(MAPPINGS, max_size=3),
)  # fmt: skip


def loaded(written: dict[str, Any], folder: Path) -> tuple[Criterion, ...]:
    file = folder / "p.yaml"
    with file.open("w", encoding="utf-8") as out:
        YAML(typ="safe").dump({"criteria": written}, out)
    faults: list[Fault] = []
    found = read_criteria(read_document(file, root=folder), faults)
    assert faults == []
    return found


@given(written=RULES, found=records, chance=st.randoms())
def test_a_kept_rule_judges_as_it_did_and_the_order_of_criteria_never_matters(
    written: dict[str, Any], found: Record, chance: Random, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp()
    first = loaded(written, folder)
    kept = kept_criteria(first)
    assert kept_criteria(criteria_from(kept)) == kept
    items = list(written.items())
    chance.shuffle(items)
    for again in (criteria_from(kept), loaded(dict(items), folder)):
        assert [one.judge(found) for one in again] == [one.judge(found) for one in first]


@given(outcomes=st.lists(st.sampled_from(Outcome), min_size=1, max_size=5), at=st.integers(0, 4), chance=st.randoms())
def test_a_better_part_never_makes_a_group_worse_nor_does_the_order(
    outcomes: list[Outcome], at: int, chance: Random
) -> None:
    better = [*outcomes]
    better[at % len(outcomes)] = PASS
    mixed = [*outcomes]
    chance.shuffle(mixed)
    for together in (Outcome.all_of, Outcome.any_of):
        assert RANK.index(together(outcomes)) <= RANK.index(together(better))
        assert together(mixed) is together(outcomes)
    assert RANK.index(Outcome.all_of(outcomes)) <= RANK.index(Outcome.any_of(outcomes))


def test_a_new_kind_of_group_has_to_say_what_makes_it_pass() -> None:
    class Half(Group):
        name = "half_of"
        label = "half of"

    with pytest.raises(TypeError, match="together"):
        Half([])  # type: ignore[abstract]


def test_every_criterion_says_which_check_it_made() -> None:
    for kind in CRITERIA.values():
        if kind.always:
            check: Check = kind(kind.options().load({})).judge(record())
            assert (check.criterion, check.read_at) == (kind.name, READ_AT)
