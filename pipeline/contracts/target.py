"""What a downstream system has to be."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from pipeline.contracts.adapter import Account, Adapter
from pipeline.values import Completion


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
