"""Who is asking: the person or system that a Bearer token of `staff.yaml` belongs to, and JSON as they sent it.

There are no cookies here, and nothing but JSON is read: a page of somebody else's cannot have a browser decide.
"""

from __future__ import annotations

from typing import Any

import structlog
from flask import Response, request
from marshmallow import Schema, ValidationError

from pipeline.configuration.loading import configuration
from pipeline.configuration.staff import Person
from pipeline.review.refusals import Changed, NotAllowed, NotPossible, Refusal, Unknown
from pipeline.webhook import Invalid, Request, Unreadable, bearer, json_body, proves
from web.problems import Problem, answer

log = structlog.get_logger(__name__)

_STATUS: dict[type[Refusal], tuple[int, str]] = {
    Unknown: (404, "Not found"),
    NotAllowed: (403, "Not allowed"),
    Changed: (409, "Changed meanwhile"),
    NotPossible: (422, "Not possible"),
}


def caller() -> Person:
    """The person or system of this request.

    Raises:
        Problem: 401, without telling whether there is such a token.
    """
    given = bearer({name.lower(): value for name, value in request.headers.items()})
    # every token is compared, so that the time tells nothing about which ones there are
    found = [person for person in configuration().staff.people.values() if proves(given, person.tokens)]
    if not found:
        log.warning("unauthenticated", path=request.path)
        raise Problem(401, "Not authenticated", "Send `Authorization: Bearer` with your token of staff.yaml.")
    return found[0]


def document(schema: Schema) -> dict[str, Any]:
    """The JSON body of this request through a schema.

    Raises:
        Problem: 415, 400 or 422, naming what is wrong.
    """
    if request.mimetype != "application/json":
        raise Problem(415, "Not JSON", "Send the content type application/json.")
    try:
        found = json_body(Request(body=request.get_data(cache=False), headers={}))
    except (Unreadable, Invalid):
        raise Problem(400, "Not readable", "The body is no JSON object.") from None
    try:
        loaded: dict[str, Any] = schema.load(found)
    except ValidationError as fault:
        detail = "Some members are missing or of the wrong form; `errors` names them."
        raise Problem(422, "Wrong schema", detail, errors=fault.normalized_messages()) from None  # type: ignore[no-untyped-call]
    return loaded


def parameters(schema: Schema) -> dict[str, Any]:
    """The query parameters of this request through a schema.

    Raises:
        Problem: 422, naming what is wrong.
    """
    try:
        loaded: dict[str, Any] = schema.load(request.args.to_dict())
    except ValidationError as fault:
        detail = "Some parameters are not known or of the wrong form; `errors` names them."
        raise Problem(422, "Wrong parameters", detail, errors=fault.normalized_messages()) from None  # type: ignore[no-untyped-call]
    return loaded


def refused(refusal: Refusal) -> Response:
    """A refusal as an answer."""
    status, title = _STATUS[type(refusal)]
    return answer(status, title, f"{refusal.detail[:1].upper()}{refusal.detail[1:]}.")
