"""News: what the learner and the systems hear of a credential after it was issued: corrected, or withdrawn. Once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipeline import clock
from pipeline.contracts import Target
from pipeline.stages import MessageState, Stage, UpdateState
from pipeline.steps.telling.alerting import alert
from pipeline.steps.telling.mailing import HAND_OVERS, SETTLED, Compose, plan_mail, send
from pipeline.steps.telling.updates import plan_updates, send_update, told_targets, updates_of
from pipeline.steps.turn import Turn, hold, later, mine
from pipeline.store.cases import Case
from pipeline.store.database import transaction
from pipeline.store.outbox import Message, Update


@dataclass(frozen=True, kw_only=True)
class News:
    """One piece of news of a case. `about` tells several apart; `address` is empty where no mail is wanted."""

    kind: str
    about: str
    mail: Compose
    address: str | None
    ask: Callable[[Target], str]


def spread(turn: Turn, news: News) -> None:
    """Tell the systems that know of the credential, and mail the learner, whatever of it has not been done yet.

    The systems first: a mail server that is down must not have them go on with what is not true any more.

    Raises:
        Outage, Misconfigured: about the mail server; the case waits, and no attempt is counted.
    """
    with transaction() as session:
        mine(session, turn)
        targets = told_targets(session, turn.case_id)
    for update_id, target in plan_updates(turn, targets, about=news.about):
        send_update(turn, update_id, target, news.ask)
    message_id = _planned(turn, news) if news.address is not None else None
    if message_id:
        send(turn, message_id, news.address or "", news.mail)


def is_spread(session: Session, case: Case, *, kind: str, about: str, actor: str, resume: Stage) -> bool:
    """Whether everybody has heard; where not, the case was left waiting, or held because a system refused it.

    A mail that cannot be delivered does not keep the case: staff is told that the learner has not heard.
    """
    mail = _mail(session, case.id, kind, about)
    updates = updates_of(session, case.id, about)
    waiting: list[Message | Update] = [row for row in updates if row.state == UpdateState.PLANNED]
    if mail and mail.state not in SETTLED and mail.handed_over < HAND_OVERS:
        waiting.append(mail)
    if waiting:
        _wait(session, case, waiting, actor)
        return False
    refused = [f"{row.target}: {row.error}" for row in updates if row.state == UpdateState.REJECTED]
    if refused:
        hold(session, case, actor=actor, error="rejected", reason="; ".join(refused), resume=resume)
        return False
    if mail and mail.state != MessageState.SENT:
        _tell_staff(session, case, mail)
    return True


def _wait(session: Session, case: Case, waiting: Sequence[Message | Update], actor: str) -> None:
    mails = any(isinstance(row, Message) for row in waiting)
    later(
        session, case, actor=actor, kind="case.waits_for_mail" if mails else "case.waits_for_update",
        due=min(row.due_at or clock.now() for row in waiting), waits=case.waits + 1,
        error_kind="mail" if mails else "downstream", error=next((row.error for row in waiting if row.error), None),
    )  # fmt: skip


def _planned(turn: Turn, news: News) -> str | None:
    with transaction() as session:
        mine(session, turn)
        row = _mail(session, turn.case_id, news.kind, news.about) or plan_mail(
            session, turn, news.kind, about=news.about
        )
        return None if row.state in SETTLED else row.id


def _mail(session: Session, case_id: str, kind: str, about: str) -> Message | None:
    return session.scalar(select(Message).filter_by(case_id=case_id, kind=kind, about=about))


def _tell_staff(session: Session, case: Case, mail: Message) -> None:
    alert(
        session,
        key=f"{mail.id}:not-told",
        severity="warning",
        title="Learner not told",
        summary=f"the mail that says `{mail.kind}` did not arrive for certain; tell the learner in another way",
        facts=[("Case", case.id), ("Program", case.program), ("Error", mail.error or mail.state)],
        path=f"/api/reviews/{case.id}",
        case_id=case.id,
        program=case.program,
    )
