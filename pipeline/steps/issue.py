"""Issue: the lane of one platform account. Intent, call, confirm; what ended unclear is looked up first.

A pump takes the due credentials of its account one by one: it waits for its place in the account's pace, claims
a row and commits the intent in one transaction, calls, and commits what came of it. Any number of pumps in any
number of processes share the account's permits and its outage.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from pipeline import clock
from pipeline.adapters import PLATFORMS
from pipeline.audit.trail import change
from pipeline.configuration.loading import configuration
from pipeline.contracts import Account, Platform
from pipeline.errors import Failure, Rejected, Throttled, Unsure
from pipeline.settings import settings
from pipeline.stages import CredentialState
from pipeline.steps.reconcile import ACTOR, Claim, Ended, settle
from pipeline.steps.turn import CRASHES, LeaseLost, WakeUp, new_owner
from pipeline.store.credentials import CredentialRow
from pipeline.store.database import reading, transaction
from pipeline.store.decisions import order_from
from pipeline.traffic import outage, pumps
from pipeline.traffic.permits import Pace, turn_at
from pipeline.values import Issued

log = structlog.get_logger(__name__)

Announce = Callable[[list[WakeUp]], object]


def pump(account_name: str, announce: Announce) -> bool:
    """Work on an account's due credentials for one slice. Returns whether to be woken again at once."""
    account = configuration().platforms.get(account_name)
    if account is None:
        log.error("account_gone", account=account_name)
        return False
    limits = settings()
    ends = clock.monotonic() + limits.slice
    pace = Pace(account.name, account.rate, timeout=limits.call_timeout, patience=limits.slice)
    platform = PLATFORMS[account.adapter](account, pace)
    with pumps.place(account.name, account.in_flight, lease=limits.lease) as place, closing(pace):
        if place is None:
            return False
        while clock.monotonic() < ends:
            place.keep()
            if not _due(account.name) or not outage.may_call(account.name):
                return False
            try:
                pace.prepay()
            except Throttled:
                return False
            claim = _claim(account)
            if claim is None:
                return False
            announce(_call(account, claim, platform, pace))
    return _due(account.name)


def _due(account: str) -> bool:
    with reading() as session:
        query = select(CredentialRow.id).where(CredentialRow.account == account, CredentialRow.due_at <= clock.now())
        return session.scalar(query.limit(1)) is not None


def _claim(account: Account) -> Claim | None:
    """Take the row that is due first, and commit the intent before anything is called."""
    now = clock.now()
    until = now + settings().lease + turn_at(account.rate)
    with transaction() as session:
        query = (
            select(CredentialRow)
            .where(CredentialRow.account == account.name, CredentialRow.due_at <= now)
            .order_by(CredentialRow.due_at, CredentialRow.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        row = session.scalars(query).first()
        if row is None:
            return None
        claim = Claim(
            credential_id=row.id, case_id=row.case_id, owner=new_owner(), order=order_from(row.order),
            looking=row.state != CredentialState.PLANNED, unclear_since=row.unclear_since,
            crashes=row.crashes + 1 if row.owner else 0, until=until,
        )  # fmt: skip
        _write_claim(session, row, claim)
        return claim


def _write_claim(session: Session, row: CredentialRow, claim: Claim) -> None:
    if not claim.looking:
        latest_end = clock.now() + timedelta(seconds=settings().call_timeout)
        change(
            session, row, CredentialState.CALLING, kind="credential.intended", actor=ACTOR,
            owner=claim.owner, due_at=claim.until, unclear_since=latest_end,
        )  # fmt: skip
    elif row.owner:
        died_calling = row.state == CredentialState.CALLING
        change(
            session, row, CredentialState.UNSURE if died_calling else None, kind="credential.worker_lost",
            actor=ACTOR, owner=claim.owner, due_at=claim.until, crashes=claim.crashes,
        )  # fmt: skip
    else:
        row.owner, row.due_at = claim.owner, claim.until


def _call(account: Account, claim: Claim, platform: Platform, pace: Pace) -> list[WakeUp]:
    """Make the call or the look-up, and commit what came of it."""
    structlog.contextvars.bind_contextvars(case=claim.case_id, account=account.name)
    began = clock.now()
    if began > claim.until - timedelta(seconds=2 * settings().call_timeout):
        return []  # this process was held up; the row comes back when its lease ends
    found: Issued | None = None
    failure: Failure | None = None
    try:
        if claim.crashes >= CRASHES:
            raise Rejected(f"{CRASHES} workers died over it")
        found = platform.find(claim.order) if claim.looking else platform.issue(claim.order)
    except Failure as caught:
        failure = caught
        log.info("call_failed", kind=caught.kind, reason=caught.detail, looking=claim.looking)
    except Exception as defect:
        log.exception("defect")
        failure = Unsure(f"defect: {type(defect).__name__}")  # leaves as much doubt as a lost answer
    try:
        with transaction() as session:
            pace.give_back(session)
            return settle(session, Ended(account=account, claim=claim, began=began, found=found, failure=failure))
    except LeaseLost:
        log.warning("lease_lost")
        return []
