"""How Canvas writes ids, instants and points, in events and in answers alike."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields

#: a global id is shard · 10^13 + local id (contract 1.2)
SHARD_SIZE = 10**13
#: powers of ten beyond which a number is no score; computing with it could leave the range of decimals
_REASONABLE = 9


class Lenient(Schema):
    """An object of which only the stated members are read."""

    class Meta:
        unknown = EXCLUDE


class LocalId(fields.Field[str]):
    """An id as a number or as text, global or local; read as the local one (contract 1.2)."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
        if not (text.isascii() and text.isdigit() and len(text) <= 19) or int(text) % SHARD_SIZE == 0:
            raise ValidationError("expected a Canvas id, a whole number")
        return str(int(text) % SHARD_SIZE)


class Instant(fields.Field[datetime]):
    """An instant in ISO 8601 with its timezone; read as UTC."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        try:
            at = datetime.fromisoformat(value) if isinstance(value, str) else None
            if at is not None and at.tzinfo is not None:
                return at.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        raise ValidationError("expected an instant such as 2026-10-01T19:11:12Z")


class Points(fields.Field[Decimal]):
    """Points or a percentage, exact."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Decimal:
        if isinstance(value, Decimal | int) and not isinstance(value, bool):
            number = Decimal(value)
            if number.is_finite() and (not number or abs(number.adjusted()) <= _REASONABLE):
                return number
        raise ValidationError("expected a number")


class Words(fields.String):
    """Text on one line, without blanks around it."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        return " ".join(super()._deserialize(value, attr, data, **kwargs).split())
