"""The tokens of an OAuth 2 application, and the forms of answers and errors (contract 2.1, 2.2)."""

from __future__ import annotations

import itertools
import json
import time
from dataclasses import dataclass, field
from typing import Any

from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

_NAMES = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed"}
#: what each grant has to bring beside the application's id and secret
_GRANTS = {"client_credentials": frozenset[str](), "password": frozenset({"username", "password"})}


@dataclass(kw_only=True)
class Access:
    """The application, the user of its password grant, and what was issued. `forbidden` are parts of paths."""

    client_id: str = "confer"
    client_secret: str = "docebo-client-secret"  # noqa: S105 - a sandbox's default, no secret
    username: str = "confer@academy.example"
    password: str = "docebo-password"  # noqa: S105 - as above
    expires_in: int = 3600
    forbidden: list[str] = field(default_factory=list)
    issued: dict[str, float] = field(default_factory=dict, repr=False)
    _numbers: Any = field(default_factory=lambda: itertools.count(1), repr=False)

    def expire(self) -> None:
        """End every token."""
        self.issued = dict.fromkeys(self.issued, 0.0)

    def refuse(self, authorization: str | None, path: str) -> Response | None:
        """The refusal of a call, None where it may go on."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme != "Bearer" or self.issued.get(token, 0.0) <= time.monotonic():
            return error(401, "Your request was made with invalid credentials.")
        if any(part in path for part in self.forbidden):
            return error(403, "You are not allowed to perform this action.")
        return None

    def grant(self, form: MultiDict[str, str]) -> Response:
        """The answer to a request for a token, in the words of OAuth 2."""
        kind = form.get("grant_type", "")
        if kind not in _GRANTS:
            return refused(400, "unsupported_grant_type")
        known = {"grant_type", "client_id", "client_secret", "scope", *_GRANTS[kind]}
        if set(form) - known or len(list(form.items(multi=True))) != len(form) or form.get("scope", "api") != "api":
            return refused(400, "invalid_request")
        if (form.get("client_id"), form.get("client_secret")) != (self.client_id, self.client_secret):
            return refused(401, "invalid_client")
        if kind == "password" and (form.get("username"), form.get("password")) != (self.username, self.password):
            return refused(400, "invalid_grant")
        token = f"docebo-token-{next(self._numbers)}"
        self.issued[token] = time.monotonic() + self.expires_in
        said = {"access_token": token, "expires_in": self.expires_in, "token_type": "Bearer", "scope": "api"}
        return answer({**said, "refresh_token": f"{token}-refresh"} if kind == "password" else said)


def answer(document: Any, status: int = 200) -> Response:
    """An answer in JSON."""
    return Response(json.dumps(document), status=status, content_type="application/json; charset=UTF-8")


def wrapped(data: Any) -> Response:
    """An answer in the envelope of the API (contract 2.2)."""
    return answer({"data": data, "version": "1.0.0", "_links": [], "extra_data": []})


def error(status: int, message: str) -> Response:
    """An error of the API; its message is a list in some places and text in others."""
    said: Any = message if status == 401 else [message]
    return answer({"name": _NAMES.get(status, "Error"), "message": said, "code": 1001, "status": status}, status)


def refused(status: int, kind: str) -> Response:
    """An error of the endpoint for tokens."""
    return answer({"error": kind, "error_description": "The request for a token was refused."}, status)
