"""What LMSs told us: deliveries as they came in, and the events in them, each unique by its key."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String, UniqueConstraint, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from pipeline import clock
from pipeline.store.database import Row, reading, transaction
from pipeline.store.ids import new_id


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    STORED = "stored"  # answered with 202; its events are still to be received
    RECEIVED = "received"  # every event has its case
    HELD = "held"  # an administrator has to look, for example because no program covers the course


class Delivery(Row):
    """One accepted webhook request. `body` is without secrets; `sha256` is that of the raw bytes."""

    __tablename__ = "deliveries"
    __table_args__ = (UniqueConstraint("source", "key"), Index("deliveries_due", "due_at", "id"))

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    source: Mapped[str] = mapped_column(String(64))
    key: Mapped[str] = mapped_column(String(300))
    received_at: Mapped[datetime]
    sha256: Mapped[str] = mapped_column(String(64))
    body: Mapped[bytes] = mapped_column(LargeBinary)
    events: Mapped[list[Any]]
    state: Mapped[str] = mapped_column(String(16), default=DeliveryState.STORED)
    due_at: Mapped[datetime | None]
    announced_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    error_kind: Mapped[str | None] = mapped_column(String(32))
    error: Mapped[str | None] = mapped_column(String(1000))


class EventRow(Row):
    """One event of a delivery, once: webhooks and sweeps that see the same completion share its key."""

    __tablename__ = "events"
    __table_args__ = (UniqueConstraint("source", "key"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    delivery_id: Mapped[str] = mapped_column(ForeignKey("deliveries.id"))
    source: Mapped[str] = mapped_column(String(64))
    key: Mapped[str] = mapped_column(String(300))
    learner: Mapped[str] = mapped_column(String(64))
    course: Mapped[str] = mapped_column(String(64))
    occurred_at: Mapped[datetime]
    case_id: Mapped[str | None] = mapped_column(String(40))


def store(*, source: str, key: str, body: bytes, sha256: str, events: list[Any]) -> tuple[str, bool]:
    """Commit a delivery under its unique key; returns its id and whether it is new.

    The insert decides, not a question beforehand: of any number of equal deliveries at once one wins, and
    the others learn its id. Before it, one cheap look spares a repeat the write lock.
    """
    found = find(source=source, key=key)
    if found:
        return found, False
    now = clock.now()
    row = Delivery(
        id=new_id("delivery"), source=source, key=key, received_at=now, sha256=sha256, body=body, events=events,
        due_at=now, announced_at=now,
    )  # fmt: skip
    try:
        with transaction() as session:
            session.add(row)
    except IntegrityError:
        found = find(source=source, key=key)
        if not found:
            raise
        return found, False
    return row.id, True


def find(*, source: str, key: str) -> str | None:
    """The id of the delivery with this key."""
    with reading() as session:
        return session.scalar(select(Delivery.id).filter_by(source=source, key=key))


def known_event(session: Session, *, source: str, key: str) -> EventRow | None:
    """The event with this key, if any delivery brought it before."""
    return session.scalar(select(EventRow).filter_by(source=source, key=key))
