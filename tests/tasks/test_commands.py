"""The commands for operations, as an operator types them: what they list, what they change, and how they end."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from pipeline.store.ledger import LedgerEntry
from tasks.commands.check_config import check_config
from tasks.commands.replay import replay
from tasks.file_broker import Transport
from tests.driver import SAFETY, Driver

CELERY = Path(sys.executable).parent / "celery"


@pytest.fixture(autouse=True)
def _queues_of_its_own() -> Iterator[None]:
    """What is announced here declares queues, which kombu would remember for every later test of this process."""
    yield
    Transport.global_state.clear()


@pytest.fixture
def stopped(confer: Driver) -> Driver:
    """A held case, a failed one, a held one at Accredible, a held delivery, and one that is done."""
    confer.learner(401)
    confer.complete(401, score="80")
    confer.drain()
    confer.clock.forward(3600)
    confer.learner(402)
    confer.complete(402, score="12")
    confer.learner(403)
    confer.control.platform("accredible").add_template(4712, name="HC", removed=True)
    confer.complete_at_accredible(403)
    confer.learner(404)
    confer.complete(404, course=SAFETY)
    confer.learner(405)
    confer.complete(405)
    confer.drain()
    assert [confer.case(number).stage for number in (401, 402, 403, 405)] == ["held", "failed", "held", "done"]
    return confer


def run(*arguments: str) -> Result:
    return CliRunner().invoke(replay, [*arguments], catch_exceptions=False)


def listed(*arguments: str) -> list[str]:
    """The ids that would be replayed."""
    done = run("--dry-run", "--json", *arguments)
    assert done.exit_code == 0, done.output
    return [one["id"] for one in json.loads(done.output)]


def test_the_list_names_reason_age_and_where_each_goes_on_and_changes_nothing(stopped: Driver) -> None:
    before = stopped.history()
    done = run("--list")
    assert done.exit_code == 0
    assert "4 stopped." in done.output
    assert f"{stopped.case(401).id}  first-aid  held for 1 h (goes on with gather)" in done.output
    assert "within 1.6 points of the threshold" in done.output
    assert "no program covers course 11 of campus" in done.output
    assert "person:" not in done.output
    assert stopped.history() == before


def test_the_list_as_json(stopped: Driver) -> None:
    found = json.loads(run("--list", "--json").output)
    assert {one["error"] for one in found} == {"doubt", "criteria", "misconfigured"}
    assert [one["since"] for one in found] == sorted(one["since"] for one in found)


@pytest.mark.parametrize(
    ("arguments", "numbers"),
    [
        (("--all", "--program", "first-aid"), [401, 402]),
        (("--all", "--program", "none"), []),
        (("--all", "--platform", "accredible"), [403]),
        (("--all", "--platform", "badges"), []),
        (("--all", "--error", "doubt"), [401]),
        (("--all", "--error", "no such group", "--program", "infection-control"), [403]),
        (("--all", "--error", "%"), []),
        (("--all", "--since", "30 min", "--program", "first-aid"), [402]),
        (("--all", "--since", "2 h", "--program", "first-aid"), [401, 402]),
        (("--all", "--since", "2099-01-01"), []),
        (("--all", "--program", "first-aid", "--error", "doubt", "--since", "2 h"), [401]),
    ],
)
def test_the_filters(stopped: Driver, arguments: tuple[str, ...], numbers: list[int]) -> None:
    assert listed(*arguments) == [stopped.case(number).id for number in numbers]


def test_a_dry_run_changes_nothing(stopped: Driver) -> None:
    before = stopped.history()
    done = run("--all", "--dry-run")
    assert "4 would be replayed." in done.output
    assert stopped.history() == before


def test_one_case_by_its_id_with_the_person_in_the_ledger(stopped: Driver) -> None:
    done = run(stopped.case(403).id, "--by", "jdoe")
    assert (done.exit_code, "1 replayed." in done.output) == (0, True)
    assert stopped.case(403).stage == "issue"
    [entry] = [one for one in stopped.rows(_entries()) if one.kind == "case.replayed"]
    assert entry.actor == "person:jdoe"


def test_all_of_them(stopped: Driver) -> None:
    stopped.control.platform("accredible").add_template(4712, name="HC", course_name="HC", course_description="Done.")
    done = run("--all", "--json", "--by", "jdoe")
    assert len(json.loads(done.stdout)["replayed"]) == 4
    stopped.settle()
    assert [stopped.case(number).stage for number in (401, 402, 403, 405)] == ["held", "failed", "done", "done"]
    assert stopped.creations() == 1
    run("--all")
    stopped.settle()
    assert stopped.creations() == 1


def test_a_platform_account_that_is_gone_does_not_stop_the_replay_of_the_others(stopped: Driver) -> None:
    accounts = stopped.config / "accounts.yaml"
    accounts.write_text(accounts.read_text().replace("  accredible:", "  accredible-2:", 1))
    (stopped.config / "programs" / "infection-control.yaml").unlink()
    stopped.reload()
    done = run("--all", "--json")
    assert len(json.loads(done.stdout)["replayed"]) == 4


def test_an_id_that_is_not_stopped_is_told_and_the_others_are_replayed(stopped: Driver) -> None:
    done = run(stopped.case(401).id, stopped.case(405).id, "case_unknown")
    assert done.exit_code == 1
    assert "1 replayed." in done.output
    for one in (stopped.case(405).id, "case_unknown"):
        assert f"{one}: is not held, failed or stuck; nothing to replay" in done.output


def test_a_case_that_nobody_takes_is_stuck_and_is_woken(confer: Driver) -> None:
    confer.learner()
    confer.complete()
    confer.until("gather")
    confer.waiting.clear()
    assert listed("--all") == []
    confer.clock.forward(400)
    done = run("--list")
    assert "stuck in gather" in done.output
    assert "are the workers running?" in done.output
    assert "1 replayed." in run("--all").output


@pytest.mark.parametrize(
    "arguments", [(), ("--program", "x"), ("case_1", "--all"), ("--since", "yesterday"), ("--all", "--colour")]
)
def test_a_wrong_call_is_a_usage_error_that_changes_nothing(confer: Driver, arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.exit_code == 2
    assert "Usage:" in done.output


def test_the_help_shows_examples(confer: Driver) -> None:
    done = run("--help")
    assert done.exit_code == 0
    options = {"--list", "--dry-run", "--all", "--program", "--platform", "--error", "--since", "--json", "--by"}
    assert options <= set(done.output.split())
    assert "celery -A tasks replay" in done.output


def check(*arguments: str) -> Result:
    return CliRunner().invoke(check_config, [*arguments], catch_exceptions=False)


def test_a_configuration_without_faults_ends_with_0(confer: Driver) -> None:
    done = check()
    assert (done.exit_code, done.output.splitlines()[-1]) == (0, "No faults.")
    assert "first-aid: course 12 of campus, issued at badges" in done.output
    assert json.loads(check("--json").output) == []


def test_all_faults_are_printed_and_it_ends_with_1(confer: Driver) -> None:
    file = confer.config / "programs" / "first-aid.yaml"
    file.write_text(file.read_text().replace("threshold: 80", "treshold: 80").replace("[sis]", "[sys]"))
    targets = confer.config / "targets.yaml"
    targets.write_text(targets.read_text().replace("env:SIS_TOKEN", "hunter2"))
    done = check("--config", str(confer.config))
    assert done.exit_code == 1
    assert done.output.count("config/") >= 3
    assert "hunter2" not in done.output
    found: list[dict[str, Any]] = json.loads(check("--json").output)
    assert {one["file"] for one in found} == {"config/targets.yaml", "config/programs/first-aid.yaml"}
    assert all(one["line"] > 0 and one["problem"] for one in found)


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("check-config",), 0, "No faults."),
        (("replay", "--help"), 0, "can never issue twice"),
        (("replay", "--list"), 0, "0 stopped."),
    ],
)
def test_they_are_commands_of_celery(confer: Driver, arguments: tuple[str, ...], code: int, says: str) -> None:
    done = subprocess.run(
        [str(CELERY), "-A", "tasks", *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, says in done.stdout) == (code, True), done.stdout + done.stderr[-2000:]


def test_a_faulty_configuration_still_lets_its_check_run_and_stops_a_worker(confer: Driver) -> None:
    (confer.config / "targets.yaml").write_text("sis: {system: nothing}\n")
    checked, worker = (
        subprocess.run(
            [str(CELERY), "-A", "tasks", *command], capture_output=True, text=True, timeout=60, check=False
        )
        for command in (("check-config",), ("worker", "-P", "solo", "-Q", "steps"))
    )
    assert checked.returncode == 1
    assert "config/targets.yaml:1: sis.system: write one of: sis" in checked.stdout
    assert worker.returncode == 1
    assert "Confer cannot start; in the configuration:" in worker.stderr


def test_faulty_settings_are_told_at_once_without_a_traceback(
    confer: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONFER_SECRET_KEY", "short")
    monkeypatch.setenv("CONFER_TICK_SECONDS", "soon")
    done = subprocess.run(
        [str(CELERY), "-A", "tasks", "check-config"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode != 0
    assert "CONFER_SECRET_KEY" in done.stderr
    assert "CONFER_TICK_SECONDS" in done.stderr
    assert "Traceback" not in done.stderr


def _entries() -> Any:
    from sqlalchemy import select

    return select(LedgerEntry)
