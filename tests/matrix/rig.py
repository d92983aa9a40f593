"""One installation with an account at every platform, and the ways in which a cell's fault is brought about."""

from __future__ import annotations

import importlib
import inspect
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from pipeline.adapters import PLATFORMS
from pipeline.errors import Failure
from pipeline.settings import settings
from pipeline.steps import issue
from pipeline.store.badges import Badge
from pipeline.store.credentials import CredentialRow
from tests.contracts.platform_bench import Bench
from tests.driver import Driver
from tests.matrix.cells import DNS, KILL, TIMEOUT, TLS, Cell, Moment

#: our own issuer: a table, no network
OWN = "openbadges"
COURSE = 71


class Killed(BaseException):
    """Stands for kill -9: no handler of the product may see it."""


@cache
def bench_of(platform: str) -> type[Bench]:
    """What the suite for platforms is told about this one; it makes the account and the template here too."""
    files = sorted((Path(__file__).parent.parent / "contracts").glob(f"test_{platform}*.py"))
    modules = [importlib.import_module(f"tests.contracts.{file.stem}") for file in files]
    found = [
        kind
        for module in modules
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, Bench) and not inspect.isabstract(kind) and kind.adapter.name == platform
    ]
    return min(found, key=lambda kind: len(kind.__mro__))


