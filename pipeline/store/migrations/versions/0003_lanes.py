"""Lanes that can be paused, re-rated and ranked; credentials that are corrected, withdrawn, replaced and claimed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pipeline.store.database import Instant

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("credentials") as table:
        table.add_column(sa.Column("replaces_id", sa.String(length=40), nullable=True))
        table.add_column(sa.Column("withdrawn_at", Instant(), nullable=True))
        table.add_column(sa.Column("withdraw_reason", sa.String(length=64), nullable=True))
        table.add_column(sa.Column("claim_state", sa.String(length=16), nullable=True))
        table.add_column(sa.Column("claimed_at", Instant(), nullable=True))
        table.add_column(sa.Column("checked_at", Instant(), nullable=True))
        table.add_column(sa.Column("rank_at", Instant(), nullable=True))
    credentials = sa.table("credentials", sa.column("due_at", Instant()), sa.column("rank_at", Instant()))
    op.execute(credentials.update().values(rank_at=credentials.c.due_at))
    op.create_index("credentials_rank", "credentials", ["account", "rank_at", "id"])
    op.create_index("credentials_program_rank", "credentials", ["account", "program", "rank_at"])
    op.create_index("credentials_platform_ref", "credentials", ["account", "platform_ref"])
    with op.batch_alter_table("lanes") as table:
        table.add_column(sa.Column("told_at", Instant(), nullable=True))
        table.add_column(sa.Column("paused_at", Instant(), nullable=True))
        table.add_column(sa.Column("paused_by", sa.String(length=120), nullable=True))
        table.add_column(sa.Column("pause_reason", sa.String(length=300), nullable=True))
        table.add_column(sa.Column("rate_calls", sa.Integer(), nullable=True))
        table.add_column(sa.Column("rate_seconds", sa.Double(), nullable=True))
        table.add_column(sa.Column("learnt_calls", sa.Integer(), nullable=True))
        table.add_column(sa.Column("learnt_until", Instant(), nullable=True))
        table.add_column(sa.Column("latency_ms", sa.Integer(), nullable=True))
