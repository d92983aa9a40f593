"""Claim: what a platform announced is read back there, and whether the learner took the credential is written down.

The announcement is only a hint: late, early, twice or out of order, it leads to the state that the platform tells
when asked. A hint that comes before our own commit finds its credential some minutes later.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from pipeline import clock
from pipeline.audit.trail import change
from pipeline.configuration.loading import configuration
from pipeline.errors import Failure, Misconfigured, Rejected, Throttled
from pipeline.settings import settings
from pipeline.stages import OVER, CredentialState
from pipeline.steps.lane.asking import beside
from pipeline.steps.telling.alerting import alert
from pipeline.steps.turn import ATTEMPTS, WakeUp, new_owner
from pipeline.store.cases import Case
from pipeline.store.credentials import CredentialRow
from pipeline.store.database import reading, transaction
from pipeline.store.hints import HintRow
from pipeline.values import ClaimState, Held, Hint

log = structlog.get_logger(__name__)

ACTOR = "confer.claim"
#: how long a credential that we do not know may still become known: the hint may be quicker than our commit
BECOMES_KNOWN = timedelta(minutes=10)
#: the longest wait for a place, in seconds: a burst of hints must not hold up the other steps
_PATIENCE = 1.0
_SOONEST, _LATEST = timedelta(seconds=5), timedelta(minutes=10)


class Came(StrEnum):
    """What came of a hint."""

    CHANGED = "changed"
    UNCHANGED = "unchanged"
    NOTHING = "nothing"  # the platform has no such credential
    UNKNOWN = "unknown"  # it has one that we did not issue
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class _Taken:
    """A hint that this process reads back."""

    id: str
    account: str
    hint: Hint
    heard_at: datetime
    owner: str
    about: str | None


def claim(hint_id: str) -> list[WakeUp]:
    """Read back what one hint points at, if it is due; otherwise nothing, however often it is asked."""
    taken = _take(hint_id)
    if taken is None:
        return []
    structlog.contextvars.bind_contextvars(hint=hint_id, account=taken.account)
    held: Held | None = None
    failure: Failure | None = None
    try:
        if not _still_unknown(taken):
            held = _read(taken)
    except Failure as caught:
        failure = caught
        log.info("call_failed", kind=caught.kind, reason=caught.detail)
    except Exception as defect:
        log.exception("defect")
        failure = Rejected(f"defect: {type(defect).__name__}")
    with transaction() as session:
        row = session.get_one(HintRow, taken.id, with_for_update=True)
        if row.owner != taken.owner:
            log.warning("lease_lost")
        elif failure is not None:
            _after_failure(session, row, failure)
        else:
            _after_reading(session, row, held)
    return []


def learn(session: Session, row: CredentialRow, held: Held, *, actor: str) -> bool:
    """Write down whether the learner took a credential, as the platform tells it now; says whether that was news.

    What was taken or declined does not become open again: an older answer may be committed after a newer one. The
    recheck tells staff where the platform stays with it. The case of the row has to be locked.
    """
    known = ClaimState(row.claim_state) if row.claim_state else None
    if held.claim is None or held.claim is known or CredentialState(row.state) in OVER:
        return False
    if held.claim is ClaimState.OPEN and known is not None:
        return False
    at = (held.claimed_at or clock.now()) if held.claim is not ClaimState.OPEN else None
    change(
        session, row, None,
        kind={
            ClaimState.OPEN: "credential.unclaimed",
            ClaimState.CLAIMED: "credential.claimed",
            ClaimState.DECLINED: "credential.declined",
        }[held.claim],
        actor=actor, facts={"at": at.isoformat()} if at else {},
        claim_state=held.claim.value, claimed_at=at if held.claim is ClaimState.CLAIMED else None,
    )  # fmt: skip
    return True


def _take(hint_id: str) -> _Taken | None:
    now = clock.now()
    with transaction() as session:
        row = session.get(HintRow, hint_id, with_for_update=True)
        if row is None or row.due_at is None or row.due_at > now:
            return None
        if row.owner:  # a worker died over it
            row.attempts += 1
        if row.attempts >= ATTEMPTS:
            _end(session, row, Came.FAILED)
            return None
        row.owner, row.due_at = new_owner(), now + settings().lease
        return _Taken(
            id=row.id, account=row.account, hint=Hint(key=row.key, ref=row.ref), heard_at=row.heard_at,
            owner=row.owner, about=row.platform_ref,
        )  # fmt: skip


def _still_unknown(taken: _Taken) -> bool:
    """Whether it is about a credential that was read before, and that we still do not know: nothing to ask then."""
    if taken.about is None:
        return False
    with reading() as session:
        return _credential(session, taken.account, taken.about) is None


def _read(taken: _Taken) -> Held | None:
    account = configuration().platforms.get(taken.account)
    if account is None:
        raise Misconfigured(f"the platform account {taken.account} is gone from accounts.yaml")
    with beside(account, patience=_PATIENCE) as platform:
        return platform.hinted(taken.hint)


def _after_reading(session: Session, row: HintRow, held: Held | None) -> None:
    """Nothing held: the platform has none, or it is one that was unknown before and still is."""
    row.error_kind, row.error = None, None
    row.platform_ref = held.platform_ref if held else row.platform_ref
    if row.platform_ref is None:
        log.info("claim_about_nothing")
        return _end(session, row, Came.NOTHING)
    known = _credential(session, row.account, row.platform_ref)
    if known is not None and held is not None:
        session.get_one(Case, known.case_id, with_for_update=True)
        session.refresh(known, with_for_update=True)
        return _end(session, row, Came.CHANGED if learn(session, known, held, actor=ACTOR) else Came.UNCHANGED)
    if known is None and clock.now() > row.heard_at + BECOMES_KNOWN:
        log.info("claim_of_unknown_credential")
        return _end(session, row, Came.UNKNOWN)
    return _later(row, clock.now() + min(_delay(row), BECOMES_KNOWN / 5))


def _after_failure(session: Session, row: HintRow, failure: Failure) -> None:
    """An outage or a pause costs no attempt; a refusal, or what nobody explains, does."""
    row.error_kind, row.error = failure.kind, failure.detail[:1000]
    now = clock.now()
    if isinstance(failure, Throttled):
        return _later(row, max(failure.until, now + _SOONEST))
    if failure.whole_account:
        return _later(row, now + _delay(row))
    row.attempts += 1
    if row.attempts >= ATTEMPTS:
        return _end(session, row, Came.FAILED)
    return _later(row, now + settings().retry_interval)


def _delay(row: HintRow) -> timedelta:
    return min(_SOONEST * (1 << min(row.waits, 10)), _LATEST)


def _later(row: HintRow, due: datetime) -> None:
    row.waits += 1
    row.owner, row.due_at, row.announced_at = None, due, None


def _end(session: Session, row: HintRow, came: Came) -> None:
    row.owner, row.due_at, row.came = None, None, came.value
    if came is not Came.FAILED:
        return
    log.error("claim_failed", hint=row.id, account=row.account, reason=row.error)
    alert(
        session,
        key=f"claim:{row.account}:{clock.now():%Y-%m-%d}",
        severity="warning",
        title="Claims cannot be read",
        summary=f"what {row.account} announced could not be read back: {row.error or 'workers died over it'}. "
        "The nightly recheck reads every claim again.",
        facts=[("Account", row.account)],
    )


def _credential(session: Session, account: str, platform_ref: str) -> CredentialRow | None:
    """Ours by the platform's id; the platform's ids are unique within an account."""
    found = (
        select(CredentialRow).filter_by(account=account, platform_ref=platform_ref).order_by(CredentialRow.id.desc())
    )
    return session.scalars(found.limit(1)).first()
