"""Withdrawals with the person who decided, corrections, awards after a withdrawal; what systems are told of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pipeline.store.database import Instant

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _extend_what_there_is()
    _add_withdrawals()
    _add_corrections()


def _extend_what_there_is() -> None:
    with op.batch_alter_table("cases") as table:
        table.add_column(sa.Column("follows_id", sa.String(length=40), nullable=True))
    op.create_index("cases_follows", "cases", ["follows_id"])
    op.create_index("credentials_replaces", "credentials", ["replaces_id"])
    with op.batch_alter_table("updates") as table:
        table.add_column(sa.Column("about", sa.String(length=64), nullable=False, server_default=""))
        table.drop_constraint(op.f("updates_case_id_target_key"), type_="unique")
        table.create_unique_constraint(op.f("updates_case_id_target_about_key"), ["case_id", "target", "about"])


def _add_withdrawals() -> None:
    op.create_table(
        "withdrawals",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("case_id", sa.String(length=40), nullable=False),
        sa.Column("program", sa.String(length=64), nullable=False),
        sa.Column("trigger", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.String(length=2000), nullable=False),
        sa.Column("scope", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=300), nullable=True),
        sa.Column("requested_by", sa.String(length=120), nullable=False),
        sa.Column("requested_at", Instant(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("decide_by", Instant(), nullable=True),
        sa.Column("escalated_at", Instant(), nullable=True),
        sa.Column("decided_by", sa.String(length=120), nullable=True),
        sa.Column("decided_at", Instant(), nullable=True),
        sa.Column("decided_reason", sa.String(length=2000), nullable=True),
        sa.Column("done_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("withdrawals_case_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("withdrawals_pkey")),
        sa.UniqueConstraint("key", name=op.f("withdrawals_key_key")),
    )
    op.create_index("withdrawals_case", "withdrawals", ["case_id", "id"])
    op.create_index("withdrawals_state", "withdrawals", ["state", "decide_by", "id"])
    op.create_index("withdrawals_scope", "withdrawals", ["scope", "id"])


def _add_corrections() -> None:
    op.create_table(
        "corrections",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("case_id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("given_name", sa.String(length=300), nullable=True),
        sa.Column("family_name", sa.String(length=300), nullable=True),
        sa.Column("email", sa.String(length=320), nullable=True),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=2000), nullable=False),
        sa.Column("made_by", sa.String(length=120), nullable=False),
        sa.Column("made_at", Instant(), nullable=False),
        sa.Column("done_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("corrections_case_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("corrections_pkey")),
    )
    op.create_index("corrections_case", "corrections", ["case_id", "id"])


def downgrade() -> None:
    """What persons had taken back or corrected would be lost; restore a backup from before instead."""
    raise NotImplementedError("to go back before withdrawals, restore a backup from before")
