"""Five platform accounts at once, each with its own limit, and backlogs written straight into the lanes.

The limits stand in the ratio of the real ones; time is scaled. Every credential is a call of its own (no bulk), so
that calls can be counted against the limit.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from pipeline import clock
from pipeline.settings import settings
from pipeline.store.database import make_engine
from sandbox.processes import LANES
from tests.backlog import Waiting, fill
from tests.contracts.platform_bench import Bench
from tests.faults.rig import PROGRAM, Rig
from tests.matrix.rig import bench_of
from tests.servers import PostgresServer, RedisServer

#: the guide's limits, calls a minute
LIMITS: Mapping[str, int] = {"accredible": 100, "credly": 60, "certifier": 200, "sertifier": 50, "badgr": 30}
#: of the workers that only tick and announce
TICKER = ("celery", "-A", "tasks", "worker", "-n", "ticker@%h", "-Q", "tick", "-c", "1")


class _Environment:
    """What a bench sets as variables goes into the processes' environment as well as into this one's."""

    def __init__(self, values: dict[str, str]) -> None:
        self._values, self._own = values, pytest.MonkeyPatch()

    def setenv(self, name: str, value: str) -> None:
        self._values[name] = value
        self._own.setenv(name, value)

    def undo(self) -> None:
        self._own.undo()


class Fleet(Rig):
    """A rig whose lanes are those of five platforms. `window` is what a minute is scaled to, in seconds."""

    window: float = 6.0
    bulky: bool = False

    def start(self) -> Rig:
        """Sandbox, the accounts, migrations, a ticker and beat; the lanes are started by `start_lanes`."""
        super().start()
        self.kill_workers()
        self.processes.start("ticker", TICKER)
        for platform, calls in LIMITS.items():
            self.control.set_rate(platform, calls, self.window)
        return self

    def stop(self) -> None:
        """End everything."""
        super().stop()
        self._variables.undo()
        settings.cache_clear()

    def start_lanes(self, hosts: int = 2) -> None:
        """The lane hosts."""
        for number in range(hosts):
            self.start_lane_host(number)

    def start_lane_host(self, number: int) -> None:
        """One lane host."""
        self.processes.start(f"lanes{number}", tuple(part.replace("lanes@", f"lanes{number}@") for part in LANES))

    def kill_lane_host(self, number: int) -> None:
        """kill -9 of one lane host."""
        self.processes.kill(f"lanes{number}")
        self.processes.running.pop(f"lanes{number}").wait()

    def backlog(self, counts: Mapping[str, int], *, first: int = 1) -> int:
        """So many credentials wait at each account, numbered from `first` on; returns the next number."""
        engine = make_engine(self.processes.environ["DATABASE_URL"])
        number, now = first, clock.now()
        for platform, count in counts.items():
            bench = self.benches[platform]
            step = timedelta(seconds=self.window / LIMITS[platform])
            fill(
                engine,
                (
                    Waiting(
                        number=number + index, program=platform, account=platform, template=bench.templates[0],
                        due=now + step * (index - count), formats=bench.formats, attributes=bench.attributes,
                    )
                    for index in range(count)
                ),
            )  # fmt: skip
            number += count
        engine.dispose()
        return number

    def waiting(self) -> Counter[str]:
        """How many credentials are not confirmed, by account."""
        query = "SELECT account, count(*) FROM credentials WHERE state <> 'confirmed' GROUP BY account"
        return Counter({account: count for account, count in self.rows(query)})  # noqa: C416

    def seen(self, platform: str) -> dict[str, Any]:
        """What arrived there, and how much of the limit that is."""
        found = self.control.rate(platform)
        spent = (found["last_at"] or 0) - (found["first_at"] or 0)
        used = (found["calls"] - 1) / (spent * LIMITS[platform] / self.window) if spent > 0 else 0.0
        return {**found, "used": used}

    def live(self, platform: str) -> Counter[str]:
        """The live credentials there, by address."""
        return Counter(one["email"] for one in self.benches[platform].there())

    def _write_config(self) -> None:
        self.benches: dict[str, Bench] = {}
        self._variables = _Environment(cast(dict[str, str], self.processes.environ))
        environment = cast(pytest.MonkeyPatch, self._variables)
        for name in ("CONFER_SECRET_KEY", "CONFER_DATA"):  # the benches make calls of their own
            environment.setenv(name, self.processes.environ[name])
        settings.cache_clear()
        platforms = {}
        for platform, calls in LIMITS.items():
            url = f"{self.sandbox_url}/{bench_of(platform).system}"
            self.benches[platform] = bench_of(platform)(self.control, environment, url)
            platforms[platform] = {
                "system": platform, **self.benches[platform].options(), "settles_seconds": 1,
                "rate": {"calls": calls, "per_seconds": self.window}, **({} if self.bulky else {"bulk": 1}),
            }  # fmt: skip
        config = self.directory / "config"
        (config / "programs").mkdir(parents=True)
        lms = {
            "campus": {
                "system": "moodle", "site": "env:CAMPUS_MOODLE_URL", "token": "env:CAMPUS_MOODLE_TOKEN",
                "secrets": "env:CAMPUS_WEBHOOK_SECRET",
            }
        }  # fmt: skip
        (config / "accounts.yaml").write_text(json.dumps({"lms": lms, "platforms": platforms}), encoding="utf-8")
        (config / "targets.yaml").write_text("{}", encoding="utf-8")
        program = PROGRAM.format(
            name="unused", title="Unused", course=13, account="accredible", template="4712"
        ).replace("downstream: [sis]", "")  # what waits is written straight into the lanes
        (config / "programs" / "unused.yaml").write_text(program, encoding="utf-8")


@contextmanager
def fleet(directory: Path, *, window: float = 6.0, bulky: bool = False, **environ: str) -> Iterator[Fleet]:
    """A started fleet on PostgreSQL and Redis."""
    postgres, redis = PostgresServer(directory / "postgres").start(), RedisServer(directory / "redis").start()
    long = {"CONFER_SLICE_SECONDS": "10", "CONFER_CALL_TIMEOUT_SECONDS": "5", "CONFER_LEASE_SECONDS": "20"}
    rig = Fleet(directory=directory, variant="servers", postgres=postgres, redis=redis, environ={**long, **environ})
    rig.window, rig.bulky = window, bulky
    try:
        rig.start()
        yield rig
    finally:
        rig.stop()
        redis.stop()
        postgres.stop()
