"""Lanes as an operator sees and moves them: what waits at each account, how fast it goes, when it will be done.

A person may pause an account, have it go on, and change its rate while everything runs; every process heeds that
with its next call, and the ledger keeps who did it and why.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from pipeline import clock
from pipeline.adapters import PLATFORMS
from pipeline.audit.trail import record
from pipeline.configuration.loading import configuration
from pipeline.contracts import Account
from pipeline.errors import Misconfigured
from pipeline.stages import Stage
from pipeline.steps.turn import WakeUp
from pipeline.store.credentials import CredentialRow
from pipeline.store.database import reading, transaction
from pipeline.store.lanes import Lane
from pipeline.traffic import pumps
from pipeline.traffic.lane import locked_lane
from pipeline.traffic.limits import in_force, set_rate
from pipeline.values import Rate


@dataclass(frozen=True, kw_only=True)
class LaneStanding:
    """One account's lane now. `waiting` are due, `later` are due later: in a review window, between attempts.

    `done_about` is None where nothing waits, where nothing goes (paused, down), and where there is no limit by which
    it could be told. `at_once`: credentials in one call. `in_flight`: calls at once.
    """

    account: str
    platform: str
    waiting: int
    later: int
    calls: int | None
    per_seconds: float | None
    #: where `calls` comes from: accounts.yaml, a person, or what the platform was seen to take
    limit_from: str
    learnt_until: datetime | None
    at_once: int
    in_flight: int
    done_about: datetime | None
    down_since: datetime | None
    down_reason: str | None
    blocked_until: datetime | None
    paused_at: datetime | None
    paused_by: str | None
    pause_reason: str | None


def lanes() -> tuple[LaneStanding, ...]:
    """Every account's lane, by name."""
    now = clock.now()
    with reading() as session:
        due = counts(session, CredentialRow.due_at <= now)
        later = counts(session, CredentialRow.due_at > now)
        rows = {lane.account: lane for lane in session.scalars(select(Lane))}
    return tuple(
        _standing(account, rows.get(name), due.get(name, 0), later.get(name, 0))
        for name, account in sorted(configuration().platforms.items())
    )


def pause_lane(account: str, *, actor: str, reason: str) -> None:
    """Have nobody call an account until somebody lets it go on. What is due waits and loses no attempt.

    Args:
        actor: the person, for the ledger: `person:jdoe`.

    Raises:
        Misconfigured: there is no such account.
    """
    _known(account)
    with transaction() as session:
        lane = locked_lane(session, account)
        if lane.paused_at is None:
            lane.paused_at, lane.paused_by, lane.pause_reason = clock.now(), actor[:120], reason[:300]
            _record(session, account, kind="lane.paused", actor=actor, facts={"reason": reason})


def resume_lane(account: str, *, actor: str, reason: str) -> list[WakeUp]:
    """Have a paused account go on; also try at once one that is down, or that asked for a pause.

    Raises:
        Misconfigured: there is no such account.
    """
    found = _known(account)
    with transaction() as session:
        lane = locked_lane(session, account)
        lane.paused_at = lane.paused_by = lane.pause_reason = None
        lane.blocked_until = None
        lane.probe_at = clock.now() if lane.down_since else None
        _record(session, account, kind="lane.resumed", actor=actor, facts={"reason": reason})
    return [WakeUp(task=Stage.ISSUE.value, id=account) for _ in range(pumps.wanted(found))]


def rate_lane(account: str, rate: Rate | None, *, actor: str, reason: str) -> None:
    """Call an account at this rate from now on; None: as accounts.yaml says.

    Raises:
        Misconfigured: there is no such account, or it has no limit.
    """
    found = _known(account)
    if found.rate is None:
        raise Misconfigured(f"{account} has no limit that could be changed")
    with transaction() as session:
        set_rate(session, found, rate)
        limit = {"calls": rate.calls, "per_seconds": rate.window.total_seconds()} if rate else {}
        _record(session, account, kind="lane.rated", actor=actor, facts={"reason": reason, **limit})


def _known(account: str) -> Account:
    accounts = configuration().platforms
    if account not in accounts:
        raise Misconfigured(f"there is no platform account {account}; known: {', '.join(sorted(accounts))}")
    return accounts[account]


def _record(session: Session, account: str, *, kind: str, actor: str, facts: Mapping[str, Any]) -> None:
    record(session, subject=f"lane:{account}", kind=kind, actor=actor, facts=facts, rule_version=None)


def counts(session: Session, condition: ColumnElement[bool]) -> dict[str, int]:
    """How many credentials fulfil a condition, by account; an account without any is left out."""
    query = select(CredentialRow.account, func.count()).where(condition).group_by(CredentialRow.account)
    return {account: count for account, count in session.execute(query)}  # noqa: C416 - a row is no pair to mypy


def _standing(account: Account, lane: Lane | None, waiting: int, later: int) -> LaneStanding:
    adapter, rate = PLATFORMS[account.adapter], in_force(lane, account.rate)
    at_once = adapter.at_once(account)
    learnt = bool(lane and rate and lane.learnt_calls == rate.calls and lane.learnt_until)
    asked_until = lane.blocked_until if lane else None
    set_by_person = bool(lane and lane.rate_calls)
    return LaneStanding(
        account=account.name,
        platform=adapter.label,
        waiting=waiting,
        later=later,
        calls=rate.calls if rate else None,
        per_seconds=rate.window.total_seconds() if rate else None,
        limit_from="learnt from a 429" if learnt else "set by a person" if set_by_person else "accounts.yaml",
        learnt_until=lane.learnt_until if lane and learnt else None,
        at_once=at_once,
        in_flight=pumps.wanted(account),
        done_about=_done_about(lane, rate, waiting, at_once * (1 if not adapter.looks_first else 0.5)),
        down_since=lane.down_since if lane else None,
        down_reason=lane.down_reason if lane else None,
        blocked_until=asked_until if asked_until and asked_until > clock.now() else None,
        paused_at=lane.paused_at if lane else None,
        paused_by=lane.paused_by if lane else None,
        pause_reason=lane.pause_reason if lane else None,
    )


def _done_about(lane: Lane | None, rate: Rate | None, waiting: int, per_call: float) -> datetime | None:
    """When what waits will be done, at the pace in force: one count divided by the pace."""
    if rate is None or not waiting or (lane and (lane.paused_at or lane.down_since)):
        return None
    begins = max(clock.now(), (lane and lane.blocked_until) or clock.now())
    calls = math.ceil(waiting / per_call)
    return begins + timedelta(seconds=calls * rate.window.total_seconds() / rate.calls)
