"""Sweeps, statements of persons, reviews and alerts; what events claim."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from alembic import op

from pipeline import clock
from pipeline.store.database import Instant

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _extend_what_there_is()
    _add_sweeps()
    _add_attestations_and_reviews()
    _add_alerts()


def _extend_what_there_is() -> None:
    with op.batch_alter_table("deliveries") as table:
        table.add_column(sa.Column("scores", sa.JSON(), nullable=False, server_default="[]"))
    with op.batch_alter_table("events") as table:
        table.add_column(sa.Column("swept", sa.Boolean(), nullable=False, server_default=sa.false()))
        table.add_column(sa.Column("claim", sa.JSON(), nullable=True))
    op.create_index("events_case_id", "events", ["case_id"])
    op.create_index("events_completion", "events", ["source", "course", "learner", "occurred_at"])
    with op.batch_alter_table("learners") as table:
        table.add_column(sa.Column("email_key", sa.String(length=320), nullable=True))
    op.execute("UPDATE learners SET email_key = lower(email)")
    op.create_index("learners_sis_id", "learners", ["sis_id"])
    op.create_index("learners_email_key", "learners", ["email_key"])
    with op.batch_alter_table("cases") as table:
        table.add_column(sa.Column("decide_by", Instant(), nullable=True))
        table.add_column(sa.Column("assignee", sa.String(length=120), nullable=True))
        table.add_column(sa.Column("escalated_at", Instant(), nullable=True))
    # whoever has to decide about what waits already has a day from now
    cases = sa.table("cases", sa.column("stage", sa.String()), sa.column("decide_by", Instant()))
    waiting = cases.c.stage.in_(["held", "failed"])
    op.execute(cases.update().where(waiting).values(decide_by=clock.now() + timedelta(hours=24)))
    op.create_index("cases_decide_by", "cases", ["decide_by", "id"])
    with op.batch_alter_table("messages") as table:
        table.add_column(sa.Column("about", sa.String(length=64), nullable=False, server_default=""))
        table.drop_constraint(op.f("messages_case_id_kind_key"), type_="unique")
        table.create_unique_constraint(op.f("messages_case_id_kind_about_key"), ["case_id", "kind", "about"])


def _add_sweeps() -> None:
    op.create_table(
        "sweeps",
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("course", sa.String(length=64), nullable=False),
        sa.Column("begins_at", Instant(), nullable=False),
        sa.Column("swept_until", Instant(), nullable=False),
        sa.Column("due_at", Instant(), nullable=True),
        sa.Column("announced_at", Instant(), nullable=True),
        sa.Column("owner", sa.String(length=80), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("error_kind", sa.String(length=32), nullable=True),
        sa.Column("error", sa.String(length=1000), nullable=True),
        sa.PrimaryKeyConstraint("source", "course", name=op.f("sweeps_pkey")),
    )
    op.create_index("sweeps_due", "sweeps", ["due_at"])
    op.create_table(
        "pauses",
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("until", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("source", name=op.f("pauses_pkey")),
    )


def _add_attestations_and_reviews() -> None:
    op.create_table(
        "attestations",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("learner_id", sa.String(length=40), nullable=False),
        sa.Column("program", sa.String(length=64), nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("about", sa.String(length=200), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("author", sa.String(length=120), nullable=False),
        sa.Column("key", sa.String(length=300), nullable=True),
        sa.Column("made_at", Instant(), nullable=False),
        sa.Column("valid_from", Instant(), nullable=True),
        sa.Column("valid_until", Instant(), nullable=True),
        sa.Column("withdrawn_at", Instant(), nullable=True),
        sa.Column("withdrawn_by", sa.String(length=120), nullable=True),
        sa.Column("withdrawn_reason", sa.String(length=1000), nullable=True),
        sa.ForeignKeyConstraint(["learner_id"], ["learners.id"], name=op.f("attestations_learner_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("attestations_pkey")),
        sa.UniqueConstraint("key", name=op.f("attestations_key_key")),
    )
    op.create_index("attestations_learner", "attestations", ["learner_id", "program", "id"])
    op.create_table(
        "reviews",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("case_id", sa.String(length=40), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("person", sa.String(length=120), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=2000), nullable=False),
        sa.Column("made_at", Instant(), nullable=False),
        sa.Column("version", sa.String(length=16), nullable=False),
        sa.Column("decision_id", sa.String(length=40), nullable=True),
        sa.Column("checks", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("reviews_case_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("reviews_pkey")),
    )
    op.create_index("reviews_case_id", "reviews", ["case_id"])


def _add_alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("severity", sa.String(length=16), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("summary", sa.String(length=1000), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("path", sa.String(length=300), nullable=False),
        sa.Column("case_id", sa.String(length=40), nullable=True),
        sa.Column("made_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("alerts_pkey")),
        sa.UniqueConstraint("key", name=op.f("alerts_key_key")),
    )
    op.create_index("alerts_case_id", "alerts", ["case_id"])
    op.create_table(
        "tellings",
        sa.Column("alert_id", sa.String(length=40), nullable=False),
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("told_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.id"], name=op.f("tellings_alert_id_fkey")),
        sa.PrimaryKeyConstraint("alert_id", "channel", name=op.f("tellings_pkey")),
    )
    op.create_index("tellings_open", "tellings", ["channel", "told_at", "alert_id"])
    op.create_table(
        "channels",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("due_at", Instant(), nullable=True),
        sa.Column("announced_at", Instant(), nullable=True),
        sa.Column("owner", sa.String(length=80), nullable=True),
        sa.Column("told_at", Instant(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(length=1000), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("channels_pkey")),
    )


def downgrade() -> None:
    """What persons decided would be lost; restore a backup from before instead."""
    raise NotImplementedError("to go back before reviews, restore a backup from before")
