"""The case: one learner's completion of one program, on its way through the stages. The row is the work."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from pipeline.store.database import Row


class Case(Row):
    """One case. A due row (`due_at` past) has work in its stage; a claimed one is due again when its lease ends.

    `generation` counts awards of the same program to the same learner; together they are unique, so that
    deliveries of any number and order end in one case. `version` makes a change on a stale reading fail.
    """

    __tablename__ = "cases"
    __table_args__ = (
        UniqueConstraint("program", "learner_id", "generation"),
        Index("cases_due", "due_at", "id"),
        Index("cases_stage", "stage", "changed_at", "id"),
        Index("cases_decide_by", "decide_by", "id"),
        Index("cases_follows", "follows_id"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    source: Mapped[str] = mapped_column(String(64))
    course: Mapped[str] = mapped_column(String(64))
    program: Mapped[str] = mapped_column(String(64))
    learner_id: Mapped[str] = mapped_column(ForeignKey("learners.id"))
    generation: Mapped[int] = mapped_column(default=1)
    #: the withdrawn case after which the program is awarded to the learner again
    follows_id: Mapped[str | None] = mapped_column(String(40))
    delivery_id: Mapped[str] = mapped_column(ForeignKey("deliveries.id"))
    event_key: Mapped[str] = mapped_column(String(300))
    occurred_at: Mapped[datetime]
    opened_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    #: since when it is in its present stage
    entered_at: Mapped[datetime]

    stage: Mapped[str] = mapped_column(String(16))
    #: where a held case goes on
    resume: Mapped[str | None] = mapped_column(String(16))
    record_id: Mapped[str | None] = mapped_column(String(40))
    decision_id: Mapped[str | None] = mapped_column(String(40))
    #: content hash of the program file by which it was judged
    rule_version: Mapped[str | None] = mapped_column(String(64))

    due_at: Mapped[datetime | None]
    announced_at: Mapped[datetime | None]
    owner: Mapped[str | None] = mapped_column(String(80))
    attempts: Mapped[int] = mapped_column(default=0)
    #: how often the LMS was not ready
    waits: Mapped[int] = mapped_column(default=0)
    #: how often a worker died over it in this stage
    crashes: Mapped[int] = mapped_column(default=0)
    error_kind: Mapped[str | None] = mapped_column(String(32))
    error: Mapped[str | None] = mapped_column(String(1000))
    #: until when a person has to decide, while it is held or failed
    decide_by: Mapped[datetime | None]
    #: the person who works on it
    assignee: Mapped[str | None] = mapped_column(String(120))
    #: when it was told that nobody had decided in time
    escalated_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012
