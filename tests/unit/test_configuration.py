"""The configuration: every fault at once, each with file, line and what to write instead; and stable versions."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest
from marshmallow import Schema

from pipeline import adapters
from pipeline.configuration.documents import ConfigurationFault, Fault
from pipeline.configuration.loading import Configuration, load_configuration
from pipeline.configuration.programs import program_from
from pipeline.contracts import Lms, Platform
from pipeline.lms.moodle import Moodle
from pipeline.options import NoOptions
from pipeline.platforms.openbadges import OpenBadges
from pipeline.settings import Settings
from pipeline.values import Fact, Format

ROOT = Path(__file__).parents[2]
FIRST_AID = "programs/first-aid.yaml"


@pytest.fixture
def config(accounts_env: Settings) -> Path:
    """The shipped configuration, to be broken."""
    return accounts_env.config


@pytest.fixture
def edit(config: Path) -> Callable[..., Path]:
    """Replaces text in a file of the configuration; it has to be there."""

    def replace(file: str, *changes: tuple[str, str]) -> Path:
        path = config / file
        text = path.read_text()
        for old, new in changes:
            assert old in text, f"{old!r} is not in {file}"
            text = text.replace(old, new, 1)
        path.write_text(text)
        return path

    return replace


def faults(config: Path) -> list[Fault]:
    with pytest.raises(ConfigurationFault) as caught:
        load_configuration(config)
    told = caught.value.faults
    assert str(caught.value) == "\n".join(map(str, told))
    return told


def the_fault(config: Path) -> Fault:
    told = faults(config)
    assert len(told) == 1, [str(one) for one in told]
    return told[0]


def line_of(config: Path, file: str, text: str) -> int:
    return next(n for n, line in enumerate((config / file).read_text().splitlines(), 1) if text in line)


# what is fine


def test_the_shipped_configuration_loads(config: Path) -> None:
    found = load_configuration(config)
    assert set(found.lms) == {"campus", "college"}
    assert set(found.programs) == {
        "financial-regulations", "first-aid", "healthcare-compliance", "infection-control", "leadership",
        "project-management",
    }  # fmt: skip
    assert found.issue_queues == ("issue.accredible", "issue.badges")
    program = found.program_for(source="campus", course="12")
    assert program is not None
    assert program.name == "first-aid"
    assert found.program_for(source="campus", course="99") is None


def test_the_next_configuration_loads(config: Path) -> None:
    shutil.rmtree(config)
    shutil.copytree(ROOT / "tests" / "config_next", config)
    found = load_configuration(config)
    assert found.lms["college"].options["success_status"] == 200
    assert found.platforms["accredible"].in_flight == 1
    assert found.platforms["accredible"].settles_within.total_seconds() == 45
    assert found.platforms["badges"].rate is None
    assert [award.account for award in found.programs["first-aid"].awards] == ["accredible", "badges"]
    assert found.programs["compliance"].prerequisites == ("11", "12")


def test_an_account_overrides_the_limit_of_its_platform(config: Path, edit: Callable[..., Path]) -> None:
    edit("accounts.yaml", ("rate: {calls: 100, per_seconds: 60}", "rate: {calls: 7, per_seconds: 2.5}"))
    rate = load_configuration(config).platforms["accredible"].rate
    assert rate is not None
    assert (rate.calls, rate.window.total_seconds()) == (7, 2.5)
    edit("accounts.yaml", ("    rate: {calls: 7, per_seconds: 2.5}\n", ""))
    assert load_configuration(config).platforms["accredible"].rate == adapters.PLATFORMS["accredible"].rate


# one fault after the other: file, old text, new text, the line's text, what is said
BROKEN: list[tuple[str, str, str, str, str]] = [
    ("accounts.yaml", "  campus:", "  Campus One:", "Campus One", "lower-case letters"),
    ("accounts.yaml", "system: moodle", "system: modle", "modle",
    "write one of: canvas, docebo, moodle, talentlms, teachable, thinkific"),
    ("accounts.yaml", "site: env:CAMPUS_MOODLE_URL", "site: campus.example", "site:", "write an address such as"),
    ("accounts.yaml", "site: env:CAMPUS_MOODLE_URL", "site: env:NOT_SET", "site:", "NOT_SET is not set"),
    ("accounts.yaml", "token: env:CAMPUS_MOODLE_TOKEN", "token: 0123abc", "token:", "or `file:/path`"),
    ("accounts.yaml", "key: env:ACCREDIBLE_KEY", "key: s3cret", "key:", "write `env:NAME` or `file:/path`"),
    ("accounts.yaml", "key: env:ACCREDIBLE_KEY", "key: file:/nowhere", "key:", "/nowhere cannot be read"),
    ("accounts.yaml", "- env:CAMPUS_WEBHOOK_SECRET\n", "- a-literal\n", "secrets:", "write `env:NAME`"),
    ("accounts.yaml", "env:CAMPUS_WEBHOOK_SECRET_NEXT?", "a-literal?", "secrets:", "write `env:NAME`"),
    ("accounts.yaml", "calls: 100", "calls: 0", "rate:", "greater than or equal to 1"),
    ("accounts.yaml", "calls: 100", "call: 100", "rate:", "did you mean `calls`"),
    ("accounts.yaml", "in_flight: 2", "in_flight: 99", "in_flight", "less than or equal to 32"),
    ("accounts.yaml", "in_flight: 2", "in_fligth: 2", "in_fligth", "did you mean `in_flight`"),
    ("accounts.yaml", "in_flight: 2", "in_flight: two", "in_flight", "whole number"),
    ("accounts.yaml", "lms:", "lmss:", "lmss:", "write `lms` or `platforms`"),
    ("targets.yaml", "system: sis", "system: crm", "system:", "write one of: sis"),
    ("targets.yaml", "token: env:SIS_TOKEN", "tokn: env:SIS_TOKEN", "tokn", "did you mean `token`"),
    (FIRST_AID, "program: first-aid", "program: First Aid", "program:", "lower-case letters"),
    (FIRST_AID, "program: first-aid\n", "", "title:", "is required and missing"),
    (FIRST_AID, 'course: "12"', "course: 12", "course:", 'write it in quotes'),
    (FIRST_AID, "source: campus", "source: kampus", "source:",
    "`kampus` is not in accounts.yaml; known: campus, college"),
    (FIRST_AID, "score: {threshold: 80}", "score: {threshold: 101}", "score:",
    "is more than 100, of which it is counted"),
    (FIRST_AID, "score: {threshold: 80}", "score: {threshold: eighty}", "score:", "number"),
    (FIRST_AID, "score: {threshold: 80}", "score: {treshold: 80}", "score:", "did you mean `threshold`"),
    (FIRST_AID, "modules: all", "modules: some", "modules:", "write `all`"),
    (FIRST_AID, "modules: all", "attendance: all", "attendance:",
    "is no criterion; known: agreement, all_of, any_of"),
    (FIRST_AID, "account: badges", "account: badgs", "account:", "`badgs` is not in accounts.yaml"),
    (FIRST_AID, "[certificate, badge]", "[diploma]", "formats:", "certificate, badge"),
    (FIRST_AID, "[certificate, badge]", "[]", "formats:", "Shorter than minimum length 1"),
    (FIRST_AID, "valid_for: 730 days", "valid_for: two years", "valid_for:", "write a duration such as"),
    (FIRST_AID, "valid_for: 730 days", "valid_for: 99999999999 days", "valid_for:", "at most a century"),
    (FIRST_AID, "learner: true", "learner: perhaps", "learner:", "`true` or `false`"),
    (FIRST_AID, "learner: true", "lerner: true", "lerner:", "did you mean `learner`"),
    (FIRST_AID, "downstream: [sis]", "downstream: [sys]", "downstream:", "`sys` is not in targets.yaml; known: sis"),
    (FIRST_AID, "downstream: [sis]", "downstream: sis", "downstream:", "list"),
    (FIRST_AID, "notify:", "notifi:", "notifi:", "did you mean `notify`"),
    (FIRST_AID, "      template: first-aid\n", "", "account:", "to no template; write `template` here"),
    (FIRST_AID, "description: Has", "descripton: Has", "descripton", "did you mean `description`"),
    ("programs/infection-control.yaml", "{score}", "{grade}", "attributes:", "may use {score}, {completed_on}"),
    ("programs/infection-control.yaml", "{score}", "{score", "attributes:", "may use {score}"),
    ("programs/infection-control.yaml", "{score}", "{}", "attributes:", "may use {score}"),
    ("programs/infection-control.yaml", "{score}", "{score:d}", "attributes:", "may use {score}"),
    ("programs/infection-control.yaml", "{score}", "{title.__class__}", "attributes:", "may use {score}"),
    ("programs/infection-control.yaml", "{score}", "{title!r}", "attributes:", "may use {score}"),
    ("programs/infection-control.yaml", 'courses: ["11"]', "courses: []", "prerequisites:",
    "name `courses` of the LMS"),
]  # fmt: skip


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken[2].strip()[:30])
def test_a_fault_names_its_file_its_line_and_what_to_write(
    config: Path, edit: Callable[..., Path], broken: tuple[str, str, str, str, str]
) -> None:
    file, old, new, at, says = broken
    edit(file, (old, new))
    [mine] = [one for one in faults(config) if says in one.problem]
    assert mine.file == f"config/{file}"
    text = (config / file).read_text().splitlines()[mine.line - 1]
    if "required" not in says:
        assert at in text or new.strip().split(":")[0] in text
    assert str(mine).startswith(f"config/{file}:{mine.line}: ")


def test_the_faults_of_all_files_are_told_at_once(config: Path, edit: Callable[..., Path]) -> None:
    edit("accounts.yaml", ("key: env:ACCREDIBLE_KEY", "key: literal"), ("system: moodle", "system: moddle"))
    edit("targets.yaml", ("url: env:SIS_URL", "url: sis.example"))
    edit(FIRST_AID, ("threshold: 80", "threshold: -1"), ("valid_for: 730 days", "valid_for: ever"))
    edit("programs/infection-control.yaml", ("learner: true", "learner: 7"))
    told = faults(config)
    assert [one.file for one in told] == sorted(
        ["config/accounts.yaml"] * 2 + ["config/targets.yaml"] + [f"config/{FIRST_AID}"] * 2
        + ["config/programs/infection-control.yaml"]
    )  # fmt: skip
    assert told == sorted(told)


def test_a_secret_in_a_file_is_refused_without_being_repeated(config: Path, edit: Callable[..., Path]) -> None:
    edit(
        "accounts.yaml",
        ("key: env:ACCREDIBLE_KEY", "key: hunter2"),
        ("token: env:CAMPUS_MOODLE_TOKEN", "token: hunter2"),
    )
    assert "hunter2" not in "".join(map(str, faults(config)))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("lms: [", "this is no YAML"),
        ("lms:\n  a: 1\n a: 2\n", "this is no YAML"),
        ("lms: {}\nlms: {}\n", "this is no YAML"),
        ("lms: {}\n---\nlms: {}\n", "this is no YAML"),
        ("\tlms: {}\n", "this is no YAML"),
        ("", "expected names and values"),
        ("# nothing\n", "expected names and values"),
        ("- a\n", "expected names and values"),
        ("lms: 7\n", "expected accounts by name"),
        ("lms:\n", "expected accounts by name"),
        ("lms: []\n", "expected accounts by name"),
        ("lms: {campus: 7}\n", "write one of"),
        ("lms: {12: {system: moodle}}\n", "lower-case letters"),
        ("lms: {null: {system: moodle}}\n", "lower-case letters"),
        ("lms: {campus: {system: [moodle]}}\n", "write one of"),
    ],
)
def test_a_file_that_is_no_yaml_or_of_another_shape_is_told(config: Path, text: str, says: str) -> None:
    (config / "accounts.yaml").write_text(text)
    told = [one for one in faults(config) if one.file == "config/accounts.yaml"]
    assert any(says in one.problem for one in told), [str(one) for one in told]


def test_a_file_that_is_not_text_is_told(config: Path) -> None:
    (config / "targets.yaml").write_bytes(b"\xff\xfe\x00")
    assert "cannot be read" in next(one.problem for one in faults(config) if one.file == "config/targets.yaml")


@pytest.mark.parametrize("file", ["accounts.yaml", "targets.yaml"])
def test_a_missing_file_is_told(config: Path, file: str) -> None:
    (config / file).unlink()
    assert [str(one) for one in faults(config) if one.file == f"config/{file}"] == [
        f"config/{file}:1: this file is missing"
    ]


def test_no_program_at_all_is_a_fault(config: Path) -> None:
    shutil.rmtree(config / "programs")
    assert "there is no program" in the_fault(config).problem


@pytest.mark.parametrize(
    "text", ["7", "[]", "criteria: 7", "criteria: {12: {}}", "criteria: [score]", "credential: {at: 7}"]
)
def test_a_program_of_any_shape_is_told(config: Path, text: str) -> None:
    (config / "programs" / "more.yaml").write_text(text + "\n")
    assert all(one.file == "config/programs/more.yaml" for one in faults(config))


def test_two_programs_for_one_course_or_of_one_name_are_told_with_the_other_file(config: Path) -> None:
    shutil.copy(config / FIRST_AID, config / "programs" / "second.yaml")
    problems = {one.problem for one in faults(config)}
    assert problems == {
        f"this course is covered by config/{FIRST_AID} already", f"the name is taken by config/{FIRST_AID}",
    }  # fmt: skip


def test_one_account_twice_in_one_program_is_told(config: Path, edit: Callable[..., Path]) -> None:
    edit(FIRST_AID, ("    - account: badges\n", "    - {account: badges, template: other}\n    - account: badges\n"))
    found = the_fault(config)
    assert found.problem == "issues it already; one credential per account"
    assert found.line == line_of(config, FIRST_AID, "- account: badges")


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("targets.yaml", "token: env:SIS_TOKEN", "token: literal"),
        ("accounts.yaml", "key: env:ACCREDIBLE_KEY", "key: literal"),
        ("accounts.yaml", "token: env:CAMPUS_MOODLE_TOKEN", "token: literal"),
    ],
)
def test_an_account_with_a_fault_of_its_own_is_not_called_missing_by_the_programs(
    config: Path, edit: Callable[..., Path], file: str, old: str, new: str
) -> None:
    edit(file, (old, new))
    assert the_fault(config).file == f"config/{file}"


def test_a_format_that_the_platform_does_not_issue_is_told(
    config: Path, edit: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OpenBadges, "formats", frozenset({Format.BADGE}))
    found = [one for one in faults(config) if one.file == f"config/{FIRST_AID}"]
    assert [one.problem for one in found] == ["Open Badges (our own issuer) issues badge, not certificate"]
    assert found[0].line == line_of(config, FIRST_AID, "formats:")


def test_a_criterion_that_the_lms_cannot_supply_is_told(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Moodle, "provides", Moodle.provides - {Fact.PREREQUISITES})
    found = the_fault(config)
    assert found.problem == "Moodle cannot supply prerequisites; write `attested: true` if a person is to attest it"
    assert found.line == line_of(config, "programs/infection-control.yaml", "prerequisites:")


# versions


def version(config: Path, name: str = "first-aid") -> str:
    return load_configuration(config).programs[name].version


SAME = [
    ("program: first-aid", "# a word\n\nprogram:   'first-aid'   # another"),
    ("source: campus\n", "\nsource: campus\n\n\n"),
    ("{threshold: 80}", "{threshold: 80, margin: 2}"),
    ("modules: all", "modules: {}"),
    ("  linkedin: true\n", ""),
    ("[certificate, badge]", "\n        - certificate\n        - badge"),
    ("valid_for: 730 days", "valid_for: 17520 h"),
    ('course: "12"', "course: '12'"),
]
OTHER = [
    ("{threshold: 80}", "{threshold: 80.5}"),
    ("{threshold: 80}", "{threshold: 80, margin: 1}"),
    ("modules: all", "modules: {named: [Welcome]}"),
    ("title: First Aid at Work", "title: First Aid at  Work"),
    ("valid_for: 730 days", "valid_for: 731 days"),
    ("[certificate, badge]", "[badge, certificate]"),
    ("linkedin: true", "linkedin: false"),
    ("downstream: [sis]", "downstream: []"),
    ("template: first-aid", "template: first-aid-2"),
    ('course: "12"', 'course: "15"'),
]


@pytest.mark.parametrize(("old", "new"), SAME)
def test_an_edit_of_comments_or_spelling_does_not_change_the_version(
    config: Path, edit: Callable[..., Path], old: str, new: str
) -> None:
    before = version(config)
    edit(FIRST_AID, (old, new))
    assert version(config) == before


@pytest.mark.parametrize(("old", "new"), OTHER)
def test_an_edit_of_a_value_changes_the_version(config: Path, edit: Callable[..., Path], old: str, new: str) -> None:
    before = version(config)
    edit(FIRST_AID, (old, new))
    assert version(config) != before


def test_the_version_is_a_hash_of_the_content_and_not_of_the_place(config: Path) -> None:
    before = version(config)
    (config / FIRST_AID).rename(config / "programs" / "renamed.yaml")
    assert version(config) == before
    assert re.fullmatch("[0-9a-f]{64}", before)


@pytest.mark.parametrize("directory", ["config", "tests/config_next"])
def test_a_program_comes_back_from_its_stored_content_unchanged(config: Path, directory: str) -> None:
    import json

    shutil.rmtree(config)
    shutil.copytree(ROOT / directory, config)
    found: Configuration = load_configuration(config)
    for program in found.programs.values():
        again = program_from(json.loads(json.dumps(program.document)))
        assert again.version == program.version
        assert again.document == program.document
        for name in (
            "name",
            "awards",
            "valid_for",
            "issue_after",
            "credential_title",
            "downstream",
            "linkedin",
            "narrative",
        ):
            assert getattr(again, name) == getattr(program, name)
        assert [(one.name, one.values) for one in again.criteria] == [
            (one.name, one.values) for one in program.criteria
        ]
        assert again.needs == program.needs


# the contract of adapters


@pytest.mark.parametrize("missing", ["name", "label", "options", "provides"])
def test_an_adapter_that_leaves_out_a_part_of_its_data_sheet_fails_at_import_by_name(missing: str) -> None:
    sheet: dict[str, Any] = {"name": "x", "label": "X", "options": NoOptions, "provides": frozenset()}
    sheet.pop(missing)
    with pytest.raises(TypeError, match=rf"test_configuration.py: Incomplete does not state {missing}"):
        type("Incomplete", (Lms,), {**sheet, "__module__": __name__})


def test_a_platform_states_everything_the_lane_needs() -> None:
    with pytest.raises(TypeError, match="rate, formats, bulk, prevents_duplicates, finds_by, settles_within"):

        class Incomplete(Platform):
            name = "x"
            label = "X"
            options: ClassVar[type[Schema]] = NoOptions


def test_the_registry_finds_every_adapter_by_its_name() -> None:
    assert set(adapters.LMSS) == {"canvas", "docebo", "moodle", "talentlms", "teachable", "thinkific"}
    assert set(adapters.PLATFORMS) == {"accredible", "badgr", "certifier", "credly", "openbadges", "sertifier"}
    assert set(adapters.TARGETS) == {"sis"}
    assert set(adapters.CRITERIA) == {
        "agreement", "approval", "identity", "integrity", "modules", "prerequisites", "profile", "score",
        "time_spent",
    }  # fmt: skip
