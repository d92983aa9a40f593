"""The nightly look for drift: once a night, by whoever finds it due, and staff is told what is new that week."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from itertools import groupby

import structlog
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from pipeline import clock
from pipeline.configuration.loading import configuration
from pipeline.steps.telling.alerting import alert
from pipeline.steps.turn import WakeUp
from pipeline.store.database import transaction
from pipeline.store.lanes import Tick
from pipeline.watch.drift import Drift, Finding, accounts, examine

log = structlog.get_logger(__name__)

#: when the night's look is due, in UTC
NIGHT = time(3, tzinfo=UTC)
#: how long it may take; after that it is announced again
LEASE = timedelta(minutes=30)
_DONE, _ANNOUNCED = "drift", "drift.announced"
_TITLES: Mapping[Drift, str] = {
    Drift.NO_PROGRAM: "Courses without a program",
    Drift.COURSE_GONE: "Course is gone",
    Drift.COURSE_CLOSED: "Course is closed",
    Drift.NEVER_COMPLETED: "Course cannot be completed",
    Drift.TEMPLATE_GONE: "Template is gone",
    Drift.TEMPLATE_UNUSABLE: "Template cannot be used",
    Drift.ATTRIBUTE_UNKNOWN: "Template lacks an attribute",
    Drift.FORMAT_MISSING: "Template lacks a format",
    Drift.REPEATABLE: "Template can be issued twice",
    Drift.NOT_ASKED: "System cannot be asked",
}
#: courses that an alert names; the command names all
_NAMED = 10


def due_drift() -> list[WakeUp]:
    """The wake-up of the nightly look, if a night has begun since the last one; the first night is still to come."""
    now = clock.now()
    with transaction() as session:
        done, announced = session.get(Tick, _DONE), session.get(Tick, _ANNOUNCED)
        if done is None:
            _first(session, now)
            return []
        if done.at >= last_night(now) or (announced and announced.at > now - LEASE):
            return []
        session.merge(Tick(name=_ANNOUNCED, at=now))
    return [WakeUp(task="drift", id="nightly")]


def nightly() -> tuple[Finding, ...]:
    """Look at every account and tell staff. Two at once do no harm: each alert is told once."""
    config, now = configuration(), clock.now()
    found = [finding for account in accounts(config) for finding in examine(config, account)]
    with transaction() as session:
        tell(session, found, now)
        session.merge(Tick(name=_DONE, at=now))
    log.info("drift_examined", findings=len(found))
    return tuple(found)


def tell(session: Session, found: Sequence[Finding], now: datetime) -> None:
    """An alert for each finding, and one for all courses of an LMS that have no program; each once a week.

    What could not be asked because of an outage is told by whoever needs the system, not from here.
    """
    week = f"{now:%G-W%V}"
    for account, courses in groupby([one for one in found if one.kind is Drift.NO_PROGRAM], lambda one: one.account):
        _tell_uncovered(session, account, [one.subject for one in courses], week)
    for one in found:
        if one.kind is Drift.NO_PROGRAM or one.passing:
            continue
        alert(
            session,
            key=f"drift:{one.kind}:{one.account}:{one.program}:{one.subject}:{week}",
            severity="failure",
            title=_TITLES[one.kind],
            summary=one.detail,
            facts=[("Account", one.account), *([("Program", one.program)] if one.program else [])],
            program=one.program or None,
        )


def _tell_uncovered(session: Session, account: str, courses: Sequence[str], week: str) -> None:
    """New courses are told as they come: the key names what they are."""
    digest = hashlib.sha256("\n".join(sorted(courses)).encode()).hexdigest()[:16]
    named = ", ".join(courses[:_NAMED]) + (f" and {len(courses) - _NAMED} more" if len(courses) > _NAMED else "")
    alert(
        session,
        key=f"drift:{Drift.NO_PROGRAM}:{account}:{digest}:{week}",
        severity="warning",
        title=_TITLES[Drift.NO_PROGRAM],
        summary=f"Who completes one of these gets no credential: {named}. "
        "Add a program, or name them in `without_program` of the account.",
        facts=[("Account", account), ("Courses", str(len(courses)))],
    )


def _first(session: Session, now: datetime) -> None:
    try:
        with session.begin_nested():
            session.add(Tick(name=_DONE, at=now))
    except IntegrityError:
        log.info("met_another_worker")


def last_night(now: datetime) -> datetime:
    night = datetime.combine(now.astimezone(UTC).date(), NIGHT)
    return night if night <= now else night - timedelta(days=1)
