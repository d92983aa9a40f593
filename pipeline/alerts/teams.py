"""Microsoft Teams: one adaptive card to a webhook of Workflows (contract downstream/staff-alerts, 2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from marshmallow import Schema

from pipeline.alerts.alert import Alert, Channel, Digest
from pipeline.alerts.webhook import WebhookAddress, encoded, post
from pipeline.alerts.wording import LISTED, by_weight, facts_of, fitted, headline, left_out, plain
from pipeline.errors import Misconfigured, Rejected
from pipeline.transport import Answer

#: bytes of a message: "about 28 KB" (contract 2), with room for what the flow adds
MOST_BYTES = 24 * 1024
#: characters and counts, so that the longest single alert fits whatever its script
_TITLE, _TEXT, _LABEL, _VALUE, _FACTS = 200, 1000, 60, 200, 10


class TeamsSchema(Schema):
    """One flow with the trigger "When a Teams webhook request is received"."""

    webhook = WebhookAddress(required=True)


class Teams(Channel):
    """An answer of 202 says that the flow has begun, not that the card was posted."""

    name = "teams"
    label = "Microsoft Teams"
    options = TeamsSchema

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._webhook: str = options["webhook"]

    def send(self, digest: Digest) -> None:
        answer = post(self._webhook, message(digest), system=self.label)
        if answer.status not in {200, 202}:
            _refuse(answer)


def message(digest: Digest) -> dict[str, Any]:
    """The digest as one card: a text and a set of facts for each alert, as many as the size allows."""
    alerts = by_weight(digest.alerts)[:LISTED]
    parts = [_parts(alert) for alert in alerts]
    for listed in range(len(alerts), 1, -1):
        document = _envelope(digest, parts[:listed], "")
        if len(encoded(document)) <= MOST_BYTES:
            return document
    return _envelope(digest, parts[:1], alerts[0].url if len(digest.alerts) == 1 else "")


def marked_down(text: str) -> str:
    """A text in which Markdown makes no link; its other marks only change the type."""
    return text.replace("](", "] (")


def _envelope(digest: Digest, listed: list[list[dict[str, Any]]], only: str) -> dict[str, Any]:
    body: list[dict[str, Any]] = [_block(headline(digest), _TITLE, size="Large", weight="Bolder")]
    body += [part for parts in listed for part in parts]
    missing = left_out(digest, len(listed))
    body += [_block(f"{missing}; see the queue", _TITLE)] if missing else []
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "full"},
        "body": body,
    }
    actions = _actions(only, digest.queue)
    attachment = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": None,
        "content": {**card, "actions": actions} if actions else card,
    }
    return {"type": "message", "attachments": [attachment]}


def _parts(alert: Alert) -> list[dict[str, Any]]:
    parts = [
        _block(f"{plain(alert.title)} ({alert.severity.value})", _TITLE, weight="Bolder"),
        _block(plain(alert.summary), _TEXT),
    ]
    facts = [
        {"title": fitted(marked_down(label), _LABEL), "value": fitted(marked_down(value), _VALUE)}
        for label, value in facts_of(alert)[:_FACTS]
    ]
    return [part for part in parts if part["text"]] + ([{"type": "FactSet", "facts": facts}] if facts else [])


def _block(text: str, most: int, **style: str) -> dict[str, Any]:
    return {"type": "TextBlock", **style, "text": fitted(marked_down(text), most), "wrap": True}


def _actions(only: str, queue: str) -> list[dict[str, str]]:
    """A button for the one thing that a card is about, and the queue, in which several are found by their facts."""
    buttons = [("Open", only), ("The queue", queue)]
    return [{"type": "Action.OpenUrl", "title": title, "url": url} for title, url in buttons if url]


def _refuse(answer: Answer) -> NoReturn:
    """The texts of Teams' errors are not repeated: they may quote the address of the flow."""
    said = f"Microsoft Teams answered {answer.status}"
    if answer.status in {400, 413}:
        raise Rejected(said)
    raise Misconfigured(f"{said}; check that the flow is on and its address is the present one")
