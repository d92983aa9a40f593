"""Issuing one or many at Accredible, and what to do about a credential that stands in the way (contract 2, 3, 5)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from marshmallow import fields

from pipeline.errors import Duplicate, Failure, Misconfigured, Outage, Rejected, Unsure
from pipeline.platforms.accredible.documents import SYSTEM, shown
from pipeline.platforms.accredible.orders import created
from pipeline.platforms.accredible.refusals import meaning, refuse
from pipeline.platforms.accredible.rest import Rest
from pipeline.platforms.accredible.searching import around, find, fresh
from pipeline.platforms.accredible.seen import Seen
from pipeline.reading import Lenient, loaded, parsed
from pipeline.values import Issued, Order


class _ResultSchema(Lenient):
    """One of several: the vendor spells the failure in two ways (contract 3)."""

    credential = fields.Raw(load_default=None, allow_none=True)
    error = fields.Raw(load_default=None, allow_none=True)
    errors = fields.Raw(load_default=None, allow_none=True)


class _ResultsSchema(Lenient):
    results = fields.List(fields.Nested(_ResultSchema), required=True)


def issue(rest: Rest, order: Order, *, sandbox: bool, replaces: bool) -> Issued:
    """Issue one; what was withdrawn from the same learner makes way for it, where it has to and may.

    Raises:
        See `Platform.issue`.
    """
    told = created(order)
    try:
        return rest.create(told).issued(sandbox=sandbox)
    except Duplicate as refused:
        existing = find(rest, order, sandbox=sandbox)
        if existing:
            raise Duplicate(refused.detail, existing) from None
        _make_way(rest, order, refused, replaces=replaces)
    return rest.create(told).issued(sandbox=sandbox)


def _make_way(rest: Rest, order: Order, refused: Duplicate, *, replaces: bool) -> None:
    """Delete what we withdrew from the same learner, if nothing else stands in the way.

    Raises:
        Duplicate: nothing is seen there, yet. Rejected: what is there has to stay.
    """
    standing = [now for now in (fresh(rest, seen) for seen in around(rest, order)) if now]
    if not standing:
        raise refused
    if not all(one.taken_back and one.learner == order.learner_ref for one in standing):
        raise Rejected("the group at Accredible has another credential for this address and allows no second one")
    if not replaces:
        raise Rejected("the credential that was withdrawn is still at Accredible, and its group allows no second one")
    for one in standing:
        rest.delete(one.id)


def issue_many(rest: Rest, orders: Sequence[Order], *, sandbox: bool) -> tuple[Issued | Failure, ...]:
    """Issue up to 30 by one call; who cannot be issued to is not asked about.

    Raises:
        See `Platform.issue_many`.
    """
    told: list[dict[str, Any] | Failure] = []
    for order in orders:
        try:
            told.append(created(order))
        except (Rejected, Misconfigured) as failure:
            told.append(failure)
    sent = [one for one in told if not isinstance(one, Failure)]
    results = _results(rest, sent) if sent else iter(())
    return tuple(one if isinstance(one, Failure) else _outcome(next(results), sandbox=sandbox) for one in told)


def _results(rest: Rest, told: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """What came of each that was asked for, in that order: there is no other link, so it is held against it.

    Raises:
        Unsure: the answer does not say. Rejected, Misconfigured, Throttled, Outage: none was made.
    """
    answer = rest.create_many(told)
    if answer.status not in {200, 207, 422}:
        refuse(answer, "several credentials")
        raise Unsure(f"Accredible answered {answer.status} to several credentials")
    try:
        document = parsed(answer, system=SYSTEM, what="several credentials")
        results = loaded(_ResultsSchema(), document, system=SYSTEM, what="several credentials")["results"]
        seen = [None if one["credential"] is None else shown(one["credential"]) for one in results]
    except Outage as unclear:
        if answer.status == 422 and b'"results"' not in answer.body:
            raise Rejected("Accredible refuses several credentials at once, without a reason for each") from None
        raise Unsure(unclear.detail) from None
    if len(seen) != len(told):
        raise Unsure(f"Accredible told of {len(seen)} credentials instead of {len(told)}")
    if not all(one is None or _is_for(one, asked) for one, asked in zip(seen, told, strict=True)):
        raise Unsure("Accredible told of several credentials in another order than they were asked for")
    return iter(results)


def _is_for(seen: Seen, asked: Mapping[str, Any]) -> bool:
    address = asked["recipient"]["email"]
    return seen.ref in {None, asked["id"]} and (seen.email or address).lower() == address


def _outcome(result: Mapping[str, Any], *, sandbox: bool) -> Issued | Failure:
    """A credential is there also where its publishing failed (contract 3)."""
    if result["credential"] is not None:
        return shown(result["credential"]).issued(sandbox=sandbox)
    fault = result["error"] or result["errors"]
    code = fault.get("code") if isinstance(fault, Mapping) else None
    if code != "credential_invalid":  # the only one that says that nothing was made
        return Unsure("Accredible does not say what came of a credential among several")
    return meaning(fault, "a credential among several")
