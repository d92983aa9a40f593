"""Explain: one case in plain words: where it stands, why it was decided so, and what each check rested on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipeline.configuration.loading import configuration
from pipeline.configuration.programs import program_from
from pipeline.stages import CredentialState, Stage
from pipeline.steps.deadline import error_class
from pipeline.store.cases import Case
from pipeline.store.corrections import corrections_of
from pipeline.store.credentials import CredentialRow
from pipeline.store.decisions import Decision, Rule, checks_from
from pipeline.store.learners import LearnerRow
from pipeline.store.reviews import Review
from pipeline.store.withdrawals import withdrawals_of
from pipeline.values import Check, Outcome
from pipeline.watch.wording import check_lines, moment

_STAGES: Mapping[Stage, str] = {
    Stage.GATHER: "The learner's record has to be read from the LMS.",
    Stage.VERIFY: "The record was read and has to be judged.",
    Stage.INFORM: "The criteria are not met; the learner has to be told what is missing.",
    Stage.ISSUE: "The criteria are met; the credential has to be issued.",
    Stage.NOTIFY: "The credential was issued; the learner has to be told.",
    Stage.DOWNSTREAM: "The learner was told; other systems have to be updated.",
    Stage.DONE: "Everything has happened.",
    Stage.HELD: "A person has to decide.",
    Stage.FAILED: "The criteria are not met, so there is no credential; a person may still look at it.",
    Stage.CLOSED: "A person ended the case without a credential.",
    Stage.CORRECT: "A correction is under way: the credential is changed or replaced, then the learner is told.",
    Stage.WITHDRAW: "A withdrawal is under way: the credential is taken back, then the learner is told.",
    Stage.WITHDRAWN: "What was issued is taken back; what was not will never be.",
}
_DECIDED: Mapping[Outcome, str] = {
    Outcome.PASS: "the criteria are met",
    Outcome.HOLD: "doubt, for a person to decide",
    Outcome.FAIL: "the criteria are not met",
}


@dataclass(frozen=True, kw_only=True)
class Issuing:
    """One credential of a case. `state` as in the reference of states."""

    account: str
    state: str
    url: str | None
    error: str | None
    #: whether the learner took it, as far as the platform tells, and when
    claim: str | None = None
    claimed_at: datetime | None = None
    #: in what the platform's copy differed when it was last compared, and when that was
    differs: tuple[str, ...] = ()
    checked_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class PersonsWord:
    """What a person decided about a case."""

    person: str
    action: str
    reason: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Afterwards:
    """What was done to a case after it was decided, and who decided about that: a withdrawal or a correction."""

    what: str
    state: str
    asked_by: str
    asked_at: datetime
    reason: str
    decided_by: str | None = None
    decided_at: datetime | None = None
    decided_reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """A case with everything that led to where it stands. `rule_edited`: the program file says something else now."""

    case: str
    program: str
    title: str
    source: str
    course: str
    learner: str
    name: str
    completed: datetime
    stage: str
    since: datetime
    due_at: datetime | None
    error: str
    error_class: str
    decide_by: datetime | None
    assignee: str | None
    outcome: Outcome | None
    decided_at: datetime | None
    rule_version: str | None
    rule_edited: bool
    checks: tuple[Check, ...]
    reviews: tuple[PersonsWord, ...]
    credentials: tuple[Issuing, ...]
    afterwards: tuple[Afterwards, ...]
    #: the withdrawn case that this one follows, and the one that follows this
    follows: str | None
    followed_by: str | None


def explanation(session: Session, case_id: str) -> Explanation | None:
    """Read one case; None: there is none of that name."""
    case = session.get(Case, case_id)
    if case is None:
        return None
    decision = session.get(Decision, case.decision_id) if case.decision_id else None
    rule = session.get(Rule, decision.rule_version) if decision else None
    learner = session.get_one(LearnerRow, case.learner_id)
    today = configuration().programs.get(case.program)
    judged = program_from(rule.document) if rule else today
    waits = case.stage in {Stage.HELD, Stage.FAILED}
    return Explanation(
        case=case.id,
        program=case.program,
        title=judged.title if judged else case.program,
        source=case.source,
        course=case.course,
        learner=learner.ref,
        name=learner.name or "",
        completed=case.occurred_at,
        stage=case.stage,
        since=case.entered_at,
        due_at=case.due_at,
        error=case.error or "",
        error_class=error_class(case.error_kind).label if waits else "",
        decide_by=case.decide_by,
        assignee=case.assignee,
        outcome=Outcome(decision.outcome) if decision else None,
        decided_at=decision.made_at if decision else None,
        rule_version=decision.rule_version if decision else None,
        rule_edited=bool(decision and (today is None or today.version != decision.rule_version)),
        checks=checks_from(decision.checks) if decision else (),
        reviews=_reviews(session, case.id),
        credentials=_credentials(session, case.id),
        afterwards=_afterwards(session, case.id),
        follows=case.follows_id,
        followed_by=session.scalar(select(Case.id).filter_by(follows_id=case.id).limit(1)),
    )


def in_words(one: Explanation) -> Iterator[str]:
    """The explanation as lines of plain text."""
    who = (
        f"{one.name} (learner {one.learner} of {one.source})"
        if one.name
        else f"learner {one.learner} of {one.source}"
    )
    yield f"{one.case}: {one.title}, for {who}"
    yield f"completed {moment(one.completed)} in course {one.course}; program {one.program}"
    yield ""
    yield f"{one.stage} since {moment(one.since)}. {_STAGES[Stage(one.stage)]}"
    yield from _waiting(one)
    if one.outcome is not None and one.decided_at is not None:
        yield ""
        yield f"Decided {moment(one.decided_at)}: {_DECIDED[one.outcome]}."
        edited = "; the file was edited since" if one.rule_edited else ""
        yield f"By version {(one.rule_version or '')[:12]} of the program file{edited}."
        yield ""
        yield from check_lines(one.checks)
    for word in one.reviews:
        yield ""
        yield f"{word.person} on {moment(word.at)}: {word.action.replace('_', ' ')}. {word.reason}"
    for row in one.credentials:
        yield ""
        trouble = f": {row.error}" if row.error and row.state != CredentialState.CONFIRMED else ""
        yield f"Credential at {row.account}: {row.state}{trouble}" + (f", {row.url}" if row.url else "")
        yield from _at_the_platform(row)
    for deed in one.afterwards:
        yield ""
        yield f"{deed.what}: {deed.state}. Asked for by {deed.asked_by} on {moment(deed.asked_at)}: {deed.reason}"
        if deed.decided_by and deed.decided_at:
            yield f"Decided by {deed.decided_by} on {moment(deed.decided_at)}: {deed.decided_reason}"
    if one.follows or one.followed_by:
        yield ""
        yield from [f"Follows {one.follows}, which was withdrawn."] if one.follows else []
        yield from [f"The program was awarded again in {one.followed_by}."] if one.followed_by else []


def _at_the_platform(row: Issuing) -> Iterator[str]:
    """What the platform told of a credential since it was issued."""
    if row.claim:
        yield f"  {row.claim}" + (f" {moment(row.claimed_at)}" if row.claimed_at else "")
    if row.checked_at:
        differs = f"differs: {', '.join(row.differs)}" if row.differs else "as it should be"
        yield f"  compared with the platform {moment(row.checked_at)}: {differs}"


def _waiting(one: Explanation) -> Iterator[str]:
    if one.error_class:
        yield f"Why: {one.error_class}" + (f": {one.error}" if one.error else "")
    elif one.error:
        yield f"The last attempt: {one.error}"
    if one.decide_by:
        yield f"To be decided by {moment(one.decide_by)}, {f'by {one.assignee}' if one.assignee else 'by anybody'}."
    elif one.due_at:
        yield f"Due {moment(one.due_at)}."


def _reviews(session: Session, case_id: str) -> tuple[PersonsWord, ...]:
    rows = session.scalars(select(Review).filter_by(case_id=case_id).order_by(Review.id))
    return tuple(PersonsWord(person=row.person, action=row.action, reason=row.reason, at=row.made_at) for row in rows)


def _afterwards(session: Session, case_id: str) -> tuple[Afterwards, ...]:
    """Withdrawals and corrections, in the order in which they were asked for."""
    withdrawals = [
        Afterwards(
            what=f"Withdrawal ({row.trigger})", state=row.state, asked_by=row.requested_by,
            asked_at=row.requested_at, reason=row.reason, decided_by=row.decided_by, decided_at=row.decided_at,
            decided_reason=row.decided_reason,
        )
        for row in withdrawals_of(session, case_id)
    ]  # fmt: skip
    corrections = [
        Afterwards(
            what=f"Correction to {row.name}", state="done" if row.done_at else "under way", asked_by=row.made_by,
            asked_at=row.made_at, reason=row.reason,
        )
        for row in corrections_of(session, case_id)
    ]  # fmt: skip
    return tuple(sorted((*withdrawals, *corrections), key=lambda deed: deed.asked_at))


def _credentials(session: Session, case_id: str) -> tuple[Issuing, ...]:
    rows = session.scalars(select(CredentialRow).filter_by(case_id=case_id).order_by(CredentialRow.id))
    return tuple(
        Issuing(
            account=row.account, state=row.state, url=row.url, error=row.error,
            claim=row.claim_state, claimed_at=row.claimed_at,
            differs=tuple(row.differs.split(",")) if row.differs else (), checked_at=row.checked_at,
        )
        for row in rows
    )  # fmt: skip
