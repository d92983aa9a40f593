"""How far each course was swept for completions that no webhook announced, and which LMS asked for a pause."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, Session, mapped_column

from pipeline import clock
from pipeline.store.database import Row


class Sweep(Row):
    """One course of one LMS account. Completions from `begins_at` to `swept_until` are known."""

    __tablename__ = "sweeps"
    __table_args__ = (Index("sweeps_due", "due_at"),)

    source: Mapped[str] = mapped_column(String(64), primary_key=True)
    course: Mapped[str] = mapped_column(String(64), primary_key=True)
    begins_at: Mapped[datetime]
    swept_until: Mapped[datetime]
    due_at: Mapped[datetime | None]
    announced_at: Mapped[datetime | None]
    owner: Mapped[str | None] = mapped_column(String(80))
    #: how often in a row it could not be done
    failures: Mapped[int] = mapped_column(default=0)
    error_kind: Mapped[str | None] = mapped_column(String(32))
    error: Mapped[str | None] = mapped_column(String(1000))


class Pause(Row):
    """An LMS account that asked for a pause: no process calls it before `until`."""

    __tablename__ = "pauses"

    source: Mapped[str] = mapped_column(String(64), primary_key=True)
    until: Mapped[datetime]


def paused_until(session: Session, source: str) -> datetime | None:
    """When an LMS account may be called again; None: now."""
    pause = session.get(Pause, source)
    return pause.until if pause and pause.until > clock.now() else None


def pause(session: Session, source: str, until: datetime) -> None:
    """Have every process leave an LMS account alone until an instant. The later of two wins."""
    known = session.get(Pause, source, with_for_update=True)
    if known is None:
        session.merge(Pause(source=source, until=until))
    else:
        known.until = max(known.until, until)
