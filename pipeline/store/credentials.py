"""One credential at one platform account: planned with the decision, confirmed by the platform, at most once."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from pipeline.stages import CredentialState
from pipeline.store.database import Row


class CredentialRow(Row):
    """One credential. The unique key is the promise: one per learner, program, generation and account.

    `order` is what the platform is asked for, frozen with the decision. `ref` is our reference at the
    platform, derived from the unique key, so that even a restored backup finds what was issued after it.
    """

    __tablename__ = "credentials"
    __table_args__ = (
        UniqueConstraint("learner_id", "program", "generation", "account"),
        UniqueConstraint("ref"),
        Index("credentials_due", "account", "due_at", "id"),
        Index("credentials_confirmed", "account", "confirmed_at"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), index=True)
    learner_id: Mapped[str] = mapped_column(ForeignKey("learners.id"))
    program: Mapped[str] = mapped_column(String(64))
    generation: Mapped[int]
    account: Mapped[str] = mapped_column(String(64))
    ref: Mapped[str] = mapped_column(String(80))
    order: Mapped[dict[str, Any]]
    rule_version: Mapped[str] = mapped_column(String(64))

    state: Mapped[str] = mapped_column(String(16), default=CredentialState.PLANNED)
    platform_ref: Mapped[str | None] = mapped_column(String(200))
    url: Mapped[str | None] = mapped_column(String(1000))
    confirmed_at: Mapped[datetime | None]

    due_at: Mapped[datetime | None]
    owner: Mapped[str | None] = mapped_column(String(80))
    attempts: Mapped[int] = mapped_column(default=0)
    crashes: Mapped[int] = mapped_column(default=0)
    #: when the last call that may have had an effect had ended at the latest
    unclear_since: Mapped[datetime | None]
    #: when it last failed together with the platform
    failed_at: Mapped[datetime | None]
    error_kind: Mapped[str | None] = mapped_column(String(32))
    error: Mapped[str | None] = mapped_column(String(1000))
