"""The nightly look for drift: once a night, also after a night without workers, and staff is told what is new."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from pipeline.configuration.loading import configuration
from pipeline.steps.turn import WakeUp
from pipeline.store.alerts import AlertRow
from pipeline.store.database import reading
from pipeline.watch.drift import examine
from pipeline.watch.nightly import LEASE, NIGHT, due_drift
from tasks.steps import drift_task
from tasks.tick import tick_task
from tests.driver import FIRST_AID, SAFETY, Driver

NIGHTLY = [WakeUp(task="drift", id="nightly")]


class Watched(Driver):
    """An installation whose nightly look a test can wait for."""

    def to_night(self) -> None:
        """Go to a moment after the next night has begun."""
        at = datetime.combine(self.clock.now.astimezone(UTC).date(), NIGHT) + timedelta(minutes=1)
        self.clock.go_to(at if at > self.clock.now else at + timedelta(days=1))

    def look(self) -> list[AlertRow]:
        """Let a worker do what is due, and read the alerts."""
        assert due_drift() == NIGHTLY
        drift_task("nightly")
        with reading() as session:
            return list(session.scalars(select(AlertRow).order_by(AlertRow.id)))


@pytest.fixture
def confer(make_driver: Callable[..., Driver]) -> Watched:
    made = Watched(**vars(make_driver()))
    file = made.config / "accounts.yaml"
    file.write_text(
        file.read_text().replace("system: moodle\n", f'system: moodle\n    without_program: ["{SAFETY}"]\n')
    )
    made.reload()
    assert due_drift() == []  # the first night is still to come
    return made


def test_it_is_due_once_a_night(confer: Watched) -> None:
    assert due_drift() == []
    confer.to_night()
    assert due_drift() == NIGHTLY
    assert due_drift() == []  # announced, and not lost yet
    drift_task("nightly")
    confer.clock.forward(LEASE.total_seconds() + 1)
    assert due_drift() == []
    confer.to_night()
    assert due_drift() == NIGHTLY


def test_a_lost_wake_up_or_worker_costs_half_an_hour_and_a_night_without_workers_is_made_up_for(
    confer: Watched,
) -> None:
    confer.to_night()
    assert due_drift() == NIGHTLY
    confer.clock.forward(LEASE.total_seconds() + 1)
    assert due_drift() == NIGHTLY
    confer.clock.forward(60 * 3600)
    assert due_drift() == NIGHTLY


def test_beat_s_tick_announces_it(confer: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    announced: list[WakeUp] = []
    monkeypatch.setattr("tasks.tick.announce", announced.extend)
    monkeypatch.setattr("tasks.tick.waiting", lambda _: 0)
    confer.to_night()
    tick_task()
    assert NIGHTLY[0] in announced


def test_nothing_to_tell_tells_nobody(confer: Watched) -> None:
    confer.to_night()
    assert confer.look() == []


def test_what_has_moved_is_told_once_a_week(confer: Watched) -> None:
    confer.control.add_course(FIRST_AID, shortname="FA", fullname="First Aid", enablecompletion=False)
    confer.clock.go_to(datetime(2027, 3, 1, 12, tzinfo=UTC))  # a Monday
    confer.to_night()
    [told] = confer.look()
    assert (told.title, told.severity) == ("Course cannot be completed", "failure")
    assert "nobody can complete course 12 at Moodle" in told.summary
    assert ["Program", "first-aid"] in told.facts
    confer.to_night()
    assert len(confer.look()) == 1
    confer.clock.forward(7 * 24 * 3600)
    assert len(confer.look()) == 2


def test_courses_without_a_program_are_one_alert_and_new_ones_another(confer: Watched) -> None:
    for number in range(31, 51):
        confer.control.add_course(number, shortname=f"N{number}", fullname=f"New {number}")
    confer.clock.go_to(datetime(2027, 3, 1, 12, tzinfo=UTC))
    confer.to_night()
    [told] = confer.look()
    assert told.title == "Courses without a program"
    assert "31, 32" in told.summary
    assert "and 10 more" in told.summary
    assert ["Courses", "20"] in told.facts
    confer.control.add_course(51, shortname="N51", fullname="New 51")
    confer.to_night()
    assert len(confer.look()) == 2


def test_an_outage_is_no_drift_and_a_refused_key_is_told(confer: Watched) -> None:
    confer.control.fault("moodle", "status", status=503)
    confer.control.fault("canvas", "status", status=401)
    confer.to_night()
    [told] = confer.look()
    assert told.title == "System cannot be asked"
    assert ["Account", "college"] in told.facts


def test_a_platform_that_is_down_is_left_to_the_probes_of_its_lane(confer: Watched) -> None:
    confer.learner(401)
    confer.control.fault("accredible", "status", status=503)
    confer.complete_at_accredible(401)
    confer.drain()
    before = len(confer.control.calls("accredible"))
    assert before
    confer.to_night()
    assert confer.look() == []
    assert len(confer.control.calls("accredible")) == before


def test_asking_for_templates_keeps_to_the_account_s_pace(confer: Watched) -> None:
    file = confer.config / "accounts.yaml"
    file.write_text(file.read_text().replace("calls: 100, per_seconds: 60", "calls: 1, per_seconds: 20"))
    confer.reload()
    before = confer.clock.now
    for _ in range(2):
        assert examine(configuration(), configuration().platforms["accredible"]) == ()
    assert (confer.clock.now - before).total_seconds() >= 20
