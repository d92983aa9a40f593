"""Gather: read the learner's record back from the LMS. The event was only a hint; this is the evidence."""

from __future__ import annotations

from sqlalchemy.orm import Session

from pipeline.adapters import LMSS
from pipeline.configuration.loading import configuration
from pipeline.contracts import Lms
from pipeline.errors import Misconfigured, NotReady
from pipeline.stages import Stage
from pipeline.steps.turn import Effect, Turn, WakeUp, advance
from pipeline.store.cases import Case
from pipeline.store.database import reading
from pipeline.store.decisions import keep_record
from pipeline.store.learners import LearnerRow, keep_profile
from pipeline.values import Record


def gather(turn: Turn) -> Effect:
    """Read the record.

    Raises:
        NotReady: the LMS does not show the completion yet.
        Misconfigured: the program or the LMS account is gone from the configuration.
    """
    program = configuration().programs.get(turn.program)
    if program is None:
        raise Misconfigured(f"the program {turn.program} is gone from the configuration")
    with reading() as session:
        learner = session.get_one(LearnerRow, turn.learner_id).ref
    found = lms(turn.source).record(
        learner=learner, course=turn.course, needs=program.needs, prerequisites=program.prerequisites
    )
    if found.completed_at is None:
        raise NotReady("the LMS does not show the course as completed")
    return lambda session, case: _keep(session, case, turn, found)


def lms(source: str) -> Lms:
    """The adapter of an LMS account.

    Raises:
        Misconfigured: the account is gone from the configuration.
    """
    account = configuration().lms.get(source)
    if account is None:
        raise Misconfigured(f"the LMS account {source} is gone from accounts.yaml")
    return LMSS[account.adapter](account)


def _keep(session: Session, case: Case, turn: Turn, found: Record) -> list[WakeUp]:
    keep_profile(session, turn.learner_id, found.learner)
    row = keep_record(session, case.id, found)
    case.record_id = row.id
    return advance(
        session, case, Stage.VERIFY, kind="record.gathered", actor=turn.actor, record=row.id, sha256=row.sha256
    )
