"""Accredible's search, which trails behind what was issued, and the credential that an order may have made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from marshmallow import fields

from pipeline.errors import Outage
from pipeline.platforms.accredible.documents import SYSTEM, hit
from pipeline.platforms.accredible.orders import group_of
from pipeline.platforms.accredible.rest import Rest
from pipeline.platforms.accredible.seen import REF, Seen
from pipeline.reading import Lenient, loaded
from pipeline.values import Issued, Order, Standing

#: the default size of a page (contract 4.2)
_SIZE = 50


class _PageSchema(Lenient):
    cursor = fields.String(load_default=None, allow_none=True)
    size = fields.Integer(load_default=_SIZE, allow_none=True)


class _HitsSchema(Lenient):
    credentials = fields.List(fields.Raw(), required=True)
    meta = fields.Nested(_PageSchema, load_default=dict)


def search(rest: Rest, query: Mapping[str, Any]) -> Iterator[Seen]:
    """Every credential that fits, page after page (contract 4.2); each is asked for when it is needed.

    Raises:
        Misconfigured, Rejected, Outage, Throttled: see `pipeline.errors`.
    """
    place: dict[str, Any] = {"from": 0}
    while True:
        body = {"query": query, "sort": {"id": "asc"}, "page": {**place, "size": _SIZE}}
        document = rest.read("POST", "v2/credentials/search", "a search", body)
        page = loaded(_HitsSchema(), document, system=SYSTEM, what="a search")
        rows, cursor = page["credentials"], page["meta"].get("cursor")
        yield from map(hit, rows)
        if len(rows) < min(_SIZE, page["meta"].get("size") or _SIZE):  # an index fills its pages
            return
        if not cursor or cursor == place.get("cursor"):  # there may be more that nobody would see
            raise Outage("Accredible's pages of a search come to no end")
        place = {"cursor": cursor}


def completed(rest: Rest, seen: Seen) -> Seen:
    """What a reading showed, with what only the search tells; as long as that trails, without."""
    if not (seen.email and seen.template.isdigit()):
        return seen
    for one in search(rest, {"group.id": int(seen.template), "recipient_email": seen.email}):
        if seen.id in {one.id, one.own_id}:
            return replace(seen, own_id=one.own_id, published_on=one.published_on, opened=one.opened)
    return seen


def around(rest: Rest, order: Order) -> Iterator[Seen]:
    """What bears the reference of an order or stands at its address in its group: by id at this moment, then by
    search as far as that has come, each once.
    """
    group, known = group_of(order), set()
    own = rest.credential(order.ref)
    if own:
        known.add(own.id)
        yield replace(own, own_id=order.ref)
    for query in ({"meta_data": {REF: order.ref}}, {"recipient_email": order.address}):
        for one in search(rest, {"group.id": group, **query}):
            if one.id not in known:
                known.add(one.id)
                yield one


def fresh(rest: Rest, seen: Seen) -> Seen | None:
    """A credential as it is at this moment, with its page, which the search leaves out; None: it is gone."""
    if seen.url is not None:
        return seen
    now = rest.credential(seen.id)
    return now and replace(now, own_id=seen.own_id, published_on=seen.published_on, opened=seen.opened)


def find(rest: Rest, order: Order, *, sandbox: bool) -> Issued | None:
    """The credential that an order made, or one made by hand for the same address; a live one first.

    Under another reference of ours it is the credential of another learner, who shares the address.
    """
    unpublished = None
    for seen in around(rest, order):
        if seen.ref not in {None, order.ref}:
            continue
        now, ours = fresh(rest, seen), order.ref in {seen.ref, seen.own_id}
        if now is None or now.ref not in {None, order.ref}:
            continue
        standing = now.standing(sandbox=sandbox)
        if standing is Standing.UNPUBLISHED and now.published_on is None:
            now = completed(rest, now)  # only the search tells that staff took it down
            standing = now.standing(sandbox=sandbox)
        ended_as_ordered = standing is Standing.EXPIRED and ours and now.expired_on == order.expires_on
        if standing is Standing.LIVE or ended_as_ordered:
            return now.issued(sandbox=sandbox, ours=ours)
        if standing is Standing.UNPUBLISHED:
            unpublished = unpublished or now.issued(sandbox=sandbox, ours=ours)
    return unpublished
