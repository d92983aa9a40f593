"""From Moodle's own answers to a judged case: against a real site where one is named, else against the sandbox's.

`CONFER_TEST_MOODLE_URL` and `CONFER_TEST_MOODLE_TOKEN` name the site; `CONFER_TEST_MOODLE_COURSE` may name the
course, otherwise the first is taken that somebody has completed. Nothing is changed there; mail goes to the sandbox.
"""

from __future__ import annotations

import json
import os
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from pipeline.contracts import Account
from pipeline.errors import Misconfigured, Rejected
from pipeline.lms.moodle import Moodle, MoodleSchema
from pipeline.settings import Settings
from pipeline.steps.sweep import sweep
from pipeline.store.decisions import Decision, RecordRow
from pipeline.values import Event, Fact
from sandbox.control import SandboxControl
from sandbox.server import Sandbox
from tests.driver import FIRST_AID, WEBHOOK_SECRET, Driver

URL, TOKEN, COURSE = (f"CONFER_TEST_MOODLE_{name}" for name in ("URL", "TOKEN", "COURSE"))
#: asked of the LMS whatever the program says
READ = frozenset(Fact) - {Fact.CLAIM, Fact.CREDENTIALS, Fact.TIME}


@dataclass(frozen=True, kw_only=True)
class Site:
    """A Moodle with a completion."""

    url: str
    token: str
    moodle: Moodle
    completion: Event


@pytest.fixture
def site(accounts_env: Settings, sandbox: Sandbox, control: SandboxControl, monkeypatch: pytest.MonkeyPatch) -> Site:
    del accounts_env
    url, token = os.environ.get(URL, ""), os.environ.get(TOKEN, "")
    if not url:
        url, token = f"{sandbox.http}/moodle", "moodle-token"
        control.add_learner(307, name="Ada Lovelace", email="ada@learners.example", idnumber="S-7")
        control.complete(307, FIRST_AID, score="91.5")
    monkeypatch.setenv("TEST_MOODLE_TOKEN", token)
    monkeypatch.setenv("TEST_MOODLE_SECRET", WEBHOOK_SECRET)
    options = {"site": url, "token": "env:TEST_MOODLE_TOKEN", "secrets": "env:TEST_MOODLE_SECRET"}
    moodle = Moodle(Account(name="site", adapter="moodle", options=MoodleSchema().load(options), where="tests"))
    return Site(url=url, token=token, moodle=moodle, completion=_first_completion(moodle))


def _first_completion(moodle: Moodle) -> Event:
    named = os.environ.get(COURSE, "")
    since = datetime(2000, 1, 1, tzinfo=UTC)
    for course in [named] if named else [one.ref for one in moodle.courses() if one.completes is not False]:
        try:
            found = next(moodle.completions(course=course, since=since, known=frozenset()), None)
        except (Misconfigured, Rejected):
            if named:
                raise
            continue  # without criteria, or closed to the service account
        if found:
            return found
    raise AssertionError("nobody has completed a course of this Moodle; complete one, or name another course")


@pytest.fixture
def confer(site: Site, make_driver: Callable[..., Driver]) -> Driver:
    """An installation with one program, about the course that was completed."""
    made = make_driver(CAMPUS_MOODLE_URL=site.url, CAMPUS_MOODLE_TOKEN=site.token)
    for file in (made.config / "programs").iterdir():
        if file.name != "first-aid.yaml":
            file.unlink()
    program = made.config / "programs" / "first-aid.yaml"
    text = program.read_text().replace('course: "12"', f'course: "{site.completion.course}"')
    program.write_text(f"{text}\ntiming:\n  sweep_from: 2000-01-01\n")
    made.reload()
    return made


def judged(confer: Driver, site: Site) -> None:
    """The learner's case has a decision, about a record that was read from the site."""
    case = confer.case(int(site.completion.learner))
    decisions = confer.rows(select(Decision).filter_by(case_id=case.id))
    assert decisions, f"not judged: {case.stage}, {confer.history()}"
    assert all(decision.checks for decision in decisions)
    [record, *_] = confer.rows(select(RecordRow).filter_by(id=decisions[0].record_id))
    assert record.document["learner"]["ref"] == site.completion.learner
    assert record.document["course"] == site.completion.course


def test_everything_confer_asks_for_is_in_the_site_s_answers(site: Site) -> None:
    done = site.completion
    found = site.moodle.record(learner=done.learner, course=done.course, needs=READ, prerequisites=(done.course,))
    assert found.learner.name
    assert found.course_title
    assert found.completed_at
    assert sum(score.total for score in found.scores) <= 1
    assert [one.state.value for one in found.prerequisites] == ["met"]
    assert set(found.sources) == READ


def test_an_event_of_the_site_is_judged(confer: Driver, site: Site) -> None:
    done = site.completion
    event = {
        "eventname": "\\core\\event\\course_completed", "objectid": "1", "courseid": done.course,
        "relateduserid": done.learner, "userid": "-1", "timecreated": int(done.occurred_at.timestamp()),
        "token": WEBHOOK_SECRET,
    }  # fmt: skip
    confer.deliver(json.dumps(event))
    confer.settle()
    judged(confer, site)


def test_a_batch_of_statements_is_answered_as_its_sender_insists_and_judged(confer: Driver, site: Site) -> None:
    done = site.completion
    statement = {
        "actor": {"name": "Whoever", "account": {"homePage": site.url, "name": done.learner}},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/completed"},
        "object": {"id": f"{site.url}/course/view.php?id={done.course}"},
        "timestamp": done.occurred_at.isoformat(),
    }
    shown = b64encode(f"moodle:{WEBHOOK_SECRET}".encode()).decode()
    headers = {"Authorization": f"Basic {shown}"}
    for _ in range(2):
        answer = confer.web.post("/webhooks/campus/statements", json=[statement], headers=headers)
        assert answer.status_code == 200
        assert len(answer.get_json()) == 1
    confer.settle()
    judged(confer, site)


def test_a_completion_that_only_a_sweep_finds_is_judged(confer: Driver, site: Site) -> None:
    confer.polls = True
    confer.drain(sweep())
    confer.settle()
    judged(confer, site)
