"""Lists in pages, as Canvas makes them: ten at a time unless asked, with opaque links in a header (contract 2.2)."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from flask import request
from werkzeug.wrappers import Response

from sandbox.lms.canvas.access import answer, plain
from sandbox.lms.canvas.forms import with_text_ids

_USUAL = 10
_TEXT_IDS = "application/json+canvas-string-ids"


def shown(document: Any) -> Response:
    """An answer, with ids as text where the caller asked for that."""
    return answer(with_text_ids(document) if _TEXT_IDS in request.headers.get("Accept", "") else document)


def paged(items: Sequence[Any], *, address: str, cap: int) -> Response:
    """The page that was asked for. `address` is the request's as callers see it, `cap` the most items in a page."""
    wanted = request.args.get("per_page", str(_USUAL))
    size = min(int(wanted), cap) if wanted.isdigit() and int(wanted) else _USUAL
    start = _start(request.args.get("page", ""))
    if start is None:
        return plain(400, "invalid page")
    response = shown(list(items[start : start + size]))
    links = {"current": start, "next": start + size if start + size < len(items) else None, "first": 0}
    response.headers["Link"] = ",".join(
        f'<{_link(address, place, size)}>; rel="{rel}"' for rel, place in links.items() if place is not None
    )
    return response


def _link(address: str, place: int, size: int) -> str:
    """The same question for another page; the page is no number that a caller could make up."""
    query = [(key, value) for key, value in request.args.items(multi=True) if key not in {"page", "per_page"}]
    mark = "bookmark:" + urlsafe_b64encode(f"[{place}]".encode()).decode().rstrip("=")
    return f"{address}?{urlencode([*query, ('page', mark), ('per_page', size)])}"


def _start(page: str) -> int | None:
    if page in {"", "first", "1"}:
        return 0
    try:
        text = urlsafe_b64decode(page.removeprefix("bookmark:") + "==").decode()
        return int(text.strip("[]"))
    except ValueError:
        return None
