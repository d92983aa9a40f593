"""Accredible loses answers, fails and refuses: always exactly one credential, and an outage costs no attempt."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.faults.rig import AT_ACCREDIBLE, ISSUING, Rig, until

pytestmark = pytest.mark.servers


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "drop_after"},
        {"kind": "status", "status": 500, "after": True},
        {"kind": "html", "after": True},
        {"kind": "hang", "seconds": 3, "after": True},
        {"kind": "throttle", "retry_after": 1},
    ],
    ids=lambda fault: f"{fault['kind']}{' after' if fault.get('after') else ''}",
)
def test_answers_that_are_lost_after_the_credential_was_created(rig: Rig, fault: dict[str, Any]) -> None:
    before = sum(rig.stages().values())
    rig.control.fault("accredible", method="POST", path=ISSUING, times=4, **fault)
    rig.complete(8, AT_ACCREDIBLE)
    rig.wait_all(before + 8)
    rig.assert_exactly_once(before + 8)
    rig.control.clear_faults()


def test_an_outage_costs_no_attempt_and_few_probes(rig: Rig) -> None:
    before = sum(rig.stages().values())
    down = rig.control.fault("accredible", "status", status=503, times=None)
    rig.complete(30, AT_ACCREDIBLE)
    until(lambda: rig.rows("SELECT account FROM lanes WHERE down_since IS NOT NULL"), what="the outage to be seen")
    time.sleep(6)
    probes = next(one["hits"] for one in rig.control.faults() if one["id"] == down)
    assert probes <= 10
    rig.control.clear_faults()
    rig.wait_all(before + 30)
    rig.assert_exactly_once(before + 30)
    assert rig.rows("SELECT max(attempts) FROM credentials")[0][0] == 0
