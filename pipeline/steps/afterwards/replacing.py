"""Replacing: the new name goes onto an issued credential: in place, or by another one that takes its place."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.orm import Session

from pipeline import clock
from pipeline.adapters import PLATFORMS
from pipeline.audit.trail import change, plan
from pipeline.configuration.loading import configuration
from pipeline.configuration.programs import program_from
from pipeline.stages import OVER, CredentialState, Stage
from pipeline.steps.afterwards.recall import FRESH, hand_over
from pipeline.steps.award import compose_order, reference
from pipeline.steps.turn import WakeUp, advance
from pipeline.store.cases import Case
from pipeline.store.corrections import Correction, corrected
from pipeline.store.credentials import CredentialRow, credentials_of, next_generation
from pipeline.store.decisions import RecordRow, Rule, as_json, order_from, record_from
from pipeline.store.ids import new_id
from pipeline.store.learners import LearnerRow
from pipeline.values import SUPERSEDED, Order

#: states in which a credential certainly does not exist at its platform, so that another order can be made of it
NOT_ISSUED = frozenset({CredentialState.PLANNED, CredentialState.REJECTED})


def begin_correction(session: Session, case: Case, correction: Correction, *, actor: str) -> list[WakeUp]:
    """Put a correction that was just kept onto every credential of a locked case.

    What is not issued yet gets another order and stays where it is; what is issued goes to its lane.
    """
    session.flush()
    rows = [row for row in credentials_of(session, case.id, locked=True) if row.state not in OVER]
    wakeups: list[WakeUp] = []
    for row in rows:
        order = corrected_order(session, case, row)
        if row.state in NOT_ISSUED:
            change(
                session, row, None, kind="credential.order_corrected", actor=actor,
                facts={"correction": correction.id}, order=as_json(order),
            )  # fmt: skip
        elif _corrects(row.account):
            wakeups += _in_place(session, row, order, correction, actor=actor)
        else:
            wakeups += supersede(session, row, order, actor=actor)
    if all(row.state in NOT_ISSUED for row in rows):
        correction.done_at = clock.now()
        return []
    facts = {"correction": correction.id, "was": case.stage}
    return advance(session, case, Stage.CORRECT, kind="case.correcting", actor=actor, **facts) + wakeups


def corrected_order(session: Session, case: Case, row: CredentialRow) -> Order:
    """What the platform is asked for now: by the rule of the decision, with the learner as corrected."""
    program = program_from(session.get_one(Rule, row.rule_version).document)
    found = record_from(session.get_one(RecordRow, case.record_id).document)
    found = replace(found, learner=corrected(session, case.id, found.learner))
    award = next(award for award in program.awards if award.account == row.account)
    before = order_from(row.order)
    now = compose_order(program, award, found, ref=row.ref, issued_on=before.issued_on)
    return replace(
        before, name=now.name, email=now.email, given_name=now.given_name, family_name=now.family_name,
        attributes=now.attributes,
    )  # fmt: skip


def supersede(session: Session, row: CredentialRow, order: Order, *, actor: str) -> list[WakeUp]:
    """Have an issued credential taken back, and plan the one that takes its place once it is.

    Never both at once: what takes its place is due only when the platform has taken the old one back.
    """
    generation = next_generation(session, learner_id=row.learner_id, program=row.program)
    learner = session.get_one(LearnerRow, row.learner_id)
    ref = reference(
        source=learner.source, learner=learner.ref, program=row.program, generation=generation, account=row.account
    )
    heir = CredentialRow(
        id=new_id("credential"), case_id=row.case_id, learner_id=row.learner_id, program=row.program,
        generation=generation, account=row.account, ref=ref, rule_version=row.rule_version,
        order=as_json(replace(order, ref=ref)), replaces_id=row.id, due_at=None,
    )  # fmt: skip
    plan(session, heir, actor=actor)
    return hand_over(session, row, reason=SUPERSEDED, kind="credential.superseded", actor=actor)


def _in_place(
    session: Session, row: CredentialRow, order: Order, correction: Correction, *, actor: str
) -> list[WakeUp]:
    change(
        session, row, CredentialState.CORRECTING, kind="credential.correcting", actor=actor,
        facts={"correction": correction.id}, order=as_json(order), due_at=clock.now(), **FRESH,
    )  # fmt: skip
    return [WakeUp(task=Stage.ISSUE.value, id=row.account)]


def _corrects(account: str) -> bool:
    found = configuration().platforms.get(account)
    return found is not None and bool(PLATFORMS[found.adapter].corrects)
