"""Every table in one place, for whoever needs the schema as a whole: migrations and their test."""

from __future__ import annotations

from pipeline.store import (
    alerts,
    attestations,
    badges,
    cases,
    corrections,
    credentials,
    decisions,
    deliveries,
    hints,
    lanes,
    learners,
    ledger,
    outbox,
    rechecks,
    reviews,
    sweeps,
    withdrawals,
)
from pipeline.store.database import Row

ALL: dict[str, type[Row]] = {
    mapper.class_.__tablename__: mapper.class_
    for mapper in Row.registry.mappers
    if hasattr(mapper.class_, "__tablename__")
}

__all__ = [
    "ALL",
    "alerts",
    "attestations",
    "badges",
    "cases",
    "corrections",
    "credentials",
    "decisions",
    "deliveries",
    "hints",
    "lanes",
    "learners",
    "ledger",
    "outbox",
    "rechecks",
    "reviews",
    "sweeps",
    "withdrawals",
]
