"""Records for the tests of criteria, and a strategy that makes any of them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from pipeline.adapters import CRITERIA
from pipeline.contracts import Criterion
from pipeline.values import (
    Fact,
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
    """A criterion as a program file would make it."""
    return CRITERIA[name](CRITERIA[name].options().load(values))


def total(percent: str | Decimal | None) -> Score:
    """The course total."""
    return Score(item="course total", percent=None if percent is None else Decimal(percent), total=True)


texts = st.text(max_size=12)
percents = st.none() | st.decimals(0, 150, places=4) | st.decimals(allow_nan=False, allow_infinity=False)
scores = st.builds(Score, item=st.sampled_from(["Final quiz", "course total", ""]) | texts, percent=percents,
                   total=st.booleans(), overridden=st.booleans())  # fmt: skip
modules = st.builds(
    Module, ref=st.sampled_from(["21", "22", "23"]) | texts, name=st.sampled_from(["Welcome", "Final quiz"]) | texts,
    state=st.sampled_from(ModuleState),
)  # fmt: skip
prerequisites = st.builds(
    Prerequisite, course=st.sampled_from(["11", "13"]) | texts, state=st.sampled_from(PrerequisiteState), reason=texts
)
learners = st.builds(
    Learner, ref=texts, name=texts, email=texts | st.just("a@b.example"), supervisor_email=st.none() | texts,
    sis_id=st.none() | texts, suspended=st.booleans(),
)  # fmt: skip
records = st.builds(
    record, learner=learners, scores=st.lists(scores, max_size=4).map(tuple), sources=st.just({}),
    modules=st.lists(modules, max_size=4).map(tuple), prerequisites=st.lists(prerequisites, max_size=3).map(tuple),
    completed_at=st.none() | st.just(READ_AT),
)  # fmt: skip
