"""The row that all processes share about an account, locked by whoever changes it."""

from __future__ import annotations

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from pipeline import clock
from pipeline.store.lanes import Lane


def locked_lane(session: Session, account: str) -> Lane:
    """The account's row, locked until the end of the transaction; made on first sight."""
    lane = session.get(Lane, account, with_for_update=True)
    if lane:
        return lane
    try:
        with session.begin_nested():
            session.add(Lane(account=account, next_start=clock.now()))
    except IntegrityError:
        pass  # another process made it at the same moment
    return session.get_one(Lane, account, with_for_update=True)
