"""Reconcile: what came of a call or a look-up at a platform, committed with everything that follows from it.

The caller of the platform knows only that it ended, and how. Here it is decided whether the credential is
confirmed, has to be looked up, is planned again, waits for the platform, or goes to a person.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from pipeline import clock
from pipeline.audit.trail import change
from pipeline.contracts import Account
from pipeline.errors import Duplicate, Failure, Misconfigured, Outage, Throttled, Unsure
from pipeline.settings import settings
from pipeline.stages import CredentialState, Stage
from pipeline.steps.turn import ATTEMPTS, LeaseLost, WakeUp, advance, hold
from pipeline.store.cases import Case
from pipeline.store.credentials import CredentialRow
from pipeline.traffic import outage
from pipeline.traffic.permits import pause
from pipeline.values import Issued, Order

log = structlog.get_logger(__name__)

ACTOR = "confer.issue"


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A claimed credential. `looking` says that it has to be looked up, not called."""

    credential_id: str
    case_id: str
    owner: str
    order: Order
    looking: bool
    unclear_since: datetime | None
    crashes: int
    until: datetime


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A call or look-up that has ended: with what it found, or with a failure, or with nothing found."""

    account: Account
    claim: Claim
    began: datetime
    found: Issued | None = None
    failure: Failure | None = None


def settle(session: Session, ended: Ended) -> list[WakeUp]:
    """Commit what came of a call. Locks the case before the credential, as everybody does.

    Raises:
        LeaseLost: somebody else owns the row by now.
    """
    case = session.get_one(Case, ended.claim.case_id, with_for_update=True)
    row = session.get_one(CredentialRow, ended.claim.credential_id, with_for_update=True)
    if row.owner != ended.claim.owner:
        raise LeaseLost
    if ended.failure is None or isinstance(ended.failure, Duplicate):
        lasted = outage.answered(session, ended.account.name)
        if lasted:
            log.warning("outage_over", account=ended.account.name, seconds=round(lasted.total_seconds()))
    if isinstance(ended.failure, Duplicate):
        return _after_duplicate(session, case, row, ended.failure)
    if ended.failure is not None:
        _after_failure(session, case, row, ended, ended.failure)
        return []
    if ended.found is None:
        _after_nothing(session, row, ended)
        return []
    return _confirm(
        session, case, row, ended.found, kind="credential.found" if ended.claim.looking else "credential.issued"
    )


def to_person(
    session: Session, case: Case, row: CredentialRow, *, error: str, reason: str, state: CredentialState
) -> None:
    """Take the credential out of the lane and hold its case."""
    change(
        session, row, state if row.state != state else None, kind="credential.needs_person", actor=ACTOR,
        facts={"error": error, "reason": reason}, due_at=None, owner=None, error_kind=error, error=reason[:1000],
    )  # fmt: skip
    if case.stage == Stage.ISSUE:
        hold(session, case, actor=ACTOR, error=error, reason=reason, resume=Stage.ISSUE, account=row.account)


def _confirm(session: Session, case: Case, row: CredentialRow, found: Issued, *, kind: str) -> list[WakeUp]:
    """The platform has the credential: write it down, and let the case go on when it was the last one.

    The case is locked, so that two lanes that finish at once do not each wait for the other.
    """
    if not found.live:
        reason = "the platform created it but did not publish it; check the credits of the account"
        to_person(session, case, row, error="unpublished", reason=reason, state=CredentialState.UNSURE)
        return []
    change(
        session, row, CredentialState.CONFIRMED, kind=kind, actor=ACTOR,
        facts={"platform_ref": found.platform_ref, "url": found.url, "ours": found.ours},
        platform_ref=found.platform_ref, url=found.url, confirmed_at=clock.now(),
        due_at=None, owner=None, crashes=0, error_kind=None, error=None,
    )  # fmt: skip
    session.flush()
    siblings = session.scalars(select(CredentialRow.state).filter_by(case_id=case.id)).all()
    if case.stage == Stage.ISSUE and all(state == CredentialState.CONFIRMED for state in siblings):
        return advance(session, case, Stage.NOTIFY, kind="case.issued", actor=ACTOR)
    return []


def _after_nothing(session: Session, row: CredentialRow, ended: Ended) -> None:
    """The look-up found nothing: plan the call again, or look again once the platform must have settled."""
    unclear_since = ended.claim.unclear_since
    settled_at = unclear_since + ended.account.settles_within if unclear_since else ended.began
    if ended.began >= settled_at:
        change(
            session, row, CredentialState.PLANNED, kind="credential.not_found", actor=ACTOR,
            due_at=clock.now(), owner=None, unclear_since=None,
        )  # fmt: skip
    else:
        change(
            session, row, None, kind="credential.looked_up", actor=ACTOR, facts={"found": False},
            due_at=settled_at, owner=None,
        )  # fmt: skip


def _after_duplicate(session: Session, case: Case, row: CredentialRow, failure: Duplicate) -> list[WakeUp]:
    if failure.existing:
        return _confirm(session, case, row, failure.existing, kind="credential.duplicate_blocked")
    if row.attempts + 1 >= ATTEMPTS:
        reason = f"{failure.detail}, but no look-up finds it"
        to_person(session, case, row, error=failure.kind, reason=reason, state=CredentialState.REJECTED)
        return []
    change(
        session, row, CredentialState.UNSURE if row.state == CredentialState.CALLING else None,
        kind="credential.duplicate_blocked", actor=ACTOR, facts={"reason": failure.detail},
        owner=None, due_at=clock.now(), unclear_since=clock.now(), error_kind=failure.kind, error=failure.detail,
        attempts=row.attempts + 1,
    )  # fmt: skip
    return []


def _after_failure(session: Session, case: Case, row: CredentialRow, ended: Ended, failure: Failure) -> None:
    """Give the row back, count an attempt, or hand it to a person: by what the failure is about."""
    now = clock.now()
    facts = {"error": failure.kind, "reason": failure.detail}
    to, columns = _given_back(ended, failure)
    columns |= {"owner": None, "error_kind": failure.kind, "error": failure.detail[:1000]}
    if isinstance(failure, Throttled):
        pause(session, ended.account.name, failure.until)
        change(session, row, to, kind="credential.throttled", actor=ACTOR, facts=facts, due_at=now, **columns)
    elif _about_account(failure) and not _its_own_fault(session, row):
        if outage.failed(session, ended.account.name, failure.detail):
            log.error("outage_began", account=ended.account.name, reason=failure.detail)
        # another row is the next probe, unless this one's look-up is what matters most
        due = now if isinstance(failure, Unsure) else now + 5 * outage.FIRST_PROBE
        change(
            session, row, to, kind="credential.waits_for_outage", actor=ACTOR, facts=facts,
            due_at=due, failed_at=now, **columns,
        )  # fmt: skip
    elif failure.kind in {"rejected", "misconfigured"} or row.attempts + 1 >= ATTEMPTS:
        to_person(session, case, row, error=failure.kind, reason=failure.detail, state=CredentialState.REJECTED)
    else:
        change(
            session, row, to, kind="credential.attempt_failed", actor=ACTOR, facts=facts,
            attempts=row.attempts + 1, due_at=now + settings().retry_interval, failed_at=now, **columns,
        )  # fmt: skip


def _given_back(ended: Ended, failure: Failure) -> tuple[CredentialState | None, dict[str, Any]]:
    """The state to which a failed call gives its row back, and since when there is doubt."""
    if ended.claim.looking:
        return None, {}
    if isinstance(failure, Unsure):
        return CredentialState.UNSURE, {"unclear_since": clock.now()}
    return CredentialState.PLANNED, {"unclear_since": None}


def _about_account(failure: Failure) -> bool:
    return isinstance(failure, Outage | Unsure) or (isinstance(failure, Misconfigured) and failure.whole_account)


def _its_own_fault(session: Session, row: CredentialRow) -> bool:
    """Whether the platform has served somebody else since this row last failed: then it is not the platform."""
    if row.failed_at is None:
        return False
    others = select(CredentialRow.id).where(
        CredentialRow.account == row.account, CredentialRow.confirmed_at > row.failed_at
    )
    return session.scalar(others.limit(1)) is not None
