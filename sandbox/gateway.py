"""What stands in front of every stand-in: counts arrivals, enforces limits, plays faults, keeps the log of calls.

It works below Flask, on WSGI, because only there can a connection be cut without a byte of answer.
"""

from __future__ import annotations

import io
import os
import re
import socket
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request, Response

from sandbox.calls import Call, Calls
from sandbox.faults import Fault, Faults, read_header
from sandbox.plain_answers import proxy_page, retry_later
from sandbox.rates import Rates, Refusal
from sandbox.shapes import Refused
from sandbox.stand_in import StandIn
from sandbox.systems import STAND_INS

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

#: where each system's API lies; pages for people and the control API are neither counted nor disturbed
_PREFIXES = (
    ("moodle", "/moodle", "/"),
    *((name, f"/{name}", kind.api_begins) for name, kind in STAND_INS.items()),
    ("sis", "/sis", "/"),
)
_FUNCTION = re.compile(rb"(?:^|[&?])wsfunction=([a-z_]+)")
_DRIPS = 10

Work = Callable[[], Response]


class Dropped(ConnectionResetError):
    """The connection was cut on purpose; werkzeug takes it for a client that went away and stays quiet."""


def system_of(path: str) -> tuple[str, str] | None:
    """The system a path belongs to and the path inside it."""
    for system, prefix, inside in _PREFIXES:
        if path.startswith(prefix + inside):
            return system, path.removeprefix(prefix)
    return None


def cut(environ: WSGIEnvironment) -> None:
    """Reset the TCP connection at once.

    Raises:
        Dropped: always, so that nothing is written any more.
    """
    connection: socket.socket = environ["werkzeug.socket"]
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    # the server's file objects keep the socket open after close(); giving up the descriptor does not wait for them
    os.close(connection.detach())
    raise Dropped


class Spelling:
    """How each system writes a refusal: a stand-in says so itself, the others are known here."""

    def __init__(self, stand_ins: Mapping[str, StandIn]) -> None:
        self._stand_ins = stand_ins

    def throttled(self, system: str, retry_after: int | None) -> Response:
        """429 in the system's own form."""
        if system in self._stand_ins:
            return self._stand_ins[system].throttled(retry_after)
        if system != "sis":
            return retry_later(retry_after)
        response = _problem(429, "Too many requests")
        if retry_after is not None:
            response.headers["Retry-After"] = str(retry_after)
        return response

    def failed(self, system: str, status: int) -> Response:
        """An error in the system's own form; 502, 503 and 504 are a proxy's page everywhere."""
        if status in (502, 503, 504) or system == "moodle":
            return proxy_page(status)
        if system in self._stand_ins:
            return self._stand_ins[system].failed(status)
        return _problem(status, "The request failed")


