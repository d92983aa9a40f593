"""Reconcile: what came of an errand at a platform, committed with everything that follows from it.

The caller of the platform knows only that it ended, and how. Here it is decided whether the credential is
confirmed, corrected or withdrawn, has to be looked up, is planned again, waits for the platform, or goes to a person.
"""

from __future__ import annotations

from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from pipeline import clock
from pipeline.audit.trail import change
from pipeline.errors import Duplicate, Failure, Misconfigured, Throttled, Unsure
from pipeline.settings import settings
from pipeline.stages import OVER, CredentialState, Stage
from pipeline.steps.afterwards import outcome
from pipeline.steps.lane import alerts
from pipeline.steps.lane.calls import Ended
from pipeline.steps.lane.errands import ACTOR, Wanted
from pipeline.steps.turn import ATTEMPTS, LeaseLost, WakeUp, advance, hold
from pipeline.store.cases import Case
from pipeline.store.credentials import CredentialRow
from pipeline.traffic import outage
from pipeline.traffic.limits import learn
from pipeline.traffic.permits import NoPlace, pause
from pipeline.values import Issued

log = structlog.get_logger(__name__)


def settle(session: Session, ended: Ended) -> list[WakeUp]:
    """Commit what came of an errand. Locks the case before the credential, as everybody does.

    Raises:
        LeaseLost: somebody else owns the row by now.
    """
    case = session.get_one(Case, ended.errand.case_id, with_for_update=True)
    row = session.get_one(CredentialRow, ended.errand.credential_id, with_for_update=True)
    if row.owner != ended.errand.owner:
        raise LeaseLost
    if ended.failure is None or isinstance(ended.failure, Duplicate):
        lasted = outage.answered(session, ended.account.name)
        if lasted:
            log.warning("outage_over", account=ended.account.name, seconds=round(lasted.total_seconds()))
            alerts.back(session, ended.account, lasted)
    if isinstance(ended.failure, Duplicate):
        return _after_duplicate(session, case, row, ended.failure)
    if ended.failure is not None:
        return _after_failure(session, case, row, ended, ended.failure)
    return _after_success(session, case, row, ended)


def to_person(
    session: Session, case: Case, row: CredentialRow, *, error: str, reason: str, state: CredentialState
) -> None:
    """Take the credential out of the lane, and hold its case; where that has gone on already, tell staff."""
    change(
        session, row, state if row.state != state else None, kind="credential.needs_person", actor=ACTOR,
        facts={"error": error, "reason": reason}, due_at=None, owner=None, error_kind=error, error=reason[:1000],
    )  # fmt: skip
    if case.stage == Stage.ISSUE:
        hold(session, case, actor=ACTOR, error=error, reason=reason, resume=Stage.ISSUE, account=row.account)
    else:
        alerts.stuck(session, case, row)


def _after_success(session: Session, case: Case, row: CredentialRow, ended: Ended) -> list[WakeUp]:
    if ended.errand.wants is Wanted.WITHDRAW:
        change(
            session, row, CredentialState.WITHDRAWN, kind="credential.withdrawn", actor=ACTOR,
            facts={"reason": row.withdraw_reason, "claim": row.claim_state}, withdrawn_at=clock.now(), **_SETTLED,
        )  # fmt: skip
        return outcome.after_withdrawal(session, case, row)
    if ended.found is None:
        _after_nothing(session, row, ended)
        return []
    if ended.errand.wants is Wanted.CORRECT:
        change(
            session, row, CredentialState.CONFIRMED, kind="credential.corrected", actor=ACTOR,
            facts={"platform_ref": ended.found.platform_ref}, url=ended.found.url or row.url, **_SETTLED,
        )  # fmt: skip
        return outcome.after_correction(session, case, row)
    looked_up = ended.errand.wants is Wanted.LOOK_UP
    return _confirm(session, case, row, ended.found, kind="credential.found" if looked_up else "credential.issued")


#: of a row that has arrived: nothing is due, nothing is wrong
_SETTLED: dict[str, Any] = {"due_at": None, "owner": None, "crashes": 0, "error_kind": None, "error": None}


def _confirm(session: Session, case: Case, row: CredentialRow, found: Issued, *, kind: str) -> list[WakeUp]:
    """The platform has the credential: write it down, and let the case go on when it was the last one.

    The case is locked, so that two lanes that finish at once do not each wait for the other.
    """
    if not found.live:
        reason = "the platform has it and does not publish it; see the settings of the account there"
        to_person(session, case, row, error="unpublished", reason=reason, state=CredentialState.UNSURE)
        return []
    change(
        session, row, CredentialState.CONFIRMED, kind=kind, actor=ACTOR,
        facts={"platform_ref": found.platform_ref, "url": found.url, "ours": found.ours},
        platform_ref=found.platform_ref, url=found.url, confirmed_at=clock.now(), **_SETTLED,
    )  # fmt: skip
    session.flush()
    if row.replaces_id:
        return outcome.after_correction(session, case, row)
    siblings = session.scalars(select(CredentialRow.state).filter_by(case_id=case.id)).all()
    if case.stage == Stage.ISSUE and all(state == CredentialState.CONFIRMED or state in OVER for state in siblings):
        return advance(session, case, Stage.NOTIFY, kind="case.issued", actor=ACTOR)
    return []


