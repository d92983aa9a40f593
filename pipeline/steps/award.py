"""Award: what follows from a decision that passed. Each credential is planned once, under our own reference."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipeline import clock
from pipeline.adapters import PLATFORMS
from pipeline.audit.trail import change, plan
from pipeline.configuration.loading import configuration
from pipeline.configuration.programs import Award, Program
from pipeline.settings import settings
from pipeline.stages import OVER, CredentialState, Stage
from pipeline.steps.turn import WakeUp
from pipeline.store.cases import Case
from pipeline.store.corrections import corrected
from pipeline.store.credentials import CredentialRow
from pipeline.store.decisions import as_json
from pipeline.store.ids import new_id
from pipeline.store.lanes import Lane
from pipeline.traffic.limits import in_force
from pipeline.traffic.ranks import rank
from pipeline.values import Order, Record


def plan_award(session: Session, case: Case, program: Program, found: Record, award: Award, *, actor: str) -> WakeUp:
    """Plan one credential; one that was planned by an earlier decision, and never called, is planned anew."""
    now = clock.now()
    found = replace(found, learner=corrected(session, case.id, found.learner))
    ref = reference(
        source=case.source, learner=found.learner.ref, program=program.name,
        generation=case.generation, account=award.account,
    )  # fmt: skip
    order = as_json(compose_order(program, award, found, ref=ref, issued_on=now.date()))
    before = _still_held(session, case, award.account)  # locked before ours, as by a lane that releases ours
    row = session.scalar(
        select(CredentialRow)
        .filter_by(case_id=case.id, account=award.account, generation=case.generation)
        .with_for_update()
    )
    due = None if before else now + program.issue_after
    if row is None:
        row = CredentialRow(
            id=new_id("credential"), case_id=case.id, learner_id=case.learner_id, program=program.name,
            generation=case.generation, account=award.account, ref=ref, rule_version=program.version,
            order=order, replaces_id=before, due_at=due,
        )  # fmt: skip
        row.rank_at = _rank(session, row, due) if due else None
        plan(session, row, actor=actor)
    elif row.state == CredentialState.PLANNED:
        change(
            session, row, None, kind="credential.planned", actor=actor, order=order, due_at=due,
            replaces_id=before, rule_version=program.version,
        )  # fmt: skip
    return WakeUp(task=Stage.ISSUE.value, id=award.account)


def _still_held(session: Session, case: Case, account: str) -> str | None:
    """A credential of an earlier award that is not withdrawn yet: nothing takes its place before it is."""
    others = (
        select(CredentialRow.id)
        .filter_by(learner_id=case.learner_id, program=case.program, account=account)
        .where(CredentialRow.case_id != case.id, CredentialRow.state.not_in(OVER))
        .with_for_update()
    )
    return session.scalars(others.order_by(CredentialRow.id.desc()).limit(1)).first()


def _rank(session: Session, row: CredentialRow, due: datetime) -> datetime:
    account = configuration().platforms.get(row.account)
    if account is None:
        return due  # gone from accounts.yaml since; the row waits until it is back
    rate = in_force(session.get(Lane, account.name), account.rate)
    bulk = PLATFORMS[account.adapter].at_once(account)
    return rank(session, account=account.name, program=row.program, due=due, rate=rate, bulk=bulk)


def compose_order(program: Program, award: Award, found: Record, *, ref: str, issued_on: date) -> Order:
    """What the platform will be asked for."""
    score = course_score(found)
    expires_on = issued_on + program.valid_for if program.valid_for else None
    words = {
        "score": f"{score.normalize():f}" if score is not None else "",
        "completed_on": found.completed_at.date().isoformat() if found.completed_at else "",
        "title": program.credential_title,
        "learner_name": found.learner.name,
        "learner_ref": found.learner.ref,
        "course_code": found.course_code,
        "course_title": found.course_title,
        "issued_on": issued_on.isoformat(),
        "expires_on": expires_on.isoformat() if expires_on else "",
        "program": program.name,
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
        expires_on=expires_on,
        formats=award.formats,
        attributes={name: text.format(**words) for name, text in award.attributes.items()},
        criteria=program.narrative,
        achievement=program.name,
        show_name=program.show_name,
        given_name=found.learner.given_name,
        family_name=found.learner.family_name,
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
