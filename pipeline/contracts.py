"""What every adapter has to be: its data-sheet as class attributes, then a few methods.

A data-sheet attribute that is missing fails at import and names the file, the class and the attribute; nothing
half-described can be started. Registry, configuration, limiter, contract tests and the capability table read
these attributes, so that one new file is all an integration takes.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar

from marshmallow import Schema

from pipeline.courses import Course, EnrolmentState
from pipeline.transport import Gate
from pipeline.values import (
    Check,
    Completion,
    Event,
    Fact,
    Format,
    Issued,
    Order,
    Outcome,
    Rate,
    Record,
    Template,
)
from pipeline.webhook import Announcement, Entrance, Request


@dataclass(frozen=True, kw_only=True)
class Account:
    """One configured LMS, platform or downstream system. `options` passed the adapter's own schema."""

    name: str
    adapter: str
    options: Mapping[str, Any] = field(repr=False)  # holds keys and tokens
    where: str = ""
    rate: Rate | None = None
    in_flight: int = 1
    settles_within: timedelta = timedelta(0)
    #: of an LMS: what a request has to show, how often its completions are swept (None: never), and which of its
    #: courses are meant to have no program
    entrance: Entrance = field(default_factory=Entrance)
    sweep_every: timedelta | None = None
    without_program: frozenset[str] = frozenset()


