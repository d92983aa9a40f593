"""`rotate-keys`, as an operator types it."""

from __future__ import annotations

import json

from click.testing import CliRunner, Result

from pipeline.badges import keys
from pipeline.settings import Settings
from tasks.commands.rotate_keys import rotate_keys


def run(*arguments: str) -> Result:
    return CliRunner().invoke(rotate_keys, [*arguments], catch_exceptions=False)


def test_new_keys_sign_and_the_old_ones_are_listed(confer_env: Settings) -> None:
    old = keys.signing_key().kid
    done = run()
    assert done.exit_code == 0
    lines = [line.split() for line in done.output.splitlines()[:4]]
    assert [line[:2] for line in lines] == [
        ["signs", "jwt"],
        ["retired", "jwt"],
        ["signs", "data-integrity"],
        ["retired", "data-integrity"],
    ]
    assert lines[0][2] == keys.signing_key().kid != old
    assert lines[1][2] == old
    assert lines[2][2].endswith(f"#{keys.proof_key().multikey}")
    assert "backup" in done.output
    assert "PRIVATE" not in done.output


def test_a_dry_run_changes_nothing(confer_env: Settings) -> None:
    keys.signing_key()
    before = sorted((confer_env.data / "keys").iterdir())
    done = run("--dry-run")
    assert done.output.endswith("Nothing was changed.\n")
    assert [line.split()[0] for line in done.output.splitlines()[:2]] == ["signs", "signs"]
    assert sorted((confer_env.data / "keys").iterdir()) == before


def test_json_for_machines(confer_env: Settings) -> None:
    found = json.loads(run("--json").output)
    assert found["rotated"] is True
    assert [(one["form"], one["state"]) for one in found["keys"]] == [
        ("jwt", "signs"),
        ("jwt", "retired"),
        ("data-integrity", "signs"),
        ("data-integrity", "retired"),
    ]
    assert json.loads(run("--json", "--dry-run").output)["rotated"] is False


def test_keys_that_are_not_in_order_are_told_and_none_is_made(confer_env: Settings) -> None:
    keys.signing_key()
    (confer_env.data / "keys" / "issuer-0001.pem").chmod(0o644)
    done = run()
    assert done.exit_code == 1
    assert "other users" in done.output
    assert len(list((confer_env.data / "keys").iterdir())) == 2


def test_the_help_says_what_becomes_of_the_old_keys() -> None:
    text = " ".join(run("--help").output.split())
    assert "stay published for ever" in text
    assert "halves are destroyed" in text
