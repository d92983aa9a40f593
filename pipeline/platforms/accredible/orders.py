"""What Accredible is sent for an order, and the orders that it need not be asked about."""

from __future__ import annotations

import re
from typing import Any

from pipeline.errors import Misconfigured, Rejected
from pipeline.platforms.accredible.seen import REF
from pipeline.values import Order

_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")
_GROUP = re.compile(r"[1-9][0-9]{0,17}")


def is_group(ref: str) -> bool:
    """Whether this can be the id of a group, a whole number."""
    return bool(_GROUP.fullmatch(ref))


def group_of(order: Order) -> int:
    """The group that is the order's template.

    Raises:
        Misconfigured: a program names something else.
    """
    if not is_group(order.template):
        raise Misconfigured("the program's template is no Accredible group, which is a number")
    return int(order.template)


def created(order: Order) -> dict[str, Any]:
    """A new credential (contract 2).

    Raises:
        Misconfigured: see `group_of`. Rejected: see `_details`.
    """
    return {
        "id": order.ref,
        "group_id": group_of(order),
        **_details(order),
        "complete": True,
        "approve": True,
        "custom_attributes": dict(order.attributes),
        "meta_data": {REF: order.ref},
    }


def corrected(order: Order) -> dict[str, Any]:
    """What may have changed of an issued one (contract 6).

    An end and attributes that the order does not have are left as they are: a group may have set them.

    Raises:
        Rejected: see `_details`.
    """
    attributes = {"custom_attributes": dict(order.attributes)} if order.attributes else {}
    return {**_details(order), **attributes}


def _details(order: Order) -> dict[str, Any]:
    """Whose it is, for what, from when to when.

    Raises:
        Rejected: nobody can be issued to under that name or address.
    """
    if not order.name.strip():
        raise Rejected("the learner has no name")
    if not _ADDRESS.fullmatch(order.address):
        raise Rejected("the learner has no usable e-mail address")
    return {
        "recipient": {"name": order.name, "email": order.address, "id": order.learner_ref},
        "name": order.title,
        "description": order.description,
        "issued_on": order.issued_on.isoformat(),
        **({"expired_on": order.expires_on.isoformat()} if order.expires_on else {}),
    }
