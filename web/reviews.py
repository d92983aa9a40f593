"""The API of the review queue: read what waits for a person, and decide. Pages for staff come on top of it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify
from marshmallow import Schema, fields, validate

from pipeline.configuration.loading import configuration
from pipeline.configuration.staff import Role
from pipeline.review.bulk import carry_out, preview
from pipeline.review.compiled import compiled
from pipeline.review.decisions import Action, Wish, assign, review
from pipeline.review.queue import PAGE, WAITING, Filter, page
from pipeline.store.database import reading
from pipeline.store.decisions import as_json
from web.guards import guard
from web.herald import herald
from web.problems import Problem
from web.staff import caller, document, parameters

reviews = Blueprint("reviews", __name__, url_prefix="/api/reviews")

_REASON = fields.String(required=True, validate=validate.Length(min=1, max=2000))


class FilterSchema(Schema):
    """Which cases of the queue."""

    stage = fields.String(validate=validate.OneOf([stage.value for stage in WAITING]))
    program = fields.String()
    error = fields.String()
    assignee = fields.String()
    overdue = fields.Boolean()
    before = fields.AwareDateTime()


class PageSchema(FilterSchema):
    """A page of the queue."""

    after = fields.String(load_default=None)
    limit = fields.Integer(load_default=PAGE, validate=validate.Range(min=1, max=200))


class DecisionSchema(Schema):
    """A decision about one case. `version` is that of the case as it was read."""

    action = fields.Enum(Action, by_value=True, required=True)
    reason = _REASON
    version = fields.String(required=True)
    checks = fields.List(fields.String(), load_default=list)


class AssigneeSchema(Schema):
    """Who works on a case; null: nobody."""

    assignee = fields.String(required=True, allow_none=True)


class PreviewSchema(Schema):
    """What a bulk decision would be about."""

    action = fields.Enum(Action, by_value=True, required=True)
    filter = fields.Nested(FilterSchema, required=True)


class BulkSchema(Schema):
    """A bulk decision, by its preview."""

    preview = fields.String(required=True)
    reason = _REASON


@reviews.get("")
@guard("token")
def show_queue() -> Response:
    """The queue, or a part of it; the case that has to be decided first stands first."""
    person = _staff()
    wanted = parameters(PageSchema())
    after, limit = wanted.pop("after"), wanted.pop("limit")
    with reading() as session:
        return _private(as_json(page(session, person, Filter(**wanted), after=after, limit=limit)))


@reviews.get("/<case_id>")
@guard("token")
def show_case(case_id: str) -> Response:
    """Everything a reviewer needs about one case."""
    person = _staff()
    with reading() as session:
        return _private(compiled(session, case_id, person))


@reviews.post("/<case_id>/decision")
@guard("token")
def decide(case_id: str) -> Response:
    """Decide about one case; answers with the case as it is then."""
    person = _staff()
    wish = document(DecisionSchema())
    wakeups = review(case_id, Wish(person=person, **{**wish, "checks": tuple(wish["checks"])}))
    for wakeup in wakeups:
        herald.send(wakeup)
    return show_case(case_id)


@reviews.put("/<case_id>/assignee")
@guard("token")
def put_assignee(case_id: str) -> Response:
    """Say who works on a case."""
    person = _staff()
    assignee = document(AssigneeSchema())["assignee"]
    known = configuration().staff.people
    if assignee is not None and (assignee not in known or not known[assignee].may(Role.REVIEWER)):
        raise Problem(422, "Not possible", f"`{assignee[:60]}` is no reviewer of staff.yaml.")
    assign(case_id, person=person, assignee=assignee)
    return show_case(case_id)


@reviews.post("/bulk/preview")
@guard("token")
def preview_bulk() -> Response:
    """The cases that a bulk decision would be about, and the token that carries it out."""
    person = _staff(Role.REVIEWER)
    wish = document(PreviewSchema())
    made = preview(person, wish["action"], Filter(**wish["filter"]))
    return _private(as_json(made))


@reviews.post("/bulk")
@guard("token")
def decide_bulk() -> Response:
    """Decide about the cases of a preview; each is answered for by itself."""
    person = _staff(Role.REVIEWER)
    wish = document(BulkSchema())
    results = list(carry_out(person, wish["preview"], wish["reason"]))
    for result in results:
        for wakeup in result.wakeups:
            herald.send(wakeup)
    decided = [result.case for result in results if not result.refused]
    left = [{"case": result.case, "reason": result.refused} for result in results if result.refused]
    return _private({"decided": decided, "refused": left})


def _staff(role: Role = Role.VIEWER) -> Any:
    person = caller()
    if not person.may(role):
        raise Problem(403, "Not allowed", f"This takes the role {role.value}.")
    return person


def _private(body: object) -> Response:
    """An answer that nobody on the way may keep."""
    response = jsonify(body)
    response.headers["Cache-Control"] = "no-store"
    return response
