"""The generic REST contract of a student information system over HTTP, with problem documents for every error."""

from __future__ import annotations

import hmac
import json
import re
from typing import Any

from flask import Blueprint, Response, jsonify, request

from sandbox.shapes import Problem
from sandbox.sis import Completion, KeyReused, Stale, UnknownStudent, problems_of
from sandbox.world import world

blueprint = Blueprint("sis", __name__, url_prefix="/sis")

_KEY = re.compile(r"[\x21-\x7e]{1,255}")


def problem(status: int, kind: str, title: str, detail: str, errors: list[Problem] | None = None) -> Response:
    """An error as application/problem+json."""
    body: dict[str, Any] = {"type": f"urn:sis:{kind}", "title": title, "status": status, "detail": detail}
    if errors:
        body["errors"] = [{"field": one.field, "message": one.message} for one in errors]
    response = Response(json.dumps(body), status=status, content_type="application/problem+json")
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


@blueprint.before_request
def authenticate() -> Response | None:
    """Let only the token pass."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme == "Bearer" and hmac.compare_digest(token.encode(), world().sis.token.encode()):
        return None
    return problem(401, "unauthorised", "Not signed in", "Send Authorization: Bearer with a valid token.")


@blueprint.put("/completions/<completion_id>")
def put(completion_id: str) -> Response:
    """Write a completion: 201 the first time, 200 after."""
    sis = world().sis
    refusal, body = _read(completion_id)
    if refusal is None:
        with sis.lock:
            refusal = _store(completion_id, body)
            if refusal.status_code < 400:
                return refusal
    sis.refuse()
    return refusal


def _read(completion_id: str) -> tuple[Response | None, Any]:
    """The refusal of a request that is not well formed, or its body."""
    if not _KEY.fullmatch(request.headers.get("Idempotency-Key", "")):
        detail = "Send Idempotency-Key: visible ASCII, up to 255 characters."
        return problem(400, "idempotency-key", "No idempotency key", detail), None
    if request.mimetype != "application/json":
        return problem(415, "media-type", "Unsupported media type", "Send Content-Type: application/json."), None
    body = request.get_json(silent=True)
    if body is None:
        return problem(400, "malformed", "No JSON", "The body is not JSON."), None
    errors = problems_of(body, completion_id)
    if errors:
        return problem(422, "validation", "The completion is not valid", "See errors.", errors), None
    return None, body


def _store(completion_id: str, body: Any) -> Response:
    key, if_match = request.headers["Idempotency-Key"], request.headers.get("If-Match")
    try:
        stored, new = world().sis.put(completion_id, body, key, if_match)
    except UnknownStudent:
        unknown = [Problem("student.id", "is not known")]
        return problem(404, "student-not-found", "No such student", "The student is not in this system.", unknown)
    except KeyReused:
        return problem(409, "idempotency-conflict", "Key used before", "The key came before with other content.")
    except Stale:
        return problem(412, "stale", "Another version is stored", "Read the completion again.")
    return _answer(stored, 201 if new else 200)


def _answer(stored: Completion, status: int) -> Response:
    response = jsonify(stored.shown())
    response.status_code = status
    response.headers["ETag"] = f'"{stored.version}"'
    return response


@blueprint.get("/completions/<completion_id>")
def get(completion_id: str) -> Response:
    """Read a completion back."""
    sis = world().sis
    with sis.lock:
        stored = sis.completions.get(completion_id)
        if stored is None:
            return problem(404, "completion-not-found", "No such completion", "Nothing is stored under this id.")
        return _answer(stored, 200)


@blueprint.get("/students")
def students() -> Response:
    """Find students by id and its type, or by e-mail address."""
    given = request.args.to_dict()
    if set(given) not in ({"idType", "id"}, {"email"}):
        return problem(400, "query", "Query not understood", "Send idType and id, or email.")
    sis = world().sis
    with sis.lock:
        found = [
            one
            for (id_type, _), one in sis.students.items()
            if (given.get("email", "").lower() == one["email"].lower() if "email" in given else True)
            and ("id" not in given or (id_type, one["id"]) == (given["idType"], given["id"]))
        ]
    return jsonify(items=found, next=None)
