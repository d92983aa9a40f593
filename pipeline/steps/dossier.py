"""What notify and downstream need to know of a case: record, rule as it was when judged, confirmed credentials."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipeline.adapters import PLATFORMS
from pipeline.configuration.loading import configuration
from pipeline.configuration.programs import Program, program_from
from pipeline.stages import CredentialState
from pipeline.store.cases import Case
from pipeline.store.credentials import CredentialRow
from pipeline.store.decisions import RecordRow, Rule, order_from, record_from
from pipeline.values import Credential, Record


@dataclass(frozen=True, kw_only=True)
class Dossier:
    """A judged case, read once."""

    case_id: str
    source: str
    event_key: str
    occurred_at: datetime
    record: Record
    program: Program
    credentials: tuple[Credential, ...]


def dossier(session: Session, case_id: str) -> Dossier:
    """Read a case that has been judged. The program is the one by which it was judged, not today's file."""
    case = session.get_one(Case, case_id)
    rows = session.scalars(
        select(CredentialRow)
        .filter_by(case_id=case_id, state=CredentialState.CONFIRMED.value)
        .order_by(CredentialRow.id)
    )
    return Dossier(
        case_id=case.id,
        source=case.source,
        event_key=case.event_key,
        occurred_at=case.occurred_at,
        record=record_from(session.get_one(RecordRow, case.record_id).document),
        program=program_from(session.get_one(Rule, case.rule_version).document),
        credentials=tuple(_credential(row) for row in rows),
    )


def _credential(row: CredentialRow) -> Credential:
    order, account = order_from(row.order), configuration().platforms.get(row.account)
    return Credential(
        ref=row.platform_ref or row.ref,
        title=order.title,
        url=row.url or "",
        issued_on=order.issued_on,
        expires_on=order.expires_on,
        platform=PLATFORMS[account.adapter].label if account else row.account,
    )
