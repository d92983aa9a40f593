"""What an LMS offers: its courses, and what becomes of an enrolment in one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, kw_only=True)
class Course:
    """A course of an LMS, as far as it matters for drift. `completes`: whether it can be completed at all."""

    ref: str
    code: str
    title: str
    open: bool = True
    completes: bool | None = None
    reason: str = ""


class EnrolmentState(StrEnum):
    """What became of an enrolment."""

    MADE = "made"
    EXISTED = "existed"
    WAITING = "waiting"  # on the course's waiting list
