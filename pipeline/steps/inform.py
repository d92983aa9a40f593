"""Inform: a learner whose record does not meet the criteria is told what is missing, once for each gap."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipeline import clock
from pipeline.adapters import CRITERIA
from pipeline.mail.compose import Gap, address_of, compose_gap
from pipeline.steps.decide import doubts
from pipeline.steps.telling.dossier import dossier
from pipeline.steps.telling.mailing import HAND_OVERS, SETTLED, plan_mail, send
from pipeline.steps.turn import Effect, Turn, WakeUp, fail, later, mine
from pipeline.store.cases import Case
from pipeline.store.database import reading, transaction
from pipeline.store.decisions import Decision, as_json, checks_from, content_hash
from pipeline.store.outbox import Message
from pipeline.values import Check, Outcome


def inform(turn: Turn) -> Effect:
    """Tell the learner what the decision found missing, unless exactly that was told before.

    Raises:
        Outage, Misconfigured: about the mail server; the case waits, and no attempt is counted.
    """
    with reading() as session:
        case = dossier(session, turn.case_id)
        decision = session.get_one(Decision, session.get_one(Case, turn.case_id).decision_id)
        checks = checks_from(decision.checks)
    gaps = tuple(_gaps(checks))
    about = content_hash(as_json(gaps))
    mail = partial(compose_gap, learner=case.record.learner, title=case.program.title, gaps=gaps, at=clock.now())
    message_id = _planned(turn, about)
    if message_id:
        address = address_of("gap", case.record.learner)
        send(turn, message_id, address, mail)
    return lambda session, case: _fail(session, case, turn, about, doubts(checks))


def _gaps(checks: Iterable[Check]) -> Iterable[Gap]:
    """What failed, in the learner's words; of a group the parts that failed."""
    for check in checks:
        if check.outcome is not Outcome.FAIL:
            continue
        if check.parts:
            yield from _gaps(check.parts)
            continue
        yield Gap(requirement=_label(check.criterion), asked=check.threshold, seen=check.seen, reason=check.reason)


def _label(title: str) -> str:
    """`score:Final exam` as a learner reads it: Assessment score: Final exam."""
    name, _, about = title.partition(":")
    label = CRITERIA[name].label.capitalize() if name in CRITERIA else name
    return f"{label}: {about.replace('_', ' ')}" if about else label


def _planned(turn: Turn, about: str) -> str | None:
    with transaction() as session:
        mine(session, turn)
        row = _mail(session, turn.case_id, about) or plan_mail(session, turn, "gap", about=about)
        return None if row.state in SETTLED else row.id


def _mail(session: Session, case_id: str, about: str) -> Message | None:
    return session.scalar(select(Message).filter_by(case_id=case_id, kind="gap", about=about))


def _fail(session: Session, case: Case, turn: Turn, about: str, reason: str) -> list[WakeUp]:
    """The case has failed whether or not the mail arrived; only one that is to be sent again is waited for."""
    row = _mail(session, case.id, about)
    if row and row.state not in SETTLED and row.handed_over < HAND_OVERS:
        due = row.due_at or clock.now()
        later(
            session, case, actor=turn.actor, kind="case.waits_for_mail", due=due, error_kind="mail", error=row.error
        )
        return []
    told = row is not None and row.state == "sent"
    fail(session, case, kind="case.failed", actor=turn.actor, reason=reason, told=told)
    return []
