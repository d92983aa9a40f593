"""What of a request is read: members of the right shape, and the names of those that are passed over in silence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.shapes import (
    Check,
    Field,
    Problem,
    any_text,
    day,
    email,
    flag,
    is_email,
    listing,
    may,
    need,
    structure,
    text,
    whole,
)


def _address(value: Any, at: str) -> list[Problem]:
    return [] if is_email(value) else [Problem(at, "is not a valid e-mail address.")]


#: a credential to be made (contract 2); what else is in it is passed over
ITEM: Mapping[str, Field] = {
    "campaignId": need(text),
    "name": need(text),
    "email": need(_address),
    "issueDate": may(day, nullable=True),
    "expireDate": may(day, nullable=True),
    "externalId": may(text, nullable=True),
    "quickPublish": may(flag),
    "dontSendEmail": may(flag),
}
#: what of a credential can be changed (contract 6)
CHANGE: Mapping[str, Field] = {"name": may(text), "issueDate": may(day), "expireDate": may(day, nullable=True)}


class Ignored:
    """The names of members that were passed over: Sertifier says nothing of those it does not know (contract 2)."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def known(self, body: Mapping[str, Any], fields: Mapping[str, Field], at: str = "") -> dict[str, Any]:
        """The members that are known; the others are noted."""
        self.names |= {f"{at}{name}" for name in body if name not in fields}
        return {name: value for name, value in body.items() if name in fields}

    def attributes(self, given: Any, shown: Mapping[str, str]) -> dict[str, str]:
        """Attributes by title: a list of id and value (contract 2). Any other form has no effect, and no error.

        Args:
            shown: titles by id, of the attributes that the campaign's design shows.
        """
        taken = {}
        for one in given if isinstance(given, list) else [given]:
            known = one.get("id") if isinstance(one, dict) else None
            if isinstance(known, str) and known in shown and isinstance(one.get("value"), str):
                taken[shown[known]] = one["value"]
            elif given is not None:
                self.names.add("credentials[].attributes")
        return taken


def problems(body: Any, fields: Mapping[str, Field], at: str = "") -> list[Problem]:
    """What is wrong with the members that are known."""
    return structure(fields)(body, at)


TEMPLATE: Check = structure(
    {
        "id": need(text),
        "name": need(text),
        "usable": may(flag),
        "status": may(whole),
        "certificate": may(flag),
        "badge": may(flag),
        "attributes": may(listing(text)),
    }
)
CREDENTIAL: Check = structure(
    {
        "template": need(text),
        "name": need(text),
        "email": need(email),
        "published": may(flag),
        "issued_on": may(day),
        "expires_on": may(day, nullable=True),
        "made_on": may(day),
        "external_id": may(any_text),
    }
)
