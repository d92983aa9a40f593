"""How version 1 of TalentLMS's API writes: everything is text, and three things mean "none" (contract 2.2)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from marshmallow import ValidationError, fields, pre_load

from pipeline.reading import Lenient


class Stamp(fields.Field[datetime]):
    """Seconds since 1970, the twin of every date that is written in the portal's own format."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        text = str(value) if isinstance(value, str | int) else ""
        if not (text.isascii() and text.isdigit() and len(text) <= 11):
            raise ValidationError("expected seconds since 1970")
        return datetime.fromtimestamp(int(text), UTC)


class Stringy(Lenient):
    """An object in which an empty text, null and the stamp "0" all stand for nothing."""

    @pre_load
    def _without_nothing(self, data: Any, **_: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        return {
            name: value
            for name, value in data.items()
            if value not in ("", None) and not (name.endswith("_timestamp") and value in ("0", 0))
        }


def state(text: str) -> str:
    """A status of either spelling, for people (`In progress`) and for machines (`in_progress`), as one word."""
    return "_".join(text.casefold().split())
