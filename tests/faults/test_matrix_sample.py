"""A sample of the fault matrix with processes that really die: at every platform, after it has committed.

Bulk calls are on, so that at Accredible and Badgr one lost answer is about several credentials.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from tests.faults.fleet import LIMITS, Fleet, fleet
from tests.faults.rig import until
from tests.servers import wait_for

pytestmark = pytest.mark.servers

EACH = 3
_FIRST = count(1, 1000)


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Five accounts, bulk calls where there are any, calls that may last two seconds."""
    directory = tmp_path_factory.mktemp("sample")
    directory.chmod(0o711)
    short = {"CONFER_CALL_TIMEOUT_SECONDS": "2", "CONFER_LEASE_SECONDS": "6", "CONFER_SLICE_SECONDS": "3"}
    with fleet(directory / "run", bulky=True, **short) as made:
        yield made


def disturb(rig: Fleet, kind: str, **more: Any) -> list[str]:
    """The next call that issues at each platform meets the fault once the platform has committed."""
    return [
        rig.control.fault(name, kind, path=bench.issuing, method="POST", times=1, after=True, **more)
        for name, bench in rig.benches.items()
    ]


def hits(rig: Fleet, faults: list[str]) -> int:
    return sum(one["hits"] for one in rig.control.faults() if one["id"] in faults)


def one_each(rig: Fleet, before: dict[str, set[str]]) -> None:
    """Every learner of this test has one live credential, and nobody has two."""
    wait_for(lambda: not rig.waiting(), seconds=90, what="all credentials")
    for platform in LIMITS:
        live = rig.live(platform)
        assert set(live.values()) == {1}, platform
        assert len(live) == len(before[platform]) + EACH, platform
    assert rig.rows("SELECT max(attempts) FROM credentials")[0][0] == 0


def there(rig: Fleet) -> dict[str, set[str]]:
    return {platform: set(rig.live(platform)) for platform in LIMITS}


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("drop_after", {}),
        ("status", {"status": 500}),
        ("html", {}),
        ("slow_body", {"seconds": 9}),
        ("hang", {"seconds": 5}),
    ],
    ids=["reset after success", "500 after success", "HTML page", "slow loris body", "timeout"],
)
def test_a_lost_answer_at_every_platform(rig: Fleet, kind: str, more: dict[str, Any]) -> None:
    before = there(rig)
    faults = disturb(rig, kind, **more)
    rig.backlog(dict.fromkeys(LIMITS, EACH), first=next(_FIRST))
    rig.start_lanes(2)
    one_each(rig, before)
    assert hits(rig, faults) == len(LIMITS), "a fault did not strike"
    rig.kill_workers()
    rig.control.clear_faults()


def test_kill_while_every_platform_has_committed_and_none_has_answered(rig: Fleet) -> None:
    before = there(rig)
    faults = disturb(rig, "hang", seconds=60)
    rig.backlog(dict.fromkeys(LIMITS, EACH), first=next(_FIRST))
    rig.start_lanes(1)
    until(lambda: hits(rig, faults) == len(LIMITS), seconds=40, what="a call hanging at each")
    rig.kill_workers()
    rig.control.clear_faults()
    rig.start_lanes(2)
    one_each(rig, before)
    rig.kill_workers()
