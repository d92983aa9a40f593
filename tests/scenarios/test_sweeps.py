"""A lost or never-sent webhook costs one interval: the sweep finds the completion, and nothing is counted twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, time, timedelta

import pytest
from sqlalchemy import select

from pipeline.steps.poll import LEASE, OVERLAP, REPEATED, poll
from pipeline.steps.sweep import sweep
from pipeline.steps.turn import WakeUp
from pipeline.store.alerts import AlertRow
from pipeline.store.cases import Case
from pipeline.store.deliveries import Delivery, EventRow
from pipeline.store.sweeps import Sweep
from tasks.steps import poll_task
from tests.driver import FIRST_AID, Driver

#: how often Moodle is swept where the account says nothing else
EVERY = timedelta(minutes=15)
SWEEP = f"campus:{FIRST_AID}"
#: the function by which Moodle is asked who is in a course
LIST = "core_enrol_get_enrolled_users"


class Swept(Driver):
    """An installation with the sweeps on."""

    def tick(self, **span: float) -> None:
        """Let time pass, then do all that a tick finds."""
        self.clock.forward(timedelta(**span).total_seconds())
        self.drain(sweep())

    def state(self) -> Sweep:
        """How far the course was swept."""
        found: list[Sweep] = self.rows(select(Sweep))
        [row] = found
        return row

    def completed(self, learner: int = 307, *, at: datetime | None = None) -> str:
        """A completion of which the webhook is kept back; returns the webhook's body."""
        self.learner(learner)
        moment = int((at or self.clock.now).timestamp())
        return json.dumps(self.event(learner, completed_at=moment))

    def asked(self) -> int:
        """How often Moodle was asked who is in a course."""
        return sum(one["operation"] == LIST for one in self.control.calls("moodle"))


@pytest.fixture
def confer(make_driver: Callable[..., Driver]) -> Swept:
    """An installation of one program, swept once before any completion."""
    made = _swept(make_driver())
    made.tick()
    made.clock.forward(1)
    return made


def _swept(made: Driver) -> Swept:
    for file in (made.config / "programs").iterdir():
        if file.name != "first-aid.yaml":
            file.unlink()
    made.reload()
    return Swept(**{**vars(made), "polls": True})


def test_a_completion_without_a_webhook_ends_in_a_credential(confer: Swept, monkeypatch: pytest.MonkeyPatch) -> None:
    confer.completed()
    confer.clock.forward(EVERY.total_seconds())
    announced: list[WakeUp] = []
    monkeypatch.setattr("tasks.steps.announce", announced.extend)
    [due] = [one for one in sweep() if one.task == "poll"]
    poll_task(due.id)
    assert [one.task for one in announced] == ["receive"]
    confer.drain(announced)
    confer.settle()
    assert confer.case().stage == "done"
    [event] = confer.rows(select(EventRow))
    assert event.swept
    assert len(confer.control.mails(to="ada.307@learners.example")) == 1


def test_a_completion_is_found_once_however_often_it_is_swept(confer: Swept) -> None:
    confer.completed()
    for _ in range(4):
        confer.tick(minutes=16)
    confer.settle()
    assert len(confer.rows(select(EventRow))) == 1
    assert len(confer.rows(select(Delivery))) == 1
    assert confer.credential().state == "confirmed"


@pytest.mark.parametrize("first", ["webhook", "sweep"])
def test_what_webhook_and_sweep_both_see_is_one_event_and_one_credential(confer: Swept, first: str) -> None:
    body = confer.completed()
    if first == "webhook":
        confer.deliver(body)
        confer.drain()
        confer.tick(minutes=16)
    else:
        confer.tick(minutes=16)
        confer.deliver(body)
    confer.settle()
    _once(confer)


@pytest.mark.parametrize("first", ["webhook", "sweep"])
def test_a_webhook_and_a_sweep_in_the_same_moment_are_one_event(confer: Swept, first: str) -> None:
    body = confer.completed()
    confer.clock.forward(EVERY.total_seconds())
    assert sweep()
    swept = poll(SWEEP)
    confer.deliver(body)
    assert len(confer.rows(select(Delivery))) == 2
    announced = list(confer.waiting)
    confer.waiting.clear()
    confer.drain([*announced, *swept] if first == "webhook" else [*swept, *announced])
    confer.settle()
    _once(confer)


def test_a_learner_who_failed_and_did_better_is_found_too(confer: Swept) -> None:
    confer.learner()
    confer.deliver(json.dumps(confer.event(score="60", completed_at=int(confer.clock.now.timestamp()))))
    confer.settle()
    assert confer.case().stage == "failed"
    for _ in range(2):
        confer.tick(minutes=16)
    assert len(confer.rows(select(EventRow))) == 1, "the same completion is no news"
    confer.event(score="95", completed_at=int(confer.clock.now.timestamp()))  # its webhook is lost
    confer.tick(minutes=16)
    confer.settle()
    assert confer.case().stage == "done"


def _once(confer: Swept) -> None:
    [event] = confer.rows(select(EventRow))
    assert event.case_id == confer.case().id
    assert confer.case().stage == "done"
    assert confer.credential().state == "confirmed"
    assert confer.history().count("case.opened") == 1
    assert len(confer.control.mails(to="ada.307@learners.example")) == 1


