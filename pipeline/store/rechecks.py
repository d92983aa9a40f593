"""When each platform account was last held against what we issued there, and when it is due again."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from pipeline.store.database import Row


class Recheck(Row):
    """One platform account. While somebody rechecks it, `due_at` is the end of their lease."""

    __tablename__ = "rechecks"

    account: Mapped[str] = mapped_column(String(64), primary_key=True)
    due_at: Mapped[datetime]
    announced_at: Mapped[datetime | None]
    owner: Mapped[str | None] = mapped_column(String(80))
    began_at: Mapped[datetime | None]
    #: when it was last done to the end, and what came of it
    ended_at: Mapped[datetime | None]
    compared: Mapped[int] = mapped_column(default=0)
    findings: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None] = mapped_column(String(1000))
