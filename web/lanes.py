"""The API of the lanes: what waits at each platform account; pause it, have it go on, change its rate."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, jsonify
from marshmallow import Schema, fields, validate

from pipeline.configuration.accounts import RateSchema
from pipeline.configuration.loading import configuration
from pipeline.configuration.staff import Person, Role
from pipeline.errors import Misconfigured
from pipeline.steps.lane.operating import lanes as standings
from pipeline.steps.lane.operating import pause_lane, rate_lane, resume_lane
from pipeline.store.decisions import as_json
from pipeline.values import Rate
from web.guards import guard
from web.herald import herald
from web.problems import Problem
from web.staff import caller, document

lanes = Blueprint("lanes", __name__, url_prefix="/api/lanes")


class ReasonSchema(Schema):
    """Why, for the ledger."""

    reason = fields.String(required=True, validate=validate.Length(min=1, max=300))


class LaneRateSchema(ReasonSchema):
    """A rate as in accounts.yaml; null: as it stands there."""

    rate = fields.Nested(RateSchema, required=True, allow_none=True)


@lanes.get("")
@guard("token")
def show_lanes() -> Response:
    """Every account's lane."""
    _staff(Role.VIEWER)
    return _answer()


@lanes.post("/<account>/pause")
@guard("token")
def pause(account: str) -> Response:
    """Have nobody call the account until it is resumed."""
    person = _staff(Role.ADMINISTRATOR, account)
    pause_lane(account, actor=person.actor, **document(ReasonSchema()))
    return _answer()


@lanes.post("/<account>/resume")
@guard("token")
def resume(account: str) -> Response:
    """Have the account go on."""
    person = _staff(Role.ADMINISTRATOR, account)
    for wakeup in resume_lane(account, actor=person.actor, **document(ReasonSchema())):
        herald.send(wakeup)
    return _answer()


@lanes.post("/<account>/rate")
@guard("token")
def rate(account: str) -> Response:
    """Change the account's rate while it runs."""
    person, wanted = _staff(Role.ADMINISTRATOR, account), document(LaneRateSchema())
    try:
        rate_lane(account, _rate(wanted["rate"]), actor=person.actor, reason=wanted["reason"])
    except Misconfigured as fault:
        raise Problem(422, "Not possible", f"{fault.detail}.") from None
    return _answer()


def _rate(wanted: dict[str, Any] | None) -> Rate | None:
    if wanted is None:
        return None
    return Rate(calls=wanted["calls"], window=timedelta(seconds=float(wanted["per_seconds"])))


def _staff(role: Role, account: str | None = None) -> Person:
    person = caller()
    if not person.may(role):
        raise Problem(403, "Not allowed", f"This takes the role {role.value}.")
    if account is not None and account not in configuration().platforms:
        raise Problem(404, "Not found", "No platform account of this name is configured; see accounts.yaml.")
    return person


def _answer() -> Response:
    response = jsonify(lanes=as_json(standings()))
    response.headers["Cache-Control"] = "no-store"
    return response
