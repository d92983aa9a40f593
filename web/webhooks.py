"""The receiver: authenticate the raw bytes, store the delivery under its unique key, answer 202. Nothing else.

Accepted means stored: the answer follows the commit. The wake-up is handed to a thread of its own, so that a
broker that is down or frozen never delays an answer.
"""

from __future__ import annotations

import hashlib

import structlog
from flask import Blueprint, Response, abort, jsonify, request, url_for

from pipeline.adapters import LMSS
from pipeline.configuration.loading import configuration
from pipeline.contracts import Account
from pipeline.errors import Outage
from pipeline.settings import settings
from pipeline.steps.gather import lms
from pipeline.steps.turn import WakeUp
from pipeline.store import deliveries
from pipeline.store.decisions import as_json
from pipeline.webhook import Announcement, Invalid, Request, Unauthenticated, Unreadable
from web.guards import guard
from web.herald import herald
from web.links import status_link
from web.problems import Problem

log = structlog.get_logger(__name__)

webhooks = Blueprint("webhooks", __name__)


@webhooks.post("/webhooks/<source>")
@webhooks.post("/webhooks/<source>/<path:path>")
@guard("signature")
def receive(source: str, path: str = "") -> Response:
    """Take one delivery of an LMS account."""
    structlog.contextvars.clear_contextvars()
    account = configuration().lms.get(source)
    if account is None:
        raise Problem(404, "Unknown source", "No LMS account of this name is configured; see accounts.yaml.")
    body = request.get_data(cache=False)
    if request.content_length is None and len(body) >= settings().max_body_bytes:
        abort(413)  # Werkzeug cuts a chunked body at the limit without a word
    heard = Request(
        body=body,
        headers={name.lower(): value for name, value in request.headers.items()},
        path=path,
        address=request.remote_addr or "",
    )
    announcement = _hear(account, heard)
    status = account.options.get("success_status", 202)
    if not announcement.events and not announcement.scores:
        log.info("ignored", source=source, reason=announcement.ignored)
        return _answer({"ignored": announcement.ignored}, 200, announcement)
    delivery, new = deliveries.store(
        source=source,
        key=announcement.key,
        body=announcement.body,
        sha256=hashlib.sha256(body).hexdigest(),
        events=[as_json(event) for event in announcement.events],
        scores=[as_json(score) for score in announcement.scores],
    )
    log.info("delivery_stored" if new else "delivery_repeated", source=source, delivery=delivery)
    if new:
        herald.send(WakeUp(task="receive", id=delivery))
    ours = {"delivery": delivery, "status": url_for("status.show", link=status_link(delivery))}
    return _answer(ours, status, announcement)


def _answer(document: object, status: int, announcement: Announcement) -> Response:
    """Our answer, or the one that the sender insists on."""
    insisted = announcement.answer is not None
    response = jsonify(announcement.answer if insisted else document)
    response.status_code = 200 if insisted else status
    return response


def _hear(account: Account, heard: Request) -> Announcement:
    if not LMSS[account.adapter].hears:
        raise Problem(404, "No webhook", "This LMS announces nothing; its completions are swept.")
    try:
        return lms(account.name).hear(account.entrance.admit(heard))
    except Unauthenticated as fault:
        log.warning("unauthenticated", source=account.name)
        problem = Problem(401, "Not authenticated", f"The request does not prove its origin: {fault}.")
        raise problem from None
    except Outage as fault:
        log.error("origin_unproved", source=account.name, reason=fault.detail)
        raise Problem(503, "Not proved yet", "The sender's keys cannot be read now. Please send it again.") from None
    except Unreadable as fault:
        log.warning("unreadable", source=account.name)
        raise Problem(400, "Not readable", f"{fault}.") from None
    except Invalid as fault:
        log.warning("invalid", source=account.name, fields=sorted(map(str, fault.fields)))
        detail = "Some fields are missing or of the wrong form; `errors` names them."
        raise Problem(422, "Wrong schema", detail, errors=fault.fields) from None
