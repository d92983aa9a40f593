"""What a case sends once its credential is confirmed: mails, and updates of downstream systems, each once."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from pipeline.stages import MessageState, UpdateState
from pipeline.store.database import Row


class Message(Row):
    """One mail of one case. `message_id` stays the same however often it is handed over."""

    __tablename__ = "messages"
    __table_args__ = (UniqueConstraint("case_id", "kind", "about"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"))
    #: `learner`, `supervisor`, `gap` (what a learner lacks for the credential), `corrected` or `withdrawn`
    kind: Mapped[str] = mapped_column(String(32))
    #: which of several of its kind: the hash of the gap that is told, the id of the correction
    about: Mapped[str] = mapped_column(String(64), default="")
    message_id: Mapped[str] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(16), default=MessageState.PLANNED)
    attempts: Mapped[int] = mapped_column(default=0)
    #: how often it was handed over without a clear answer
    handed_over: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(String(1000))

    @property
    def addressee(self) -> str:
        """Who gets it: the learner or the supervisor."""
        return "supervisor" if self.kind == "supervisor" else "learner"


class Update(Row):
    """One update of one downstream system for one case: of its credential, a correction of it, its withdrawal."""

    __tablename__ = "updates"
    __table_args__ = (UniqueConstraint("case_id", "target", "about"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"))
    target: Mapped[str] = mapped_column(String(64))
    #: empty, the id of a correction, or `withdrawn`
    about: Mapped[str] = mapped_column(String(64), default="")
    state: Mapped[str] = mapped_column(String(16), default=UpdateState.PLANNED)
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    #: the version or id the system answered with
    reference: Mapped[str | None] = mapped_column(String(200))
    error: Mapped[str | None] = mapped_column(String(1000))
