"""What every webhook route shares: the request as the adapters take it, and their refusals as problem documents."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from flask import abort, request

from pipeline.errors import Outage
from pipeline.settings import settings
from pipeline.webhook import Invalid, Request, Unauthenticated, Unreadable
from web.problems import Problem

log = structlog.get_logger(__name__)


def request_in(path: str) -> Request:
    """The request with its raw bytes; `path` is what follows the account's name in the address."""
    body = request.get_data(cache=False)
    if request.content_length is None and len(body) >= settings().max_body_bytes:
        abort(413)  # Werkzeug cuts a chunked body at the limit without a word
    return Request(
        body=body,
        headers={name.lower(): value for name, value in request.headers.items()},
        path=path,
        address=request.remote_addr or "",
    )


@contextmanager
def refusals(source: str) -> Iterator[None]:
    """Tell what an adapter refuses, in the log without anything of the body.

    Raises:
        Problem: 400, 401, 422; 503 where the sender's keys cannot be read now.
    """
    try:
        yield
    except Unauthenticated as fault:
        log.warning("unauthenticated", source=source)
        problem = Problem(401, "Not authenticated", f"The request does not prove its origin: {fault}.")
        raise problem from None
    except Outage as fault:
        log.error("origin_unproved", source=source, reason=fault.detail)
        raise Problem(503, "Not proved yet", "The sender's keys cannot be read now. Please send it again.") from None
    except Unreadable as fault:
        log.warning("unreadable", source=source)
        raise Problem(400, "Not readable", f"{fault}.") from None
    except Invalid as fault:
        log.warning("invalid", source=source, fields=sorted(map(str, fault.fields)))
        detail = "Some fields are missing or of the wrong form; `errors` names them."
        raise Problem(422, "Wrong schema", detail, errors=fault.fields) from None
