"""Two lane processes share one limit: a strict sliding window never sees a call too many, and little is wasted."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.processes import WORKER
from tests.faults.rig import AT_ACCREDIBLE, Rig, Variant, running, until

pytestmark = [pytest.mark.servers, pytest.mark.alone]

#: 100 calls a minute, ten times as fast
CALLS, WINDOW = 100, 6.0


#: a machine that is busy with something else may spoil a measurement, but not three
COHORTS = 3


@pytest.mark.parametrize("variant", ["files", "servers"])
def test_two_lane_processes_use_the_limit_and_never_pass_it(tmp_path: Path, variant: Variant) -> None:
    tmp_path.chmod(0o711)
    # a call that a busy machine makes slow is not to be mistaken for an outage here
    environ = {"CONFER_SLICE_SECONDS": "10", "CONFER_CALL_TIMEOUT_SECONDS": "5", "CONFER_LEASE_SECONDS": "20"}
    with running(tmp_path, variant, rate=(CALLS, WINDOW), in_flight=4, bulk=1, environ=environ) as rig:
        used: list[float] = []
        while len(used) < COHORTS and max(used, default=0) < 0.95:
            used.append(issue_a_cohort(rig, 200 * (len(used) + 1)))
        print(f"{variant}: {', '.join(f'{one:.1%}' for one in used)} of the limit")
        assert max(used) >= 0.95
        rig.assert_exactly_once(200 * len(used))


def issue_a_cohort(rig: Rig, in_all: int) -> float:
    """Have 200 more learners issued by two lane processes; returns how much of the limit was used."""
    rig.kill_workers()
    rig.processes.start("judge", (*WORKER[: WORKER.index("-n")], "-n", "judge@%h", "-Q", "steps,tick", "-c", "2"))
    rig.complete(200, AT_ACCREDIBLE, parallel=16)
    # first the cohort is judged; then the lanes find all of it waiting, as after an import
    until(lambda: rig.stages()["issue"] == 200, seconds=90, what="the cohort judged")
    rig.processes.kill("judge")
    rig.processes.running.pop("judge").wait()
    rig.control.set_rate("accredible", CALLS, WINDOW, enforce=True)
    rig.start_workers(lanes=2)
    rig.wait_all(in_all, seconds=90)
    seen = rig.control.rate("accredible")
    print(rig.variant, seen)
    assert seen["over_limit"] == 0
    assert seen["max_in_window"] <= CALLS
    return float((seen["calls"] - 1) / ((seen["last_at"] - seen["first_at"]) * CALLS / WINDOW))
