"""A deploy in the middle of a cohort: workers end in time when asked, and others go on where they stopped."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.faults.rig import AT_ACCREDIBLE, running

pytestmark = [pytest.mark.servers, pytest.mark.alone]


def test_sigterm_ends_every_process_in_time_and_loses_nothing(tmp_path: Path) -> None:
    tmp_path.chmod(0o711)
    with running(tmp_path, "servers") as rig:
        rig.complete(60, AT_ACCREDIBLE, parallel=16)
        time.sleep(1)
        began = time.monotonic()
        for name in ("worker", "lanes0", "web", "beat"):
            rig.processes.running[name].terminate()
        for name in ("worker", "lanes0", "web", "beat"):
            rig.processes.running.pop(name).wait(timeout=40)
        print(f"ended within {time.monotonic() - began:.1f} s")
        rig.start_web()
        rig.start_workers()
        rig.processes.start("beat", ("celery", "-A", "tasks", "beat"))
        rig.wait_all(60)
        rig.assert_exactly_once(60)
