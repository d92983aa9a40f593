"""Everything that a reviewer needs about one case, compiled: nobody has to look anything up to decide."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipeline import clock
from pipeline.configuration.loading import configuration
from pipeline.configuration.staff import Person
from pipeline.review.decisions import possible
from pipeline.review.queue import waiting
from pipeline.review.refusals import Unknown
from pipeline.review.withdrawal_lists import as_shown
from pipeline.store.attestations import AttestationRow
from pipeline.store.cases import Case
from pipeline.store.corrections import corrections_of
from pipeline.store.credentials import CredentialRow
from pipeline.store.decisions import Decision, RecordRow, Rule, as_json
from pipeline.store.deliveries import EventRow
from pipeline.store.learners import LearnerRow
from pipeline.store.ledger import LedgerEntry
from pipeline.store.reviews import Review
from pipeline.store.withdrawals import withdrawals_of

Json = dict[str, Any]


def compiled(session: Session, case_id: str, person: Person) -> Json:
    """One case with its learner, record, decision, attestations and history, as JSON data.

    Raises:
        Unknown: there is no such case, or none that this person may see.
    """
    case = session.get(Case, case_id)
    if case is None or not person.covers(case.program):
        raise Unknown(f"there is no case {case_id[:60]}")
    record = session.get(RecordRow, case.record_id) if case.record_id else None
    refused = possible(session, case, person)
    return {
        **as_json(waiting(session, case)),
        "resume": case.resume,
        "occurred_at": case.occurred_at.isoformat(),
        "program_title": _title(session, case),
        "learner": _learner(session, case.learner_id),
        "record": {**record.document, "id": record.id, "sha256": record.sha256} if record else None,
        "decision": _decision(session, case),
        "events": _events(session, case.id),
        "attestations": attestations(session, learner_id=case.learner_id, program=case.program),
        "credentials": _credentials(session, case.id),
        "withdrawals": [as_shown(row) for row in withdrawals_of(session, case.id)],
        "corrections": _corrections(session, case.id),
        "follows": case.follows_id,
        "other_cases": _others(session, case),
        "reviews": _reviews(session, case.id),
        "history": _history(session, case.id),
        "actions": {action: {"possible": not why, "why_not": why} for action, why in refused.items()},
    }


def attestations(session: Session, *, learner_id: str, program: str | None) -> list[Json]:
    """What was ever stated of a learner, as far as it is about this program; the latest first."""
    query = select(AttestationRow).filter_by(learner_id=learner_id)
    if program:
        query = query.where((AttestationRow.program == program) | AttestationRow.program.is_(None))
    return [
        {
            **row.document,
            "program": row.program,
            "valid": is_valid(row),
            "valid_from": row.valid_from.isoformat() if row.valid_from else None,
            "valid_until": row.valid_until.isoformat() if row.valid_until else None,
            "withdrawn_at": row.withdrawn_at.isoformat() if row.withdrawn_at else None,
            "withdrawn_by": row.withdrawn_by,
            "withdrawn_reason": row.withdrawn_reason,
        }
        for row in session.scalars(query.order_by(AttestationRow.id.desc()))
    ]


def is_valid(row: AttestationRow) -> bool:
    """Whether an attestation holds now."""
    now = clock.now()
    begun = row.valid_from is None or row.valid_from <= now
    return row.withdrawn_at is None and begun and (row.valid_until is None or row.valid_until > now)


def _title(session: Session, case: Case) -> str:
    program = configuration().programs.get(case.program)
    if program:
        return program.title
    rule = session.get(Rule, case.rule_version) if case.rule_version else None
    return str(rule.document["title"]) if rule else case.program


def _learner(session: Session, learner_id: str) -> Json:
    row = session.get_one(LearnerRow, learner_id)
    return {
        "id": row.id,
        "source": row.source,
        "ref": row.ref,
        "name": row.name,
        "email": row.email,
        "supervisor_email": row.supervisor_email,
        "sis_id": row.sis_id,
        "profile_read_at": row.profile_read_at.isoformat() if row.profile_read_at else None,
    }


def _decision(session: Session, case: Case) -> Json | None:
    row = session.get(Decision, case.decision_id) if case.decision_id else None
    if row is None:
        return None
    return {
        "id": row.id,
        "outcome": row.outcome,
        "made_at": row.made_at.isoformat(),
        "rule_version": row.rule_version,
        "sha256": row.sha256,
        "checks": row.checks,
    }


def _events(session: Session, case_id: str) -> list[Json]:
    rows = session.scalars(select(EventRow).filter_by(case_id=case_id).order_by(EventRow.id))
    return [
        {
            "delivery": row.delivery_id,
            "key": row.key,
            "occurred_at": row.occurred_at.isoformat(),
            "swept": row.swept,
            "claim": row.claim,
        }
        for row in rows
    ]


def _credentials(session: Session, case_id: str) -> list[Json]:
    rows = session.scalars(select(CredentialRow).filter_by(case_id=case_id).order_by(CredentialRow.id))
    return [
        {
            "id": row.id,
            "account": row.account,
            "state": row.state,
            "url": row.url,
            "error": row.error,
            "withdraw_reason": row.withdraw_reason,
            "replaces": row.replaces_id,
        }
        for row in rows
    ]


def _corrections(session: Session, case_id: str) -> list[Json]:
    return [
        {
            "correction": row.id,
            "name": row.name,
            "source": row.source,
            "reason": row.reason,
            "made_by": row.made_by,
            "made_at": row.made_at.isoformat(),
            "done_at": row.done_at.isoformat() if row.done_at else None,
        }
        for row in corrections_of(session, case_id)
    ]


def _others(session: Session, case: Case) -> list[Json]:
    query = select(Case).filter_by(learner_id=case.learner_id).where(Case.id != case.id).order_by(Case.id)
    return [
        {"case": row.id, "program": row.program, "stage": row.stage, "opened_at": row.opened_at.isoformat()}
        for row in session.scalars(query)
    ]


def _reviews(session: Session, case_id: str) -> list[Json]:
    rows = session.scalars(select(Review).filter_by(case_id=case_id).order_by(Review.id))
    return [
        {
            "id": row.id,
            "action": row.action,
            "person": row.person,
            "role": row.role,
            "reason": row.reason,
            "made_at": row.made_at.isoformat(),
            "checks": row.checks,
        }
        for row in rows
    ]


def _history(session: Session, case_id: str) -> list[Json]:
    entries = session.scalars(select(LedgerEntry).filter_by(subject=case_id).order_by(LedgerEntry.at, LedgerEntry.id))
    return [
        {"at": entry.at.isoformat(), "kind": entry.kind, "actor": entry.actor, "facts": entry.facts}
        for entry in entries
    ]
