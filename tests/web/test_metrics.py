"""Metrics: read from the rows, for whoever has the token, and with nobody's name in them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pipeline.steps.lane.operating import pause_lane
from pipeline.store.database import transaction
from pipeline.traffic import outage
from tests.driver import Driver

MakeDriver = Callable[..., Driver]


def values(confer: Driver) -> dict[tuple[str, ...], float]:
    answer = confer.web.get("/metrics")
    assert answer.status_code == 200
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.get_data(as_text=True))
        for sample in family.samples
    }


def test_without_a_token_only_this_machine_is_answered(confer: Driver) -> None:
    for address, status in (("127.0.0.1", 200), ("::1", 200), ("10.0.0.7", 401), ("203.0.113.9", 401)):
        assert confer.web.get("/metrics", environ_base={"REMOTE_ADDR": address}).status_code == status


def test_a_forwarded_address_is_believed_only_from_a_trusted_proxy(make_driver: MakeDriver) -> None:
    claimed = {"X-Forwarded-For": "127.0.0.1"}
    confer = make_driver()
    answer = confer.web.get("/metrics", headers=claimed, environ_base={"REMOTE_ADDR": "203.0.113.9"})
    assert answer.status_code == 401


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded"])
def test_a_proxy_on_this_machine_is_not_this_machine(confer: Driver, header: str) -> None:
    answer = confer.web.get("/metrics", headers={header: "203.0.113.9"}, environ_base={"REMOTE_ADDR": "127.0.0.1"})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("Bearer the-metrics-token", 200), ("bearer the-metrics-token", 200), (None, 401), ("Bearer x", 401),
        ("Bearer", 401), ("Basic dGhlLW1ldHJpY3MtdG9rZW4=", 401), ("Bearer \xff\xfe", 401),
    ],
)  # fmt: skip
def test_with_a_token_only_who_has_it_is_answered_from_wherever(
    make_driver: MakeDriver, header: str | None, status: int
) -> None:
    confer = make_driver(CONFER_METRICS_TOKEN="the-metrics-token")
    environ = {"HTTP_AUTHORIZATION": header} if header else {}
    for address in ("127.0.0.1", "203.0.113.9"):
        answer = confer.web.get("/metrics", environ_overrides=environ, environ_base={"REMOTE_ADDR": address})
        assert answer.status_code == status
        if status == 401:
            assert answer.content_type == "application/problem+json"


def test_what_is_counted(confer: Driver) -> None:
    assert values(confer)["confer_tick_age_seconds",] == -1
    confer.learner(401)
    confer.complete(401)
    confer.learner(402)
    confer.complete(402, score="80")
    confer.learner(403)
    confer.complete_at_accredible(403)
    confer.complete(403, course=11)
    assert values(confer)["confer_deliveries_waiting",] == 4
    confer.control.fault("accredible", "status", status=503)
    confer.drain()
    confer.clock.forward(30)
    found = values(confer)
    assert found["confer_cases", "held"] == 1
    assert found["confer_cases", "issue"] == 1
    assert found["confer_cases", "gather"] == 0
    assert found["confer_credentials_confirmed", "badges"] == 1
    assert found["confer_credentials_waiting", "accredible"] == 1
    assert found["confer_account_down_seconds", "accredible"] == pytest.approx(30, abs=1)
    assert found["confer_deliveries_held",] == 1
    assert found["confer_deliveries_waiting",] == 0


def test_the_oldest_due_case_of_each_stage_is_told(confer: Driver) -> None:
    confer.learner()
    confer.complete()
    confer.until("gather")
    confer.clock.forward(75)
    assert values(confer)["confer_overdue_seconds", "gather"] == pytest.approx(75, abs=1)


def test_nobody_s_name_is_in_them(confer: Driver) -> None:
    email = confer.learner(name="Zebulon Quirke")
    confer.complete(score="80")
    confer.drain()
    with transaction() as session:
        outage.failed(session, "badges", "answered 503")
    text = confer.web.get("/metrics").get_data(as_text=True)
    assert "Quirke" not in text
    assert email not in text


def test_the_lanes_tell_their_limit_their_pause_and_how_long_the_backlog_takes(confer: Driver) -> None:
    confer.learner()
    confer.complete_at_accredible()
    while any(wakeup.task != "issue" for wakeup in confer.waiting):
        confer.waiting.extend(confer.step(confer.waiting.popleft()))
    found = values(confer)
    assert found["confer_account_limit_calls_per_second", "accredible"] == pytest.approx(100 / 60)
    assert found["confer_account_paused", "accredible"] == 0
    assert found["confer_account_backlog_seconds", "accredible"] > 0
    assert ("confer_account_limit_calls_per_second", "badges") not in found
    pause_lane("accredible", actor="person:ada", reason="maintenance")
    found = values(confer)
    assert found["confer_account_paused", "accredible"] == 1
    assert ("confer_account_backlog_seconds", "accredible") not in found
