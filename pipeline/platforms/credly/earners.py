"""Whose a badge is: the names and address that Credly wants, and how an earner is known again (contract 2, 4, 5)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pipeline.errors import Rejected
from pipeline.platforms.credly.badges import standing
from pipeline.values import Order, Standing

_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")
#: what separates the parts of a filter; a value that holds one could not be looked up again
_SEPARATORS = re.compile(r"[|,]|::|^:|:$")


def address(order: Order) -> str:
    """The learner's e-mail address as Credly is told it.

    Raises:
        Rejected: it is none, or none that Credly can be asked for.
    """
    if not _ADDRESS.fullmatch(order.address) or _SEPARATORS.search(order.address):
        raise Rejected("the learner's e-mail address is missing, malformed, or holds a sign of Credly's filters")
    return order.address


def earner_id(order: Order, prefix: str) -> str:
    """The learner's id as Credly is told it: of the person, and the same for every badge of theirs (contract 5).

    Raises:
        Rejected: there is none, or none that Credly can be asked for.
    """
    found = f"{prefix}{order.learner_ref}".strip()
    if not order.learner_ref.strip() or _SEPARATORS.search(found):
        raise Rejected("the learner's id is missing, or holds a sign of Credly's filters")
    return found


def names(order: Order, *, repeat_single: bool) -> tuple[str, str]:
    """First and last name, both of which Credly demands: as the LMS has them, else split at the last space.

    Raises:
        Rejected: there is no name, or one alone and it is not to be repeated.
    """
    name = _words(order.name)
    if not name:
        raise Rejected("the learner has no name")
    given, family = _words(order.given_name), _words(order.family_name)
    if given and family:
        return given, family
    first, _, last = name.rpartition(" ")
    if first:
        return first, last
    if repeat_single:
        return last, last
    raise Rejected("Credly needs a last name, and the learner has one name only: see `single_name`")


def claims_of(order: Order, badge: Mapping[str, Any], prefix: str) -> bool | None:
    """Whether a badge is the one that an order asks for: True bears our learner's id, False was issued by hand to
    their address, None is another one.

    Never trusts the filter by which it was found: a filter that Credly does not know may well filter nothing.

    Raises:
        Rejected: it bears the learner's id and somebody else's name and address.
    """
    if badge["badge_template"]["id"] != order.template.lower() or standing(badge) is not Standing.LIVE:
        return None
    if badge["badge_template"]["allow_duplicate_badges"] and not _of_the_day(order, badge):
        return None  # an earlier one of several that the template allows
    same_address = address(order) in {
        _lowered(badge["recipient_email"]),
        _lowered((badge["user"] or {}).get("email")),
    }
    if not badge["issuer_earner_id"]:
        return False if same_address else None
    if badge["issuer_earner_id"] != earner_id(order, prefix):
        return None
    if not same_address and _lowered(badge["issued_to"]) not in _spellings(order):
        raise Rejected(
            "Credly has this badge under the learner's id with another name and another address: "
            "find out whether two learning platforms use the same ids, see `earner_prefix`"
        )
    return True


def _of_the_day(order: Order, badge: Mapping[str, Any]) -> bool:
    """Give or take one, as Credly may keep the day of another zone; one that tells no day may well be it."""
    at = badge["issued_at"]
    return at is None or abs(at.date() - order.issued_on) <= timedelta(days=1)


def _spellings(order: Order) -> set[str]:
    name = _words(order.name)
    both = _words(f"{order.given_name or ''} {order.family_name or ''}")
    return {one.lower() for one in (name, both, f"{name} {name}")}


def _words(text: str | None) -> str:
    return " ".join((text or "").split())


def _lowered(text: str | None) -> str:
    return (text or "").strip().lower()
