"""The side of Microsoft Teams: a flow that takes an adaptive card, with its shape, its size and its errors."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from flask import Request
from werkzeug.wrappers import Response

from sandbox.shapes import Check, Problem, flag, listing, may, need, one_of, structure, text, url

FLOW, SIGNATURE = "flow-1", "teams-secret"
#: where a flow is called, and with which members of the query (contract downstream/staff-alerts, 2)
PATH = "/workflows/<flow>/triggers/manual/paths/invoke"
QUERY = f"api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig={SIGNATURE}"
#: bytes of a message: "about 28 KB"
MOST_BYTES = 28 * 1024

#: what its owner may have done. The codes of the errors are not documented
REFUSALS: Mapping[str, tuple[int, str]] = {
    "off": (404, "WorkflowDisabled"),
    "rotated": (401, "Unauthorized"),
    "broken": (400, "BadRequest"),
}

_MENTION = re.compile(r"<at\b", re.IGNORECASE)
_TAG = re.compile(r"</?[a-z][^>]*>", re.IGNORECASE)


def _no_html(value: Any, at: str) -> list[Problem]:
    problems = text(value, at)
    return problems or ([Problem(at, "holds HTML, which a card shows as it stands")] if _TAG.search(value) else [])


_TEXT_BLOCK = structure(
    {
        "type": need(one_of(["TextBlock"])),
        "size": may(one_of(["Small", "Default", "Medium", "Large", "ExtraLarge"])),
        "weight": may(one_of(["Lighter", "Default", "Bolder"])),
        "text": need(_no_html),
        "wrap": may(flag),
    }
)
_FACT = structure({"title": need(_no_html), "value": need(_no_html)})
_FACT_SET = structure({"type": need(one_of(["FactSet"])), "facts": need(listing(_FACT))})


def _element(value: Any, at: str) -> list[Problem]:
    kind = value.get("type") if isinstance(value, dict) else None
    return (_FACT_SET if kind == "FactSet" else _TEXT_BLOCK)(value, at)


_CARD: Check = structure(
    {
        "$schema": need(one_of(["http://adaptivecards.io/schemas/adaptive-card.json"])),
        "type": need(one_of(["AdaptiveCard"])),
        "version": need(one_of(["1.2", "1.3", "1.4"])),
        "msteams": may(structure({"width": need(one_of(["full"]))})),
        "body": need(listing(_element)),
        "actions": may(
            listing(
                structure({"type": need(one_of(["Action.OpenUrl"])), "title": need(text), "url": need(url)}), most=6
            )
        ),
    }
)
_ATTACHMENT = structure(
    {
        "contentType": need(one_of(["application/vnd.microsoft.card.adaptive"])),
        "contentUrl": need(one_of([]), nullable=True),
        "content": need(_CARD),
    }
)
_MESSAGE = structure({"type": need(one_of(["message"])), "attachments": need(listing(_ATTACHMENT, most=1))})


def refusal_of(flow: str, query: Mapping[str, str], state: str) -> Response | None:
    """The refusal of a flow that is not known, an address that was cut or rotated, or a flow that is off."""
    if flow != FLOW:
        return error(404, "WorkflowNotFound")
    if set(query) != {"api-version", "sp", "sv", "sig"}:
        return error(400, "BadRequest")
    if query["sig"] != SIGNATURE or query["sp"] != "/triggers/manual/run":
        return error(401, "Unauthorized")
    return error(*REFUSALS[state]) if state in REFUSALS else None


def problems_of(request: Request) -> list[Problem]:
    """Everything that is wrong with a message."""
    if request.mimetype != "application/json":
        return [Problem("(body)", "must be sent as application/json")]
    if len(request.get_data()) > MOST_BYTES:
        return [Problem("(size)", f"must have at most {MOST_BYTES} bytes")]
    problems = _MESSAGE(request.get_json(silent=True), "")
    return problems or ([] if request.get_json()["attachments"] else [Problem("attachments", "must not be empty")])


def unfit(problems: list[Problem]) -> Response:
    """The error for what is wrong first."""
    if problems[0].field == "(size)":
        return error(413, "RequestEntityTooLarge")
    return error(400, "TriggerInputSchemaMismatch")


def calls_in(body: Mapping[str, Any]) -> tuple[str, ...]:
    """Whom a card rings up."""
    return tuple(sorted(set(_MENTION.findall(json.dumps(body)))))


def error(status: int, code: str, *, retry_after: int | None = None) -> Response:
    """An error of a flow."""
    document = {"error": {"code": code, "message": "The request was refused."}}
    response = Response(json.dumps(document), status=status, content_type="application/json; charset=utf-8")
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response
