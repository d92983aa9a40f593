"""After the credential: one mail, one student record, and neither of the two holds back the other."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from pipeline.steps.replay import Filter, replay, stopped
from pipeline.steps.sweep import sweep
from pipeline.store.outbox import Update
from tests.driver import Driver

MakeDriver = Callable[..., Driver]
PERSON = "person:registrar"


def test_a_mail_whose_answer_is_lost_is_one_message_received_twice_at_most(confer: Driver) -> None:
    email = confer.learner()
    confer.control.fault("mail", "drop_after", at="data", to=email, times=1)
    confer.complete()
    confer.settle()
    assert confer.case().stage == "done"
    [mail] = confer.control.mails(to=email)
    assert mail["receipts"] == 2
    assert confer.message().handed_over == 2


def test_a_mail_that_was_cut_before_it_arrived_is_sent_again(confer: Driver) -> None:
    email = confer.learner()
    confer.control.fault("mail", "drop_before", at="data", to=email, times=1)
    confer.complete()
    confer.settle()
    assert confer.case().stage == "done"
    assert confer.control.mails(to=email)[0]["receipts"] == 1


def test_a_mail_that_ends_unclear_twice_goes_to_a_person_and_a_replay_sends_it_once_more(confer: Driver) -> None:
    email = confer.learner()
    confer.control.fault("mail", "drop_after", at="data", to=email, times=2)
    confer.complete()
    confer.settle()
    assert (confer.case().stage, confer.case().error_kind, confer.case().resume) == ("held", "unsure", "notify")
    assert confer.control.mails(to=email)[0]["receipts"] == 2

    confer.drain(replay(confer.case().id, actor=PERSON))
    confer.settle()
    assert confer.case().stage == "done"
    assert confer.control.mails(to=email)[0]["receipts"] == 3
    assert len(confer.control.mails(to=email)) == 1


def test_a_refused_address_does_not_hold_back_the_record_and_ends_with_a_person(confer: Driver) -> None:
    email = confer.learner()
    confer.control.fault("mail", "status", status=550, at="rcpt", to=email, times=1)
    confer.complete()
    confer.settle()
    assert len(confer.control.completions()) == 1
    assert (confer.case().stage, confer.case().resume) == ("held", "notify")
    assert "550 5.1.1" in confer.case().error
    assert email not in confer.case().error

    confer.drain(replay(confer.case().id, actor=PERSON))
    confer.settle()
    assert confer.case().stage == "done"
    assert confer.control.mails(to=email)[0]["receipts"] == 1
    assert confer.control.completions()[0]["writes"] == 1


def test_an_address_that_smtp_cannot_carry_does_not_hold_back_the_record(confer: Driver) -> None:
    confer.learner(email="j\u00f6rg@learners.example")
    confer.complete()
    confer.settle()
    assert len(confer.control.completions()) == 1
    assert confer.case().stage == "held"
    assert "mail to the learner" in confer.case().error


@pytest.mark.parametrize(
    "address",
    ["boss", "a@b.example, c@d.example", "boss@x.example\nBcc: all@x.example", "b\u00f6ss@learners.example"],
)
def test_a_supervisor_address_that_is_none_does_not_hold_back_learner_and_record(
    confer: Driver, address: str
) -> None:
    email = confer.learner(supervisor_email=None, fields={"manageremail": address})
    confer.complete()
    confer.settle()
    assert len(confer.control.mails(to=email)) == 1
    assert len(confer.control.completions()) == 1
    assert len(confer.control.mails()) == 1
    assert (confer.case().stage, confer.case().resume) == ("held", "notify")


@pytest.mark.parametrize(("status", "at"), [(451, "rcpt"), (450, "rcpt"), (451, "data"), (452, "data")])
def test_a_mail_server_that_says_not_now_is_asked_again_after_five_minutes(
    confer: Driver, status: int, at: str
) -> None:
    email = confer.learner()
    confer.control.fault("mail", "status", status=status, at=at, to=email, times=2)
    confer.complete()
    began = confer.clock.now
    confer.settle()
    assert confer.case().stage == "done"
    assert confer.clock.now - began >= timedelta(minutes=10)
    assert confer.control.mails(to=email)[0]["receipts"] == 1


def test_three_times_not_now_ends_with_a_person_and_the_record_is_written(confer: Driver) -> None:
    email = confer.learner()
    confer.control.fault("mail", "status", status=451, at="rcpt", to=email)
    confer.complete()
    confer.settle()
    assert confer.case().stage == "held"
    assert confer.message().attempts == 2
    assert len(confer.control.completions()) == 1


def test_a_refused_text_is_not_doubt(confer: Driver) -> None:
    email = confer.learner()
    confer.control.fault("mail", "status", status=554, at="data", to=email, times=1)
    confer.complete()
    confer.settle()
    assert confer.case().stage == "held"
    assert confer.message().state == "rejected"


def test_a_server_that_closes_at_the_text_costs_neither_attempt_nor_hand_over(confer: Driver) -> None:
    """421 is a clear no about the server: the mail was not taken, however often that happens."""
    email = confer.learner()
    confer.control.fault("mail", "status", status=421, at="data", to=email, times=3)
    confer.complete()
    confer.settle()
    assert confer.case().stage == "done"
    assert confer.control.mails(to=email)[0]["receipts"] == 1
    assert "message.unclear" not in confer.history()


def test_an_unclear_end_is_not_forgotten_over_a_clear_no(confer: Driver) -> None:
    """Unclear, then not now, then unclear: that is twice handed over, and a third time is a person's to decide."""
    email = confer.learner()
    confer.control.fault("mail", "drop_after", at="data", to=email, times=1)
    confer.control.fault("mail", "status", status=451, at="data", to=email, times=1)
    confer.control.fault("mail", "drop_after", at="data", to=email, times=1)
    confer.complete()
    confer.settle()
    assert confer.case().stage == "held"
    assert confer.control.mails(to=email)[0]["receipts"] == 2


