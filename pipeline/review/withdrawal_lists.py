"""Withdrawals in lists: which ones wait for a decision, and the same wish or decision about many at once.

Each one of many is done in a transaction of its own, so that one that cannot be done holds up no other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Select, func, literal, select
from sqlalchemy.orm import Session

from pipeline import clock
from pipeline.configuration.staff import Person
from pipeline.review.refusals import NotPossible, Refusal, Unknown
from pipeline.review.withdrawals import Asked, Decided, Request, decide, may_request, request, tell_staff
from pipeline.stages import OVER, WithdrawalState
from pipeline.steps.turn import WakeUp
from pipeline.store.cases import Case
from pipeline.store.credentials import CredentialRow, credentials_of
from pipeline.store.database import Instant, reading, transaction
from pipeline.store.ids import new_id
from pipeline.store.withdrawals import Withdrawal

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Affected:
    """One case that a wish about many is about. `issued_at` None: it is on its way to be issued."""

    case: str
    program: str
    stage: str
    credentials: int
    issued_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Result:
    """What became of one of many; `refused` is empty where it was done. `subject` is a case or a withdrawal."""

    subject: str
    refused: str = ""
    state: str = ""
    new: bool = False
    wakeups: tuple[WakeUp, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Filter:
    """Which withdrawals: all given conditions have to hold."""

    state: str | None = None
    program: str | None = None
    case: str | None = None
    trigger: str | None = None
    scope: str | None = None
    overdue: bool = False

    def query(self, person: Person) -> Select[Withdrawal]:
        """Those that a person may see; what has to be decided first at the top."""
        named = {"state": self.state, "program": self.program, "case_id": self.case, "trigger": self.trigger,
                 "scope": self.scope}  # fmt: skip
        found = select(Withdrawal).filter_by(**{name: value for name, value in named.items() if value})
        if person.programs:
            found = found.where(Withdrawal.program.in_(person.programs))
        if self.overdue:
            found = found.where(Withdrawal.decide_by <= clock.now())
        return found.order_by(Withdrawal.decide_by.is_(None), Withdrawal.decide_by, Withdrawal.id)


def listed(session: Session, person: Person, which: Filter, *, limit: int) -> tuple[list[Withdrawal], int]:
    """The first withdrawals of a filter, and how many there are."""
    query = which.query(person)
    total = session.scalar(select(func.count()).select_from(query.order_by(None).subquery())) or 0
    return list(session.scalars(query.limit(limit))), total


def affected(
    session: Session, person: Person, *, program: str, since: datetime | None, until: datetime | None
) -> list[Affected]:
    """The cases with a credential of a program that was issued in a span of time, or is about to be.

    Args:
        since, until: when the platform had it; `until` is not part of the span.

    Raises:
        Unknown: the program is none that this person may see, or has no credential.
    """
    if not person.covers(program):
        raise Unknown(f"there is no program {program[:60]}")
    issued = func.coalesce(CredentialRow.confirmed_at, literal(clock.now(), Instant()))
    query = (
        select(Case, func.count(CredentialRow.id), func.min(CredentialRow.confirmed_at))
        .join(CredentialRow, CredentialRow.case_id == Case.id)
        .where(Case.program == program, CredentialRow.state.not_in(OVER))
        .group_by(Case.id)
        .order_by(Case.id)
    )
    query = query.where(issued >= since) if since else query
    query = query.where(issued < until) if until else query
    return [
        Affected(case=case.id, program=case.program, stage=case.stage, credentials=count, issued_at=first)
        for case, count, first in session.execute(query)
    ]


def single_cases(session: Session, person: Person, cases: Sequence[str]) -> list[Affected]:
    """The cases that a wish names, as they stand.

    Raises:
        Unknown: one of them is none, or none that this person may see.
    """
    found = []
    for one in dict.fromkeys(cases):
        case = session.get(Case, one)
        if case is None or not person.covers(case.program):
            raise Unknown(f"there is no case {one[:60]}")
        rows = [row for row in credentials_of(session, case.id) if row.state not in OVER]
        first = min((row.confirmed_at for row in rows if row.confirmed_at), default=None)
        found.append(
            Affected(case=one, program=case.program, stage=case.stage, credentials=len(rows), issued_at=first)
        )
    return found


def request_many(person: Person, cases: Sequence[str], wish: Request) -> Iterator[Result]:
    """Ask for the withdrawal of many cases; staff is told once.

    Raises:
        NotAllowed, NotPossible: before anything is asked for.
    """
    may_request(person, wish.trigger)
    if not wish.reason.strip():
        raise NotPossible("a withdrawal needs a reason")
    scope = new_id("bulk")
    together = Request(trigger=wish.trigger, reason=wish.reason, scope=scope)
    return _requested(person, cases, together)


def decide_many(person: Person, ids: Iterable[str], decided: Decided, reason: str) -> Iterator[Result]:
    """Decide the same about many requests."""
    for one in ids:

        def carry_out(one: str = one) -> Result:
            wakeups = decide(person, one, decided, reason)
            return Result(subject=one, state=decided.value, wakeups=tuple(wakeups))

        yield _each(one, carry_out)


def waiting_ids(person: Person, *, scope: str) -> list[str]:
    """The requests of one bulk request that wait for a decision."""
    which = Filter(scope=scope, state=WithdrawalState.REQUESTED.value)
    with reading() as session:
        return [row.id for row in session.scalars(which.query(person))]


def _requested(person: Person, cases: Sequence[str], wish: Request) -> Iterator[Result]:
    told = False
    for case in cases:

        def carry_out(case: str = case) -> Result:
            return _as_result(request(person, case, wish))

        result = _each(case, carry_out)
        if not told and result.new and result.state == WithdrawalState.REQUESTED:
            told = _tell(wish.scope, len(cases))
        yield result


def _as_result(asked: Asked) -> Result:
    return Result(subject=asked.case, state=asked.state, new=asked.new, wakeups=asked.wakeups)


def _tell(scope: str, count: int) -> bool:
    with transaction() as session:
        row = session.scalars(select(Withdrawal).filter_by(scope=scope).limit(1)).one()
        tell_staff(session, row, count=count)
    return True


def _each(subject: str, carry_out: Callable[[], Result]) -> Result:
    try:
        return carry_out()
    except Refusal as refusal:
        return Result(subject=subject, refused=refusal.detail)
    except Exception as defect:
        log.exception("defect", subject=subject)
        return Result(subject=subject, refused=f"failed inside Confer: {type(defect).__name__}")


def as_shown(row: Withdrawal) -> dict[str, Any]:
    """A withdrawal as JSON data, for staff."""
    return {
        "withdrawal": row.id,
        "case": row.case_id,
        "program": row.program,
        "trigger": row.trigger,
        "reason": row.reason,
        "scope": row.scope,
        "state": row.state,
        "requested_by": row.requested_by,
        "requested_at": row.requested_at.isoformat(),
        "decide_by": row.decide_by.isoformat() if row.decide_by else None,
        "overdue": row.decide_by is not None and row.decide_by <= clock.now(),
        "decided_by": row.decided_by,
        "decided_at": row.decided_at.isoformat() if row.decided_at else None,
        "decided_reason": row.decided_reason,
        "done_at": row.done_at.isoformat() if row.done_at else None,
    }
