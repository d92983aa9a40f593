"""No change of a case without its entry, and no entry that ever changes; and nobody's name in any of it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from pipeline.audit.trail import change, plan, record
from pipeline.errors import IllegalMove
from pipeline.settings import Settings, settings
from pipeline.stages import CredentialState, MessageState, Stage, UpdateState
from pipeline.steps.replay import replay
from pipeline.store.cases import Case
from pipeline.store.credentials import CredentialRow
from pipeline.store.database import Row, engine, forget_engine, transaction
from pipeline.store.deliveries import Delivery
from pipeline.store.ledger import LedgerEntry
from pipeline.store.outbox import Message, Update
from tests.driver import Driver

ROOT = Path(__file__).parents[2]


@pytest.fixture
def done(confer: Driver) -> Driver:
    """A case with a credential, mails and an update."""
    confer.learner()
    confer.complete()
    confer.drain()
    assert confer.case().stage == "done"
    return confer


MOVING = [
    (Case, "stage", "held"), (Case, "error", "x"), (Case, "decision_id", "x"), (Case, "attempts", 9),
    (Case, "rule_version", "x"), (Case, "resume", "gather"),
    (CredentialRow, "state", "planned"), (CredentialRow, "platform_ref", "x"), (CredentialRow, "order", {"a": 1}),
    (CredentialRow, "url", "x"), (Message, "state", "planned"), (Message, "handed_over", 0),
    (Update, "state", "planned"), (Update, "reference", "x"),
]  # fmt: skip


def commit(work: Callable[[Session], object]) -> None:
    """Do something in one transaction."""
    with transaction() as session:
        work(session)


@pytest.mark.parametrize(("kind", "column", "value"), MOVING)
def test_a_change_of_any_moving_row_without_an_entry_is_refused(
    done: Driver, kind: type[Row], column: str, value: object
) -> None:
    [before, *_] = done.rows(select(getattr(kind, column)))
    assert before != value
    with pytest.raises(RuntimeError, match="without a ledger entry"):
        commit(lambda session: setattr(session.scalars(select(kind)).first(), column, value))
    assert done.rows(select(getattr(kind, column)))[0] == before


@pytest.mark.parametrize("kind", [Case, CredentialRow, Message, Update])
def test_a_new_moving_row_without_an_entry_is_refused(done: Driver, kind: type[Any]) -> None:
    known = done.rows(select(kind))[0]
    values = {column.key: getattr(known, column.key) for column in kind.__table__.columns}
    with pytest.raises(RuntimeError, match="without a ledger entry"):
        commit(lambda session: session.add(kind(**values | {"id": "another"})))


@pytest.mark.parametrize("kind", [Case, CredentialRow, Message, Update, Delivery])
def test_a_deletion_is_refused(done: Driver, kind: type[Row]) -> None:
    with pytest.raises(RuntimeError, match="nothing is"):
        commit(lambda session: session.delete(session.scalars(select(kind)).first()))


def test_an_entry_about_another_case_does_not_cover_the_change(done: Driver) -> None:
    def work(session: Session) -> None:
        session.scalars(select(Case)).one().error = "x"
        record(session, subject="case_other", kind="x", actor="x", facts={}, rule_version=None)

    with pytest.raises(RuntimeError, match="without a ledger entry"):
        commit(work)


def test_an_entry_of_an_earlier_flush_does_not_cover_a_later_change(done: Driver) -> None:
    def work(session: Session) -> None:
        case = session.scalars(select(Case)).one()
        record(session, subject=case.id, kind="x", actor="x", facts={}, rule_version=None)
        session.flush()
        case.error = "x"

    with pytest.raises(RuntimeError, match="without a ledger entry"):
        commit(work)


@pytest.mark.parametrize(("column", "value"), [("due_at", None), ("owner", "x"), ("announced_at", None)])
def test_scheduling_alone_needs_no_entry(done: Driver, column: str, value: object) -> None:
    before = len(done.history())
    with transaction() as session:
        setattr(session.scalars(select(Case)).one(), column, value)
    assert len(done.history()) == before


def test_entries_cannot_be_changed_or_deleted_through_a_session(done: Driver) -> None:
    with pytest.raises(RuntimeError, match="append-only"):
        commit(lambda session: setattr(session.scalars(select(LedgerEntry)).first(), "actor", "nobody"))
    with pytest.raises(RuntimeError, match="append-only"):
        commit(lambda session: session.delete(session.scalars(select(LedgerEntry)).first()))


def test_an_entry_says_from_where_to_where_and_by_which_rule(done: Driver) -> None:
    [entry] = done.rows(select(LedgerEntry).filter_by(kind="credential.issued"))
    assert (entry.facts["from"], entry.facts["to"]) == ("calling", "confirmed")
    assert entry.rule_version == done.credential().rule_version
    assert entry.actor == "confer.issue"
    assert entry.subject == done.case().id
    [decision] = done.rows(select(LedgerEntry).filter_by(kind="decision.passed"))
    checks = ("agreement", "identity", "integrity", "modules", "profile", "score")
    assert decision.facts["checks"] == dict.fromkeys(checks, "pass")
    assert len(decision.facts["sha256"]) == 64


@pytest.mark.parametrize(
    ("kind", "to"),
    [
        (Case, Stage.GATHER), (CredentialRow, CredentialState.PLANNED), (Message, MessageState.SENDING),
        (Update, UpdateState.PLANNED), (Case, CredentialState.PLANNED), (Update, MessageState.PLANNED),
    ],
)  # fmt: skip
def test_an_illegal_move_changes_nothing_and_leaves_no_entry(done: Driver, kind: type[Row], to: Any) -> None:
    before = len(done.history())
    with pytest.raises(IllegalMove):
        commit(lambda session: change(session, session.scalars(select(kind)).first(), to, kind="x", actor="x"))
    assert len(done.history()) == before


def test_state_and_entry_are_one_transaction(done: Driver) -> None:
    def work(session: Session) -> None:
        change(session, session.scalars(select(Case)).one(), None, kind="x", actor="x", error="changed")
        session.flush()
        raise ZeroDivisionError

    before = (len(done.history()), done.case().error)
    with pytest.raises(ZeroDivisionError):
        commit(work)
    assert (len(done.history()), done.case().error) == before


def test_what_is_planned_has_its_entry(done: Driver) -> None:
    with transaction() as session:
        row = Update(id="update_x", case_id=done.case().id, target="other", state="planned", attempts=0)
        plan(session, row, actor="x")
    assert done.history()[-1] == "update.planned"


def test_two_writers_of_one_case_do_not_overwrite_each_other(done: Driver) -> None:
    """The row's version makes a change on a stale reading fail."""
    stale = done.case()

    def too_late(session: Session) -> None:
        session.add(stale)
        change(session, stale, None, kind="x", actor="x", error="second")

    with transaction() as session:
        change(session, session.scalars(select(Case)).one(), None, kind="x", actor="x", error="first")
    with pytest.raises(StaleDataError):
        commit(too_late)
    assert done.case().error == "first"


