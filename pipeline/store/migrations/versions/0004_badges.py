"""Our own issuer: revocation by status list, and a second form of proof."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pipeline.store.database import Instant

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What was issued before keeps its signature and gets no place: its page alone tells of a revocation."""
    with op.batch_alter_table("badges") as table:
        table.add_column(sa.Column("proof", sa.JSON(), nullable=True))
        table.add_column(sa.Column("status_list", sa.Integer(), nullable=True))
        table.add_column(sa.Column("status_index", sa.Integer(), nullable=True))
        table.add_column(sa.Column("revoked_at", Instant(), nullable=True))
        table.add_column(sa.Column("revoked_reason", sa.String(length=64), nullable=True))
        table.create_unique_constraint("badges_status_key", ["status_list", "status_index"])
    op.create_index("badges_list_issued", "badges", ["status_list", "issued_at"])
    op.create_index("badges_list_revoked", "badges", ["status_list", "revoked_at"])
    op.create_index("badges_template", "badges", ["account", "template", "public_id"])
