"""What every answer is wrapped into, under HTTP 200 also where it is a failure (contract 1)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from werkzeug.wrappers import Response

from sandbox.shapes import Problem


def envelope(data: Any = None, status: int = 200, **members: Any) -> Response:
    """An answer."""
    document = {
        "message": None,
        "hasError": False,
        "validationErrors": [],
        "data": data,
        "content": None,
        "isUpgraded": False,
        "showPurchaseSheet": False,
        "upgradePlan": None,
        **members,
    }
    return Response(json.dumps(document), status=status, content_type="application/json; charset=utf-8")


def refused(message: str, status: int = 200, **members: Any) -> Response:
    """A failure, which is known by `hasError` alone."""
    return envelope(None, status, hasError=True, message=message, **members)


def invalid(problems: Sequence[Problem], *, as_objects: bool) -> Response:
    """A refused body; the faults are objects in one source and texts in another (contract 1)."""
    faults: list[Any] = [{"key": one.field, "value": one.message} for one in problems]
    if not as_objects:
        faults = [f"{one.field} {one.message}" for one in problems]
    return refused("Validation failed.", validationErrors=faults)
