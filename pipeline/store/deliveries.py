"""What LMSs told us: deliveries as they came in, and the events in them, each unique by its key."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String, UniqueConstraint, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from pipeline import clock
from pipeline.store.database import Row, reading, transaction
from pipeline.store.ids import new_id
from pipeline.values import Event

#: how long after a completion an LMS may announce it, and how far two of its clocks may lie apart
ANNOUNCED_WITHIN = timedelta(hours=24)
CLOCKS_DIFFER = timedelta(minutes=5)


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
    #: results that the LMS tells only once
    scores: Mapped[list[Any]]
    state: Mapped[str] = mapped_column(String(16), default=DeliveryState.STORED)
    due_at: Mapped[datetime | None]
    announced_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    error_kind: Mapped[str | None] = mapped_column(String(32))
    error: Mapped[str | None] = mapped_column(String(1000))


class EventRow(Row):
    """One event of a delivery, once: webhooks and sweeps that see the same completion share its key."""

    __tablename__ = "events"
    __table_args__ = (
        UniqueConstraint("source", "key"),
        Index("events_completion", "source", "course", "learner", "occurred_at"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    delivery_id: Mapped[str] = mapped_column(ForeignKey("deliveries.id"))
    source: Mapped[str] = mapped_column(String(64))
    key: Mapped[str] = mapped_column(String(300))
    learner: Mapped[str] = mapped_column(String(64))
    course: Mapped[str] = mapped_column(String(64))
    occurred_at: Mapped[datetime]
    #: found by asking, not announced
    swept: Mapped[bool] = mapped_column(default=False)
    #: what the event said of person and result, to compare with the record
    claim: Mapped[dict[str, Any] | None]
    case_id: Mapped[str | None] = mapped_column(String(40), index=True)


def store(
    *, source: str, key: str, body: bytes, sha256: str, events: list[Any], scores: list[Any]
) -> tuple[str, bool]:
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
        scores=scores, due_at=now, announced_at=now,
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


def known_event(session: Session, *, source: str, event: Event) -> EventRow | None:
    """The event, if any delivery or sweep brought it before.

    It has the same key, or one of the two was found by a sweep of an LMS that cannot tell the key when asked. Then
    the same learner's completion of the same course is the same event, if it was announced at most a day after the
    time that the LMS gives for it; an announcement before that time is of an earlier completion.
    """
    known = session.scalar(select(EventRow).filter_by(source=source, key=event.key))
    if known:
        return known
    at = event.occurred_at
    span = (at - CLOCKS_DIFFER, at + ANNOUNCED_WITHIN) if event.swept else (at - ANNOUNCED_WITHIN, at + CLOCKS_DIFFER)
    near = (
        select(EventRow)
        .filter_by(source=source, course=event.course, learner=event.learner, swept=not event.swept)
        .where(EventRow.occurred_at.between(*span))
    )
    return session.scalars(near.order_by(EventRow.id).limit(1)).first()
