"""The ids by which Badgr calls issuers, badge classes, awards and users: random, and fit for an address."""

from __future__ import annotations

import re
from typing import Any

from marshmallow import ValidationError, fields

_ID = re.compile(r"[A-Za-z0-9_-]{1,254}")


def is_id(text: str) -> bool:
    """Whether Badgr could call anything so; what it could not is not there."""
    return _ID.fullmatch(text) is not None


class EntityId(fields.String):
    """An id in an answer."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not is_id(text):
            raise ValidationError("expected an id")
        return text
