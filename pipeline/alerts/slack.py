"""Slack: one message to an incoming webhook (contract downstream/staff-alerts, 1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from marshmallow import Schema

from pipeline.alerts.alert import Alert, Channel, Digest
from pipeline.alerts.webhook import WebhookAddress, post
from pipeline.alerts.wording import LISTED, by_weight, facts_of, fitted, headline, left_out, plain
from pipeline.errors import Misconfigured, Rejected, Unsure
from pipeline.transport import Answer

#: limits of the blocks, in characters and counts (contract 1)
HEADER, SECTION, FIELD, FIELDS = 150, 3000, 2000, 10
#: no limit is stated for `text`; that of a section is kept
_FALLBACK = SECTION

#: the short words by which Slack refuses; another body is not repeated, because it may hold anything
_OURS = frozenset({"invalid_payload", "invalid_blocks", "no_text", "user_not_found"})
_GONE = frozenset(
    {
        "action_prohibited",
        "invalid_token",
        "posting_to_general_channel_denied",
        "channel_not_found",
        "no_service",
        "no_team",
        "channel_is_archived",
    }
)


class SlackSchema(Schema):
    """One incoming webhook; Slack ties it to a channel."""

    webhook = WebhookAddress(required=True)


class Slack(Channel):
    """One message for each digest, so that the limit of about one a second and webhook is never near."""

    name = "slack"
    label = "Slack"
    options = SlackSchema

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._webhook: str = options["webhook"]

    def send(self, digest: Digest) -> None:
        answer = post(self._webhook, message(digest), system=self.label)
        if answer.status != 200:
            _refuse(answer)
        if answer.body.strip() != b"ok":
            raise Unsure("Slack answered 200 with something that is not ok")


def message(digest: Digest) -> dict[str, Any]:
    """The digest as text, for notifications, and as blocks: a section for each alert, at most 22 in all."""
    alerts = by_weight(digest.alerts)[:LISTED]
    title = headline(digest)
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": fitted(title, HEADER), "emoji": False}}
    ]
    blocks += [_section(alert) for alert in alerts]
    foot = [left_out(digest, len(alerts)), _link(digest.queue, "The queue")]
    if any(foot):
        text = fitted(" · ".join(part for part in foot if part), FIELD)
        blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": text}]})
    return {"text": fitted(title, _FALLBACK, escaped), "blocks": blocks}


def escaped(text: str) -> str:
    """A text in which Slack sees no link, mention or command."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _section(alert: Alert) -> dict[str, Any]:
    link = _link(alert.url, "Open")
    title = fitted(plain(alert.title), HEADER, escaped)
    lines = [f"*{title}* ({alert.severity.value})", link]
    room = SECTION - sum(len(line) + 1 for line in lines)
    lines.insert(1, fitted(plain(alert.summary), room, escaped))
    section: dict[str, Any] = {
        "type": "section",
        "text": {"type": "mrkdwn", "text": "\n".join(line for line in lines if line)},
    }
    fields = [_field(label, value) for label, value in facts_of(alert)[:FIELDS]]
    return {**section, "fields": fields} if fields else section


def _field(label: str, value: str) -> dict[str, str]:
    name = fitted(label, HEADER, escaped)
    return {"type": "mrkdwn", "text": f"*{name}*\n{fitted(value, FIELD - len(name) - 3, escaped)}"}


def _link(url: str, label: str) -> str:
    # `|` and `>` would end the address
    address = escaped(url).replace("|", "%7C")
    return f"<{address}|{label}>" if url and len(address) < FIELD // 2 else ""


def _refuse(answer: Answer) -> NoReturn:
    word = answer.body.decode("ascii", "replace").strip()
    said = f"Slack answered {answer.status}" + (f": {word}" if word in _OURS | _GONE else "")
    if answer.status == 400 and word != "user_not_found":
        raise Rejected(said)
    raise Misconfigured(f"{said}; check the webhook of the channel")