class Adapter(ABC):
    """What the three kinds of adapter share: a complete data-sheet and an account."""

    required: ClassVar[tuple[str, ...]] = ("name", "label", "options")
    name: ClassVar[str]
    label: ClassVar[str]
    options: ClassVar[type[Schema]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if ABC in cls.__bases__:
            return
        missing = [attribute for attribute in cls.required if not hasattr(cls, attribute)]
        if missing:
            file = getattr(sys.modules.get(cls.__module__), "__file__", cls.__module__)
            raise TypeError(f"{file}: {cls.__name__} does not state {', '.join(missing)}")


class Lms(Adapter, ABC):
    """A learning management system: hears its events, sweeps for those that never came, reads its records."""

    required = (*Adapter.required, "provides", "hears", "entrance", "sweep_every")
    #: the facts a record can hold; a criterion that needs another one is refused by the configuration check
    provides: ClassVar[frozenset[Fact]]
    #: how the LMS announces a completion, in a sentence; empty where it never does and is only swept
    hears: ClassVar[str]
    #: the parts of an `Entrance` of which one has to be set, because the LMS itself proves nothing; empty: it does
    entrance: ClassVar[frozenset[str]]
    #: how often its completions are swept where the account says nothing else
    sweep_every: ClassVar[timedelta]

    def __init__(self, account: Account) -> None:
        self.account = account

    @classmethod
    def supplies(cls, options: Mapping[str, Any]) -> frozenset[Fact]:
        """The facts that an account with these options can tell; fewer than `provides` where one costs a key."""
        del options
        return cls.provides

    @classmethod
    def needs_entrance(cls, options: Mapping[str, Any]) -> frozenset[str]:
        """As `entrance`, for an account with these options: none where they have the LMS sign its events."""
        del options
        return cls.entrance

    @abstractmethod
    def hear(self, request: Request) -> Announcement:
        """Authenticate a webhook request by what the LMS itself offers, and read its events.

        The account's `Entrance` has been passed before. Nothing is asked of the LMS here: the answer has to be
        quick, and an event is a hint anyway.

        Raises:
            Unauthenticated, Unreadable, Invalid: see `pipeline.webhook`.
        """

    @abstractmethod
    def completions(self, *, course: str, since: datetime, known: frozenset[str]) -> Iterator[Event]:
        """The completions of a course since an instant, by asking: `swept`, and with the keys that a webhook of
        the same completion has, as far as the LMS's API lets them be told.

        Args:
            known: learners whose completion is known already. For an LMS that has to be asked learner by learner;
                others may return them again.

        Raises:
            Misconfigured, Rejected, Outage, Throttled: see `pipeline.errors`.
        """

    @abstractmethod
    def record(self, *, learner: str, course: str, needs: frozenset[Fact], prerequisites: tuple[str, ...]) -> Record:
        """Read the learner's record back from the LMS: profile and completion always, the rest as needed.

        Raises:
            NotReady: the LMS lags behind its event.
            Misconfigured, Rejected, Outage, Throttled: see `pipeline.errors`.
        """

    @abstractmethod
    def courses(self) -> tuple[Course, ...]:
        """Every course of the LMS that the account may see.

        Raises:
            Misconfigured, Rejected, Outage, Throttled: see `pipeline.errors`.
        """

    @abstractmethod
    def enrol(self, *, learner: str, course: str) -> EnrolmentState:
        """Enrol a learner as a full participant. Safe to repeat: what exists is never changed.

        Raises:
            Rejected: the LMS or the state of an existing enrolment says no, for example a suspended one.
            Misconfigured, Outage, Throttled, Unsure: see `pipeline.errors`.
        """


class Platform(Adapter, ABC):
    """A credential platform: issues, and finds what exists."""

    required = (
        *Adapter.required,
        "rate",
        "formats",
        "bulk",
        "prevents_duplicates",
        "finds_by",
        "settles_within",
    )
    #: the guide's limit; the account may say otherwise, and the observed 429 always wins. None: no limit
    rate: ClassVar[Rate | None]
    formats: ClassVar[frozenset[Format]]
    #: the largest bulk call, 1 where there is none
    bulk: ClassVar[int]
    #: what the platform itself does against a second credential, in a sentence
    prevents_duplicates: ClassVar[str]
    #: how an existing credential is found, in a sentence
    finds_by: ClassVar[str]
    #: how long after an unclear call a look-up may still miss what the call created
    settles_within: ClassVar[timedelta]

    def __init__(self, account: Account, gate: Gate) -> None:
        self.account = account
        self.gate = gate

    @abstractmethod
    def issue(self, order: Order) -> Issued:
        """Issue one credential.

        Raises:
            Unsure: it may have happened. Duplicate: it existed before.
            Rejected, Retryable, Misconfigured, Outage, Throttled: it certainly did not happen.
        """

    @abstractmethod
    def find(self, order: Order) -> Issued | None:
        """Look for a credential that this order may have created before. Has no effect at the platform."""

    @abstractmethod
    def template(self, ref: str) -> Template | None:
        """The template a program names, or None where the platform has none of that name."""


class Target(Adapter, ABC):
    """A downstream system that is told about an issued credential."""

    required = (*Adapter.required, "idempotent_by")
    #: what makes sending twice harmless, in a sentence
    idempotent_by: ClassVar[str]

    def __init__(self, account: Account) -> None:
        self.account = account

    @abstractmethod
    def send(self, completion: Completion) -> str:
        """Tell the system; returns its reference or version. Safe to repeat.

        Raises:
            Rejected, Retryable, Misconfigured, Outage, Throttled: see `pipeline.errors`.
        """


class Criterion(Adapter, ABC):
    """One completion criterion: judges a record by the values a program gives, without any side effect."""

    required = (*Adapter.required, "needs")
    #: the facts without which it cannot be judged
    needs: ClassVar[frozenset[Fact]]
    #: judged whether or not a program names it
    always: ClassVar[bool] = False

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values

    @property
    def title(self) -> str:
        """What its checks are called: the same criterion may be asked twice of a program, about different things."""
        return self.name

    @property
    def asks(self) -> frozenset[Fact]:
        """The facts that the LMS has to supply: none where a person attests it instead."""
        return frozenset() if self.values.get("attested") else self.needs

    @abstractmethod
    def judge(self, record: Record) -> Check:
        """Pass, hold or fail, with the evidence. Never raises for anything a record may hold."""

    def courses(self) -> tuple[str, ...]:
        """Other courses whose completion has to be read for this criterion."""
        return ()

    def credentials(self) -> tuple[str, ...]:
        """Other programs whose credential has to be looked up for this criterion."""
        return ()

    def check(self, record: Record, outcome: Outcome, *, threshold: str, seen: str, reason: str, where: str) -> Check:
        """The check that says so."""
        return Check(
            criterion=self.title, outcome=outcome, threshold=threshold, seen=seen, where=where,
            read_at=record.read_at, reason=reason,
        )  # fmt: skip
