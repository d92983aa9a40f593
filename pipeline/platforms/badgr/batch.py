"""Several awards by one call: which orders may share one, and what came of each (contract 5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from pipeline import clock
from pipeline.errors import Failure, Misconfigured, Outage, Throttled, Unsure
from pipeline.values import Issued, Order

Result = Issued | Failure
#: makes one call for orders of one badge class, in their order; raises what is about all of them
Make = Callable[[Sequence[Order]], Sequence[Result]]


@dataclass
class _Call:
    """The orders of one call, by their places: of one badge class, and no address twice."""

    template: str
    addresses: set[str] = field(default_factory=set)
    places: list[int] = field(default_factory=list)


def spared() -> Throttled:
    """For an award that was not made because of another one. It goes back at once, and has used no attempt."""
    return Throttled("not made: another award of the same turn was refused, or left in doubt", until=clock.now())


def in_calls(orders: Mapping[int, Order], make: Make, most: int) -> dict[int, Result]:
    """Issue these orders by as few calls as may be, none of more than `most`; what came of each, by its place.

    When Badgr or the account gives out, nothing more is asked.
    """
    results: dict[int, Result] = {}
    stopped: Failure | None = None
    for call in _calls(orders, most):
        if stopped is not None:
            results |= dict.fromkeys(call.places, stopped)
            continue
        try:
            results |= zip(call.places, make([orders[place] for place in call.places]), strict=True)
        except Failure as failure:
            results |= dict.fromkeys(call.places, failure)
            stopped = _stop(failure)
    return results


def _stop(failure: Failure) -> Failure | None:
    """What is true of the calls that are not made any more; None where they are made."""
    if isinstance(failure, Unsure):  # only the call that was made is in doubt
        return spared()
    about_all = isinstance(failure, Misconfigured) and failure.whole_account
    return failure if about_all or isinstance(failure, Outage | Throttled) else None


def _calls(orders: Mapping[int, Order], most: int) -> list[_Call]:
    """An address twice in one call would be awarded twice: Badgr checks all of them before it makes any."""
    calls: list[_Call] = []
    for place, order in orders.items():
        free = (
            call
            for call in calls
            if call.template == order.template and order.address not in call.addresses and len(call.places) < most
        )
        call = next(free, None)
        if call is None:
            calls.append(call := _Call(order.template))
        call.addresses.add(order.address)
        call.places.append(place)
    return calls
