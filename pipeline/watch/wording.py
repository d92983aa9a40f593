"""Checks and instants in plain words, the same wherever a person reads them in a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from pipeline.values import Check, Outcome

_WIDTH = 100
OUTCOMES: Mapping[Outcome, str] = {Outcome.PASS: "passed", Outcome.HOLD: "in doubt", Outcome.FAIL: "failed"}


def moment(at: datetime) -> str:
    """An instant to the minute, in UTC."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def check_lines(checks: Iterable[Check], *, indent: str = "  ") -> Iterator[str]:
    """Each check with its evidence: what was asked, what was seen, why, where it was read and when."""
    for check in checks:
        yield f"{indent}{OUTCOMES[check.outcome]:<8}  {check.criterion}"
        more = f"{indent}          "
        for label, text in _evidence(check):
            yield textwrap.fill(
                f"{label}: {text}", _WIDTH, initial_indent=more, subsequent_indent=f"{more}  ", break_long_words=False
            )
        yield from check_lines(check.parts, indent=more)


def _evidence(check: Check) -> Iterator[tuple[str, str]]:
    if check.threshold:
        yield "asked", check.threshold
    if check.seen:
        yield "seen", check.seen
    if check.reason:
        yield "because", check.reason
    if check.where:
        yield "read", f"{check.where}, {moment(check.read_at)}"
    if check.override:
        word = check.override
        yield "overridden", f"by {word.person}, {moment(word.at)}: {word.reason} (was: {OUTCOMES[word.was]})"
