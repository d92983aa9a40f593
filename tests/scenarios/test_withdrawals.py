"""Withdrawals from the request to the mail: at each stage, around each loss, and never alone or twice."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from pipeline.errors import Misconfigured, Outage, Rejected, Unsure
from pipeline.platforms.accredible import Accredible
from pipeline.platforms.openbadges import OpenBadges
from pipeline.settings import settings
from pipeline.stages import Stage
from pipeline.steps import issue
from pipeline.steps.poll import Claim, _known
from pipeline.steps.replay import replay
from pipeline.steps.sweep import sweep
from pipeline.steps.turn import Effect, take_turn
from pipeline.steps.withdraw import withdraw
from pipeline.store.alerts import AlertRow
from pipeline.store.credentials import CredentialRow
from pipeline.store.database import reading
from pipeline.store.ledger import LedgerEntry
from pipeline.store.outbox import Message, Update
from pipeline.store.withdrawals import Withdrawal
from pipeline.values import Issued, Order
from tests.driver import FIRST_AID, Driver
from tests.withdrawing import (
    again,
    approved,
    ask,
    complete_later,
    credentials,
    decide,
    issued,
    states,
    subjects,
    withdrawal,
)

EMAIL = "ada.307@learners.example"


class Killed(BaseException):
    """Stands for kill -9: no handler of the product may see it."""


def dies(*_: object, **__: object) -> Effect:
    raise Killed


def after_lease(confer: Driver) -> None:
    confer.waiting.clear()
    confer.clock.go_to(confer.clock.now + settings().lease + timedelta(seconds=1))


# the whole way


@pytest.mark.parametrize("accredible", [False, True], ids=["badges", "accredible"])
def test_an_approved_withdrawal_takes_the_credential_back_and_tells_learner_and_sis_once(
    confer: Driver, accredible: bool
) -> None:
    case = issued(confer, accredible=accredible)
    made = ask(confer, case)
    assert (made.status_code, made.get_json()["state"]) == (201, "requested")
    confer.settle()
    assert confer.case().stage == "done", "nothing happens before somebody approves"
    number = made.get_json()["withdrawal"]
    assert decide(confer, number).status_code == 200
    confer.settle()

    assert (confer.case().stage, states(confer, case)) == ("withdrawn", ["withdrawn"])
    [row] = credentials(confer, case)
    assert row.withdraw_reason == "integrity"
    assert row.withdrawn_at is not None
    assert withdrawal(confer, number).state == "done"
    [stored] = confer.control.completions()
    assert (stored["credential"]["status"], stored["credential"]["statusReason"]) == ("revoked", "integrity")
    assert stored["writes"] == 2
    [mail] = [mail for mail in confer.control.mails(to=EMAIL) if "withdrawn" in mail["subject"]]
    assert mail["receipts"] == 1
    if accredible:
        assert confer.control.platform("accredible").credentials(live=True) == []


def test_the_mail_names_the_credential_and_whom_to_ask_and_accuses_nobody(confer: Driver) -> None:
    case = issued(confer)
    approved(confer, case)
    confer.settle()
    mail = confer.control.mails(to=EMAIL)[-1]
    for text in (mail["text"], mail["html"]):
        assert "First Aid at Work" in text
        assert "withdrawn" in text
        assert "credentials@academy.example" in text
        for word in ("integrity", "report", "violation", "fraud", "2026-14"):
            assert word not in text.lower()
    assert '<html lang="en">' in mail["html"]
    assert 'aria-labelledby="heading"' in mail["html"]


def test_the_ledger_names_person_and_trigger_and_nothing_personal(confer: Driver) -> None:
    case = issued(confer)
    approved(confer, case)
    confer.settle()
    entries = {entry.kind: entry for entry in confer.rows(select(LedgerEntry).filter_by(subject=case))}
    assert entries["withdrawal.requested"].actor == "person:registrar"
    assert entries["withdrawal.approved"].actor == "person:head-registrar"
    assert entries["credential.withdrawing"].facts["reason"] == "integrity"
    assert "claim" in entries["credential.withdrawing"].facts
    assert "withdrawal.done" in entries
    assert entries["case.withdrawn"].facts["was_issued"] is True
    told = str([entry.facts for entry in confer.rows(select(LedgerEntry))])
    assert "Ada" not in told
    assert "report" not in told


@pytest.mark.parametrize("claim", [None, "claimed"])
def test_before_and_after_the_claim_the_facts_say_which(
    confer: Driver, monkeypatch: pytest.MonkeyPatch, claim: str | None
) -> None:
    from pipeline.audit.trail import change
    from pipeline.store.database import transaction

    case = issued(confer)
    with transaction() as session:
        row = session.get_one(CredentialRow, credentials(confer, case)[0].id)
        change(session, row, None, kind="credential.claimed", actor="test", claim_state=claim)
    approved(confer, case)
    confer.settle()
    [entry] = confer.rows(select(LedgerEntry).filter_by(kind="credential.withdrawing"))
    assert entry.facts["claim"] == claim
    assert states(confer, case) == ["withdrawn"]


# four eyes


def test_who_asked_does_not_approve(confer: Driver) -> None:
    case = issued(confer)
    number = ask(confer, case, by="head-registrar").get_json()["withdrawal"]
    assert decide(confer, number, by="head-registrar").status_code == 403
    assert decide(confer, number, by="proctoring").status_code == 403
    assert withdrawal(confer, number).state == "requested"
    assert decide(confer, number, by="registrar").status_code == 200


def test_a_refused_request_changes_nothing_and_may_be_made_again(confer: Driver) -> None:
    case = issued(confer)
    number = ask(confer, case).get_json()["withdrawal"]
    assert decide(confer, number, "refuse").status_code == 200
    confer.settle()
    assert (confer.case().stage, states(confer, case)) == ("done", ["confirmed"])
    assert decide(confer, number).status_code == 409
    assert ask(confer, case).status_code == 201


def test_of_two_approvals_at_once_one_counts(confer: Driver) -> None:
    case = issued(confer)
    number = ask(confer, case).get_json()["withdrawal"]
    statuses: list[int] = []
    ready = threading.Barrier(4)

    def approve(action: str) -> None:
        client = confer.web.application.test_client()
        bearer = {"Authorization": "Bearer the-token-of-head-registrar-in-tests"}
        ready.wait()
        body = {"action": action, "reason": "x"}
        path = f"/api/withdrawals/{number}/decision"
        statuses.append(client.post(path, json=body, headers=bearer).status_code)

    threads = [threading.Thread(target=approve, args=[one]) for one in ("approve", "approve", "refuse", "approve")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 409, 409, 409]
    kinds = confer.history(case)
    assert kinds.count("withdrawal.approved") + kinds.count("withdrawal.refused") == 1


def test_requests_at_once_are_one(confer: Driver) -> None:
    case = issued(confer)
    answers: list[tuple[int, str]] = []
    ready = threading.Barrier(6)

    def request() -> None:
        client = confer.web.application.test_client()
        bearer = {"Authorization": "Bearer the-token-of-registrar-in-tests"}
        body = {"case": case, "trigger": "integrity", "reason": "x"}
        ready.wait()
        answer = client.post("/api/withdrawals", json=body, headers=bearer)
        answers.append((answer.status_code, answer.get_json()["withdrawal"]))

    threads = [threading.Thread(target=request) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(status for status, _ in answers) == [200] * 5 + [201]
    assert len({number for _, number in answers}) == 1
    assert len(confer.rows(select(Withdrawal))) == 1


def test_a_request_after_the_withdrawal_answers_with_it(confer: Driver) -> None:
    case = issued(confer)
    number = approved(confer, case)
    confer.settle()
    answer = ask(confer, case)
    assert (answer.status_code, answer.get_json()["withdrawal"]) == (200, number)
    assert answer.get_json()["state"] == "done"
    confer.settle()
    assert subjects(confer, EMAIL).count("Your credential was withdrawn: First Aid at Work") == 1


# what waits is told


def test_staff_is_told_of_a_request_and_once_more_when_nobody_decides(confer: Driver) -> None:
    case = issued(confer)
    ask(confer, case)
    [first] = confer.rows(select(AlertRow).filter_by(title="Withdrawal requested"))
    assert first.severity == "warning"
    assert "report" not in str(first.facts) + first.summary
    confer.clock.forward(25 * 3600)
    confer.settle()
    confer.settle()
    [late] = confer.rows(select(AlertRow).filter_by(title="Withdrawal overdue"))
    assert late.severity == "critical"
    assert confer.api("GET", "withdrawals?overdue=true").get_json()["total"] == 1


# a program may trust a trigger


def test_a_program_may_have_a_trigger_carried_out_at_once(confer: Driver) -> None:
    case = issued(confer)
    file = confer.config / "programs" / "first-aid.yaml"
    file.write_text(file.read_text() + "\nwithdrawal: {automatic: [chargeback]}\n")
    confer.reload()
    assert ask(confer, case, trigger="integrity").get_json()["state"] == "requested"
    [row] = confer.rows(select(Withdrawal))
    decide(confer, row.id, "refuse")
    answer = ask(confer, case, trigger="chargeback")
    assert answer.get_json()["state"] == "approved"
    confer.settle()
    assert confer.case().stage == "withdrawn"
    row = withdrawal(confer, answer.get_json()["withdrawal"])
    assert (row.decided_by, row.requested_by) == ("program:first-aid", "person:registrar")


# before anything is issued


@pytest.mark.parametrize("stage", ["gather", "verify", "issue"])
def test_what_is_not_issued_is_given_up_and_never_called(confer: Driver, stage: str) -> None:
    confer.learner()
    confer.complete_at_accredible()
    confer.until(stage)
    case = confer.case().id
    approved(confer, case)
    confer.settle()
    assert confer.case().stage == "withdrawn"
    assert states(confer, case) == (["cancelled"] if stage == "issue" else [])
    assert confer.creations() == 0
    assert confer.control.mails(to=EMAIL) == [], "there was nothing that the learner could have had"
    assert confer.control.completions() == []


@pytest.mark.parametrize("score", ["80.5", "51"], ids=["held", "failed"])
def test_a_case_that_waits_for_a_person_is_given_up(confer: Driver, score: str) -> None:
    confer.learner()
    confer.complete(score=score)
    confer.settle()
    approved(confer, confer.case().id)
    confer.settle()
    assert confer.case().stage == "withdrawn"
    assert confer.api("GET", "reviews").get_json()["total"] == 0


@pytest.mark.parametrize("stage", ["gather", "verify"])
def test_a_worker_at_the_case_finds_that_it_is_not_its_own_any_more(confer: Driver, stage: str) -> None:
    from pipeline.steps.gather import gather
    from pipeline.steps.verify import verify

    confer.learner()
    confer.complete()
    confer.until(stage)
    confer.waiting.clear()
    case = confer.case().id
    work = {"gather": gather, "verify": verify}[stage]

    def meanwhile(turn: Any) -> Effect:
        effect = work(turn)
        approved(confer, case)
        return effect

    assert take_turn(case, Stage(stage), meanwhile) == []
    confer.settle()
    assert confer.case().stage == "withdrawn"
    assert states(confer, case) == []


@pytest.mark.parametrize("stage", ["notify", "downstream"])
def test_a_case_that_is_being_told_is_taken_back_and_the_sis_hears_of_it_only_if_it_knew(
    confer: Driver, stage: str
) -> None:
    confer.learner()
    confer.complete()
    confer.until(stage)
    case = confer.case().id
    approved(confer, case)
    confer.settle()
    assert (confer.case().stage, states(confer, case)) == ("withdrawn", ["withdrawn"])
    assert confer.control.completions() == []
    assert "Your credential was withdrawn: First Aid at Work" in subjects(confer, EMAIL)
    assert len(subjects(confer, EMAIL)) == (1 if stage == "notify" else 2)


# while it is in doubt


@pytest.mark.parametrize("made", [True, False], ids=["it was made", "it was not"])
def test_what_may_exist_is_looked_up_and_taken_back_if_it_does(
    confer: Driver, monkeypatch: pytest.MonkeyPatch, made: bool
) -> None:
    confer.learner()
    confer.complete_at_accredible()
    confer.until("issue")
    real = Accredible.issue

    def lost(self: Accredible, order: Order) -> Issued:
        if made:
            real(self, order)
        raise Unsure("no answer")

    with monkeypatch.context() as patched:
        patched.setattr(Accredible, "issue", lost)
        issue.pump("accredible", lambda _: None)
    case = confer.case().id
    assert states(confer, case) == ["unsure"]
    confer.waiting.clear()
    approved(confer, case)
    assert states(confer, case) == ["unsure"], "in doubt: not given up, and not called"
    confer.settle()
    assert confer.case().stage == "withdrawn"
    assert states(confer, case) == (["withdrawn"] if made else ["cancelled"])
    assert confer.creations() == (1 if made else 0), "never called again"
    assert confer.control.platform("accredible").credentials(live=True) == []
    assert len(subjects(confer, EMAIL)) == (1 if made else 0)


def test_an_approval_while_the_platform_is_being_called_takes_effect_afterwards(
    confer: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    confer.learner()
    confer.complete_at_accredible()
    confer.until("issue")
    confer.waiting.clear()
    case = confer.case().id
    real = Accredible.issue

    def meanwhile(self: Accredible, order: Order) -> Issued:
        found = real(self, order)
        approved(confer, case)
        return found

    with monkeypatch.context() as patched:
        patched.setattr(Accredible, "issue", meanwhile)
        issue.pump("accredible", lambda _: None)
    assert states(confer, case) == ["confirmed"]
    confer.waiting.clear()
    confer.settle()
    assert (confer.case().stage, states(confer, case)) == ("withdrawn", ["withdrawn"])
    assert subjects(confer, EMAIL) == ["Your credential was withdrawn: Infection Control"]


def test_what_the_platform_had_refused_is_looked_up_before_it_is_given_up(
    confer: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: object) -> Issued:
        raise Rejected("no")

    confer.learner()
    confer.complete_at_accredible()
    with monkeypatch.context() as patched:
        patched.setattr(Accredible, "issue", refuses)
        confer.settle()
        case = confer.case().id
        assert (confer.case().stage, states(confer, case)) == ("held", ["rejected"])
        approved(confer, case)
        confer.settle()
    assert (confer.case().stage, states(confer, case)) == ("withdrawn", ["cancelled"])
    kinds = confer.history(case)
    assert kinds.count("credential.intended") == 1
    assert "credential.not_found" in kinds


# when the platform does not


def test_an_outage_is_waited_for_and_costs_nothing(confer: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_: object) -> None:
        raise Outage("down")

    case = issued(confer, accredible=True)
    approved(confer, case)
    with monkeypatch.context() as patched:
        patched.setattr(Accredible, "withdraw", down)
        for _ in range(30):
            confer.drain(sweep())
            confer.clock.forward(60)
    assert (confer.case().stage, states(confer, case)) == ("withdraw", ["withdrawing"])
    confer.settle()
    assert (confer.case().stage, states(confer, case)) == ("withdrawn", ["withdrawn"])
    assert len(subjects(confer, EMAIL)) == 2


@pytest.mark.parametrize("failure", [Rejected("no"), Misconfigured("not allowed")])
def test_a_refusal_goes_to_a_person_and_a_replay_takes_it_up_again(
    confer: Driver, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    def refuses(*_: object) -> None:
        raise failure

    case = issued(confer, accredible=True)
    number = approved(confer, case)
    with monkeypatch.context() as patched:
        patched.setattr(Accredible, "withdraw", refuses)
        confer.settle()
    assert (confer.case().stage, confer.case().resume) == ("held", "withdraw")
    assert states(confer, case) == ["withdrawing"]
    assert subjects(confer, EMAIL) == ["Your credential: Infection Control"], "nobody hears what is not so"
    assert withdrawal(confer, number).state == "approved"
    assert confer.decide("reject").status_code == 422

    confer.drain(replay(case, actor="person:admin"))
    confer.settle()
    assert (confer.case().stage, states(confer, case)) == ("withdrawn", ["withdrawn"])


def test_a_lost_answer_is_asked_again(confer: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    case = issued(confer, accredible=True)
    approved(confer, case)
    real = Accredible.withdraw
    lost = [True]

    def sometimes(self: Accredible, ref: str, reason: str) -> None:
        real(self, ref, reason)
        if lost and lost.pop():
            raise Unsure("no answer")

    monkeypatch.setattr(Accredible, "withdraw", sometimes)
    confer.settle()
    assert states(confer, case) == ["withdrawn"]
    assert confer.history(case).count("credential.withdrawn") == 1


# workers that die


def test_a_worker_that_dies_over_a_withdrawal_is_replaced(confer: Driver) -> None:
    case = issued(confer)
    approved(confer, case)
    confer.waiting.clear()
    with pytest.raises(Killed):
        take_turn(case, Stage.WITHDRAW, dies)
    after_lease(confer)
    confer.settle()
    assert confer.case().stage == "withdrawn"
    assert len(subjects(confer, EMAIL)) == 2


def test_a_worker_that_dies_after_everybody_was_told_tells_nobody_twice(confer: Driver) -> None:
    case = issued(confer)
    approved(confer, case)
    confer.waiting.clear()
    issue.pump("badges", lambda _: None)
    assert states(confer, case) == ["withdrawn"]

    def tells_and_dies(turn: Any) -> Effect:
        withdraw(turn)
        raise Killed

    with pytest.raises(Killed):
        take_turn(case, Stage.WITHDRAW, tells_and_dies)
    after_lease(confer)
    confer.settle()
    assert confer.case().stage == "withdrawn"
    assert subjects(confer, EMAIL).count("Your credential was withdrawn: First Aid at Work") == 1
    assert confer.control.mails(to=EMAIL)[-1]["receipts"] == 1
    assert confer.control.completions()[0]["writes"] == 2


def test_a_pump_that_dies_over_a_withdrawal_is_replaced(confer: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    case = issued(confer, accredible=True)
    approved(confer, case)
    real = Accredible.withdraw

    def withdraw_and_die(self: Accredible, ref: str, reason: str) -> None:
        real(self, ref, reason)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(Accredible, "withdraw", withdraw_and_die)
        with pytest.raises(Killed):
            confer.drain()
    confer.waiting.clear()
    confer.settle()
    assert (confer.case().stage, states(confer, case)) == ("withdrawn", ["withdrawn"])


def test_every_wakeup_lost_costs_seconds(confer: Driver) -> None:
    case = issued(confer)
    approved(confer, case)
    began = confer.clock.now
    for _ in range(100):
        confer.waiting.clear()
        if confer.case().stage == "withdrawn":
            break
        confer.clock.forward(5)
        for wakeup in sweep():
            confer.step(wakeup)
    assert confer.case().stage == "withdrawn"
    assert confer.clock.now - began < timedelta(minutes=5)


# what others make of the news


def test_a_system_that_refuses_the_news_holds_the_case_and_hears_it_after_a_replay(confer: Driver) -> None:
    case = issued(confer)
    approved(confer, case)
    confer.control.fault("sis", "status", status=422, body='{"type":"urn:sis:validation"}', times=1)
    confer.settle()
    assert (confer.case().stage, confer.case().resume) == ("held", "withdraw")
    assert states(confer, case) == ["withdrawn"]
    confer.control.clear_faults()
    confer.drain(replay(case, actor="person:admin"))
    confer.settle()
    assert confer.case().stage == "withdrawn"
    assert confer.control.completions()[0]["credential"]["status"] == "revoked"
    assert subjects(confer, EMAIL).count("Your credential was withdrawn: First Aid at Work") == 1


def test_a_system_that_never_took_the_credential_does_not_hear_of_its_withdrawal(confer: Driver) -> None:
    confer.learner()
    confer.complete()
    confer.until("downstream")
    confer.control.fault("sis", "status", status=422, body='{"type":"urn:sis:validation"}', times=1)
    confer.settle()
    assert (confer.case().stage, confer.case().resume) == ("held", "downstream")
    approved(confer, confer.case().id)
    confer.settle()
    assert confer.case().stage == "withdrawn"
    assert confer.rows(select(Update).filter_by(about="withdrawn")) == []
    assert confer.control.completions() == []


def test_a_system_whose_answer_was_lost_may_know_and_hears_of_it(confer: Driver) -> None:
    confer.learner()
    confer.complete()
    confer.until("downstream")
    confer.control.fault("sis", "drop_after", times=1)
    confer.drain()
    assert (confer.case().stage, confer.update().state) == ("downstream", "planned")
    approved(confer, confer.case().id)
    confer.settle()
    assert confer.case().stage == "withdrawn"
    assert confer.control.completions()[0]["credential"]["status"] == "revoked"


def test_a_mail_server_that_is_down_does_not_keep_the_news_from_the_systems(confer: Driver) -> None:
    case = issued(confer)
    approved(confer, case)
    confer.control.fault("mail", "drop_before")
    for _ in range(6):
        confer.drain(sweep())
        confer.clock.forward(30)
    assert confer.control.completions()[0]["credential"]["status"] == "revoked"
    assert confer.case().stage == "withdraw"
    confer.control.clear_faults()
    confer.settle()
    assert confer.case().stage == "withdrawn"
    assert confer.control.mails(to=EMAIL)[-1]["receipts"] == 1
    assert confer.control.completions()[0]["writes"] == 2


def test_a_mail_that_is_refused_does_not_keep_the_case_and_staff_is_told(confer: Driver) -> None:
    case = issued(confer)
    approved(confer, case)
    confer.control.fault("mail", "status", status=550)
    confer.settle()
    confer.control.clear_faults()
    assert confer.case().stage == "withdrawn"
    [row] = confer.rows(select(Message).filter_by(kind="withdrawn"))
    assert row.state == "rejected"
    assert len(confer.rows(select(AlertRow).filter_by(title="Learner not told"))) == 1


def test_a_program_that_mails_no_learner_mails_none_of_this_either(confer: Driver) -> None:
    file = confer.config / "programs" / "first-aid.yaml"
    file.write_text(file.read_text().replace("learner: true", "learner: false"))
    confer.reload()
    case = issued(confer)
    approved(confer, case)
    confer.settle()
    assert confer.case().stage == "withdrawn"
    assert confer.control.mails(to=EMAIL) == []
    [told] = confer.rows(select(Update).filter_by(about="withdrawn"))
    assert told.state == "sent"


# afterwards


def test_the_same_completion_announced_again_opens_nothing(confer: Driver) -> None:
    confer.learner()
    event = confer.event()
    confer.deliver(json.dumps(event))
    confer.settle()
    approved(confer, confer.case().id)
    confer.settle()
    confer.deliver(json.dumps({**event, "objectid": int(event["objectid"]) + 1}))
    confer.settle()
    assert [one.stage for one in confer.cases()] == ["withdrawn"]


def test_a_completion_after_a_withdrawal_waits_for_a_person(confer: Driver) -> None:
    case = issued(confer)
    approved(confer, case)
    confer.settle()
    complete_later(confer)
    confer.settle()
    old, new = confer.cases()
    assert (old.stage, new.stage, new.error_kind, new.generation) == ("withdrawn", "held", "withdrawn", 2)
    assert new.follows_id == case
    assert "integrity" in new.error
    assert new.decide_by is not None
    assert len(confer.rows(select(CredentialRow))) == 1

    assert confer.drain(replay(new.id, actor="person:registrar")) is None
    confer.settle()
    assert confer.cases()[1].stage == "done"
    assert [row.generation for row in confer.rows(select(CredentialRow).order_by(CredentialRow.id))] == [1, 2]


def test_a_person_who_says_no_to_it_is_asked_again_at_the_next_completion(confer: Driver) -> None:
    case = issued(confer)
    approved(confer, case)
    confer.settle()
    complete_later(confer)
    confer.settle()
    new = confer.cases()[1]
    read = confer.api("GET", f"reviews/{new.id}").get_json()
    wish = {"action": "reject", "reason": "banned for a year", "version": read["version"]}
    assert confer.api("POST", f"reviews/{new.id}/decision", wish).status_code == 200
    complete_later(confer)
    confer.settle()
    assert [one.stage for one in confer.cases()] == ["withdrawn", "held"], "nothing is opened in silence"
    assert len(confer.rows(select(CredentialRow))) == 1


def test_a_completion_during_a_withdrawal_waits_and_is_not_issued_before_the_old_one_is_gone(
    confer: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: object) -> None:
        raise Outage("down")

    case = issued(confer)
    with monkeypatch.context() as patched:
        patched.setattr(OpenBadges, "withdraw", down)
        approved(confer, case)
        confer.drain()
        complete_later(confer)
        confer.drain(sweep())
        new = confer.cases()[1]
        assert new.stage == "held"
        confer.drain(replay(new.id, actor="person:registrar"))
        assert confer.cases()[1].stage == "issue"
        [planned] = credentials(confer, new.id)
        assert (planned.state, planned.due_at) == ("planned", None), "never two at once"
    confer.settle()
    assert [one.stage for one in confer.cases()] == ["withdrawn", "done"]


def test_what_was_taken_out_of_its_lane_is_not_released_by_the_end_of_the_old_one(
    confer: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An investigation recalls what waits for the old credential; its withdrawal must not issue the new one."""

    def down(*_: object) -> None:
        raise Outage("down")

    case = issued(confer)
    with monkeypatch.context() as patched:
        patched.setattr(OpenBadges, "withdraw", down)
        approved(confer, case)
        confer.drain()
        complete_later(confer)
        confer.drain(sweep())
        new = confer.cases()[1].id
        confer.drain(replay(new, actor="person:registrar"))
        assert states(confer, new) == ["planned"]
        stated = {"source": "campus", "learner": "307", "kind": "investigation", "reason": "report 15"}
        assert confer.api("POST", "attestations", stated).status_code == 201
        confer.drain()
        assert confer.cases()[1].stage == "held"
    confer.settle()
    assert [one.stage for one in confer.cases()] == ["withdrawn", "held"]
    assert states(confer, new) == ["planned"]


