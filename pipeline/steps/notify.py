"""Notify: the learner gets one mail with the credential, and the supervisor a copy where the program says so."""

from __future__ import annotations

from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipeline import clock
from pipeline.audit.trail import record
from pipeline.mail.compose import address_of, compose
from pipeline.stages import Stage
from pipeline.steps.telling.dossier import Dossier, dossier
from pipeline.steps.telling.mailing import HAND_OVERS, SETTLED, plan_mail, send
from pipeline.steps.turn import Effect, Turn, WakeUp, advance, hold, later, mine
from pipeline.store.cases import Case
from pipeline.store.database import reading, transaction
from pipeline.store.outbox import Message

ACTOR = "confer.notify"
#: the mails about a credential that was issued
KINDS = ("learner", "supervisor")


def notify(turn: Turn) -> Effect:
    """Send what is still to be sent; each mail's state is committed on its own, under the turn's claim.

    Raises:
        Outage, Misconfigured: about the mail server; the case waits, and no attempt is counted.
    """
    with reading() as session:
        case = dossier(session, turn.case_id)
    learner, at = case.record.learner, clock.now()
    for message_id, kind in _planned(turn, case):
        mail = partial(
            compose, kind, learner=learner, credentials=case.credentials, linkedin=case.program.linkedin, at=at
        )
        send(turn, message_id, address_of(kind, learner), mail)
    return _go_on


def _planned(turn: Turn, case: Dossier) -> list[tuple[str, str]]:
    """Plan the case's mails on the first turn; returns id and kind of those that are not settled."""
    wanted = {"learner": case.program.tell_learner, "supervisor": case.program.tell_supervisor}
    with transaction() as session:
        mine(session, turn)
        known = {row.kind: row for row in _mails(session, turn.case_id)}
        for kind in (kind for kind, is_wanted in wanted.items() if is_wanted and kind not in known):
            if kind == "supervisor" and not case.record.learner.supervisor_email:
                # most learners of a public course have none: told in the ledger, and nobody is troubled with it
                facts = {"recipient": kind, "reason": "the LMS names no supervisor"}
                record(
                    session, subject=turn.case_id, kind="message.skipped", actor=ACTOR, facts=facts, rule_version=None
                )
                continue
            known[kind] = plan_mail(session, turn, kind)
        return [(row.id, row.kind) for row in known.values() if row.state not in SETTLED]


def _mails(session: Session, case_id: str) -> list[Message]:
    return list(session.scalars(select(Message).filter_by(case_id=case_id).where(Message.kind.in_(KINDS))))


def _go_on(session: Session, case: Case) -> list[WakeUp]:
    """To the next stage when every mail is settled. A refused mail does not hold back the records downstream:
    the case goes to a person at its end."""
    rows = _mails(session, case.id)
    waiting = [row for row in rows if row.state not in SETTLED]
    lost = [row for row in waiting if row.handed_over >= HAND_OVERS]
    if lost:
        reason = f"the mail server took the {lost[0].kind}'s mail twice without an answer"
        hold(session, case, actor=ACTOR, error="unsure", reason=reason, resume=Stage.NOTIFY)
        return []
    if waiting:
        due = min(row.due_at or clock.now() for row in waiting)
        error = next((row.error for row in waiting if row.error), None)
        later(session, case, actor=ACTOR, kind="case.waits_for_mail", due=due, error_kind="mail", error=error)
        return []
    if not rows:
        record(session, subject=case.id, kind="message.none", actor=ACTOR, facts={}, rule_version=case.rule_version)
    return advance(session, case, Stage.DOWNSTREAM, kind="case.notified", actor=ACTOR)
