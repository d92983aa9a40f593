"""What an LMS has to be."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

from pipeline.contracts.adapter import Account, Adapter
from pipeline.courses import Course, EnrolmentState
from pipeline.values import Event, Fact, Record
from pipeline.webhook import Announcement, Request


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
