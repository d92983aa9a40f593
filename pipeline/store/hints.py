"""What platforms announced about credentials: pointers that are read back, each unique by its key at its account."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Index, String, UniqueConstraint, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from pipeline import clock
from pipeline.store.database import Row, reading, transaction
from pipeline.store.ids import new_id
from pipeline.values import Hint

LONGEST_KEY = 300
LONGEST_REF = 200


class HintRow(Row):
    """One announcement. It says nothing by itself: what it points at is read at the platform."""

    __tablename__ = "hints"
    __table_args__ = (UniqueConstraint("account", "key"), Index("hints_due", "due_at", "id"))

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    account: Mapped[str] = mapped_column(String(64))
    key: Mapped[str] = mapped_column(String(LONGEST_KEY))
    ref: Mapped[str] = mapped_column(String(LONGEST_REF))
    heard_at: Mapped[datetime]
    #: the credential that it turned out to be about
    platform_ref: Mapped[str | None] = mapped_column(String(LONGEST_REF))
    #: what came of it, a word of `pipeline.steps.claim.Came`; None: nothing yet
    came: Mapped[str | None] = mapped_column(String(16))
    due_at: Mapped[datetime | None]
    announced_at: Mapped[datetime | None]
    owner: Mapped[str | None] = mapped_column(String(80))
    #: how often it was put off, which costs nothing, and how often it failed by itself
    waits: Mapped[int] = mapped_column(default=0)
    attempts: Mapped[int] = mapped_column(default=0)
    error_kind: Mapped[str | None] = mapped_column(String(32))
    error: Mapped[str | None] = mapped_column(String(1000))


def fits(hint: Hint) -> bool:
    """Whether a hint can be stored on every database: of bounded length, without control characters."""
    return all(
        0 < len(text) <= longest and text.isprintable()
        for text, longest in ((hint.key, LONGEST_KEY), (hint.ref, LONGEST_REF))
    )


def store(account: str, hints: Iterable[Hint]) -> tuple[str, ...]:
    """Commit the hints of one request, each under its unique key; the ids of those that are new.

    The insert decides, as for deliveries: of any number of equal ones at once, one wins. In the order of the keys, so
    that two requests with the same hints do not wait for each other crosswise.
    """
    by_key = {hint.key: hint for hint in hints}
    with reading() as session:
        known = set(session.scalars(select(HintRow.key).filter_by(account=account).where(HintRow.key.in_(by_key))))
    new = [by_key[key] for key in sorted(by_key.keys() - known)]
    if not new:
        return ()
    stored, now = [], clock.now()
    with transaction() as session:
        for hint in new:
            row = HintRow(
                id=new_id("hint"),
                account=account,
                key=hint.key,
                ref=hint.ref,
                heard_at=now,
                due_at=now,
                announced_at=now,
            )
            try:
                with session.begin_nested():
                    session.add(row)
            except IntegrityError:  # another request brought it in the same moment
                continue
            stored.append(row.id)
    return tuple(stored)
