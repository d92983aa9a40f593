"""The database is stopped under load: senders are told to come again, and nothing that was accepted is lost."""

from __future__ import annotations

import time
from pathlib import Path

import psycopg
import pytest
import requests

from tests.faults.rig import AT_ACCREDIBLE, running

pytestmark = pytest.mark.servers


def test_the_database_restarts_in_the_middle_of_everything(tmp_path: Path) -> None:
    tmp_path.chmod(0o711)
    with running(tmp_path, "servers") as rig:
        assert rig.postgres
        rig.complete(40, AT_ACCREDIBLE, parallel=16)
        rig.postgres.stop()
        learner = rig.learners(1)[0]["id"]
        refused = rig.control.complete(learner, AT_ACCREDIBLE, score="91.5", send=rig.send())
        assert refused["answer"]["status"] == 503
        assert requests.get(f"{rig.web_url}/health/ready", timeout=10).status_code == 503
        assert requests.get(f"{rig.web_url}/health/live", timeout=10).status_code == 200
        time.sleep(3)
        rig.postgres.start()
        again = rig.control.resend(refused["objectid"], rig.send())
        assert again["answer"]["status"] == 202
        rig.wait_all(41, seconds=120)
        rig.assert_exactly_once(41)
        for statement in ("UPDATE ledger SET actor = 'nobody'", "DELETE FROM ledger", "TRUNCATE ledger"):
            with (
                psycopg.connect(rig.postgres.dsn("confer")) as connection,
                pytest.raises(psycopg.errors.RaiseException),
            ):
                connection.execute(statement)
