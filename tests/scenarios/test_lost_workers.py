"""Workers that die in any stage, that come back late, or that a case kills: nothing is lost and nothing doubled."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from pipeline.adapters import LMSS
from pipeline.errors import NotReady
from pipeline.platforms.accredible import Accredible
from pipeline.settings import settings
from pipeline.stages import Stage
from pipeline.steps import issue
from pipeline.steps.gather import gather
from pipeline.steps.notify import notify
from pipeline.steps.receive import receive
from pipeline.steps.replay import replay
from pipeline.steps.sweep import sweep
from pipeline.steps.turn import CRASHES, Effect, Turn, WakeUp, take_turn
from pipeline.steps.verify import verify
from pipeline.store.credentials import CredentialRow
from pipeline.store.ledger import LedgerEntry
from pipeline.traffic import pumps
from pipeline.values import Issued, Order
from tests.driver import COMPLIANCE, Driver


class Killed(BaseException):
    """Stands for kill -9: no handler of the product may see it."""


def dies(*_: object, **__: object) -> Effect:
    raise Killed


def lease_end(confer: Driver) -> datetime:
    """When the pump's claim of the only credential ends: a slow pace makes it longer than that of a step."""
    due = confer.credential().due_at
    assert due is not None
    return due


@pytest.mark.parametrize("stage", ["gather", "verify", "notify", "downstream"])
def test_a_worker_that_dies_in_a_step_is_replaced_when_its_lease_ends(confer: Driver, stage: str) -> None:
    email = confer.learner()
    confer.complete()
    confer.until(stage)
    case_id = confer.case().id
    with pytest.raises(Killed):
        take_turn(case_id, Stage(stage), dies)
    confer.waiting.clear()
    confer.drain(sweep())
    assert confer.case().stage == stage, "nobody takes it over while the lease runs"
    assert confer.case().owner

    confer.clock.go_to(confer.clock.now + settings().lease + timedelta(seconds=1))
    confer.settle()
    assert confer.case().stage == "done"
    assert confer.history(case_id).count("case.worker_lost") == 1
    [mail] = confer.control.mails(to=email)
    assert mail["receipts"] == 1
    assert confer.control.completions()[0]["writes"] == 1


