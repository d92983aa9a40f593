"""Verify: judge the record by the program's criteria, and write down what was decided and what follows from it.

The decision, the credentials it plans and the move of the case are one transaction.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy.orm import Session

from pipeline import clock
from pipeline.audit.trail import plan
from pipeline.configuration.loading import configuration
from pipeline.configuration.programs import Award, Program
from pipeline.criteria.profile import Profile
from pipeline.errors import Misconfigured
from pipeline.settings import settings
from pipeline.stages import Stage
from pipeline.steps.turn import Effect, Turn, WakeUp, advance, hold
from pipeline.store.cases import Case
from pipeline.store.credentials import CredentialRow
from pipeline.store.database import reading
from pipeline.store.decisions import RecordRow, as_json, keep_decision, keep_rule, record_from
from pipeline.store.ids import new_id
from pipeline.values import Check, Order, Outcome, Record

ACTOR = "confer.verify"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """A judged record, before it is written down."""

    program: Program
    record_id: str
    record: Record
    checks: tuple[Check, ...]


def verify(turn: Turn) -> Effect:
    """Judge the gathered record.

    Raises:
        Misconfigured: the program is gone from the configuration.
    """
    program = configuration().programs.get(turn.program)
    if program is None:
        raise Misconfigured(f"the program {turn.program} is gone from the configuration")
    with reading() as session:
        found = record_from(session.get_one(RecordRow, turn.record_id).document)
    verdict = Verdict(program=program, record_id=turn.record_id or "", record=found, checks=judge(program, found))
    return lambda session, case: _decide(session, case, verdict)


def judge(program: Program, found: Record) -> tuple[Check, ...]:
    """Every check of the program, in a fixed order; what the LMS says of the person always comes with it."""
    criteria = (Profile({}), *(criterion for criterion in program.criteria if criterion.name != Profile.name))
    return tuple(criterion.judge(found) for criterion in criteria)


def outcome_of(checks: tuple[Check, ...]) -> Outcome:
    """One failed check fails, else one held check holds; only all passed is a pass."""
    outcomes = {check.outcome for check in checks}
    if Outcome.FAIL in outcomes:
        return Outcome.FAIL
    return Outcome.HOLD if Outcome.HOLD in outcomes or not checks else Outcome.PASS


def _decide(session: Session, case: Case, verdict: Verdict) -> list[WakeUp]:
    program, checks = verdict.program, verdict.checks
    outcome = outcome_of(checks)
    keep_rule(session, version=program.version, program=program.name, document=program.document)
    decision = keep_decision(
        session, case_id=case.id, outcome=outcome.value, rule_version=program.version,
        record_id=verdict.record_id, checks=checks,
    )  # fmt: skip
    case.decision_id, case.rule_version = decision.id, program.version
    facts = {
        "decision": decision.id,
        "sha256": decision.sha256,
        "checks": {check.criterion: check.outcome.value for check in checks},
    }
    if outcome is Outcome.PASS:
        wakeups = advance(session, case, Stage.ISSUE, kind="decision.passed", actor=ACTOR, **facts)
        return wakeups + [_plan(session, case, verdict, award) for award in program.awards]
    doubts = [check for check in checks if check.outcome is not Outcome.PASS]
    reason = "; ".join(f"{check.criterion}: {check.reason}" for check in doubts)
    if outcome is Outcome.FAIL:
        advance(session, case, Stage.FAILED, kind="decision.failed", actor=ACTOR, **facts)
        case.error_kind, case.error = "criteria", reason[:1000]
    else:
        hold(session, case, actor=ACTOR, error="doubt", reason=reason, resume=Stage.GATHER, **facts)
    return []


def _plan(session: Session, case: Case, verdict: Verdict, award: Award) -> WakeUp:
    now, program, found = clock.now(), verdict.program, verdict.record
    ref = reference(
        source=case.source, learner=found.learner.ref, program=program.name,
        generation=case.generation, account=award.account,
    )  # fmt: skip
    row = CredentialRow(
        id=new_id("credential"), case_id=case.id, learner_id=case.learner_id, program=program.name,
        generation=case.generation, account=award.account, ref=ref, rule_version=program.version,
        order=as_json(compose_order(program, award, found, ref=ref, issued_on=now.date())),
        due_at=now + program.issue_after,
    )  # fmt: skip
    plan(session, row, actor=ACTOR)
    return WakeUp(task=Stage.ISSUE.value, id=award.account)


def compose_order(program: Program, award: Award, found: Record, *, ref: str, issued_on: date) -> Order:
    """What the platform will be asked for."""
    score = course_score(found)
    words = {
        "score": f"{score.normalize():f}" if score is not None else "",
        "completed_on": found.completed_at.date().isoformat() if found.completed_at else "",
        "title": program.credential_title,
        "learner_name": found.learner.name,
        "learner_ref": found.learner.ref,
    }
    return Order(
        ref=ref,
        template=award.template,
        title=program.credential_title,
        description=program.description,
        learner_ref=found.learner.ref,
        name=found.learner.name,
        email=found.learner.email,
        issued_on=issued_on,
        expires_on=issued_on + program.valid_for if program.valid_for else None,
        formats=award.formats,
        attributes={name: text.format(**words) for name, text in award.attributes.items()},
        criteria=program.narrative,
        achievement=program.name,
        show_name=program.show_name,
    )


def course_score(found: Record) -> Decimal | None:
    """The course total in percent, if there is exactly one."""
    totals = [score.percent for score in found.scores if score.total]
    return totals[0] if len(totals) == 1 else None


def reference(*, source: str, learner: str, program: str, generation: int, account: str) -> str:
    """Our reference for one credential: derived from its unique key, so that it is the same after any loss.

    Keyed, because platforms show it to the public, and it must not let anyone test who has a credential.
    """
    key = settings().secret_key.encode()
    text = "\x1f".join((source, learner, program, str(generation), account))
    digest = hmac.new(key, text.encode(), hashlib.sha256).digest()
    return "confer-" + base64.b32encode(digest)[:26].decode().lower()
