"""The web process's herald: sends wake-ups from a thread of its own, so that no request waits for the broker."""

from __future__ import annotations

import os
import queue
import threading

import structlog

from pipeline.steps.turn import WakeUp
from tasks.announce import announce

log = structlog.get_logger(__name__)


class Herald:
    """A bounded queue and one thread per process. What does not fit is left to the tick."""

    def __init__(self, capacity: int = 10_000) -> None:
        self._waiting: queue.Queue[WakeUp] = queue.Queue(maxsize=capacity)
        self._lock = threading.Lock()
        self._process: int | None = None

    def send(self, wakeup: WakeUp) -> None:
        """Have a wake-up sent soon; returns at once and never raises."""
        self._start()
        try:
            self._waiting.put_nowait(wakeup)
        except queue.Full:
            log.warning("wakeup_dropped", task=wakeup.task)

    def _start(self) -> None:
        """The thread does not survive a fork, so it is started by the process that needs it."""
        if self._process == os.getpid():
            return
        with self._lock:
            if self._process != os.getpid():
                self._process = os.getpid()
                threading.Thread(target=self._run, name="herald", daemon=True).start()

    def _run(self) -> None:
        while True:
            wakeups = [self._waiting.get()]
            while not self._waiting.empty() and len(wakeups) < 500:
                wakeups.append(self._waiting.get_nowait())
            try:
                announce(wakeups)
            except Exception:
                log.exception("defect")  # the tick announces what this thread could not


herald = Herald()
