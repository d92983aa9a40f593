"""What a completion criterion has to be."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from pipeline.contracts.adapter import Adapter
from pipeline.values import Check, Fact, Outcome, Record


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
