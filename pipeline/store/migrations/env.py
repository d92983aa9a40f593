"""Alembic's entry: migrates the database of the settings; `alembic upgrade head` needs no other argument."""

from __future__ import annotations

from alembic import context

from pipeline.store import tables
from pipeline.store.database import Row, engine

assert tables.ALL  # noqa: S101 - importing them registers every table


def migrate() -> None:
    """Run the migrations in one transaction each; SQLite takes its lock at BEGIN like everywhere else."""
    with engine().connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Row.metadata,
            render_as_batch=connection.dialect.name == "sqlite",
            compare_type=True,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()


migrate()
