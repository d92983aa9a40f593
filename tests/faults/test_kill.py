"""kill -9 of the workers in each step: every case finishes, nothing twice, nothing lost."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.faults.rig import AT_ACCREDIBLE, ISSUING, Rig, until

pytestmark = pytest.mark.servers

#: a fault that keeps a worker in a step, so that it can be killed there
HELD_UP: dict[str, dict[str, Any]] = {
    "gather": {"system": "moodle", "function": "gradereport_user_get_grade_items"},
    "issue": {"system": "accredible", "method": "POST", "path": ISSUING},
    "issued, and its answer lost": {
        "system": "accredible",
        "method": "POST",
        "path": ISSUING,
        "after": True,
    },
    "notify": {"system": "mail", "at": "rcpt"},
    "downstream": {"system": "sis"},
    "downstream, and its answer lost": {"system": "sis", "after": True},
}


@pytest.mark.parametrize("step", HELD_UP)
def test_kill_in_a_step_that_calls_outside(rig: Rig, step: str) -> None:
    before = sum(rig.stages().values())
    fault = {**HELD_UP[step]}
    held = rig.control.fault(fault.pop("system"), "hang", seconds=30, **fault)
    rig.complete(3, AT_ACCREDIBLE)
    until(lambda: _hits(rig, held) >= 1, what=f"a worker hanging in {step}")
    rig.kill_workers()
    rig.control.clear_faults()
    rig.start_workers()
    rig.wait_all(before + 3)
    rig.assert_exactly_once(before + 3)


@pytest.mark.parametrize(
    "at_work",
    [
        pytest.param("SELECT id FROM deliveries WHERE state = 'stored'", id="receive"),
        pytest.param("SELECT id FROM cases WHERE stage = 'verify' AND owner IS NOT NULL", id="verify"),
    ],
)
def test_kill_in_a_step_that_only_computes(rig: Rig, at_work: str) -> None:
    """There is nothing to hang in, so they are killed again and again under load until one was caught there."""
    total = sum(rig.stages().values())
    for _ in range(12):
        rig.complete(20, AT_ACCREDIBLE, parallel=16)
        total += 20
        deadline = time.monotonic() + 5
        while not rig.rows(at_work) and time.monotonic() < deadline:
            pass
        rig.kill_workers()
        caught = rig.rows(at_work)
        rig.start_workers()
        if caught:
            break
    assert caught, "no worker was killed in that step"
    rig.wait_all(total)
    rig.assert_exactly_once(total)


def _hits(rig: Rig, fault: str) -> int:
    return next(int(one["hits"]) for one in rig.control.faults() if one["id"] == fault)
