"""A broker made of files, for one machine without Redis: Celery's filesystem transport, made safe to share.

Kombu's own writes a message in place, so that a reader may find it empty, and a worker that reads an empty
message stops for good (measured: within seconds under load). Here a file appears whole, by renaming. Each queue
has a folder of its own, so that looking for a message does not list those of all the others.
"""

from __future__ import annotations

import fcntl
import json
import time
import uuid
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.transport import filesystem


class Channel(filesystem.Channel):
    """Messages and bindings as files that are only ever seen whole."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        #: names that the last look at a queue's folder found and that are still to be tried
        self._seen: dict[str, deque[str]] = {}

    def _put(self, queue: str, payload: Any, **_: Any) -> None:  # type: ignore[override]
        folder = self._folder(queue)
        name = f"{time.time_ns()}-{uuid.uuid4().hex}"
        _write_whole(folder / name, payload)

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        """The oldest message. Whoever renames it first has it."""
        folder = self._folder(queue)
        seen = self._seen.setdefault(queue, deque())
        if not seen:
            seen.extend(sorted(file.name for file in folder.iterdir() if not file.name.startswith(".")))
        while seen:
            name = seen.popleft()
            taken = folder / f".taken-{name}"
            try:
                (folder / name).rename(taken)
            except FileNotFoundError:
                continue  # another worker was first
            text = taken.read_bytes()
            taken.unlink()
            with suppress(ValueError):  # a file that is no message would otherwise stop the worker
                return json.loads(text)
        raise Empty

    def _size(self, queue: str) -> int:
        return sum(not file.name.startswith(".") for file in self._folder(queue).iterdir())

    def _purge(self, queue: str) -> int:
        folder, count = self._folder(queue), 0
        for file in list(folder.iterdir()):
            with suppress(FileNotFoundError):
                file.unlink()
                count += 1
        return count

    def get_table(self, exchange: str) -> list[Any]:
        """Which queues an exchange leads to."""
        try:
            rows = json.loads(self._exchange_file(exchange).read_bytes())
        except (FileNotFoundError, ValueError):
            return []
        return [filesystem.exchange_queue_t(*row) for row in rows]

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
        binding = filesystem.exchange_queue_t(routing_key or "", pattern or "", queue or "")
        with self._bindings_locked():
            table = self.get_table(exchange)
            if binding not in table:
                _write_whole(self._exchange_file(exchange), [binding, *table])

    def _delete(self, queue: str, exchange: str, routing_key: str, pattern: str, *_: Any, **__: Any) -> None:
        self._purge(queue)
        binding = filesystem.exchange_queue_t(routing_key or "", pattern or "", queue or "")
        with self._bindings_locked():
            table = self.get_table(exchange)
            if binding in table:
                _write_whole(self._exchange_file(exchange), [other for other in table if other != binding])

    def _folder(self, queue: str) -> Path:
        folder = Path(self.data_folder_in) / queue.replace("/", "_")
        if queue not in self._seen:
            folder.mkdir(parents=True, exist_ok=True)
            self._seen[queue] = deque()
        return folder

    @contextmanager
    def _bindings_locked(self) -> Iterator[None]:
        Path(self.control_folder).mkdir(parents=True, exist_ok=True)
        with (Path(self.control_folder) / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


class Transport(filesystem.Transport):
    """The transport of that channel."""

    Channel = Channel


def _write_whole(file: Path, document: Any) -> None:
    """Write a file aside and rename it, so that a reader finds all of it or nothing."""
    aside = file.with_name(f".{file.name}-{uuid.uuid4().hex}")
    aside.write_bytes(json.dumps(document).encode())
    aside.replace(file)
