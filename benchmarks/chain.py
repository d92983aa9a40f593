"""The baseline of the pipeline: a Celery chain of four tasks that do nothing, with Confer's settings and broker.

`python -m benchmarks.chain COUNT FILE` sends so many chains and waits for their ends; the last task of a chain
adds a byte to the file, because there is no result backend to ask.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from celery import Celery, chain
from kombu.entity import Queue

app = Celery("chain")
app.config_from_object("celeryconfig")
app.conf.task_queues = [Queue("steps", routing_key="steps")]


@app.task(name="noop.first")
def first() -> None:
    """Nothing."""


@app.task(name="noop.second")
def second() -> None:
    """Nothing."""


@app.task(name="noop.third")
def third() -> None:
    """Nothing."""


@app.task(name="noop.fourth")
def fourth(file: str) -> None:
    """Leave a trace, so that the end can be seen."""
    with Path(file).open("ab") as trace:
        trace.write(b".")


def main(count: int, file: Path) -> None:
    """Send the chains, wait for their ends, and print the seconds."""
    file.touch()
    began = time.monotonic()
    for _ in range(count):
        chain(first.si(), second.si(), third.si(), fourth.si(str(file))).apply_async()
    while file.stat().st_size < count:
        if time.monotonic() - began > 300:
            sys.exit(f"only {file.stat().st_size} of {count} chains ended within 300 s")
        time.sleep(0.02)
    print(time.monotonic() - began)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
