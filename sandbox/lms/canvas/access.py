"""Who may call the API: tokens made by hand, and those of a developer key that end after an hour (contract 2.1)."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from werkzeug.wrappers import Response

#: seconds that a token of a developer key lives
LIFETIME = 3600


@dataclass(kw_only=True)
class Access:
    """The account's credentials. `forbidden` are parts of paths that the token may not read."""

    token: str = "canvas-token"  # noqa: S105 - a sandbox's default, no secret
    client_id: str = "170000000056"
    client_secret: str = "canvas-client-secret"  # noqa: S105 - as above
    refresh_token: str = "canvas-refresh-token"  # noqa: S105 - as above
    forbidden: list[str] = field(default_factory=list)
    forbidden_status: int = 401
    issued: dict[str, float] = field(default_factory=dict, repr=False)
    _numbers: Any = field(default_factory=lambda: itertools.count(1), repr=False)

    def admits(self, token: str) -> bool:
        """Whether a call may be made with this token."""
        return token == self.token or self.issued.get(token, 0.0) > time.monotonic()

    def expire(self) -> None:
        """End every token that a refresh gave; the one made by hand has no end."""
        self.issued = dict.fromkeys(self.issued, 0.0)

    def refuse(self, authorization: str | None, path: str) -> Response | None:
        """The vendor's refusal of a call, None where it may go on. Only bad tokens bring a challenge."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme != "Bearer" or not token:
            return error(401, "user authorization required", status="unauthenticated", challenge=True)
        if not self.admits(token):
            return error(401, "Invalid access token.", challenge=True)
        if any(part in path for part in self.forbidden):
            return error(self.forbidden_status, "user not authorized to perform that action", status="unauthorized")
        return None

    def refresh(self, form: Mapping[str, str]) -> Response:
        """The answer to a refresh: a new access token, and no new refresh token."""
        if set(form) - {"grant_type", "client_id", "client_secret", "refresh_token"}:
            return answer({"error": "invalid_request", "error_description": "unknown parameter"}, 400)
        if form.get("grant_type") != "refresh_token":
            return answer({"error": "unsupported_grant_type", "error_description": "grant_type"}, 400)
        if (form.get("client_id"), form.get("client_secret")) != (self.client_id, self.client_secret):
            return answer({"error": "invalid_client", "error_description": "unknown client"}, 401)
        if form.get("refresh_token") != self.refresh_token:
            return answer({"error": "invalid_grant", "error_description": "refresh_token not found"}, 400)
        token = f"access-{next(self._numbers)}"
        self.issued[token] = time.monotonic() + LIFETIME
        return answer(
            {
                "access_token": token,
                "token_type": "Bearer",
                "user": {"id": 42, "name": "Confer", "global_id": "21070000000000042", "effective_locale": "en"},
                "canvas_region": "us-east-1",
                "expires_in": LIFETIME,
            }
        )


def answer(document: Any, status: int = 200) -> Response:
    """An answer in JSON, as Canvas labels it."""
    return Response(json.dumps(document), status=status, content_type="application/json; charset=utf-8")


def error(code: int, message: str, *, status: str = "", challenge: bool = False) -> Response:
    """An error in Canvas's form."""
    document: dict[str, Any] = {"status": status} if status else {}
    response = answer({**document, "errors": [{"message": message}]}, code)
    if challenge:
        response.headers["WWW-Authenticate"] = 'Bearer realm="canvas-lms"'
    return response


def plain(code: int, message: str) -> Response:
    """An error in Canvas's other form."""
    return answer({"message": message}, code)
