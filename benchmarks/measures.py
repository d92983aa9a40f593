"""The measures: webhooks, completions, judging, and how the lanes use the limits of the platforms."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import burst
from benchmarks.judging import judged
from benchmarks.load import Load, post_all
from sandbox.processes import web
from tests.faults.rig import AT_BADGES, WEBHOOK_SECRET, Rig, Variant, running
from tests.servers import HOST, free_port, wait_for

#: as in production, where the rig scales time down
ENVIRON = {
    "CONFER_CALL_TIMEOUT_SECONDS": "20",
    "CONFER_LEASE_SECONDS": "90",
    "CONFER_REANNOUNCE_SECONDS": "15",
    "CONFER_TICK_SECONDS": "5",
    "CONFER_SLICE_SECONDS": "10",
}
WARM_UP = 200


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table. Without a baseline the measure stands for itself."""

    what: str
    on: str
    measured: str
    baseline: str = ""
    ratio: str = ""


def webhooks(variant: Variant, count: int) -> Row:
    """Webhook requests per second, each a new delivery that is stored, against a bare view."""
    with _installation(variant) as rig:
        rig.kill_workers()  # the receiver alone: what it stores is worked on elsewhere
        rig.processes.kill("beat")
        rig.processes.running.pop("beat").wait()
        ours = _load(f"{rig.web_url}/webhooks/campus", count)
        stored = rig.rows("SELECT count(*) FROM deliveries")[0][0]
        if stored != count + WARM_UP:
            raise RuntimeError(f"{count + WARM_UP} answered with 202, {stored} stored")
        rig.processes.kill("web")
        rig.processes.running.pop("web").wait()
        bind = f"{HOST}:{free_port()}"
        rig.processes.start("bare", ("gunicorn", "benchmarks.bare:create_app()", *web(bind)[2:]))
        wait_for(lambda: not rig.processes.ended() and _listens(bind), seconds=20, what="the bare view")
        bare = _load(f"http://{bind}/webhooks/campus", count)
    return Row(
        what=f"webhooks, {count:,} stored",
        on=_name(variant),
        measured=_spell(ours),
        baseline=f"{_spell(bare)}: a bare Flask view",
        ratio=f"{ours.per_second / bare.per_second:.2f}",
    )


def completions(variant: Variant, count: int) -> Row:
    """Completions per second from the first webhook to the last case that is done, against no-op chains of four."""
    with _installation(variant) as rig:
        rig.complete(8, AT_BADGES)
        rig.wait_all(8)
        began = time.monotonic()
        rig.complete(count, AT_BADGES, parallel=16)
        rig.wait_all(count + 8, seconds=300)
        ours = count / (time.monotonic() - began)
        rig.assert_exactly_once(count + 8)
        rig.kill_workers()
        rig.processes.kill("beat")
        rig.processes.running.pop("beat").wait()
        command = ("celery", "-A", "benchmarks.chain", "worker", "-n", "chain@%h", "-Q", "steps", "-c", "4", "-E")
        rig.processes.start("chain", command)
        _chains(rig, 20)
        bare = count / _chains(rig, count)
    return Row(
        what=f"completions, {count:,} at once",
        on=_name(variant),
        measured=f"{ours:.1f}/s",
        baseline=f"{bare:.1f}/s: a Celery chain of four no-ops",
        ratio=f"{ours / bare:.2f}",
    )


def judging(count: int) -> Row:
    """Stored records judged per second on one core, by every criterion there is, against only parsing their JSON."""
    ours, bare, outcomes = judged(count)
    said = ", ".join(f"{number:,} {outcome}" for outcome, number in outcomes.items())
    return Row(
        what=f"judging, {count:,} stored records ({said})",
        on="memory",
        measured=f"{count / ours:,.0f}/s",
        baseline=f"{count / bare:,.0f}/s: parsing the JSON",
        ratio=f"{bare / ours:.3f}",
    )


