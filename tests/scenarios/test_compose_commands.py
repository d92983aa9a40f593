"""The very commands of docker-compose.yml, as processes on a real PostgreSQL and Redis, deliver a completion.

Only addresses are replaced: what is a container's name there is a port of this machine here.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import redis
import requests
from redis.backoff import NoBackoff
from redis.retry import Retry

from sandbox.control import SandboxControl, send_to
from sandbox.processes import Processes
from tests import compose
from tests.servers import HOST, PostgresServer, free_port, wait_for

pytestmark = pytest.mark.servers

DEMO = compose.read_env(compose.DEMO_ENV)
FIRST_AID, COMPLIANCE, INDUCTION = 12, 13, 11


class Stack:
    """The services of the file, started one by one under the names that they have there."""

    def __init__(self, directory: Path, postgres: PostgresServer) -> None:
        self.directory, self.services = directory, compose.services(DEMO)
        self.ports = {name: free_port() for name in ("web", "redis", "flower", "sandbox", "smtp")}
        # the longer address first: `http://sandbox:9000` holds `sandbox:9000`
        self.replaced = {
            self.services["web"]["environment"]["DATABASE_URL"]: postgres.url,
            "@redis:6379": f"@{HOST}:{self.ports['redis']}",
            "sandbox:9000": f"{HOST}:{self.ports['sandbox']}",
            "sandbox:2525": f"{HOST}:{self.ports['smtp']}",
            "localhost:8080": f"localhost:{self.ports['web']}",
            "0.0.0.0:8080": f"{HOST}:{self.ports['web']}",
            "127.0.0.1:8080": f"{HOST}:{self.ports['web']}",
            "127.0.0.1:5555": f"{HOST}:{self.ports['flower']}",
            "127.0.0.1:9000": f"{HOST}:{self.ports['sandbox']}",
            "--address=0.0.0.0": f"--address={HOST}",
            "--port=5555": f"--port={self.ports['flower']}",
        }
        self.processes = Processes(logs=directory / "log", environ={})

    def start(self, name: str) -> subprocess.Popen[bytes]:
        """The command of a service in its environment."""
        self.processes.environ = self.environment(name)
        command = [self._here(part) for part in self.services[name]["command"]]
        if name == "sandbox":
            places = {"0.0.0.0": HOST, "9000": str(self.ports["sandbox"]), "2525": str(self.ports["smtp"])}
            command = [places.get(part, part) for part in command]
        return self.processes.start(name, tuple(command))

    def environment(self, name: str) -> dict[str, str]:
        """What the container would see, and nothing of this machine's own settings."""
        mine = {
            key: self._here(value)
            for key, value in compose.environment(self.services[name]).items()
            if key not in {"POSTGRES_PASSWORD", "REDIS_PASSWORD"} or name == "redis"
        }
        if "CONFER_CONFIG" in mine:
            data = self.directory / ("data" if self._has_volume(name) else f"tmpfs-{name}")
            data.mkdir(mode=0o700, exist_ok=True)
            mine |= {"CONFER_CONFIG": str(compose.ROOT / "config"), "CONFER_DATA": str(data)}
        return mine | {"HOSTNAME": socket.gethostname(), "CONFER_REANNOUNCE_SECONDS": "5"}

    def start_redis(self) -> None:
        """Redis by the file's own shell line, with its password."""
        program, option, script = self.services["redis"]["command"]
        place = self.directory / "redis"
        place.mkdir()
        script = script.replace("redis-server", f"redis-server --port {self.ports['redis']} --bind {HOST}")
        script = script.replace("--dir /data", f"--dir {place}")
        environ = {"PATH": os.environ["PATH"], **self.services["redis"]["environment"]}
        with (self.directory / "redis.log").open("wb") as log:
            command = [program, option, script]
            self.redis = subprocess.Popen(command, env=environ, stdout=log, stderr=log)
        wait_for(self._redis_answers, seconds=10, what="Redis' first answer")

    def is_healthy(self, name: str) -> bool:
        """The health check of a service, as the engine would run it."""
        kind, *test = self.services[name]["healthcheck"]["test"]
        command = ["sh", "-c", *test] if kind == "CMD-SHELL" else test
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        environ = {**os.environ, **self.environment(name), "PATH": path}
        ran = subprocess.run(
            [self._here(part) for part in command], env=environ, capture_output=True, text=True, check=False
        )
        return ran.returncode == 0

    def stop(self) -> None:
        """End everything."""
        self.processes.stop()
        if hasattr(self, "redis"):
            self.redis.kill()
            self.redis.wait()

    def _redis_answers(self) -> bool:
        with (
            suppress(redis.ConnectionError),
            redis.Redis(host=HOST, port=self.ports["redis"], password=DEMO["REDIS_PASSWORD"]) as client,
        ):
            return bool(client.ping())
        return False

    def _has_volume(self, name: str) -> bool:
        return "data:/data" in self.services[name].get("volumes", [])

    def _here(self, text: str) -> str:
        for there, here in self.replaced.items():
            text = text.replace(there, here)
        return text


