"""One vocabulary of failure for every adapter and step; who handles a failure reads its class, never its text.

A failure's text is shown to staff and kept in the ledger, so it holds no personal data: say what was wrong
and where, not whose it was.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from pipeline.values import Issued


class Failure(Exception):
    """Anything an adapter may raise. `kind` is the stable name used in rows, logs, metrics and commands.

    `whole_account` says that it is not about this row: every call of the account would fail alike, so what is due
    there waits, and loses no attempt.
    """

    kind: ClassVar[str]
    whole_account: bool = False

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail

    def __init_subclass__(cls) -> None:
        if "kind" not in vars(cls):
            cls.kind = cls.__name__.lower()


class Retryable(Failure):
    """It did not happen and may well work next time: three attempts, five minutes apart (guide, step 6)."""


class Throttled(Failure):
    """The other side asked for a pause; nobody calls that account before `until`. Costs no attempt."""

    def __init__(self, detail: str, until: datetime) -> None:
        super().__init__(detail)
        self.until = until


class Unsure(Failure):
    """The call ended without a clear answer: it may have happened. Look it up before calling again."""

    whole_account = True


class Rejected(Failure):
    """A clear no about this row. Trying again changes nothing: a person has to look."""


class Duplicate(Failure):
    """It exists already. A success: our state is repaired from what was found."""

    def __init__(self, detail: str, existing: Issued | None = None) -> None:
        super().__init__(detail)
        self.existing = existing


class Misconfigured(Failure):
    """An administrator has to change a key, a template or a program.

    With a revoked key, for example, that is about the whole account.
    """

    def __init__(self, detail: str, *, whole_account: bool = False) -> None:
        super().__init__(detail)
        self.whole_account = whole_account


class NotReady(Failure):
    """The LMS lags behind its own event: read again later. Never a fail."""


class Outage(Failure):
    """The other side is down and the call certainly had no effect. Costs no attempt."""

    whole_account = True


class IllegalMove(Exception):
    """A row was to move to a state that its present state does not lead to. Always a defect of ours."""
