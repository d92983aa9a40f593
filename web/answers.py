"""How the public addresses of our own issuer answer: what may be kept how long, and who may read it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flask import Response, make_response, render_template, request

DAY = 86400
#: how long others may keep keys and status lists: a new key has to be found, and a revocation known, soon
KEYS_KEPT = 300


def fresh(answer: Response) -> Response:
    """A page that says how things are now is asked for again each time."""
    answer.headers["Cache-Control"] = "no-cache"
    return answer


def kept(answer: Response, seconds: int, *, immutable: bool = False) -> Response:
    """Let others keep an answer, and spare them its body if they still have it."""
    answer.headers["Cache-Control"] = f"public, max-age={seconds}" + (", immutable" if immutable else "")
    answer.add_etag()
    answer.make_conditional(request)
    answer.headers.pop("Date", None)  # the server in front sets it; twice is one too many
    return answer


def json_document(document: Mapping[str, Any], mimetype: str = "application/json") -> Response:
    """A document in the order in which it was written, indented for people who look at it."""
    body = json.dumps(document, ensure_ascii=False, indent=2) + "\n"
    return open_to_scripts(Response(body, mimetype=mimetype))


def open_to_scripts(answer: Response) -> Response:
    """Verifiers that run in a browser, under any address, may read what is public anyway."""
    answer.headers["Access-Control-Allow-Origin"] = "*"
    return answer


def not_found(_error: Exception) -> Response:
    """Help somebody whose address leads nowhere."""
    return fresh(make_response(render_template("not_found.html"), 404))