def test_a_mail_server_that_is_down_for_hours_costs_no_attempt(make_driver: MakeDriver) -> None:
    confer = make_driver(CONFER_SMTP_URL="smtp://127.0.0.1:9")
    email = confer.learner()
    confer.complete()
    confer.drain()
    for _ in range(12):
        confer.clock.forward(900)
        confer.drain(sweep())
    assert (confer.case().stage, confer.case().attempts) == ("notify", 0)
    assert confer.message().attempts == 0
    assert confer.control.mails(to=email) == []


def test_a_refused_supervisor_copy_does_not_mail_the_learner_twice(confer: Driver) -> None:
    email = confer.learner()
    confer.control.fault("mail", "status", status=451, at="rcpt", to="boss@learners.example", times=1)
    confer.complete()
    confer.settle()
    assert confer.case().stage == "done"
    assert confer.control.mails(to=email)[0]["receipts"] == 1
    assert confer.control.mails(to="boss@learners.example")[0]["receipts"] == 1


@pytest.mark.parametrize("kind", ["drop_after", "drop_before", "html", "garbage"])
def test_a_lost_answer_of_the_records_system_is_sent_again_and_written_once(confer: Driver, kind: str) -> None:
    confer.learner()
    confer.control.fault("sis", kind, times=1, after=kind in {"html", "garbage"})
    confer.complete()
    confer.settle()
    assert confer.case().stage == "done", confer.case().error
    [completion] = confer.control.completions()
    assert completion["writes"] == 1


def test_an_empty_answer_that_is_no_204_is_not_taken_for_a_written_record(confer: Driver) -> None:
    confer.learner()
    confer.control.fault("sis", "empty_200", times=1)
    confer.complete()
    confer.settle()
    assert len(confer.control.completions()) == 1
    assert confer.case().stage == "done"


@pytest.mark.parametrize("status", [500, 503])
def test_a_failing_records_system_is_tried_again_and_the_case_ends_done(confer: Driver, status: int) -> None:
    email = confer.learner()
    confer.control.fault("sis", "status", status=status, times=3)
    confer.complete()
    confer.settle()
    assert confer.case().stage == "done"
    assert confer.update().attempts == 0
    assert confer.control.mails(to=email)[0]["receipts"] == 1


def test_a_throttling_records_system_is_not_called_before_its_pause_ends(confer: Driver) -> None:
    confer.learner()
    confer.control.fault("sis", "throttle", retry_after=600, times=1)
    confer.complete()
    confer.drain()
    confer.clock.forward(590)
    confer.drain(sweep())
    assert len(confer.control.calls("sis")) == 1
    confer.settle()
    assert confer.case().stage == "done"


