"""What a program and staff.yaml may say about withdrawals; programs that say nothing keep their version."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipeline.configuration.documents import ConfigurationFault
from pipeline.configuration.loading import load_configuration
from pipeline.configuration.programs import program_from
from pipeline.configuration.staff import Role
from pipeline.settings import Settings
from pipeline.store.decisions import content_hash
from pipeline.values import Trigger

ROOT = Path(__file__).parents[2]


@pytest.fixture
def config(accounts_env: Settings, tmp_path: Path) -> Path:
    """The shipped configuration, to be edited."""
    shutil.copytree(ROOT / "config", tmp_path / "edited")
    return tmp_path / "edited"


def written(config: Path, text: str, file: str = "programs/first-aid.yaml") -> Path:
    with (config / file).open("a") as handle:
        handle.write(text)
    return config


def test_a_program_that_says_nothing_keeps_the_version_that_it_had_before_there_was_anything_to_say(
    config: Path,
) -> None:
    program = load_configuration(config).programs["first-aid"]
    assert program.withdrawn_at_once == frozenset()
    assert "withdrawal" not in program.document
    assert program.version == content_hash(program.document)


def test_what_it_says_is_part_of_the_version_and_comes_back_from_its_stored_content(config: Path) -> None:
    before = load_configuration(config).programs["first-aid"].version
    written(config, "\nwithdrawal: {automatic: [chargeback, integrity]}\n")
    program = load_configuration(config).programs["first-aid"]
    assert program.withdrawn_at_once == {Trigger.CHARGEBACK, Trigger.INTEGRITY}
    assert program.version != before
    again = program_from(program.document)
    assert (again.withdrawn_at_once, again.version) == (program.withdrawn_at_once, program.version)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("withdrawal: {automatic: [mistake]}", "integrity, chargeback, accreditation"),
        ("withdrawal: {automatic: [theft]}", "integrity"),
        ("withdrawal: {automatic: integrity}", "write a list"),
        ("withdrawal: {automatc: []}", "did you mean `automatic`"),
        ("withdrawal: {}", "required"),
    ],
)
def test_a_fault_says_what_to_write(config: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigurationFault, match=says):
        load_configuration(written(config, f"\n{text}\n"))


def test_a_system_may_be_let_ask_for_withdrawals(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BILLING_TOKEN", "the-token-of-billing-in-tests")
    text = (config / "staff.yaml").read_text()
    billing = "systems:\n  billing:\n    tokens: env:BILLING_TOKEN\n    withdraws: [chargeback]\n"
    (config / "staff.yaml").write_text(text.replace("systems:\n", billing))
    billing_account = load_configuration(config).staff.people["billing"]
    assert (billing_account.role, billing_account.withdraws) == (Role.SYSTEM, {Trigger.CHARGEBACK})
    assert billing_account.states == ()


@pytest.mark.parametrize("wish", ["", "    withdraws: []\n", "    withdraws: [theft]\n", "    states: []\n"])
def test_a_system_that_may_do_nothing_is_a_fault(config: Path, monkeypatch: pytest.MonkeyPatch, wish: str) -> None:
    monkeypatch.setenv("BILLING_TOKEN", "the-token-of-billing-in-tests")
    text = (config / "staff.yaml").read_text()
    billing = f"systems:\n  billing:\n    tokens: env:BILLING_TOKEN\n{wish}"
    (config / "staff.yaml").write_text(text.replace("systems:\n", billing))
    with pytest.raises(ConfigurationFault):
        load_configuration(config)
