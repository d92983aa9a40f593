"""What persons and outside systems stated about learners: approvals, results, exemptions, appeals, investigations.

An attestation is never changed. It ends by its validity or by being withdrawn, and both stay to be seen.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from pipeline.attestation import Attestation
from pipeline.store.database import Row


class AttestationRow(Row):
    """One attestation. Without a program it is about the learner in every program."""

    __tablename__ = "attestations"
    __table_args__ = (Index("attestations_learner", "learner_id", "program", "id"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    learner_id: Mapped[str] = mapped_column(ForeignKey("learners.id"))
    program: Mapped[str | None] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(16))
    about: Mapped[str] = mapped_column(String(200))
    #: the attestation as JSON data, with everything that criteria read
    document: Mapped[dict[str, Any]]
    #: who said it: `person:jdoe`, `system:proctor`, `lms:campus`
    author: Mapped[str] = mapped_column(String(120))
    #: names it to its sender: the same attestation sent twice is one
    key: Mapped[str | None] = mapped_column(String(300), unique=True)
    made_at: Mapped[datetime]
    valid_from: Mapped[datetime | None]
    valid_until: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[str | None] = mapped_column(String(120))
    withdrawn_reason: Mapped[str | None] = mapped_column(String(1000))


def valid_attestations(
    session: Session, *, learner_id: str, program: str, at: datetime
) -> tuple[AttestationRow, ...]:
    """What holds for a learner in a program at an instant, in the order in which it was said."""
    query = (
        select(AttestationRow)
        .filter_by(learner_id=learner_id, withdrawn_at=None)
        .where(
            or_(AttestationRow.program.is_(None), AttestationRow.program == program),
            or_(AttestationRow.valid_from.is_(None), AttestationRow.valid_from <= at),
            or_(AttestationRow.valid_until.is_(None), AttestationRow.valid_until > at),
        )
        .order_by(AttestationRow.made_at, AttestationRow.id)
    )
    return tuple(session.scalars(query))


def as_row(
    said: Attestation,
    *,
    learner_id: str,
    program: str | None,
    document: dict[str, Any],
    key: str | None = None,
    valid_from: datetime | None = None,
    valid_until: datetime | None = None,
) -> AttestationRow:
    """The row of an attestation, to be added."""
    return AttestationRow(
        id=said.id, learner_id=learner_id, program=program, kind=said.kind.value, about=said.about,
        document=document, author=said.author, key=key, made_at=said.made_at, valid_from=valid_from,
        valid_until=valid_until,
    )  # fmt: skip
