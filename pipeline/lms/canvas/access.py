"""How a call shows who makes it: a token made by hand, or one of a developer key, good for an hour (contract 2.1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pipeline.errors import Throttled
from pipeline.oauth import Grant, tokens
from pipeline.reading import header
from pipeline.transport import Answer, Client, pause_until

_GRANTS = "login/oauth2/token"
_LEFT = "x-rate-limit-remaining"

Ask = Callable[[Mapping[str, str]], Answer]
#: makes a call with the header that proves who makes it
Access = Callable[[Ask], Answer]


class CanvasClient(Client):
    """A client that knows Canvas's own way to say 429: a 403 that is no missing right (contract 2.2)."""

    def call(self, method: str, path: str, **kwargs: Any) -> Answer:
        answer = super().call(method, path, **kwargs)
        if answer.status == 403 and (b"Rate Limit Exceeded" in answer.body or header(answer, _LEFT) in {"0", "0.0"}):
            raise Throttled(f"{self.system} answered 403, rate limit exceeded", until=pause_until(answer.headers))
        return answer


def access(client: Client, options: Mapping[str, Any]) -> Access:
    """The account's way. A token made by hand is shown and never renewed: only a person can make another."""
    if options["token"]:
        shown = {"Authorization": f"Bearer {options['token']}"}
        return lambda ask: ask(shown)
    form = {name: options[name] for name in ("client_id", "client_secret", "refresh_token")}
    granted = tokens(Grant(client=client, path=_GRANTS, form={"grant_type": "refresh_token", **form}))
    return lambda ask: granted.answered(ask, refused=token_refused)


def token_refused(answer: Answer) -> bool:
    """Contract 2.1: with a challenge the token is bad or expired, without one its user lacks a right."""
    return answer.status == 401 and bool(header(answer, "www-authenticate"))