class Gateway:
    """The WSGI application of the sandbox: the stand-ins behind limits and faults."""

    def __init__(
        self, app: WSGIApplication, *, faults: Faults, rates: Rates, calls: Calls, stand_ins: Mapping[str, StandIn]
    ) -> None:
        self._app = app
        self._spelling = Spelling(stand_ins)
        self._faults = faults
        self._rates = rates
        self._calls = calls

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one call."""
        target = system_of(environ["PATH_INFO"])
        if target is None:
            return self._app(environ, start_response)
        system, path = target
        refusal = self._rates[system].arrive()
        body = _keep_body(environ)
        function = _function(environ, body) if system == "moodle" else None
        call = self._calls.begin(system, environ["REQUEST_METHOD"], path, function)
        status: int | None = None
        try:
            response = self._respond(environ, call, refusal)
            status = response.status_code
            return response(environ, start_response)
        finally:
            call.end(status)

    def _respond(self, environ: WSGIEnvironment, call: Call, refusal: Refusal | None) -> Response:
        if refusal is not None:
            return self._spelling.throttled(call.system, refusal.retry_after)
        header = environ.get("HTTP_X_SANDBOX_FAULT")
        if header is None:
            fault = self._faults.take(call.system, call.method, call.path, call.operation)
            return self._play(fault, environ, call)
        try:
            fault = read_header(header, call.system)
        except Refused as refused:
            return Response(f"X-Sandbox-Fault: {refused}\n", status=422, content_type="text/plain")
        self._faults.hold(fault)
        try:
            return self._play(fault, environ, call)
        finally:
            self._faults.let_go(fault)

    def _play(self, fault: Fault | None, environ: WSGIEnvironment, call: Call) -> Response:
        def work() -> Response:
            return Response.from_app(self._app, environ, buffered=True)

        if fault is None:
            return work()
        call.fault = fault.kind
        return play(fault, environ, work, self._spelling)


def play(fault: Fault, environ: WSGIEnvironment, work: Work, spelling: Spelling) -> Response:
    """Misbehave as the rule says.

    Raises:
        Dropped: where the rule cuts the connection.
    """
    if fault.kind == "latency":
        fault.wait()
        return work()
    if fault.kind == "slow_body":
        return _dripping(work(), fault)
    if fault.kind == "drop_after" or fault.after:
        work()
    if fault.kind == "hang":
        fault.wait()
    if fault.kind in ("hang", "drop_after", "drop_before"):
        cut(environ)
    return canned(fault, environ, spelling)


def canned(fault: Fault, environ: WSGIEnvironment, spelling: Spelling) -> Response:
    """The answer of a rule that does not pass on what the system said."""
    base = Request(environ).host_url.rstrip("/")
    if fault.kind == "throttle":
        response = spelling.throttled(fault.system, fault.retry_after)
    elif fault.kind == "garbage":
        response = Response('{"credential": {"id": "204', content_type="application/json")
    elif fault.kind == "html":
        page = "<!doctype html><html lang=en><title>Maintenance</title><h1>We will be back soon</h1>"
        response = Response(page, content_type="text/html; charset=utf-8")
    elif fault.kind == "empty_200":
        response = Response(b"", content_type="application/json")
    elif fault.kind == "redirect":
        response = Response(b"", status=302, headers={"Location": fault.location or f"{base}/_sandbox/sign-in"})
    else:
        response = spelling.failed(fault.system, 503 if fault.status is None else fault.status)
        if fault.retry_after is not None:
            response.headers["Retry-After"] = str(fault.retry_after)
    if fault.body is not None:
        response.set_data(fault.body)
    if fault.content_type is not None:
        response.headers["Content-Type"] = fault.content_type
    return response


def _problem(status: int, title: str) -> Response:
    text = f'{{"type":"about:blank","title":"{title}","status":{status},"detail":"{title}."}}'
    return Response(text, status=status, content_type="application/problem+json")


def _dripping(response: Response, fault: Fault) -> Response:
    data = response.get_data()
    size = max(1, -(-len(data) // _DRIPS))

    def drops() -> Iterator[bytes]:
        for start in range(0, len(data), size):
            fault.wait(fault.wait_seconds / _DRIPS)
            yield data[start : start + size]

    headers: dict[str, Any] = {"Content-Length": str(len(data)), "Content-Type": response.content_type}
    return Response(drops(), status=response.status, headers=headers, direct_passthrough=True)


def _keep_body(environ: WSGIEnvironment) -> bytes:
    # read in full also where the call is then refused or dropped: a client must not see the reset while sending
    body = Request(environ).get_data(cache=False)
    environ["wsgi.input"] = io.BytesIO(body)
    environ["CONTENT_LENGTH"] = str(len(body))
    environ.pop("HTTP_TRANSFER_ENCODING", None)
    return body


def _function(environ: WSGIEnvironment, body: bytes) -> str | None:
    found = _FUNCTION.search(environ.get("QUERY_STRING", "").encode() + b"&" + body)
    return found[1].decode() if found else None
