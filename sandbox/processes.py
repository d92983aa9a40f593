"""Confer's processes as an operator starts them: the demo and the fault tests run the very same commands.

docker-compose.yml states them once more, because a compose file cannot import; a test compares the two.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

#: where the console scripts of this environment are
_BIN = Path(sys.executable).parent

MIGRATE = ("alembic", "upgrade", "head")
WORKER = ("celery", "-A", "tasks", "worker", "-n", "steps@%h", "-Q", "steps,tick", "-c", "4", "-E")
#: every queue but the two above: one per platform account
LANES = ("celery", "-A", "tasks", "worker", "-n", "lanes@%h", "-X", "steps,tick", "-P", "threads", "-c", "8", "-E")
BEAT = ("celery", "-A", "tasks", "beat")


def web(bind: str, *, workers: int = 2) -> tuple[str, ...]:
    """The command of the web process; threads, because a request waits for the database and nothing else."""
    options = ("--worker-class", "gthread", "--threads", "8", "--graceful-timeout", "20", "--no-control-socket")
    return ("gunicorn", "web:create_app()", "--bind", bind, "--workers", str(workers), *options)


def flower(address: str, port: int) -> tuple[str, ...]:
    """The command of Flower, the dashboard of the tasks."""
    return ("celery", "-A", "tasks", "flower", f"--address={address}", f"--port={port}")


@dataclass
class Processes:
    """Child processes, each the leader of a group of its own, with its output in a file."""

    logs: Path
    environ: Mapping[str, str]
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(
        self, name: str, command: tuple[str, ...], *, stdout: int | IO[bytes] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a command under a name that no running process has.

        Raises:
            ValueError: one has.
        """
        if name in self.running:
            raise ValueError(f"a process named {name} is running")
        self.logs.mkdir(parents=True, exist_ok=True)
        with (self.logs / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                [str(_BIN / command[0]), *command[1:]],
                env={**os.environ, **self.environ},
                stdin=subprocess.DEVNULL,
                stdout=log if stdout is None else stdout,
                stderr=log,
                start_new_session=True,
            )
        return self.running[name]

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to a process and all its children."""
        with suppress(ProcessLookupError):
            os.killpg(self.running[name].pid, number)

    def ended(self) -> list[str]:
        """The names of processes that have ended by themselves."""
        return [name for name, process in self.running.items() if process.poll() is not None]

    def tail(self, name: str, lines: int = 12) -> str:
        """The end of a process's output."""
        text = (self.logs / f"{name}.log").read_text(encoding="utf-8", errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def stop(self, *, patience: float = 15) -> None:
        """End them all: first asked, then forced. Nothing is left behind."""
        # the celery main process asks its children itself; asking the whole group would end them in mid-task
        for process in self.running.values():
            with suppress(ProcessLookupError):
                process.terminate()
        deadline = time.monotonic() + patience
        for process in self.running.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=max(0.1, deadline - time.monotonic()))
        for name, process in self.running.items():
            self.kill(name)
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=5)
        self.running.clear()
