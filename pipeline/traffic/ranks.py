"""Ranks: whose turn it is among what waits at an account.

Programs take turns, each in its own order. Every credential is given the moment at which it would be issued if its
program had the account to itself; so a cohort of thousands lies spread over the time that it takes anyway, and a
single learner of another program, due now, finds at most one credential of each waiting program before its own.
Nothing starves: time reaches every rank. docs/decisions/0016-ranks.md has the argument.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pipeline.store.credentials import CredentialRow
from pipeline.values import Rate

#: a rank so much later than a row is due belongs to a row that is not due yet itself, as in a review window
_FAR = timedelta(days=1)


def rank(session: Session, *, account: str, program: str, due: datetime, rate: Rate | None, bulk: int) -> datetime:
    """The rank of a credential that is planned now and due at `due`: never before that.

    Args:
        bulk: how many credentials one call of the account issues.
    """
    if rate is None:
        return due
    last = session.scalar(
        select(func.max(CredentialRow.rank_at)).where(
            CredentialRow.account == account, CredentialRow.program == program, CredentialRow.rank_at <= due + _FAR
        )
    )
    return max(due, last + rate.window / rate.calls / bulk) if last else due
