"""Claim hooks: authenticate the raw bytes of a platform's webhook, store what it points at, answer 200.

The answer follows the commit. Nothing is asked of the platform meanwhile: it may wait for our answer.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

import structlog
from flask import Blueprint, Response, jsonify

from pipeline.adapters import PLATFORMS
from pipeline.configuration.loading import configuration
from pipeline.errors import Outage
from pipeline.steps.turn import WakeUp
from pipeline.store import hints
from pipeline.webhook import Invalid
from web.guards import guard
from web.hearing import refusals, request_in
from web.herald import herald
from web.problems import Problem

log = structlog.get_logger(__name__)

claims = Blueprint("claims", __name__)


class _Shut:
    """The gate of an account while a webhook waits for its answer."""

    def passage(self) -> AbstractContextManager[None]:
        """Let nobody pass.

        Raises:
            Outage: always; the sender comes again.
        """
        raise Outage("nothing is asked of a platform while it waits for an answer")


@claims.post("/claims/<account_name>")
@claims.post("/claims/<account_name>/<path:path>")
@guard("signature")
def hear(account_name: str, path: str = "") -> Response:
    """Take one announcement of a platform account."""
    structlog.contextvars.clear_contextvars()
    account = configuration().platforms.get(account_name)
    if account is None:
        raise Problem(404, "Unknown account", "No platform account of this name is configured; see accounts.yaml.")
    adapter = PLATFORMS[account.adapter]
    if not adapter.hears:
        raise Problem(404, "No webhook", "This platform announces nothing; its claims are read by the recheck.")
    heard = request_in(path)
    with refusals(account.name):
        found = adapter(account, _Shut()).hear(account.entrance.admit(heard))
        if not all(map(hints.fits, found)):
            raise Invalid({"": ["an id is empty, too long, or holds a control character"]})
    stored = hints.store(account.name, found) if found else ()
    if not found:
        log.info("ignored", source=account.name)
    elif stored:
        log.info("hints_stored", account=account.name, hints=len(stored))
    else:
        log.info("hints_repeated", account=account.name)
    for hint in stored:
        herald.send(WakeUp(task="claim", id=hint))
    # exactly 200: platforms that send again until they get it take no other status
    return jsonify({"stored": len(stored)} if found else {"ignored": "it is about no credential"})
