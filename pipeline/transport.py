"""Every outgoing HTTP call: bounded in time and size, and its failure told in the one vocabulary.

`requests` bounds the wait for each piece of an answer, not the whole; an answer that trickles would hold a
lane for ever, so the body is read against a deadline. Whether a failed call may have had an effect at the
other side is the question that decides between a retry and a look-up, and it is answered here, once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

import requests
from requests.adapters import HTTPAdapter

from pipeline import clock
from pipeline.errors import Misconfigured, Outage, Rejected, Throttled, Unsure

MAX_ANSWER = 4 * 1024 * 1024
#: pause when a 429 names none: one counting slice of the strictest documented limit (contract accredible, 10)
DEFAULT_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=24)


class Gate(Protocol):
    """Lets calls pass at the pace the other side permits."""

    def passage(self) -> AbstractContextManager[None]:
        """Wait for a turn, and give it back when the call has ended."""


class OpenGate:
    """For systems without a limit."""

    def passage(self) -> AbstractContextManager[None]:
        return nullcontext()


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An answer that arrived whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON, numbers with a point as exact decimals.

        Raises:
            ValueError: it is none.
        """
        return json.loads(self.body, parse_float=Decimal)


@dataclass(frozen=True, kw_only=True)
class Client:
    """Calls one system. `system` is its name in error texts; `timeout` bounds a whole call, in seconds."""

    system: str
    base_url: str
    headers: Mapping[str, str]
    timeout: float
    gate: Gate

    def read(self, path: str, **kwargs: Any) -> Answer:
        """A call without effect at the other side, so that no failure leaves doubt.

        Raises:
            Outage, Throttled: as for `call`; never Unsure.
        """
        method = kwargs.pop("method", "GET")
        try:
            return self.call(method, path, **kwargs)
        except Unsure as failure:
            raise Outage(failure.detail) from failure

    def call(self, method: str, path: str, **kwargs: Any) -> Answer:
        """Make one call and return any answer below 500 that is not a 429.

        Raises:
            Outage: it certainly had no effect (no connection was made).
            Unsure: it may have had one (no answer, a broken one, or a 5xx).
            Throttled: 429, with the time until which nobody calls.
        """
        with self.gate.passage():
            answer = self._exchange(method, path, kwargs)
        if answer.status == 429:
            raise Throttled(f"{self.system} answered 429", until=pause_until(answer.headers))
        if answer.status >= 500:
            raise Unsure(f"{self.system} answered {answer.status}")
        return answer

    def _exchange(self, method: str, path: str, kwargs: dict[str, Any]) -> Answer:
        deadline = clock.monotonic() + self.timeout
        headers = {**self.headers, **kwargs.pop("headers", {})}
        session = _session()
        try:
            with session.request(
                method,
                f"{self.base_url.rstrip('/')}/{path.lstrip('/')}",
                headers=headers,
                timeout=(min(5.0, self.timeout), self.timeout),
                allow_redirects=False,
                stream=True,
                **kwargs,
            ) as response:
                body = _body(response, deadline)
                return Answer(status=response.status_code, headers=dict(response.headers), body=body)
        except requests.exceptions.InvalidURL as failure:
            raise Misconfigured(f"{self.system}: the configured address is no URL") from failure
        except requests.exceptions.SSLError as failure:
            raise Outage(f"{self.system}: no trusted TLS connection") from failure
        except requests.exceptions.ConnectTimeout as failure:
            raise Outage(f"{self.system}: no connection in time") from failure
        except requests.exceptions.ConnectionError as failure:
            if _never_connected(failure):
                raise Outage(f"{self.system}: no connection") from failure
            raise Unsure(f"{self.system}: the connection broke before the answer") from failure
        except (requests.exceptions.RequestException, TimeoutError, OSError) as failure:
            raise Unsure(f"{self.system}: no whole answer ({type(failure).__name__})") from failure


def _session() -> requests.Session:
    """A session without silent retries, whose Authorization header no .netrc of the machine can replace.

    One session per call: a kept connection that the other side has closed meanwhile looks like a lost
    answer, and would cost a look-up for every quiet minute.
    """
    session = requests.Session()
    session.auth = lambda request: request
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=0))
    return session


def _body(response: requests.Response, deadline: float) -> bytes:
    pieces: list[bytes] = []
    size = 0
    for piece in response.iter_content(65536):
        pieces.append(piece)
        size += len(piece)
        if size > MAX_ANSWER:
            raise OSError("answer too large")
        if clock.monotonic() > deadline:
            raise TimeoutError("answer too slow")
    return b"".join(pieces)


def _never_connected(failure: requests.exceptions.ConnectionError) -> bool:
    """Whether no byte can have reached the other side: the name did not resolve, or nobody listened."""
    cause = failure.args[0] if failure.args else None
    reason = getattr(cause, "reason", None)
    return type(reason).__name__ in {"NewConnectionError", "NameResolutionError", "ConnectTimeoutError"}


def pause_until(headers: Mapping[str, str]) -> datetime:
    """When a 429 lets us call again: Retry-After in seconds or as a date, bounded, else the default pause."""
    value = {name.lower(): text for name, text in headers.items()}.get("retry-after", "").strip()
    now = clock.now()
    if value.isdigit():
        return now + min(timedelta(seconds=min(int(value), 10**6)), LONGEST_PAUSE)
    try:
        named = parsedate_to_datetime(value)
    except (ValueError, TypeError):
        return now + DEFAULT_PAUSE
    named = named if named.tzinfo else named.replace(tzinfo=UTC)
    return min(max(named, now), now + LONGEST_PAUSE)


def json_object(answer: Answer, *, otherwise: Callable[[str], Exception], system: str) -> dict[str, Any]:
    """The answer as a JSON object; where it is none, the failure that `otherwise` makes of the reason.

    An HTML page or a cut body under status 200 says nothing about what happened.
    """
    try:
        document = answer.json()
    except (ValueError, RecursionError):
        raise otherwise(f"{system} answered {answer.status} with something that is no JSON") from None
    if not isinstance(document, dict):
        raise otherwise(f"{system} answered {answer.status} with JSON that is no object")
    return document


def refuse(answer: Answer, *, system: str) -> None:
    """Turn an HTTP refusal that an adapter has no better reading of into a failure.

    Raises:
        Misconfigured: 401 or 403: a key, a right. Rejected: any other 4xx, and a redirect.
    """
    if answer.status in {401, 403}:
        raise Misconfigured(f"{system} answered {answer.status}: check the key and its rights", whole_account=True)
    if answer.status >= 300:
        raise Rejected(f"{system} answered {answer.status}")