@contextmanager
def started(directory: Path) -> Iterator[Stack]:
    """The whole demo, in the order that depends_on demands."""
    postgres = PostgresServer(directory / "postgres").start()
    stack = Stack(directory, postgres)
    try:
        stack.start_redis()
        stack.start("sandbox")
        assert stack.start("migrate").wait(60) == 0, stack.processes.tail("migrate")
        del stack.processes.running["migrate"]
        for name in ("web", "worker", "lanes", "beat", "flower"):
            stack.start(name)
        for name in ("sandbox", "web", "flower", "beat", "worker", "lanes"):
            wait_for(lambda name=name: stack.is_healthy(name), seconds=60, what=f"{name} being healthy", every=0.5)
        yield stack
    finally:
        stack.stop()
        postgres.stop()


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with started(tmp_path_factory.mktemp("compose")) as running:
        yield running


@pytest.fixture(scope="module")
def control(stack: Stack) -> Iterator[SandboxControl]:
    with SandboxControl(f"http://{HOST}:{stack.ports['sandbox']}") as client:
        yield client


def test_a_completion_is_delivered_once(stack: Stack, control: SandboxControl) -> None:
    """By our own issuer and by Accredible, from the webhook to mail and SIS."""
    for learner, course in ((501, FIRST_AID), (502, COMPLIANCE)):
        email = f"learner.{learner}@example.org"
        control.add_learner(
            learner, name=f"Learner {learner}", email=email, idnumber=f"S-{learner}",
            supervisor_email="supervisor@example.org",
        )  # fmt: skip
        if course == COMPLIANCE:
            control.complete(learner, INDUCTION, score="90")
        case = _complete(stack, control, learner, course)
        assert [credential["state"] for credential in case["credentials"]] == ["confirmed"]
        page = case["credentials"][0]["url"]
        assert requests.get(page, timeout=10).status_code == 200
        assert len(control.mails(to=email)) == 1
    assert len(control.completions()) == 2
    assert len(control.credentials()) == 1


def test_flower_asks_for_its_password(stack: Stack) -> None:
    address = f"http://{HOST}:{stack.ports['flower']}/workers"
    assert requests.get(address, timeout=10).status_code == 401
    name, _, password = DEMO["FLOWER_BASIC_AUTH"].partition(":")
    assert requests.get(address, auth=(name, password), timeout=10).status_code == 200


def test_metrics_ask_for_their_token(stack: Stack) -> None:
    address = f"http://{HOST}:{stack.ports['web']}/metrics"
    assert requests.get(address, timeout=10).status_code == 401
    given = {"Authorization": f"Bearer {DEMO['CONFER_METRICS_TOKEN']}"}
    assert "confer_tick_age_seconds" in requests.get(address, headers=given, timeout=10).text


def test_redis_asks_for_its_password(stack: Stack) -> None:
    unauthenticated = redis.Redis(host=HOST, port=stack.ports["redis"], retry=Retry(NoBackoff(), 0))
    with unauthenticated as client, pytest.raises(redis.AuthenticationError):
        client.ping()


def test_every_process_ends_within_its_grace_period(stack: Stack) -> None:
    """`docker compose stop` sends SIGTERM to the first process of each container, and kills after the period."""
    began = time.monotonic()
    for process in stack.processes.running.values():
        process.send_signal(signal.SIGTERM)
    for name, process in stack.processes.running.items():
        process.wait(timeout=60)
        grace = int(stack.services[name]["stop_grace_period"].removesuffix("s"))
        assert time.monotonic() - began < grace, name
    stack.processes.running.clear()
    # a check that always says yes would have passed the start as well
    for name in ("sandbox", "web", "flower", "worker", "lanes"):
        assert not stack.is_healthy(name), name


def _complete(stack: Stack, control: SandboxControl, learner: int, course: int) -> Mapping[str, Any]:
    send = send_to(f"http://{HOST}:{stack.ports['web']}/webhooks/campus", DEMO["CAMPUS_WEBHOOK_SECRET"])
    answer = control.complete(learner, course, score="91.5", send=send)["answer"]
    assert answer["status"] == 202, answer
    accepted = json.loads(answer["body"]) if isinstance(answer["body"], str) else answer["body"]
    status = f"http://{HOST}:{stack.ports['web']}{accepted['status']}"
    seen: dict[str, Any] = {}

    def is_done() -> bool:
        nonlocal seen
        seen = requests.get(status, headers={"Accept": "application/json"}, timeout=10).json()
        return bool(seen["cases"]) and seen["cases"][0]["stage"] in {"done", "held", "failed"}

    wait_for(is_done, seconds=60, what="the end of the case")
    case: dict[str, Any] = seen["cases"][0]
    assert case["stage"] == "done", case
    return case
