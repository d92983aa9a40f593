"""How fast stored records are judged again, without any network: what a change of a rule is tried on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import process_time

from pipeline.attestation import Attestation, AttestationKind, Claim
from pipeline.configuration.documents import Fault, read_document
from pipeline.configuration.programs import Program, read_program
from pipeline.steps.verify import judge
from pipeline.store.decisions import as_json, record_from
from pipeline.values import (
    Attempt,
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

_READ_AT = datetime(2026, 3, 7, 12, 0, tzinfo=UTC)
#: every criterion there is, so that no program judges more slowly
_PROGRAM = """
program: everything
title: Everything
source: campus
course: "12"
criteria:
  score:
    - {threshold: 80, items: {Project: 40, Final exam: 60}, attempt: best}
    - {threshold: 3.5, out_of: 5.0, item: Rubric}
  modules: all
  time_spent: {hours: 8}
  prerequisites: {courses: ["11"]}
  any_of: [{approval: portfolio}, {approval: capstone}]
credential: {description: x, at: [{account: badges, template: x}]}
"""


def judged(count: int) -> tuple[float, float, dict[str, int]]:
    """Judge stored records: seconds of one core, seconds to only parse their JSON, how many of each outcome."""
    program, documents = _program(), list(_documents(count))
    started = process_time()
    for document in documents:
        json.loads(document)
    parsed = process_time()
    outcomes = dict.fromkeys((outcome.value for outcome in Outcome), 0)
    for document in documents:
        checks = judge(program, record_from(json.loads(document)))
        outcomes[Outcome.all_of(check.outcome for check in checks).value] += 1
    return process_time() - parsed, parsed - started, outcomes


def _program() -> Program:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "everything.yaml"
        file.write_text(_PROGRAM, encoding="utf-8")
        faults: list[Fault] = []
        program = read_program(read_document(file, root=file.parent), faults, {})
    if program is None:
        raise SystemExit("\n".join(map(str, faults)))
    return program


def _documents(count: int) -> Iterator[str]:
    chance = Random(7)  # noqa: S311 - the same records in every run
    for number in range(count):
        yield json.dumps(as_json(_record(chance, number)))


def _record(chance: Random, number: int) -> Record:
    def score(item: str) -> Score:
        percents = [Decimal(chance.randint(5000, 10000)).scaleb(-2) for _ in range(2)]
        tries = tuple(Attempt(number=n + 1, percent=percent) for n, percent in enumerate(percents))
        return Score(item=item, percent=max(percents), attempts=tries)

    name = f"Learner {chance.choice(['van der', 'Ó', 'ibn', 'Čapek'])} {number}"
    return Record(
        learner=Learner(ref=str(number), name=name, email=f"l{number}@learners.example"), course="12",
        course_code="E", course_title="Everything", completed_at=_READ_AT, read_at=_READ_AT,
        sources={fact: fact.value for fact in Fact}, time_spent=timedelta(hours=chance.randint(6, 60)),
        scores=(score("Project"), score("Final exam"), score("Rubric"),
                Score(item="total", percent=Decimal(85), total=True)),
        modules=tuple(
            Module(ref=str(n), name=f"Module {n}", state=chance.choices(list(ModuleState), weights=(50, 1, 1))[0])
            for n in range(8)
        ),
        prerequisites=(Prerequisite(course="11", state=PrerequisiteState.MET),),
        claims=(Claim(where="event", name=name.upper(), email=None, score=Decimal(85)),),
        attestations=(
            Attestation(id="attestation_1", kind=AttestationKind.APPROVAL, about="portfolio", author="person:a",
                        reason="seen", made_at=_READ_AT, approved=True),
        ),
    )  # fmt: skip
