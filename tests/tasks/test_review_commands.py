"""The commands with which a person decides and attests, as they type them."""

from __future__ import annotations

import json
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from pipeline.store.ledger import LedgerEntry
from pipeline.store.reviews import Review
from tasks.commands.attest import attest
from tasks.commands.review import review
from tasks.file_broker import Transport
from tests.driver import Driver


@pytest.fixture(autouse=True)
def _queues_of_its_own() -> Iterator[None]:
    """What is announced here declares queues, which kombu would remember for every later test of this process."""
    yield
    Transport.global_state.clear()


def run(command: click.Command, *arguments: str, answer: str | None = None) -> Result:
    return CliRunner().invoke(command, [*arguments], input=answer, catch_exceptions=False)


@pytest.fixture
def waiting(confer: Driver) -> Driver:
    """Two cases in doubt and one that failed."""
    for number, score in ((401, "80"), (402, "81"), (403, "12")):
        confer.learner(number)
        confer.complete(number, score=score)
    confer.drain()
    assert [confer.case(number).stage for number in (401, 402, 403)] == ["held", "held", "failed"]
    return confer


def test_the_queue_says_what_waits_why_and_how_long_it_may(waiting: Driver) -> None:
    done = run(review, "list")
    assert "3 waiting, 0 overdue." in done.output
    assert f"{waiting.case(401).id}  first-aid  held, 24 h left" in done.output
    assert "within 1.6 points of the threshold" in done.output
    assert "2 waiting" in run(review, "list", "--stage", "held").output
    assert json.loads(run(review, "list", "--error", "criteria", "--json").output)["total"] == 1
    waiting.clock.forward(25 * 3600)
    assert "overdue by 60 min" in run(review, "list", "--overdue").output


def test_show_tells_what_the_api_tells(waiting: Driver) -> None:
    case = waiting.case(401).id
    shown = json.loads(run(review, "show", case).output)
    assert shown["case"] == case
    assert {check["criterion"] for check in shown["decision"]["checks"]} >= {"score", "identity"}
    missing = run(review, "show", "case_0")
    assert (missing.exit_code, missing.output) == (1, "Error: there is no case case_0\n")


def test_approving_issues_and_names_the_person(waiting: Driver) -> None:
    case = waiting.case(401).id
    done = run(review, "approve", case, "--reason", "seen on paper", "--by", "jdoe")
    assert done.output == f"{case}: held before, issue now.\n"
    waiting.settle()
    assert waiting.case(401).stage == "done"
    [row] = waiting.rows(select(Review))
    assert (row.person, row.action, row.reason) == ("person:jdoe", "approve", "seen on paper")


def test_a_failed_check_has_to_be_named(waiting: Driver) -> None:
    case = waiting.case(403).id
    refused = run(review, "approve", case, "--reason", "x")
    assert refused.exit_code == 1
    assert "an administrator can override failed checks" in refused.output
    refused = run(review, "override", case, "--check", "modules", "--reason", "x")
    assert "not among what did not pass: modules; that is score" in refused.output
    run(review, "override", case, "--check", "score", "--reason", "re-marked: 82 %")
    waiting.settle()
    assert waiting.case(403).stage == "done"


def test_rejecting_closes_and_looking_again_judges_anew(waiting: Driver) -> None:
    assert "held before, closed now" in run(review, "reject", waiting.case(401).id, "--reason", "no show").output
    run(review, "look-again", waiting.case(402).id, "--reason", "grade mended")
    waiting.settle()
    assert [waiting.case(number).stage for number in (401, 402)] == ["closed", "held"]


def test_assigning(waiting: Driver) -> None:
    case = waiting.case(401).id
    run(review, "assign", case, "jdoe")
    assert "1 waiting" in run(review, "list", "--assignee", "jdoe").output
    run(review, "assign", case, "nobody")
    assert "0 waiting" in run(review, "list", "--assignee", "jdoe").output


def test_a_bulk_decision_is_previewed_and_asked_for(waiting: Driver) -> None:
    arguments = ("bulk", "approve", "--stage", "held", "--reason", "register checked")
    refused = run(review, *arguments, answer="n\n")
    assert "2 cases: approve." in refused.output
    assert waiting.rows(select(Review)) == []
    done = run(review, *arguments, "--yes")
    assert (done.exit_code, "2 decided, 0 left." in done.output) == (0, True)
    waiting.settle()
    assert [waiting.case(number).stage for number in (401, 402, 403)] == ["done", "done", "failed"]


def test_a_decision_needs_a_reason(waiting: Driver) -> None:
    for arguments in (("approve", waiting.case(401).id), ("bulk", "approve"), ("reject", "x")):
        done = run(review, *arguments)
        assert done.exit_code == 2
        assert "--reason" in done.output
    assert "reason" in run(review, "approve", waiting.case(401).id, "--reason", " ").output
    assert waiting.case(401).stage == "held"


def test_stating_and_taking_back(confer: Driver) -> None:
    about = ("--source", "campus", "--learner", "307")
    made = run(attest, *about, "--kind", "investigation", "--reason", "report 14", "--by", "jdoe", "--json")
    number = json.loads(made.output)["attestation"]
    confer.learner()
    confer.complete()
    confer.drain()
    assert confer.case().stage == "held"
    assert run(attest, "--withdraw", number, "--reason", "unfounded").output == f"{number} withdrawn.\n"
    confer.settle()
    assert confer.case().stage == "done"
    [entry] = confer.rows(select(LedgerEntry).filter_by(kind="attestation.made"))
    assert entry.actor == "person:jdoe"


LEARNER = ("--learner", "1", "--reason", "x")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--reason", "x"), "kind: "),
        (("--source", "campus", *LEARNER, "--kind", "approval", "--about", "portfolio"), "approved: "),
        (("--source", "campus", *LEARNER, "--kind", "time", "--about", "time_spent", "--hours", "x"), "hours: "),
        (("--source", "moon", *LEARNER, "--kind", "appeal"), "there is no LMS account moon"),
        (("--withdraw", "attestation_0", "--reason", "x"), "there is no attestation"),
    ],
)
def test_what_is_not_whole_is_refused_in_a_line(confer: Driver, arguments: tuple[str, ...], says: str) -> None:
    done = run(attest, *arguments)
    assert done.exit_code in {1, 2}
    assert says in done.output
    assert "Traceback" not in done.output
    assert confer.rows(select(LedgerEntry)) == []


@pytest.mark.parametrize("command", [review, attest])
def test_help_has_an_example(command: click.Command) -> None:
    assert f"celery -A tasks {command.name}" in run(command, "--help").output