def test_a_learner_who_lost_a_credential_is_looked_for_again_by_the_sweep(confer: Driver) -> None:
    case = issued(confer)
    with reading() as session:
        claim = Claim(
            source="campus", course=str(FIRST_AID), program="first-aid", owner="x", since=confer.clock.now,
            begins_at=confer.clock.now, began=confer.clock.now, every=timedelta(hours=1),
        )  # fmt: skip
        assert _known(session, claim) == {"307"}
    approved(confer, case)
    confer.settle()
    with reading() as session:
        assert _known(session, claim) == frozenset()


def test_an_award_again_runs_through_everything_anew(confer: Driver) -> None:
    case = issued(confer)
    assert again(confer, case).status_code == 422, "only what was withdrawn"
    approved(confer, case)
    confer.settle()
    made = again(confer, case)
    assert made.status_code == 201
    assert made.get_json()["follows"] == case
    confer.settle()
    old, new = confer.cases()
    assert (new.id, new.stage, new.generation, new.follows_id) == (made.get_json()["case"], "done", 2, case)
    kinds = confer.history(new.id)
    assert kinds.index("case.opened") < kinds.index("record.gathered") < kinds.index("decision.passed")
    first, second = confer.rows(select(CredentialRow).order_by(CredentialRow.id))
    assert (first.state, second.state) == ("withdrawn", "confirmed")
    assert first.ref != second.ref
    assert first.url != second.url
    assert old.stage == "withdrawn"
    assert again(confer, case).status_code == 200, "it is there already"
    assert len(confer.cases()) == 2


def test_awards_again_at_once_make_one(confer: Driver) -> None:
    case = issued(confer)
    approved(confer, case)
    confer.settle()
    statuses: list[int] = []
    ready = threading.Barrier(6)

    def award() -> None:
        client = confer.web.application.test_client()
        bearer = {"Authorization": "Bearer the-token-of-registrar-in-tests"}
        ready.wait()
        statuses.append(client.post(f"/api/cases/{case}/awards", json={"reason": "x"}, headers=bearer).status_code)

    threads = [threading.Thread(target=award) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses.count(201) == 1
    assert len(confer.cases()) == 2
    confer.settle()
    assert [row.state for row in confer.rows(select(CredentialRow).order_by(CredentialRow.id))] == [
        "withdrawn",
        "confirmed",
    ]


def test_an_award_again_may_be_withdrawn_and_awarded_a_third_time(confer: Driver) -> None:
    case = issued(confer)
    for _ in range(2):
        approved(confer, case)
        confer.settle()
        case = again(confer, case).get_json()["case"]
        confer.settle()
    assert [(one.generation, one.stage) for one in confer.cases()] == [
        (1, "withdrawn"),
        (2, "withdrawn"),
        (3, "done"),
    ]