def _after_nothing(session: Session, row: CredentialRow, ended: Ended) -> None:
    """The look-up found nothing: plan the call again, or look again once the platform must have settled."""
    if ended.errand.wants is Wanted.ISSUE:  # made by a bulk call, and not live: the next look-up publishes it
        change(
            session, row, CredentialState.UNSURE, kind="credential.unpublished", actor=ACTOR,
            due_at=clock.now(), owner=None, unclear_since=clock.now(),
        )  # fmt: skip
        return
    unclear_since = ended.errand.unclear_since
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


def _after_failure(session: Session, case: Case, row: CredentialRow, ended: Ended, failure: Failure) -> list[WakeUp]:
    """Give the row back, count an attempt, or hand it to a person: by what the failure is about."""
    now = clock.now()
    facts = {"error": failure.kind, "reason": failure.detail}
    to, columns = _given_back(ended, failure)
    columns |= {"owner": None, "error_kind": failure.kind, "error": failure.detail[:1000]}
    if isinstance(failure, Throttled):
        _pause(session, ended, failure)
        change(session, row, to, kind="credential.throttled", actor=ACTOR, facts=facts, due_at=now, **columns)
    elif failure.whole_account and not _its_own_fault(session, row):
        _open_outage(session, ended, failure)
        # this one's look-up may be the next probe; after that it is the turn of another, or a row that always fails
        # would be every probe, and hold up the account for ever
        due = now if isinstance(failure, Unsure) else outage.after_next_probe(session, ended.account.name)
        change(
            session, row, to, kind="credential.waits_for_outage", actor=ACTOR, facts=facts,
            due_at=due, failed_at=now, **columns,
        )  # fmt: skip
    elif not ended.alone:  # the bulk call was refused for whichever of them: each is asked for alone
        change(
            session, row, to, kind="credential.goes_alone", actor=ACTOR, facts=facts, due_at=now, failed_at=now,
            **columns,
        )  # fmt: skip
    elif failure.kind == "rejected" and ended.errand.wants is Wanted.CORRECT:
        return outcome.not_correctable(session, case, row)
    elif failure.kind in {"rejected", "misconfigured"} or row.attempts + 1 >= ATTEMPTS:
        state = CredentialState.REJECTED if _has_no_credential(ended) else CredentialState(row.state)
        state = CredentialState.UNSURE if ended.exists else state
        to_person(session, case, row, error=failure.kind, reason=failure.detail, state=state)
    else:
        change(
            session, row, to, kind="credential.attempt_failed", actor=ACTOR, facts=facts,
            attempts=row.attempts + 1, due_at=now + settings().retry_interval, failed_at=now, **columns,
        )  # fmt: skip
    return []


def _given_back(ended: Ended, failure: Failure) -> tuple[CredentialState | None, dict[str, Any]]:
    """The state to which a failed call gives its row back, and since when there is doubt."""
    if ended.errand.wants is not Wanted.ISSUE:
        return None, {}
    if isinstance(failure, Unsure) or ended.exists:
        return CredentialState.UNSURE, {"unclear_since": clock.now()}
    return CredentialState.PLANNED, {"unclear_since": None}


def _has_no_credential(ended: Ended) -> bool:
    return ended.errand.wants in {Wanted.ISSUE, Wanted.LOOK_UP}


def _pause(session: Session, ended: Ended, failure: Throttled) -> None:
    """A 429: nobody calls until then, and the limit that was met is remembered. Our own pace is no 429."""
    if isinstance(failure, NoPlace):
        return
    learnt = learn(session, ended.account)
    pause(session, ended.account.name, failure.until)
    if learnt:
        log.warning("limit_learnt", account=ended.account.name, calls=learnt)
        alerts.learnt(session, ended.account, learnt)
    if failure.until > clock.now() + alerts.LONG_PAUSE:
        alerts.paused_by_platform(session, ended.account, failure.until)


def _open_outage(session: Session, ended: Ended, failure: Failure) -> None:
    if outage.failed(session, ended.account.name, failure.detail):
        log.error("outage_began", account=ended.account.name, reason=failure.detail)
    if isinstance(failure, Misconfigured):
        alerts.refused(session, ended.account, failure.detail)


def _its_own_fault(session: Session, row: CredentialRow) -> bool:
    """Whether the platform has served somebody else since this row last failed: then it is not the platform."""
    if row.failed_at is None:
        return False
    others = select(CredentialRow.id).where(
        CredentialRow.account == row.account, CredentialRow.confirmed_at > row.failed_at
    )
    return session.scalar(others.limit(1)) is not None
