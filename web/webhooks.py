"""The receiver: authenticate the raw bytes, store the delivery under its unique key, answer 202. Nothing else.

Accepted means stored: the answer follows the commit. The wake-up is handed to a thread of its own, so that a
broker that is down or frozen never delays an answer.
"""

from __future__ import annotations

import hashlib

import structlog
from flask import Blueprint, Response, jsonify, url_for

from pipeline.adapters import LMSS
from pipeline.configuration.loading import configuration
from pipeline.contracts import Account
from pipeline.steps.gather import lms
from pipeline.steps.turn import WakeUp
from pipeline.store import deliveries
from pipeline.store.decisions import as_json
from pipeline.webhook import Announcement, Request
from web.guards import guard
from web.hearing import refusals, request_in
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
    heard = request_in(path)
    announcement = _hear(account, heard)
    status = account.options.get("success_status", 202)
    if not announcement.events and not announcement.scores:
        log.info("ignored", source=source, reason=announcement.ignored)
        return _answer({"ignored": announcement.ignored}, 200, announcement)
    delivery, new = deliveries.store(
        source=source,
        key=announcement.key,
        body=announcement.body,
        sha256=hashlib.sha256(heard.body).hexdigest(),
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
    with refusals(account.name):
        return lms(account.name).hear(account.entrance.admit(heard))
