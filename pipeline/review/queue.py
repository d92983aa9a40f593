"""The queue: which cases wait for a person, since when, why, and until when they have to be decided."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from pipeline import clock
from pipeline.configuration.staff import Person
from pipeline.stages import Stage
from pipeline.steps.deadline import error_class
from pipeline.store.attestations import valid_attestations
from pipeline.store.cases import Case
from pipeline.store.reviews import Review

#: the stages in which a case waits for a person
WAITING = (Stage.HELD, Stage.FAILED)
#: cases on one page, and in one bulk decision
PAGE, BULK = 50, 500


class Assigned(StrEnum):
    """Which cases by who works on them."""

    ANYBODY = "anybody"
    NOBODY = "nobody"


@dataclass(frozen=True, kw_only=True)
class Filter:
    """Which cases: all given conditions have to hold. `assignee` is a name, or `nobody`."""

    stage: str | None = None
    program: str | None = None
    error: str | None = None
    assignee: str | None = None
    overdue: bool = False
    before: datetime | None = None

    def query(self, person: Person) -> Select[Case]:
        """The waiting cases that a person may see, the one to be decided first at the top."""
        stages = [stage.value for stage in WAITING if self.stage in {None, stage.value}]
        found = select(Case).where(Case.stage.in_(stages))
        if person.programs:
            found = found.where(Case.program.in_(person.programs))
        if self.program:
            found = found.where(Case.program == self.program)
        if self.error:
            found = found.where(Case.error_kind == self.error)
        if self.assignee:
            found = found.where(Case.assignee == (None if self.assignee == Assigned.NOBODY else self.assignee))
        if self.overdue:
            found = found.where(Case.decide_by <= clock.now())
        if self.before:
            found = found.where(Case.entered_at < self.before)
        return found


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """One case of the queue. `version` has to be given back with a decision about it."""

    case: str
    version: str
    program: str
    source: str
    course: str
    stage: str
    error: str
    error_class: str
    reason: str
    since: datetime
    decide_by: datetime | None
    overdue: bool
    escalated_at: datetime | None
    assignee: str | None


@dataclass(frozen=True, kw_only=True)
class Page:
    """A part of the queue. `after` asks for the next one; None: there is none."""

    cases: tuple[Waiting, ...]
    total: int
    overdue: int
    after: str | None


def page(session: Session, person: Person, which: Filter, *, after: str | None = None, limit: int = PAGE) -> Page:
    """A page of the queue, by deadline; `after` is that of the page before."""
    query = which.query(person)
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    late = query.where(Case.decide_by <= clock.now())
    overdue = session.scalar(select(func.count()).select_from(late.subquery())) or 0
    last = session.get(Case, after) if after else None
    if last is not None and last.decide_by is not None:
        query = query.where(
            (Case.decide_by > last.decide_by) | ((Case.decide_by == last.decide_by) & (Case.id > last.id))
        )
    rows = list(session.scalars(query.order_by(Case.decide_by, Case.id).limit(limit + 1)))
    more = len(rows) > limit
    return Page(
        cases=tuple(waiting(session, row) for row in rows[:limit]),
        total=total,
        overdue=overdue,
        after=rows[limit - 1].id if more else None,
    )


def waiting(session: Session, case: Case) -> Waiting:
    """One case as a line of the queue."""
    return Waiting(
        case=case.id,
        version=version_of(session, case),
        program=case.program,
        source=case.source,
        course=case.course,
        stage=case.stage,
        error=case.error_kind or "",
        error_class=error_class(case.error_kind).label,
        reason=case.error or "",
        since=case.entered_at,
        decide_by=case.decide_by,
        overdue=case.decide_by is not None and case.decide_by <= clock.now(),
        escalated_at=case.escalated_at,
        assignee=case.assignee,
    )


def version_of(session: Session, case: Case) -> str:
    """A short name of everything that a person decides upon: it changes when that does, and for nothing else.

    Not the row's own version: an escalation or an assignment in between is no reason to refuse a decision.
    """
    stated = valid_attestations(session, learner_id=case.learner_id, program=case.program, at=clock.now())
    decided = session.scalars(select(Review.id).filter_by(case_id=case.id).order_by(Review.id)).all()
    parts = (
        case.id, case.stage, case.resume, case.entered_at.isoformat(), case.record_id, case.decision_id,
        case.error_kind, *(row.id for row in stated), *decided,
    )  # fmt: skip
    return hashlib.sha256("\x1f".join(map(str, parts)).encode()).hexdigest()[:16]


def time_left(case: Waiting) -> timedelta | None:
    """How long there is still to decide; negative when it is overdue."""
    return case.decide_by - clock.now() if case.decide_by else None
