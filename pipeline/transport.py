"""Every outgoing HTTP call: bounded in time and size, and its failure told in the one vocabulary.

`requests` bounds the wait for each piece of an answer, not the whole; an answer that trickles would hold a
lane for ever and outlive its permit, so the connection is cut at the deadline. Whether a failed call may have had
an effect at the other side is the question that decides between a retry and a look-up, and it is answered here,
once: by whether its connection was ever made.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn, Protocol

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

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

    def json(self, as_object: Callable[[dict[str, Any]], Any] | None = None) -> Any:
        """The body as JSON, numbers with a point as exact decimals, objects through `as_object`.

        Raises:
            ValueError: it is none, or holds NaN, with which no comparison could be trusted.
        """
        return json.loads(self.body, parse_float=Decimal, parse_constant=_no_number, object_hook=as_object)


@dataclass(frozen=True, kw_only=True)
class Client:
    """Calls one system. `system` is its name in error texts; `timeout` bounds a whole call, in seconds."""

    system: str
    base_url: str
    headers: Mapping[str, str] = field(repr=False)  # holds the key
    timeout: float
    gate: Gate
    #: until when a 429 has us wait; for a system that does not write Retry-After
    pause: Callable[[Mapping[str, str]], datetime] | None = None

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
        """Make one call and return any answer below 500 that is neither a redirect nor a 429.

        Raises:
            Outage: it certainly had no effect (no connection was made).
            Unsure: it may have had one (no answer, a broken one, a redirect to who knows where, or a 5xx).
            Throttled: 429, with the time until which nobody calls.
        """
        with self.gate.passage():
            answer = self._exchange(method, path, kwargs)
        if answer.status == 429:
            raise Throttled(f"{self.system} answered 429", until=(self.pause or pause_until)(answer.headers))
        if 300 <= answer.status < 400:  # to a page about maintenance, or to sign in
            raise Unsure(f"{self.system} answered {answer.status}, a redirect")
        if answer.status >= 500:
            raise Unsure(f"{self.system} answered {answer.status}")
        return answer

    def _exchange(self, method: str, path: str, kwargs: dict[str, Any]) -> Answer:
        headers = {**self.headers, **kwargs.pop("headers", {})}
        line = _Line(self.timeout)
        try:
            with (
                line,
                _session(line) as session,
                session.request(
                    method,
                    f"{self.base_url.rstrip('/')}/{path.lstrip('/')}",
                    headers=headers,
                    timeout=(min(5.0, self.timeout), self.timeout),
                    allow_redirects=False,
                    stream=True,
                    **kwargs,
                ) as response,
            ):
                body = _body(response)
                line.refuse_overdue()
                return Answer(status=response.status_code, headers=dict(response.headers), body=body)
        except requests.exceptions.InvalidURL as failure:
            raise Misconfigured(f"{self.system}: the configured address is no URL") from failure
        except (requests.exceptions.RequestException, HTTPError, OSError) as failure:
            if line.made:
                raise Unsure(f"{self.system}: no whole answer ({type(failure).__name__})") from failure
            if isinstance(failure, requests.exceptions.SSLError):
                raise Outage(f"{self.system}: no trusted TLS connection") from failure
            raise Outage(f"{self.system}: no connection") from failure


class _Line:
    """The connection of one call: knows whether it was made, and is cut when its time is over.

    Until it is made, with its TLS, no byte of the request has left; from then on every failure leaves doubt.
    """

    def __init__(self, seconds: float) -> None:
        self.made = False
        self._overdue = False
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> _Line:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        if self._socket:
            self._socket.close()

    def hold(self, connection: socket.socket) -> None:
        """Keep a second handle: TLS takes the first one over, and gives it back only when it is done.

        Raises:
            TimeoutError: finding the other side took all the time there was.
        """
        self._socket = connection.dup()
        if self._overdue:
            connection.close()
        self.refuse_overdue()

    def refuse_overdue(self) -> None:
        """An answer that ends with its connection would look whole when that was cut.

        Raises:
            TimeoutError: it was.
        """
        if self._overdue:
            raise TimeoutError("cut at the deadline")

    def _cut(self) -> None:
        self._overdue = True
        if self._socket:
            with suppress(OSError):  # it may have ended in the same moment
                self._socket.shutdown(socket.SHUT_RDWR)


class _OneLine(HTTPAdapter):
    """Makes connections without silent retries, and has the line watch them."""

    def __init__(self, line: _Line) -> None:
        super().__init__(max_retries=0)
        self._line = line

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        line, kind = self._line, pool.ConnectionCls

        class Watched(kind):  # type: ignore[misc,valid-type]  # plain or TLS, as the pool has it
            def _new_conn(self) -> socket.socket:
                made: socket.socket = super()._new_conn()
                line.hold(made)
                return made

            def connect(self) -> None:
                super().connect()
                line.made = True

        pool.ConnectionCls = Watched
        return pool


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _session(line: _Line) -> requests.Session:
    """A session whose Authorization header no .netrc of the machine can replace.

    One session per call: a kept connection that the other side has closed meanwhile looks like a lost
    answer, and would cost a look-up for every quiet minute.
    """
    session = requests.Session()
    session.auth = lambda request: request
    for scheme in ("http://", "https://"):
        session.mount(scheme, _OneLine(line))
    return session


def _body(response: requests.Response) -> bytes:
    pieces: list[bytes] = []
    size = 0
    for piece in response.iter_content(65536):
        pieces.append(piece)
        size += len(piece)
        if size > MAX_ANSWER:
            raise OSError("answer too large")
    return b"".join(pieces)


def pause_until(headers: Mapping[str, str]) -> datetime:
    """When a 429 lets us call again: Retry-After in seconds or as a date, bounded, else the default pause."""
    value = {name.lower(): text for name, text in headers.items()}.get("retry-after", "").strip()
    now = clock.now()
    if value.isascii() and value.isdigit() and len(value) < 20:
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
        Misconfigured: 401 or 403: a key, a right. Rejected: any other 4xx.
    """
    if answer.status in {401, 403}:
        raise Misconfigured(f"{system} answered {answer.status}: check the key and its rights", whole_account=True)
    if answer.status >= 300:
        raise Rejected(f"{system} answered {answer.status}")
