"""A bounded load on one address of this machine: a few processes with a few kept-alive connections each."""

from __future__ import annotations

import http.client
import multiprocessing
import statistics
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

PROCESSES, CONNECTIONS = 2, 8


@dataclass(frozen=True, kw_only=True)
class Load:
    """What came of a load. Times are in seconds."""

    per_second: float
    median: float
    p99: float


def post_all(address: str, bodies: Sequence[bytes], *, expect: int) -> Load:
    """Post every body once, as fast as the other side answers.

    Raises:
        ValueError: the address is not on this machine, or an answer had another status.
    """
    if urlsplit(address).hostname not in {"127.0.0.1", "localhost"}:
        raise ValueError("a load is for this machine only")
    shares = [bodies[number::PROCESSES] for number in range(PROCESSES)]
    context = multiprocessing.get_context("spawn")
    with context.Pool(PROCESSES) as pool:
        pool.map(time.sleep, [0.2] * PROCESSES, chunksize=1)  # all are there before the clock starts
        began = time.monotonic()
        parts = pool.starmap(_share, [(address, share) for share in shares], chunksize=1)
        seconds = time.monotonic() - began
    times = sorted(one for part, _ in parts for one in part)
    statuses = Counter(status for _, part in parts for status in part)
    if set(statuses) != {expect}:
        raise ValueError(f"expected {expect} alone, got {dict(statuses)}")
    return Load(
        per_second=len(bodies) / seconds, median=statistics.median(times), p99=times[int(len(times) * 0.99) - 1]
    )


def _share(address: str, bodies: Sequence[bytes]) -> tuple[list[float], list[int]]:
    """One process: its connections share its bodies."""
    times: list[float] = []
    statuses: list[int] = []

    def send(mine: Sequence[bytes]) -> None:
        parts = urlsplit(address)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
        for body in mine:
            began = time.monotonic()
            connection.request("POST", parts.path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            times.append(time.monotonic() - began)
            statuses.append(answer.status)
        connection.close()

    threads = [threading.Thread(target=send, args=(bodies[n::CONNECTIONS],)) for n in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times, statuses