class MatrixRig:
    """Confer with one program, issued at the platform of a cell."""

    def __init__(self, confer: Driver, cell: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
        self.confer, self.cell, self._monkeypatch = confer, cell, monkeypatch
        # time passes here and not at the sandbox, and Badgr takes no award from times to come
        confer.clock.set_back(3600)
        self.vendor = cell.platform != OWN
        self.bench: Bench | None = None
        if self.vendor:
            url = f"{confer.control.base_url}/{bench_of(cell.platform).system}"
            self.bench = bench_of(cell.platform)(confer.control, monkeypatch, url)
        self.learners = [str(confer.learner(number, name=f"Ada Learner {number}")) for number in self._numbers()]
        confer.control.add_course(COURSE, shortname="M", fullname="Matrix", modules=[])
        self.place()

    def _numbers(self) -> range:
        return range(501, 501 + self.cell.learners)

    def place(self, url: str | None = None) -> None:
        """Write the configuration, with another address of the platform where one is given, and read it anew."""
        options: dict[str, Any] = {"system": self.cell.platform}
        template, formats = "matrix", ["certificate"]
        if self.bench:
            kept, self.bench.url = self.bench.url, url or self.bench.url
            options |= self.bench.options()
            self.bench.url = kept
            template, formats = self.bench.templates[0], [one.value for one in self.bench.formats]
        campus = {
            "system": "moodle", "site": "env:CAMPUS_MOODLE_URL", "token": "env:CAMPUS_MOODLE_TOKEN",
            "secrets": "env:CAMPUS_WEBHOOK_SECRET",
        }  # fmt: skip
        accounts = {"lms": {"campus": campus}, "platforms": {"matrix": options}}
        attributes = dict(self.bench.attributes) if self.bench else {}
        program = {
            "program": "matrix", "title": "Matrix", "source": "campus", "course": str(COURSE),
            "criteria": {"score": {"threshold": 50}},
            "credential": {
                "description": "Done.",
                "at": [
                    {"account": "matrix", "template": template, "formats": formats, "attributes": attributes}
                ],
            },
        }  # fmt: skip
        for file in (self.confer.config / "programs").glob("*.yaml"):
            file.unlink()
        (self.confer.config / "staff.yaml").unlink(missing_ok=True)
        (self.confer.config / "accounts.yaml").write_text(json.dumps(accounts), encoding="utf-8")
        (self.confer.config / "programs" / "matrix.yaml").write_text(json.dumps(program), encoding="utf-8")
        self.confer.reload()

    def complete(self) -> None:
        """Every learner completes; the wake-ups to issue are left waiting, once all are judged."""
        for number in self._numbers():
            self.confer.complete(number, COURSE, score="90")
        while any(wakeup.task != "issue" for wakeup in self.confer.waiting):
            wakeup = self.confer.waiting.popleft()
            self.confer.waiting.extend([wakeup] if wakeup.task == "issue" else self.confer.step(wakeup))

    def strike(self) -> None:
        """Bring the cell's fault about while the lane works, then let everything be well again."""
        if self.cell.fault is KILL:
            with self._killing(), pytest.raises(Killed):
                self.confer.drain()
            self.confer.waiting.clear()
        elif self.cell.fault in (DNS, TLS):
            plain = self.confer.control.base_url  # spoken to in TLS
            self.place("http://no-such-host.invalid" if self.cell.fault is DNS else plain.replace("http", "https"))
            self.confer.drain()
            self.place()
        else:
            with self._impatient():
                self._disturb()

    @contextmanager
    def _impatient(self) -> Iterator[None]:
        """A time-out is waited for, so it is short; only here, because a busy machine makes other calls slow too."""
        with self._monkeypatch.context() as patched:
            patched.setenv("CONFER_CALL_TIMEOUT_SECONDS", str(TIMEOUT))
            settings.cache_clear()
            yield
        settings.cache_clear()

    def _disturb(self) -> None:
        """The sandbox disturbs the call that issues; at the look-up, whatever is called next as well."""
        assert self.bench is not None
        more = {**self.cell.fault.more, "after": self.cell.moment is not Moment.DURING, "times": 1}
        kind, path = self.cell.fault.kind, self.bench.issuing
        fault = self.confer.control.fault(self.bench.system, kind, path=path, method="POST", **more)
        self.confer.drain()
        hits = {one["id"]: one["hits"] for one in self.confer.control.faults()}
        assert hits[fault] == 1, "the fault did not strike"
        if self.cell.moment is Moment.LOOK_UP:
            again = self.confer.control.fault(self.bench.system, kind, **{**more, "after": False})
            self.confer.settle()
            hits = {one["id"]: one["hits"] for one in self.confer.control.faults()}
            assert hits[again] == 1, "the fault did not strike the look-up"

    @contextmanager
    def _killing(self) -> Iterator[None]:
        """Have the worker die at the cell's moment, once."""
        adapter: Any = PLATFORMS[self.cell.platform]
        name = "issue" if self.cell.learners == 1 else "issue_many"
        real, commit, moment = getattr(adapter, name), issue._commit, self.cell.moment

        def issuing(this: Any, orders: Any) -> Any:
            if moment is Moment.AFTER_PLATFORM:
                real(this, orders)
            if moment is Moment.DURING:
                self._send_in_vain(this, orders, real)
            raise Killed

        def committing(*arguments: Any) -> Any:
            if moment is Moment.BETWEEN_COMMITS:
                commit(*arguments)
            raise Killed

        def dies(*_: Any, **__: Any) -> Any:
            raise Killed

        with self._monkeypatch.context() as patched:
            if moment is Moment.BEFORE_CALL:
                patched.setattr(issue, "run", dies)
            elif moment in {Moment.BEFORE_COMMIT, Moment.BETWEEN_COMMITS}:
                patched.setattr(issue, "_commit", committing)
            else:
                patched.setattr(adapter, name, issuing)
            yield

    def _send_in_vain(self, platform: Any, orders: Any, real: Callable[[Any, Any], Any]) -> None:
        """The request leaves, and the platform never acts on it."""
        if self.bench is None:
            return
        path = self.bench.issuing
        self.confer.control.fault(self.bench.system, "drop_before", path=path, method="POST", times=1)
        with suppress(Failure):
            real(platform, orders)

    # what came of it

    def live(self) -> Mapping[str, int]:
        """How many live credentials each learner has at the platform."""
        if self.bench:
            emails = [one["email"] for one in self.bench.there()]
        else:
            refs = set(self.confer.rows(select(Badge.ref)))
            rows = {row.ref: row for row in self.credentials()}
            emails = [str(rows[ref].order["email"]) for ref in refs]
        return {learner: emails.count(learner) for learner in self.learners} | {
            email: emails.count(email) for email in emails
        }

    def credentials(self) -> Sequence[CredentialRow]:
        """The rows of the ledger of issuing."""
        return self.confer.rows(select(CredentialRow).order_by(CredentialRow.id))

    def how(self) -> str:
        """How it was settled, in a word."""
        kinds = {kind.removeprefix("credential.") for kind in self.confer.history() if kind.startswith("credential.")}
        if "found" in kinds:
            return "found"
        if "duplicate_blocked" in kinds:
            return "adopted"
        if "not_found" in kinds:
            return "issued after look-up"
        return "issued again" if self.confer.history().count("credential.intended") > self.cell.learners else "issued"
