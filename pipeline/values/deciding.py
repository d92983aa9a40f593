"""What a decision is made of: checks with their evidence, and what a person says instead."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Outcome(StrEnum):
    """What one check says. Doubt holds, it never passes."""

    PASS = "pass"
    HOLD = "hold"
    FAIL = "fail"

    @staticmethod
    def all_of(outcomes: Iterable[Outcome]) -> Outcome:
        """One fail fails, else one hold holds; only all passed is a pass. Nothing checked is doubt."""
        found = set(outcomes) or {Outcome.HOLD}
        return next(outcome for outcome in (Outcome.FAIL, Outcome.HOLD, Outcome.PASS) if outcome in found)

    @staticmethod
    def any_of(outcomes: Iterable[Outcome]) -> Outcome:
        """One pass passes, else one hold holds; only all failed is a fail. Nothing checked is doubt."""
        found = set(outcomes) or {Outcome.HOLD}
        return next(outcome for outcome in (Outcome.PASS, Outcome.HOLD, Outcome.FAIL) if outcome in found)


@dataclass(frozen=True, kw_only=True)
class Override:
    """A person's word in place of a check's outcome. `was` is what the check had said."""

    person: str
    reason: str
    at: datetime
    was: Outcome


@dataclass(frozen=True, kw_only=True)
class Check:
    """One check of a decision with its evidence: what was asked, what was seen, where it was read, when.

    A group of criteria is a check whose `parts` are the checks in it.
    """

    criterion: str
    outcome: Outcome
    threshold: str
    seen: str
    where: str
    read_at: datetime
    reason: str
    parts: tuple[Check, ...] = ()
    override: Override | None = None
