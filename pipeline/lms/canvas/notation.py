"""How Canvas writes ids, in events and in answers alike."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields

#: a global id is shard · 10^13 + local id (contract 1.2)
SHARD_SIZE = 10**13


class LocalId(fields.Field[str]):
    """An id as a number or as text, global or local; read as the local one (contract 1.2)."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        known = isinstance(value, str) or (isinstance(value, int) and 0 < value < 10**19)
        text = str(value) if known and not isinstance(value, bool) else ""
        if not (text.isascii() and text.isdigit() and len(text) <= 19) or int(text) % SHARD_SIZE == 0:
            raise ValidationError("expected a Canvas id, a whole number")
        return str(int(text) % SHARD_SIZE)
