"""What staff is told of an account's lane: down, refusing us, asking for a long pause, taking less than its limit."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pipeline import clock
from pipeline.contracts import Account
from pipeline.steps.telling.alerting import alert
from pipeline.store.cases import Case
from pipeline.store.credentials import CredentialRow
from pipeline.store.database import transaction
from pipeline.store.lanes import Lane
from pipeline.traffic.lane import locked_lane

#: the guide's table of errors: an outage is told after 30 minutes
TOLD_AFTER = timedelta(minutes=30)
#: a pause that a platform asks for is told when it is longer: a quota of the day, no blip
LONG_PAUSE = timedelta(minutes=10)


def tell_outages() -> None:
    """Tell once of every account that has been down for half an hour."""
    now = clock.now()
    with transaction() as session:
        late = select(Lane).where(Lane.down_since <= now - TOLD_AFTER, Lane.told_at.is_(None))
        for lane in session.scalars(late.with_for_update(skip_locked=True)):
            lane.told_at = now
            alert(
                session, key=f"{lane.account}:down:{lane.down_since}", severity="critical",
                title=f"{lane.account} is down", summary=_told(lane.down_reason or ""),
                facts=[
                    ("Account", lane.account),
                    ("Since", _spelt(lane.down_since)),
                    *_waiting(session, lane.account),
                ],
            )  # fmt: skip


def back(session: Session, account: Account, lasted: timedelta) -> None:
    """An outage that was told is over."""
    if lasted < TOLD_AFTER:
        return
    alert(
        session, key=f"{account.name}:back:{clock.now().isoformat()}", severity="info",
        title=f"{account.name} is back", summary=f"It was down for {round(lasted.total_seconds() / 60)} minutes.",
        facts=[("Account", account.name), *_waiting(session, account.name)],
    )  # fmt: skip


def refused(session: Session, account: Account, reason: str) -> None:
    """The platform refuses the whole account, for a key or for credits: an administrator is told at once."""
    lane = locked_lane(session, account.name)
    if lane.told_at is not None or lane.down_since is None:
        return
    lane.told_at = clock.now()
    alert(
        session, key=f"{account.name}:refused:{lane.down_since}", severity="critical",
        title=f"{account.name} refuses us", summary=_told(reason),
        facts=[("Account", account.name), *_waiting(session, account.name)],
    )  # fmt: skip


def paused_by_platform(session: Session, account: Account, until: datetime) -> None:
    """The platform asked for a long pause, as for a quota of the day; told once a day."""
    alert(
        session, key=f"{account.name}:pause:{clock.now().date()}", severity="warning",
        title=f"{account.name} asked for a pause", summary="Nobody calls it before then; what is due waits.",
        facts=[("Account", account.name), ("Until", _spelt(until)), *_waiting(session, account.name)],
    )  # fmt: skip


def learnt(session: Session, account: Account, calls: int) -> None:
    """The platform takes less than the limit we were told; told once a day."""
    window = f"{account.rate.window.total_seconds():g} s" if account.rate else "its window"
    alert(
        session, key=f"{account.name}:learnt:{clock.now().date()}", severity="warning",
        title=f"{account.name} takes less than its limit",
        summary="It refused calls within the limit that is set. Either the limit is lower, or another system uses"
        " the key. Set the limit in accounts.yaml, or by `celery -A tasks lanes rate`.",
        facts=[("Account", account.name), ("Took", f"{calls} calls in {window}")],
    )  # fmt: skip


def stuck(session: Session, case: Case, row: CredentialRow) -> None:
    """A credential of a case that has gone on needs a person: a correction or withdrawal that is refused."""
    alert(
        session, key=f"{row.id}:{row.state}:{clock.now().isoformat()}", severity="warning",
        title=f"{row.state.capitalize()} is refused", summary=f"{row.account}: {row.error}",
        facts=[("Case", case.id), ("Credential", row.id)], case_id=case.id, program=case.program,
    )  # fmt: skip


def _told(reason: str) -> str:
    return f"{reason}. What is due waits, loses no attempt, and goes on by itself."


def _waiting(session: Session, account: str) -> list[tuple[str, str]]:
    query = select(func.count()).where(CredentialRow.account == account, CredentialRow.due_at.is_not(None))
    return [("Waiting", f"{session.scalar(query) or 0:,}")]


def _spelt(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else ""
