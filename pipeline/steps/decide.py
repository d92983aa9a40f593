"""Decide: write down what the checks say of a case, and what follows from it, in one transaction.

Both ways to a decision end here: the criteria judging a record, and a person replacing the outcome of a check.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

from pipeline.configuration.programs import Program
from pipeline.stages import Stage
from pipeline.steps.award import plan_award
from pipeline.steps.turn import WakeUp, advance, fail, hold
from pipeline.store.cases import Case
from pipeline.store.decisions import Decision, keep_decision, keep_rule
from pipeline.values import Check, Outcome, Record


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """A judged record, before it is written down."""

    program: Program
    record_id: str
    record: Record
    checks: tuple[Check, ...]

    @property
    def outcome(self) -> Outcome:
        """One failed check fails, else one held check holds; only all passed is a pass."""
        return Outcome.all_of(check.outcome for check in self.checks)


def carried(checks: tuple[Check, ...], earlier: tuple[Check, ...]) -> tuple[Check, ...]:
    """The checks with the overrides of an earlier decision, wherever a check says exactly what was overridden.

    A person's word is about what the person saw: another threshold, value or reason needs another word.
    """
    words = {_said(check): check.override for check in earlier if check.override}
    return tuple(
        replace(check, outcome=Outcome.PASS, override=word)
        if (word := words.get(_said(check))) and word.was is check.outcome
        else check
        for check in checks
    )


def decide(session: Session, case: Case, verdict: Verdict, *, actor: str, **facts: Any) -> list[WakeUp]:
    """Keep the decision and move the case: to issue with its awards planned, to a person, or to the gap."""
    program, outcome = verdict.program, verdict.outcome
    decision = _keep(session, case, verdict)
    facts = {**_facts(decision, verdict.checks), **facts}
    if outcome is Outcome.PASS:
        wakeups = advance(session, case, Stage.ISSUE, kind="decision.passed", actor=actor, **facts)
        return wakeups + [
            plan_award(session, case, program, verdict.record, award, actor=actor) for award in program.awards
        ]
    if outcome is Outcome.FAIL:
        return _fail(session, case, verdict, actor, facts)
    hold(session, case, actor=actor, error="doubt", reason=doubts(verdict.checks), resume=Stage.GATHER, **facts)
    return []


def doubts(checks: tuple[Check, ...]) -> str:
    """Why a decision did not pass, in a line."""
    return "; ".join(f"{check.criterion}: {check.reason}" for check in checks if check.outcome is not Outcome.PASS)


def _fail(session: Session, case: Case, verdict: Verdict, actor: str, facts: Mapping[str, Any]) -> list[WakeUp]:
    if verdict.program.tell_gap:
        return advance(session, case, Stage.INFORM, kind="decision.failed", actor=actor, **facts)
    fail(session, case, kind="decision.failed", actor=actor, reason=doubts(verdict.checks), **facts)
    return []


def _keep(session: Session, case: Case, verdict: Verdict) -> Decision:
    program = verdict.program
    keep_rule(session, version=program.version, program=program.name, document=program.document)
    decision = keep_decision(
        session, case_id=case.id, outcome=verdict.outcome.value, rule_version=program.version,
        record_id=verdict.record_id, checks=verdict.checks,
    )  # fmt: skip
    case.decision_id, case.rule_version = decision.id, program.version
    return decision


def _facts(decision: Decision, checks: tuple[Check, ...]) -> dict[str, Any]:
    return {
        "decision": decision.id,
        "sha256": decision.sha256,
        "checks": {check.criterion: check.outcome.value for check in checks},
    }


def _said(check: Check) -> tuple[str, str, str, str]:
    return check.criterion, check.threshold, check.seen, check.reason