# the migrated database


@pytest.fixture
def migrated(confer_env: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A database as the migrations make it, with one entry, opened beside the product."""
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'migrated.db'}")
    settings.cache_clear()
    forget_engine()
    configuration = Config(toml_file=str(ROOT / "pyproject.toml"))
    command.upgrade(configuration, "head")
    with transaction() as session:
        record(session, subject="case_1", kind="x", actor="x", facts={"a": 1}, rule_version=None)
    with closing(sqlite3.connect(tmp_path / "migrated.db")) as connection:
        yield connection
    engine().dispose()


ATTACKS = [
    "UPDATE ledger SET actor = 'nobody'",
    "UPDATE ledger SET facts = '{}' WHERE subject = 'case_1'",
    "UPDATE OR REPLACE ledger SET id = id",
    "DELETE FROM ledger",
    "INSERT OR REPLACE INTO ledger SELECT id, at, subject, 'forged', actor, facts, rule_version FROM ledger",
    "REPLACE INTO ledger SELECT id, at, subject, 'forged', actor, facts, rule_version FROM ledger",
    "INSERT INTO ledger SELECT id, at, subject, 'forged', actor, facts, rule_version FROM ledger WHERE true"
    " ON CONFLICT(id) DO UPDATE SET kind = 'forged'",
]


@pytest.mark.parametrize("recursive", [True, False])
@pytest.mark.parametrize("attack", ATTACKS)
def test_the_ledger_of_a_migrated_database_is_append_only(
    migrated: sqlite3.Connection, attack: str, recursive: bool
) -> None:
    migrated.execute(f"PRAGMA recursive_triggers={'ON' if recursive else 'OFF'}")
    before = migrated.execute("SELECT * FROM ledger").fetchall()
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        migrated.execute(attack)
    migrated.rollback()
    assert migrated.execute("SELECT * FROM ledger").fetchall() == before


def test_a_new_entry_is_still_written(migrated: sqlite3.Connection) -> None:
    with transaction() as session:
        record(session, subject="case_2", kind="x", actor="x", facts={}, rule_version=None)
    assert migrated.execute("SELECT count(*) FROM ledger").fetchone() == (2,)


# nobody's name

NAME, EMAIL, BOSS = "Zebulon Quirke-Ostrander", "zebulon.quirke@learners.example", "boss.of.zebulon@learners.example"
PERSONAL = ("Zebulon", "Quirke", "zebulon", "quirke", "learners.example", "SIS-NUMBER-7")


def test_ledger_logs_and_wakeups_of_every_ending_hold_nothing_personal(
    confer: Driver, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    wakeups: list[object] = []
    real = confer.step

    def noting(wakeup: Any) -> Any:
        announced = real(wakeup)
        wakeups.extend(announced)
        return announced

    confer.step = noting  # type: ignore[method-assign]
    more = {"name": NAME, "supervisor_email": BOSS, "idnumber": "SIS-NUMBER-7"}
    for number, kind in enumerate(("drop_after", "status", "garbage")):
        learner = 500 + number
        confer.learner(learner, email=f"{number}.{EMAIL}", **more)
        confer.control.fault("accredible", kind, times=1, method="POST", path="/v1/credentials")
        confer.control.fault("mail", "status", status=550, at="rcpt", to=f"{number}.{EMAIL}", times=1)
        confer.control.fault(
            "sis", "status", status=422, times=1, body=json.dumps({"errors": [{"field": "student"}]})
        )
        confer.complete_at_accredible(learner)
        confer.settle()
        confer.drain(replay(confer.case(learner).id, actor="person:registrar"))
        confer.settle()
        assert confer.case(learner).stage == "done"
    confer.learner(510, email=f"held.{EMAIL}", suspended=True, **more)
    confer.complete(510, score="80")
    confer.learner(511, email="zebulon@localhost.learners.example.", **more | {"name": "Zebulon"})
    confer.complete(511, score="12")
    confer.settle()

    entries = [(entry.subject, entry.kind, entry.actor, entry.facts) for entry in confer.rows(select(LedgerEntry))]
    assert len(entries) > 60
    written = json.dumps(entries) + capsys.readouterr().err + caplog.text + str(wakeups)
    written += str(
        [(row.error, row.error_kind) for kind in (Case, CredentialRow) for row in confer.rows(select(kind))]
    )
    written += str([row.error for kind in (Message, Update) for row in confer.rows(select(kind))])
    for part in PERSONAL:
        assert part not in written, written[written.index(part) - 200 : written.index(part) + 50]
