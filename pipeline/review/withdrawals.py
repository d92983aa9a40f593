"""Withdrawals as persons and outside systems ask for them: a request, and another person's decision about it.

Nobody takes a credential back alone, unless the program says that a trigger is certain enough: who asked does not
approve. The same request sent twice is one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

import structlog
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from pipeline import clock
from pipeline.audit.trail import change, record
from pipeline.configuration.loading import configuration
from pipeline.configuration.staff import Person, Role
from pipeline.review.refusals import Changed, NotAllowed, NotPossible, Unknown
from pipeline.stages import Stage, WithdrawalState
from pipeline.steps.afterwards.recall import begin_withdrawal
from pipeline.steps.telling.alerting import alert
from pipeline.steps.turn import WakeUp
from pipeline.store.cases import Case
from pipeline.store.database import reading, transaction
from pipeline.store.decisions import content_hash
from pipeline.store.ids import new_id
from pipeline.store.learners import LearnerRow
from pipeline.store.withdrawals import Withdrawal, approved_withdrawal, open_withdrawal
from pipeline.values import Trigger

log = structlog.get_logger(__name__)

#: by when a second person has to have decided
DECIDE_WITHIN = timedelta(hours=24)
#: the scope of a request about one case
SINGLE = "case"


class Decided(StrEnum):
    """What a second person says of a request."""

    APPROVE = "approve"
    REFUSE = "refuse"


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is asked for. `key` names the request to its sender; `scope` the request about many it is part of."""

    trigger: Trigger
    reason: str
    key: str | None = None
    scope: str = SINGLE


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request as it stands. `new` is false where it, or another one of the same case, was there before."""

    id: str
    case: str
    state: str
    new: bool
    wakeups: tuple[WakeUp, ...] = ()


def request(person: Person, case_id: str, wish: Request) -> Asked:
    """Ask for a case's credentials to be taken back; begun at once where the program says so.

    Raises:
        Unknown, NotAllowed, NotPossible: nothing was changed.
    """
    may_request(person, wish.trigger)
    if not wish.reason.strip():
        raise NotPossible("a withdrawal needs a reason")
    key = f"{person.actor}:{wish.key}" if wish.key else None
    try:
        with transaction() as session:
            return _request(session, person, case_id, wish, key)
    except IntegrityError:  # the same key came for another case in the same moment
        raise Changed("this request was made in the same moment; ask again") from None


def may_request(person: Person, trigger: Trigger) -> None:
    """Whether somebody may ask for a withdrawal at all.

    Raises:
        NotAllowed: they may not.
    """
    if person.role is Role.SYSTEM:
        if trigger not in person.withdraws:
            allowed = ", ".join(sorted(person.withdraws)) or "nothing"
            raise NotAllowed(f"{person.name} may ask for withdrawals because of: {allowed}")
    elif not person.may(Role.REVIEWER):
        raise NotAllowed(f"to ask for a withdrawal takes the role {Role.REVIEWER.value}")


def decide(person: Person, withdrawal_id: str, decided: Decided, reason: str) -> list[WakeUp]:
    """Approve or refuse a request that somebody else has made.

    Raises:
        Unknown, NotAllowed, Changed, NotPossible: nothing was changed.
    """
    with transaction() as session:
        found = session.get(Withdrawal, withdrawal_id)
        if found is None or not person.covers(found.program):
            raise Unknown(f"there is no withdrawal {withdrawal_id[:60]}")
        # the case is locked before anything else of it, as everybody does
        case = session.get_one(Case, found.case_id, with_for_update=True)
        row = session.get_one(Withdrawal, withdrawal_id, with_for_update=True, populate_existing=True)
        _refuse(person, row, reason)
        if decided is Decided.APPROVE:
            return _approve(session, case, row, by=person.actor, actor=person.actor, reason=reason.strip())
        _settle(
            session, row, WithdrawalState.REFUSED, kind="withdrawal.refused",
            by=person.actor, actor=person.actor, reason=reason.strip(),
        )  # fmt: skip
        return []


def case_of(person: Person, *, source: str, learner: str, program: str) -> str:
    """The latest case of a learner in a program, for systems that know no cases.

    Raises:
        Unknown: there is none, or none that this person may see.
    """
    query = (
        select(Case.id)
        .join(LearnerRow, LearnerRow.id == Case.learner_id)
        .where(LearnerRow.source == source, LearnerRow.ref == learner, Case.program == program)
        .order_by(Case.generation.desc())
    )
    with reading() as session:
        found = session.scalars(query.limit(1)).first()
    if found is None or not person.covers(program):
        raise Unknown("there is no case of this learner in this program")
    return found


def _request(session: Session, person: Person, case_id: str, wish: Request, key: str | None) -> Asked:
    known = session.scalar(select(Withdrawal).filter_by(key=key)) if key else None
    if known:
        return _as_asked(known, new=False)
    case = session.get(Case, case_id, with_for_update=True)
    if case is None or not person.covers(case.program):
        raise Unknown(f"there is no case {case_id[:60]}")
    there = open_withdrawal(session, case.id)
    if there is None and case.stage == Stage.WITHDRAWN:
        there = approved_withdrawal(session, case.id)
    if there:
        return _as_asked(there, new=False)
    row = _keep(session, case, person, wish, key)
    log.info("withdrawal_requested", case=case.id, trigger=row.trigger, actor=person.actor)
    program = configuration().programs.get(case.program)
    if program and wish.trigger in program.withdrawn_at_once:
        reason = "the program lets this trigger pass without a second person"
        wakeups = _approve(session, case, row, by=f"program:{case.program}", actor=person.actor, reason=reason)
        return _as_asked(row, new=True, wakeups=wakeups)
    if wish.scope == SINGLE:
        tell_staff(session, row, count=1)
    return _as_asked(row, new=True)


def _keep(session: Session, case: Case, person: Person, wish: Request, key: str | None) -> Withdrawal:
    now = clock.now()
    row = Withdrawal(
        id=new_id("withdrawal"), case_id=case.id, program=case.program, trigger=wish.trigger.value,
        reason=wish.reason.strip(), scope=wish.scope, key=key, requested_by=person.actor, requested_at=now,
        state=WithdrawalState.REQUESTED.value, decide_by=now + DECIDE_WITHIN,
    )  # fmt: skip
    session.add(row)
    facts = {
        "withdrawal": row.id, "trigger": row.trigger, "scope": row.scope, "sha256": content_hash(row.reason),
    }  # fmt: skip
    record(
        session, subject=case.id, kind="withdrawal.requested", actor=person.actor, facts=facts,
        rule_version=case.rule_version,
    )  # fmt: skip
    session.flush()
    return row


def tell_staff(session: Session, row: Withdrawal, *, count: int) -> None:
    """Have staff told that a request waits for a second person; one alert for a request about many."""
    about = row.id if row.scope == SINGLE else row.scope
    by = row.decide_by.isoformat(timespec="minutes") if row.decide_by else ""
    alert(
        session,
        key=f"{about}:requested",
        severity="warning",
        title="Withdrawal requested",
        summary=f"{count} to be approved or refused by somebody else than {row.requested_by}",
        facts=[
            ("Withdrawal", about), ("Case", row.case_id if count == 1 else f"{count} cases"),
            ("Program", row.program), ("Trigger", row.trigger), ("Decide by", by),
        ],
        path="/api/withdrawals",
        case_id=row.case_id,
        program=row.program,
    )  # fmt: skip


def _refuse(person: Person, row: Withdrawal, reason: str) -> None:
    if not person.may(Role.REVIEWER):
        raise NotAllowed(f"to decide about a withdrawal takes the role {Role.REVIEWER.value}")
    if row.requested_by.casefold() == person.actor.casefold():
        raise NotAllowed("who asked for a withdrawal does not decide about it; somebody else has to")
    if not reason.strip():
        raise NotPossible("a decision needs a reason")
    if row.state != WithdrawalState.REQUESTED:
        raise Changed(f"it is {row.state} already, by {row.decided_by}")


def _approve(session: Session, case: Case, row: Withdrawal, *, by: str, actor: str, reason: str) -> list[WakeUp]:
    _settle(session, row, WithdrawalState.APPROVED, kind="withdrawal.approved", by=by, actor=actor, reason=reason)
    return begin_withdrawal(session, case, row, actor=actor)


def _settle(
    session: Session, row: Withdrawal, to: WithdrawalState, *, kind: str, by: str, actor: str, reason: str
) -> None:
    """The reason stays out of the ledger, which holds nothing personal; its hash is there."""
    facts = {"decided_by": by, "sha256": content_hash(reason)}
    change(
        session, row, to, kind=kind, actor=actor, facts=facts, decided_by=by, decided_at=clock.now(),
        decided_reason=reason, decide_by=None,
    )  # fmt: skip
    log.info("withdrawal_decided", case=row.case_id, state=to.value, actor=by)


def _as_asked(row: Withdrawal, *, new: bool, wakeups: list[WakeUp] | None = None) -> Asked:
    return Asked(id=row.id, case=row.case_id, state=row.state, new=new, wakeups=tuple(wakeups or ()))
