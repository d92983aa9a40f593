"""The people: known by their LMS's own id, so that a changed e-mail or name never makes a second person.

Names and addresses live here and in records, credentials and messages that refer to here; never in the ledger.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, UniqueConstraint, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from pipeline import clock
from pipeline.store.database import Row
from pipeline.store.ids import new_id
from pipeline.values import Learner


class LearnerRow(Row):
    """One learner of one LMS account. The profile is empty until the first record was read."""

    __tablename__ = "learners"
    __table_args__ = (
        UniqueConstraint("source", "ref"),
        Index("learners_sis_id", "sis_id"),
        Index("learners_email_key", "email_key"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    source: Mapped[str] = mapped_column(String(64))
    ref: Mapped[str] = mapped_column(String(64))
    name: Mapped[str | None] = mapped_column(String(300))
    email: Mapped[str | None] = mapped_column(String(320))
    #: the address in one spelling, to find the same person at another LMS account
    email_key: Mapped[str | None] = mapped_column(String(320))
    supervisor_email: Mapped[str | None] = mapped_column(String(320))
    sis_id: Mapped[str | None] = mapped_column(String(64))
    profile_read_at: Mapped[datetime | None]


def learner_id(session: Session, *, source: str, ref: str) -> str:
    """The id of this learner, made on first sight; safe when two workers see them first at once."""
    known = select(LearnerRow.id).filter_by(source=source, ref=ref)
    found = session.scalar(known)
    if found:
        return found
    made = new_id("learner")
    try:
        with session.begin_nested():
            session.add(LearnerRow(id=made, source=source, ref=ref))
    except IntegrityError:
        return session.scalars(known).one()
    return made


def keep_profile(session: Session, row_id: str, learner: Learner) -> None:
    """Write down the profile that was just read."""
    row = session.get_one(LearnerRow, row_id)
    row.name, row.email, row.email_key = learner.name, learner.email, learner.email.casefold()[:320]
    row.supervisor_email, row.sis_id = learner.supervisor_email, learner.sis_id
    row.profile_read_at = clock.now()
