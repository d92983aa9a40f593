"""Status, health and metrics: they tell operators what is so, and nobody anything personal."""

from __future__ import annotations

import pytest

from pipeline.settings import settings
from pipeline.steps.sweep import sweep
from pipeline.store.database import forget_engine
from tests.driver import Driver


def test_the_status_page_shows_each_stage_and_nothing_personal(confer: Driver) -> None:
    confer.learner()
    event = confer.control.complete(307, 12, score="91.5", send=confer._dry())
    link = confer.post(event["raw"]).get_json()["status"]
    confer.drain()
    page = confer.web.get(link, headers={"Accept": "text/html"})
    told = confer.web.get(link, headers={"Accept": "application/json"}).get_json()
    assert page.status_code == 200
    assert page.headers["Cache-Control"] == "no-store"
    assert [case["stage"] for case in told["cases"]] == ["done"]
    moves = [entry["to"] for entry in told["cases"][0]["history"] if "to" in entry]
    assert [move for move in moves if move in {"verify", "issue", "notify", "downstream", "done"}] == [
        "verify", "issue", "notify", "downstream", "done",
    ]  # fmt: skip
    for personal in ("Ada", "Lovelace", "learners.example"):
        assert personal not in page.get_data(as_text=True)
        assert personal not in str(told)


@pytest.mark.parametrize("link", ["nonsense", "ImRlbGl2ZXJ5XzEi.c2lnbmF0dXJl", "%00"])
def test_a_link_that_we_did_not_make_shows_nothing(confer: Driver, link: str) -> None:
    answer = confer.web.get(f"/status/{link}")
    assert answer.status_code == 404
    assert answer.content_type == "application/problem+json"


def test_ready_tells_the_age_of_the_tick(confer: Driver) -> None:
    before = confer.web.get("/health/ready").get_json()
    assert (before["status"], before["tick"]["ok"]) == ("degraded", False)
    sweep()
    assert confer.web.get("/health/ready").get_json()["tick"] == {"ok": True, "age_seconds": 0.0}
    confer.clock.forward(3600)
    late = confer.web.get("/health/ready")
    assert late.status_code == 200
    assert late.get_json()["tick"]["ok"] is False
    assert confer.web.get("/health/ready?strict=1").status_code == 503


def test_without_a_database_it_lives_and_is_not_ready(confer: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    settings.cache_clear()
    forget_engine()
    assert confer.web.get("/health/live").status_code == 200
    answer = confer.web.get("/health/ready")
    assert answer.status_code == 503
    assert answer.get_json()["database"]["ok"] is False


def test_a_broker_that_is_away_does_not_make_the_receiver_unready(
    confer: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep()
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    settings.cache_clear()
    answer = confer.web.get("/health/ready")
    assert answer.status_code == 200
    assert answer.get_json()["status"] == "degraded"
    assert answer.get_json()["broker"]["ok"] is False


def test_metrics_count_cases_and_credentials(confer: Driver) -> None:
    confer.learner()
    confer.complete()
    confer.drain()
    confer.learner(308)
    confer.complete(308, score="80.5")
    confer.drain()
    text = confer.web.get("/metrics").get_data(as_text=True)
    assert 'confer_credentials_confirmed{account="badges"} 1.0' in text
    assert 'confer_cases{stage="held"} 1.0' in text
    assert "learners.example" not in text


def test_metrics_are_for_who_has_the_token(confer: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    assert confer.web.get("/metrics", environ_base={"REMOTE_ADDR": "192.0.2.1"}).status_code == 401
    monkeypatch.setenv("CONFER_METRICS_TOKEN", "token-of-prometheus")
    settings.cache_clear()
    assert confer.web.get("/metrics").status_code == 401
    wrong = confer.web.get("/metrics", headers={"Authorization": "Bearer ü"})
    assert wrong.status_code == 401
    right = confer.web.get("/metrics", headers={"Authorization": "Bearer token-of-prometheus"})
    assert right.status_code == 200
