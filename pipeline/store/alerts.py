"""What staff is to be told, and which channel has told it: an outbox, so that an alert never holds up a case."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from pipeline.store.database import Row


class AlertRow(Row):
    """One thing that staff has to know. `key` is the same for the same thing, so that it is told once."""

    __tablename__ = "alerts"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    key: Mapped[str] = mapped_column(String(200), unique=True)
    severity: Mapped[str] = mapped_column(String(16))
    title: Mapped[str] = mapped_column(String(200))
    summary: Mapped[str] = mapped_column(String(1000))
    #: pairs of label and value; ids, programs and error classes, nothing personal
    facts: Mapped[list[Any]]
    #: the path of the page or of the API that says more
    path: Mapped[str] = mapped_column(String(300))
    case_id: Mapped[str | None] = mapped_column(String(40), index=True)
    made_at: Mapped[datetime]


class Telling(Row):
    """That one channel is to tell one alert."""

    __tablename__ = "tellings"
    __table_args__ = (Index("tellings_open", "channel", "told_at", "alert_id"),)

    alert_id: Mapped[str] = mapped_column(ForeignKey("alerts.id"), primary_key=True)
    channel: Mapped[str] = mapped_column(String(64), primary_key=True)
    told_at: Mapped[datetime | None]


class ChannelRow(Row):
    """One channel of staff.yaml: when its next digest is due."""

    __tablename__ = "channels"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    due_at: Mapped[datetime | None]
    announced_at: Mapped[datetime | None]
    owner: Mapped[str | None] = mapped_column(String(80))
    told_at: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None] = mapped_column(String(1000))
