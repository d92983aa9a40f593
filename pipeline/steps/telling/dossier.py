"""What notify and downstream need to know of a case: record, rule as it was when judged, confirmed credentials."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from pipeline.adapters import PLATFORMS
from pipeline.configuration.loading import configuration
from pipeline.configuration.programs import Program, program_from
from pipeline.stages import CredentialState
from pipeline.store.cases import Case
from pipeline.store.corrections import corrected
from pipeline.store.credentials import CredentialRow, credentials_of
from pipeline.store.decisions import RecordRow, Rule, order_from, record_from
from pipeline.values import Credential, Record

#: states of a credential that the learner has, or had
_EXISTED = (CredentialState.CONFIRMED, CredentialState.WITHDRAWN)


@dataclass(frozen=True, kw_only=True)
class Dossier:
    """A judged case, read once. The learner of the record is as the latest correction has them."""

    case_id: str
    source: str
    event_key: str
    occurred_at: datetime
    record: Record
    program: Program
    credentials: tuple[Credential, ...]


def dossier(session: Session, case_id: str, *, withdrawn: bool = False) -> Dossier:
    """Read a case that has been judged. The program is the one by which it was judged, not today's file.

    Args:
        withdrawn: with the credentials that were taken back, instead of those that hold. One whose place another
            one took is not among them; one whose place was to be taken is.
    """
    case = session.get_one(Case, case_id)
    state = CredentialState.WITHDRAWN if withdrawn else CredentialState.CONFIRMED
    rows = [row for row in credentials_of(session, case_id) if row.state in _EXISTED]
    replaced = {row.replaces_id for row in rows}
    found = record_from(session.get_one(RecordRow, case.record_id).document)
    return Dossier(
        case_id=case.id,
        source=case.source,
        event_key=case.event_key,
        occurred_at=case.occurred_at,
        record=replace(found, learner=corrected(session, case_id, found.learner)),
        program=program_from(session.get_one(Rule, case.rule_version).document),
        credentials=tuple(_credential(row) for row in rows if row.state == state and row.id not in replaced),
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
