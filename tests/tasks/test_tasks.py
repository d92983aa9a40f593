"""The tasks carry ids and nothing else, outlive a broker that is away, and log nothing personal."""

from __future__ import annotations

import json
import logging
import sys

import pytest
import structlog

from pipeline.settings import Settings
from pipeline.steps.turn import WakeUp
from tasks import app, logs
from tasks.announce import announce, queue_of
from tasks.steps import gather_task, receive_task
from tests.driver import Driver


def test_issuing_goes_to_the_queue_of_its_account() -> None:
    assert queue_of(WakeUp(task="issue", id="accredible")) == "issue.accredible"
    assert queue_of(WakeUp(task="verify", id="case_1")) == "steps"


def test_a_broker_that_is_away_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(app, "send_task", away)
    assert announce([WakeUp(task="verify", id="case_1"), WakeUp(task="verify", id="case_2")]) == 0


def test_a_message_of_another_release_with_an_unknown_argument_still_runs(confer: Driver) -> None:
    confer.learner()
    delivery = confer.complete()
    confer.waiting.clear()
    receive_task(delivery, invented_later=True)
    gather_task(confer.case().id, invented_later=True)
    assert confer.case().stage == "verify"


def test_logs_are_json_with_the_ids_bound(confer_env: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    handlers = logging.getLogger().handlers
    try:
        logs.configure()
        structlog.contextvars.bind_contextvars(case="case_1", delivery="delivery_1")
        structlog.get_logger("pipeline.test").warning("case_held", reason="doubt")
        line = json.loads(capsys.readouterr().err)
    finally:
        structlog.contextvars.clear_contextvars()
        logging.getLogger().handlers = handlers
    assert (line["event"], line["case"], line["delivery"], line["level"]) == (
        "case_held", "case_1", "delivery_1", "warning",
    )  # fmt: skip


@pytest.mark.parametrize("logger", ["celery.app.trace", "gunicorn.error", "pipeline.steps.turn"])
def test_the_text_of_an_exception_is_never_written(
    confer_env: Settings, capsys: pytest.CaptureFixture[str], logger: str
) -> None:
    """It may quote an address, a name or a whole statement with its values."""
    handlers = logging.getLogger().handlers
    try:
        logs.configure()
        try:
            raise ValueError("ann.lee@example.org is already there")
        except ValueError as error:
            logging.getLogger(logger).error("Task failed: %s", error, exc_info=sys.exc_info())
        written = capsys.readouterr().err
    finally:
        logging.getLogger().handlers = handlers
    assert "ann.lee" not in written
    line = json.loads(written)
    assert line["exception"] == "ValueError"
    assert line["frames"]
