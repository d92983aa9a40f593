"""Moodle's ids as they come over the wire: numbers or text, sometimes both in one body (contract 1.2)."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields


class MoodleId(fields.Field[str]):
    """A whole number, as text without leading zeros."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = str(value)[:20] if isinstance(value, str) or (isinstance(value, int) and _ordinary(value)) else ""
        if isinstance(value, bool) or not (text.isascii() and text.isdigit() and len(text) <= 19):
            raise ValidationError("expected a Moodle id, a whole number")
        return str(int(text))


def _ordinary(value: int) -> bool:
    # Python refuses to write out numbers of thousands of digits
    return 0 <= value < 10**19
