"""What staff is told, and what a channel is that tells it (contract downstream/staff-alerts, 4)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from marshmallow import Schema


class Severity(StrEnum):
    """How loudly, from the least important."""

    INFO = "info"
    WARNING = "warning"
    FAILURE = "failure"
    CRITICAL = "critical"


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One thing that staff has to know: ids, programs and classes of errors, never a name, an address or a score."""

    key: str
    severity: Severity
    title: str
    summary: str
    facts: tuple[tuple[str, str], ...] = ()
    url: str = ""


@dataclass(frozen=True, kw_only=True)
class Digest:
    """What has gathered for one channel. `queue` is where all of it is found; `more` waits for the next digest."""

    alerts: tuple[Alert, ...]
    made_at: datetime
    queue: str = ""
    more: int = 0


class Channel(ABC):
    """One way to tell staff, as `staff.yaml` sets it up. `options` checks what it may say there."""

    name: ClassVar[str]
    label: ClassVar[str]
    options: ClassVar[type[Schema]]

    @abstractmethod
    def __init__(self, options: Mapping[str, Any]) -> None:
        """Take the checked options."""

    @abstractmethod
    def send(self, digest: Digest) -> None:
        """Send one message.

        Raises:
            Throttled: not before a time. Outage: certainly not sent. Unsure: perhaps sent; to send it again is
                better than to say nothing. Rejected, Misconfigured: an administrator has to look.
        """
