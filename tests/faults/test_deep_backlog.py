"""100,000 credentials that wait: the next rows are found by an index, and a lane host needs no more memory."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, text

from pipeline import clock
from pipeline.settings import settings
from pipeline.steps.lane.errands import take
from pipeline.store.database import engine, forget_engine
from tests.backlog import Waiting, multiply
from tests.faults.rig import Rig, running
from tests.servers import wait_for

pytestmark = pytest.mark.servers

DEEP = 100_000
#: most of them are issued before the memory of a lane host is taken for its usual one
WARM = 500
MEGABYTE = 1 << 20


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """An installation on servers, whose workers the tests start and stop."""
    directory = tmp_path_factory.mktemp("deep")
    directory.chmod(0o711)
    with running(directory, "servers") as made:
        made.kill_workers()
        yield made


@pytest.fixture
def database(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """This process on the rig's database."""
    monkeypatch.setenv("DATABASE_URL", rig.processes.environ["DATABASE_URL"])
    settings.cache_clear()
    forget_engine()
    yield engine()
    forget_engine()
    settings.cache_clear()


def resident(pid: int) -> int:
    """The memory of a process, in bytes."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS"))


def measured(account: str, count: int) -> str:
    """What it takes to claim rows: the median of twenty, each with its intents committed."""
    took = []
    for _ in range(20):
        began = time.perf_counter()
        assert len(take(account, count, turn=timedelta(0))) == count
        took.append((time.perf_counter() - began) * 1000)
    return f"{count} claimed in {statistics.median(took):.1f} ms"


def plans_of_a_claim(database: Engine, account: str) -> list[str]:
    """How PostgreSQL looks for the rows of a claim of 30."""
    plans: list[str] = []

    def explain(connection, _cursor, statement, parameters, *_):  # type: ignore[no-untyped-def]
        if statement.startswith("SELECT") and "FROM credentials" in statement:
            plain = connection.connection.driver_connection.cursor()
            plain.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters)
            plans.append(json.dumps(plain.fetchone()[0]))

    event.listen(database, "before_cursor_execute", explain)
    assert len(take(account, 30, turn=timedelta(0))) == 30
    event.remove(database, "before_cursor_execute", explain)
    assert plans
    return plans


def test_the_next_rows_are_found_by_an_index(database: Engine) -> None:
    """Also before PostgreSQL has counted what a cohort import has just written."""
    due = clock.now() - timedelta(minutes=5)
    multiply(database, Waiting(number=900_001, program="deep", account="deep", due=due), DEEP)
    plans = plans_of_a_claim(database, "deep")
    with database.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE credentials"))
    plans += plans_of_a_claim(database, "deep")
    print(f"of {DEEP:,}: {measured('deep', 1)}; {measured('deep', 30)}")
    for plan in plans:
        assert '"Sort"' not in plan, plan
        assert "Seq Scan" not in plan, plan
        assert "Index" in plan
        rows = [part.split(":")[1] for part in plan.split(",") if '"Rows Removed by Filter"' in part]
        assert all(int(count.strip(" }]")) <= 60 for count in rows), "it steps over rows that are not due"


def test_a_lane_host_needs_no_more_memory_for_100_000_rows(rig: Rig, database: Engine) -> None:
    """Our own issuer, which is as fast as the machine: whatever a host keeps of a backlog would show."""
    due = clock.now() - timedelta(minutes=5)
    multiply(database, Waiting(number=950_001, program="memory", account="badges", template="t", due=due), WARM)
    rig.start_workers()
    pid = rig.processes.running["lanes0"].pid
    left = "SELECT count(*) FROM credentials WHERE account = 'badges' AND due_at IS NOT NULL"
    wait_for(lambda: rig.rows(left)[0][0] <= WARM / 5, seconds=120, what="a lane host that has warmed up")
    warm = resident(pid)
    multiply(database, Waiting(number=950_002, program="memory", account="badges", template="t", due=due), DEEP)
    before = rig.rows(left)[0][0]
    wait_for(lambda: rig.rows(left)[0][0] < before, seconds=90, what="a lane host that has been woken")
    most, ends = warm, time.monotonic() + 12
    while time.monotonic() < ends:
        most = max(most, resident(pid))
        time.sleep(0.2)
    after = rig.rows(left)[0][0]
    print(f"{warm / MEGABYTE:.1f} MB warm, at most {most / MEGABYTE:.1f} MB with {after:,} waiting")
    assert after > DEEP / 2, "the backlog was deep all the time"
    assert after < before, "and it was worked on"
    assert most - warm < 20 * MEGABYTE
