"""The append-only ledger: one entry for every change of a case. Written by `pipeline.audit.trail` alone.

Entries carry no sequence number when they are written, so writers never wait for each other; the
tamper-evident log sequences them afterwards. They hold no personal data: ids, states, hashes, reasons.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from pipeline.store.database import Row


class LedgerEntry(Row):
    """Who or what did what to which case, when, what was seen, by which rule."""

    __tablename__ = "ledger"
    __table_args__ = (Index("ledger_subject", "subject", "id"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    at: Mapped[datetime]
    #: the case, or the delivery where there is no case yet
    subject: Mapped[str] = mapped_column(String(40))
    kind: Mapped[str] = mapped_column(String(48))
    actor: Mapped[str] = mapped_column(String(120))
    facts: Mapped[dict[str, Any]]
    rule_version: Mapped[str | None] = mapped_column(String(64))
