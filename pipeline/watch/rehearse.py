"""Rehearse: judge learners by a program without any effect, and say what would happen and why.

Nothing is kept but a pause that the LMS asks for. A learner is read from the LMS, or taken from the records that are
stored, so that an edited program can be tried against everything that was judged by the old one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pipeline.configuration.programs import Program
from pipeline.contracts import Lms
from pipeline.errors import NotReady, Rejected
from pipeline.stages import Stage
from pipeline.steps.deadline import error_class
from pipeline.steps.decide import carried, doubts
from pipeline.steps.gather import complete, read_record
from pipeline.steps.verify import judge
from pipeline.store.cases import Case
from pipeline.store.database import reading
from pipeline.store.decisions import Decision, RecordRow, checks_from, record_from
from pipeline.store.learners import LearnerRow
from pipeline.values import Check, Outcome, Prerequisite, PrerequisiteState, Record

#: stored cases that are looked at in one transaction
_TOGETHER = 200


@dataclass(frozen=True, kw_only=True)
class Rehearsal:
    """What a program says of one learner. `outcome` is None where nothing could be read; `reason` says why.

    `decided` is what was decided before: by the case, or by the people of whose file the learner is a row.
    """

    learner: str
    outcome: Outcome | None
    reason: str
    would: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    decided: Outcome | None = None
    case: str | None = None

    @property
    def differs(self) -> bool:
        """Whether it would be decided otherwise than it was."""
        return self.decided is not None and self.outcome is not self.decided


def rehearse(program: Program, adapter: Lms, learner: str, *, decided: Outcome | None = None) -> Rehearsal:
    """Read one learner from the LMS and judge.

    Raises:
        Throttled: the LMS asked for a pause.
        Misconfigured, Outage: see `pipeline.errors`; every further learner would fail alike.
    """
    try:
        found = read_record(adapter, program, learner=learner)
    except (NotReady, Rejected) as failure:
        return Rehearsal(learner=learner, outcome=None, reason=failure.detail, decided=decided)
    with reading() as session:
        known = session.scalar(select(LearnerRow.id).filter_by(source=adapter.account.name, ref=learner))
        case = _case(session, program, known) if known else None
        if known:
            found = complete(session, program, found, learner_id=known, case_id=case.id if case else None)
        else:
            found = replace(found, prerequisites=(*found.prerequisites, *map(_unheld, program.required_credentials)))
        return _judged(session, program, found, case, decided=decided)


def rehearse_stored(program: Program) -> Iterator[Rehearsal]:
    """Judge every stored record of the program anew, the oldest case first. The LMS is not asked."""
    after = ""
    while True:
        with reading() as session:
            query = select(Case).filter_by(program=program.name).where(Case.record_id.is_not(None), Case.id > after)
            cases = list(session.scalars(query.order_by(Case.id).limit(_TOGETHER)))
            rehearsals = [_stored(session, program, case) for case in cases]
        if not cases:
            return
        yield from rehearsals
        after = cases[-1].id


def count_stored(program: Program) -> int:
    """How many stored records there are to judge."""
    query = select(func.count()).select_from(Case).filter_by(program=program.name)
    with reading() as session:
        return session.scalar(query.where(Case.record_id.is_not(None))) or 0


def consequences(program: Program, outcome: Outcome) -> tuple[str, ...]:
    """What an outcome leads to, in plain words."""
    if outcome is Outcome.FAIL:
        return ("issue nothing", *(["mail the learner what is missing"] if program.tell_gap else []))
    if outcome is Outcome.HOLD:
        return (f"wait for a person, for at most {_span(error_class('doubt').sla)}",)
    after = f" after {_span(program.issue_after)}" if program.issue_after else ""
    return (
        *(
            f"issue {program.credential_title} at {one.account}, template {one.template}{after}"
            for one in program.awards
        ),
        *(["mail the learner"] if program.tell_learner else []),
        *(["mail the supervisor"] if program.tell_supervisor else []),
        *(f"update {target}" for target in program.downstream),
    )


def _stored(session: Session, program: Program, case: Case) -> Rehearsal:
    found = record_from(session.get_one(RecordRow, case.record_id).document)
    return _judged(session, program, found, case, decided=None)


def _judged(
    session: Session, program: Program, found: Record, case: Case | None, *, decided: Outcome | None
) -> Rehearsal:
    earlier = session.get(Decision, case.decision_id) if case and case.decision_id else None
    checks = carried(judge(program, found), checks_from(earlier.checks) if earlier else ())
    outcome = Outcome.all_of(check.outcome for check in checks)
    return Rehearsal(
        learner=found.learner.ref,
        outcome=outcome,
        reason=doubts(checks),
        would=_ended(case) or consequences(program, outcome),
        checks=checks,
        decided=decided or (Outcome(earlier.outcome) if earlier else None),
        case=case.id if case else None,
    )


def _unheld(program: str) -> Prerequisite:
    """A credential that is asked of a learner of whom nothing is known yet."""
    reason = "no such credential was issued"
    return Prerequisite(course=program, kind="credential", state=PrerequisiteState.UNMET, reason=reason)


def _case(session: Session, program: Program, learner_id: str) -> Case | None:
    query = select(Case).filter_by(program=program.name, learner_id=learner_id)
    return session.scalars(query.order_by(Case.generation.desc()).limit(1)).first()


def _ended(case: Case | None) -> tuple[str, ...]:
    """A case that is decided is not decided again by an edit of the program."""
    if case is None or case.stage in {Stage.GATHER, Stage.VERIFY, Stage.HELD, Stage.FAILED, Stage.CLOSED}:
        return ()
    return (f"change nothing: {case.id} is decided and in stage {case.stage}",)


def _span(span: timedelta) -> str:
    hours = span.total_seconds() / 3600
    return f"{hours:g} h" if hours < 72 else f"{hours / 24:g} days"
