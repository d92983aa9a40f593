"""The log of calls: which system was called when, and what it answered. Never a body, never a header."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

_KEPT = 100_000


@dataclass(kw_only=True)
class Call:
    """One call. `status` stays None while it is open and where the connection was cut without an answer."""

    number: int
    system: str
    method: str
    path: str
    at: float
    operation: str | None = None
    status: int | None = None
    fault: str | None = None
    open: bool = True
    milliseconds: float | None = None
    started: float = field(default_factory=time.monotonic)

    def end(self, status: int | None) -> None:
        """Note the answer."""
        self.status = status
        self.open = False
        self.milliseconds = round((time.monotonic() - self.started) * 1000, 3)

    def plain(self) -> dict[str, Any]:
        """As JSON shows it."""
        names = ("number", "system", "method", "path", "operation", "status", "fault", "open", "at", "milliseconds")
        return {name: getattr(self, name) for name in names}


class Calls:
    """The last calls, oldest first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: deque[Call] = deque(maxlen=_KEPT)
        self._number = 0

    def begin(self, system: str, method: str, path: str, operation: str | None = None) -> Call:
        """Note that a call came in."""
        with self._lock:
            self._number += 1
            call = Call(
                number=self._number, system=system, method=method, path=path, operation=operation, at=time.time()
            )
            self._calls.append(call)
        return call

    def list(self, system: str | None = None) -> list[Call]:
        """The calls at one system, or all."""
        with self._lock:
            return [call for call in self._calls if system in (None, call.system)]

    def clear(self) -> None:
        """Forget them."""
        with self._lock:
            self._calls.clear()
            self._number = 0
