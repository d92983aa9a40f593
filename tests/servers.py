"""Real servers for tests: PostgreSQL and Redis in a temporary directory, which a test may kill, freeze and empty."""

from __future__ import annotations

import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psycopg
import redis

HOST = "127.0.0.1"


def free_port() -> int:
    """A port on which nobody listens at the moment, and that no client is given as its own.

    A client that keeps connecting to a server which is away may be given the server's port as its own and then
    talks to itself; the server cannot come back. So the port is below the range that clients get.
    """
    while True:
        port = random.randint(15000, 32000)  # noqa: S311 - no secret
        with socket.socket() as probe, suppress(OSError):
            probe.bind((HOST, port))
            return port


def wait_for(done: Callable[[], object], *, seconds: float, what: str, every: float = 0.1) -> None:
    """Wait until `done` returns something true.

    Raises:
        TimeoutError: it did not within `seconds`.
    """
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not happen within {seconds:.0f} s")
        time.sleep(every)


class RedisServer:
    """A redis-server as in production: append-only file, no eviction."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.port = directory, free_port()
        self.url = f"redis://{HOST}:{self.port}/0"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> RedisServer:
        """Start it, with what its append-only file holds."""
        self.directory.mkdir(parents=True, exist_ok=True)
        options = {"port": self.port, "bind": HOST, "dir": self.directory, "appendonly": "yes", "save": '""'}
        command = [_program("redis-server"), *(f"--{name} {value}" for name, value in options.items())]
        self.process = subprocess.Popen(
            " ".join(map(str, command)).split(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_for(self._answers, seconds=10, what="redis-server's first answer")
        return self

    def stop(self) -> None:
        """Kill it, also when it is frozen."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def restart_empty(self) -> None:
        """Kill it, lose everything, start it again."""
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)
        self.start()

    def flush(self) -> None:
        """FLUSHALL."""
        with redis.Redis.from_url(self.url) as client:
            client.flushall()

    def freeze(self) -> None:
        """SIGSTOP: connections stay open, and nothing answers."""
        assert self.process
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        assert self.process
        self.process.send_signal(signal.SIGCONT)

    def _answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url, socket_timeout=1) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


class PostgresServer:
    """A PostgreSQL with a database `confer`; the server refuses to run as root, so it runs as `postgres`."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.port = directory, free_port()
        self.url = f"postgresql+psycopg://confer@{HOST}:{self.port}/confer"
        self.process: subprocess.Popen[bytes] | None = None
        self.user = "postgres" if os.geteuid() == 0 else None

    def start(self) -> PostgresServer:
        """Start it, with a new cluster the first time."""
        if not self.directory.exists():
            self.directory.mkdir(parents=True)
            self._own(self.directory)
            self._run("initdb", "-D", str(self.directory), "-U", "confer", "-A", "trust", "-E", "UTF8", "--no-sync")
        command = [_program("postgres"), "-D", str(self.directory), "-p", str(self.port), "-h", HOST, "-k", ""]
        self.process = subprocess.Popen(
            [*command, "-c", "max_connections=200"], user=self.user, cwd="/",
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        wait_for(lambda: self._asks("postgres"), seconds=30, what="PostgreSQL's first answer")
        if not self._asks("confer"):
            with psycopg.connect(self.dsn("postgres"), autocommit=True) as connection:
                connection.execute("CREATE DATABASE confer")
        return self

    def stop(self) -> None:
        """Kill it at once, as a power cut does."""
        if self.process:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait()
            self.process = None

    def empty(self) -> None:
        """A new, empty database."""
        with psycopg.connect(self.dsn("postgres"), autocommit=True) as connection:
            connection.execute("DROP DATABASE IF EXISTS confer WITH (FORCE)")
            connection.execute("CREATE DATABASE confer")

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [_program(program), *arguments], user=self.user, cwd="/", check=True, stdout=subprocess.DEVNULL
        )

    def _own(self, directory: Path) -> None:
        if self.user:
            owner = pwd.getpwnam(self.user)
            os.chown(directory, owner.pw_uid, owner.pw_gid)
            for parent in directory.parents:  # the temporary directory is root's own; `postgres` has to get through
                if parent.stat().st_uid == 0 and str(parent).startswith("/tmp/"):
                    parent.chmod(parent.stat().st_mode | 0o011)

    def _asks(self, database: str) -> bool:
        try:
            with psycopg.connect(self.dsn(database), connect_timeout=2):
                return True
        except psycopg.OperationalError:
            return False

    def dsn(self, database: str) -> str:
        """How a client of PostgreSQL names one of its databases."""
        return f"postgresql://confer@{HOST}:{self.port}/{database}"


def _program(name: str) -> str:
    """Where Debian has put a program.

    Raises:
        FileNotFoundError: it is not installed; the message says what to install.
    """
    found = shutil.which(name) or next(map(str, Path("/usr/lib/postgresql").glob(f"*/bin/{name}")), None)
    if found is None:
        raise FileNotFoundError(f"{name} is not installed: apt-get install redis-server postgresql")
    return found
