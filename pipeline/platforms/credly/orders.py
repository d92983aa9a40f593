"""The body of the request to issue a badge (contract 2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.errors import Misconfigured
from pipeline.platforms.credly.badges import is_id
from pipeline.platforms.credly.earners import address, earner_id, names
from pipeline.values import Order


def request_for(order: Order, options: Mapping[str, Any]) -> dict[str, Any]:
    """What Credly is asked for. Title, description and criteria are the template's; our reference has no place.

    Raises:
        Misconfigured: the order names no template of Credly's, or attributes, which no badge has.
        Rejected: the learner's name, address or id is missing or cannot be used.
    """
    if not is_id(order.template):
        raise Misconfigured("the template is no id of a Credly badge template, which is a UUID")
    if order.attributes:
        raise Misconfigured("a Credly badge takes no attributes: take them out of the program")
    first, last = names(order, repeat_single=options["single_name"] == "repeat")
    body: dict[str, Any] = {
        "recipient_email": address(order),
        "badge_template_id": order.template.lower(),
        # an order's days are those of UTC; said with the offset, and never in the future
        "issued_at": f"{order.issued_on} 00:00:00 +0000",
        "issued_to_first_name": first,
        "issued_to_last_name": last,
        "issuer_earner_id": earner_id(order, options["earner_prefix"]),
        # `false` is no expiry; null would be the template's own, of which the program says nothing
        "expires_at": f"{order.expires_on} 23:59:59 +0000" if order.expires_on else False,
        "suppress_badge_notification_email": options["notify"] == "confer",
    }
    return body | ({"locale": options["locale"]} if options["locale"] else {})
