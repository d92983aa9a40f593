"""Errors as RFC 9457 problem documents, and the headers that every answer carries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from flask import Flask, Response, jsonify, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException

log = structlog.get_logger(__name__)

#: seconds after which a sender may try again when the database is away
RETRY_AFTER = 30


class Problem(Exception):
    """An answer that is no success. `members` are added to the document."""

    def __init__(self, status: int, title: str, detail: str, **members: Any) -> None:
        super().__init__(title)
        self.status, self.title, self.detail, self.members = status, title, detail, members


def answer(status: int, title: str, detail: str, **members: Any) -> Response:
    """A problem document."""
    document: Mapping[str, Any] = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    response = jsonify({**document, **members})
    response.status_code = status
    response.content_type = "application/problem+json"
    return response


def register(app: Flask) -> None:
    """Answer every error with a problem document; what is our fault is a 503, so that the sender comes again."""
    app.register_error_handler(Problem, _problem)
    app.register_error_handler(SQLAlchemyError, _database)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _defect)


def secure(response: Response) -> Response:
    """Headers that every answer carries."""
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "no-referrer")
    response.headers.setdefault(
        "Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    )
    return response


def _problem(problem: Problem) -> Response:
    return answer(problem.status, problem.title, problem.detail, **problem.members)


def _http(error: HTTPException) -> Response:
    response = answer(error.code or 500, error.name, error.description or error.name)
    for name, value in error.get_headers():
        if name.lower() in {"allow", "retry-after"}:
            response.headers[name] = value
    return response


def _database(error: SQLAlchemyError) -> Response:
    log.error("database_away", error=type(error).__name__, path=request.path)
    return _again("The database does not answer", "Nothing was stored. Please send the request again.")


def _defect(_error: Exception) -> Response:
    log.exception("defect", path=request.path)
    return _again("Something went wrong here", "Nothing was stored. Please send the request again.")


def _again(title: str, detail: str) -> Response:
    response = answer(503, title, detail)
    response.headers["Retry-After"] = str(RETRY_AFTER)
    return response
