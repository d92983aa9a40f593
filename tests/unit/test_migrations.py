"""Migrations on a database that is in use: every row of before is there afterwards, and the code reads it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import select, text

from pipeline import clock
from pipeline.settings import Settings, settings
from pipeline.store.cases import Case
from pipeline.store.credentials import standing_of
from pipeline.store.database import engine, forget_engine, reading
from pipeline.store.deliveries import Delivery, EventRow
from pipeline.store.learners import LearnerRow
from pipeline.store.outbox import Message
from pipeline.values import PrerequisiteState

ROOT = Path(__file__).parents[2]
_ROWS = """
INSERT INTO learners (id, source, ref, name, email)
  VALUES ('learner_1', 'campus', '307', 'Ada', 'Ada@Learners.Example');
INSERT INTO deliveries (id, source, key, received_at, sha256, body, events, state, attempts)
  VALUES ('delivery_1', 'campus', 'k', '2026-11-01 10:00:00', 'x', '{}', '[]', 'received', 0);
INSERT INTO cases (id, source, course, program, learner_id, generation, delivery_id, event_key, occurred_at,
    opened_at, changed_at, entered_at, stage, attempts, waits, crashes, version)
  VALUES ('case_1', 'campus', '12', 'first-aid', 'learner_1', 1, 'delivery_1', 'k', '2026-11-01 10:00:00',
    '2026-11-01 10:00:00', '2026-11-01 10:00:00', '2026-11-01 10:00:00',
    'held', 0, 0, 0, 3);
INSERT INTO events (id, delivery_id, source, key, learner, course, occurred_at, case_id)
  VALUES ('event_1', 'delivery_1', 'campus', 'k', '307', '12', '2026-11-01 10:00:00', 'case_1');
INSERT INTO messages (id, case_id, kind, message_id, state, attempts, handed_over)
  VALUES ('message_1', 'case_1', 'learner', '<m>', 'sent', 0, 1);
"""


@pytest.fixture
def migrated(confer_env: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A database of the first release with rows in it, brought to the present."""
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'old.db'}")
    settings.cache_clear()
    forget_engine()
    alembic = Config(toml_file=str(ROOT / "pyproject.toml"))
    command.upgrade(alembic, "0001")
    with engine().begin() as connection:
        for statement in filter(str.strip, _ROWS.split(";")):
            connection.execute(text(statement))
    command.upgrade(alembic, "head")


def test_rows_of_the_first_release_are_kept_and_read(migrated: None) -> None:
    with reading() as session:
        case = session.scalars(select(Case)).one()
        assert (case.id, case.stage, case.version, case.assignee) == ("case_1", "held", 3, None)
        assert case.decide_by is not None, "whoever decides has a day from now"
        assert timedelta(hours=23) < case.decide_by - clock.now() < timedelta(hours=25)
        event = session.scalars(select(EventRow)).one()
        assert (event.swept, event.claim, event.case_id) == (False, None, "case_1")
        assert session.scalars(select(Delivery)).one().scores == []
        message = session.scalars(select(Message)).one()
        assert (message.kind, message.about, message.state) == ("learner", "", "sent")


def test_a_learner_of_the_first_release_is_found_by_address(migrated: None) -> None:
    with reading() as session:
        assert session.scalars(select(LearnerRow.email_key)).one() == "ada@learners.example"
        state, _ = standing_of(
            session,
            learner_id="learner_1",
            program="first-aid",
            on=session.scalars(select(Case.opened_at)).one().date(),
        )
    assert state is PrerequisiteState.UNMET
