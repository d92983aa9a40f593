"""The status page of a delivery: each stage of its cases as it happens. Ids and stages only, nothing personal."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, abort, jsonify, make_response, render_template, request
from sqlalchemy import select
from sqlalchemy.orm import Session

from pipeline.stages import RUN, Stage
from pipeline.store.cases import Case
from pipeline.store.credentials import CredentialRow
from pipeline.store.database import reading
from pipeline.store.deliveries import Delivery, EventRow
from pipeline.store.ledger import LedgerEntry
from web.guards import guard
from web.links import delivery_of

status = Blueprint("status", __name__)

#: facts of an entry that a page shows
_SHOWN = ("from", "to", "reason", "account", "target", "checks")


@status.get("/status/<link>")
@guard("link")
def show(link: str) -> Response:
    """The page, or the same as JSON for who asks for JSON."""
    delivery_id = delivery_of(link)
    if delivery_id is None:
        abort(404)
    with reading() as session:
        document = _document(session, delivery_id)
    if document is None:
        abort(404)
    if request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json":
        response = jsonify(document)
    else:
        stages = [*(stage.value for stage in RUN), Stage.DONE.value]
        response = make_response(render_template("status.html", **document, stages=stages))
    response.headers["Cache-Control"] = "no-store"
    return response


def _document(session: Session, delivery_id: str) -> dict[str, Any] | None:
    delivery = session.get(Delivery, delivery_id)
    if delivery is None:
        return None
    case_ids = session.scalars(select(EventRow.case_id).filter_by(delivery_id=delivery_id).distinct()).all()
    return {
        "delivery": {
            "id": delivery.id,
            "source": delivery.source,
            "state": delivery.state,
            "received_at": delivery.received_at.isoformat(),
            "reason": delivery.error,
        },
        "cases": [_case(session, case_id) for case_id in case_ids if case_id],
    }


def _case(session: Session, case_id: str) -> dict[str, Any]:
    case = session.get_one(Case, case_id)
    entries = session.scalars(select(LedgerEntry).filter_by(subject=case_id).order_by(LedgerEntry.id))
    credentials = session.scalars(select(CredentialRow).filter_by(case_id=case_id).order_by(CredentialRow.id))
    return {
        "id": case.id,
        "program": case.program,
        "stage": case.stage,
        "since": case.entered_at.isoformat(),
        "reason": case.error,
        "credentials": [
            {"account": row.account, "state": row.state, "url": row.url, "reason": row.error} for row in credentials
        ],
        "history": [
            {
                "at": entry.at.isoformat(),
                "kind": entry.kind,
                "actor": entry.actor,
                **{name: entry.facts[name] for name in _SHOWN if name in entry.facts},
            }
            for entry in entries
        ],
    }
