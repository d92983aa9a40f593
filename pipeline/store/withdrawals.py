"""Withdrawals: who asked for a case's credentials to be taken back, why, and who decided about it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from pipeline.stages import WithdrawalState
from pipeline.store.database import Row

#: of a withdrawal that may still change something
OPEN = (WithdrawalState.REQUESTED.value, WithdrawalState.APPROVED.value)


class Withdrawal(Row):
    """One request about one case. At most one of a case is open: whoever adds one has locked the case."""

    __tablename__ = "withdrawals"
    __table_args__ = (
        Index("withdrawals_case", "case_id", "id"),
        Index("withdrawals_state", "state", "decide_by", "id"),
        Index("withdrawals_scope", "scope", "id"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"))
    program: Mapped[str] = mapped_column(String(64))
    #: a `Trigger`: a code, fit for the public
    trigger: Mapped[str] = mapped_column(String(32))
    #: in the words of whoever asked; may name people, so it stays here
    reason: Mapped[str] = mapped_column(String(2000))
    #: `case`, or the id of the request that was about many cases at once
    scope: Mapped[str] = mapped_column(String(64), default="case")
    #: names it to its sender: the same request sent twice is one
    key: Mapped[str | None] = mapped_column(String(300), unique=True)
    requested_by: Mapped[str] = mapped_column(String(120))
    requested_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(16), default=WithdrawalState.REQUESTED.value)
    #: until when a second person has to decide
    decide_by: Mapped[datetime | None]
    #: when it was told that nobody had decided in time
    escalated_at: Mapped[datetime | None]
    #: `program:<name>` where the program says that nobody has to
    decided_by: Mapped[str | None] = mapped_column(String(120))
    decided_at: Mapped[datetime | None]
    decided_reason: Mapped[str | None] = mapped_column(String(2000))
    done_at: Mapped[datetime | None]


def open_withdrawal(session: Session, case_id: str) -> Withdrawal | None:
    """The withdrawal of a case that is not settled yet; lock the case before."""
    query = select(Withdrawal).filter_by(case_id=case_id).where(Withdrawal.state.in_(OPEN))
    return session.scalars(query.order_by(Withdrawal.id).limit(1)).first()


def approved_withdrawal(session: Session, case_id: str) -> Withdrawal | None:
    """The withdrawal by which a case is, or was, taken back."""
    decided = (WithdrawalState.APPROVED.value, WithdrawalState.DONE.value)
    query = select(Withdrawal).filter_by(case_id=case_id).where(Withdrawal.state.in_(decided))
    return session.scalars(query.order_by(Withdrawal.id.desc()).limit(1)).first()


def withdrawals_of(session: Session, case_id: str) -> Sequence[Withdrawal]:
    """Every withdrawal that was ever asked for of a case, in their order."""
    return session.scalars(select(Withdrawal).filter_by(case_id=case_id).order_by(Withdrawal.id)).all()
