"""The nightly recheck: one account at a time, each once a night, and staff is told what differs, once a week.

An account that cannot be asked, or whose lane is busy, is put off for a while, as often as it takes.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from pipeline import clock
from pipeline.configuration.loading import Configuration, configuration
from pipeline.contracts import Account
from pipeline.steps.telling.alerting import alert
from pipeline.steps.turn import LeaseLost, WakeUp, new_owner
from pipeline.store.database import transaction
from pipeline.store.rechecks import Recheck
from pipeline.watch.holdings import Difference, Finding
from pipeline.watch.nightly import last_night
from pipeline.watch.recheck import recheck

log = structlog.get_logger(__name__)

#: how long an account may show no progress; after that it is announced again
LEASE = timedelta(minutes=20)
#: how long a run may take
LONGEST = timedelta(hours=4)
_PUT_OFF = timedelta(minutes=30)
#: differences of one kind at one account that are told one by one
_NAMED = 20
_TITLES: Mapping[Difference, str] = {
    Difference.MISSING: "Credential is gone at the platform",
    Difference.REVOKED: "Credential was revoked at the platform",
    Difference.UNPUBLISHED: "Credential is not published",
    Difference.WRONG_TEMPLATE: "Credential stands under another template",
    Difference.WRONG_NAME: "Credential bears another name",
    Difference.CLAIM_LOST: "Claim is open again",
    Difference.STILL_LIVE: "Withdrawn credential is still live",
    Difference.UNRECORDED: "Credential is not recorded",
    Difference.TWICE: "Credential exists twice",
    Difference.EXTRA: "Credentials that we did not issue",
    Difference.NOT_COMPARED: "Credentials were not compared",
    Difference.NOT_ASKED: "Platform cannot be compared",
}
_WARNINGS = {Difference.CLAIM_LOST, Difference.EXTRA, Difference.NOT_COMPARED}


def rechecked(config: Configuration) -> tuple[Account, ...]:
    """The platform accounts at which a program issues."""
    used = {award.account for program in config.programs.values() for award in program.awards}
    return tuple(account for name, account in config.platforms.items() if name in used)


def due_rechecks() -> list[WakeUp]:
    """The wake-up of the account that is due first, unless one is rechecked now; new ones wait for the night."""
    now = clock.now()
    with transaction() as session:
        known = {row.account: row for row in session.scalars(select(Recheck))}
        names = [account.name for account in rechecked(configuration())]
        for name in names:
            if name not in known:
                _begin(session, name, now)
        if any(row.owner and row.due_at > now for row in known.values()):
            return []
        due = [known[name] for name in names if name in known and known[name].due_at <= now]
        due = [row for row in due if not row.announced_at or row.announced_at <= now - LEASE]
        if not due:
            return []
        first = min(due, key=lambda row: (row.due_at, row.account))
        first.announced_at = now
    return [WakeUp(task="recheck", id=first.account)]


def nightly_recheck(name: str) -> None:
    """Recheck one account, if it is due, and tell staff."""
    config = configuration()
    account = next((one for one in rechecked(config) if one.name == name), None)
    owner = _take(name) if account else None
    if account is None or owner is None:
        return
    structlog.contextvars.bind_contextvars(account=name)
    progress = _Progress(account=name, owner=owner)
    gathered = Gathered()
    try:
        for finding in recheck(config, account, told=progress.told):
            gathered.add(finding)
        _done(progress, gathered)
    except LeaseLost:
        log.warning("lease_lost")


@dataclass(kw_only=True)
class _Progress:
    """Keeps the lease while credentials are compared."""

    account: str
    owner: str
    compared: int = 0
    kept_at: datetime = field(default_factory=clock.now)

    def told(self, number: int) -> None:
        """Count, and extend the lease once a minute.

        Raises:
            LeaseLost: somebody else has taken the account over.
        """
        self.compared += number
        now = clock.now()
        if now - self.kept_at < timedelta(minutes=1):
            return
        with transaction() as session:
            row = session.get_one(Recheck, self.account, with_for_update=True)
            if row.owner != self.owner:
                raise LeaseLost
            row.due_at, self.kept_at = now + LEASE, now


@dataclass
class Gathered:
    """What staff is to be told, however much there is: some of each kind, and how many in all."""

    named: list[Finding] = field(default_factory=list)
    counts: Counter[tuple[Difference, str]] = field(default_factory=Counter)
    #: of credentials that we did not issue: a sum of hashes, the same in whatever order they were listed
    strangers: dict[str, int] = field(default_factory=dict)

    def add(self, finding: Finding) -> None:
        """Take one finding; of those beyond the first few of a kind, only the number is kept."""
        kind = (finding.kind, finding.template if finding.kind is Difference.EXTRA else "")
        self.counts[kind] += 1
        if finding.kind is Difference.EXTRA:
            hashed = int.from_bytes(hashlib.sha256(finding.subject.encode()).digest()[:8])
            self.strangers[finding.template] = (self.strangers.get(finding.template, 0) + hashed) % 2**64
        if self.counts[kind] <= _NAMED:
            self.named.append(finding)

    @property
    def passing(self) -> bool:
        """Whether the run was ended by an outage, or put off."""
        return any(finding.passing for finding in self.named)


def tell(session: Session, account: str, gathered: Gathered, now: datetime) -> None:
    """An alert for each of the first findings of a kind, one for the rest, one for all strangers of a template."""
    week = f"{now:%G-W%V}"
    for finding in gathered.named:
        if finding.kind is not Difference.EXTRA and not finding.passing:
            _tell_one(session, finding, week)
    for (kind, template), number in gathered.counts.items():
        if kind is Difference.EXTRA:
            refs = [one.subject for one in gathered.named if one.kind is kind and one.template == template]
            _tell_strangers(
                session, account, refs, number, template=template, key=f"{gathered.strangers[template]:x}:{week}"
            )
        elif number > _NAMED:
            alert(
                session,
                key=f"recheck:{kind}:{account}:more:{week}",
                severity="failure",
                title=_TITLES[kind],
                summary=f"{number} credentials in all; `celery -A tasks recheck --account {account}` lists them.",
                facts=[("Account", account), ("Credentials", str(number))],
            )


def _tell_one(session: Session, finding: Finding, week: str) -> None:
    subject = hashlib.sha256(f"{finding.template}\n{finding.subject}".encode()).hexdigest()[:16]
    facts = {"Account": finding.account, "Case": finding.case, "Template": finding.template}
    alert(
        session,
        key=f"recheck:{finding.kind}:{finding.account}:{subject}:{week}",
        severity="warning" if finding.kind in _WARNINGS else "failure",
        title=_TITLES[finding.kind],
        summary=finding.detail,
        facts=[(name, text) for name, text in facts.items() if text],
        case_id=finding.case or None,
    )


def _tell_strangers(
    session: Session, account: str, refs: Iterable[str], number: int, *, template: str, key: str
) -> None:
    """The key names what they are: further ones are told as they come."""
    named = list(refs)[:10]
    more = f" and {number - len(named)} more" if number > len(named) else ""
    alert(
        session,
        key=f"recheck:{Difference.EXTRA}:{account}:{key}",
        severity="warning",
        title=_TITLES[Difference.EXTRA],
        summary=f"issued under template {template}, not by us: {', '.join(named)}{more}",
        facts=[("Account", account), ("Template", template), ("Credentials", str(number))],
    )


def _begin(session: Session, account: str, now: datetime) -> None:
    try:
        with session.begin_nested():
            session.add(Recheck(account=account, due_at=_next_night(now)))
    except IntegrityError:
        log.info("met_another_worker")


def _take(account: str) -> str | None:
    now = clock.now()
    with transaction() as session:
        row = session.get(Recheck, account, with_for_update=True)
        if row is None or row.due_at > now:
            return None
        row.owner, row.due_at, row.began_at = new_owner(), now + LEASE, now
        return row.owner


def _done(progress: _Progress, gathered: Gathered) -> None:
    now = clock.now()
    with transaction() as session:
        row = session.get_one(Recheck, progress.account, with_for_update=True)
        if row.owner != progress.owner:
            raise LeaseLost
        row.owner, row.announced_at = None, None
        row.compared, row.findings = progress.compared, sum(gathered.counts.values())
        reasons = [one.detail for one in gathered.named if one.kind is Difference.NOT_ASKED]
        row.error = reasons[0][:1000] if reasons else None
        row.due_at = now + _PUT_OFF if gathered.passing else _next_night(now)
        row.ended_at = row.ended_at if gathered.passing else now
        tell(session, progress.account, gathered, now)
    log.info(
        "rechecked", compared=progress.compared, findings=sum(gathered.counts.values()), put_off=gathered.passing
    )


def _next_night(now: datetime) -> datetime:
    following: datetime = last_night(now) + timedelta(days=1)
    return following
