"""Slack's side of an incoming webhook: the shape and the limits of a message, and the words of its refusals.

It is stricter than Slack where Slack is silent: a field that it does not know, and a `<` that begins no link, are
refused, because a mistake in escaping would otherwise be seen by whoever is rung up for nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from flask import Request
from werkzeug.wrappers import Response

from sandbox.shapes import Check, Problem, flag, listing, may, need, one_of, structure, text, url

#: the part of the address that is the secret
WEBHOOK = "T0000001/B0000001/slack-secret"

#: what an administrator of the workspace may have done, and the status that goes with the word (contract 1)
REFUSALS: Mapping[str, int] = {
    "user_not_found": 400,
    "action_prohibited": 403,
    "invalid_token": 403,
    "posting_to_general_channel_denied": 403,
    "channel_not_found": 404,
    "no_service": 404,
    "no_team": 404,
    "channel_is_archived": 410,
    "rollup_error": 500,
}

_LINK = re.compile(r"<(?:https?|mailto):[^<>|]+(?:\|[^<>]*)?>")
_CALL = re.compile(r"<(![a-z]+(?:\^[A-Z0-9]+)?|@[A-Z0-9]+)(?:\|[^<>]*)?>")
_BROAD = re.compile(r"@(?:channel|here|everyone)\b")
_AMPERSAND = re.compile(r"&(?!amp;|lt;|gt;)")


def _marked(most: int) -> Check:
    """Text in mrkdwn: bounded, and every sign that steers it either escaped or part of a link."""

    def check(value: Any, at: str) -> list[Problem]:
        problems = text(value, at)
        if problems:
            return problems
        found = [Problem(at, f"must have at most {most} characters")] if len(value) > most else []
        rest = _CALL.sub("", _LINK.sub("", value))
        if "<" in rest or _AMPERSAND.search(rest):
            found.append(Problem(at, "holds a sign that is not escaped"))
        return found

    return check


def _short(most: int) -> Check:
    def check(value: Any, at: str) -> list[Problem]:
        problems = text(value, at)
        return problems or ([Problem(at, f"must have at most {most} characters")] if len(value) > most else [])

    return check


def _plain_text(most: int) -> Check:
    return structure({"type": need(one_of(["plain_text"])), "text": need(_short(most)), "emoji": may(flag)})


def _mrkdwn(most: int) -> Check:
    return structure({"type": need(one_of(["mrkdwn"])), "text": need(_marked(most))})


_BUTTON = structure({"type": need(one_of(["button"])), "text": need(_plain_text(75)), "url": need(url)})
_BLOCKS: Mapping[str, Check] = {
    "header": structure({"type": need(text), "text": need(_plain_text(150))}),
    "section": structure(
        {"type": need(text), "text": may(_mrkdwn(3000)), "fields": may(listing(_mrkdwn(2000), most=10))}
    ),
    "actions": structure({"type": need(text), "elements": need(listing(_BUTTON, most=25))}),
    "context": structure({"type": need(text), "elements": need(listing(_mrkdwn(3000), most=10))}),
}


def _block(value: Any, at: str) -> list[Problem]:
    kind = str(value.get("type")) if isinstance(value, dict) else ""
    if kind not in _BLOCKS:
        return [Problem(f"{at}.type", f"must be one of {', '.join(_BLOCKS)}")]
    problems = _BLOCKS[kind](value, at)
    if kind == "section" and not ({"text", "fields"} & value.keys()):
        problems.append(Problem(at, "needs text or fields"))
    return problems


_MESSAGE = structure({"text": need(_marked(40000)), "blocks": may(listing(_block, most=50))})


def refusal_of(token: str, state: str) -> Response | None:
    """The refusal of a webhook that is not known, or that does not work any more."""
    if token != WEBHOOK:
        return word(404, "no_service")
    return word(REFUSALS[state], state) if state in REFUSALS else None


def problems_of(request: Request) -> list[Problem]:
    """Everything that is wrong with a message."""
    if request.mimetype != "application/json":
        return [Problem("(body)", "must be sent as application/json")]
    return _MESSAGE(request.get_json(silent=True), "")


def unfit(problems: list[Problem]) -> Response:
    """The word for what is wrong first."""
    first = problems[0].field
    if first == "text":
        return word(400, "no_text")
    return word(400, "invalid_blocks" if first.startswith("blocks") else "invalid_payload")


def calls_in(body: Mapping[str, Any]) -> tuple[str, ...]:
    """Whom a message rings up: mentions in any of its texts, and what a broad word becomes where names are linked."""
    texts = _texts(body)
    return tuple(sorted({found for one in texts for found in (*_CALL.findall(one), *_BROAD.findall(one))}))


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return [found for part in parts for found in _texts(part)]


def word(status: int, said: str, *, retry_after: int | None = None) -> Response:
    """An answer of Slack: one word as plain text."""
    response = Response(said, status=status, content_type="text/plain; charset=utf-8")
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response
