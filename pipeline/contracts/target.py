"""What a downstream system has to be."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from pipeline.contracts.adapter import Account, Adapter
from pipeline.values import Completion


class Target(Adapter, ABC):
    """A downstream system that is told about an issued credential, and about its withdrawal."""

    required = (*Adapter.required, "idempotent_by", "withdraws")
    #: what makes sending twice harmless, in a sentence
    idempotent_by: ClassVar[str]
    #: what it makes of a withdrawal, in a sentence
    withdraws: ClassVar[str]

    def __init__(self, account: Account) -> None:
        self.account = account

    @abstractmethod
    def send(self, completion: Completion) -> str:
        """Tell the system; returns its reference or version. Safe to repeat; a correction is sent the same way.

        Raises:
            Rejected, Retryable, Misconfigured, Outage, Throttled: see `pipeline.errors`.
        """

    @abstractmethod
    def withdraw(self, completion: Completion, reason: str) -> str:
        """Tell the system that the credential it was told of is withdrawn; returns its reference. Safe to repeat.

        Args:
            reason: a code, fit for the public: see `pipeline.values.withdrawing`.

        Raises:
            Rejected, Retryable, Misconfigured, Outage, Throttled: see `pipeline.errors`.
        """
