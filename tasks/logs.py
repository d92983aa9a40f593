"""JSON logs with the delivery's or the case's id, and without anything personal.

Exceptions of libraries may quote addresses, names or whole SQL statements, so of an exception only its type and
the places it came through are written; our own failures say what they have to say without personal data.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any

import structlog
from celery import signals

from pipeline.settings import settings
from pipeline.store.database import forget_engine


def configure() -> None:
    """Send structlog and the standard loggers through the same JSON lines on standard error."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _exception_without_text,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(default=str),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings().log_level)
    for noisy in ("kombu", "urllib3", "amqp", "celery.worker.strategy", "celery.app.trace"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def connect() -> None:
    """Configure logs when a Celery process sets up its own, and bind the ids of each task."""
    signals.setup_logging.connect(_on_setup, weak=False)
    signals.task_prerun.connect(_on_start, weak=False)
    signals.task_postrun.connect(_on_end, weak=False)
    signals.worker_process_init.connect(_on_fork, weak=False)


def _exception_without_text(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    found = event.pop("exc_info", None)
    if found is True:
        found = sys.exc_info()
    if isinstance(found, BaseException):
        found = (type(found), found, found.__traceback__)
    record = event.get("_record")
    if isinstance(record, logging.LogRecord) and record.exc_info:
        found = record.exc_info
        event["event"] = "exception"  # the line of a library quotes the text of the exception
    if isinstance(found, tuple) and found[0] is not None:
        event["exception"] = found[0].__name__
        event["frames"] = [
            f"{frame.name} ({frame.filename}:{frame.lineno})" for frame in traceback.extract_tb(found[2])
        ][-20:]
    return event


def _on_setup(**_: Any) -> None:
    configure()


def _on_start(task: Any = None, args: Any = None, **_: Any) -> None:
    structlog.contextvars.clear_contextvars()
    name = str(getattr(task, "name", "")).removeprefix("confer.")
    structlog.contextvars.bind_contextvars(task=name, **({"subject": str(args[0])} if args else {}))


def _on_end(**_: Any) -> None:
    structlog.contextvars.clear_contextvars()


def _on_fork(**_: Any) -> None:
    forget_engine()
