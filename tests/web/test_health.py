"""Health: whether the process lives, and whether it can take deliveries; what is late is told and not hidden."""

from __future__ import annotations

import pytest

from pipeline.settings import settings
from pipeline.steps.sweep import sweep
from pipeline.store.database import forget_engine
from tests.driver import Driver


def test_it_lives_whatever_else_is_broken(confer: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://confer@127.0.0.1:9/confer")
    settings.cache_clear()
    forget_engine()
    answer = confer.web.get("/health/live")
    assert (answer.status_code, answer.get_json()) == (200, {"status": "ok"})


def test_ready_with_a_tick_and_a_broker(confer: Driver) -> None:
    (settings().data / "broker" / "messages").mkdir(parents=True)
    sweep()
    answer = confer.web.get("/health/ready?strict=1")
    assert answer.status_code == 200, answer.get_json()
    assert answer.get_json()["status"] == "ok"
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("missing", ["tick", "broker", "late tick"])
def test_a_broker_or_tick_that_is_away_is_told_and_fails_only_when_asked_strictly(
    confer: Driver, missing: str
) -> None:
    if missing != "broker":
        (settings().data / "broker" / "messages").mkdir(parents=True)
    if missing != "tick":
        sweep()
    if missing == "late tick":
        confer.clock.forward(120)
    usual, strict = confer.web.get("/health/ready"), confer.web.get("/health/ready?strict=1")
    assert (usual.status_code, usual.get_json()["status"]) == (200, "degraded")
    assert (strict.status_code, strict.get_json()["status"]) == (503, "failing")
    assert not usual.get_json()["broker" if missing == "broker" else "tick"]["ok"]


def test_a_redis_that_is_away_is_told_within_seconds(confer: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:9/0")
    settings.cache_clear()
    assert confer.web.get("/health/ready").get_json()["broker"] == {"ok": False, "reason": "ConnectionError"}


def test_without_the_database_it_is_not_ready(confer: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://confer:hunter2@127.0.0.1:9/confer")
    settings.cache_clear()
    forget_engine()
    answer = confer.web.get("/health/ready")
    assert answer.status_code == 503
    assert not answer.get_json()["database"]["ok"]
    assert "hunter2" not in answer.get_data(as_text=True)
