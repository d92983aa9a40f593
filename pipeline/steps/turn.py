"""A turn: one attempt at one step of one case. Claim it, work outside any transaction, then commit everything
that follows from it at once: the effect, the next stage, the ledger entry.

A worker that dies loses its turn when its lease ends; one that comes back late finds that it no longer owns the
case, and its result is dropped.
"""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from pipeline import clock
from pipeline.audit.trail import change
from pipeline.configuration.loading import configuration
from pipeline.errors import Failure, Misconfigured, NotReady, Rejected, Throttled
from pipeline.settings import settings
from pipeline.stages import STEPS, Stage
from pipeline.steps.deadline import error_class
from pipeline.steps.telling.alerting import case_alert
from pipeline.store.cases import Case
from pipeline.store.database import transaction

log = structlog.get_logger(__name__)

#: the guide, step 6: 3 attempts at 5-minute intervals, then the manual queue
ATTEMPTS = 3
#: a case over which so many workers died is held, so that the queue goes on
CRASHES = 5


@dataclass(frozen=True, kw_only=True)
class WakeUp:
    """A hint that `task` has work on `id`; losing it costs seconds."""

    task: str
    id: str


@dataclass(frozen=True, kw_only=True)
class Turn:
    """A claimed case as the step sees it. `owner` proves the claim at the commit."""

    case_id: str
    stage: Stage
    owner: str
    source: str
    course: str
    program: str
    learner_id: str
    record_id: str | None
    rule_version: str | None
    waits: int
    attempts: int
    until: datetime

    @property
    def actor(self) -> str:
        """Who the ledger says did it."""
        return f"confer.{self.stage.value}"


class LeaseLost(Exception):
    """Somebody else has taken the row over; whatever was worked out is dropped."""


Effect = Callable[[Session, Case], list[WakeUp]]
Work = Callable[[Turn], Effect]


