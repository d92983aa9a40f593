"""The broker is flushed, stopped, frozen and restarted empty: work is delayed by seconds, and none is lost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.rig import AT_ACCREDIBLE, Rig, running, until
from tests.servers import RedisServer

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    directory: Path = tmp_path_factory.mktemp("broker")
    directory.chmod(0o711)
    with running(directory, "servers") as running_rig:
        yield running_rig


@pytest.fixture
def redis(rig: Rig) -> RedisServer:
    assert rig.redis
    return rig.redis


def test_flushall_with_cases_in_every_stage(rig: Rig, redis: RedisServer) -> None:
    before = sum(rig.stages().values())
    rig.complete(60, AT_ACCREDIBLE, parallel=16)
    for _ in range(5):
        redis.flush()
        time.sleep(0.4)
    rig.wait_all(before + 60)
    rig.assert_exactly_once(before + 60)


def test_stopped_while_deliveries_come_in_and_restarted_empty(rig: Rig, redis: RedisServer) -> None:
    before = sum(rig.stages().values())
    rig.complete(20, AT_ACCREDIBLE)
    redis.stop()
    slowest = max(one["milliseconds"] for one in rig.complete(10, AT_ACCREDIBLE))
    assert slowest < 2000
    redis.restart_empty()
    rig.wait_all(before + 30)
    rig.assert_exactly_once(before + 30)


def test_frozen_the_webhook_answers_within_two_seconds(rig: Rig, redis: RedisServer) -> None:
    before = sum(rig.stages().values())
    rig.complete(10, AT_ACCREDIBLE)
    redis.freeze()
    try:
        slowest = max(one["milliseconds"] for one in rig.complete(10, AT_ACCREDIBLE))
        time.sleep(6)  # longer than any time-out of the broker's connections
        again = max(one["milliseconds"] for one in rig.complete(5, AT_ACCREDIBLE))
    finally:
        redis.thaw()
    assert max(slowest, again) < 2000
    rig.wait_all(before + 25, seconds=120)
    rig.assert_exactly_once(before + 25)


def test_a_lost_wake_up_of_every_kind_is_repeated_by_the_tick(rig: Rig, redis: RedisServer) -> None:
    """Nothing at all is in the broker while the workers are away."""
    before = sum(rig.stages().values())
    rig.kill_workers()
    rig.complete(5, AT_ACCREDIBLE)
    until(lambda: redis.flush() is None, what="flushed")
    rig.start_workers()
    rig.wait_all(before + 5)
    rig.assert_exactly_once(before + 5)


def test_two_beats_do_no_harm(rig: Rig) -> None:
    before = sum(rig.stages().values())
    rig.processes.start("beat2", ("celery", "-A", "tasks", "beat", "-s", str(rig.directory / "beat2")))
    rig.complete(20, AT_ACCREDIBLE)
    rig.wait_all(before + 20)
    rig.assert_exactly_once(before + 20)
    rig.processes.kill("beat2")
    rig.processes.running.pop("beat2").wait()
