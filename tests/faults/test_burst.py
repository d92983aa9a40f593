"""The main job under its ordinary load: seconds for one, and all of a cohort at once."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.faults.rig import AT_ACCREDIBLE, AT_BADGES, Variant, running

pytestmark = [pytest.mark.servers, pytest.mark.alone]


#: learners at our own issuer and at Accredible; what runs on files is one machine's, and for smaller cohorts
AT_ONCE: dict[Variant, tuple[int, int]] = {"files": (70, 30), "servers": (200, 100)}


@pytest.mark.parametrize("variant", AT_ONCE)
def test_one_is_issued_within_five_seconds_and_a_cohort_at_once_each_exactly_once(
    tmp_path: Path, variant: Variant
) -> None:
    own, accredible = AT_ONCE[variant]
    count = own + accredible
    with running(tmp_path, variant) as rig:
        began = time.monotonic()
        rig.complete(1, AT_BADGES)
        rig.wait_all(1, seconds=30)
        first = time.monotonic() - began
        assert first < 5, f"{first:.1f} s"

        began = time.monotonic()
        rig.complete(own, AT_BADGES, parallel=32)
        rig.complete(accredible, AT_ACCREDIBLE, parallel=32)
        accepted = time.monotonic() - began
        rig.wait_all(count + 1, seconds=150)
        done = time.monotonic() - began
        print(f"{variant}: one in {first:.1f} s; {count} accepted in {accepted:.1f} s, done in {done:.1f} s")
        rig.assert_exactly_once(count + 1)