def new_owner() -> str:
    """A name for one claim, telling operators where it is worked on."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{secrets.token_hex(6)}"


def take_turn(case_id: str, stage: Stage, work: Work) -> list[WakeUp]:
    """Do one step of one case, if it is due in that stage; otherwise nothing, however often it is asked."""
    turn = _claim(case_id, stage)
    if turn is None:
        return []
    structlog.contextvars.bind_contextvars(case=case_id)
    try:
        return _take(turn, work)
    except LeaseLost:
        log.warning("lease_lost", stage=stage.value)
        return []


def _take(turn: Turn, work: Work) -> list[WakeUp]:
    """Work and commit; where that fails, commit what the failure means for the case."""
    try:
        return _commit(turn, work(turn))
    except LeaseLost:
        raise
    except Failure as failure:
        log.info("step_failed", stage=turn.stage.value, kind=failure.kind, reason=failure.detail)
        recover = partial(_after_failure, turn=turn, failure=failure)
    except Exception as defect:
        # what no adapter explains counts as an attempt, and in the end goes to a person
        log.exception("defect", stage=turn.stage.value)
        recover = partial(_count_attempt, turn=turn, error="defect", reason=type(defect).__name__)
    return _commit(turn, recover)


def mine(session: Session, turn: Turn) -> Case:
    """The case, locked, if the turn still owns it.

    Raises:
        LeaseLost: it does not.
    """
    case = session.get_one(Case, turn.case_id, with_for_update=True)
    if case.owner != turn.owner or case.stage != turn.stage:
        raise LeaseLost
    return case


def advance(session: Session, case: Case, to: Stage, *, kind: str, actor: str, **facts: Any) -> list[WakeUp]:
    """Move the case to its next stage, due at once, with a clean count of attempts."""
    now = clock.now()
    resting = to not in STEPS or to is Stage.ISSUE
    change(
        session, case, to, kind=kind, actor=actor, facts=facts,
        due_at=None if resting else now, announced_at=None if resting else now, owner=None,
        attempts=0, crashes=0, waits=0, error_kind=None, error=None, resume=None, decide_by=None, escalated_at=None,
    )  # fmt: skip
    return [] if resting else [WakeUp(task=to.value, id=case.id)]


def hold(session: Session, case: Case, *, actor: str, error: str, reason: str, resume: Stage, **facts: Any) -> None:
    """A person has to look. `resume` is the stage in which the run goes on afterwards."""
    change(
        session, case, Stage.HELD, kind="case.held", actor=actor,
        facts={"error": error, "reason": reason, "resume": resume.value, **facts},
        due_at=None, announced_at=None, owner=None, error_kind=error, error=reason[:1000], resume=resume.value,
        decide_by=clock.now() + error_class(error).sla, escalated_at=None,
    )  # fmt: skip
    case_alert(session, case)
    log.warning("case_held", case=case.id, error=error, reason=reason, stage=resume.value)


def fail(session: Session, case: Case, *, actor: str, kind: str, reason: str, **facts: Any) -> None:
    """The criteria are not met. Nothing is issued; the case stays to be seen, and to be overridden, by a person."""
    advance(session, case, Stage.FAILED, kind=kind, actor=actor, **facts)
    case.error_kind, case.error = "criteria", reason[:1000]
    case.decide_by = clock.now() + error_class("criteria").sla
    case_alert(session, case)


def later(session: Session, case: Case, *, actor: str, kind: str, due: datetime, **columns: Any) -> None:
    """Leave the case where it is, to be tried again at `due`."""
    facts = {"error": columns.get("error_kind"), "reason": columns.get("error"), "due": due.isoformat()}
    change(session, case, None, kind=kind, actor=actor, facts=facts, due_at=due, owner=None, **columns)


def _claim(case_id: str, stage: Stage) -> Turn | None:
    now = clock.now()
    until = now + settings().lease
    with transaction() as session:
        case = session.get(Case, case_id, with_for_update=True)
        if case is None or case.stage != stage or case.due_at is None or case.due_at > now:
            return None
        owner, actor = new_owner(), f"confer.{stage.value}"
        if case.owner:
            change(session, case, None, kind="case.worker_lost", actor=actor, crashes=case.crashes + 1)
            if case.crashes >= CRASHES:
                reason = f"{CRASHES} workers died over it"
                hold(session, case, actor=actor, error="poison", reason=reason, resume=stage)
                return None
        case.owner, case.due_at = owner, until
        return Turn(
            case_id=case_id, stage=stage, owner=owner, source=case.source, course=case.course, program=case.program,
            learner_id=case.learner_id, record_id=case.record_id, rule_version=case.rule_version,
            waits=case.waits, attempts=case.attempts, until=until,
        )  # fmt: skip


def _commit(turn: Turn, effect: Effect) -> list[WakeUp]:
    for again in (True, True, False):
        try:
            with transaction() as session:
                case = mine(session, turn)
                case.owner = None
                return effect(session, case)
        except IntegrityError:
            # another worker wrote the same row in the same moment; now it is there to be found
            if not again:
                raise
            log.info("met_another_worker")
    return []


def _after_failure(session: Session, case: Case, turn: Turn, failure: Failure) -> list[WakeUp]:
    now, actor = clock.now(), turn.actor
    said = {"error_kind": failure.kind, "error": failure.detail[:1000]}
    if isinstance(failure, NotReady):
        waits = turn.waits + 1
        due = now + min(timedelta(seconds=2) * 2 ** min(turn.waits, 12), timedelta(minutes=15))
        if due > case.entered_at + _patience(turn):
            reason = f"{failure.detail}; waited {waits} times"
            hold(session, case, actor=actor, error=failure.kind, reason=reason, resume=Stage.GATHER)
        else:
            later(session, case, actor=actor, kind="case.not_ready", due=due, waits=waits, **said)
    elif isinstance(failure, Throttled):
        later(session, case, actor=actor, kind="case.throttled", due=failure.until, **said)
    elif failure.whole_account:
        waits = turn.waits + 1
        due = now + min(timedelta(seconds=2) * 2 ** min(turn.waits, 12), timedelta(minutes=1))
        later(session, case, actor=actor, kind="case.waits_for_outage", due=due, waits=waits, **said)
    elif isinstance(failure, Rejected | Misconfigured):
        hold(session, case, actor=actor, error=failure.kind, reason=failure.detail, resume=turn.stage)
    else:
        return _count_attempt(session, case, turn, failure.kind, failure.detail)
    return []


def _count_attempt(session: Session, case: Case, turn: Turn, error: str, reason: str) -> list[WakeUp]:
    attempts = turn.attempts + 1
    if attempts >= ATTEMPTS:
        hold(
            session, case, actor=turn.actor, error=error, reason=f"{reason} ({attempts} attempts)", resume=turn.stage
        )
    else:
        due = clock.now() + settings().retry_interval
        later(
            session, case, actor=turn.actor, kind="case.attempt_failed", due=due,
            attempts=attempts, error_kind=error, error=reason[:1000],
        )  # fmt: skip
    return []


def _patience(turn: Turn) -> timedelta:
    program = configuration().programs.get(turn.program)
    return program.wait_for_lms if program else timedelta(0)
