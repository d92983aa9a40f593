"""The main job under its ordinary load: seconds for one, and all of three hundred at once."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.faults.rig import AT_ACCREDIBLE, AT_BADGES, Variant, running

pytestmark = [pytest.mark.servers, pytest.mark.alone]


@pytest.mark.parametrize("variant", ["files", "servers"])
def test_one_is_issued_within_five_seconds_and_three_hundred_at_once_each_exactly_once(
    tmp_path: Path, variant: Variant
) -> None:
    with running(tmp_path, variant) as rig:
        began = time.monotonic()
        rig.complete(1, AT_BADGES)
        rig.wait_all(1, seconds=30)
        first = time.monotonic() - began
        assert first < 5, f"{first:.1f} s"

        began = time.monotonic()
        rig.complete(200, AT_BADGES, parallel=32)
        rig.complete(100, AT_ACCREDIBLE, parallel=32)
        accepted = time.monotonic() - began
        rig.wait_all(301, seconds=150)
        done = time.monotonic() - began
        print(f"{variant}: one in {first:.1f} s; 300 accepted in {accepted:.1f} s, done in {done:.1f} s")
        rig.assert_exactly_once(301)
