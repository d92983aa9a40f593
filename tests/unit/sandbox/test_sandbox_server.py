"""The sandbox as a whole: the command, the index, the reset, and many callers at once."""

from __future__ import annotations

import ast
import json
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from pathlib import Path

import pytest
import requests

import sandbox as package
from sandbox.control import SandboxControl
from sandbox.server import Sandbox

ROOT = Path(package.__file__).parent


def start(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "sandbox", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT.parent)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_says_where_it_is_and_ends_cleanly(number: signal.Signals) -> None:
    with start("--port", "0", "--smtp-port", "0", "--json") as process:
        assert process.stdout is not None
        addresses = json.loads(process.stdout.readline())
        assert requests.get(f"{addresses['http']}/_sandbox/state", timeout=10).status_code == 200
        port = int(addresses["smtp"].rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            assert connection.recv(100).startswith(b"220")
        with SandboxControl(addresses["http"]) as control:
            control.fault("sis", "hang")
        begun = time.monotonic()
        process.send_signal(number)
        out, err = process.communicate(timeout=10)
        assert time.monotonic() - begun < 1.5
    assert (process.returncode, out, err) == (0, "", "")


def test_a_port_that_is_taken_is_said_plainly() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with start("--port", port, "--smtp-port", "0") as process:
            _, err = process.communicate(timeout=10)
    assert process.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in err
    assert "Traceback" not in err


def test_help_has_an_example() -> None:
    with start("--help") as process:
        out, _ = process.communicate(timeout=10)
    assert "example: python -m sandbox" in " ".join(out.split())


def test_answers_name_the_public_address(http: requests.Session) -> None:
    with Sandbox(public_url="https://sandbox.example/") as running:
        details = http.get(
            f"{running.http}/accredible/v1/issuer/details",
            headers={"Authorization": "Token token=accredible-key"},
            timeout=10,
        )
    assert details.json()["issuer"]["url"] == "https://sandbox.example"


def test_reset_forgets_everything(sandbox: Sandbox, control: SandboxControl, http: requests.Session) -> None:
    fresh = control.state()
    control.add_learner(307, name="Ann Lee", email="ann@example.org")
    control.complete(307, 12, score="90")
    control.add_student("S", name="Ann", email="ann@example.org")
    control.fault("sis", "status")
    control.set_rate("sis", 0)
    http.get(f"{sandbox.http}/sis/students", timeout=10)
    assert control.state() != fresh
    control.reset()
    assert control.state() == fresh


class _Outline(HTMLParser):
    """What a reader of a page needs: language, title, one first heading, headers in tables, names of frames."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag == name]


@pytest.mark.parametrize(
    "path", ["/_sandbox/", "/_sandbox/sign-in", "/mail/", "/mail/9", "/accredible/credentials/9", "/x"]
)
def test_pages_can_be_read_by_everybody(sandbox: Sandbox, http: requests.Session, path: str) -> None:
    outline = _Outline(http.get(sandbox.http + path, timeout=10).text)
    assert outline.all("html")[0]["lang"] == "en"
    assert len(outline.all("title")) == len(outline.all("h1")) == len(outline.all("main")) == 1
    assert len(outline.all("caption")) == len(outline.all("table"))
    assert all(one.get("scope") for one in outline.all("th"))
    assert not outline.all("script")


def test_every_link_of_the_overview_leads_somewhere(sandbox: Sandbox, http: requests.Session) -> None:
    links = [one["href"] for one in _Outline(http.get(f"{sandbox.http}/_sandbox/", timeout=10).text).all("a")]
    assert len(links) > 8
    for link in links:
        assert link is not None
        if link.startswith("/"):
            assert http.get(sandbox.http + link, timeout=10).status_code == 200, link


def test_many_callers_at_once(sandbox: Sandbox, control: SandboxControl) -> None:
    def issue(number: int) -> int:
        body = {"credential": {"group_id": 4711, "recipient": {"name": "A", "email": f"l{number}@example.org"}}}
        headers = {"Authorization": "Token token=accredible-key"}
        with requests.Session() as session:
            session.trust_env = False
            url = f"{sandbox.http}/accredible/v1/credentials"
            return session.post(url, json=body, headers=headers, timeout=30).status_code

    with ThreadPoolExecutor(64) as pool:
        statuses = list(pool.map(issue, [*range(300), *range(20)]))
    assert (statuses.count(200), statuses.count(422)) == (300, 20)
    assert len({one["id"] for one in control.credentials()}) == 300


def test_the_sandbox_shares_no_code_with_the_product() -> None:
    imported = set()
    for file in [*ROOT.glob("*.py")]:
        if file.name in ("demo.py", "processes.py"):
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                imported |= {one.name.partition(".")[0] for one in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add((node.module or "").partition(".")[0])
    assert not imported & {"pipeline", "tasks", "web", "celeryconfig"}
