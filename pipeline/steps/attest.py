"""Attest: what a person or an outside system states about a learner is kept, and cases that waited for it go on.

An attestation is evidence for every later decision about the learner, and never a decision by itself.
"""

from __future__ import annotations

from collections.abc import Iterable

import structlog
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from pipeline import clock
from pipeline.attestation import AttestationKind
from pipeline.audit.trail import change, record
from pipeline.stages import CredentialState, Stage
from pipeline.steps.turn import WakeUp, advance
from pipeline.store.attestations import AttestationRow
from pipeline.store.cases import Case
from pipeline.store.credentials import CredentialRow
from pipeline.store.decisions import content_hash

log = structlog.get_logger(__name__)

#: errors of a held case that an attestation may resolve; what a platform or a mail server refused is none of them
_DOUBTS = frozenset({"doubt", "notready"})
#: kinds that stop what is planned and not yet called
_STOPPING = frozenset({AttestationKind.INVESTIGATION.value, AttestationKind.APPEAL.value})


def attest(session: Session, row: AttestationRow, *, actor: str) -> list[WakeUp]:
    """Keep an attestation, and have the learner's open cases judged anew. The same `key` twice is kept once."""
    if row.key and session.scalar(select(AttestationRow.id).filter_by(key=row.key)):
        return []
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        if row.key and session.scalar(select(AttestationRow.id).filter_by(key=row.key)):
            return []
        raise
    facts = {"statement": row.kind, "about": row.about, "sha256": content_hash(row.document)}
    return _tell_cases(session, row, kind="attestation.made", actor=actor, facts=facts)


def withdraw(session: Session, row: AttestationRow, *, actor: str, reason: str) -> list[WakeUp]:
    """Take an attestation back; cases that it may have decided, and are not issued, are judged anew."""
    if row.withdrawn_at is not None:
        return []
    row.withdrawn_at, row.withdrawn_by, row.withdrawn_reason = clock.now(), actor, reason[:1000]
    return _tell_cases(session, row, kind="attestation.withdrawn", actor=actor, facts={"statement": row.kind})


def _tell_cases(
    session: Session, row: AttestationRow, *, kind: str, actor: str, facts: dict[str, str]
) -> list[WakeUp]:
    """Write the entry, of the attestation and of every case it is about, and send those cases back to gather."""
    facts = {"attestation": row.id, **facts}
    record(session, subject=row.id, kind=kind, actor=actor, facts=facts, rule_version=None)
    session.flush()
    wakeups: list[WakeUp] = []
    for case in _cases(session, row):
        wakeups += _look_again(session, case, row, kind=kind, actor=actor, facts=facts)
    return wakeups


def _cases(session: Session, row: AttestationRow) -> Iterable[Case]:
    """The learner's cases, locked: a decision that is made in this moment is made before, or sees the attestation."""
    query = select(Case).filter_by(learner_id=row.learner_id).order_by(Case.id).with_for_update()
    if row.program:
        query = query.filter_by(program=row.program)
    return session.scalars(query).all()


def _look_again(
    session: Session, case: Case, row: AttestationRow, *, kind: str, actor: str, facts: dict[str, str]
) -> list[WakeUp]:
    doubted = case.stage == Stage.HELD and case.error_kind in _DOUBTS
    if doubted or case.stage in {Stage.FAILED, Stage.INFORM}:
        return advance(session, case, Stage.GATHER, kind=kind, actor=actor, **facts)
    record(session, subject=case.id, kind=kind, actor=actor, facts=facts, rule_version=case.rule_version)
    stops = (row.kind in _STOPPING) == (row.withdrawn_at is None)
    if case.stage == Stage.ISSUE and stops and _recall(session, case, actor):
        return advance(session, case, Stage.GATHER, kind=kind, actor=actor, **facts)
    return []


def _recall(session: Session, case: Case, actor: str) -> bool:
    """Take the case's credentials out of their lanes, if none has been called yet; all or none."""
    rows = session.scalars(select(CredentialRow).filter_by(case_id=case.id).with_for_update()).all()
    if any(row.state != CredentialState.PLANNED or row.owner for row in rows):
        log.warning("statement_too_late", case=case.id)
        return False
    for row in rows:
        change(session, row, None, kind="credential.recalled", actor=actor, due_at=None)
    return True
