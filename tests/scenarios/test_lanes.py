"""The lanes as an operator moves them: paused, resumed, re-rated while they run, and what staff is told of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from pipeline.steps.lane.alerts import TOLD_AFTER
from pipeline.steps.lane.operating import lanes as standings
from pipeline.store.alerts import AlertRow
from pipeline.store.ledger import LedgerEntry
from tasks.commands.lanes import lanes
from tasks.file_broker import Transport
from tests.driver import Driver


@pytest.fixture(autouse=True)
def _queues_of_its_own() -> Iterator[None]:
    """What is announced here declares queues, which kombu would remember for every later test of this process."""
    yield
    Transport.global_state.clear()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(lanes, [*arguments], catch_exceptions=False)


def cohort(confer: Driver, size: int) -> None:
    """So many learners whose credential is planned at Accredible and waits there."""
    for number in range(401, 401 + size):
        confer.learner(number)
        confer.complete_at_accredible(number)
    while any(wakeup.task != "issue" for wakeup in confer.waiting):
        wakeup = confer.waiting.popleft()
        if wakeup.task == "issue":
            confer.waiting.append(wakeup)
        else:
            confer.waiting.extend(confer.step(wakeup))


def creates(confer: Driver) -> int:
    return sum(
        call["method"] == "POST" and "search" not in call["path"] for call in confer.control.calls("accredible")
    )


def alerts(confer: Driver) -> list[str]:
    return [row.title for row in confer.rows(select(AlertRow).order_by(AlertRow.id))]


def test_the_list_says_what_waits_and_when_it_will_be_done(confer: Driver) -> None:
    cohort(confer, 3)
    [lane] = [one for one in standings() if one.account == "accredible"]
    assert (lane.waiting, lane.calls, lane.limit_from) == (3, 100, "accounts.yaml")
    assert lane.done_about is not None
    assert lane.done_about > confer.clock.now
    shown = run()
    assert "accredible (Accredible): 3 waiting, done about" in shown.output
    assert "100 calls in 60 s" in shown.output
    assert "badges (Open Badges (our own issuer)): nothing waits" in shown.output
    assert [one["waiting"] for one in json.loads(run("--json").output)] == [3, 0]


def test_a_backlog_is_estimated_by_its_pace(confer: Driver) -> None:
    cohort(confer, 5)
    assert run("rate", "accredible", "1/60", "--reason", "test").exit_code == 0
    [lane] = [one for one in standings() if one.account == "accredible"]
    calls = -(-5 // lane.at_once)
    assert lane.done_about == confer.clock.now + timedelta(minutes=calls)


def test_a_paused_account_is_not_called_and_goes_on_where_it_stopped(confer: Driver) -> None:
    cohort(confer, 2)
    assert "is paused" in run("pause", "accredible", "--by", "ada", "--reason", "maintenance").output
    confer.drain()
    confer.clock.forward(600)
    confer.drain()
    assert creates(confer) == 0
    shown = run().output
    assert "paused since" in shown
    assert "by person:ada: maintenance" in shown
    assert "done about" not in shown
    assert "goes on" in run("resume", "accredible", "--by", "ada", "--reason", "over").output
    confer.settle()
    assert [one.stage for one in confer.cases()] == ["done", "done"]
    assert len(confer.control.credentials()) == 2
    kinds = [row.kind for row in confer.rows(select(LedgerEntry).filter_by(subject="lane:accredible"))]
    assert kinds == ["lane.paused", "lane.resumed"]


def test_pausing_one_account_holds_up_no_other(confer: Driver) -> None:
    run("pause", "accredible", "--reason", "test")
    confer.learner()
    confer.complete()
    confer.settle()
    assert confer.case().stage == "done"


def test_a_rate_is_changed_while_it_runs_and_taken_back(confer: Driver) -> None:
    cohort(confer, 2)
    assert "2/60" in run("rate", "accredible", "2/60", "--reason", "half").output
    assert "2 calls in 60 s" in run().output
    assert "(set by a person)" in run().output
    assert run("rate", "accredible", "default", "--reason", "whole").exit_code == 0
    assert "100 calls in 60 s" in run().output


@pytest.mark.parametrize(
    "limit", ["", "60", "60/", "0/60", "60/0", "x/60", "60/x", "1e9/1", "5/-1", "5/nan", "5/1e300"]
)
def test_a_rate_that_is_none_is_refused_with_how_to_write_it(confer: Driver, limit: str) -> None:
    refused = run("rate", "accredible", limit, "--reason", "test")
    assert refused.exit_code == 2
    assert "such as 60/60" in refused.output


@pytest.mark.parametrize("verb", [["pause", "acredible"], ["resume", "acredible"], ["rate", "acredible", "1/1"]])
def test_an_account_that_is_not_there_is_told_with_those_that_are(confer: Driver, verb: list[str]) -> None:
    refused = run(*verb, "--reason", "test")
    assert refused.exit_code == 1
    assert "no platform account acredible; known: accredible, badges" in refused.output


def test_our_own_issuer_has_no_rate(confer: Driver) -> None:
    assert "has no limit" in run("rate", "badges", "5/60", "--reason", "test").output


def test_staff_is_told_of_an_outage_after_half_an_hour_once_and_when_it_is_over(confer: Driver) -> None:
    confer.learner()
    fault = confer.control.fault("accredible", "status", status=503)
    confer.complete_at_accredible()
    confer.settle_for(TOLD_AFTER - timedelta(minutes=2))
    assert "accredible is down" not in alerts(confer)
    confer.settle_for(timedelta(hours=2))
    assert alerts(confer).count("accredible is down") == 1
    confer.control.clear_fault(fault)
    confer.settle()
    assert confer.case().stage == "done"
    assert alerts(confer).count("accredible is back") == 1
    assert confer.credential().attempts == 0, "an outage costs no attempt"


def test_a_short_outage_is_not_told(confer: Driver) -> None:
    confer.learner()
    confer.control.fault("accredible", "status", status=503, times=3)
    confer.complete_at_accredible()
    confer.settle()
    assert confer.case().stage == "done"
    assert [title for title in alerts(confer) if "accredible" in title] == []


def test_a_refused_key_is_told_at_once_and_what_is_due_waits(confer: Driver) -> None:
    confer.learner()
    confer.control.platform("accredible").set(key="another-key-than-ours")
    confer.complete_at_accredible()
    confer.settle_for(timedelta(minutes=5))
    assert alerts(confer).count("accredible refuses us") == 1
    assert confer.case().stage == "issue"
    confer.control.platform("accredible").set(key="accredible-key")
    confer.settle()
    assert confer.case().stage == "done"
    assert len(confer.control.credentials()) == 1


def test_a_lower_limit_is_learnt_and_told(confer: Driver) -> None:
    run("rate", "accredible", "default", "--reason", "test")
    cohort(confer, 1)
    confer.control.fault("accredible", "throttle", retry_after=20, times=1)
    confer.settle()
    assert confer.case(401).stage == "done"
    assert "accredible takes less than its limit" in alerts(confer)
    [lane] = [one for one in standings() if one.account == "accredible"]
    assert (lane.calls, lane.limit_from) == (25, "learnt from a 429")
    assert "(learnt from a 429)" in run().output


def test_a_quota_of_the_day_is_told_and_waited_for(confer: Driver) -> None:
    cohort(confer, 1)
    confer.control.fault("accredible", "throttle", retry_after=6 * 3600, times=1)
    confer.drain()
    confer.settle_for(timedelta(seconds=20))
    assert confer.case(401).stage == "issue"
    confer.clock.forward(6 * 3600)
    confer.settle()
    assert confer.case(401).stage == "done"
    assert "accredible asked for a pause" in alerts(confer)
    assert confer.credential(401).attempts == 0


# the API


def test_the_api_shows_and_moves_what_the_command_does(confer: Driver) -> None:
    cohort(confer, 2)
    shown = confer.api("GET", "lanes")
    assert shown.headers["Cache-Control"] == "no-store"
    assert [one["waiting"] for one in shown.get_json()["lanes"]] == [2, 0]
    moved = {"by": "head-registrar"}
    paused = confer.api("POST", "lanes/accredible/pause", {"reason": "maintenance"}, **moved)
    assert paused.get_json()["lanes"][0]["paused_by"] == "person:head-registrar"
    confer.drain()
    assert creates(confer) == 0
    rated = {"reason": "slower", "rate": {"calls": 5, "per_seconds": 10}}
    assert confer.api("POST", "lanes/accredible/rate", rated, **moved).get_json()["lanes"][0]["calls"] == 5
    rated = {"reason": "as ever", "rate": None}
    assert confer.api("POST", "lanes/accredible/rate", rated, **moved).get_json()["lanes"][0]["calls"] == 100
    assert confer.api("POST", "lanes/accredible/resume", {"reason": "over"}, **moved).status_code == 200
    confer.settle()
    assert [one.stage for one in confer.cases()] == ["done", "done"]


@pytest.mark.parametrize(
    ("path", "body", "by", "status"),
    [
        ("lanes/accredible/pause", {"reason": "x"}, "", 401),
        ("lanes/accredible/pause", {"reason": "x"}, "registrar", 403),
        ("lanes/accredible/pause", {"reason": "x"}, "proctoring", 403),
        ("lanes/acredible/pause", {"reason": "x"}, "head-registrar", 404),
        ("lanes/accredible/pause", {}, "head-registrar", 422),
        ("lanes/accredible/pause", {"reason": ""}, "head-registrar", 422),
        ("lanes/accredible/pause", [], "head-registrar", 400),
        ("lanes/accredible/rate", {"reason": "x"}, "head-registrar", 422),
        ("lanes/accredible/rate", {"reason": "x", "rate": {"calls": 0, "per_seconds": 1}}, "head-registrar", 422),
        ("lanes/badges/rate", {"reason": "x", "rate": None}, "head-registrar", 422),
    ],
)
def test_who_may_not_and_what_is_wrong_is_refused_and_changes_nothing(
    confer: Driver, path: str, body: object, by: str, status: int
) -> None:
    before = standings()
    assert confer.api("POST", path, body, by=by).status_code == status
    assert standings() == before


def test_a_system_may_not_even_look(confer: Driver) -> None:
    assert confer.api("GET", "lanes", by="proctoring").status_code == 403
    assert confer.api("GET", "lanes", by="").status_code == 401
