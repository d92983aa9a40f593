"""The one source of time, so that every instant is timezone-aware and a test can choose the date."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

_frozen: datetime | None = None


def now() -> datetime:
    """The present instant in UTC."""
    return _frozen or datetime.now(UTC)


def monotonic() -> float:
    """Seconds on a clock that never goes back; for measuring how long something took."""
    return time.monotonic()


def sleep(seconds: float) -> None:
    """Wait. Only ever for a few seconds: longer waits are due dates in the database."""
    if seconds > 0:
        time.sleep(seconds)


@contextmanager
def frozen(at: datetime) -> Iterator[None]:
    """Hold the clock at one instant, in this process; for tests and rehearsals.

    Raises:
        ValueError: the instant carries no timezone.
    """
    global _frozen  # noqa: PLW0603 - the clock is the one piece of process-wide state
    if at.tzinfo is None:
        raise ValueError("an instant needs a timezone")
    before, _frozen = _frozen, at.astimezone(UTC)
    try:
        yield
    finally:
        _frozen = before
