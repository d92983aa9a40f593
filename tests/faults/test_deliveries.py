"""The same completion told again and again, at once and in other words: one case, one credential."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.faults.rig import AT_ACCREDIBLE, Rig, until

pytestmark = pytest.mark.servers


def test_fifty_identical_deliveries_at_once_are_one_case_and_one_credential(rig: Rig) -> None:
    before = sum(rig.stages().values())
    learner = rig.learners(1)[0]["id"]
    told = rig.control.complete(learner, AT_ACCREDIBLE, score="91.5", send=rig.send(dry=True))

    def deliver(_: int) -> tuple[int, str]:
        answer = requests.post(
            f"{rig.web_url}/webhooks/campus", data=told["raw"].encode(), headers=told["headers"], timeout=20
        )
        return answer.status_code, answer.json()["delivery"]

    with ThreadPoolExecutor(50) as pool:
        answers = set(pool.map(deliver, range(50)))
    assert len(answers) == 1
    assert {status for status, _ in answers} == {202}
    rig.wait_all(before + 1)
    rig.assert_exactly_once(before + 1)
    assert {deliver(0)} == answers


def test_a_changed_redelivery_brings_no_second_credential(rig: Rig) -> None:
    before = sum(rig.stages().values())
    learner = rig.learners(1)[0]["id"]
    first = rig.control.complete(learner, AT_ACCREDIBLE, score="91.5", send=rig.send())
    second = rig.control.complete(learner, AT_ACCREDIBLE, score="95", send=rig.send())
    assert first["objectid"] != second["objectid"]
    rig.wait_all(before + 1)
    third = rig.control.complete(learner, AT_ACCREDIBLE, score="97", send=rig.send())
    assert third["answer"]["status"] == 202
    deliveries = "SELECT count(*) FROM deliveries WHERE state = 'stored'"
    while rig.rows(deliveries)[0][0]:
        pass
    rig.assert_exactly_once(before + 1)
    blocked = rig.rows("SELECT id FROM ledger WHERE kind = 'event.duplicate'")
    assert len(blocked) == 2


def test_a_held_case_goes_on_by_the_command_and_a_second_replay_does_nothing(rig: Rig) -> None:
    """In a process of its own, as an operator runs it."""
    before = sum(rig.stages().values())
    learner = rig.learners(1)[0]["id"]
    rig.control.complete(learner, AT_ACCREDIBLE, score="80.5", send=rig.send())
    until(lambda: rig.stages()["held"] == 1, what="the doubtful score to be held")
    rig.control.progress(learner, AT_ACCREDIBLE, score="92")
    assert "within 1.6 points" in rig.command("celery", "-A", "tasks", "replay", "--list")
    rehearsed = rig.command("celery", "-A", "tasks", "replay", "--all", "--error", "doubt", "--dry-run")
    assert "1 would be replayed" in rehearsed
    assert rig.stages()["held"] == 1
    assert "1 replayed" in rig.command("celery", "-A", "tasks", "replay", "--all", "--by", "registrar")
    rig.wait_all(before + 1)
    assert "0 replayed" in rig.command("celery", "-A", "tasks", "replay", "--all", "--by", "registrar")
    rig.assert_exactly_once(before + 1)
    assert rig.rows("SELECT actor FROM ledger WHERE kind = 'case.replayed'") == [("person:registrar",)]
