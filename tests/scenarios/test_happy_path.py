"""A completion becomes a credential, a mail and a student record, and every step can be explained afterwards."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select

from pipeline.configuration.loading import configuration
from pipeline.store.badges import Badge
from pipeline.store.decisions import Decision, RecordRow
from pipeline.store.deliveries import Delivery
from tests.driver import COMPLIANCE, SAFETY, Driver


def test_a_completion_is_issued_by_us_mailed_and_recorded(confer: Driver) -> None:
    email = confer.learner()
    confer.complete(score="91.5")
    confer.drain()

    assert confer.case().stage == "done"
    [badge] = confer.rows(select(Badge))
    credential = confer.credential()
    assert (credential.state, credential.platform_ref) == ("confirmed", badge.public_id)
    assert badge.shown_name == "Ada Lovelace"

    [mail] = confer.control.mails(to=email)
    assert mail["receipts"] == 1
    assert credential.url in mail["text"]
    [copy] = confer.control.mails(to="boss@learners.example")
    assert "Ada Lovelace has earned: First Aid at Work" in copy["subject"]

    [completion] = confer.control.completions()
    assert completion["completionId"] == confer.case().id
    assert completion["student"] == {
        "id": "S-307", "idType": "sis", "email": email, "name": "Ada Lovelace",
    }  # fmt: skip
    assert completion["result"]["score"] == 91.5
    assert completion["credential"]["id"] == badge.public_id
    assert completion["writes"] == 1


def test_each_stage_leaves_its_entry_in_order(confer: Driver) -> None:
    confer.learner()
    confer.complete()
    confer.drain()

    kinds = confer.history(confer.case().id)
    told = [
        "case.opened", "record.gathered", "decision.passed", "credential.intended", "credential.issued",
        "case.issued", "message.sent", "message.sent", "case.notified", "update.sent", "case.done",
    ]  # fmt: skip
    assert [kind for kind in kinds if kind in told] == told


def test_the_decision_keeps_rule_version_each_check_the_value_seen_where_and_when(confer: Driver) -> None:
    confer.learner()
    confer.complete(score="91.5")
    confer.drain()

    [decision] = confer.rows(select(Decision))
    program = configuration().programs["first-aid"]
    assert (decision.outcome, decision.rule_version) == ("pass", program.version)
    score = next(check for check in decision.checks if check["criterion"] == "score")
    assert score["seen"] == "91.500 %" or score["seen"].startswith("91.5")
    assert score["threshold"] == "80 %"
    assert score["where"] == "gradereport_user_get_grade_items"
    assert score["read_at"] == confer.rows(select(RecordRow))[0].read_at.isoformat()
    assert {check["criterion"] for check in decision.checks} == {
        "agreement", "identity", "integrity", "modules", "profile", "score",
    }  # fmt: skip


def test_a_completion_is_issued_at_accredible(confer: Driver) -> None:
    email = confer.learner()
    confer.control.complete(307, SAFETY, score="88")
    confer.complete(course=COMPLIANCE, score="93.25")
    confer.drain()

    assert confer.case().stage == "done"
    [credential] = confer.control.credentials()
    row = confer.credential()
    assert row.platform_ref == str(credential["id"])
    assert row.url == credential["url"]
    assert credential["recipient_name"] == "Ada Lovelace"
    assert credential["custom_attributes"] == {
        "Score": "93.25", "Completed": confer.clock.now.date().isoformat(),
    }  # fmt: skip
    assert credential["issued_on"] == confer.clock.now.date().isoformat()
    [mail] = confer.control.mails(to=email)
    assert credential["url"] in mail["text"]
    assert confer.control.completions()[0]["credential"]["url"] == credential["url"]


def test_the_mail_carries_the_linkedin_link_of_the_credential(confer: Driver) -> None:
    email = confer.learner()
    confer.complete()
    confer.drain()

    [mail] = confer.control.mails(to=email)
    [link] = [line for line in mail["text"].splitlines() if line.startswith("https://www.linkedin.com/")]
    values = parse_qs(urlsplit(link).query)
    assert values["certUrl"] == [confer.credential().url]
    assert values["certId"] == [confer.credential().platform_ref]


def test_the_stored_delivery_holds_no_secret(confer: Driver) -> None:
    confer.learner()
    confer.complete()

    [delivery] = confer.rows(select(Delivery))
    assert "token" not in json.loads(delivery.body)
    assert b"secret" not in delivery.body


def test_nothing_downstream_happens_before_the_credential_is_confirmed(confer: Driver) -> None:
    confer.learner()
    confer.complete()
    confer.until("issue")
    assert confer.case().stage == "issue"
    assert confer.control.mails() == []
    assert confer.control.completions() == []


def test_a_program_with_both_platforms_waits_for_both_and_for_its_review_window(
    confer: Driver, next_configuration: None
) -> None:
    email = confer.learner()
    confer.complete(score="79.95")
    confer.drain()
    assert confer.case().stage == "issue"
    confer.clock.forward(2 * 3600 - 60)
    confer.drain()
    assert confer.creations() == 0, "issued before the review window ended"

    confer.settle()
    assert confer.case().stage == "done"
    assert confer.creations() == 1
    [mail] = confer.control.mails(to=email)
    assert "Accredible" in mail["text"]
    assert "linkedin" not in mail["text"].lower()
    rows = {one["student"]["idType"] for one in confer.control.completions()}
    assert rows <= {"sis", "student-number"}
    assert [update.state for update in (confer.update("sis"), confer.update("registry"))] == ["sent", "sent"]


@pytest.fixture
def next_configuration(confer: Driver) -> None:
    import shutil
    from pathlib import Path

    shutil.rmtree(confer.config)
    shutil.copytree(Path(__file__).parent.parent / "config_next", confer.config)
    confer.reload()
