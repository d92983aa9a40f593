"""Calls: what a pump asks of the platform for the errands it has taken, and how each of them ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from pipeline import clock
from pipeline.contracts import Account, Platform
from pipeline.errors import Duplicate, Failure, Rejected, Unsure
from pipeline.settings import settings
from pipeline.steps.lane.errands import Errand, Wanted
from pipeline.steps.turn import CRASHES
from pipeline.values import Issued

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Ended:
    """An errand that has ended: with what it found, with a failure, or with nothing found.

    `exists` says that the platform has the credential, whatever else went wrong. `alone`: it was no bulk call.
    """

    account: Account
    errand: Errand
    began: datetime
    found: Issued | None = None
    failure: Failure | None = None
    exists: bool = False
    alone: bool = True


def run(account: Account, errands: Sequence[Errand], platform: Platform) -> list[Ended]:
    """Make the calls. Never raises: what no adapter explains leaves as much doubt as a lost answer."""
    began = clock.now()
    in_time = began <= min(errand.until for errand in errands) - timedelta(seconds=2 * settings().call_timeout)
    if not in_time:
        return []  # this process was held up; the rows come back when their lease ends
    if len(errands) == 1:
        ended = _one(Ended(account=account, errand=errands[0], began=began), platform)
        return [ended]
    return _many(account, errands, platform, began)


def _one(blank: Ended, platform: Platform) -> Ended:
    """One errand, by itself."""
    try:
        if blank.errand.crashes >= CRASHES:
            raise Rejected(f"{CRASHES} workers died over it")
        found = _asked(blank.errand, platform)
    except Failure as failure:
        return _failed(blank, failure)
    except Exception as defect:
        log.exception("defect")
        return replace(blank, failure=Unsure(f"defect: {type(defect).__name__}"))
    return _made_live(blank, found, platform)


def _asked(errand: Errand, platform: Platform) -> Issued | None:
    if errand.wants is Wanted.CORRECT:
        return platform.correct(errand.order, errand.platform_ref)
    if errand.wants is Wanted.WITHDRAW:
        platform.withdraw(errand.platform_ref, errand.reason)
        return None
    if errand.wants is Wanted.LOOK_UP:
        return platform.find(errand.order)
    existing = platform.existing(errand.order) if platform.looks_first else None
    if existing:
        raise Duplicate(f"{platform.label} has it already", existing)
    return platform.issue(errand.order)


def _made_live(blank: Ended, found: Issued | None, platform: Platform) -> Ended:
    """What exists and is not live is brought to the learner in the same turn."""
    if found is None or found.live:
        return replace(blank, found=found)
    try:
        return replace(blank, found=platform.publish(blank.errand.order, found.platform_ref), exists=True)
    except Failure as failure:
        return replace(_failed(blank, failure), exists=True)
    except Exception as defect:
        log.exception("defect")
        return replace(blank, failure=Unsure(f"defect: {type(defect).__name__}"), exists=True)


def _many(account: Account, errands: Sequence[Errand], platform: Platform, began: datetime) -> list[Ended]:
    blanks = [Ended(account=account, errand=errand, began=began, alone=False) for errand in errands]
    try:
        results = platform.issue_many([errand.order for errand in errands])
        if len(results) != len(errands):
            raise Unsure(f"{platform.label} told of {len(results)} credentials instead of {len(errands)}")
    except Failure as failure:
        return [_failed(blank, failure) for blank in blanks]
    except Exception as defect:
        log.exception("defect")
        return [replace(blank, failure=Unsure(f"defect: {type(defect).__name__}")) for blank in blanks]
    return [
        _failed(replace(blank, alone=True), result)
        if isinstance(result, Failure)
        else replace(blank, found=result if result.live else None, exists=True)
        for blank, result in zip(blanks, results, strict=True)
    ]


def _failed(blank: Ended, failure: Failure) -> Ended:
    log.info("call_failed", kind=failure.kind, reason=failure.detail, wants=blank.errand.wants.value)
    existing = failure.existing if isinstance(failure, Duplicate) else None
    return replace(blank, failure=failure, exists=existing is not None)
