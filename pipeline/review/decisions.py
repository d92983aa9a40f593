"""A person decides about a held or failed case, and the run goes on from there.

Every decision names a person and a reason, and refers to what that person had read: of two who decide at once one
wins, and the other is told. A decision replaces the outcome of named checks, and never the checks themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from pipeline import clock
from pipeline.audit.trail import change, record
from pipeline.configuration.programs import program_from
from pipeline.configuration.staff import Person, Role
from pipeline.review.queue import version_of
from pipeline.review.refusals import Changed, NotAllowed, NotPossible, Unknown
from pipeline.stages import CredentialState, Stage
from pipeline.steps.decide import Verdict, decide
from pipeline.steps.replay import put_back
from pipeline.steps.turn import WakeUp, advance
from pipeline.store.cases import Case
from pipeline.store.credentials import CredentialRow
from pipeline.store.database import transaction
from pipeline.store.decisions import Decision, RecordRow, Rule, checks_from, content_hash, record_from
from pipeline.store.ids import new_id
from pipeline.store.reviews import Review
from pipeline.values import Check, Outcome, Override

log = structlog.get_logger(__name__)


class Action(StrEnum):
    """What a person can decide."""

    APPROVE = "approve"  # every doubt is resolved in the learner's favour; failed checks are not touched
    OVERRIDE = "override"  # the named failed checks count as passed
    REJECT = "reject"  # no credential; the case is closed
    LOOK_AGAIN = "look_again"  # what stopped is mended: go on, or read the record anew


@dataclass(frozen=True, kw_only=True)
class Wish:
    """One decision as a person asks for it. `version` is that of the case they read; `checks` of an override."""

    action: Action
    person: Person
    reason: str
    version: str
    checks: tuple[str, ...] = ()


#: the role that each action takes
ROLES: Mapping[Action, Role] = {
    Action.APPROVE: Role.REVIEWER,
    Action.OVERRIDE: Role.ADMINISTRATOR,
    Action.REJECT: Role.REVIEWER,
    Action.LOOK_AGAIN: Role.REVIEWER,
}


def review(case_id: str, wish: Wish) -> list[WakeUp]:
    """Decide about one case.

    Raises:
        Unknown, NotAllowed, Changed, NotPossible: nothing was changed.
    """
    with transaction() as session:
        case = session.get(Case, case_id, with_for_update=True)
        if case is None or not wish.person.covers(case.program):
            raise Unknown(f"there is no case {case_id[:60]}")
        if not wish.person.may(ROLES[wish.action]):
            raise NotAllowed(f"to {wish.action.value} takes the role {ROLES[wish.action].value}")
        if not wish.reason.strip():
            raise NotPossible("a decision needs a reason")
        if version_of(session, case) != wish.version:
            raise Changed(f"the case is {case.stage} now and was changed since you read it; read it again")
        row = _keep(session, case, wish)
        wakeups = _DO[wish.action](session, case, row)
        if case.stage not in {Stage.HELD, Stage.FAILED}:
            case.assignee = None
    log.info("case_reviewed", case=case_id, action=wish.action.value, actor=wish.person.actor)
    return wakeups


def possible(session: Session, case: Case, person: Person) -> dict[str, str]:
    """Each action, and why this person cannot do it now; empty where they can."""
    answer = {}
    for action in Action:
        try:
            if not person.may(ROLES[action]):
                raise NotAllowed(f"takes the role {ROLES[action].value}")
            _CHECK[action](session, case)
        except (NotAllowed, NotPossible) as refused:
            answer[action.value] = refused.detail
        else:
            answer[action.value] = ""
    return answer


def assign(case_id: str, *, person: Person, assignee: str | None) -> None:
    """Say who works on a case; None: nobody.

    Raises:
        Unknown, NotAllowed, NotPossible: nothing was changed.
    """
    with transaction() as session:
        case = session.get(Case, case_id, with_for_update=True)
        if case is None or not person.covers(case.program):
            raise Unknown(f"there is no case {case_id[:60]}")
        if not person.may(Role.REVIEWER):
            raise NotAllowed(f"to assign takes the role {Role.REVIEWER.value}")
        if case.stage not in {Stage.HELD, Stage.FAILED}:
            raise NotPossible(f"the case is {case.stage}; it waits for nobody")
        if case.assignee != assignee:
            facts = {"assignee": assignee}
            change(session, case, None, kind="case.assigned", actor=person.actor, facts=facts, assignee=assignee)


def _keep(session: Session, case: Case, wish: Wish) -> Review:
    """The reason stays out of the ledger, which holds nothing personal; its hash is there."""
    row = Review(
        id=new_id("review"), case_id=case.id, action=wish.action.value, person=wish.person.actor,
        role=wish.person.role.value, reason=wish.reason.strip(), made_at=clock.now(), version=wish.version,
        decision_id=case.decision_id, checks=list(wish.checks),
    )  # fmt: skip
    session.add(row)
    facts = {"review": row.id, "action": row.action, "sha256": content_hash([row.reason, row.checks])}
    record(
        session, subject=case.id, kind="case.reviewed", actor=row.person, facts=facts, rule_version=case.rule_version
    )
    session.flush()
    return row


def _checks(session: Session, case: Case) -> tuple[Check, ...]:
    """The checks of the decision that a person may replace.

    Raises:
        NotPossible: the case did not stop over a decision.
    """
    over_checks = case.error_kind in {"doubt", "criteria"}
    decision = session.get(Decision, case.decision_id) if case.decision_id and over_checks else None
    if case.stage not in {Stage.HELD, Stage.FAILED}:
        raise NotPossible(f"the case is {case.stage}; there is nothing to decide")
    if decision is None:
        raise NotPossible("it did not stop over a check; mend what is said and look again, or reject it")
    return checks_from(decision.checks)


def _may_approve(session: Session, case: Case) -> None:
    failed = [check.criterion for check in _checks(session, case) if check.outcome is Outcome.FAIL]
    if failed:
        raise NotPossible(f"failed: {', '.join(failed)}; an administrator can override failed checks")


def _approve(session: Session, case: Case, row: Review) -> list[WakeUp]:
    _may_approve(session, case)
    return _replace(session, case, row, lambda check: check.outcome is Outcome.HOLD)


def _may_override(session: Session, case: Case) -> None:
    if all(check.outcome is not Outcome.FAIL for check in _checks(session, case)):
        raise NotPossible("no check failed; approve it")


def _override(session: Session, case: Case, row: Review) -> list[WakeUp]:
    """Every check that did not pass has to be named: nobody overrides what they did not see."""
    _may_override(session, case)
    open_checks = {check.criterion for check in _checks(session, case) if check.outcome is not Outcome.PASS}
    unknown, left = sorted(set(row.checks) - open_checks), sorted(open_checks - set(row.checks))
    if unknown:
        raise NotPossible(
            f"not among what did not pass: {', '.join(unknown)}; that is {', '.join(sorted(open_checks))}"
        )
    if left:
        raise NotPossible(f"name every check that is to be overridden; not named: {', '.join(left)}")
    return _replace(session, case, row, lambda check: check.outcome is not Outcome.PASS)


def _replace(session: Session, case: Case, row: Review, which: Callable[[Check], bool]) -> list[WakeUp]:
    """Decide anew by the same record and rule, with a person's word for the checks that `which` picks."""
    decision = session.get_one(Decision, case.decision_id)
    checks = tuple(
        replace(
            check,
            outcome=Outcome.PASS,
            override=Override(person=row.person, reason=row.reason, at=row.made_at, was=check.outcome),
        )
        if which(check)
        else check
        for check in checks_from(decision.checks)
    )
    verdict = Verdict(
        program=program_from(session.get_one(Rule, decision.rule_version).document),
        record_id=decision.record_id,
        record=record_from(session.get_one(RecordRow, decision.record_id).document),
        checks=checks,
    )
    return decide(session, case, verdict, actor=row.person, review=row.id)


