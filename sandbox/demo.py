"""`make run`: Confer on one machine without any server, and one sample completion delivered before your eyes.

Database and broker are files, the credential is issued by Confer itself, and the sandbox stands in for Moodle,
the student information system and the mail server.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import secrets
import shutil
import signal
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import requests

from sandbox.control import SandboxControl, send_to
from sandbox.processes import BEAT, LANES, MIGRATE, WORKER, Processes, flower, web

HOST = "127.0.0.1"
WEBHOOK_SECRET = "demo-webhook-secret"  # noqa: S105 - of the sandbox's own Moodle
FIRST_AID = 12


class DemoFault(Exception):
    """The demo cannot go on; the message says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class Ports:
    """Where the demo listens."""

    web: int
    flower: int
    sandbox: int
    smtp: int


def main() -> None:
    """Run the demo until Ctrl-C."""
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.demo",
        description="Run Confer on this machine and deliver one sample completion.",
        epilog="example: make run, or python -m sandbox.demo --data /tmp/confer --once",
    )
    parser.add_argument("--data", type=Path, default=Path("var"), help="where files are kept (default: var)")
    parser.add_argument("--once", action="store_true", help="stop after the sample is delivered")
    parser.add_argument("--port", type=int, default=8080, help="port of the web process (default: 8080)")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, _as_interrupt)
    signal.signal(signal.SIGINT, _as_interrupt)  # a shell starts background jobs with SIGINT ignored
    try:
        run(arguments.data, web_port=arguments.port, once=arguments.once)
    except KeyboardInterrupt:
        print("\nStopped.")
    except DemoFault as fault:
        sys.exit(f"\n{fault}")


def run(data: Path, *, web_port: int, once: bool) -> None:
    """Start everything, deliver the sample, print the addresses, and stay.

    Raises:
        DemoFault: a process does not start, or the sample does not arrive.
    """
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone(data):
        _run(data, web_port=web_port, once=once)


