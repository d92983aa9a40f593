"""Verify: judge the record by the program's criteria. The decision and the move of the case are one transaction."""

from __future__ import annotations

from sqlalchemy.orm import Session

from pipeline import clock
from pipeline.configuration.loading import configuration
from pipeline.configuration.programs import Program
from pipeline.errors import Misconfigured
from pipeline.stages import Stage
from pipeline.steps.decide import Verdict, carried, decide
from pipeline.steps.turn import Effect, Turn, WakeUp, advance
from pipeline.store.attestations import valid_attestations
from pipeline.store.cases import Case
from pipeline.store.database import reading
from pipeline.store.decisions import Decision, RecordRow, checks_from, record_from
from pipeline.values import Check, Record

ACTOR = "confer.verify"


def verify(turn: Turn) -> Effect:
    """Judge the gathered record.

    Raises:
        Misconfigured: the program is gone from the configuration.
    """
    program = configuration().programs.get(turn.program)
    if program is None:
        raise Misconfigured(f"the program {turn.program} is gone from the configuration")
    with reading() as session:
        found = record_from(session.get_one(RecordRow, turn.record_id).document)
    verdict = Verdict(program=program, record_id=turn.record_id or "", record=found, checks=judge(program, found))
    return lambda session, case: _decide(session, case, verdict)


def judge(program: Program, found: Record) -> tuple[Check, ...]:
    """Every check of the program and those that are always made, in a fixed order."""
    return tuple(criterion.judge(found) for criterion in program.criteria)


def _decide(session: Session, case: Case, verdict: Verdict) -> list[WakeUp]:
    """Decide, unless something was stated about the learner that the record does not hold yet.

    Whoever states something locks the case after writing it, as this does before asking: one of the two sees
    the other.
    """
    valid = valid_attestations(session, learner_id=case.learner_id, program=case.program, at=clock.now())
    if {row.id for row in valid} != {attestation.id for attestation in verdict.record.attestations}:
        return advance(session, case, Stage.GATHER, kind="record.outdated", actor=ACTOR, record=verdict.record_id)
    earlier = session.get(Decision, case.decision_id) if case.decision_id else None
    if earlier:
        verdict = Verdict(
            program=verdict.program,
            record_id=verdict.record_id,
            record=verdict.record,
            checks=carried(verdict.checks, checks_from(earlier.checks)),
        )
    return decide(session, case, verdict, actor=ACTOR)
