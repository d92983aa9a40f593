"""What a credential platform has to be: issues one or many, finds, corrects and withdraws, says who claimed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import ClassVar

from pipeline.contracts.adapter import Account, Adapter
from pipeline.errors import Failure, Rejected
from pipeline.transport import Gate
from pipeline.values import Format, Held, Hint, Issued, Order, Rate, Template
from pipeline.webhook import Request, Unreadable


class Platform(Adapter, ABC):
    """One account at a credential platform. Every call passes `gate`, which keeps the account's pace."""

    required = (
        *Adapter.required,
        "rate",
        "formats",
        "bulk",
        "prevents_duplicates",
        "finds_by",
        "settles_within",
        "corrects",
        "withdraws",
        "claims",
        "hears",
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
    #: what of an issued credential can be changed in place, in a sentence; empty: nothing, it is issued anew
    corrects: ClassVar[str]
    #: what a withdrawal does there and what of the credential stays to be seen, in a sentence
    withdraws: ClassVar[str]
    #: how it is learnt that the learner took the credential, in a sentence
    claims: ClassVar[str]
    #: what its webhook tells and how that is proved, in a sentence; empty where there is none, and it is only polled
    hears: ClassVar[str]
    #: whether to look before the first call, because the platform would let somebody have it twice
    looks_first: ClassVar[bool] = False

    def __init__(self, account: Account, gate: Gate) -> None:
        self.account = account
        self.gate = gate

    @classmethod
    def at_once(cls, account: Account) -> int:
        """How many credentials one call of an account issues at most: `bulk`, or fewer if accounts.yaml says so."""
        return min(cls.bulk, account.bulk or cls.bulk)

    # issuing

    @abstractmethod
    def issue(self, order: Order) -> Issued:
        """Issue one credential.

        Raises:
            Unsure: it may have happened. Duplicate: it existed before.
            Rejected, Retryable, Misconfigured, Outage, Throttled: it certainly did not happen.
        """

    def issue_many(self, orders: Sequence[Order]) -> tuple[Issued | Failure, ...]:
        """Issue several by one call, at most `bulk`: what came of each, in the order of `orders`.

        Only asked of a platform whose `bulk` is more than 1. A failure that is returned is about that order; one
        that is raised is about all of them.

        Raises:
            Unsure: any of them may have happened. Rejected, Misconfigured, Outage, Throttled: none of them did.
        """
        raise NotImplementedError(f"{type(self).__name__} states bulk = {self.bulk} and cannot issue many: {orders}")

    def publish(self, order: Order, ref: str) -> Issued:
        """Bring to the learner what exists at the platform and is not live. Safe to repeat.

        Raises:
            As for `issue`, but that it exists stays true whatever is raised.
        """
        raise Rejected(f"{self.label} has {ref} for {order.ref}, but not live, and nothing here makes it so")

    # finding

    @abstractmethod
    def find(self, order: Order) -> Issued | None:
        """Look for a live or unpublished credential that this order may have created before. Has no effect.

        One that was withdrawn is not found: it is no answer to whether a new one may be issued.

        Raises:
            Misconfigured, Rejected, Outage, Throttled: nothing is known. Never Unsure: nothing has an effect.
        """

    def existing(self, order: Order) -> Issued | None:
        """As `find`, before the first call for an order: what the learner has of the template, however it came there.

        Only asked of a platform that `looks_first`, and then for every credential, so it should be one call.

        Raises:
            As for `find`.
        """
        return self.find(order)

    @abstractmethod
    def read(self, ref: str) -> Held | None:
        """One credential as it stands at the platform; None where the platform has none of that id (any more)."""

    @abstractmethod
    def held(self, template: str) -> Iterator[Held]:
        """Every credential of a template, to the last page; withdrawn ones too where the platform lists them."""

    # templates

    @abstractmethod
    def templates(self) -> Iterator[Template]:
        """Every template that the account may see, to the last page."""

    @abstractmethod
    def template(self, ref: str) -> Template | None:
        """The template a program names, or None where the platform has none of that name."""

    # afterwards

    def correct(self, order: Order, ref: str) -> Issued:
        """Change an issued credential in place to what `order` says now. Safe to repeat.

        Only asked of a platform that states what it `corrects`.

        Raises:
            Rejected: the platform does not change this one; it has to be withdrawn and issued anew.
            Unsure, Misconfigured, Outage, Throttled: see `pipeline.errors`.
        """
        raise Rejected(f"{self.label} changes nothing in place: withdraw {ref} and issue {order.ref} anew")

    @abstractmethod
    def withdraw(self, ref: str, reason: str) -> None:
        """Take a credential back, as `withdraws` says. Safe to repeat: one that is withdrawn or gone already is a
        success.

        Args:
            reason: a code such as `integrity`, fit for the public: platforms show it.

        Raises:
            Unsure, Rejected, Misconfigured, Outage, Throttled: see `pipeline.errors`.
        """

    # claims

    def hear(self, request: Request) -> tuple[Hint, ...]:
        """Authenticate a webhook of the platform by what it offers itself, and read what it points at.

        The account's `Entrance` has been passed before. Nothing is asked of the platform here.

        Raises:
            Unauthenticated, Unreadable, Invalid: see `pipeline.webhook`.
        """
        del request
        raise Unreadable(f"{self.label} is not known to announce anything")

    def hinted(self, hint: Hint) -> Held | None:
        """What a hint is about, read back at the platform; None where it is about no credential that exists."""
        return self.read(hint.ref)
