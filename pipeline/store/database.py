"""Connections and transactions, on PostgreSQL and on SQLite, with the same promises on both.

SQLite runs in WAL mode and takes its write lock when a transaction begins (BEGIN IMMEDIATE): two writers then
wait for each other instead of failing half-way. The engine is made per process, never shared across a fork.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, DateTime, Dialect, Engine, MetaData, create_engine, event, text
from sqlalchemy.engine import Connection
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import TypeDecorator

from pipeline.settings import settings


class Instant(TypeDecorator[datetime]):
    """A timezone-aware instant, in UTC. Refuses a datetime that does not say where it is noon."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a timezone")
        instant = value.astimezone(UTC)
        return instant.replace(tzinfo=None) if dialect.name == "sqlite" else instant

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Row(DeclarativeBase):
    """Every table derives from here."""

    #: constraints have names, so that a migration can change them on every database
    metadata = MetaData(
        naming_convention={
            "ix": "%(table_name)s_%(column_0_N_name)s",
            "uq": "%(table_name)s_%(column_0_N_name)s_key",
            "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
            "pk": "%(table_name)s_pkey",
        }
    )
    type_annotation_map = {datetime: Instant, dict[str, Any]: JSON, list[Any]: JSON}  # noqa: RUF012


_engine: Engine | None = None
_owner: int | None = None


def engine() -> Engine:
    """This process's engine, made on first use and made anew in a forked child."""
    global _engine, _owner  # noqa: PLW0603 - one engine per process is the point
    if _engine is not None and _owner != os.getpid():
        _engine.dispose(close=False)
        _engine = None
    if _engine is None:
        _engine, _owner = make_engine(settings().database_url), os.getpid()
    return _engine


def forget_engine() -> None:
    """Close this process's connections; the next use opens new ones."""
    global _engine  # noqa: PLW0603
    if _engine is not None:
        _engine.dispose()
        _engine = None


def make_engine(url: str) -> Engine:
    """An engine with the settings that the promises need.

    Connect and statement time-outs keep a webhook from waiting on a frozen database: it answers 503 instead.
    """
    if url.startswith("sqlite"):
        path = url.partition(":///")[2]
        if path:
            Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = create_engine(url, hide_parameters=True, connect_args={"timeout": 15}, pool_timeout=5)
        event.listen(made, "connect", _prepare_sqlite)
        event.listen(made, "begin", _begin_sqlite)
        return made
    if url.startswith("postgresql://"):
        url = url.replace("postgresql://", "postgresql+psycopg://", 1)
    return create_engine(
        url,
        hide_parameters=True,
        pool_size=10,
        max_overflow=10,
        pool_timeout=5,
        pool_pre_ping=True,
        connect_args={
            "connect_timeout": 3,
            "options": "-c statement_timeout=15000 -c lock_timeout=10000 -c timezone=UTC",
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 15000,
        },
    )


def _prepare_sqlite(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA recursive_triggers=ON")  # INSERT OR REPLACE then meets the ledger's triggers


def _begin_sqlite(connection: Connection) -> None:
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


_sessions = sessionmaker(expire_on_commit=False)


def guard_commits(check: Callable[[Session], None]) -> None:
    """Have `check` look at every session before it is written; it raises to refuse."""
    event.listen(_sessions, "before_flush", lambda session, *_: check(session))


@contextmanager
def transaction() -> Iterator[Session]:
    """One transaction: everything is committed at the end, or nothing."""
    with _sessions(bind=engine()) as session, session.begin():
        yield session


@contextmanager
def reading() -> Iterator[Session]:
    """A transaction that only reads, and so holds up no writer."""
    with (
        engine().connect().execution_options(reading=True) as connection,
        Session(connection, expire_on_commit=False) as session,
    ):
        yield session


def ping() -> None:
    """Raise whatever the database raises when it cannot be asked."""
    with reading() as session:
        session.execute(text("SELECT 1"))
