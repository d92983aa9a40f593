"""The commands for withdrawals, corrections and awards after them, as a person types them."""

from __future__ import annotations

import json
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from pipeline.store.corrections import Correction
from pipeline.store.ledger import LedgerEntry
from pipeline.store.withdrawals import Withdrawal
from tasks.commands.award_again import award_again
from tasks.commands.correct import correct
from tasks.commands.explain import explain
from tasks.commands.withdraw import withdraw
from tasks.commands.withdrawals import withdrawals
from tasks.file_broker import Transport
from tests.driver import Driver
from tests.withdrawing import issued, states

WHY = ("--reason-code", "integrity", "--reason", "report 2026-14")


@pytest.fixture(autouse=True)
def _queues_of_its_own() -> Iterator[None]:
    """What is announced here declares queues, which kombu would remember for every later test of this process."""
    yield
    Transport.global_state.clear()


def run(command: click.Command, *arguments: str) -> Result:
    return CliRunner().invoke(command, arguments, catch_exceptions=False)


def test_a_withdrawal_is_shown_first_then_asked_for_then_approved_by_somebody_else(confer: Driver) -> None:
    case = issued(confer)
    shown = run(withdraw, case, *WHY, "--by", "ada")
    assert f"{case}  first-aid  done  issued " in shown.output
    assert "1 would be withdrawn. Nothing was changed; add --yes" in shown.output
    assert confer.rows(select(Withdrawal)) == []

    asked = run(withdraw, case, *WHY, "--by", "ada", "--yes")
    assert "1 requested, 0 begun, 0 asked for before, 0 refused." in asked.output
    assert "1 requested, 0 begun" not in run(withdraw, case, *WHY, "--by", "ada", "--yes").output
    listed = run(withdrawals, "list").output
    [row] = confer.rows(select(Withdrawal))
    assert f"{row.id}  {case}  first-aid  integrity  requested" in listed
    assert "person:ada: report 2026-14" in listed
    own = run(withdrawals, "approve", row.id, "--reason", "x", "--by", "Ada")
    assert (own.exit_code, "somebody else has to" in own.output) == (1, True)
    done = run(withdrawals, "approve", row.id, "--reason", "report seen", "--by", "jdoe")
    assert (done.exit_code, "1 approved, 0 left." in done.output) == (0, True)
    confer.settle()
    assert (confer.case().stage, states(confer, case)) == ("withdrawn", ["withdrawn"])
    assert "0 requested." in run(withdrawals, "list").output
    assert json.loads(run(withdrawals, "list", "--all", "--json").output)["withdrawals"][0]["state"] == "done"
    actors = [entry.actor for entry in confer.rows(select(LedgerEntry).filter_by(kind="withdrawal.approved"))]
    assert actors == ["person:jdoe"]


def test_a_span_of_a_program_is_asked_for_and_refused_as_one(confer: Driver) -> None:
    issued(confer, 401)
    confer.clock.forward(3 * 86_400)
    cases = sorted(issued(confer, number) for number in (402, 403))
    span = ("--program", "first-aid", "--since", "1 day")
    shown = json.loads(run(withdraw, *span, *WHY, "--json").output)
    assert sorted(one["case"] for one in shown["would_be_withdrawn"]) == cases
    asked = run(withdraw, *span, *WHY, "--by", "ada", "--yes", "--json")
    assert sorted(one["case"] for one in json.loads(asked.stdout)["withdrawals"]) == cases
    [scope] = {row.scope for row in confer.rows(select(Withdrawal))}
    refused = run(withdrawals, "refuse", "--scope", scope, "--reason", "wrong month", "--by", "jdoe")
    assert "2 refused, 0 left." in refused.output
    confer.settle()
    assert {confer.case(number).stage for number in (401, 402, 403)} == {"done"}


