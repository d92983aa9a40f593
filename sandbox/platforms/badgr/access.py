"""Who may call: tokens of a user or an application, the growing pause after failed logins, and Badgr's errors."""

from __future__ import annotations

import base64
import itertools
import json
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

#: the entity id of the user whose password is `Access.password`, and of the application's user
OURSELVES = "Y29uZmVyLXVzZXItMDAwMQ"
_USUAL = ("rw:profile", "rw:issuer", "rw:backpack")
_MOST_PAUSE = 3600
_NOT_FOUND = "entity not found or insufficient privileges"
_NO_TOKEN = "no valid auth token found"  # noqa: S105 - a message


@dataclass(kw_only=True)
class Access:
    """One user, one application, and what was granted to them. `role` is the user's at the only issuer."""

    username: str = "confer@academy.example"
    password: str = "badgr-password"  # noqa: S105 - a sandbox's default, no secret
    client_id: str = "confer"
    client_secret: str = "badgr-client-secret"  # noqa: S105 - as above
    scopes: list[str] = field(default_factory=lambda: ["rw:issuer", "r:profile"])
    expires_in: int = 86400
    role: str = "editor"
    granted: dict[str, tuple[float, frozenset[str]]] = field(default_factory=dict, repr=False)
    refreshes: dict[str, frozenset[str]] = field(default_factory=dict, repr=False)
    failures: dict[str, tuple[int, float]] = field(default_factory=dict, repr=False)
    _numbers: Any = field(default_factory=lambda: itertools.count(1), repr=False)

    def expire(self) -> None:
        """End every token."""
        self.granted = {token: (0.0, scopes) for token, (_, scopes) in self.granted.items()}

    def refuse(self, authorization: str | None, any_of: Collection[str]) -> Response | None:
        """The refusal of a call, None where it may go on. A scope that lacks is a 404 as well (contract 11)."""
        kind, _, token = (authorization or "").partition(" ")
        until, scopes = self.granted.get(token, (0.0, frozenset[str]()))
        if kind != "Bearer" or until <= time.monotonic():
            return error(401, _NO_TOKEN)
        return None if scopes & set(any_of) else missing()

    def grant(self, form: MultiDict[str, str], authorization: str | None) -> Response:
        """The answer to a request for a token; each one that fails doubles the pause of its user (contract 2)."""
        user = form.get("username", "")
        count, until = self.failures.get(user, (0, 0.0))
        if until > time.monotonic():
            told = {
                "error_description": "Too many login attempts. Please wait and try again.",
                "error": "login attempts throttled",
                "expires": _pause(count),
            }
            return answer(told, 429)
        response = self._granted(form, authorization)
        if response.status_code == 200:
            self.failures.pop(user, None)
        else:
            self.failures[user] = (count + 1, time.monotonic() + _pause(count + 1))
        return response

    def _granted(self, form: MultiDict[str, str], authorization: str | None) -> Response:
        basic = _basic(authorization)
        client, secret = basic or (form.get("client_id"), form.get("client_secret"))
        asked = form.get("scope", "").split()
        if client not in {None, "public", self.client_id}:
            return answer({"error": "invalid client_id"}, 400)
        if basic and secret != self.client_secret:
            return answer({"error": "invalid client_secret"}, 400)
        if client == self.client_id and set(asked) - set(self.scopes):
            return answer({"error": "invalid scope requested"}, 400)
        if form.get("grant_type") == "client_credentials":
            right = (client, secret) == (self.client_id, self.client_secret)
            return (
                self._token(frozenset(asked or ("r:profile",)), refresh=False)
                if right
                else _refused("invalid_client")
            )
        return self._granted_to_user(form, asked)

    def _granted_to_user(self, form: MultiDict[str, str], asked: list[str]) -> Response:
        kind = form.get("grant_type", "password")
        if kind == "password":
            right = (form.get("username"), form.get("password")) == (self.username, self.password)
            return self._token(frozenset(asked or _USUAL), refresh=True) if right else _refused("invalid_grant")
        if kind == "refresh_token":
            scopes = self.refreshes.pop(form.get("refresh_token", ""), None)
            return self._token(scopes, refresh=True) if scopes else _refused("invalid_grant")
        return answer({"error": "unsupported_grant_type"}, 400)

    def _token(self, scopes: frozenset[str], *, refresh: bool) -> Response:
        token = f"badgr-token-{next(self._numbers)}"
        self.granted[token] = (time.monotonic() + self.expires_in, scopes)
        told = {"access_token": token, "token_type": "Bearer", "expires_in": self.expires_in}
        if refresh:
            self.refreshes[f"{token}-refresh"] = scopes
            told["refresh_token"] = f"{token}-refresh"
        return answer({**told, "scope": " ".join(sorted(scopes))})


def answer(document: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer in JSON."""
    return Response(json.dumps(document), status=status, content_type="application/json", headers=dict(headers or {}))


def error(
    status: int, description: str, fields: Any = None, validation: list[str] | None = None, *, success: bool = False
) -> Response:
    """A refusal in the envelope of the API (contract 3)."""
    told = {
        "status": {"success": success, "description": description},
        "result": [],
        "fieldErrors": {} if fields is None else fields,
        "validationErrors": validation or [],
    }
    return answer(told, status)


def missing() -> Response:
    """What is not there, and what the user may not see or do: 403 is not used."""
    return error(404, _NOT_FOUND)


def failed(status: int) -> Response:
    """A refusal of the kind that belongs to a status."""
    if status == 404:
        return missing()
    return error(status, _NO_TOKEN if status == 401 else "bad request" if status == 400 else "miscellaneous error")


def _basic(authorization: str | None) -> tuple[str, str] | None:
    kind, _, shown = (authorization or "").partition(" ")
    if kind != "Basic":
        return None
    try:
        client, _, secret = base64.b64decode(shown).decode("ascii").partition(":")
    except ValueError:
        return None
    return client, secret


def _pause(count: int) -> int:
    return int(min(_MOST_PAUSE, 2 ** min(12, count)))


def _refused(kind: str) -> Response:
    return answer({"error": kind, "error_description": "Invalid credentials given."}, 401)