def test_a_record_that_is_refused_is_held_with_the_fields_named_and_a_replay_finishes(confer: Driver) -> None:
    email = confer.learner()
    confer.control.set_sis(known_students_only=True)
    confer.complete()
    confer.settle()
    case = confer.case()
    assert (case.stage, case.error_kind, case.resume) == ("held", "rejected", "downstream")
    assert case.error == "sis: SIS (generic REST) answered 404 urn:sis:student-not-found (student.id)"

    confer.control.add_student("S-307", name="Ada Lovelace", email=email)
    confer.drain(replay(case.id, actor=PERSON))
    confer.settle()
    assert confer.case().stage == "done"
    assert confer.control.mails(to=email)[0]["receipts"] == 1


def test_a_422_is_held_and_its_texts_are_not_kept(confer: Driver) -> None:
    confer.learner()
    body = '{"type":"urn:sis:validation","errors":[{"field":"student.name","message":"Ada Lovelace is too long"}]}'
    confer.control.fault("sis", "status", status=422, times=1, body=body)
    confer.complete()
    confer.settle()
    assert "422 urn:sis:validation (student.name)" in confer.case().error
    assert "Lovelace" not in confer.case().error


def test_a_target_that_is_gone_from_the_configuration_is_loud_and_a_replay_finishes(confer: Driver) -> None:
    confer.learner()
    confer.complete()
    confer.until("downstream")
    targets, program = confer.config / "targets.yaml", confer.config / "programs" / "first-aid.yaml"
    known, rule = targets.read_text(), program.read_text()
    targets.write_text(known.replace("sis:\n", "other:\n", 1))
    for file in (confer.config / "programs").glob("*.yaml"):
        file.write_text(file.read_text().replace("[sis]", "[other]"))
    confer.reload()
    confer.settle()
    assert confer.case().stage == "held"
    assert "sis is gone from targets.yaml" in confer.case().error

    targets.write_text(known)
    for file in (confer.config / "programs").glob("*.yaml"):
        file.write_text(file.read_text().replace("[other]", "[sis]"))
    program.write_text(rule)
    confer.reload()
    confer.drain(replay(confer.case().id, actor=PERSON))
    assert confer.case().stage == "done"
    assert len(confer.rows(select(Update))) == 1


def test_replaying_everything_twice_issues_sends_and_writes_nothing_twice(confer: Driver) -> None:
    """A held, a failed, a done and a refused case, all replayed over and over."""
    confer.learner(401)
    confer.complete_at_accredible(401)
    confer.settle()
    confer.learner(402)
    confer.complete(402, score="80.5")
    confer.learner(403)
    confer.complete(403, score="12")
    refused = confer.learner(404)
    confer.control.fault("mail", "status", status=550, at="rcpt", to=refused, times=1)
    confer.complete(404)
    confer.settle()
    assert {one.state for one in stopped(Filter())} == {"held", "failed"}

    everything = [case.id for case in confer.cases()]
    for _ in range(2):
        for one in everything:
            confer.drain(replay(one, actor=PERSON))
        confer.settle()
    assert [confer.case(number).stage for number in (401, 402, 403, 404)] == ["done", "held", "failed", "done"]
    assert confer.creations() == 1
    assert confer.history().count("credential.issued") == 2
    learners = [mail for mail in confer.control.mails() if mail["recipient"] != "boss@learners.example"]
    assert sorted((mail["recipient"], mail["receipts"]) for mail in learners) == [
        ("ada.401@learners.example", 1),
        ("ada.403@learners.example", 1),  # what is missing, told once
        ("ada.404@learners.example", 1),
    ]
    assert [completion["writes"] for completion in confer.control.completions()] == [1, 1]


def test_the_ledger_says_which_person_replayed(confer: Driver) -> None:
    from pipeline.store.ledger import LedgerEntry

    confer.learner()
    confer.complete(score="80.5")
    confer.settle()
    confer.drain(replay(confer.case().id, actor=PERSON))
    [entry] = confer.rows(select(LedgerEntry).filter_by(kind="case.replayed"))
    assert entry.actor == PERSON
