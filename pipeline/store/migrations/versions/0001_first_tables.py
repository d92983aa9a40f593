"""First tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pipeline.store.database import Instant

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "badges",
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("ref", sa.String(length=80), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("template", sa.String(length=64), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("achievement", sa.String(length=64), nullable=False),
        sa.Column("shown_name", sa.String(length=300), nullable=True),
        sa.Column("issued_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=True),
        sa.Column("jwt", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("public_id", name=op.f("badges_pkey")),
        sa.UniqueConstraint("ref", name=op.f("badges_ref_key")),
    )
    op.create_index("badges_achievement", "badges", ["achievement"])

    op.create_table(
        "deliveries",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=300), nullable=False),
        sa.Column("received_at", Instant(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("events", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("due_at", Instant(), nullable=True),
        sa.Column("announced_at", Instant(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error_kind", sa.String(length=32), nullable=True),
        sa.Column("error", sa.String(length=1000), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("deliveries_pkey")),
        sa.UniqueConstraint("source", "key", name=op.f("deliveries_source_key_key")),
    )
    op.create_index("deliveries_due", "deliveries", ["due_at", "id"])

    op.create_table(
        "lanes",
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("next_start", Instant(), nullable=False),
        sa.Column("blocked_until", Instant(), nullable=True),
        sa.Column("down_since", Instant(), nullable=True),
        sa.Column("down_reason", sa.String(length=300), nullable=True),
        sa.Column("probe_at", Instant(), nullable=True),
        sa.Column("probes", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("account", name=op.f("lanes_pkey")),
    )
    op.create_table(
        "learners",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("ref", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=True),
        sa.Column("email", sa.String(length=320), nullable=True),
        sa.Column("supervisor_email", sa.String(length=320), nullable=True),
        sa.Column("sis_id", sa.String(length=64), nullable=True),
        sa.Column("profile_read_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("learners_pkey")),
        sa.UniqueConstraint("source", "ref", name=op.f("learners_source_ref_key")),
    )
    op.create_table(
        "ledger",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("subject", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=48), nullable=False),
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("rule_version", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("ledger_pkey")),
    )
    op.create_index("ledger_subject", "ledger", ["subject", "id"])

    op.create_table(
        "permits",
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("slot", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("free_at", Instant(), nullable=False),
        sa.Column("holder", sa.String(length=40), nullable=True),
        sa.PrimaryKeyConstraint("account", "slot", name=op.f("permits_pkey")),
    )
    op.create_index("permits_free", "permits", ["account", "free_at"])

    op.create_table(
        "pumps",
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("owner", sa.String(length=80), nullable=True),
        sa.Column("until", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("account", "place", name=op.f("pumps_pkey")),
    )
    op.create_table(
        "rules",
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("program", sa.String(length=64), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("first_used_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("rules_pkey")),
    )
    op.create_table(
        "ticks",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("ticks_pkey")),
    )
    op.create_table(
        "cases",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("course", sa.String(length=64), nullable=False),
        sa.Column("program", sa.String(length=64), nullable=False),
        sa.Column("learner_id", sa.String(length=40), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("delivery_id", sa.String(length=40), nullable=False),
        sa.Column("event_key", sa.String(length=300), nullable=False),
        sa.Column("occurred_at", Instant(), nullable=False),
        sa.Column("opened_at", Instant(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.Column("entered_at", Instant(), nullable=False),
        sa.Column("stage", sa.String(length=16), nullable=False),
        sa.Column("resume", sa.String(length=16), nullable=True),
        sa.Column("record_id", sa.String(length=40), nullable=True),
        sa.Column("decision_id", sa.String(length=40), nullable=True),
        sa.Column("rule_version", sa.String(length=64), nullable=True),
        sa.Column("due_at", Instant(), nullable=True),
        sa.Column("announced_at", Instant(), nullable=True),
        sa.Column("owner", sa.String(length=80), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("waits", sa.Integer(), nullable=False),
        sa.Column("crashes", sa.Integer(), nullable=False),
        sa.Column("error_kind", sa.String(length=32), nullable=True),
        sa.Column("error", sa.String(length=1000), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["delivery_id"], ["deliveries.id"], name=op.f("cases_delivery_id_fkey")),
        sa.ForeignKeyConstraint(["learner_id"], ["learners.id"], name=op.f("cases_learner_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("cases_pkey")),
        sa.UniqueConstraint(
            "program", "learner_id", "generation", name=op.f("cases_program_learner_id_generation_key")
        ),
    )
    op.create_index("cases_due", "cases", ["due_at", "id"])
    op.create_index("cases_stage", "cases", ["stage", "changed_at", "id"])

    op.create_table(
        "events",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("delivery_id", sa.String(length=40), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=300), nullable=False),
        sa.Column("learner", sa.String(length=64), nullable=False),
        sa.Column("course", sa.String(length=64), nullable=False),
        sa.Column("occurred_at", Instant(), nullable=False),
        sa.Column("case_id", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(["delivery_id"], ["deliveries.id"], name=op.f("events_delivery_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("events_pkey")),
        sa.UniqueConstraint("source", "key", name=op.f("events_source_key_key")),
    )
    op.create_table(
        "credentials",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("case_id", sa.String(length=40), nullable=False),
        sa.Column("learner_id", sa.String(length=40), nullable=False),
        sa.Column("program", sa.String(length=64), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("ref", sa.String(length=80), nullable=False),
        sa.Column("order", sa.JSON(), nullable=False),
        sa.Column("rule_version", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("platform_ref", sa.String(length=200), nullable=True),
        sa.Column("url", sa.String(length=1000), nullable=True),
        sa.Column("confirmed_at", Instant(), nullable=True),
        sa.Column("due_at", Instant(), nullable=True),
        sa.Column("owner", sa.String(length=80), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("crashes", sa.Integer(), nullable=False),
        sa.Column("unclear_since", Instant(), nullable=True),
        sa.Column("failed_at", Instant(), nullable=True),
        sa.Column("error_kind", sa.String(length=32), nullable=True),
        sa.Column("error", sa.String(length=1000), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("credentials_case_id_fkey")),
        sa.ForeignKeyConstraint(["learner_id"], ["learners.id"], name=op.f("credentials_learner_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("credentials_pkey")),
        sa.UniqueConstraint(
            "learner_id",
            "program",
            "generation",
            "account",
            name=op.f("credentials_learner_id_program_generation_account_key"),
        ),
        sa.UniqueConstraint("ref", name=op.f("credentials_ref_key")),
    )
    op.create_index("credentials_case_id", "credentials", ["case_id"])
    op.create_index("credentials_confirmed", "credentials", ["account", "confirmed_at"])
    op.create_index("credentials_due", "credentials", ["account", "due_at", "id"])

    op.create_table(
        "messages",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("case_id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("message_id", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("handed_over", sa.Integer(), nullable=False),
        sa.Column("due_at", Instant(), nullable=True),
        sa.Column("sent_at", Instant(), nullable=True),
        sa.Column("error", sa.String(length=1000), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("messages_case_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("messages_pkey")),
        sa.UniqueConstraint("case_id", "kind", name=op.f("messages_case_id_kind_key")),
    )
    op.create_table(
        "records",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("case_id", sa.String(length=40), nullable=False),
        sa.Column("read_at", Instant(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("records_case_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("records_pkey")),
    )
    op.create_index("records_case_id", "records", ["case_id"])

    op.create_table(
        "updates",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("case_id", sa.String(length=40), nullable=False),
        sa.Column("target", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", Instant(), nullable=True),
        sa.Column("sent_at", Instant(), nullable=True),
        sa.Column("reference", sa.String(length=200), nullable=True),
        sa.Column("error", sa.String(length=1000), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("updates_case_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("updates_pkey")),
        sa.UniqueConstraint("case_id", "target", name=op.f("updates_case_id_target_key")),
    )
    op.create_table(
        "decisions",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("case_id", sa.String(length=40), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("rule_version", sa.String(length=64), nullable=False),
        sa.Column("record_id", sa.String(length=40), nullable=False),
        sa.Column("checks", sa.JSON(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("made_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("decisions_case_id_fkey")),
        sa.ForeignKeyConstraint(["record_id"], ["records.id"], name=op.f("decisions_record_id_fkey")),
        sa.ForeignKeyConstraint(["rule_version"], ["rules.version"], name=op.f("decisions_rule_version_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("decisions_pkey")),
    )
    op.create_index("decisions_case_id", "decisions", ["case_id"])

    _make_ledger_append_only()


def _make_ledger_append_only() -> None:
    """Refuse to change or remove a ledger entry. Hygiene, not proof: the owner of a table can drop its triggers."""
    if op.get_bind().dialect.name == "sqlite":
        for moment in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER ledger_no_{moment.lower()} BEFORE {moment} ON ledger "
                "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
            )
        # INSERT OR REPLACE would otherwise pass by both
        op.execute(
            "CREATE TRIGGER ledger_no_replace BEFORE INSERT ON ledger "
            "WHEN EXISTS (SELECT 1 FROM ledger WHERE id = NEW.id) "
            "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
        )
        return
    op.execute(
        "CREATE FUNCTION ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$"
    )
    op.execute(
        "CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger "
        "FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only()"
    )


def downgrade() -> None:
    """There is nothing before the first tables; drop the database instead."""
    raise NotImplementedError("to go back before the first tables, drop the database")
