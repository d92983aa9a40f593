"""What becomes of a completion by what the LMS says: doubt holds, a fail is told, a better record reopens."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from pipeline.stages import Stage
from pipeline.steps.replay import Filter, replay, stopped
from pipeline.store.decisions import Decision, Rule
from pipeline.store.deliveries import Delivery
from pipeline.store.ledger import LedgerEntry
from tests.driver import COMPLIANCE, FIRST_AID, SAFETY, Driver

PEOPLE = "person:registrar"


def test_a_score_near_the_threshold_is_held_for_a_person_and_nothing_is_issued(confer: Driver) -> None:
    email = confer.learner()
    confer.complete(score="80.5")
    confer.settle()

    case = confer.case()
    assert (case.stage, case.error_kind, case.resume) == ("held", "doubt", "gather")
    assert "within 1.6 points of the threshold" in case.error
    assert confer.control.mails(to=email) == []
    assert confer.control.completions() == []


def test_an_exempt_module_is_held(confer: Driver) -> None:
    confer.learner()
    confer.complete(modules={"22": "exempt"})
    confer.settle()
    assert confer.case().stage == "held"
    assert "Bleeding and shock" in confer.case().error


def test_a_failed_check_closes_without_credential_and_a_later_better_record_reopens_the_case(confer: Driver) -> None:
    confer.learner()
    confer.complete(score="51")
    confer.settle()
    assert confer.case().stage == "failed"
    assert "below the threshold" in confer.case().error
    first = confer.case().id

    confer.complete(score="95")
    confer.settle()
    assert (confer.case().id, confer.case().stage) == (first, "done")
    outcomes = [decision.outcome for decision in confer.rows(select(Decision).order_by(Decision.id))]
    assert outcomes == ["fail", "pass"], "both decisions are kept"


def test_the_same_event_of_a_failed_case_does_not_reopen_it(confer: Driver) -> None:
    confer.learner()
    event = confer.event(score="51")
    confer.deliver(_json(event))
    confer.drain()
    confer.deliver(_json(event))
    confer.drain()
    assert confer.case().stage == "failed"
    assert confer.history().count("decision.failed") == 1


def test_a_changed_redelivery_issues_no_second_credential(confer: Driver) -> None:
    email = confer.learner()
    confer.complete()
    confer.drain()
    confer.complete()  # Moodle writes a new completion row: another objectid
    confer.settle()

    assert len(confer.rows(select(Delivery))) == 2
    assert confer.case().stage == "done"
    assert confer.history().count("credential.issued") == 1
    assert confer.history().count("event.duplicate") == 1
    assert confer.control.mails(to=email)[0]["receipts"] == 1


def test_a_changed_redelivery_while_the_first_is_under_way_makes_no_second_case(confer: Driver) -> None:
    confer.learner()
    for _ in range(3):
        confer.complete()
    confer.until("issue")
    confer.complete()
    confer.settle()
    assert confer.case().stage == "done"
    assert confer.history().count("credential.planned") == 1


def test_a_new_email_or_name_makes_no_second_person(confer: Driver) -> None:
    confer.learner()
    confer.complete_at_accredible()
    confer.settle()
    confer.learner(name="Ada King", email="ada.king@learners.example")
    confer.complete_at_accredible()
    confer.settle()
    assert len(confer.cases()) == 1
    assert confer.creations() == 1


def test_an_unmet_prerequisite_fails_and_names_the_course(confer: Driver) -> None:
    confer.learner()
    confer.control.enrol(307, SAFETY)
    confer.complete(course=COMPLIANCE)
    confer.settle()
    assert (confer.case().stage, confer.case().error) == ("failed", "prerequisites: not completed: course 11")
    assert confer.creations() == 0


def test_a_prerequisite_that_the_lms_will_not_tell_is_held(confer: Driver) -> None:
    confer.learner()
    confer.complete(course=COMPLIANCE)
    confer.settle()
    assert confer.case().stage == "held"
    assert "unclear: course 11" in confer.case().error


def test_a_course_without_a_program_holds_the_delivery_and_a_replay_finds_the_program_added_later(
    confer: Driver,
) -> None:
    confer.learner()
    delivery_id = confer.complete(course=SAFETY)
    confer.settle()
    [delivery] = confer.rows(select(Delivery))
    assert (delivery.state, delivery.error_kind) == ("held", "misconfigured")
    assert delivery.error == "no program covers course 11 of campus"
    assert confer.cases() == []
    assert [one.id for one in stopped(Filter())] == [delivery_id]

    _write(confer.config, "safety.yaml", _read(confer.config).replace('"12"', '"11"').replace("first-aid", "safety"))
    confer.reload()
    confer.drain(replay(delivery_id, actor=PEOPLE))
    assert confer.case().stage == "done"
    assert stopped(Filter()) == []


def test_a_held_delivery_replayed_without_the_program_is_held_again(confer: Driver) -> None:
    confer.learner()
    delivery_id = confer.complete(course=SAFETY)
    confer.settle()
    confer.drain(replay(delivery_id, actor=PEOPLE))
    confer.settle()
    assert [one.id for one in stopped(Filter())] == [delivery_id]


def test_an_edit_of_the_program_after_the_decision_changes_nothing_for_that_case(confer: Driver) -> None:
    email = confer.learner()
    confer.complete(score="91.5")
    confer.until("issue")
    before = confer.case().rule_version

    edited = _read(confer.config).replace("title: First Aid at Work", "title: Something Else")
    edited = edited.replace("downstream: [sis]", "downstream: []").replace("learner: true", "learner: false")
    _write(confer.config, "first-aid.yaml", edited)
    confer.reload()
    confer.settle()

    assert confer.case().stage == "done"
    assert confer.case().rule_version == before
    [mail] = confer.control.mails(to=email)
    assert mail["subject"] == "Your credential: First Aid at Work"
    assert len(confer.control.completions()) == 1
    assert [rule.version for rule in confer.rows(select(Rule))] == [before]


def test_an_edit_before_the_decision_is_the_rule_of_the_decision(confer: Driver) -> None:
    confer.learner()
    confer.complete(score="91.5")
    confer.until("verify")
    _write(confer.config, "first-aid.yaml", _read(confer.config).replace("threshold: 80", "threshold: 95"))
    confer.reload()
    confer.settle()
    assert confer.case().stage == "failed"
    [decision] = confer.rows(select(Decision))
    assert confer.rows(select(Rule))[0].version == decision.rule_version == confer.case().rule_version


def test_a_program_deleted_after_the_decision_is_still_finished(confer: Driver) -> None:
    email = confer.learner()
    confer.complete()
    confer.until("issue")
    (confer.config / "programs" / "first-aid.yaml").unlink()
    confer.reload()
    confer.settle()
    assert confer.case().stage == "done"
    assert len(confer.control.mails(to=email)) == 1


def test_a_program_deleted_before_the_decision_is_loud(confer: Driver) -> None:
    confer.learner()
    confer.complete()
    confer.until("gather")
    (confer.config / "programs" / "first-aid.yaml").unlink()
    confer.reload()
    confer.settle()
    assert (confer.case().stage, confer.case().error_kind) == ("held", "misconfigured")


def test_a_lagging_lms_is_read_again_and_never_counts_as_a_fail(confer: Driver) -> None:
    confer.learner()
    confer.complete(lag_reads=4)
    confer.settle(within=timedelta(hours=1))
    assert confer.case().stage == "done"
    assert confer.history().count("case.not_ready") == 4


def test_grades_that_trail_the_completion_are_waited_for(confer: Driver) -> None:
    confer.learner()
    confer.complete(needs_update_reads=2, grade_lag_reads=2)
    confer.settle(within=timedelta(hours=1))
    assert confer.case().stage == "done"


def test_an_lms_that_never_shows_the_completion_ends_with_a_person(confer: Driver) -> None:
    confer.learner()
    confer.complete(lag_reads=100_000)
    confer.settle(within=timedelta(hours=30))
    case = confer.case()
    assert (case.stage, case.error_kind, case.resume) == ("held", "notready", "gather")
    assert case.changed_at - case.opened_at <= timedelta(hours=24)


def test_an_lms_that_is_down_costs_no_attempt(confer: Driver) -> None:
    confer.learner()
    fault = confer.control.fault("moodle", "status", status=503)
    confer.complete()
    confer.drain()
    for _ in range(60):
        confer.clock.forward(60)
        from pipeline.steps.sweep import sweep

        confer.drain(sweep())
    assert (confer.case().stage, confer.case().attempts) == ("gather", 0)
    confer.control.clear_fault(fault)
    confer.settle()
    assert confer.case().stage == "done"


def test_a_revoked_lms_token_waits_for_the_administrator_and_costs_no_attempt(confer: Driver) -> None:
    confer.learner()
    confer.control.set_moodle(token="another")
    confer.complete()
    confer.drain()
    assert (confer.case().stage, confer.case().error_kind, confer.case().attempts) == ("gather", "misconfigured", 0)
    confer.control.set_moodle(token="moodle-token")
    confer.settle()
    assert confer.case().stage == "done"


def test_a_suspended_learner_is_held(confer: Driver) -> None:
    confer.learner(suspended=True)
    confer.complete()
    confer.settle()
    assert confer.case().stage == "held"
    assert "suspended" in confer.case().error


def test_a_case_that_fails_leaves_a_reason_without_personal_data(confer: Driver) -> None:
    email = confer.learner(name="Zebulon Quirke")
    confer.complete(score="12")
    confer.settle()
    said = str([entry.facts for entry in confer.rows(select(LedgerEntry))]) + str(confer.case().error)
    assert "Quirke" not in said
    assert email not in said


@pytest.mark.parametrize(
    ("score", "stage"),
    [("78.399", "failed"), ("78.4", "held"), ("81.6", "held"), ("81.601", "done"), ("80", "held"), ("0", "failed")],
)
def test_scores_at_the_margins_of_the_shipped_program(confer: Driver, score: str, stage: str) -> None:
    confer.learner()
    confer.complete(score=score)
    confer.settle()
    assert confer.case().stage == Stage(stage)


def _read(config: Path) -> str:
    return (config / "programs" / "first-aid.yaml").read_text()


def _write(config: Path, name: str, text: str) -> None:
    (config / "programs" / name).write_text(text)


def _json(event: dict[str, object]) -> str:
    import json

    return json.dumps(event)


assert FIRST_AID != COMPLIANCE
