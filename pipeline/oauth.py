"""Access tokens by an OAuth 2 grant: one for all of the process, kept while it lasts, replaced when refused."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from marshmallow import fields, validate

from pipeline import clock
from pipeline.errors import Misconfigured
from pipeline.reading import Lenient, loaded, parsed
from pipeline.transport import Answer, Client, Gate

#: how long before its end a token is no longer shown: a call takes time, and clocks differ
_EARLY = timedelta(minutes=1)
#: how long a token is good for where the answer does not say (RFC 6749, 5.1 only recommends `expires_in`)
_UNSAID = 3600


class _GrantedSchema(Lenient):
    access_token = fields.String(required=True, validate=validate.Length(min=1))
    expires_in = fields.Integer(load_default=_UNSAID, allow_none=True)


@dataclass(frozen=True, kw_only=True)
class Grant:
    """How tokens are asked for: the form that is posted to `path`. It holds secrets."""

    client: Client
    path: str
    form: Mapping[str, str] = field(repr=False)


def _unauthorised(answer: Answer) -> bool:
    return answer.status == 401


class Tokens:
    """The access token of one grant. Any thread may use it."""

    def __init__(self, grant: Grant) -> None:
        self._grant = grant
        self._lock = threading.Lock()
        self._token = ""
        self._until: datetime | None = None

    def token(self, gate: Gate | None = None) -> str:
        """A token that is good for a while.

        Args:
            gate: what a call for a new one has to pass, where the limit of the API counts it too.

        Raises:
            Misconfigured: the grant is refused. Outage, Throttled: see `pipeline.errors`.
        """
        with self._lock:  # one asks; who waited for it finds the answer
            if self._until is None or clock.now() >= self._until:
                self._ask(gate)
            return self._token

    def renew(self, refused: str, gate: Gate | None = None) -> None:
        """Replace the token that was refused, unless another thread has done so meanwhile.

        Raises:
            Misconfigured: the grant is refused. Outage, Throttled: see `pipeline.errors`.
        """
        with self._lock:
            if self._token == refused:
                self._ask(gate)

    def answered(
        self,
        ask: Callable[[Mapping[str, str]], Answer],
        refused: Callable[[Answer], bool] = _unauthorised,
        gate: Gate | None = None,
    ) -> Answer:
        """The answer under a token, asked a second time under a new one where the first is refused.

        Args:
            refused: tells the refusal of a token, for a vendor that answers 401 to a missing right as well.
            gate: see `token`.
        """
        token = self.token(gate)
        answer = ask({"Authorization": f"Bearer {token}"})
        if not refused(answer):
            return answer
        self.renew(token, gate)
        return ask({"Authorization": f"Bearer {self.token(gate)}"})

    def _ask(self, gate: Gate | None) -> None:
        client, self._until = self._grant.client, None
        with gate.passage() if gate else nullcontext():
            answer = client.read(self._grant.path, method="POST", data=self._grant.form)
        if answer.status >= 400:
            raise Misconfigured(
                f"{client.system} answered {answer.status} to the request for a token: "
                "check the client's id and secret, and the user or refresh token",
                whole_account=True,
            )
        document = parsed(answer, system=client.system, what="the request for a token")
        granted = loaded(_GrantedSchema(), document, system=client.system, what="the request for a token")
        lasts = timedelta(seconds=min(max(granted["expires_in"] or _UNSAID, 0), 10**7))
        self._token, self._until = granted["access_token"], clock.now() + max(lasts - _EARLY, lasts / 2)


_KNOWN: dict[str, Tokens] = {}
_KNOWN_LOCK = threading.Lock()


def tokens(grant: Grant) -> Tokens:
    """The tokens of this grant, the same for all of the process: adapters come and go, a token stays."""
    told = [grant.client.base_url, grant.path, *(f"{name}={grant.form[name]}" for name in sorted(grant.form))]
    name = hashlib.sha256("\n".join(told).encode()).hexdigest()
    with _KNOWN_LOCK:
        return _KNOWN.setdefault(name, Tokens(grant))


def forget_tokens() -> None:
    """Forget all tokens, for tests."""
    with _KNOWN_LOCK:
        _KNOWN.clear()
