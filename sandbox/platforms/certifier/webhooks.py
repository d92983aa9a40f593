"""Webhooks as Certifier sends them: signed over the raw body, in the bare form and in the full one (contract 8)."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from sandbox.platforms.certifier.workspace import Credential, Interaction, Workspace, instant
from sandbox.posting import Outgoing
from sandbox.sending import send_shape
from sandbox.shapes import Check, any_text, may, one_of, text

HEADER = "X-Webhook-Signature"

SEND: Check = send_shape(
    secret=may(any_text),  # without one there is no signature
    form=may(one_of(("bare", "full"))),
    type=may(text),
    event_id=may(text),
    resource=may(text),  # the type of the resource
)


def interaction_form(one: Interaction) -> dict[str, Any]:
    """An interaction as the API and the full form show it."""
    return {
        "id": one.id,
        "credentialId": one.credential,
        "eventType": one.event,
        "triggeredBy": one.by,
        "triggeredAt": one.at,
    }


def outgoing(
    workspace: Workspace, one: Credential, interaction: Interaction | None, usual: str, send: Mapping[str, Any]
) -> Outgoing:
    """One webhook about a credential; `usual` is its type unless `send` names another."""
    data: dict[str, Any] = {"resource": {"id": one.id, "type": send.get("resource", "credential")}}
    if send.get("form") == "full":
        data["credential"] = one.plain()
        if interaction is not None:
            data["credentialInteraction"] = interaction_form(interaction)
    event = {
        "id": send.get("event_id") or workspace.new_id("evnt"),
        "type": send.get("type", usual),
        "createdAt": instant(),
        "data": data,
    }
    raw = json.dumps(event)
    headers = {"Content-Type": "application/json"}
    if "secret" in send:
        headers[HEADER] = hmac.new(send["secret"].encode(), raw.encode(), hashlib.sha256).hexdigest()
    return Outgoing(event, headers, raw)
