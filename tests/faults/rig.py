"""A whole Confer as processes, with its sandbox, its database and its broker, to be hurt by a test.

Time is scaled: leases of seconds instead of minutes, so that a recovery can be watched.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import requests
from sqlalchemy import Engine, text

from pipeline.store.database import make_engine
from sandbox.control import SandboxControl, send_to
from sandbox.processes import BEAT, LANES, MIGRATE, WORKER, Processes, web
from tests.servers import HOST, PostgresServer, RedisServer, free_port, wait_for

Variant = Literal["files", "servers"]

WEBHOOK_SECRET = "webhook-secret-of-the-rig"
#: courses of the sandbox's Moodle
AT_BADGES, AT_ACCREDIBLE = 12, 13
#: where Accredible is asked to issue, one or many
ISSUING = "^/v1/credentials$|/bulk_create$"

ACCOUNTS = """
lms:
  campus:
    system: moodle
    site: env:CAMPUS_MOODLE_URL
    token: env:CAMPUS_MOODLE_TOKEN
    secrets: env:CAMPUS_WEBHOOK_SECRET
platforms:
  badges:
    system: openbadges
  accredible:
    system: accredible
    url: env:ACCREDIBLE_URL
    key: env:ACCREDIBLE_KEY
    rate: {{calls: {calls}, per_seconds: {seconds}}}
    in_flight: {in_flight}
    bulk: {bulk}
    settles_seconds: 1
"""

PROGRAM = """
program: {name}
title: {title}
source: campus
course: "{course}"
criteria:
  score: {{threshold: 80}}
  modules: all
credential:
  description: Has completed {title}.
  at:
    - account: {account}
      template: "{template}"
