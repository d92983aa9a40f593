"""The API for what persons and outside systems state: approvals, results, exemptions, appeals, investigations."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify
from marshmallow import Schema, fields, validate
from sqlalchemy import select

from pipeline.configuration.staff import Role
from pipeline.review import attestations as kept
from pipeline.review.compiled import attestations as listed
from pipeline.store.database import reading
from pipeline.store.learners import LearnerRow
from web.guards import guard
from web.herald import herald
from web.problems import Problem
from web.staff import caller, document, parameters

attestations = Blueprint("attestations", __name__, url_prefix="/api/attestations")


class WhoseSchema(Schema):
    """Whose attestations are listed."""

    source = fields.String(required=True)
    learner = fields.String(required=True)
    program = fields.String(load_default=None)


class WithdrawalSchema(Schema):
    """Why an attestation is taken back."""

    reason = fields.String(required=True, validate=validate.Length(min=1, max=1000))


@attestations.post("")
@guard("token")
def state() -> Response:
    """State something about a learner. 201, or 200 for a repeat; cases that waited for it go on by themselves."""
    person = caller()
    loaded = document(kept.AttestationSchema())
    made = kept.state(person, loaded)
    for wakeup in made.wakeups:
        herald.send(wakeup)
    response = jsonify({"attestation": made.id})
    response.status_code = 201 if made.new else 200
    return response


@attestations.get("")
@guard("token")
def show() -> Response:
    """What was ever stated of a learner."""
    person = caller()
    if not person.may(Role.VIEWER):
        raise Problem(403, "Not allowed", f"This takes the role {Role.VIEWER.value}.")
    wanted = parameters(WhoseSchema())
    with reading() as session:
        whose = select(LearnerRow.id).filter_by(source=wanted["source"], ref=wanted["learner"])
        learner = session.scalar(whose)
        found = listed(session, learner_id=learner, program=wanted["program"]) if learner else []
    seen = [one for one in found if one["program"] is None or person.covers(one["program"])]
    response = jsonify({"attestations": seen})
    response.headers["Cache-Control"] = "no-store"
    return response


@attestations.post("/<attestation_id>/withdrawal")
@guard("token")
def take_back(attestation_id: str) -> Response:
    """Withdraw an attestation; it stays to be seen."""
    person = caller()
    reason = document(WithdrawalSchema())["reason"]
    wakeups = kept.take_back(person, attestation_id, reason)
    for wakeup in wakeups:
        herald.send(wakeup)
    return jsonify({"attestation": attestation_id, "withdrawn": True})
