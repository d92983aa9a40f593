"""The commands that look without touching, as a person types them: explain, dry-run, drift, check-config --live."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import func, select

from pipeline.platforms.accredible import Accredible
from pipeline.store.alerts import AlertRow
from pipeline.store.attestations import AttestationRow
from pipeline.store.cases import Case
from pipeline.store.database import reading
from pipeline.store.decisions import Decision, RecordRow
from pipeline.store.ledger import LedgerEntry
from pipeline.store.outbox import Message
from pipeline.values import Format, Template
from tasks.commands.check_config import check_config
from tasks.commands.drift import drift
from tasks.commands.dry_run import dry_run
from tasks.commands.explain import explain
from tests.conftest import SHIPPED
from tests.driver import FIRST_AID, SAFETY, Driver

KEPT = (Case, RecordRow, Decision, LedgerEntry, Message, AlertRow, AttestationRow)


def run(command: click.Command, *arguments: str) -> Result:
    return CliRunner().invoke(command, [*arguments], catch_exceptions=False)


def kept() -> dict[str, int]:
    """How much there is of everything that a run could leave behind."""
    with reading() as session:
        return {kind.__tablename__: session.scalar(select(func.count()).select_from(kind)) or 0 for kind in KEPT}


def edited(confer: Driver, program: str, old: str, new: str) -> Path:
    """A copy of the configuration in which one program says something else."""
    copy = confer.config.parent / "edited"
    shutil.copytree(confer.config, copy)
    file = copy / "programs" / f"{program}.yaml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    return copy


@pytest.fixture
def judged(confer: Driver) -> Driver:
    """A learner who passed, one in doubt, one who failed."""
    for number, score in ((401, "91.5"), (402, "81"), (403, "12")):
        confer.learner(number)
        confer.complete(number, score=score)
    confer.settle()
    assert [confer.case(number).stage for number in (401, 402, 403)] == ["done", "held", "failed"]
    return confer


# explain


def test_explain_tells_a_doubt_with_its_evidence(judged: Driver) -> None:
    case = judged.case(402)
    told = run(explain, case.id)
    assert told.exit_code == 0
    lines = told.output.splitlines()
    assert lines[0] == f"{case.id}: First Aid at Work, for Ada Lovelace (learner 402 of campus)"
    assert "A person has to decide." in told.output
    assert "Why: doubt about the record: score: within 1.6 points of the threshold" in told.output
    assert "by anybody." in told.output
    start = lines.index("  in doubt  score")
    evidence = [line.strip() for line in lines[start + 1 : start + 5]]
    assert [line.split(":")[0] for line in evidence] == ["asked", "seen", "because", "read"]
    assert "80" in evidence[0]
    assert "81" in evidence[1]
    assert evidence[3].startswith("read: gradereport_user_get_grade_items, 20")


def test_explain_tells_what_was_issued_and_where(judged: Driver) -> None:
    told = run(explain, judged.case(401).id).output
    assert "done since" in told
    assert "the criteria are met." in told
    assert f"Credential at badges: confirmed, {judged.credential(401).url}" in told
    assert "passed    score" in told


def test_explain_names_the_person_whose_word_counts_and_an_edited_file(judged: Driver) -> None:
    case = judged.case(403)
    answer = judged.decide("override", 403, by="head-registrar", checks=["score"], reason="re-marked: 82 %")
    assert answer.status_code == 200
    copy = edited(judged, "first-aid", "threshold: 80", "threshold: 85")
    shutil.copytree(copy, judged.config, dirs_exist_ok=True)
    judged.reload()
    told = " ".join(run(explain, case.id).output.split())
    assert "overridden: by" in told
    assert "re-marked: 82 %" in told
    assert "(was: failed)" in told
    assert "the file was edited since" in told


def test_explain_of_a_case_that_was_not_judged_yet(confer: Driver) -> None:
    confer.learner(404)
    confer.complete(404, lag_reads=9)
    confer.drain()
    told = run(explain, confer.case(404).id).output
    assert "The learner's record has to be read from the LMS." in told
    assert "The last attempt: Moodle does not show the course as completed" in told
    assert "Due 20" in told
    assert "Decided" not in told


def test_explain_as_json_and_of_nothing(judged: Driver) -> None:
    case = judged.case(402)
    told = json.loads(run(explain, case.id, "--json").output)
    assert (told["case"], told["outcome"], told["stage"]) == (case.id, "hold", "held")
    assert {check["criterion"] for check in told["checks"]} >= {"score", "identity", "modules"}
    missing = run(explain, "case_0")
    assert missing.exit_code == 1
    assert "there is no case case_0" in missing.output


# dry-run


def test_a_dry_run_says_what_would_happen_and_leaves_nothing(confer: Driver) -> None:
    confer.learner(405)
    confer.event(405)
    before, mails = kept(), len(confer.control.mails())
    done = run(dry_run, "first-aid", "--learner", "405")
    assert done.exit_code == 0
    assert done.output.splitlines()[:5] == [
        "learner 405: passed",
        "  would issue First Aid at Work at badges, template first-aid",
        "  would mail the learner",
        "  would mail the supervisor",
        "  would update sis",
    ]
    assert "1 looked at; 1 passed, 0 in doubt, 0 failed, 0 not judged" in done.output
    assert (kept(), len(confer.control.mails()), confer.creations()) == (before, mails, 0)


def test_a_dry_run_shows_why_it_would_not_pass(confer: Driver) -> None:
    for number, score in ((405, "81"), (406, "12")):
        confer.learner(number)
        confer.event(number, score=score)
    confer.learner(407)
    confer.control.enrol(407, FIRST_AID)
    done = run(dry_run, "first-aid", "--learner", "405", "--learner", "406", "--learner", "407", "--learner", "999")
    assert "learner 405: in doubt\n  in doubt  score" in done.output
    assert "  would wait for a person, for at most 24 h" in done.output
    assert "  would issue nothing\n  would mail the learner what is missing" in done.output
    assert "learner 407: not judged\n  because: Moodle does not show the course as completed" in done.output
    assert "learner 999: not judged" in done.output
    assert "4 looked at; 0 passed, 1 in doubt, 1 failed, 2 not judged" in done.output
    assert "identity" not in done.output
    assert "passed    identity" in run(dry_run, "first-aid", "--learner", "405", "--why").output


def test_a_learner_whose_case_is_decided_keeps_what_was_decided(judged: Driver) -> None:
    done = run(dry_run, "first-aid", "--learner", "401")
    assert f"would change nothing: {judged.case(401).id} is decided and in stage done" in done.output


def test_a_credential_that_is_asked_for_is_missing_also_of_somebody_unknown(confer: Driver) -> None:
    confer.learner(405)
    confer.event(405)
    asked = "  prerequisites: {credentials: [infection-control]}\n  modules: all"
    copy = edited(confer, "first-aid", "  modules: all", asked)
    done = run(dry_run, "first-aid", "--learner", "405", "--config", str(copy))
    assert "learner 405: failed\n  failed    prerequisites" in done.output
    assert "asked: completed: credential infection-control" in done.output


def test_attestations_count_in_a_dry_run_as_they_would(judged: Driver) -> None:
    stated = {
        "source": "campus", "learner": "402", "kind": "investigation", "reason": "report 7", "program": "first-aid",
    }  # fmt: skip
    assert judged.api("POST", "attestations", stated).status_code in {200, 201}
    done = run(dry_run, "first-aid", "--learner", "402", "--why")
    assert "in doubt  integrity" in done.output


def test_past_completions_in_a_file_are_compared_with_what_was_decided(confer: Driver, tmp_path: Path) -> None:
    for number, score in ((405, "95"), (406, "12"), (407, "90")):
        confer.learner(number)
        confer.event(number, score=score)
    file = tmp_path / "past.csv"
    file.write_text("learner,decided,note\n405,pass,\n406,PASS,by hand\n407,,\n", encoding="utf-8-sig")
    done = run(dry_run, "first-aid", "--csv", str(file), "--changes")
    assert "learner 406: failed (was: passed)" in done.output
    assert "learner 405" not in done.output
    assert "3 looked at; of those shown: 0 passed, 0 in doubt, 1 failed" in done.output
    assert "1 otherwise than decided" in done.output
    everything = json.loads(run(dry_run, "first-aid", "--csv", str(file), "--json").output)
    assert [(one["learner"], one["outcome"], one["decided"]) for one in everything] == [
        ("405", "pass", "pass"), ("406", "fail", "pass"), ("407", "pass", None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("id\n307\n", "one has to be `learner`"),
        ("learner\n\n307\n,\n", "names no learner"),
        ("learner,decided\n307,maybe\n", "line 2 of the file: `maybe` is none of pass, hold, fail"),
    ],
)
def test_a_file_that_is_wrong_is_refused_before_anybody_is_asked(
    confer: Driver, tmp_path: Path, text: str, fault: str
) -> None:
    file = tmp_path / "past.csv"
    file.write_text(text)
    done = run(dry_run, "first-aid", "--csv", str(file))
    assert done.exit_code == 2
    assert fault in done.output
    assert confer.control.calls("moodle") == []


def test_an_edited_program_is_tried_against_every_stored_record(judged: Driver) -> None:
    copy = edited(judged, "first-aid", "threshold: 80", "threshold: 95")
    asked = len(judged.control.calls("moodle"))
    done = run(dry_run, "first-aid", "--stored", "--changes", "--config", str(copy))
    assert "learner 401: failed (was: passed)" in done.output
    assert "learner 402: failed (was: in doubt)" in done.output
    assert "learner 403" not in done.output
    assert "3 looked at" in done.output
    assert "2 otherwise than decided. Nothing was changed." in done.output
    assert len(judged.control.calls("moodle")) == asked
    assert "0 otherwise than decided" in run(dry_run, "first-aid", "--stored").output


def test_a_pause_that_the_lms_asks_for_is_kept_and_a_long_one_ends_the_run(confer: Driver) -> None:
    for number in (405, 406):
        confer.learner(number)
        confer.event(number)
    confer.control.fault("moodle", "throttle", retry_after=40, times=1)
    before = confer.clock.now
    done = run(dry_run, "first-aid", "--learner", "405", "--learner", "406")
    assert "2 looked at; 2 passed" in done.output
    assert (confer.clock.now - before).total_seconds() >= 40
    confer.control.fault("moodle", "throttle", retry_after=3600)
    done = run(dry_run, "first-aid", "--learner", "405")
    assert done.exit_code == 1
    assert "stopped after 0 of 1: Moodle answered 429 (throttled)" in done.output


def test_an_outage_ends_the_run_and_what_was_judged_is_shown(confer: Driver) -> None:
    confer.learner(405)
    confer.event(405)
    confer.control.fault("moodle", "status", status=503, skip=len(_calls_of_one(confer)))
    done = run(dry_run, "first-aid", "--learner", "405", "--learner", "405")
    assert done.exit_code == 1
    assert "learner 405: passed" in done.output
    assert "stopped after 1 of 2" in done.output


def _calls_of_one(confer: Driver) -> list[object]:
    """The calls that judging one learner takes."""
    before = len(confer.control.calls("moodle"))
    run(dry_run, "first-aid", "--learner", "405")
    return list(confer.control.calls("moodle")[before:])


@pytest.mark.parametrize("arguments", [[], ["--learner", "1", "--stored"], ["--csv", "nowhere.csv"]])
def test_whom_to_judge_has_to_be_said_once(confer: Driver, arguments: list[str]) -> None:
    assert run(dry_run, "first-aid", *arguments).exit_code == 2


def test_a_program_that_is_not_there_is_named(confer: Driver) -> None:
    done = run(dry_run, "first-ade", "--stored")
    assert done.exit_code == 2
    assert "there is no program first-ade; known: " in done.output


# drift and check-config


@pytest.fixture
def covered(confer: Driver) -> Driver:
    """An installation in which every course has a program or is meant to have none."""
    meant(confer, SAFETY)
    return confer


def meant(confer: Driver, *courses: int) -> None:
    """Say in the account of Moodle that these courses are to have no program."""
    file = confer.config / "accounts.yaml"
    named = ", ".join(f'"{course}"' for course in courses)
    shipped = (SHIPPED / "accounts.yaml").read_text()
    file.write_text(shipped.replace("    system: moodle\n", f"    system: moodle\n    without_program: [{named}]\n"))
    confer.reload()


def test_nothing_has_moved(covered: Driver) -> None:
    done = run(drift)
    assert done.output == "4 accounts asked, 0 findings.\n"
    assert done.exit_code == 0
    live = run(check_config, "--live")
    assert live.exit_code == 0
    assert "No faults; 4 accounts were asked." in live.output


def test_drift_names_what_has_moved_and_check_config_where_it_is_written(covered: Driver) -> None:
    covered.control.add_course(31, shortname="NEW", fullname="New course")
    covered.control.add_course(FIRST_AID, shortname="FA", fullname="First Aid", enablecompletion=False)
    covered.control.lms("canvas").add_course(101, name="Compliance", state="unpublished")
    done = run(drift)
    assert done.exit_code == 1
    assert "campus: course 31, “New course” (NEW), has no program: who completes it gets no credential" in done.output
    assert "campus: first-aid: nobody can complete course 12 at Moodle: " in done.output
    assert "college: healthcare-compliance: course 101 is closed at Canvas" in done.output
    assert "4 accounts asked, 3 findings." in done.output
    assert "[never-completed]" in done.output
    only = json.loads(run(drift, "--account", "college", "--json").output)
    assert [one["kind"] for one in only] == ["course-closed"]
    live = run(check_config, "--live")
    assert live.exit_code == 1
    assert "config/programs/first-aid.yaml:4: course: nobody can complete course 12 at Moodle" in live.output
    assert "config/programs/healthcare-compliance.yaml:" in live.output
    assert "2 faults." in live.output
    assert "has no program" not in live.output


def test_a_course_and_a_template_that_are_gone_stand_with_their_lines(covered: Driver) -> None:
    file = covered.config / "programs" / "infection-control.yaml"
    lines = file.read_text().splitlines()
    [course] = [number for number, line in enumerate(lines) if line.startswith("course:")]
    [template] = [number for number, line in enumerate(lines) if line.strip().startswith("template:")]
    lines[course], lines[template] = 'course: "999"', "      template: no-such-template"
    file.write_text("\n".join(lines))
    covered.reload()
    live = run(check_config, "--live")
    assert f"infection-control.yaml:{course + 1}: course: Moodle does not list course 999" in live.output
    assert (
        f"infection-control.yaml:{template + 1}: credential.at.0.template: Accredible has no template" in live.output
    )
    found = {one["kind"] for one in json.loads(run(drift, "--json").output)}
    assert found == {"course-gone", "template-gone", "no-program"}


def test_what_a_template_lacks_stands_with_the_line_that_asks_for_it(
    covered: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Template(
        ref="4712", name="Infection Control", usable=True, formats=frozenset({Format.CERTIFICATE}),
        attributes=frozenset({"Score", "Grade"}), repeatable=True,
    )  # fmt: skip
    monkeypatch.setattr(Accredible, "template", lambda *_: told)
    found = json.loads(run(drift, "--account", "accredible", "--json").output)
    assert [(one["kind"], one["subject"]) for one in found] == [
        ("format-missing", "4712"), ("attribute-unknown", "Completed"), ("repeatable", "4712"),
    ]  # fmt: skip
    assert "template 4712 of Accredible knows no attribute `Completed`; known: Grade, Score" in found[1]["detail"]
    live = run(check_config, "--live")
    file = (covered.config / "programs" / "infection-control.yaml").read_text().splitlines()
    [formats] = [number for number, line in enumerate(file, 1) if line.strip().startswith("formats:")]
    [attributes] = [number for number, line in enumerate(file, 1) if line.strip().startswith("attributes:")]
    assert f"infection-control.yaml:{formats}: credential.at.0.formats: template 4712" in live.output
    assert f"infection-control.yaml:{attributes}: credential.at.0.attributes.Completed: template" in live.output
    assert "2 faults." in live.output
    monkeypatch.setattr(Accredible, "looks_first", True)
    kinds = [one["kind"] for one in json.loads(run(drift, "--account", "accredible", "--json").output)]
    assert kinds == ["format-missing", "attribute-unknown"], "each is looked up before it is issued"
    unknown = Template(ref="4712", name="Infection Control", usable=True)
    monkeypatch.setattr(Accredible, "template", lambda *_: unknown)
    assert run(drift, "--account", "accredible").exit_code == 0


def test_a_system_that_does_not_answer_is_said_so_and_the_others_are_asked(covered: Driver) -> None:
    covered.control.fault("moodle", "status", status=503)
    covered.control.fault("accredible", "status", status=401)
    found = json.loads(run(drift, "--json").output)
    assert [(one["account"], one["kind"], one["passing"]) for one in found] == [
        ("campus", "not-asked", True), ("accredible", "not-asked", False),
    ]  # fmt: skip
    live = run(check_config, "--live")
    assert "config/accounts.yaml:5: campus: cannot be asked: Moodle answered 503" in live.output


def test_faults_of_the_files_are_told_before_anybody_is_asked(confer: Driver) -> None:
    file = confer.config / "programs" / "first-aid.yaml"
    file.write_text(file.read_text().replace("source: campus", "source: kampus"))
    confer.reload()
    live = run(check_config, "--live")
    assert live.exit_code == 1
    assert "`kampus` is not in accounts.yaml" in live.output
    assert confer.control.calls("moodle") == []


def test_an_account_that_is_not_there_is_named(confer: Driver) -> None:
    done = run(drift, "--account", "kampus")
    assert done.exit_code == 2
    assert "there is no account kampus; known: campus, college, " in done.output


def test_the_courses_that_are_meant_to_have_no_program_are_not_named(confer: Driver) -> None:
    confer.control.add_course(31, shortname="NEW", fullname="New course")
    meant(confer, SAFETY, 31)
    assert "0 findings" in run(drift).output
    confer.learner(405)
    confer.complete(405, 31)
    confer.drain()
    with reading() as session:
        assert session.scalars(select(AlertRow)).all() == []
        assert session.scalars(select(Case)).all() == []
