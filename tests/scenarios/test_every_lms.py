"""Every LMS from its own announcement, or from none at all, to a credential: through the receiver and all steps."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from pipeline.steps.sweep import sweep
from pipeline.store.credentials import CredentialRow
from pipeline.store.deliveries import Delivery
from tests.contracts.canvas_bench import PlainEvents, SignedEvents
from tests.contracts.lms_bench import Bench, Trait
from tests.contracts.test_docebo import DoceboBench
from tests.contracts.test_docebo import Grouped as GroupedDocebo
from tests.contracts.test_moodle_suite import LocalWebhooks, LogstoreXapi, ToolTrigger
from tests.contracts.test_talentlms import Talent
from tests.contracts.test_teachable import ArrayBench, TeachableBench
from tests.contracts.test_thinkific import ThinkificBench
from tests.driver import Driver

BENCHES = (
    SignedEvents, PlainEvents, DoceboBench, GroupedDocebo, LocalWebhooks, ToolTrigger, LogstoreXapi, Talent,
    TeachableBench, ArrayBench, ThinkificBench,
)  # fmt: skip
ANNOUNCING = [kind for kind in BENCHES if Trait.WEBHOOK not in kind.lacks]
PROGRAM = """
program: example
title: Example
source: school
course: "{course}"
criteria: {{integrity: {{}}}}
credential: {{description: An example, at: [{{account: badges, template: example}}]}}
notify: {{learner: true}}
"""


class School(Driver):
    """An installation with one account, at the LMS of a bench, and one program."""

    bench: Bench
    course: str

    def announce(self, learner: str) -> int:
        """Complete, and post the LMS's own bytes to the receiver; the status of its answer."""
        wire = self.bench.complete(learner, self.course)
        path = f"/{wire.path}" if wire.path else ""
        return int(self.web.post(f"/webhooks/school{path}", data=wire.raw, headers=dict(wire.headers)).status_code)


@pytest.fixture
def school(
    request: pytest.FixtureRequest, make_driver: Callable[..., Driver], monkeypatch: pytest.MonkeyPatch
) -> School:
    made = School(**{**vars(make_driver()), "polls": True})
    kind: type[Bench] = request.param
    made.bench = kind(made.control, monkeypatch, f"{made.control.base_url}/{kind.system}")
    for file in (made.config / "programs").iterdir():
        file.unlink()
    (made.config / "staff.yaml").unlink()
    entrance = {
        part: [made.bench.env(f"SCHOOL_{part.upper()}_{n}", text) for n, text in enumerate(secrets)]
        for part in made.bench.entrance().parts
        if (secrets := getattr(made.bench.entrance(), part))
    }
    account = {"system": kind.adapter.name, **made.bench.options(), **({"entrance": entrance} if entrance else {})}
    accounts = {"lms": {"school": account}, "platforms": {"badges": {"system": "openbadges"}}}
    (made.config / "accounts.yaml").write_text(json.dumps(accounts))  # JSON is YAML
    made.course = made.bench.course(1)
    (made.config / "programs" / "example.yaml").write_text(PROGRAM.format(course=made.course))
    made.reload()
    return made


@pytest.mark.parametrize("school", ANNOUNCING, indirect=True, ids=lambda kind: kind.__name__)
def test_an_announcement_ends_in_a_credential_and_a_repeat_or_a_sweep_adds_nothing(school: School) -> None:
    school.drain(sweep())
    learner = school.bench.learner(1)
    school.clock.forward(2)
    assert [school.announce(learner) for _ in range(2)] in ([202, 202], [200, 200])
    school.drain()
    case = school.case(int(learner))
    assert case.stage == "done", case.error
    [mail] = school.control.mails("learner1@learners.example")
    assert "Example" in mail["subject"]
    school.clock.forward(timedelta(hours=7).total_seconds())
    school.drain(sweep())
    assert [one.id for one in school.cases()] == [case.id]
    assert len(school.rows(select(CredentialRow))) == 1


@pytest.mark.parametrize("school", BENCHES, indirect=True, ids=lambda kind: kind.__name__)
def test_a_completion_that_nothing_announced_is_found_by_the_sweep(school: School) -> None:
    school.drain(sweep())
    learner = school.bench.learner(1)
    school.clock.forward(2)
    school.bench.complete(learner, school.course, at=school.clock.now)
    school.clock.forward(timedelta(hours=7).total_seconds())
    school.drain(sweep())
    case = school.case(int(learner))
    assert case.stage == "done", case.error
    assert len(school.control.mails("learner1@learners.example")) == 1


@pytest.mark.parametrize("school", ANNOUNCING, indirect=True, ids=lambda kind: kind.__name__)
def test_without_its_proof_an_announcement_changes_nothing(school: School) -> None:
    learner = school.bench.learner(1)
    wire = school.bench.complete(learner, school.course)
    bare = school.bench.seal(json.dumps(school.bench.document(wire)).encode(), secret=None)
    path = f"/{bare.path}" if bare.path else ""
    answer = school.web.post(f"/webhooks/school{path}", data=bare.raw, headers=dict(bare.headers))
    assert answer.status_code == 401
    school.drain()
    assert school.cases() == []
    assert school.rows(select(Delivery)) == []


@pytest.mark.parametrize("school", [Talent], indirect=True)
def test_an_lms_that_announces_nothing_has_no_address(school: School) -> None:
    answer = school.web.post("/webhooks/school", data=b"{}", content_type="application/json")
    assert 400 <= answer.status_code < 500
    assert school.rows(select(Delivery)) == []
