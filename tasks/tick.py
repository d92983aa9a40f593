"""The tick as a Celery task, sent by beat. Two at once do no harm."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from pipeline.steps.sweep import sweep
from pipeline.watch.nightly import due_drift
from pipeline.watch.rechecks import due_rechecks
from tasks.announce import announce, waiting


@shared_task(name="confer.tick")
def tick_task(**_: Any) -> None:
    """Announce again what is due and was lost."""
    announce(sweep(waiting=waiting("steps")))
    announce(due_drift())
    announce(due_rechecks())
