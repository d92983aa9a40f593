"""Why a person's wish is refused: each says what is wrong and what can be done instead."""

from __future__ import annotations


class Refusal(Exception):
    """A wish that is not fulfilled, and changed nothing. `detail` is shown to whoever made it."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class Unknown(Refusal):
    """There is no such case, or none that this person may see."""


class NotAllowed(Refusal):
    """The person's role does not go so far."""


class Changed(Refusal):
    """The case is not any more as it was when the person read it: read it again."""


class NotPossible(Refusal):
    """The case is in a state in which this cannot be done."""
