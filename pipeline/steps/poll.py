"""Poll: ask an LMS for the completions of a course that no webhook announced, and store what is new as a delivery.

From there they go the way of every other event. A lost or never-sent webhook costs one interval, and nothing else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import islice

import structlog
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from pipeline import clock
from pipeline.configuration.loading import configuration
from pipeline.configuration.programs import Program
from pipeline.errors import Failure, Outage, Throttled, Unsure
from pipeline.stages import Stage
from pipeline.steps.gather import lms
from pipeline.steps.telling.alerting import alert
from pipeline.steps.turn import WakeUp, new_owner
from pipeline.store import deliveries
from pipeline.store.cases import Case
from pipeline.store.database import reading, transaction
from pipeline.store.decisions import as_json
from pipeline.store.deliveries import EventRow, known_event
from pipeline.store.sweeps import Sweep, pause, paused_until
from pipeline.values import Event

log = structlog.get_logger(__name__)

#: how far back each sweep looks beyond the one before: LMSs compute completions late and by their own clocks
OVERLAP = timedelta(hours=24)
#: how long a sweep may take; a course with thousands of learners is read one learner at a time at some LMSs
LEASE = timedelta(minutes=25)
#: events in one delivery
_TOGETHER = 200
#: failures in a row from which on staff is told, once a day; a short outage is nobody's business
REPEATED = 4


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A sweep that this process does."""

    source: str
    course: str
    program: str
    owner: str
    since: datetime
    begins_at: datetime
    began: datetime
    every: timedelta


def sweep_id(source: str, course: str) -> str:
    """How a wake-up names a sweep."""
    return f"{source}:{course}"


def due_sweeps() -> list[WakeUp]:
    """The sweeps that are due; those of new programs are begun. Courses without a program are not swept."""
    config, now, due = configuration(), clock.now(), []
    with transaction() as session:
        known = {(row.source, row.course): row for row in session.scalars(select(Sweep))}
        for program in config.programs.values():
            every = config.lms[program.source].sweep_every
            if every is None:
                continue
            row = known.get((program.source, program.course)) or _begin(session, program, now)
            if row.due_at and row.due_at <= now and (not row.announced_at or row.announced_at <= now - every / 2):
                row.announced_at = now
                due.append(WakeUp(task="poll", id=sweep_id(row.source, row.course)))
    return due


def _begin(session: Session, program: Program, now: datetime) -> Sweep:
    row = Sweep(source=program.source, course=program.course, begins_at=now, swept_until=now, due_at=now)
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:  # another tick begins it in the same moment
        return session.get_one(Sweep, (program.source, program.course))
    return row


def poll(sweep: str) -> list[WakeUp]:
    """Do one sweep, if it is due and nobody else sweeps the same LMS."""
    source, _, course = sweep.partition(":")
    program = configuration().program_for(source=source, course=course)
    account = configuration().lms.get(source)
    if program is None or account is None or account.sweep_every is None:
        return []
    claim = _claim(program, account.sweep_every)
    if claim is None:
        return []
    structlog.contextvars.bind_contextvars(source=source, course=course)
    try:
        wakeups = _sweep(claim)
    except Failure as failure:
        log.warning("sweep_failed", kind=failure.kind, reason=failure.detail)
        _after_failure(claim, failure)
        return []
    except Exception as defect:
        log.exception("defect")
        _after_failure(claim, Outage(f"defect: {type(defect).__name__}"))
        return []
    _done(claim)
    return wakeups


def _claim(program: Program, every: timedelta) -> Claim | None:
    now = clock.now()
    with transaction() as session:
        row = session.get(Sweep, (program.source, program.course), with_for_update=True)
        if row is None or row.due_at is None or row.due_at > now:
            return None
        waits = paused_until(session, program.source) or _busy_until(session, program, now)
        if waits:
            row.due_at, row.announced_at = waits, None
            return None
        row.owner, row.due_at = new_owner(), now + LEASE
        asked = datetime.combine(program.sweep_from, time(), UTC) if program.sweep_from else row.begins_at
        back = asked < row.begins_at
        return Claim(
            source=row.source, course=row.course, program=program.name, owner=row.owner, every=every, began=now,
            since=asked if back else max(row.begins_at, row.swept_until - OVERLAP),
            begins_at=min(asked, row.begins_at),
        )  # fmt: skip


