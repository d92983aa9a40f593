"""Metrics for Prometheus, read from the database when asked, so that every process tells the same."""

from __future__ import annotations

import hmac
from collections.abc import Iterator

from flask import Blueprint, Response, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pipeline import clock
from pipeline.settings import settings
from pipeline.stages import STEPS, Stage
from pipeline.steps.lane.operating import counts, lanes
from pipeline.steps.sweep import last_tick_age
from pipeline.store.cases import Case
from pipeline.store.credentials import CredentialRow
from pipeline.store.database import reading
from pipeline.store.deliveries import Delivery, DeliveryState
from pipeline.webhook import bearer
from web.guards import guard
from web.problems import Problem

metrics = Blueprint("metrics", __name__)

_OPEN = (*STEPS, Stage.HELD, Stage.FAILED)


@metrics.get("/metrics")
@guard("token")
def show() -> Response:
    """The metrics, for who has the token, or without one for callers on this machine."""
    token = settings().metrics_token
    if token:
        given = bearer({name.lower(): value for name, value in request.headers.items()})
        allowed = hmac.compare_digest(given.encode("utf-8", "surrogatepass"), token.encode())
    else:
        # a proxy on this machine speaks for somebody else
        forwarded = "X-Forwarded-For" in request.headers or "Forwarded" in request.headers
        allowed = request.remote_addr in {"127.0.0.1", "::1"} and not forwarded
    if not allowed:
        raise Problem(
            401, "Not authenticated", "Send `Authorization: Bearer` with the value of CONFER_METRICS_TOKEN."
        )
    registry = CollectorRegistry()
    registry.register(_Rows())
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class _Rows(Collector):
    """Gauges over indexes; no table is read as a whole."""

    def collect(self) -> Iterator[Metric]:
        with reading() as session:
            yield from _cases(session)
            yield from _accounts(session)
            yield from _deliveries(session)
        age = last_tick_age()
        yield _gauge("confer_tick_age_seconds", "Seconds since the last tick", -1 if age is None else age)


def _gauge(name: str, help_text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, help_text, value=value)


def _cases(session: Session) -> Iterator[Metric]:
    rows = session.execute(
        select(Case.stage, func.count(), func.min(Case.due_at))
        .where(Case.stage.in_([stage.value for stage in _OPEN]))
        .group_by(Case.stage)
    ).all()
    counts = {stage: (count, due) for stage, count, due in rows}
    number = GaugeMetricFamily("confer_cases", "Cases by stage, without ended ones", labels=["stage"])
    overdue = GaugeMetricFamily("confer_overdue_seconds", "By how much the oldest due case is late", labels=["stage"])
    for stage in _OPEN:
        count, due = counts.get(stage.value, (0, None))
        number.add_metric([stage.value], count)
        if stage in STEPS:
            overdue.add_metric([stage.value], max(0.0, (clock.now() - due).total_seconds()) if due else 0.0)
    yield number
    yield overdue


def _accounts(session: Session) -> Iterator[Metric]:
    def gauge(name: str, help_text: str) -> GaugeMetricFamily:
        return GaugeMetricFamily(name, help_text, labels=["account"])

    waiting = gauge("confer_credentials_waiting", "Credentials not yet confirmed")
    confirmed = gauge("confer_credentials_confirmed", "Credentials ever confirmed")
    down = gauge("confer_account_down_seconds", "For how long a platform has been down")
    paused = gauge("confer_account_paused", "1 while a person has stopped the account")
    limit = gauge("confer_account_limit_calls_per_second", "The limit in force, where there is one")
    left = gauge("confer_account_backlog_seconds", "When what waits will be done, where it can be told")
    done, now = counts(session, CredentialRow.confirmed_at.is_not(None)), clock.now()
    for lane in lanes():
        account = [lane.account]
        waiting.add_metric(account, lane.waiting + lane.later)
        confirmed.add_metric(account, done.get(lane.account, 0))
        down.add_metric(account, (now - lane.down_since).total_seconds() if lane.down_since else 0.0)
        paused.add_metric(account, lane.paused_at is not None)
        if lane.calls and lane.per_seconds:
            limit.add_metric(account, lane.calls / lane.per_seconds)
        if lane.done_about:
            left.add_metric(account, (lane.done_about - now).total_seconds())
    yield from (waiting, confirmed, down, paused, limit, left)


def _deliveries(session: Session) -> Iterator[Metric]:
    def count(*conditions: object) -> int:
        return session.scalar(select(func.count()).select_from(Delivery).where(*conditions)) or 0  # type: ignore[arg-type]

    yield _gauge("confer_deliveries_waiting", "Stored, not yet received", count(Delivery.due_at.is_not(None)))
    held = count(Delivery.state == DeliveryState.HELD.value)
    yield _gauge("confer_deliveries_held", "Deliveries that need an administrator", held)
