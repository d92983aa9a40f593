"""The API for withdrawals: staff and outside systems ask for them, and another person decides."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import Blueprint, Response, jsonify
from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from pipeline.configuration.staff import Person, Role
from pipeline.review.previews import opened, sealed
from pipeline.review.refusals import NotPossible
from pipeline.review.withdrawal_lists import (
    Filter,
    Result,
    affected,
    as_shown,
    decide_many,
    listed,
    request_many,
    waiting_ids,
)
from pipeline.review.withdrawals import Asked, Decided, Request, case_of, decide, request
from pipeline.stages import WithdrawalState
from pipeline.steps.turn import WakeUp
from pipeline.store.database import reading
from pipeline.store.decisions import as_json
from pipeline.values import Trigger
from web.guards import guard
from web.herald import herald
from web.problems import Problem
from web.staff import caller, document, parameters

withdrawals = Blueprint("withdrawals", __name__, url_prefix="/api/withdrawals")

#: cases in one bulk request over the API
BULK = 2000
_KIND = "withdrawals"
_REASON = fields.String(required=True, validate=validate.Length(min=1, max=2000))
_WHOSE = ("source", "learner", "program")


class RequestSchema(Schema):
    """One request: about a case, or about what a learner of an LMS account was awarded in a program."""

    case = fields.String()
    source = fields.String()
    learner = fields.String()
    program = fields.String()
    trigger = fields.Enum(Trigger, by_value=True, required=True)
    reason = _REASON
    #: the same for a repeat of the same request
    key = fields.String(load_default=None, allow_none=True, validate=validate.Length(min=1, max=200))

    @validates_schema
    def _about_one(self, data: dict[str, Any], **_: Any) -> None:
        """A case, or all of learner, source and program.

        Raises:
            ValidationError: it is neither, or both.
        """
        whose = [name for name in _WHOSE if name in data]
        if ("case" in data) == bool(whose) or (whose and len(whose) < len(_WHOSE)):
            raise ValidationError("name the case, or source, learner and program", "case")


class PageSchema(Schema):
    """Which withdrawals are listed."""

    state = fields.String(validate=validate.OneOf([one.value for one in WithdrawalState]))
    program = fields.String()
    case = fields.String()
    trigger = fields.String(validate=validate.OneOf([one.value for one in Trigger]))
    scope = fields.String()
    overdue = fields.Boolean(load_default=False)
    limit = fields.Integer(load_default=50, validate=validate.Range(min=1, max=500))


class DecisionSchema(Schema):
    """A decision about one request."""

    action = fields.Enum(Decided, by_value=True, required=True)
    reason = _REASON


class DecisionsSchema(DecisionSchema):
    """The same decision about many: those that are named, or all that wait of one bulk request."""

    withdrawals = fields.List(fields.String(), validate=validate.Length(min=1, max=BULK))
    scope = fields.String()

    @validates_schema
    def _about_some(self, data: dict[str, Any], **_: Any) -> None:
        """One of the two.

        Raises:
            ValidationError: neither or both are given.
        """
        if ("withdrawals" in data) == ("scope" in data):
            raise ValidationError("name withdrawals, or the scope of a bulk request", "withdrawals")


class PreviewSchema(Schema):
    """What a bulk request would be about: what of a program was issued in a span of time."""

    program = fields.String(required=True)
    since = fields.AwareDateTime(load_default=None, allow_none=True)
    until = fields.AwareDateTime(load_default=None, allow_none=True)


class BulkSchema(Schema):
    """A bulk request, by its preview."""

    preview = fields.String(required=True)
    trigger = fields.Enum(Trigger, by_value=True, required=True)
    reason = _REASON


@withdrawals.post("")
@guard("token")
def ask() -> Response:
    """Ask for a withdrawal. 201, or 200 for a repeat, or where one is asked for already."""
    person = caller()
    wish = document(RequestSchema())
    case = wish["case"] if "case" in wish else case_of(person, **{name: wish[name] for name in _WHOSE})
    made = request(person, case, Request(trigger=wish["trigger"], reason=wish["reason"], key=wish["key"]))
    _send(made.wakeups)
    return _private(_asked(made), 201 if made.new else 200)


@withdrawals.get("")
@guard("token")
def show() -> Response:
    """The withdrawals that somebody may see; what has to be decided first stands first."""
    person = _staff(Role.VIEWER)
    wanted = parameters(PageSchema())
    limit = wanted.pop("limit")
    with reading() as session:
        rows, total = listed(session, person, Filter(**wanted), limit=limit)
        return _private({"withdrawals": [as_shown(row) for row in rows], "total": total})


@withdrawals.post("/<withdrawal_id>/decision")
@guard("token")
def decide_one(withdrawal_id: str) -> Response:
    """Approve or refuse what somebody else asked for."""
    person = _staff(Role.REVIEWER)
    wish = document(DecisionSchema())
    _send(decide(person, withdrawal_id, wish["action"], wish["reason"]))
    return _private({"withdrawal": withdrawal_id, "action": wish["action"].value})


@withdrawals.post("/decisions")
@guard("token")
def decide_some() -> Response:
    """The same decision about many; each is answered for by itself."""
    person = _staff(Role.REVIEWER)
    wish = document(DecisionsSchema())
    ids = wish["withdrawals"] if "withdrawals" in wish else waiting_ids(person, scope=wish["scope"])
    return _private(_results(decide_many(person, ids, wish["action"], wish["reason"]), "withdrawal"))


@withdrawals.post("/bulk/preview")
@guard("token")
def preview() -> Response:
    """The cases that a bulk request would be about, and the token that makes it."""
    person = _staff(Role.REVIEWER)
    wish = document(PreviewSchema())
    with reading() as session:
        found = affected(session, person, **wish)
    if len(found) > BULK:
        raise NotPossible(f"{len(found)} cases; narrow the span to {BULK} at most, or use the command")
    token = sealed(_KIND, person, [one.case for one in found])
    return _private({"cases": as_json(found), "total": len(found), "token": token})


@withdrawals.post("/bulk")
@guard("token")
def ask_for_many() -> Response:
    """Ask for the withdrawal of exactly the cases of a preview."""
    person = _staff(Role.REVIEWER)
    wish = document(BulkSchema())
    [cases] = opened(_KIND, person, wish["preview"])
    made = request_many(person, cases, Request(trigger=wish["trigger"], reason=wish["reason"]))
    return _private(_results(made, "case"))


def _results(results: Iterable[Result], name: str) -> dict[str, Any]:
    done, refused = [], []
    for result in results:
        _send(result.wakeups)
        if result.refused:
            refused.append({name: result.subject, "reason": result.refused})
        else:
            done.append({name: result.subject, "state": result.state})
    return {"done": done, "refused": refused}


def _asked(made: Asked) -> dict[str, Any]:
    return {"withdrawal": made.id, "case": made.case, "state": made.state, "new": made.new}


def _send(wakeups: Iterable[WakeUp]) -> None:
    for wakeup in wakeups:
        herald.send(wakeup)


def _staff(role: Role) -> Person:
    person = caller()
    if not person.may(role):
        raise Problem(403, "Not allowed", f"This takes the role {role.value}.")
    return person


def _private(body: object, status: int = 200) -> Response:
    response = jsonify(body)
    response.status_code = status
    response.headers["Cache-Control"] = "no-store"
    return response
