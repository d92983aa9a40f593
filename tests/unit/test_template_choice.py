"""Templates that awards leave out: selected by course type and formats, or told as a fault with file and line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.configuration.documents import ConfigurationFault
from pipeline.configuration.loading import load_configuration
from pipeline.configuration.programs import PLACEHOLDERS, Program, program_from
from pipeline.settings import Settings
from pipeline.steps.award import compose_order
from pipeline.values import Learner, Record

PROGRAM = "programs/infection-control.yaml"
NAMED = '      template: "4712"\n'


@pytest.fixture
def config(accounts_env: Settings) -> Path:
    return accounts_env.config


def mapped(config: Path, *lines: str) -> None:
    """Have the account `accredible` map templates."""
    file = config / "accounts.yaml"
    text = "".join(f"      - {line}\n" for line in lines)
    file.write_text(file.read_text().replace("    in_flight: 2\n", f"    in_flight: 2\n    templates:\n{text}"))


def left_out(config: Path, *, course_type: str = "", formats: str = "[certificate, badge]") -> None:
    """Have the program say its type and formats, and not its template."""
    file = config / PROGRAM
    text = file.read_text().replace(NAMED, "").replace("[certificate, badge]", formats)
    assert "template" not in text
    file.write_text(text.replace("source: campus", f"type: {course_type}\nsource: campus") if course_type else text)


def program(config: Path) -> Program:
    return load_configuration(config).programs["infection-control"]


BOTH = '{formats: [badge, certificate], template: "2"}'
WORKSHOP = '{type: workshop, template: "3"}'
WORKSHOP_BADGE = '{type: workshop, formats: [badge], template: "4"}'
REST = '{template: "1"}'


@pytest.mark.parametrize(
    ("lines", "course_type", "formats", "template"),
    [
        ([REST], "", "[badge]", "1"),
        ([REST], "workshop", "[certificate, badge]", "1"),
        ([REST, BOTH], "", "[certificate, badge]", "2"),
        ([REST, BOTH], "", "[badge]", "1"),
        ([REST, WORKSHOP], "workshop", "[badge]", "3"),
        ([REST, WORKSHOP], "cpd", "[badge]", "1"),
        ([REST, WORKSHOP], "", "[badge]", "1"),
        ([REST, BOTH, WORKSHOP, WORKSHOP_BADGE], "workshop", "[badge]", "4"),
        ([WORKSHOP, '{type: workshop, formats: [certificate], template: "3"}'], "workshop", "[certificate]", "3"),
        ([BOTH, '{type: workshop, template: "2"}'], "workshop", "[badge, certificate]", "2"),
    ],
)
def test_the_line_that_states_most_of_what_fits_says_the_template(
    config: Path, lines: list[str], course_type: str, formats: str, template: str
) -> None:
    mapped(config, *lines)
    left_out(config, course_type=course_type, formats=formats)
    found = program(config)
    assert [award.template for award in found.awards] == [template]
    assert found.course_type == (course_type or None)


def test_the_program_s_own_template_counts_before_any_mapping(config: Path) -> None:
    mapped(config, REST)
    assert program(config).awards[0].template == "4712"


@pytest.mark.parametrize(
    ("lines", "course_type", "says"),
    [
        ([], "", "maps no type and formats certificate, badge to no template; write `template` here"),
        ([WORKSHOP], "", "maps no type and formats certificate, badge to no template"),
        ([WORKSHOP], "cpd", "maps type `cpd` and formats certificate, badge to no template"),
        ([WORKSHOP, BOTH], "workshop", "to templates 3 and 2 alike; write `template` here, or state more there"),
        ([REST, '{template: "9"}'], "", "to templates 1 and 9 alike"),
    ],
)
def test_a_mapping_that_is_missing_or_ambiguous_is_a_fault_of_the_award(
    config: Path, lines: list[str], course_type: str, says: str
) -> None:
    if lines:
        mapped(config, *lines)
    left_out(config, course_type=course_type)
    with pytest.raises(ConfigurationFault) as caught:
        load_configuration(config)
    [fault] = caught.value.faults
    assert says in fault.problem
    assert fault.file == f"config/{PROGRAM}"
    assert "- account: accredible" in (config / PROGRAM).read_text().splitlines()[fault.line - 1]
    file, _, line = fault.problem.split()[0].rpartition(":")
    assert file == "config/accounts.yaml"
    assert "accredible:" in (config / "accounts.yaml").read_text().splitlines()[int(line) - 1]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{type: workshop}", "required"),
        ('{type: " workshop", template: "1"}', "write a word"),
        ('{formats: [diploma], template: "1"}', "certificate, badge"),
        ('{formats: [], template: "1"}', "Shorter"),
        ('{kind: workshop, template: "1"}', "is not known"),
    ],
)
def test_a_line_that_is_wrong_is_told(config: Path, line: str, says: str) -> None:
    mapped(config, line)
    with pytest.raises(ConfigurationFault) as caught:
        load_configuration(config)
    assert any(says in fault.problem and fault.file == "config/accounts.yaml" for fault in caught.value.faults)


def test_a_faulty_account_is_not_told_as_a_missing_mapping_too(config: Path) -> None:
    left_out(config)
    file = config / "accounts.yaml"
    file.write_text(file.read_text().replace("in_flight: 2", "in_flight: 99"))
    with pytest.raises(ConfigurationFault) as caught:
        load_configuration(config)
    assert ["in_flight" in fault.path for fault in caught.value.faults] == [True]


def test_an_entrance_of_a_platform_that_announces_nothing_is_a_fault(config: Path) -> None:
    file = config / "accounts.yaml"
    file.write_text(file.read_text().replace("in_flight: 2", "entrance: {networks: [192.0.2.0/24]}"))
    with pytest.raises(ConfigurationFault, match="Accredible announces nothing; leave it out"):
        load_configuration(config)


# versions


def test_the_selected_template_is_part_of_the_version_and_stays_with_what_is_stored(config: Path) -> None:
    named = program(config).version
    mapped(config, '{template: "4712"}')
    left_out(config)
    chosen = program(config)
    assert chosen.version == named, "how a template was found does not matter"
    file = config / "accounts.yaml"
    file.write_text(file.read_text().replace('{template: "4712"}', '{template: "4713"}'))
    other = program(config)
    assert other.version != named
    stored = json.loads(json.dumps(chosen.document))
    assert program_from(stored).awards[0].template == "4712"
    assert program_from(stored).version == named


#: what the shipped program hashed to before there were types: decisions that are stored refer to it
BEFORE = "ba21d2b8d021c14f8b17bbbcf0ad2b0b1487c3508e07e66817aaa5f3dfb70afe"


def test_versions_of_before_there_were_types_are_the_same(config: Path) -> None:
    found = program(config)
    assert "type" not in found.document
    assert found.version == BEFORE
    file = config / PROGRAM
    file.write_text(file.read_text().replace("source: campus", "type: cpd\nsource: campus"))
    assert program(config).version != BEFORE
    assert program_from(program(config).document).course_type == "cpd"


# attributes


def composed(config: Path, attributes: Mapping[str, str], *, expires: bool = True) -> Mapping[str, str]:
    found = program(config)
    award = replace(found.awards[0], attributes=attributes)
    found = replace(found, valid_for=timedelta(days=365) if expires else None)
    at = datetime(2026, 11, 20, 9, tzinfo=UTC)
    learner = Learner(ref="307", name="Ada Lovelace", email="ada@learners.example", sis_id="S-7")
    record = Record(
        learner=learner, course="13", course_code="INF", course_title="Infection Control 101",
        completed_at=at, read_at=at, sources={},
    )  # fmt: skip
    return compose_order(found, award, record, ref="confer-x", issued_on=date(2026, 11, 25)).attributes


def test_what_attributes_may_hold(config: Path) -> None:
    assert composed(config, {name: f"{{{name}}}" for name in PLACEHOLDERS}) == {
        "score": "", "completed_on": "2026-11-20", "title": "Infection Control", "learner_name": "Ada Lovelace",
        "learner_ref": "307", "course_code": "INF", "course_title": "Infection Control 101",
        "issued_on": "2026-11-25", "expires_on": "2027-11-25", "program": "infection-control",
    }  # fmt: skip
    assert composed(config, {"Until": "to {expires_on}"}, expires=False) == {"Until": "to "}


@pytest.mark.parametrize("name", ["learner_email", "email", "learner_sis_id", "supervisor_email"])
def test_what_reaches_the_learner_is_no_placeholder(config: Path, name: str) -> None:
    file = config / PROGRAM
    file.write_text(file.read_text().replace("{score}", f"{{{name}}}"))
    with pytest.raises(ConfigurationFault, match="may use"):
        load_configuration(config)