def _may_reject(session: Session, case: Case) -> None:
    if case.stage not in {Stage.HELD, Stage.FAILED}:
        raise NotPossible(f"the case is {case.stage}; there is nothing to decide")
    rows = session.scalars(select(CredentialRow).filter_by(case_id=case.id).with_for_update())
    there = sorted(row.account for row in rows if row.state != CredentialState.PLANNED)
    if there:
        raise NotPossible(f"a credential may exist at {', '.join(there)}; look again first")


def _reject(session: Session, case: Case, row: Review) -> list[WakeUp]:
    _may_reject(session, case)
    for credential in session.scalars(select(CredentialRow).filter_by(case_id=case.id)):
        change(session, credential, None, kind="credential.recalled", actor=row.person, due_at=None)
    return advance(session, case, Stage.CLOSED, kind="case.rejected", actor=row.person, review=row.id)


def _may_look_again(_session: Session, case: Case) -> None:
    if case.stage not in {Stage.HELD, Stage.FAILED, Stage.CLOSED}:
        raise NotPossible(f"the case is {case.stage}; it goes on by itself")


def _look_again(session: Session, case: Case, row: Review) -> list[WakeUp]:
    _may_look_again(session, case)
    return put_back(session, case, row.person)


_DO: Mapping[Action, Callable[[Session, Case, Review], list[WakeUp]]] = {
    Action.APPROVE: _approve,
    Action.OVERRIDE: _override,
    Action.REJECT: _reject,
    Action.LOOK_AGAIN: _look_again,
}

_CHECK: Mapping[Action, Callable[[Session, Case], None]] = {
    Action.APPROVE: _may_approve,
    Action.OVERRIDE: _may_override,
    Action.REJECT: _may_reject,
    Action.LOOK_AGAIN: _may_look_again,
}
