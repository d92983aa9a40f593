"""Wake-ups: sent after the commit, best effort. A lost one is repeated by the tick."""

from __future__ import annotations

from collections.abc import Iterable

import structlog
from celery import current_app
from celery.exceptions import QueueNotFound
from kombu.exceptions import ChannelError, OperationalError

from pipeline.stages import Stage
from pipeline.steps.turn import WakeUp

log = structlog.get_logger(__name__)


def queue_of(wakeup: WakeUp) -> str:
    """The queue a wake-up belongs to: that of the account for issuing, else the steps."""
    return f"issue.{wakeup.id}" if wakeup.task == Stage.ISSUE else "steps"


def announce(wakeups: Iterable[WakeUp]) -> int:
    """Send wake-ups; returns how many the broker took. Never raises for a broker that is
    away, nor for a queue that is gone."""
    sent = 0
    for wakeup in wakeups:
        try:
            current_app.send_task(f"confer.{wakeup.task}", args=[wakeup.id], queue=queue_of(wakeup), retry=False)
        except QueueNotFound:
            # the account is gone from the configuration since the row was written; the others still get theirs
            log.error("queue_missing", task=wakeup.task, queue=queue_of(wakeup))
            continue
        except (OperationalError, OSError) as lost:
            # the rest would only wait for the same time-out
            log.warning("wakeup_lost", error=type(lost).__name__)
            return sent
        sent += 1
    return sent


def waiting(queue: str) -> int:
    """How many messages wait in a queue; 0 when the broker does not say."""
    try:
        with current_app.connection_for_read() as connection, connection.channel() as channel:
            return int(channel.queue_declare(queue=queue, passive=True).message_count)
    except ChannelError:
        return 0  # Redis knows no empty list
    except (OperationalError, OSError) as lost:
        log.warning("broker_away", error=type(lost).__name__)
        return 0