def test_a_sweep_that_fails_keeps_its_place_and_is_tried_at_ever_longer_intervals(confer: Swept) -> None:
    until = confer.state().swept_until
    confer.completed()
    confer.control.fault("moodle", "status", function=LIST, status=503)
    confer.clock.forward(EVERY.total_seconds())
    waits = []
    for _ in range(8):
        confer.drain(sweep())
        state = confer.state()
        assert state.due_at
        waits.append(state.due_at - confer.clock.now)
        confer.clock.go_to(state.due_at)
    assert confer.state().swept_until == until
    assert waits == sorted(waits)
    assert waits[0] < timedelta(minutes=1)
    assert waits[-1] == EVERY, "never longer than the interval"
    confer.control.clear_faults()
    confer.tick()
    confer.settle()
    assert confer.case().stage == "done", "nothing of the time of the outage is lost"
    assert (confer.state().failures, confer.state().error) == (0, None)


def test_a_sweep_that_fails_again_and_again_is_told_once_a_day(confer: Swept) -> None:
    confer.control.fault("moodle", "status", function=LIST, status=503)
    confer.clock.go_to(datetime.combine(confer.clock.now + timedelta(days=1), time(6), UTC))
    for failures in range(1, REPEATED + 4):
        confer.drain(sweep())
        assert len(confer.rows(select(AlertRow))) == (failures >= REPEATED)
        confer.clock.go_to(confer.state().due_at or confer.clock.now)
    [alert] = confer.rows(select(AlertRow))
    assert (alert.severity, alert.title) == ("failure", "Sweep fails")
    assert ["Program", "first-aid"] in alert.facts
    confer.tick(days=1)
    assert len(confer.rows(select(AlertRow))) == 2


def test_a_refusal_waits_for_the_next_interval(confer: Swept) -> None:
    confer.control.set_moodle(functions=["core_webservice_get_site_info"])
    confer.tick(minutes=16)
    state = confer.state()
    assert state.failures == 1
    assert state.due_at == confer.clock.now + EVERY


def test_a_pause_that_the_lms_asks_for_is_kept_and_is_no_failure(confer: Swept) -> None:
    confer.control.fault("moodle", "throttle", retry_after=1800, times=1)
    confer.tick(minutes=16)
    before = len(confer.control.calls("moodle"))
    confer.tick(minutes=20)
    assert len(confer.control.calls("moodle")) == before
    assert confer.state().failures == 0
    confer.tick(minutes=11)
    assert len(confer.control.calls("moodle")) > before


def test_each_sweep_looks_back_over_the_one_before(confer: Swept) -> None:
    for _ in range(3):
        confer.tick(hours=13)
    until = confer.state().swept_until
    confer.completed(307, at=until - OVERLAP + timedelta(minutes=5))
    confer.completed(308, at=until - OVERLAP - timedelta(minutes=5))
    confer.tick(minutes=16)
    assert len(confer.cases(307)) == 1, "the LMS showed it late"
    assert confer.cases(308) == [], "that long ago everything was known"


def test_completions_from_before_the_program_are_left_out(confer: Swept) -> None:
    confer.completed(307, at=confer.state().begins_at - timedelta(minutes=5))
    confer.tick(minutes=16)
    assert confer.rows(select(Case)) == []


def test_a_program_can_ask_for_completions_from_before_it(confer: Swept) -> None:
    begin = confer.state().begins_at
    confer.completed(307, at=begin - timedelta(days=3))
    confer.completed(308, at=begin - timedelta(days=30))
    file = confer.config / "programs" / "first-aid.yaml"
    file.write_text(file.read_text() + f"\ntiming:\n  sweep_from: {(begin - timedelta(days=10)).date()}\n")
    confer.reload()
    confer.tick(minutes=16)
    assert len(confer.cases(307)) == 1
    assert confer.cases(308) == []
    state = confer.state()
    assert state.begins_at < begin
    confer.tick(minutes=16)
    assert confer.state().begins_at == state.begins_at


def test_two_workers_sweep_once(confer: Swept) -> None:
    confer.completed()
    confer.clock.forward(EVERY.total_seconds())
    assert sweep()
    before = confer.asked()
    confer.control.fault("moodle", "latency", function=LIST, seconds=0.3, times=1)
    with ThreadPoolExecutor(2) as workers:
        found = [wakeup for wakeups in workers.map(poll, [SWEEP, SWEEP]) for wakeup in wakeups]
    assert [one.task for one in found] == ["receive"]
    # one page with the learner, and an empty one
    assert confer.asked() - before == 2


def test_a_worker_that_dies_over_a_sweep_loses_it_when_its_lease_ends(
    confer: Swept, monkeypatch: pytest.MonkeyPatch
) -> None:
    confer.completed()
    confer.clock.forward(EVERY.total_seconds())
    assert sweep()

    def die(*_: object, **__: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr("pipeline.lms.moodle.Moodle.completions", die)
        with pytest.raises(SystemExit):
            poll(SWEEP)
    confer.tick(minutes=2)
    assert confer.rows(select(Case)) == []
    confer.tick(seconds=LEASE.total_seconds())
    assert len(confer.cases(307)) == 1


def test_an_account_can_do_without_sweeps(confer: Swept) -> None:
    file = confer.config / "accounts.yaml"
    file.write_text(
        file.read_text().replace("    system: moodle\n", "    system: moodle\n    sweep_every: never\n", 1)
    )
    confer.reload()
    before = confer.asked()
    confer.completed()
    confer.tick(hours=2)
    assert confer.asked() == before
    assert poll(SWEEP) == []
