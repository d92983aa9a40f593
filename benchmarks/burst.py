"""How the lanes take a burst: the limit they use, what a credential costs, and five platforms through an outage."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline import clock
from tests.faults.fleet import LIMITS, Fleet, fleet
from tests.servers import wait_for

#: calls that one credential takes at each platform
CALLS: Mapping[str, int] = {"accredible": 1, "credly": 1, "certifier": 3, "sertifier": 3, "badgr": 1}
#: which platform is away in the middle, and for how long: 30 minutes, scaled
AWAY, AWAY_MINUTES = "credly", 30


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What one platform saw of a burst. `p95` is of the time from due to issued, in seconds."""

    platform: str
    credentials: int
    calls: int
    over: int
    most: int
    used: float
    p95: float


def used_by_lanes(count: int, calls: int, window: float) -> tuple[dict[str, Any], float]:
    """A burst at Accredible by two lane hosts: what arrived, and CPU seconds of the hosts per credential."""
    with _fleet(window=window) as rig:
        rig.control.set_rate("accredible", calls, window)
        rig.backlog({"accredible": count})
        rig.start_lanes(2)
        wait_for(lambda: not rig.waiting(), seconds=count / calls * window * 3 + 60, what="the burst", every=0.5)
        return rig.seen("accredible"), _cpu(rig, "lanes0", "lanes1") / count


def used_by_rate_limit(count: int, calls: int, window: float) -> tuple[dict[str, Any], float]:
    """The same burst by two workers with Celery's `rate_limit`, which each of them counts for itself."""
    with _fleet(window=window, PLAIN_LIMIT=f"{calls / window * 60:g}/m") as rig:
        rig.control.set_rate("accredible", calls, window)
        for number in range(2):
            name = f"plain{number}"
            worker = ("celery", "-A", "benchmarks.plain", "worker", "-n", f"{name}@%h", "-Q", "steps", "-c", "4")
            rig.processes.start(name, worker)
        command = [sys.executable, "-m", "benchmarks.plain", str(count)]
        subprocess.run(command, env={**os.environ, **rig.processes.environ}, check=True)
        wait_for(lambda: rig.control.rate("accredible")["calls"] >= count, seconds=300, what="the burst", every=0.5)
        return rig.seen("accredible"), _cpu(rig, "plain0", "plain1") / count


def bulk_seconds(count: int, window: float, *, bulky: bool) -> float:
    """Seconds until so many learners have their credential at Accredible, at 100 calls in `window`."""
    with _fleet(window=window, bulky=bulky) as rig:
        rig.backlog({"accredible": count})
        rig.start_lanes(1)
        wait_for(lambda: rig.control.rate("accredible")["calls"], seconds=60, what="the first call", every=0.01)
        began = time.monotonic()
        wait_for(lambda: not rig.waiting(), seconds=count * window / 50 + 60, what="the cohort", every=0.02)
        return time.monotonic() - began


def five_platforms(credentials: int, window: float, *, trouble: bool) -> list[Seen]:
    """Backlogs at all five, as many as each can issue in the same time; with `trouble`, kills and an outage.

    Raises:
        RuntimeError: a credential is missing or there twice.
    """
    scale = window / 60  # the longest call and the lease are scaled like the minute, or a kill counts for more
    longest, lease = f"{max(0.5, 20 * scale):g}", f"{max(2, 90 * scale):g}"
    with _fleet(window=window, CONFER_CALL_TIMEOUT_SECONDS=longest, CONFER_LEASE_SECONDS=lease) as rig:
        counts = shares(credentials)
        rig.backlog(counts)
        began = clock.now()
        rig.start_lanes(2)
        span = max(counts[name] * CALLS[name] / LIMITS[name] for name in counts) * window
        if trouble:
            _trouble(rig, span)
        away = AWAY_MINUTES * window if trouble else 0
        wait_for(lambda: not rig.waiting(), seconds=span * 2 + away + 120, what="all credentials", every=1)
        return [_seen(rig, name, count, began) for name, count in counts.items()]


def shares(credentials: int) -> dict[str, int]:
    """How many of so many credentials each platform issues in the same time."""
    pace = {name: LIMITS[name] / CALLS[name] for name in LIMITS}
    return {name: round(credentials * pace[name] / sum(pace.values())) for name in pace}


def _trouble(rig: Fleet, span: float) -> None:
    """One platform is away for half an hour, scaled; each lane host is killed once and comes back."""
    time.sleep(span / 4)
    down = rig.control.fault(AWAY, "status", status=503)
    ends = time.monotonic() + AWAY_MINUTES * rig.window
    for number in range(2):
        time.sleep(min(span / 8, AWAY_MINUTES * rig.window / 4))
        rig.kill_lane_host(number)
        rig.start_lane_host(number)
    time.sleep(max(0.0, ends - time.monotonic()))
    rig.control.clear_fault(down)


def _seen(rig: Fleet, platform: str, count: int, began: Any) -> Seen:
    live, arrived = rig.live(platform), rig.seen(platform)
    if len(live) != count or set(live.values()) != {1}:
        raise RuntimeError(f"{platform}: {len(live)} of {count} issued, {sum(live.values()) - len(live)} twice")
    query = "SELECT confirmed_at FROM credentials WHERE account = :account"
    took = sorted((row[0] - began).total_seconds() for row in rig.rows(query, account=platform))
    return Seen(
        platform=platform, credentials=count, calls=arrived["calls"], over=arrived["over_limit"],
        most=arrived["max_in_window"], used=arrived["used"], p95=statistics.quantiles(took, n=20)[-1],
    )  # fmt: skip


@contextmanager
def _fleet(*, window: float, bulky: bool = False, **environ: str) -> Iterator[Fleet]:
    with tempfile.TemporaryDirectory(prefix="confer-bench-") as directory:
        place = Path(directory)
        place.chmod(0o711)
        with fleet(place / "run", window=window, bulky=bulky, **environ) as rig:
            yield rig


def _cpu(rig: Fleet, *names: str) -> float:
    """CPU seconds that these processes and their children have used."""
    total = 0.0
    for name in names:
        for process in _family(rig.processes.running[name].pid):
            fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
            total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [pid, *(member for child in children for member in _family(int(child)))]
