"""The forms of answers, and how errors are written (contract 5 and 10)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from werkzeug.wrappers import Response

_CODES: Mapping[int, tuple[str, str]] = {
    400: ("validation_error", "The request did not pass validation"),
    401: ("unauthorized", "A valid authentication token was not provided with the request"),
    402: ("payment_required", "The plan of the workspace does not include this"),
    403: ("forbidden", "The token may not do this"),
    404: ("not_found", "The requested resource does not exist"),
    409: ("conflict", "The request collides with the state of the resource"),
    429: ("rate_limited", "You have exceeded the rate limit"),
    500: ("internal_server_error", "There was a problem on Certifier's end"),
}


class Problem(Exception):
    """What a request is refused for: the status, and the code where it is not the usual one of that status."""

    def __init__(self, status: int, message: str = "", code: str = "") -> None:
        super().__init__(message)
        self.status, self.message, self.code = status, message, code


def answer(document: Any, status: int = 200) -> Response:
    """An answer in JSON."""
    return Response(json.dumps(document), status=status, content_type="application/json; charset=utf-8")


def error(status: int, message: str = "", code: str = "") -> Response:
    """An error in the vendor's form."""
    usual, text = _CODES.get(status, ("internal_server_error", "Error"))
    return answer({"error": {"code": code or usual, "message": message or text}}, status)
