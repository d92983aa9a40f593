"""Puts the stand-ins behind one HTTP port and one SMTP port, and starts and stops them."""

from __future__ import annotations

import logging
import os
import socket
import threading
from types import TracebackType
from typing import Any, Self

from flask import Flask, Response, jsonify, render_template, request
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler
from werkzeug.wrappers import Response as BaseResponse

from sandbox import (
    control_api,
    lms_control,
    mail_pages,
    moodle_control,
    moodle_services,
    platform_control,
    sis_api,
)
from sandbox.control_body import NoSuch
from sandbox.gateway import Gateway, system_of
from sandbox.mail_catcher import Catcher, SmtpServer
from sandbox.moodle_errors import Unknown
from sandbox.shapes import Refused
from sandbox.world import World, world

_BACKLOG = 1024
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data: http: https:; frame-src 'self';"
    " form-action 'none'"
)


class _Handler(WSGIRequestHandler):
    """Answers without delay and without a line in the log for each request."""

    disable_nagle_algorithm = True
    protocol_version = "HTTP/1.1"

    def connection_dropped(self, error: BaseException, environ: Any = None) -> None:
        """Wait for no further request on a connection that is gone."""
        del error, environ
        self.close_connection = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: the calls are kept by the sandbox itself."""


class Sandbox:
    """All stand-ins as one thing to start and stop, from the command line and from tests.

    Port 0 takes a free one. `public_url` is the address under which readers of answers reach the sandbox, where
    that is not the one a request came by.
    """

    def __init__(
        self, host: str = "127.0.0.1", port: int = 0, smtp_port: int = 0, public_url: str | None = None
    ) -> None:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        logging.getLogger("mail.log").setLevel(logging.ERROR)
        self.world = World(public_url)
        self._host = host
        self._http_socket = _listen(host, port)
        try:
            self._smtp_socket = _listen(host, smtp_port)
        except OSError:
            self._http_socket.close()
            raise
        self.http = f"http://{_written(host)}:{self._http_socket.getsockname()[1]}"
        self.smtp = f"smtp://{_written(host)}:{self._smtp_socket.getsockname()[1]}"
        world = self.world
        gateway = Gateway(
            create_app(world), faults=world.faults, rates=world.rates, calls=world.calls, stand_ins=world.stand_ins
        )
        self._server = _serving(gateway, host, self._http_socket)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="sandbox-http", daemon=True
        )
        self._smtp_server = SmtpServer(
            Catcher(world.mailbox, world.faults, world.rates, world.calls), self._smtp_socket
        )

    def start(self) -> Self:
        """Begin to answer."""
        self._thread.start()
        self._smtp_server.start()
        return self

    def stop(self) -> None:
        """End every wait, then both servers."""
        self.world.faults.clear()
        self._server.shutdown()
        self._thread.join()
        self._smtp_server.stop()

    def __enter__(self) -> Self:
        """Started."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stopped."""
        self.stop()


def create_app(world: World) -> Flask:
    """The Flask application with every stand-in."""
    app = Flask(__name__)
    app.extensions["sandbox"] = world
    app.json.sort_keys = False  # type: ignore[attr-defined]
    for blueprint in (
        moodle_services.blueprint,
        sis_api.blueprint,
        mail_pages.blueprint,
        control_api.blueprint,
        moodle_control.blueprint,
        lms_control.blueprint,
        platform_control.blueprint,
        *(one.blueprint() for one in world.stand_ins.values()),
    ):
        app.register_blueprint(blueprint)
    app.register_error_handler(404, _not_found)
    app.register_error_handler(Refused, _refused)
    app.register_error_handler(Unknown, _unknown)
    app.register_error_handler(NoSuch, _unknown)
    app.after_request(_harden)
    return app


def _not_found(error: Any) -> BaseResponse | tuple[Response | str, int]:
    del error
    target = system_of(request.path)
    if target is not None and target[0] in world().stand_ins:
        return world().stand_ins[target[0]].failed(404)
    if request.path.startswith("/sis/"):
        return sis_api.problem(404, "not-found", "No such address", "This path is not part of the contract."), 404
    if request.path.startswith("/_sandbox/"):
        return jsonify(error=f"no such address: {request.path}; see /_sandbox/"), 404
    return render_template("nothing.html", what="page"), 404


def _refused(error: Exception) -> tuple[Response, int]:
    problems = error.problems if isinstance(error, Refused) else []
    return jsonify(errors=[{"field": one.field, "message": one.message} for one in problems]), 422


def _unknown(error: Exception) -> tuple[Response, int]:
    return jsonify(error=f"there is no {error}"), 404


def _harden(response: Response) -> Response:
    # mail is text from outside: no script may run on the page that shows it
    if response.mimetype == "text/html":
        response.headers["Content-Security-Policy"] = _POLICY
    return response


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise OSError(
            error.errno, f"cannot listen on {host}:{port} ({error.strerror}); choose another port, 0 takes a free one"
        ) from None
    return listener


def _written(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _serving(gateway: Gateway, host: str, listener: socket.socket) -> ThreadedWSGIServer:
    # handing over a copy of our own socket keeps werkzeug from ending the process where a port is taken
    descriptor = os.dup(listener.fileno())
    try:
        return ThreadedWSGIServer(host, listener.getsockname()[1], gateway, handler=_Handler, fd=descriptor)
    finally:
        os.close(descriptor)
        listener.close()
