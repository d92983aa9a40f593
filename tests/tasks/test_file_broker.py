"""The broker of files: every message arrives once and whole, however many write and read at the same moment."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from pathlib import Path
from queue import Empty
from typing import Any

import pytest
from kombu import Connection
from kombu.transport import TRANSPORT_ALIASES

MESSAGES, WRITERS, READERS = 300, 3, 3


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setitem(TRANSPORT_ALIASES, "files", "tasks.file_broker:Transport")
    for name in ("messages", "control"):
        (tmp_path / name).mkdir()
    return tmp_path


def connect(folder: Path) -> Connection:
    messages = str(folder / "messages")
    options = {"data_folder_in": messages, "data_folder_out": messages, "control_folder": str(folder / "control")}
    return Connection("files://localhost//", transport_options=options)


def write(folder: Path, writer: int) -> None:
    with connect(folder) as connection:
        queue = connection.SimpleQueue("steps")
        for number in range(MESSAGES):
            queue.put({"id": f"{writer}-{number}", "filling": "x" * 2000})
        queue.close()


def read(folder: Path, seen: Any, ended: Any) -> None:
    with connect(folder) as connection:
        queue = connection.SimpleQueue("steps")
        while True:
            try:
                message = queue.get(timeout=0.2)
            except Empty:
                if ended.is_set():
                    break
                continue
            seen.append(message.payload["id"])
            message.ack()
        queue.close()


def test_messages_arrive_once_and_whole(folder: Path) -> None:
    context = multiprocessing.get_context("fork")
    with context.Manager() as manager:
        seen, ended = manager.list(), manager.Event()
        readers = [context.Process(target=read, args=(folder, seen, ended)) for _ in range(READERS)]
        writers = [context.Process(target=write, args=(folder, number)) for number in range(WRITERS)]
        for process in (*readers, *writers):
            process.start()
        for process in writers:
            process.join(60)
        ended.set()
        for process in readers:
            process.join(60)
        assert [process.exitcode for process in (*readers, *writers)] == [0] * (READERS + WRITERS)
        counted = Counter(seen)
    assert len(counted) == MESSAGES * WRITERS
    assert set(counted.values()) == {1}


def test_a_file_that_is_no_message_is_passed_over(folder: Path) -> None:
    with connect(folder) as connection:
        queue = connection.SimpleQueue("steps")
        queue.put("first")
        (folder / "messages" / "steps" / "0-empty").write_bytes(b"")
        assert queue.get(timeout=1).payload == "first"
        with pytest.raises(Empty):
            queue.get(timeout=0.1)
        queue.close()
