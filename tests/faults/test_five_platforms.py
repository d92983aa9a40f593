"""Five platforms with backlogs, two lane hosts, kills and an outage: never over a limit, each issued once."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.faults.fleet import LIMITS, fleet
from tests.servers import wait_for

pytestmark = pytest.mark.servers

#: calls that one credential takes, so that all five have work for about as long
COUNTS = {"accredible": 150, "credly": 90, "certifier": 100, "sertifier": 25, "badgr": 45}


def test_backlogs_at_five_platforms_through_kills_and_an_outage(tmp_path: Path) -> None:
    tmp_path.chmod(0o711)
    with fleet(tmp_path / "run") as rig:
        total = sum(COUNTS.values())
        rig.backlog(COUNTS)
        rig.start_lanes(2)
        wait_for(lambda: sum(rig.waiting().values()) < total * 0.8, seconds=60, what="the lanes at work")
        down = rig.control.fault("credly", "status", status=503)
        time.sleep(2)
        rig.kill_lane_host(0)
        time.sleep(1)
        rig.start_lane_host(0)
        time.sleep(3)
        rig.control.clear_fault(down)
        rig.kill_lane_host(1)
        rig.start_lane_host(1)
        wait_for(lambda: not rig.waiting(), seconds=120, what=f"{total} credentials")
        for platform, count in COUNTS.items():
            seen, live = rig.seen(platform), rig.live(platform)
            print(platform, {name: seen[name] for name in ("calls", "over_limit", "max_in_window", "used")})
            assert seen["over_limit"] == 0
            assert seen["max_in_window"] <= LIMITS[platform]
            assert len(live) == count
            assert set(live.values()) == {1}
        assert rig.rows("SELECT max(attempts) FROM credentials")[0][0] == 0
        assert rig.rows("SELECT count(DISTINCT platform_ref) FROM credentials")[0][0] == total