def test_a_correction_by_name_or_from_the_lms(confer: Driver) -> None:
    case = issued(confer)
    done = run(correct, case, "--name", "Augusta Ada King", "--reason", "passport seen", "--by", "jdoe")
    assert done.output.endswith(f"{case} is correct now.\n")
    confer.settle()
    [row] = confer.rows(select(Correction))
    assert (row.name, row.made_by) == ("Augusta Ada King", "person:jdoe")
    confer.learner(307, name="Ada King-Noel")
    assert json.loads(run(correct, case, "--from-lms", "--reason", "x", "--json").output)["stage"] == "correct"
    confer.settle()
    assert confer.case().stage == "done"
    assert confer.control.completions()[0]["student"]["name"] == "Ada King-Noel"


def test_an_award_again(confer: Driver) -> None:
    case = issued(confer)
    refused = run(award_again, case, "--reason", "x")
    assert (refused.exit_code, "only what was withdrawn" in refused.output) == (1, True)
    run(withdraw, case, *WHY, "--by", "ada", "--yes")
    [row] = confer.rows(select(Withdrawal))
    run(withdrawals, "approve", row.id, "--reason", "x", "--by", "jdoe")
    confer.settle()
    made = json.loads(run(award_again, case, "--reason", "cleared", "--json").output)
    assert (made["new"], made["stage"]) == (True, "gather")
    assert "opened before" in run(award_again, case, "--reason", "cleared").output
    confer.settle()
    told = run(explain, case).output
    assert "withdrawn since" in told
    assert "Withdrawal (integrity): done. Asked for by person:ada on" in told
    assert "Decided by person:jdoe on" in told
    assert f"The program was awarded again in {made['case']}." in told
    assert f"Follows {case}, which was withdrawn." in run(explain, made["case"]).output


def test_explain_tells_a_correction_under_way_and_done(confer: Driver) -> None:
    case = issued(confer)
    run(correct, case, "--name", "Augusta Ada King", "--reason", "passport seen", "--by", "jdoe")
    told = run(explain, case).output
    assert "A correction is under way" in told
    assert "Correction to Augusta Ada King: under way. Asked for by person:jdoe" in told
    confer.settle()
    assert "Correction to Augusta Ada King: done." in run(explain, case).output


@pytest.mark.parametrize(
    ("command", "arguments", "code", "says"),
    [
        (withdraw, WHY, 2, "name cases, or --program"),
        (withdraw, ("case_0", "--program", "first-aid", *WHY), 2, "not both"),
        (withdraw, ("case_0", "--since", "1 day", *WHY), 2, "belong to --program"),
        (withdraw, ("case_0", *WHY), 1, "there is no case case_0"),
        (withdraw, ("case_0", "--reason", "x"), 2, "--reason-code"),
        (withdraw, ("case_0", "--reason-code", "theft", "--reason", "x"), 2, "theft"),
        (withdrawals, ("approve", "--reason", "x"), 2, "name withdrawals, or --scope"),
        (withdrawals, ("approve", "withdrawal_0", "--reason", "x"), 1, "there is no withdrawal withdrawal_0"),
        (correct, ("case_0", "--reason", "x"), 2, "--name or --from-lms"),
        (correct, ("case_0", "--name", "X", "--from-lms", "--reason", "x"), 2, "one of the two"),
        (correct, ("case_0", "--name", "X", "--reason", "x"), 1, "there is no case case_0"),
        (correct, ("case_0", "--from-lms", "--reason", "x"), 1, "there is no case case_0"),
        (award_again, ("case_0", "--reason", "x"), 1, "there is no case case_0"),
    ],
)
def test_what_is_not_whole_is_refused_in_a_line(
    confer: Driver, command: click.Command, arguments: tuple[str, ...], code: int, says: str
) -> None:
    done = run(command, *arguments)
    assert (done.exit_code, says in done.output) == (code, True), done.output
    assert "Traceback" not in done.output
    assert confer.rows(select(LedgerEntry)) == []


@pytest.mark.parametrize("command", [withdraw, withdrawals, correct, award_again], ids=lambda one: one.name)
def test_help_has_an_example(command: click.Command) -> None:
    assert f"celery -A tasks {command.name}" in run(command, "--help").output