@contextmanager
def _alone(data: Path) -> Iterator[None]:
    """Keep a second demo out of the same directory: it would take the first one's broker away."""
    with (data / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DemoFault(
                f"A demo runs in {data} already; stop it, or name another directory with --data."
            ) from None
        yield


def _run(data: Path, *, web_port: int, once: bool) -> None:
    # what an earlier Flower left unread; messages are hints, and the tick repeats those that mattered
    shutil.rmtree(data / "broker", ignore_errors=True)
    ports = _ports(web_port)
    environ = _environment(data, ports)
    print("Starting Confer …")
    with _all(data, ports, environ) as processes:
        with SandboxControl(f"http://{HOST}:{ports.sandbox}") as control:
            delivered = _sample(control, ports, processes)
        _addresses(ports, delivered, data)
        while not once:
            time.sleep(1)
            _refuse_ended(processes)


@contextmanager
def _all(data: Path, ports: Ports, environ: Mapping[str, str]) -> Iterator[Processes]:
    processes = Processes(logs=data / "log", environ=environ)
    try:
        sandbox = ("python", "-m", "sandbox", "--host", HOST, "--port", str(ports.sandbox))
        processes.start("sandbox", (*sandbox, "--smtp-port", str(ports.smtp)))
        _wait(processes, f"http://{HOST}:{ports.sandbox}/_sandbox/state", "the sandbox", seconds=20)
        if processes.start("migrate", MIGRATE).wait(timeout=60):
            raise DemoFault(f"The database could not be migrated:\n{processes.tail('migrate')}")
        del processes.running["migrate"]
        processes.start("web", web(f"{HOST}:{ports.web}", workers=1))
        processes.start("worker", WORKER)
        processes.start("lanes", LANES)
        processes.start("beat", BEAT)
        processes.start("flower", flower(HOST, ports.flower))
        _wait(processes, f"http://{HOST}:{ports.web}/health/ready?strict=1", "the first tick", seconds=60)
        yield processes
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not leave children behind
        processes.stop()
        signal.signal(signal.SIGINT, _as_interrupt)


def _sample(control: SandboxControl, ports: Ports, processes: Processes) -> dict[str, Any]:
    """Have a new learner complete a course, and show every entry of the ledger as it is written."""
    learner = int(time.time())
    name, email = "Ada Lovelace", f"ada.{learner}@example.org"
    control.add_learner(
        learner, name=name, email=email, supervisor_email="charles@example.org", idnumber=f"S-{learner}"
    )
    print(f"\n{name} completes First Aid at Work with 91.5 % at the sandbox's Moodle, which sends its webhook:\n")
    began = time.monotonic()
    told = send_to(f"http://{HOST}:{ports.web}/webhooks/campus", WEBHOOK_SECRET)
    sent = control.complete(learner, FIRST_AID, score="91.5", send=told)
    answer = sent["answer"]
    if answer["status"] != 202:
        raise DemoFault(f"The receiver answered {answer['status']}: {answer['body']}")
    accepted = json.loads(answer["body"]) if isinstance(answer["body"], str) else answer["body"]
    print(f"  {sent['milliseconds'] / 1000:6.2f} s  202, stored as {accepted['delivery']}")
    status = f"http://{HOST}:{ports.web}{accepted['status']}"
    case = _watch(status, began, processes)
    mail = next(iter(control.mails(to=email)), None)
    return {"status": status, "case": case, "mail": mail, "seconds": time.monotonic() - began}


def _watch(status: str, began: float, processes: Processes) -> dict[str, Any]:
    shown = 0
    while time.monotonic() - began < 60:
        document = requests.get(status, headers={"Accept": "application/json"}, timeout=5).json()
        for case in document["cases"]:
            for entry in case["history"][shown:]:
                moved = f"   {entry['from']} → {entry['to']}" if "to" in entry else ""
                print(f"  {time.monotonic() - began:6.2f} s  {entry['kind']}{moved}", flush=True)
            shown = len(case["history"])
            if case["stage"] == "done":
                return dict(case)
            if case["stage"] in {"held", "failed"}:
                raise DemoFault(f"The sample was {case['stage']}: {case['reason']}")
        _refuse_ended(processes)
        time.sleep(0.05)
    raise DemoFault(f"The sample was not delivered within a minute; see {status} and the logs in {processes.logs}")


def _addresses(ports: Ports, delivered: dict[str, Any], data: Path) -> None:
    print(f"\nDelivered in {delivered['seconds']:.1f} s.\n")
    sandbox = f"http://{HOST}:{ports.sandbox}"
    mail = f"{sandbox}/mail/{delivered['mail']['number']}" if delivered["mail"] else f"{sandbox}/mail/"
    rows = {
        "Status of the case": delivered["status"],
        "Verification page": delivered["case"]["credentials"][0]["url"],
        "Mail to the learner": mail,
        "Flower": f"http://{HOST}:{ports.flower}/",
        "Health": f"http://{HOST}:{ports.web}/health/ready",
        "Sandbox": f"{sandbox}/_sandbox/",
        "Webhook": f"http://{HOST}:{ports.web}/webhooks/campus",
        "Logs": str(data / "log"),
    }
    for name, address in rows.items():
        print(f"  {name:<20} {address}")
    print("\nCtrl-C stops everything.", flush=True)


def _environment(data: Path, ports: Ports) -> dict[str, str]:
    """What an operator would put into the environment; nothing of it is for production."""
    sandbox = f"http://{HOST}:{ports.sandbox}"
    cleared = ("DATABASE_URL", "REDIS_URL", "CONFER_SECRET_KEY", "CONFER_METRICS_TOKEN")
    return {
        **dict.fromkeys(cleared, ""),
        "CONFER_DATA": str(data.absolute()),
        "CONFER_SECRET_KEY_FILE": str(_secret_key(data)),
        "CONFER_PUBLIC_URL": f"http://localhost:{ports.web}",
        "CONFER_SMTP_URL": f"smtp://{HOST}:{ports.smtp}",
        "CONFER_MAIL_FROM": "Example Academy <credentials@academy.example>",
        "CONFER_TICK_SECONDS": "2",
        "CAMPUS_MOODLE_URL": f"{sandbox}/moodle",
        "CAMPUS_MOODLE_TOKEN": "moodle-token",
        "CAMPUS_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "COLLEGE_CANVAS_URL": f"{sandbox}/canvas",
        "COLLEGE_CANVAS_TOKEN": "canvas-token",
        "COLLEGE_CANVAS_JWKS": f"{sandbox}/canvas/main/jwks",
        "ACCREDIBLE_URL": f"{sandbox}/accredible",
        "ACCREDIBLE_KEY": "accredible-key",
        "SIS_URL": f"{sandbox}/sis",
        "SIS_TOKEN": "sis-token",
        "REGISTRAR_TOKEN": "demo-registrar-that-everybody-knows",
        "HEAD_REGISTRAR_TOKEN": "demo-head-registrar-that-everybody-knows",
        "PROCTORING_TOKEN": "demo-proctoring-that-everybody-knows",
    }


def _secret_key(data: Path) -> Path:
    file = data.absolute() / "secret-key"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_hex(32), encoding="ascii")
    return file


def _ports(web_port: int) -> Ports:
    taken: set[int] = set()

    def choose(purpose: str, wanted: int) -> int:
        for port in range(wanted, wanted + 50):
            if port not in taken and _is_free(port):
                taken.add(port)
                if port != wanted:
                    print(f"Port {wanted} is taken; {purpose} uses {port}.")
                return port
        raise DemoFault(f"No free port from {wanted} to {wanted + 49} for {purpose}; stop what listens there.")

    return Ports(
        web=choose("the web process", web_port),
        flower=choose("Flower", 5555),
        sandbox=choose("the sandbox", 9000),
        smtp=choose("the sandbox's mail server", 2525),
    )


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _wait(processes: Processes, address: str, what: str, *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        _refuse_ended(processes)
        try:
            if requests.get(address, timeout=2).status_code == 200:
                return
        except requests.RequestException:
            pass
        time.sleep(0.1)
    raise DemoFault(f"{what} did not come within {seconds:.0f} s; see the logs in {processes.logs}")


def _refuse_ended(processes: Processes) -> None:
    for name in processes.ended():
        code = processes.running[name].returncode
        raise DemoFault(f"The process {name} ended with status {code}:\n{processes.tail(name)}")


def _as_interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