def limit(count: int, *, calls: int = 100, window: float = 10.0) -> Iterator[Row]:
    """How much of a platform's limit two lane hosts use, and what a credential costs, beside Celery's rate_limit."""
    seen, cpu = burst.used_by_lanes(count, calls, window)
    plain, plain_cpu = burst.used_by_rate_limit(count, calls, window)
    yield Row(
        what=f"limit of {calls} in {window:g} s, {count:,} issued by two lane hosts, one call each",
        on="PostgreSQL, Redis",
        measured=f"{_of_limit(seen)}, {cpu * 1000:.1f} ms CPU each",
        baseline=f"{_of_limit(plain)}, {plain_cpu * 1000:.1f} ms: Celery's rate_limit on two workers",
        ratio=f"{cpu / plain_cpu:.2f} of its CPU",
    )


def bulk(count: int, *, window: float = 60.0) -> Iterator[Row]:
    """How long a cohort takes at Accredible's limit with bulk calls and without."""
    fast, slow = (burst.bulk_seconds(count, window, bulky=bulky) for bulky in (True, False))
    yield Row(
        what=f"{count} learners at 100 calls in {window:g} s, bulk calls",
        on="PostgreSQL, Redis",
        measured=f"{fast:.1f} s",
        baseline=f"{slow:.1f} s: one call for each",
        ratio=f"{slow / fast:.1f}",
    )


def platforms(count: int, *, window: float = 6.0) -> Iterator[Row]:
    """Five platforms with their real ratio of limits, through kills and an outage, beside a run without."""
    calm = {one.platform: one for one in burst.five_platforms(count, window, trouble=False)}
    for one in burst.five_platforms(count, window, trouble=True):
        was = calm[one.platform]
        away = f", away for {burst.AWAY_MINUTES * window:g} s" if one.platform == burst.AWAY else ""
        yield Row(
            what=f"{one.platform}: {one.credentials:,} of {count:,} at five platforms, two kills{away}",
            on="PostgreSQL, Redis",
            measured=f"{one.used:.1%} used, {one.over} over, p95 {one.p95:.0f} s",
            baseline=f"{was.used:.1%} used, {was.over} over, p95 {was.p95:.0f} s: nothing goes wrong",
            ratio=f"{one.p95 / was.p95:.2f} in p95",
        )


def _of_limit(seen: Mapping[str, Any]) -> str:
    return f"{seen['used']:.1%} used, {seen['over_limit']} over, at most {seen['max_in_window']} in a window"


@contextmanager
def _installation(variant: Variant, **options: Any) -> Iterator[Rig]:
    with tempfile.TemporaryDirectory(prefix="confer-bench-") as directory:
        place = Path(directory)
        place.chmod(0o711)
        with running(place / "run", variant, environ=ENVIRON, **options) as rig:
            yield rig


def _load(address: str, count: int) -> Load:
    post_all(address, [_body(number) for number in range(-WARM_UP, 0)], expect=202)
    return post_all(address, [_body(number) for number in range(count)], expect=202)


def _body(number: int) -> bytes:
    """A webhook as `local_webhooks` sends it, each of another completion."""
    row = 1_000_000 + number
    document = {
        "eventname": "\\core\\event\\course_completed", "component": "core", "action": "completed",
        "target": "course", "objecttable": "course_completions", "objectid": str(row), "crud": "u", "edulevel": 2,
        "contextid": 115, "contextlevel": 50, "contextinstanceid": "12", "userid": "2", "courseid": "12",
        "relateduserid": str(row), "anonymous": 0, "other": {"relateduserid": str(row)},
        "timecreated": int(time.time()) - 60, "host": "lms.example.org", "token": WEBHOOK_SECRET, "extra": "",
    }  # fmt: skip
    return json.dumps(document).encode()


def _chains(rig: Rig, count: int) -> float:
    """Seconds for so many no-op chains, sent by a process of their own."""
    command = [sys.executable, "-m", "benchmarks.chain", str(count), str(rig.directory / f"chains-{count}")]
    ran = subprocess.run(
        command, env={**os.environ, **rig.processes.environ}, capture_output=True, text=True, check=True
    )
    return float(ran.stdout)


def _listens(bind: str) -> bool:
    host, _, port = bind.partition(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


def _name(variant: Variant) -> str:
    return "SQLite, file broker" if variant == "files" else "PostgreSQL, Redis"


def _spell(load: Load) -> str:
    return f"{load.per_second:,.0f}/s (p50 {load.median * 1000:.0f} ms, p99 {load.p99 * 1000:.0f} ms)"
