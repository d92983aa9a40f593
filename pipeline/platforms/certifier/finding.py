"""What exists already: by our reference, wherever the address has gone, and then by the address (contract 5 and 6).

Certifier searches no attributes. Ours is looked for among the learner's credentials, and then among all of the
group's that are not older than the order, because none of them can be the order's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from itertools import takewhile
from typing import Any

from pipeline.platforms.certifier.credentials import (
    CredentialSchema,
    address_of,
    held,
    issued,
    possible,
    read,
    reference,
    standing,
)
from pipeline.platforms.certifier.drafting import recipient
from pipeline.platforms.certifier.interactions import claim_state, first_openings
from pipeline.platforms.certifier.options import Terms
from pipeline.platforms.certifier.rest import Rest
from pipeline.values import Held, Issued, Order, Standing

SEARCH = "v1/credentials/search"
#: how far an order's day may be ahead of Certifier's clock: a zone, and something for clocks that are wrong
_BEFORE = timedelta(days=2)

Found = Mapping[str, Any]


def find(rest: Rest, terms: Terms, order: Order) -> Issued | None:
    """The credential of an order: ours, or else one that staff issued to the same address.

    Raises:
        Rejected, Misconfigured, Outage, Throttled: nothing is known.
    """
    if not possible(order.template):
        return None
    theirs = _theirs(rest, order)
    ours = [one for one in theirs if reference(one, terms) == order.ref]
    if found := _best(rest, ours) or _best(rest, _since(rest, terms, order)):
        return issued(found, terms, live=standing(found) is Standing.LIVE)
    return _by_hand(rest, terms, theirs)


def existing(rest: Rest, terms: Terms, order: Order) -> Issued | None:
    """What the order's address has before the first call for it: the group need not be gone through for that.

    Raises:
        As for `find`.
    """
    theirs = _theirs(rest, order) if possible(order.template) else []
    ours = [one for one in theirs if reference(one, terms) == order.ref]
    if found := _best(rest, ours):
        return issued(found, terms, live=standing(found) is Standing.LIVE)
    return _by_hand(rest, terms, theirs)


def every(rest: Rest, terms: Terms, group: str) -> Iterator[Held]:
    """Every credential of a group, to the last page, with claims where the account wants them listed.

    Raises:
        Misconfigured, Outage, Throttled: see `pipeline.errors`.
    """
    if not possible(group):
        return
    opened = first_openings(rest) if terms.list_claims else None
    for one in _of_group(rest, terms, group, "asc"):
        if opened is None:
            yield held(one, terms)
        else:
            at = opened.get(one["id"])
            yield held(one, terms, claim=claim_state(at), claimed_at=at)


def _theirs(rest: Rest, order: Order) -> list[Found]:
    """What an order's address has of its group."""
    email = recipient(order)["email"]
    named = {"filter": {"recipient": {"email": {"equals": email}}}}
    found = _search(rest, named, "desc")
    return [one for one in found if one["group_id"] == order.template and address_of(one) == email]


def _by_hand(rest: Rest, terms: Terms, theirs: Iterable[Found]) -> Issued | None:
    """What of it bears no reference of ours at all."""
    found = _best(rest, [one for one in theirs if reference(one, terms) is None])
    return issued(found, terms, live=standing(found) is Standing.LIVE, ours=False) if found else None


def _since(rest: Rest, terms: Terms, order: Order) -> list[Found]:
    """Those of an order's group that bear its reference, back to where none of them can be the order's."""
    first = datetime.combine(order.issued_on, time(), UTC) - _BEFORE
    newest_first = _of_group(rest, terms, order.template, "desc")
    made_since = takewhile(lambda one: one["created_at"] >= first, newest_first)
    return [one for one in made_since if reference(one, terms) == order.ref]


def _of_group(rest: Rest, terms: Terms, group: str, order: str) -> Iterator[Found]:
    """All of a group. Every one is looked at: that the search can tell groups apart is assumed (contract 5)."""
    named = {"filter": {"groupId": {"equals": group}}} if terms.search_by_group else {}
    return (one for one in _search(rest, named, order) if one["group_id"] == group)


def _search(rest: Rest, named: Mapping[str, Any], order: str) -> Iterator[Found]:
    return rest.every(CredentialSchema(), SEARCH, search={**named, "sort": {"property": "createdAt", "order": order}})


def _best(rest: Rest, hits: Iterable[Found]) -> Found | None:
    """The first that is live, else the first that waits; read anew, because how fresh a search is, is not known."""
    waiting = None
    for hit in hits:
        one = read(rest, hit["id"])
        if one is not None and standing(one) is Standing.LIVE:
            return one
        if one is not None and standing(one) is Standing.UNPUBLISHED:
            waiting = waiting or one
    return waiting
