"""What platforms announced about claims, and what a recheck found."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pipeline.store.database import Instant

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("credentials") as table:
        table.add_column(sa.Column("differs", sa.String(length=100), nullable=True))
    op.create_table(
        "hints",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=300), nullable=False),
        sa.Column("ref", sa.String(length=200), nullable=False),
        sa.Column("heard_at", Instant(), nullable=False),
        sa.Column("platform_ref", sa.String(length=200), nullable=True),
        sa.Column("came", sa.String(length=16), nullable=True),
        sa.Column("due_at", Instant(), nullable=True),
        sa.Column("announced_at", Instant(), nullable=True),
        sa.Column("owner", sa.String(length=80), nullable=True),
        sa.Column("waits", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error_kind", sa.String(length=32), nullable=True),
        sa.Column("error", sa.String(length=1000), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("hints_pkey")),
        sa.UniqueConstraint("account", "key", name=op.f("hints_account_key_key")),
    )
    op.create_index("hints_due", "hints", ["due_at", "id"])
    op.create_table(
        "rechecks",
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("due_at", Instant(), nullable=False),
        sa.Column("announced_at", Instant(), nullable=True),
        sa.Column("owner", sa.String(length=80), nullable=True),
        sa.Column("began_at", Instant(), nullable=True),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("compared", sa.Integer(), nullable=False),
        sa.Column("findings", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(length=1000), nullable=True),
        sa.PrimaryKeyConstraint("account", name=op.f("rechecks_pkey")),
    )