notify: {{learner: true}}
downstream: [sis]
"""


@dataclass
class Rig:
    """One running installation. `learners` counts through all that a test completes."""

    directory: Path
    variant: Variant
    postgres: PostgresServer | None = None
    redis: RedisServer | None = None
    rate: tuple[int, float] = (1000, 1)
    in_flight: int = 2
    #: credentials in one call; 1 makes every credential a call, which tests of the pace count
    bulk: int = 30
    environ: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._numbers = itertools.count(1)
        self._database: Engine | None = None
        self.sandbox_url = f"http://{HOST}:{free_port()}"
        self.smtp_port = free_port()
        self.web_url = f"http://{HOST}:{free_port()}"
        self.processes = Processes(logs=self.directory / "log", environ=self._environment() | self.environ)
        self.control = SandboxControl(self.sandbox_url)

    # starting and stopping

    def start(self) -> Rig:
        """Sandbox, migrations, and every process of Confer."""
        self.start_sandbox()
        self._write_config()
        assert self.processes.start("migrate", MIGRATE).wait(60) == 0, self.processes.tail("migrate")
        del self.processes.running["migrate"]
        self.start_web()
        self.start_workers()
        self.processes.start("beat", BEAT)
        wait_for(self.ready, seconds=60, what="the first tick")
        return self

    def start_sandbox(self) -> None:
        """The stand-ins."""
        sandbox = ("python", "-m", "sandbox", "--port", self.sandbox_url.rpartition(":")[2])
        self.processes.start("sandbox", (*sandbox, "--smtp-port", str(self.smtp_port)))
        wait_for(lambda: self._answers(f"{self.sandbox_url}/_sandbox/state"), seconds=20, what="the sandbox")

    def start_web(self) -> None:
        """The receiver."""
        self.processes.start("web", web(self.web_url.partition("//")[2]))
        wait_for(lambda: self._answers(f"{self.web_url}/health/live"), seconds=30, what="the receiver")

    def start_workers(self, *, lanes: int = 1) -> None:
        """One worker for the steps, and `lanes` for the lanes."""
        self.processes.start("worker", WORKER)
        for number in range(lanes):
            self.processes.start(f"lanes{number}", tuple(part.replace("lanes@", f"lanes{number}@") for part in LANES))

    def kill_workers(self) -> None:
        """kill -9 of every worker with all its children."""
        for name in list(self.processes.running):
            if name == "worker" or name.startswith("lanes"):
                self.processes.kill(name)
                self.processes.running.pop(name).wait()

    def stop(self) -> None:
        """End everything."""
        self.processes.stop()
        if self._database:
            self._database.dispose()
        self.control.close()

    def ready(self) -> bool:
        """Database, broker and tick are well."""
        return self._answers(f"{self.web_url}/health/ready?strict=1")

    def command(self, *command: str) -> str:
        """Run a command as an operator does; returns what it prints."""
        program = str(Path(sys.executable).parent / command[0])
        environ = {**os.environ, **self.processes.environ}
        ended = subprocess.run(
            [program, *command[1:]], env=environ, capture_output=True, text=True, timeout=60, check=False
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    # doing what the world does

    def learners(self, count: int) -> list[dict[str, Any]]:
        """New learners at the LMS."""
        numbers = [1000 + next(self._numbers) for _ in range(count)]
        made = [{"id": n, "name": f"Learner {n}", "email": f"learner.{n}@example.org"} for n in numbers]
        self.control.add_learners(made)
        return made

    def complete(self, count: int, course: int = AT_ACCREDIBLE, *, parallel: int = 8) -> list[dict[str, Any]]:
        """As many new learners complete a course; every webhook has to be answered with 202."""
        learners = self.learners(count)
        done = self.control.complete_many(
            [{"learner": learner["id"], "course": course, "score": "91.5"} for learner in learners],
            parallel=parallel,
            send=self.send(),
        )
        answers = Counter(one["answer"]["status"] for one in done)
        assert answers == {202: count}, answers
        return done

    def send(self, **more: Any) -> dict[str, Any]:
        """How the LMS announces a completion."""
        return send_to(f"{self.web_url}/webhooks/campus", WEBHOOK_SECRET, **more)

    # looking

    def rows(self, query: str, **parameters: Any) -> list[Any]:
        """Ask the database."""
        if self._database is None:
            self._database = make_engine(self.processes.environ["DATABASE_URL"])
        with self._database.connect().execution_options(reading=True) as connection:
            return list(connection.execute(text(query), parameters))

    def stages(self) -> Counter[str]:
        """How many cases are in which stage."""
        return Counter(row[0] for row in self.rows("SELECT stage FROM cases"))

    def wait_all(self, count: int, *, seconds: float = 90) -> None:
        """Wait until that many cases are done."""
        try:
            wait_for(lambda: self.stages()["done"] >= count, seconds=seconds, what=f"{count} done cases", every=0.25)
        except TimeoutError as late:
            open_cases = self.rows(
                "SELECT id, stage, due_at, owner, attempts, error FROM cases WHERE stage <> 'done'"
            )
            states = Counter(row[0] for row in self.rows("SELECT state FROM credentials"))
            raise AssertionError(
                f"{late}: {self.stages()}, credentials {states}\n"
                + "\n".join(map(str, open_cases[:10]))
                + "".join(f"\n-- {name}\n{self.processes.tail(name, 8)}" for name in self.processes.running)
            ) from None

    def assert_exactly_once(self, count: int) -> None:
        """Every case done; one credential, one mail and one SIS record for each learner, and no more."""
        assert self.stages() == {"done": count}
        credentials = self.rows("SELECT state, platform_ref FROM credentials")
        assert Counter(row[0] for row in credentials) == {"confirmed": count}
        assert len({row[1] for row in credentials}) == count
        issued = [one["recipient_email"] for one in self.control.credentials()]
        badges = self.rows("SELECT ref FROM badges")
        assert len(issued) + len(badges) == count
        assert max(Counter(issued).values(), default=1) == 1
        mails = Counter(mail["recipient"] for mail in self.control.mails())
        assert len(mails) == count
        assert set(mails.values()) == {1}
        updates = [one["completionId"] for one in self.control.completions()]
        assert len(updates) == len(set(updates)) == count
        self.assert_ledger_tells_everything()

    def assert_ledger_tells_everything(self) -> None:
        """Each case's path in the ledger leads, move by move, to the stage in which it is."""
        last: dict[str, str] = {}
        for subject, facts in self.rows("SELECT subject, facts FROM ledger ORDER BY id"):
            told = json.loads(facts) if isinstance(facts, str) else facts
            stage_moved = "to" in told and not {"credential", "message", "update"} & set(told)
            if stage_moved:
                assert told["from"] == last.get(subject, "gather")
                last[subject] = told["to"]
        for case, stage in self.rows("SELECT id, stage FROM cases"):
            assert last.get(case, "gather") == stage

    @staticmethod
    def _answers(address: str) -> bool:
        try:
            return requests.get(address, timeout=3).status_code == 200
        except requests.RequestException:
            return False

    def _write_config(self) -> None:
        config = self.directory / "config"
        (config / "programs").mkdir(parents=True)
        calls, seconds = self.rate
        accounts = ACCOUNTS.format(calls=calls, seconds=seconds, in_flight=self.in_flight, bulk=self.bulk)
        (config / "accounts.yaml").write_text(accounts, encoding="utf-8")
        targets = "sis: {system: sis, url: 'env:SIS_URL', token: 'env:SIS_TOKEN'}\n"
        (config / "targets.yaml").write_text(targets, encoding="utf-8")
        programs = {
            "first-aid": {
                "title": "First Aid at Work",
                "course": AT_BADGES,
                "account": "badges",
                "template": "first-aid",
            },
            "compliance": {
                "title": "Compliance",
                "course": AT_ACCREDIBLE,
                "account": "accredible",
                "template": "4712",
            },
        }
        for name, parts in programs.items():
            (config / "programs" / f"{name}.yaml").write_text(PROGRAM.format(name=name, **parts), encoding="utf-8")

    def _environment(self) -> dict[str, str]:
        data = self.directory / "data"
        database = self.postgres.url if self.postgres else f"sqlite:///{data / 'confer.db'}"
        return {
            "DATABASE_URL": database,
            "REDIS_URL": self.redis.url if self.redis else "",
            "CONFER_CONFIG": str(self.directory / "config"),
            "CONFER_DATA": str(data),
            "CONFER_SECRET_KEY": "a-secret-of-the-rig-that-is-long-enough",
            "CONFER_PUBLIC_URL": self.web_url,
            "CONFER_SMTP_URL": f"smtp://{HOST}:{self.smtp_port}",
            "CONFER_CALL_TIMEOUT_SECONDS": "1",
            "CONFER_LEASE_SECONDS": "4",
            "CONFER_RETRY_SECONDS": "1",
            "CONFER_REANNOUNCE_SECONDS": "2",
            "CONFER_TICK_SECONDS": "1",
            "CONFER_SLICE_SECONDS": "3",
            "CONFER_MAIL_SETTLES_SECONDS": "2",
            "CAMPUS_MOODLE_URL": f"{self.sandbox_url}/moodle",
            "CAMPUS_MOODLE_TOKEN": "moodle-token",
            "CAMPUS_WEBHOOK_SECRET": WEBHOOK_SECRET,
            "ACCREDIBLE_URL": f"{self.sandbox_url}/accredible",
            "ACCREDIBLE_KEY": "accredible-key",
            "SIS_URL": f"{self.sandbox_url}/sis",
            "SIS_TOKEN": "sis-token",
        }


@contextmanager
def running(directory: Path, variant: Variant, **options: Any) -> Iterator[Rig]:
    """A started rig on files (SQLite, filesystem broker) or on servers (PostgreSQL, Redis)."""
    postgres = PostgresServer(directory / "postgres").start() if variant == "servers" else None
    redis = RedisServer(directory / "redis").start() if variant == "servers" else None
    rig = Rig(directory=directory, variant=variant, postgres=postgres, redis=redis, **options)
    try:
        yield rig.start()
    finally:
        rig.stop()
        for server in (postgres, redis):
            if server:
                server.stop()


def until(done: Callable[[], object], *, seconds: float = 30, what: str) -> float:
    """Wait for something; returns the seconds it took."""
    began = time.monotonic()
    wait_for(done, seconds=seconds, what=what, every=0.02)
    return time.monotonic() - began


def distinct(values: Sequence[Any]) -> bool:
    """Whether no value comes twice."""
    return len(values) == len(set(values))
