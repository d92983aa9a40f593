"""The API for what is done to a case after it was decided: correct its credentials, award the program again."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify
from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from pipeline.review.awards import award_again
from pipeline.review.corrections import Wish, correct
from web.guards import guard
from web.herald import herald
from web.staff import caller, document

cases = Blueprint("cases", __name__, url_prefix="/api/cases")

_REASON = fields.String(required=True, validate=validate.Length(min=1, max=2000))


class CorrectionSchema(Schema):
    """What the credentials are to say: a name, or what the LMS says now."""

    name = fields.String(validate=validate.Length(min=1, max=300))
    from_lms = fields.Boolean(load_default=False, truthy={True}, falsy={False})
    reason = _REASON

    @validates_schema
    def _one_of_two(self, data: dict[str, Any], **_: Any) -> None:
        """A name or the LMS.

        Raises:
            ValidationError: neither or both are given.
        """
        if ("name" in data) == data["from_lms"]:
            raise ValidationError("write a name, or from_lms: true", "name")


class AwardSchema(Schema):
    """Why a program is awarded again."""

    reason = _REASON


@cases.post("/<case_id>/corrections")
@guard("token")
def make_correction(case_id: str) -> Response:
    """Correct the name on a case's credentials."""
    person = caller()
    wish = document(CorrectionSchema())
    made = correct(person, case_id, Wish(reason=wish["reason"], name=wish.get("name")))
    for wakeup in made.wakeups:
        herald.send(wakeup)
    response = jsonify({"correction": made.id, "case": case_id, "stage": made.stage})
    response.status_code = 201
    return response


@cases.post("/<case_id>/awards")
@guard("token")
def make_award(case_id: str) -> Response:
    """Award the program again after a withdrawal. 201, or 200 where the new case is there already."""
    person = caller()
    made = award_again(person, case_id, document(AwardSchema())["reason"])
    for wakeup in made.wakeups:
        herald.send(wakeup)
    response = jsonify({"case": made.case, "stage": made.stage, "follows": case_id, "new": made.new})
    response.status_code = 201 if made.new else 200
    return response
