"""Two lane processes share one limit: a strict sliding window never sees a call too many, and little is wasted."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.rig import AT_ACCREDIBLE, Variant, running

pytestmark = pytest.mark.servers

#: 100 calls a minute, six times as fast
CALLS, WINDOW = 100, 10.0


@pytest.mark.parametrize("variant", ["files", "servers"])
def test_two_lane_processes_use_the_limit_and_never_pass_it(tmp_path: Path, variant: Variant) -> None:
    tmp_path.chmod(0o711)
    # a call that a busy machine makes slow is not to be mistaken for an outage here
    environ = {"CONFER_SLICE_SECONDS": "10", "CONFER_CALL_TIMEOUT_SECONDS": "5", "CONFER_LEASE_SECONDS": "20"}
    with running(tmp_path, variant, rate=(CALLS, WINDOW), in_flight=4, environ=environ) as rig:
        rig.kill_workers()
        rig.complete(200, AT_ACCREDIBLE, parallel=16)
        rig.processes.start(
            "judge", ("celery", "-A", "tasks", "worker", "-n", "judge@%h", "-Q", "steps,tick", "-c", "2")
        )
        # first the cohort is judged; then the lanes find all of it waiting, as after an import
        while rig.stages()["issue"] < 200:
            pass
        rig.control.set_rate("accredible", CALLS, WINDOW, enforce=True)
        rig.start_workers(lanes=2)
        rig.wait_all(200, seconds=90)
        seen = rig.control.rate("accredible")
        print(variant, seen)
        assert seen["over_limit"] == 0
        assert seen["max_in_window"] <= CALLS
        spent = seen["last_at"] - seen["first_at"]
        rig.processes.kill("judge")
        rig.processes.running.pop("judge").wait()
        used = (seen["calls"] - 1) / (spent * CALLS / WINDOW)
        print(f"{variant}: {seen['calls']} calls in {spent:.2f} s: {used:.1%} of the limit")
        assert used >= 0.95
        rig.assert_exactly_once(200)
