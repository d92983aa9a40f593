"""Every change of a case goes through `change` here, and leaves one ledger entry in the same transaction.

Nothing else may move a case, a credential, a message or an update: `_refuse_unrecorded` looks at every session
before it is written and refuses one that moves a row without an entry.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.orm import InstanceState, Session

from pipeline import clock
from pipeline.stages import CredentialState, MessageState, Stage, UpdateState, WithdrawalState, check_move
from pipeline.store.cases import Case
from pipeline.store.credentials import CredentialRow
from pipeline.store.database import guard_commits
from pipeline.store.deliveries import Delivery
from pipeline.store.ids import new_id
from pipeline.store.ledger import LedgerEntry
from pipeline.store.outbox import Message, Update
from pipeline.store.withdrawals import Withdrawal

State = Stage | CredentialState | MessageState | UpdateState | WithdrawalState
Moving = Case | CredentialRow | Message | Update | Withdrawal

#: columns of scheduling, which say nothing about what happened to a case
_UNRECORDED = frozenset({"owner", "due_at", "rank_at", "announced_at", "checked_at", "version"})


def change(
    session: Session,
    row: Moving,
    to: State | None,
    *,
    kind: str,
    actor: str,
    facts: Mapping[str, Any] | None = None,
    **columns: Any,
) -> None:
    """Move a row to the state `to` (None: it stays where it is), set `columns`, and write the entry.

    Args:
        kind: what happened, such as `credential.confirmed`; the ledger's vocabulary.
        actor: the step or the person: `confer.verify`, `person:jdoe`.
        facts: what was seen. No personal data: ids, states, hashes, reasons.

    Raises:
        IllegalMove: the present state does not lead to `to`.
    """
    present = _state(row)
    if to is not None:
        check_move(present, to)  # type: ignore[type-var]  # the table refuses a state of another kind
        setattr(row, "stage" if isinstance(row, Case) else "state", to.value)
    for name, value in columns.items():
        setattr(row, name, value)
    case = row if isinstance(row, Case) else None
    if case:
        case.changed_at = clock.now()
        case.entered_at = case.changed_at if to is not None else case.entered_at
    moved = {"from": present.value, "to": to.value} if to is not None else {}
    record(
        session,
        subject=case.id if case else row.case_id,  # type: ignore[union-attr]
        kind=kind,
        actor=actor,
        facts={**_named(row), **moved, **(facts or {})},
        rule_version=getattr(row, "rule_version", None),
    )


def open_case(session: Session, case: Case, *, actor: str, facts: Mapping[str, Any]) -> None:
    """Add a new case, with its first entry."""
    session.add(case)
    record(session, subject=case.id, kind="case.opened", actor=actor, facts=facts, rule_version=None)


def plan(session: Session, row: CredentialRow | Message | Update, *, actor: str) -> None:
    """Add what is to be issued or sent, with its entry."""
    session.add(row)
    record(
        session,
        subject=row.case_id,
        kind=f"{_noun(row)}.planned",
        actor=actor,
        facts=_named(row),
        rule_version=getattr(row, "rule_version", None),
    )


def record(
    session: Session, *, subject: str, kind: str, actor: str, facts: Mapping[str, Any], rule_version: str | None
) -> None:
    """Write one entry about a case, or about a delivery that has no case."""
    session.add(
        LedgerEntry(
            id=new_id("entry"),
            at=clock.now(),
            subject=subject,
            kind=kind,
            actor=actor,
            facts=dict(facts),
            rule_version=rule_version,
        )
    )


def _state(row: Moving) -> State:
    if isinstance(row, Case):
        return Stage(row.stage)
    if isinstance(row, CredentialRow):
        return CredentialState(row.state)
    if isinstance(row, Withdrawal):
        return WithdrawalState(row.state)
    return MessageState(row.state) if isinstance(row, Message) else UpdateState(row.state)


def _noun(row: CredentialRow | Message | Update) -> str:
    if isinstance(row, CredentialRow):
        return "credential"
    return "message" if isinstance(row, Message) else "update"


def _named(row: Moving) -> dict[str, Any]:
    if isinstance(row, CredentialRow):
        return {"credential": row.id, "account": row.account, "ref": row.ref}
    if isinstance(row, Message):
        return {"message": row.id, "recipient": row.kind}
    if isinstance(row, Withdrawal):
        return {"withdrawal": row.id, "trigger": row.trigger}
    return {"update": row.id, "target": row.target} if isinstance(row, Update) else {}


def _refuse_unrecorded(session: Session) -> None:
    """Refuse to write a moved row of a case without an entry about that case.

    Raises:
        RuntimeError: naming the row; a defect of ours, found before it reaches the database.
    """
    recorded = {entry.subject for entry in session.new if isinstance(entry, LedgerEntry)}
    for row in (*session.dirty, *session.new):
        if not isinstance(row, Moving):
            continue
        subject = row.id if isinstance(row, Case) else row.case_id
        if subject not in recorded and _changed(row):
            raise RuntimeError(f"{type(row).__name__} {row.id} is to change without a ledger entry")
    for row in (*session.dirty, *session.deleted):
        if isinstance(row, LedgerEntry):
            raise RuntimeError("a ledger entry is to change; the ledger is append-only")
    for row in session.deleted:
        if isinstance(row, Moving | Delivery):
            raise RuntimeError(f"{type(row).__name__} {row.id} is to be deleted; nothing is")


def _changed(row: Moving) -> bool:
    state: InstanceState[Any] = inspect(row)
    if state.transient or state.pending:
        return True
    return any(attribute.history.has_changes() for attribute in state.attrs if attribute.key not in _UNRECORDED)


guard_commits(_refuse_unrecorded)
