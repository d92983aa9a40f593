"""What all pumps of a platform account share: permits to call, its outage, and who is pumping.

Columns rather than Redis keys, so that they survive whatever happens to the broker.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from pipeline.store.database import Row


class Lane(Row):
    """One platform account as all processes see it."""

    __tablename__ = "lanes"

    account: Mapped[str] = mapped_column(String(64), primary_key=True)
    #: the earliest start of the next call, by even pace
    next_start: Mapped[datetime]
    #: nobody calls before this: the platform asked for a pause
    blocked_until: Mapped[datetime | None]
    #: since when the platform has been down; None: it is up
    down_since: Mapped[datetime | None]
    down_reason: Mapped[str | None] = mapped_column(String(300))
    probe_at: Mapped[datetime | None]
    probes: Mapped[int] = mapped_column(default=0)
    #: when staff was told that it is down; None: not yet
    told_at: Mapped[datetime | None]
    #: a person has stopped the account; None: it runs
    paused_at: Mapped[datetime | None]
    paused_by: Mapped[str | None] = mapped_column(String(120))
    pause_reason: Mapped[str | None] = mapped_column(String(300))
    #: the rate that a person set while it ran, instead of that of accounts.yaml
    rate_calls: Mapped[int | None]
    rate_seconds: Mapped[float | None]
    #: the calls in a window that the platform was seen to take, where that is less than the rate; until when it holds
    learnt_calls: Mapped[int | None]
    learnt_until: Mapped[datetime | None]
    #: how long its slow calls last, in milliseconds
    latency_ms: Mapped[int | None]


class Permit(Row):
    """One of the L calls that may fall into a window: it comes back one window after its call has ended."""

    __tablename__ = "permits"
    __table_args__ = (Index("permits_free", "account", "free_at"),)

    account: Mapped[str] = mapped_column(String(64), primary_key=True)
    slot: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    free_at: Mapped[datetime]
    #: who holds it: an answer that comes after the permit was given to somebody else must not free it
    holder: Mapped[str | None] = mapped_column(String(40))


class Pump(Row):
    """One of the places from which an account may be pumped; bounds the calls in flight."""

    __tablename__ = "pumps"

    account: Mapped[str] = mapped_column(String(64), primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    owner: Mapped[str | None] = mapped_column(String(80))
    until: Mapped[datetime]


class Tick(Row):
    """When the sweep last ran, for the readiness check."""

    __tablename__ = "ticks"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    at: Mapped[datetime]
