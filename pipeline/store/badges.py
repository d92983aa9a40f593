"""The credentials that Confer issues by itself: what the `openbadges` platform has in its books."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from pipeline.store.database import Row


class Badge(Row):
    """One signed credential. `public_id` is its unguessable address; `ref` is unique: it exists once."""

    __tablename__ = "badges"

    public_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    ref: Mapped[str] = mapped_column(String(80), unique=True)
    account: Mapped[str] = mapped_column(String(64))
    template: Mapped[str] = mapped_column(String(64))
    title: Mapped[str] = mapped_column(String(300))
    achievement: Mapped[str] = mapped_column(String(64), index=True)
    #: None where the program does not show the name on the public page and certificate
    shown_name: Mapped[str | None] = mapped_column(String(300))
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    jwt: Mapped[str] = mapped_column(Text)


def badge_of(session: Session, ref: str) -> Badge | None:
    """The credential that was issued for a reference."""
    return session.scalar(select(Badge).where(Badge.ref == ref))


def newest_of(session: Session, achievement: str) -> Badge | None:
    """The credential issued last for an achievement: it describes the achievement as it is today."""
    newest_first = select(Badge).where(Badge.achievement == achievement).order_by(Badge.issued_at.desc())
    return session.scalar(newest_first.limit(1))