@pytest.mark.parametrize("after", [True, False], ids=["after the call", "before the call"])
def test_a_pump_that_dies_around_its_call_leaves_one_credential(
    confer: Driver, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    email = confer.learner()
    confer.complete_at_accredible()
    confer.until("issue")
    real = Accredible.issue

    def issue_and_die(self: Accredible, order: Order) -> Issued:
        if after:
            real(self, order)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(Accredible, "issue", issue_and_die)
        with pytest.raises(Killed):
            confer.drain()
    assert confer.credential().state == "calling"
    confer.waiting.clear()
    confer.settle()

    assert confer.case().stage == "done"
    assert confer.creations() == 1
    kinds = confer.history(confer.case().id)
    assert kinds.index("credential.worker_lost") < kinds.index(
        "credential.found" if after else "credential.not_found"
    )
    assert confer.control.mails(to=email)[0]["receipts"] == 1


def test_a_lane_host_that_dies_holds_its_account_up_for_no_longer_than_a_call(
    confer: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its place outlives it, and an account may have only one; its row waits for the longer lease of a row."""
    confer.learner(7)
    confer.complete_at_accredible(7)
    confer.until("issue")
    with monkeypatch.context() as patched:
        patched.setattr(Accredible, "issue", dies)
        patched.setattr(pumps.Place, "give_up", lambda _: None)
        with pytest.raises(Killed):
            confer.drain()
    confer.waiting.clear()
    confer.learner(8)
    confer.complete_at_accredible(8)
    confer.drain()
    assert confer.creations() == 0, "the place is taken"

    confer.clock.forward(settings().call_timeout * 1.5 + 1)
    assert settings().lease.total_seconds() > settings().call_timeout * 2
    confer.drain(sweep())
    assert confer.creations() == 1
    confer.settle()
    assert confer.creations() == 2


def test_a_pump_that_dies_before_it_commits_the_answer_leaves_one_credential(
    confer: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    confer.learner()
    confer.complete()
    confer.until("issue")
    with monkeypatch.context() as patched:
        patched.setattr(issue, "settle", dies)
        with pytest.raises(Killed):
            confer.drain()
    confer.waiting.clear()
    confer.settle()
    assert confer.case().stage == "done"
    assert confer.history().count("credential.found") == 1


def test_a_worker_that_dies_over_the_mail_sends_it_once_more_under_the_same_message_id(
    confer: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.steps.telling import mailing

    email = confer.learner()
    confer.complete()
    confer.until("notify")
    with monkeypatch.context() as patched:
        patched.setattr(mailing, "_commit_sent", dies)
        with pytest.raises(Killed):
            confer.drain()
    confer.waiting.clear()
    confer.settle()
    assert confer.case().stage == "done"
    [mail] = confer.control.mails(to=email)
    assert mail["receipts"] == 2, "the mailbox shows one message"
    assert confer.history().count("message.unclear") == 1


@pytest.mark.parametrize(("stage", "work"), [("gather", gather), ("verify", verify)])
def test_the_result_of_a_late_worker_is_dropped(confer: Driver, stage: str, work: Callable[[Turn], Effect]) -> None:
    confer.learner()
    confer.complete()
    confer.until(stage)
    confer.waiting.clear()

    def held_up(turn: Turn) -> Effect:
        effect = work(turn)
        confer.clock.go_to(turn.until + timedelta(seconds=1))
        assert take_turn(turn.case_id, turn.stage, work), "another worker takes it over and finishes"
        return effect

    assert take_turn(confer.case().id, Stage(stage), held_up) == []
    assert confer.history().count("record.gathered") == 1
    assert "case.attempt_failed" not in confer.history()
    confer.settle()
    assert confer.case().stage == "done"
    assert confer.history().count("decision.passed") == 1


@pytest.mark.parametrize("ending", ["result", "failure", "defect"])
def test_a_late_worker_leaves_alone_what_another_one_is_working_on(confer: Driver, ending: str) -> None:
    """Its stage is still the same, but the case belongs to somebody else by now."""
    confer.learner()
    confer.complete()
    confer.until("gather")
    confer.waiting.clear()
    case_id = confer.case().id

    def held_up(turn: Turn) -> Effect:
        effect = gather(turn)
        confer.clock.go_to(turn.until + timedelta(seconds=1))
        with pytest.raises(Killed):
            take_turn(turn.case_id, turn.stage, dies)
        if ending == "result":
            return effect
        raise NotReady("not yet") if ending == "failure" else ValueError("defect")

    assert take_turn(case_id, Stage.GATHER, held_up) == []
    case = confer.case()
    assert (case.stage, case.attempts, case.waits) == ("gather", 0, 0)
    assert case.owner is not None
    assert "record.gathered" not in confer.history()


def test_a_late_pump_leaves_alone_what_another_one_is_looking_up(
    confer: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    confer.learner()
    confer.complete_at_accredible()
    confer.until("issue")
    confer.waiting.clear()
    real = Accredible.issue

    def late(self: Accredible, order: Order) -> Issued:
        found = real(self, order)
        confer.clock.go_to(lease_end(confer) + timedelta(seconds=1))
        with pytest.raises(Killed):
            issue.pump("accredible", confer.waiting.extend)
        return found

    with monkeypatch.context() as patched:
        patched.setattr(Accredible, "issue", late)
        patched.setattr(Accredible, "find", dies)
        issue.pump("accredible", confer.waiting.extend)
    row = confer.credential()
    assert (row.state, row.platform_ref) == ("unsure", None)
    assert row.owner is not None
    confer.settle()
    assert confer.case().stage == "done"
    assert confer.creations() == 1


def test_a_late_worker_sends_no_mail_when_its_case_was_taken_over(confer: Driver) -> None:
    email = confer.learner()
    confer.complete()
    confer.until("notify")
    confer.waiting.clear()

    def held_up(turn: Turn) -> Effect:
        confer.clock.go_to(turn.until + timedelta(seconds=1))
        assert take_turn(turn.case_id, turn.stage, notify)
        return notify(turn)

    assert take_turn(confer.case().id, Stage.NOTIFY, held_up) == []
    assert confer.control.mails(to=email)[0]["receipts"] == 1
    assert confer.case().stage == "downstream"


def test_a_late_pump_does_not_overwrite_what_another_one_found(
    confer: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    confer.learner()
    confer.complete_at_accredible()
    confer.until("issue")
    confer.waiting.clear()
    real = Accredible.issue

    def late(self: Accredible, order: Order) -> Issued:
        found = real(self, order)
        monkeypatch.setattr(Accredible, "issue", real)
        confer.clock.go_to(lease_end(confer) + timedelta(seconds=1))
        issue.pump("accredible", confer.waiting.extend)
        return found

    monkeypatch.setattr(Accredible, "issue", late)
    issue.pump("accredible", confer.waiting.extend)
    confer.settle()
    assert confer.case().stage == "done"
    assert confer.creations() == 1
    assert confer.history().count("case.issued") == 1


def test_a_pump_that_was_held_up_before_its_call_does_not_call(
    confer: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frozen between its claim and its call for longer than is safe, it must leave the row to others."""
    confer.learner()
    confer.complete_at_accredible()
    confer.until("issue")
    confer.waiting.clear()
    real = issue.take

    def frozen_after_taking(*account: Any, **more: Any) -> Any:
        taken = real(*account, **more)
        confer.clock.go_to(lease_end(confer) - timedelta(seconds=10))
        return taken

    with monkeypatch.context() as patched:
        patched.setattr(issue, "take", frozen_after_taking)
        issue.pump("accredible", lambda _: None)
    assert confer.creations() == 0
    confer.settle()
    assert confer.creations() == 1
    assert confer.case().stage == "done"


@pytest.mark.parametrize("stage", ["gather", "notify"])
def test_a_case_over_which_workers_keep_dying_is_held_and_the_queue_goes_on(confer: Driver, stage: str) -> None:
    confer.learner()
    confer.complete()
    confer.until(stage)
    confer.waiting.clear()
    poisoned = confer.case().id
    deaths = 0
    while confer.case().stage == stage:
        try:
            take_turn(poisoned, Stage(stage), dies)
        except Killed:
            deaths += 1
        assert deaths <= CRASHES, "it kills workers for ever"
        confer.clock.go_to(confer.clock.now + settings().lease + timedelta(seconds=1))
    assert (confer.case().stage, confer.case().error_kind, confer.case().resume) == ("held", "poison", stage)

    confer.drain(replay(poisoned, actor="person:admin"))
    confer.settle()
    assert confer.case().stage == "done", "a replay after the mend goes on"


def test_a_credential_over_which_pumps_keep_dying_is_held(confer: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    confer.learner()
    confer.complete_at_accredible()
    confer.until("issue")
    confer.waiting.clear()
    deaths = 0
    with monkeypatch.context() as patched:
        patched.setattr(Accredible, "issue", dies)
        patched.setattr(Accredible, "find", dies)
        for _ in range(12):
            try:
                issue.pump("accredible", lambda _: None)
            except Killed:
                deaths += 1
            confer.clock.forward(3600)
    assert deaths <= CRASHES
    assert confer.case().stage == "held"
    confer.drain(replay(confer.case().id, actor="person:admin"))
    confer.settle()
    assert confer.case().stage == "done"


def test_a_defect_in_a_step_counts_three_attempts_and_names_only_its_type(
    confer: Driver, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def defect(*_: object, **__: object) -> object:
        raise ValueError("ada.307@learners.example is not a number")

    confer.learner()
    confer.complete()
    with monkeypatch.context() as patched:
        patched.setattr(LMSS["moodle"], "record", defect)
        confer.settle()
    case = confer.case()
    assert (case.stage, case.error_kind, case.error) == ("held", "defect", "ValueError (3 attempts)")
    assert confer.history(case.id).count("case.attempt_failed") == 2
    facts = str([entry.facts for entry in confer.rows(select(LedgerEntry))])
    assert "learners.example" not in facts
    assert "learners.example" not in capsys.readouterr().err


def test_a_defect_while_receiving_is_tried_again_and_then_held(
    confer: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.steps import receive as step
    from pipeline.store.deliveries import Delivery

    def defect(*_: object, **__: object) -> object:
        raise KeyError("anything")

    confer.learner()
    delivery_id = confer.complete()
    with monkeypatch.context() as patched:
        patched.setattr(step, "learner_id", defect)
        confer.settle()
    [delivery] = confer.rows(select(Delivery))
    assert (delivery.state, delivery.error_kind, delivery.attempts) == ("held", "defect", 3)
    confer.drain(replay(delivery_id, actor="person:admin"))
    assert confer.case().stage == "done"


def test_all_wakeups_lost_costs_seconds(confer: Driver) -> None:
    confer.learner()
    confer.complete()
    began = confer.clock.now
    for _ in range(200):
        confer.waiting.clear()
        if confer.cases() and confer.case().stage == "done":
            break
        confer.clock.forward(5)
        for wakeup in sweep():
            confer.step(wakeup)  # and what it announces is lost as well
    assert confer.case().stage == "done"
    assert confer.clock.now - began < timedelta(minutes=3)


def test_wakeups_in_any_number_and_for_any_stage_do_nothing_twice(confer: Driver) -> None:
    email = confer.learner()
    delivery_id = confer.complete()
    confer.drain()
    for _ in range(3):
        confer.drain([WakeUp(task="receive", id=delivery_id)])
        for stage in ("gather", "verify", "notify", "downstream"):
            confer.drain([WakeUp(task=stage, id=confer.case().id)])
        confer.drain([WakeUp(task="issue", id="badges"), WakeUp(task="issue", id="gone")])
    assert confer.history().count("credential.issued") == 1
    assert confer.control.mails(to=email)[0]["receipts"] == 1
    assert confer.control.completions()[0]["writes"] == 1


def test_wakeups_for_rows_that_do_not_exist_are_harmless(confer: Driver) -> None:
    confer.drain([WakeUp(task="receive", id="delivery_x"), WakeUp(task="gather", id="case_x")])
    assert confer.history() == []


def test_threads_that_receive_the_same_events_open_one_case(confer: Driver) -> None:
    confer.learner()
    deliveries = [confer.complete() for _ in range(6)]  # six completion rows of one learner and course
    confer.waiting.clear()
    ready = threading.Barrier(len(deliveries))

    def run(delivery_id: str) -> None:
        ready.wait()
        receive(delivery_id)

    threads = [threading.Thread(target=run, args=(one,)) for one in deliveries]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    confer.settle()
    assert confer.case().stage == "done"
    assert confer.history().count("credential.planned") == 1


def test_threads_that_wake_the_same_case_gather_it_once(confer: Driver) -> None:
    confer.learner()
    confer.complete()
    confer.until("gather")
    confer.waiting.clear()
    case_id = confer.case().id
    threads = [threading.Thread(target=take_turn, args=(case_id, Stage.GATHER, gather)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert confer.history(case_id).count("record.gathered") == 1


def test_threads_that_pump_one_account_issue_each_credential_once(confer: Driver) -> None:
    for number in range(400, 408):
        confer.learner(number)
        confer.complete_at_accredible(number)
    confer.until("issue")
    while any(wakeup.task != "issue" for wakeup in confer.waiting):
        wakeup = confer.waiting.popleft()
        confer.waiting.extend(confer.step(wakeup) if wakeup.task != "issue" else [wakeup])
    confer.waiting.clear()
    announced: list[WakeUp] = []
    threads = [threading.Thread(target=issue.pump, args=("accredible", announced.extend)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    confer.settle()
    assert confer.creations() == 8
    assert confer.history().count("credential.intended") == 8
    assert {row.state for row in confer.rows(select(CredentialRow))} == {"confirmed"}
    assert confer.case(400).course == str(COMPLIANCE)
