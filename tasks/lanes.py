"""The lanes as a Celery task: `confer.issue` pumps one platform account for a slice, and hands over."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from pipeline.stages import Stage
from pipeline.steps.issue import pump
from pipeline.steps.turn import WakeUp
from tasks.announce import announce


@shared_task(name="confer.issue")
def issue_task(account: str, **_: Any) -> None:
    """Issue what is due at one platform account."""
    if pump(account, announce):
        announce([WakeUp(task=Stage.ISSUE.value, id=account)])
