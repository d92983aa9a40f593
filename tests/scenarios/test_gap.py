"""A learner who does not meet the criteria is told what is missing, in words, once for each gap."""

from __future__ import annotations

from sqlalchemy import select

from pipeline.store.outbox import Message
from tests.driver import COMPLIANCE, SAFETY, Driver


def test_a_learner_who_fails_is_told_what_is_missing_and_gets_no_credential(confer: Driver) -> None:
    email = confer.learner()
    confer.complete(score="60")
    confer.settle()
    assert confer.case().stage == "failed"
    assert confer.history().count("credential.planned") == 0
    [mail] = confer.control.mails(to=email)
    assert mail["subject"] == "What is missing for First Aid at Work"
    for part in ("text", "html"):
        assert "80 %" in mail[part]
        assert "60" in mail[part]
    assert confer.control.mails(to="boss@learners.example") == [], "the supervisor is not told"


def test_a_prerequisite_that_is_not_met_is_named_as_the_gap(confer: Driver) -> None:
    email = confer.learner()
    confer.control.enrol(307, SAFETY)
    confer.complete(course=COMPLIANCE, score="95")
    confer.settle()
    assert confer.case().stage == "failed"
    [mail] = confer.control.mails(to=email)
    assert "Prerequisites" in mail["text"]
    assert "not completed: course 11" in mail["text"]


def test_the_same_gap_is_told_once_and_another_one_anew(confer: Driver) -> None:
    email = confer.learner()
    confer.complete(score="60")
    confer.settle()
    assert confer.decide("look_again").status_code == 200
    confer.settle()
    assert len(confer.control.mails(to=email)) == 1, "nothing changed"
    confer.complete(score="70")
    confer.settle()
    assert confer.case().stage == "failed"
    assert len(confer.control.mails(to=email)) == 2
    confer.complete(score="95")
    confer.settle()
    assert confer.case().stage == "done"
    subjects = [mail["subject"] for mail in confer.control.mails(to=email)]
    assert subjects[-1] == "Your credential: First Aid at Work"


def test_a_program_can_leave_it_to_staff(confer: Driver) -> None:
    file = confer.config / "programs" / "first-aid.yaml"
    file.write_text(file.read_text().replace("linkedin: true", "linkedin: true\n  gap: false"))
    confer.reload()
    email = confer.learner()
    confer.complete(score="60")
    confer.settle()
    assert confer.case().stage == "failed"
    assert confer.control.mails(to=email) == []


def test_a_gap_mail_that_cannot_be_delivered_leaves_the_case_failed(confer: Driver) -> None:
    confer.learner(email="nobody@learners.example")
    confer.control.fault("mail", "status", status=550)
    confer.complete(score="60")
    confer.settle()
    assert confer.case().stage == "failed"
    [row] = confer.rows(select(Message))
    assert (row.kind, row.state) == ("gap", "rejected")


def test_a_mail_server_that_is_away_delays_the_verdict_and_loses_no_mail(confer: Driver) -> None:
    email = confer.learner()
    fault = confer.control.fault("mail", "status", status=451, times=2)
    assert fault
    confer.complete(score="60")
    confer.settle()
    assert confer.case().stage == "failed"
    assert len(confer.control.mails(to=email)) == 1
