"""Answers and refusals as the REST API words them, and its lists in pages (contract 2.2)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from flask import request
from werkzeug.wrappers import Response

_USUAL, _MOST = 25, 250


class BadParameter(ValueError):
    """A query that the API would not understand."""


def answer(document: Any, status: int = 200) -> Response:
    """An answer in JSON."""
    return Response(json.dumps(document), status=status, content_type="application/json; charset=utf-8")


def error(status: int, text: str) -> Response:
    """An error in the vendor's form."""
    return answer({"error": text}, status)


def unprocessable(*problems: str) -> Response:
    """422, one of whose three forms is an array of texts."""
    return answer({"errors": list(problems)}, 422)


def paged(rows: Sequence[Any], *, cap: int) -> Response:
    """The page that was asked for, `cap` the most items in one.

    Raises:
        BadParameter: `page` or `limit` is no number from 1.
    """
    page, limit = whole("page", 1), whole("limit", _USUAL)
    if limit > _MOST:
        raise BadParameter(f"Parameter limit is at most {_MOST}.")
    size = min(limit, cap)
    pages = max(1, -(-len(rows) // size))
    shown = rows[(page - 1) * size : page * size]
    pagination = {
        "current_page": page,
        "next_page": page + 1 if page < pages else None,
        "prev_page": page - 1 if page > 1 else None,
        "total_pages": pages,
        "total_items": len(rows),
        "entries_info": f"{(page - 1) * size + 1}-{(page - 1) * size + len(shown)} of {len(rows)}",
    }
    return answer({"items": list(shown), "meta": {"pagination": pagination}})


def whole(name: str, otherwise: int | None = None) -> int:
    """A parameter that is a whole number from 1.

    Raises:
        BadParameter: it is not.
    """
    value = request.args.get(name, "" if otherwise is None else str(otherwise))
    if not (value.isascii() and value.isdigit() and int(value)):
        raise BadParameter(f"Parameter {name} is invalid.")
    return int(value)
