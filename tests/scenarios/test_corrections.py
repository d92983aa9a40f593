"""Corrections: in place where the platform can, replaced where it cannot; told once, and never two live at once."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import select

from pipeline.errors import Outage, Rejected
from pipeline.platforms.accredible import Accredible
from pipeline.platforms.openbadges import OpenBadges
from pipeline.stages import Stage
from pipeline.steps.replay import replay
from pipeline.steps.sweep import sweep
from pipeline.steps.turn import Effect, take_turn
from pipeline.store.corrections import Correction
from pipeline.store.credentials import standing_of
from pipeline.store.database import reading
from pipeline.store.decisions import RecordRow
from pipeline.store.ledger import LedgerEntry
from pipeline.store.outbox import Update
from pipeline.values import Issued, Order, PrerequisiteState
from tests.driver import Driver
from tests.withdrawing import again, approved, ask, correct, credentials, issued, states, subjects

EMAIL = "ada.307@learners.example"
NAME = "Augusta Ada King"


class Killed(BaseException):
    """Stands for kill -9: no handler of the product may see it."""


def dies(*_: object, **__: object) -> Effect:
    raise Killed


def test_a_platform_that_can_changes_it_in_place(confer: Driver) -> None:
    case = issued(confer, accredible=True)
    [before] = credentials(confer, case)
    answer = correct(confer, case, name=NAME)
    assert (answer.status_code, answer.get_json()["stage"]) == (201, "correct")
    confer.settle()
    assert confer.case().stage == "done"
    [after] = credentials(confer, case)
    assert (after.id, after.ref, after.state, after.platform_ref) == (
        before.id, before.ref, "confirmed", before.platform_ref,
    )  # fmt: skip
    assert after.order["name"] == NAME
    [there] = confer.control.platform("accredible").credentials(live=True)
    assert there["recipient_name"] == NAME
    assert confer.creations() == 1, "no second credit is used"
    assert subjects(confer, EMAIL) == [
        "Your credential: Infection Control",
        "Your credential was corrected: Infection Control",
    ]
    [stored] = confer.control.completions()
    assert (stored["student"]["name"], stored["credential"]["status"], stored["writes"]) == (NAME, "active", 2)


def test_where_it_cannot_another_one_takes_its_place_after_it_was_withdrawn(confer: Driver) -> None:
    case = issued(confer)
    [old] = credentials(confer, case)
    assert correct(confer, case, name=NAME).status_code == 201
    old_now, heir = credentials(confer, case)
    assert (old_now.state, old_now.withdraw_reason) == ("withdrawing", "superseded")
    assert (heir.state, heir.due_at, heir.replaces_id, heir.generation) == ("planned", None, old.id, 2)
    assert heir.ref != old.ref
    confer.settle()
    assert (confer.case().stage, states(confer, case)) == ("done", ["withdrawn", "confirmed"])
    heir = credentials(confer, case)[1]
    assert heir.url != old.url
    [stored] = confer.control.completions()
    assert (stored["credential"]["url"], stored["credential"]["status"]) == (heir.url, "active")
    assert stored["writes"] == 2, "told once, and never that it was revoked"
    mails = confer.control.mails(to=EMAIL)
    assert [mail["subject"] for mail in mails] == [
        "Your credential: First Aid at Work", "Your credential was corrected: First Aid at Work",
    ]  # fmt: skip
    assert heir.url in mails[-1]["text"]
    assert f"Hello {NAME}," in mails[-1]["text"]
    kinds = confer.history(case)
    assert kinds.index("credential.withdrawn") < kinds.index("credential.released")
    assert "case.withdrawn" not in kinds


def test_a_platform_that_refuses_to_change_this_one_has_it_replaced(
    confer: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(self: Accredible, order: Order, ref: str) -> Issued:
        raise Rejected("cannot be changed any more")

    case = issued(confer, accredible=True)
    monkeypatch.setattr(Accredible, "correct", refuses)
    correct(confer, case, name=NAME)
    confer.settle()
    assert (confer.case().stage, states(confer, case)) == ("done", ["withdrawn", "confirmed"])
    [there] = confer.control.platform("accredible").credentials(live=True)
    assert there["recipient_name"] == NAME
    assert subjects(confer, EMAIL)[1:] == ["Your credential was corrected: Infection Control"]


def test_the_record_and_the_decision_stay_and_the_ledger_holds_a_hash(confer: Driver) -> None:
    case = issued(confer)
    correct(confer, case, name=NAME)
    confer.settle()
    [record] = confer.rows(select(RecordRow))
    assert record.document["learner"]["name"] == "Ada Lovelace"
    [kept] = confer.rows(select(Correction))
    assert (kept.name, kept.source, kept.made_by, kept.reason) == (NAME, "person", "person:registrar", "misspelt")
    assert kept.done_at is not None
    [entry] = confer.rows(select(LedgerEntry).filter_by(kind="correction.requested"))
    assert entry.actor == "person:registrar"
    assert len(entry.facts["sha256"]) == 64
    told = str([one.facts for one in confer.rows(select(LedgerEntry))])
    assert "Augusta" not in told
    assert "misspelt" not in told


def test_from_the_lms_name_and_address_are_taken_over(confer: Driver) -> None:
    case = issued(confer, accredible=True)
    confer.learner(307, name=NAME, email="ada.king@learners.example")
    assert correct(confer, case, from_lms=True).status_code == 201
    confer.settle()
    [there] = confer.control.platform("accredible").credentials(live=True)
    assert (there["recipient_name"], there["recipient_email"]) == (NAME, "ada.king@learners.example")
    assert subjects(confer, "ada.king@learners.example") == ["Your credential was corrected: Infection Control"]
    assert correct(confer, case, from_lms=True).status_code == 422, "it says so already"


def test_what_is_planned_gets_another_order_and_stays_where_it_is(confer: Driver) -> None:
    confer.learner()
    confer.complete_at_accredible()
    confer.until("issue")
    case = confer.case().id
    answer = correct(confer, case, name=NAME)
    assert answer.get_json()["stage"] == "issue"
    confer.settle()
    assert confer.case().stage == "done"
    [there] = confer.control.platform("accredible").credentials(live=True)
    assert there["recipient_name"] == NAME
    assert subjects(confer, EMAIL) == ["Your credential: Infection Control"], "the learner never saw another name"
    assert confer.control.completions()[0]["student"]["name"] == NAME


def test_what_the_platform_refused_is_corrected_and_goes_on(confer: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: object) -> Issued:
        raise Rejected("the name is too long")

    confer.learner()
    confer.complete_at_accredible()
    with monkeypatch.context() as patched:
        patched.setattr(Accredible, "issue", refuses)
        confer.settle()
    case = confer.case().id
    assert correct(confer, case, name="Ada King").get_json()["stage"] == "held"
    assert confer.decide("look_again").status_code == 200
    confer.settle()
    assert confer.case().stage == "done"
    assert confer.control.credentials()[0]["recipient_name"] == "Ada King"


def test_a_correction_of_a_correction(confer: Driver) -> None:
    case = issued(confer)
    for name in (NAME, "Countess of Lovelace"):
        assert correct(confer, case, name=name).status_code == 201
        confer.settle()
    assert states(confer, case) == ["withdrawn", "withdrawn", "confirmed"]
    assert [row.generation for row in credentials(confer, case)] == [1, 2, 3]
    assert len(subjects(confer, EMAIL)) == 3
    assert [row.about == "" for row in confer.rows(select(Update).order_by(Update.id))] == [True, False, False]
    assert confer.control.completions()[0]["student"]["name"] == "Countess of Lovelace"


@pytest.mark.parametrize("wish", [{"name": ""}, {"name": "  "}, {"name": "a\u0000b"}, {"name": "x" * 301}, {},
                                  {"name": "Ada", "from_lms": True}, {"name": "Ada Lovelace"}])  # fmt: skip
def test_what_is_no_correction_is_refused(confer: Driver, wish: dict[str, object]) -> None:
    case = issued(confer)
    assert correct(confer, case, **wish).status_code == 422
    assert confer.case().stage == "done"
    assert confer.rows(select(Correction)) == []


def test_who_may_and_when(confer: Driver) -> None:
    case = issued(confer)
    wish = {"name": NAME, "reason": "x"}
    assert confer.api("POST", f"cases/{case}/corrections", wish, by="proctoring").status_code == 403
    assert confer.api("POST", f"cases/{case}/corrections", wish, by="").status_code == 401
    assert confer.api("POST", "cases/case_0/corrections", wish).status_code == 404
    number = ask(confer, case).get_json()["withdrawal"]
    assert correct(confer, case, name=NAME).status_code == 422, "a withdrawal is asked for"
    confer.api("POST", f"withdrawals/{number}/decision", {"action": "refuse", "reason": "x"}, by="head-registrar")
    assert correct(confer, case, name=NAME).status_code == 201
    assert correct(confer, case, name="Another").status_code == 422, "one is under way"


def test_corrections_at_once_are_one(confer: Driver) -> None:
    case = issued(confer)
    statuses: list[int] = []
    ready = threading.Barrier(4)

    def ask_for(name: str) -> None:
        client = confer.web.application.test_client()
        bearer = {"Authorization": "Bearer the-token-of-registrar-in-tests"}
        ready.wait()
        body = {"name": name, "reason": "x"}
        statuses.append(client.post(f"/api/cases/{case}/corrections", json=body, headers=bearer).status_code)

    threads = [threading.Thread(target=ask_for, args=[f"Name {number}"]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [201, 422, 422, 422]
    confer.settle()
    assert states(confer, case) == ["withdrawn", "confirmed"]


def test_the_new_one_is_not_issued_before_the_old_one_is_withdrawn(
    confer: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: object) -> None:
        raise Outage("down")

    case = issued(confer)
    correct(confer, case, name=NAME)
    with monkeypatch.context() as patched:
        patched.setattr(OpenBadges, "withdraw", down)
        for _ in range(10):
            confer.drain(sweep())
            confer.clock.forward(60)
        assert states(confer, case) == ["withdrawing", "planned"]
    confer.settle()
    assert states(confer, case) == ["withdrawn", "confirmed"]


def test_a_worker_that_dies_over_a_correction_is_replaced(confer: Driver) -> None:
    case = issued(confer)
    correct(confer, case, name=NAME)
    confer.waiting.clear()
    with pytest.raises(Killed):
        take_turn(case, Stage.CORRECT, dies)
    confer.settle()
    assert (confer.case().stage, states(confer, case)) == ("done", ["withdrawn", "confirmed"])
    assert len(subjects(confer, EMAIL)) == 2


def test_a_pump_that_dies_over_a_correction_is_replaced(confer: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    case = issued(confer, accredible=True)
    real = Accredible.correct

    def correct_and_die(self: Accredible, order: Order, ref: str) -> Issued:
        real(self, order, ref)
        raise Killed

    correct(confer, case, name=NAME)
    with monkeypatch.context() as patched:
        patched.setattr(Accredible, "correct", correct_and_die)
        with pytest.raises(Killed):
            confer.drain()
    confer.waiting.clear()
    confer.settle()
    assert (confer.case().stage, states(confer, case)) == ("done", ["confirmed"])
    assert confer.creations() == 1


def test_a_replacement_that_is_refused_goes_to_a_person_and_a_replay_goes_on(
    confer: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: object) -> Issued:
        raise Rejected("no")

    case = issued(confer)
    correct(confer, case, name=NAME)
    with monkeypatch.context() as patched:
        patched.setattr(OpenBadges, "issue", refuses)
        confer.settle()
    assert (confer.case().stage, confer.case().resume, states(confer, case)) == (
        "held", "correct", ["withdrawn", "rejected"],
    )  # fmt: skip
    confer.drain(replay(case, actor="person:admin"))
    confer.settle()
    assert (confer.case().stage, states(confer, case)) == ("done", ["withdrawn", "confirmed"])


@pytest.mark.parametrize("progress", ["at once", "after the old one"])
def test_a_withdrawal_in_the_middle_of_a_correction_wins(
    confer: Driver, monkeypatch: pytest.MonkeyPatch, progress: str
) -> None:
    def down(*_: object) -> Issued:
        raise Outage("down")

    case = issued(confer)
    correct(confer, case, name=NAME)
    if progress == "after the old one":
        with monkeypatch.context() as patched:
            patched.setattr(OpenBadges, "issue", down)
            confer.drain()
        assert states(confer, case) == ["withdrawn", "planned"]
    approved(confer, case)
    confer.settle()
    assert confer.case().stage == "withdrawn"
    assert set(states(confer, case)) <= {"withdrawn", "cancelled"}
    old = credentials(confer, case)[0]
    assert old.withdraw_reason == ("integrity" if progress == "at once" else "superseded")
    assert confer.history(case).count("credential.withdrawn") == 1
    assert confer.control.completions()[0]["credential"]["status"] == "revoked", "the learner had one"
    assert subjects(confer, EMAIL)[1:] == ["Your credential was withdrawn: First Aid at Work"]
    assert again(confer, case).status_code == 201
    confer.settle()
    assert [one.stage for one in confer.cases()] == ["withdrawn", "done"]
    assert sum(state == "confirmed" for one in confer.cases() for state in states(confer, one.id)) == 1


def test_a_withdrawal_leaves_alone_what_a_pump_is_correcting_and_takes_it_back_afterwards(
    confer: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = issued(confer, accredible=True)
    correct(confer, case, name=NAME)
    real = Accredible.correct
    seen: list[str] = []

    def meanwhile(self: Accredible, order: Order, ref: str) -> Issued:
        found = real(self, order, ref)
        approved(confer, case)
        seen.extend(states(confer, case))
        return found

    with monkeypatch.context() as patched:
        patched.setattr(Accredible, "correct", meanwhile)
        confer.drain()
    assert seen == ["correcting"], "two calls at once about one credential could end in either order"
    confer.settle()
    assert (confer.case().stage, states(confer, case)) == ("withdrawn", ["withdrawn"])


def test_a_withdrawal_after_a_correction_is_about_what_the_learner_has(confer: Driver) -> None:
    case = issued(confer)
    correct(confer, case, name=NAME)
    confer.settle()
    old, new = credentials(confer, case)
    approved(confer, case)
    confer.settle()
    [stored] = confer.control.completions()
    assert (stored["credential"]["url"], stored["credential"]["status"]) == (new.url, "revoked")
    mail = confer.control.mails(to=EMAIL)[-1]
    assert new.url in mail["text"]
    assert old.url not in mail["text"]


def test_what_takes_a_place_is_not_released_by_a_replay(confer: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: object) -> None:
        raise Rejected("no")

    case = issued(confer)
    correct(confer, case, name=NAME)
    with monkeypatch.context() as patched:
        patched.setattr(OpenBadges, "withdraw", refuses)
        confer.settle()
        assert (confer.case().stage, confer.case().resume) == ("held", "correct")
        confer.drain(replay(case, actor="person:admin"))
        confer.settle()
        assert states(confer, case) == ["withdrawing", "planned"], "never two at once"
    confer.drain(replay(case, actor="person:admin"))
    confer.settle()
    assert (confer.case().stage, states(confer, case)) == ("done", ["withdrawn", "confirmed"])


def test_a_credential_that_is_corrected_still_counts_and_one_that_is_replaced_is_unclear(
    confer: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def standing(program: str) -> PrerequisiteState:
        with reading() as session:
            learner = confer.cases()[0].learner_id
            return standing_of(session, learner_id=learner, program=program, on=confer.clock.now.date())[0]

    case = issued(confer, accredible=True)
    correct(confer, case, name=NAME)
    assert states(confer, case) == ["correcting"]
    assert standing("infection-control") is PrerequisiteState.MET
    confer.settle()

    confer.complete(307)
    confer.settle()
    badge = next(one.id for one in confer.cases() if one.program == "first-aid")
    assert standing("first-aid") is PrerequisiteState.MET
    correct(confer, badge, name=NAME)
    assert standing("first-aid") is PrerequisiteState.UNCLEAR
    confer.settle()
    assert standing("first-aid") is PrerequisiteState.MET
    approved(confer, badge)
    confer.settle()
    assert standing("first-aid") is PrerequisiteState.UNMET


def test_a_case_that_was_held_over_its_mail_is_told_as_it_is_now(confer: Driver) -> None:
    confer.learner()
    confer.complete()
    confer.until("notify")
    confer.control.fault("mail", "status", status=550)
    confer.settle()
    confer.control.clear_faults()
    case = confer.case()
    assert (case.stage, case.resume) == ("held", "notify")
    confer.learner(307, name=NAME, email="ada.king@learners.example")
    assert correct(confer, case.id, from_lms=True).status_code == 201
    confer.settle()
    assert confer.case().stage == "done"
    assert subjects(confer, "ada.king@learners.example") == ["Your credential: First Aid at Work"]
    assert confer.control.completions()[0]["student"]["email"] == "ada.king@learners.example"