def _busy_until(session: Session, program: Program, now: datetime) -> datetime | None:
    """One sweep of an LMS at a time: they would only share its limit."""
    others = select(Sweep.owner).where(
        Sweep.source == program.source, Sweep.course != program.course, Sweep.owner.is_not(None), Sweep.due_at > now
    )
    return now + timedelta(seconds=5) if session.scalar(others.limit(1)) else None


def _sweep(claim: Claim) -> list[WakeUp]:
    with reading() as session:
        known = _known(session, claim)
    found = lms(claim.source).completions(course=claim.course, since=claim.since, known=known)
    wakeups: list[WakeUp] = []
    while events := list(islice(found, _TOGETHER)):
        wakeups += _store(claim.source, events)
    return wakeups


def _known(session: Session, claim: Claim) -> frozenset[str]:
    """Learners whose completion needs no further look; who failed, was rejected or withdrawn may complete anew."""
    learners = (
        select(EventRow.learner)
        .join(Case, Case.id == EventRow.case_id)
        .where(EventRow.source == claim.source, EventRow.course == claim.course)
        .where(Case.stage.not_in([Stage.FAILED.value, Stage.CLOSED.value, Stage.WITHDRAWN.value]))
    )
    return frozenset(session.scalars(learners.distinct()))


def _store(source: str, events: Iterable[Event]) -> list[WakeUp]:
    """Store what is new; what a webhook announced, or an earlier sweep found, is not stored again."""
    with reading() as session:
        new = [event for event in events if known_event(session, source=source, event=event) is None]
    if not new:
        return []
    documents = [as_json(event) for event in new]
    body = json.dumps(documents, sort_keys=True).encode()
    digest = hashlib.sha256(body).hexdigest()
    delivery, stored = deliveries.store(
        source=source, key=f"sweep:{digest}", body=body, sha256=digest, events=documents, scores=[]
    )
    log.info("completions_swept", source=source, delivery=delivery, events=len(new))
    return [WakeUp(task="receive", id=delivery)] if stored else []


def _done(claim: Claim) -> None:
    with transaction() as session:
        row = _mine(session, claim)
        if row:
            row.owner, row.due_at, row.announced_at = None, clock.now() + claim.every, None
            row.swept_until, row.begins_at = max(row.swept_until, claim.began), claim.begins_at
            row.failures, row.error_kind, row.error = 0, None, None


def _after_failure(claim: Claim, failure: Failure) -> None:
    """Again when the LMS said so, soon after an outage, and at the next interval after anything else."""
    now = clock.now()
    with transaction() as session:
        row = _mine(session, claim)
        if row is None:
            return
        row.owner, row.announced_at = None, None
        row.error_kind, row.error = failure.kind, failure.detail[:1000]
        if isinstance(failure, Throttled):
            pause(session, claim.source, failure.until)
            row.due_at = failure.until
            return
        row.failures += 1
        if isinstance(failure, Outage | Unsure):
            row.due_at = now + min(timedelta(seconds=15 << min(row.failures, 10)), claim.every)
        else:
            row.due_at = now + claim.every
        if row.failures >= REPEATED:
            _tell(session, claim, failure, now)


def _tell(session: Session, claim: Claim, failure: Failure, now: datetime) -> None:
    alert(
        session,
        key=f"sweep:{claim.source}:{claim.course}:{now.date().isoformat()}",
        severity="failure",
        title="Sweep fails",
        summary=f"completions that no webhook announces are not found: {failure.detail}",
        facts=[("Source", claim.source), ("Course", claim.course), ("Program", claim.program)],
        program=claim.program,
    )


def _mine(session: Session, claim: Claim) -> Sweep | None:
    row = session.get_one(Sweep, (claim.source, claim.course), with_for_update=True)
    return row if row.owner == claim.owner else None
