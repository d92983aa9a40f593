"""Gather: read the learner's record back from the LMS, and lay beside it what else is known.

The event was only a hint; the LMS's own record is the evidence. To it come what the events claim, what persons and
outside systems stated, and which credentials of ours the learner holds: so a stored record can be judged again
without asking anybody.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipeline import clock
from pipeline.adapters import LMSS
from pipeline.attestation import Claim
from pipeline.configuration.loading import configuration
from pipeline.configuration.programs import Program
from pipeline.contracts import Lms
from pipeline.errors import Misconfigured, NotReady, Throttled
from pipeline.stages import Stage
from pipeline.steps.turn import Effect, Turn, WakeUp, advance
from pipeline.store.attestations import valid_attestations
from pipeline.store.cases import Case
from pipeline.store.credentials import standing_of
from pipeline.store.database import reading, transaction
from pipeline.store.decisions import attestation_from, claim_from, keep_record
from pipeline.store.deliveries import EventRow
from pipeline.store.learners import LearnerRow, keep_profile
from pipeline.store.sweeps import pause, paused_until
from pipeline.values import Fact, Prerequisite, Record


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
    found = read_record(lms(turn.source), program, learner=learner)
    with reading() as session:
        found = complete(session, program, found, learner_id=turn.learner_id, case_id=turn.case_id)
    return lambda session, case: _keep(session, case, turn, found)


def read_record(adapter: Lms, program: Program, *, learner: str) -> Record:
    """The learner's record as the LMS has it now.

    Raises:
        NotReady: the LMS does not show the completion yet.
        Throttled: the LMS asked for a pause, which every process keeps.
        Misconfigured, Rejected, Outage: see `pipeline.errors`.
    """
    with unpaused(adapter):
        found = adapter.record(
            learner=learner, course=program.course, needs=program.needs, prerequisites=program.prerequisites
        )
    if found.completed_at is None:
        raise NotReady("the LMS does not show the course as completed")
    return found


@contextmanager
def unpaused(adapter: Lms) -> Iterator[None]:
    """Call an LMS, unless it asked for a pause; when it does so now, every process keeps it.

    Raises:
        Throttled: it did, or does.
    """
    source = adapter.account.name
    with reading() as session:
        until = paused_until(session, source)
    if until:
        raise Throttled(f"{adapter.label} asked for a pause", until=until)
    try:
        yield
    except Throttled as asked:
        with transaction() as session:
            pause(session, source, asked.until)
        raise


def complete(session: Session, program: Program, found: Record, *, learner_id: str, case_id: str | None) -> Record:
    """The record with what events claim, what was stated, and which credentials of ours the learner holds."""
    stated = valid_attestations(session, learner_id=learner_id, program=program.name, at=clock.now())
    held = tuple(_required(session, learner_id, name) for name in program.required_credentials)
    return replace(
        found,
        claims=(*found.claims, *_claims(session, case_id)),
        attestations=tuple(attestation_from(row.document) for row in stated),
        prerequisites=(*found.prerequisites, *held),
        sources={**found.sources, Fact.CREDENTIALS: "our own credentials"} if held else found.sources,
    )


def lms(source: str) -> Lms:
    """The adapter of an LMS account.

    Raises:
        Misconfigured: the account is gone from the configuration.
    """
    account = configuration().lms.get(source)
    if account is None:
        raise Misconfigured(f"the LMS account {source} is gone from accounts.yaml")
    return LMSS[account.adapter](account)


def _claims(session: Session, case_id: str | None) -> tuple[Claim, ...]:
    if case_id is None:
        return ()
    query = select(EventRow.claim).filter_by(case_id=case_id).order_by(EventRow.id)
    return tuple(claim_from(document) for document in session.scalars(query) if document)


def _required(session: Session, learner_id: str, program: str) -> Prerequisite:
    state, reason = standing_of(session, learner_id=learner_id, program=program, on=clock.now().date())
    return Prerequisite(course=program, kind="credential", state=state, reason=reason)


def _keep(session: Session, case: Case, turn: Turn, found: Record) -> list[WakeUp]:
    keep_profile(session, turn.learner_id, found.learner)
    row = keep_record(session, case.id, found)
    case.record_id = row.id
    return advance(
        session, case, Stage.VERIFY, kind="record.gathered", actor=turn.actor, record=row.id, sha256=row.sha256
    )
