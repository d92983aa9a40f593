"""Counts arrivals exactly and, where a limit is set, refuses what goes over it.

A platform's limit is the promise that is easiest to break with many workers. So the sandbox keeps the time of
every arrival and can say afterwards how many fell into the worst window, also where nothing was refused.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Limit:
    """At most `calls` in any `window_seconds`. None as `calls` only measures; without `enforce` it only counts."""

    calls: int | None = None
    window_seconds: float = 60.0
    retry_after: bool = False
    enforce: bool = True


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A call over the limit. `retry_after` is in whole seconds, None where the system does not say."""

    retry_after: int | None


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Where a limit stands: None as `calls` and `remaining` where there is none; seconds until calls come free."""

    calls: int | None
    remaining: int | None
    resets_in: float


def most_in_window(arrivals: Sequence[float], window: float) -> int:
    """The largest number of arrivals in any window. Two that lie a full window apart do not share one."""
    most = first = 0
    for last, moment in enumerate(arrivals):
        while arrivals[first] <= moment - window:
            first += 1
        most = max(most, last - first + 1)
    return most


class Rate:
    """The arrivals at one system."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._limit = Limit()
        self._arrivals: list[float] = []
        self._admitted: deque[float] = deque()
        self._over = 0
        # the offset turns the monotonic clock, which no time correction can disturb, into a time of day
        self._offset = time.time() - time.monotonic()

    def set(self, limit: Limit) -> None:
        """Use this limit from now on; what arrived before no longer counts."""
        with self._lock:
            self._limit = limit
            self._arrivals.clear()
            self._admitted.clear()
            self._over = 0

    def arrive(self) -> Refusal | None:
        """Record an arrival. A refused call is recorded but does not use up the window."""
        with self._lock:
            now = time.monotonic()
            self._arrivals.append(now)
            limit = self._limit
            if limit.calls is None:
                return None
            while self._admitted and self._admitted[0] <= now - limit.window_seconds:
                self._admitted.popleft()
            if len(self._admitted) < limit.calls:
                self._admitted.append(now)
                return None
            self._over += 1
            if not limit.enforce:
                self._admitted.append(now)
                return None
            return Refusal(retry_after=self._wait(now, limit) if limit.retry_after else None)

    def _wait(self, now: float, limit: Limit) -> int:
        if not self._admitted:
            return math.ceil(limit.window_seconds)
        return max(1, math.ceil(self._admitted[0] + limit.window_seconds - now))

    def standing(self) -> Standing:
        """The limit and what is left of it, as some systems tell in their headers."""
        with self._lock:
            now, limit = time.monotonic(), self._limit
            used = [moment for moment in self._admitted if moment > now - limit.window_seconds]
            first = used[0] if used else now
            return Standing(
                calls=limit.calls,
                remaining=None if limit.calls is None else max(0, limit.calls - len(used)),
                resets_in=max(0.0, first + limit.window_seconds - now),
            )

    def report(self, window_seconds: float | None = None) -> dict[str, Any]:
        """What arrived. Another window than the limit's can be asked for."""
        with self._lock:
            arrivals, limit, over = list(self._arrivals), self._limit, self._over
        window = window_seconds or limit.window_seconds
        return {
            "limit": limit.calls,
            "window_seconds": window,
            "retry_after": limit.retry_after,
            "enforce": limit.enforce,
            "calls": len(arrivals),
            "over_limit": over,
            "max_in_window": most_in_window(arrivals, window),
            "first_at": arrivals[0] + self._offset if arrivals else None,
            "last_at": arrivals[-1] + self._offset if arrivals else None,
        }


class Rates:
    """One `Rate` for each system."""

    def __init__(self, systems: Iterable[str]) -> None:
        self._rates = {system: Rate() for system in systems}

    def __getitem__(self, system: str) -> Rate:
        return self._rates[system]

    def __contains__(self, system: object) -> bool:
        return system in self._rates

    def reset(self) -> None:
        """Forget the limits and the arrivals."""
        for rate in self._rates.values():
            rate.set(Limit())
