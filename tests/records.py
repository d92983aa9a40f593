"""Records for the tests of criteria, and a strategy that makes any of them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from pipeline.adapters import CRITERIA
from pipeline.attestation import Attestation, AttestationKind, Claim
from pipeline.contracts import Criterion
from pipeline.values import (
    Attempt,
    Fact,
    Hold,
    Learner,
    Module,
    ModuleState,
    Outcome,
    Prerequisite,
    PrerequisiteState,
    Record,
    Score,
)

READ_AT = datetime(2026, 3, 7, 12, 0, tzinfo=UTC)
ADA = Learner(ref="307", name="Ada Lovelace", email="ada@learners.example")
#: from worst to best
RANK = (Outcome.FAIL, Outcome.HOLD, Outcome.PASS)


def record(**changed: Any) -> Record:
    """A record that passes everything, with changes."""
    known: dict[str, Any] = {
        "learner": ADA, "course": "12", "course_code": "FA", "course_title": "First Aid",
        "completed_at": READ_AT, "read_at": READ_AT, "sources": {fact: f"read_{fact}" for fact in Fact},
    }  # fmt: skip
    return Record(**known | changed)


def criterion(name: str, values: Any) -> Criterion:
    """A criterion as a program file would make it; `{}` is what is judged where a program says nothing."""
    return CRITERIA[name](CRITERIA[name].options().load(values))


def total(percent: str | Decimal | None) -> Score:
    """The course total."""
    return Score(item="course total", percent=None if percent is None else Decimal(percent), total=True)


def said(kind: str, about: str = "", **more: Any) -> Attestation:
    """An attestation, with more."""
    known: dict[str, Any] = {
        "id": "attestation_1",
        "author": "person:registrar",
        "reason": "seen",
        "made_at": READ_AT,
    }
    return Attestation(kind=AttestationKind(kind), about=about, **known | more)


texts = st.text(max_size=12)
numbers = st.none() | st.decimals() | st.decimals(0, 12, places=2)
percents = st.none() | st.decimals(0, 150, places=4) | st.decimals(allow_nan=False, allow_infinity=False)
attempts = st.builds(Attempt, number=st.integers(), percent=percents, at=st.none())
scores = st.builds(
    Score, item=st.sampled_from(["Final quiz", "course total", ""]) | texts, percent=percents, total=st.booleans(),
    overridden=st.booleans(), excused=st.booleans(), points=numbers, out_of=numbers,
    attempts=st.lists(attempts, max_size=2).map(tuple),
)  # fmt: skip
claims = st.builds(
    Claim, where=st.just("event") | texts, name=st.none() | texts | st.just("Ada Lovelace"),
    email=st.none() | texts, score=st.none() | percents,
)  # fmt: skip
ABOUT = [
    "",
    "score",
    "modules",
    "time_spent",
    "prerequisites",
    "integrity",
    "identity",
    "portfolio",
    "Final quiz",
    "11",
]
attestations = st.builds(
    Attestation, id=texts, kind=st.sampled_from(AttestationKind), about=st.sampled_from(ABOUT) | texts,
    item=st.sampled_from(["", "Final quiz", "Welcome", "11"]), author=st.just("lms:campus") | texts, reason=texts,
    made_at=st.just(READ_AT), approved=st.none() | st.booleans(), points=numbers, out_of=numbers, hours=numbers,
    name=st.none() | texts,
)  # fmt: skip
holds = st.builds(Hold, kind=texts, reason=texts, where=texts)
modules = st.builds(
    Module, ref=st.sampled_from(["21", "22", "23"]) | texts, name=st.sampled_from(["Welcome", "Final quiz"]) | texts,
    state=st.sampled_from(ModuleState),
)  # fmt: skip
prerequisites = st.builds(
    Prerequisite,
    course=st.sampled_from(["11", "13"]) | texts,
    state=st.sampled_from(PrerequisiteState),
    reason=texts,
    kind=st.sampled_from(["course", "credential"]),
)
learners = st.builds(
    Learner, ref=texts, name=texts, email=texts | st.just("a@b.example"), supervisor_email=st.none() | texts,
    sis_id=st.none() | texts, suspended=st.booleans(),
)  # fmt: skip
records = st.builds(
    record, learner=learners, scores=st.lists(scores, max_size=4).map(tuple), sources=st.just({}),
    modules=st.lists(modules, max_size=4).map(tuple), prerequisites=st.lists(prerequisites, max_size=3).map(tuple),
    completed_at=st.none() | st.just(READ_AT), time_spent=st.none() | st.timedeltas(),
    holds=st.lists(holds, max_size=2).map(tuple), claims=st.lists(claims, max_size=2).map(tuple),
    attestations=st.lists(attestations, max_size=3).map(tuple),
)  # fmt: skip
