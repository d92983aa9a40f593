"""Corrections: what a person had changed on issued credentials. The record and the decision stay as they were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from pipeline.store.database import Row
from pipeline.values import Learner


class Correction(Row):
    """One correction of one case: who the credentials are for, as a person says or as the LMS says now."""

    __tablename__ = "corrections"
    __table_args__ = (Index("corrections_case", "case_id", "id"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"))
    name: Mapped[str] = mapped_column(String(300))
    given_name: Mapped[str | None] = mapped_column(String(300))
    family_name: Mapped[str | None] = mapped_column(String(300))
    #: None: as it was
    email: Mapped[str | None] = mapped_column(String(320))
    #: where the name is from: `person`, or the LMS account
    source: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(String(2000))
    made_by: Mapped[str] = mapped_column(String(120))
    made_at: Mapped[datetime]
    #: when every credential said so and everybody had been told
    done_at: Mapped[datetime | None]


def corrections_of(session: Session, case_id: str) -> Sequence[Correction]:
    """The corrections of a case, in their order."""
    return session.scalars(select(Correction).filter_by(case_id=case_id).order_by(Correction.id)).all()


def corrected(session: Session, case_id: str, learner: Learner) -> Learner:
    """The learner of a record as the latest correction of the case has them."""
    rows = corrections_of(session, case_id)
    if not rows:
        return learner
    latest = rows[-1]
    email = next((row.email for row in reversed(rows) if row.email), learner.email)
    return replace(
        learner, name=latest.name, given_name=latest.given_name, family_name=latest.family_name, email=email
    )
