"""What the matrix is made of: faults, the moments at which each can strike, and the cells that follow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

#: the bound on one call in the matrix, in seconds: a time-out is waited for, so it is short
TIMEOUT = 1.0


class Moment(StrEnum):
    """When a fault strikes, seen from the call that issues."""

    BEFORE_CALL = "before the call"
    DURING = "during the call, before the platform commits"
    AFTER_PLATFORM = "after the platform committed"
    BEFORE_COMMIT = "before our commit"
    BETWEEN_COMMITS = "between our commits"
    LOOK_UP = "after the platform committed, and again at the look-up"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One kind of trouble. `kind` and `more` are what the sandbox is told; without `kind` it is made in process."""

    name: str
    moments: tuple[Moment, ...]
    kind: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)


_ANSWER = (Moment.DURING, Moment.AFTER_PLATFORM, Moment.LOOK_UP)

KILL = Fault(name="kill -9", moments=tuple(Moment)[:5])
DNS = Fault(name="DNS failure", moments=(Moment.BEFORE_CALL,))
TLS = Fault(name="TLS failure", moments=(Moment.BEFORE_CALL,))
FAULTS = (
    KILL,
    DNS,
    TLS,
    Fault(name="timeout", kind="hang", more={"seconds": 3 * TIMEOUT}, moments=_ANSWER),
    Fault(name="connection reset", kind="drop_before", moments=_ANSWER),
    Fault(name="500", kind="status", more={"status": 500}, moments=_ANSWER),
    # says that nothing was done, so it cannot come after the platform has committed
    Fault(name="429", kind="throttle", more={"retry_after": 3}, moments=(Moment.DURING,)),
    Fault(name="malformed 200", kind="garbage", moments=_ANSWER),
    Fault(name="empty 200", kind="empty_200", moments=_ANSWER),
    Fault(name="202", kind="status", more={"status": 202}, moments=_ANSWER),
    Fault(name="HTML page", kind="html", moments=_ANSWER),
    Fault(name="redirect", kind="redirect", moments=_ANSWER),
    # the body is what trickles, so the platform has always committed
    Fault(
        name="slow loris body", kind="slow_body", more={"seconds": 4 * TIMEOUT},
        moments=(Moment.AFTER_PLATFORM, Moment.LOOK_UP),
    ),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One fault at one moment at one platform, with so many learners in one call."""

    platform: str
    learners: int
    fault: Fault
    moment: Moment

    @property
    def row(self) -> str:
        """The platform as the table names it."""
        return self.platform if self.learners == 1 else f"{self.platform}, bulk call"

    def __str__(self) -> str:
        return f"{self.row}-{self.fault.name}-{self.moment.name}".replace(" ", "_")


def cells(bulk: Mapping[str, int], in_process: frozenset[str]) -> Iterator[Cell]:
    """Every cell there is.

    Args:
        bulk: the platforms, each with its largest bulk call.
        in_process: those that are not called over a network: for them only a worker can die.
    """
    for platform, most in bulk.items():
        for learners in (1, 3) if most > 1 else (1,):
            for fault in FAULTS if platform not in in_process else (KILL,):
                for moment in fault.moments:
                    yield Cell(platform=platform, learners=learners, fault=fault, moment=moment)
