"""What staff is told (contract downstream/staff-alerts, 4). (Placeholder: the author of the channels replaces it.)"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Severity(StrEnum):
    """How loudly."""

    INFO = "info"
    WARNING = "warning"
    FAILURE = "failure"
    CRITICAL = "critical"


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One thing that staff has to know."""

    key: str
    severity: Severity
    title: str
    summary: str
    facts: tuple[tuple[str, str], ...] = ()
    url: str = ""


@dataclass(frozen=True, kw_only=True)
class Digest:
    """What has gathered for one channel."""

    alerts: tuple[Alert, ...]
    made_at: datetime
