"""Posts to a chat's webhook, whose address is the secret: it appears in no failure, no log and no repr."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from marshmallow import ValidationError

from pipeline.errors import Failure
from pipeline.options import Secret
from pipeline.settings import settings
from pipeline.transport import Answer, Client, OpenGate


class WebhookAddress(Secret):
    """The whole address as the chat gave it out; only by reference, because whoever has it can post."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        address = super()._deserialize(value, attr, data, **kwargs).strip()
        try:
            parts = urlsplit(address)
            known = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
        except ValueError:
            known = False
        if not known:
            raise ValidationError("the secret holds no http(s) address of a webhook")
        return address


def encoded(document: dict[str, Any]) -> bytes:
    """A document as it is sent."""
    return json.dumps(document, ensure_ascii=False).encode()


def post(address: str, document: dict[str, Any], *, system: str) -> Answer:
    """Post a JSON document and return any answer below 500 that is not a 429. The address is sent as it stands.

    Raises:
        Outage, Unsure, Throttled, Misconfigured: as `Client.call`.
    """
    parts = urlsplit(address)
    origin = f"{parts.scheme}://{parts.netloc}"
    client = Client(
        system=system,
        base_url=origin,
        headers={"Content-Type": "application/json; charset=utf-8"},
        timeout=settings().call_timeout,
        gate=OpenGate(),
    )
    try:
        return client.call("POST", address[len(origin) :], data=encoded(document))
    except Failure as failure:
        # the cause is an error of the library, which quotes the address
        raise failure from None
