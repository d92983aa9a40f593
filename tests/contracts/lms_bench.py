"""What the suite for LMSs has to be told about one: how its twin is moved, how its requests prove themselves."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar
from uuid import uuid4

import pytest

from pipeline import clock
from pipeline.contracts import Account, Lms
from pipeline.values import Event, Fact, Record
from pipeline.webhook import Announcement, Entrance, Request
from sandbox.control import SandboxControl


class Trait(StrEnum):
    """What one LMS has and another has not."""

    WEBHOOK = "announces completions at all"
    SIGNATURE = "signs the raw bytes, not only shows a secret"
    FRESHNESS = "says when it sent, so that what is stale is refused"
    ROTATION = "two secrets can be in use at once"
    BATCH = "puts several events into one request"
    LAG = "its record may lag behind its event"
    RENEWAL = "an access token that has expired is renewed without a person"
    SAME_KEY = "webhook and sweep know a completion by the same key"
    SINCE = "a completion can be put into the past at the twin"
    ENROL = "learners can be enrolled over its API"


@dataclass(frozen=True, kw_only=True)
class Wire:
    """One request as the LMS sends it."""

    raw: bytes
    headers: Mapping[str, str]
    path: str = ""

    def request(self) -> Request:
        """As the receiver hands it on."""
        headers = {name.lower(): text for name, text in self.headers.items()}
        return Request(body=self.raw, headers=headers, path=self.path, address="192.0.2.7")


class Bench(ABC):
    """One LMS account and its twin. Learners and courses are told apart by small numbers; refs are the LMS's own."""

    adapter: ClassVar[type[Lms]]
    #: the twin's name at the sandbox
    system: ClassVar[str]
    #: how many completions fill three pages of the sweep and begin a fourth
    past_three_pages: ClassVar[int]
    lacks: ClassVar[Mapping[Trait, str]] = {}
    #: given and family name of `Learner 1`; None where the LMS knows only the whole name
    name_parts: ClassVar[tuple[str | None, str | None]] = ("Learner", "1")
    #: what is in use; a binding's options or entrance take both where two can be
    secrets: ClassVar[tuple[str, str]] = ("the-first-secret-of-this-account", "the-second-secret-of-this-account")

    def __init__(self, control: SandboxControl, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
        self.control, self.lms, self.url = control, control.lms(self.system), url
        self._monkeypatch = monkeypatch
        self._name = f"{self.system}-{uuid4().hex[:8]}"  # tokens are kept per account, and tests share a process

    def env(self, name: str, value: str) -> str:
        """Set a variable and give the reference to it, as options that are secret want it."""
        self._monkeypatch.setenv(name, value)
        return f"env:{name}"

    def account(self) -> Account:
        """The account as the configuration would load it."""
        options = self.adapter.options().load(self.options())
        entrance = self.entrance()
        return Account(name=self._name, adapter=self.adapter.name, options=options, where="tests", entrance=entrance)

    def hear(self, wire: Wire) -> Announcement:
        """What the receiver does: the account's entrance, then the adapter."""
        made = self.adapter(self.account())
        return made.hear(made.account.entrance.admit(wire.request()))

    def entrance(self) -> Entrance:
        """Of an LMS that proves nothing itself: what an administrator would set."""
        return Entrance()

    @abstractmethod
    def options(self) -> dict[str, Any]:
        """The account's options as in accounts.yaml."""

    @abstractmethod
    def learner(self, number: int) -> str:
        """Add the learner `Learner <number>`, learner<number>@learners.example; the LMS's ref."""

    @abstractmethod
    def course(self, number: int) -> str:
        """Add the course `Course <number>`, which can be completed; the LMS's ref."""

    @abstractmethod
    def complete(self, learner: str, course: str, *, at: datetime | None = None, lag_reads: int = 0) -> Wire:
        """Complete with all that a record needs, now or at `at`; the announcement as the twin would send it."""

    def again(self, learner: str, course: str, wire: Wire) -> Wire:
        """The same completion announced again; the same bytes where the twin knows nothing else."""
        del learner, course
        return wire

    def document(self, wire: Wire) -> Any:
        """The JSON of an announcement, without any seal."""
        return json.loads(wire.raw)

    def seal(self, payload: bytes, *, secret: str | None, at: datetime | None = None) -> Wire:
        """The request with this payload and the LMS's proof by `secret` (None: without any), sent `at`."""
        raise NotImplementedError

    def batch(self, pairs: list[tuple[str, str]]) -> Wire:
        """One request that announces the completions of these learners and courses, made before."""
        raise NotImplementedError

    def expire_token(self) -> None:
        """Have the twin take the account's access token for expired."""
        raise NotImplementedError

    def revoke(self) -> None:
        """Have the twin refuse whatever this account shows, also when it is shown anew."""
        self.control.fault(self.system, "status", status=401)

    def crowd(self, course: str, size: int) -> frozenset[str]:
        """So many learners complete a course; their refs."""
        refs = [self.learner(1000 + number) for number in range(size)]
        for ref in refs:
            self.complete(ref, course)
        return frozenset(refs)

    def read(self, learner: str, course: str, needs: frozenset[Fact] = frozenset()) -> Record:
        """The record, by a fresh adapter."""
        return self.adapter(self.account()).record(learner=learner, course=course, needs=needs, prerequisites=())

    def swept(self, course: str, *, days: float = 1) -> list[Event]:
        """What a sweep of the last days finds."""
        since = clock.now() - timedelta(days=days)
        return list(self.adapter(self.account()).completions(course=course, since=since, known=frozenset()))
