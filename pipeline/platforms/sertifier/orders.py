"""An order in Sertifier's words, and what the answer to it says was made (contract 2)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from marshmallow import fields

from pipeline.errors import Misconfigured, Outage, Rejected, Unsure
from pipeline.platforms.sertifier.credential import is_id
from pipeline.reading import Lenient, loaded
from pipeline.values import Order

ADD = "/campaign/addCredentials"
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


class _MadeSchema(Lenient):
    id = fields.String(required=True)


def checked(order: Order) -> None:
    """Refuse what no call could issue.

    Raises:
        Rejected: there is no name, or no address that can be one. Misconfigured: the campaign's id can be none.
    """
    if not order.name.strip() or not _EMAIL.fullmatch(order.address):
        raise Rejected("the learner has no name, or no address that can be one")
    if not is_id(order.template):
        raise Misconfigured("the program names a campaign in a form that no id of Sertifier's has")


def can_exist(order: Order) -> bool:
    """Whether something can have been issued for it at all."""
    return bool(_EMAIL.fullmatch(order.address)) and is_id(order.template)


def item(order: Order, attributes: Sequence[Mapping[str, str]], options: Mapping[str, Any]) -> dict[str, Any]:
    """A credential as `addCredentials` takes it; attributes by their ids, since names are passed over in silence."""
    return {
        "campaignId": order.template,
        "name": order.name.strip(),
        "email": order.address,
        "issueDate": order.issued_on.isoformat(),
        **({"expireDate": order.expires_on.isoformat()} if order.expires_on else {}),
        **({"externalId": order.ref} if options["send_reference"] else {}),
        "quickPublish": True,
        "dontSendEmail": options["mail"] == "confer",
        **({"attributes": list(attributes)} if attributes else {}),
    }


def dates(issued_on: date | None, expires_on: date | None) -> dict[str, str | None]:
    """Dates as a change of a credential takes them; a day of issue that is not known is left as it is."""
    return {
        **({"issueDate": issued_on.isoformat()} if issued_on else {}),
        "expireDate": expires_on.isoformat() if expires_on else None,
    }


def made(data: Any, campaign: str) -> str:
    """The id of the one credential that was made: in a list by campaign, or in a list alone (contract 2).

    Raises:
        Unsure: the answer does not say that there is exactly one.
    """
    rows = data if isinstance(data, list) else []
    if isinstance(data, dict):
        lists = [value for key, value in data.items() if key.casefold() == campaign.casefold()]
        rows = lists[0] if len(lists) == 1 and isinstance(lists[0], list) else []
    if len(rows) != 1:
        raise Unsure("Sertifier does not say which credential it has made")
    try:
        return str(loaded(_MadeSchema(), rows[0], system="Sertifier", what=ADD)["id"])
    except Outage as unclear:
        raise Unsure(unclear.detail) from None
