"""What becomes of a credential after it was issued: published, corrected, taken back (contract 6)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pipeline import clock
from pipeline.errors import Misconfigured, Rejected
from pipeline.platforms.accredible.groups import credits_left
from pipeline.platforms.accredible.orders import corrected
from pipeline.platforms.accredible.rest import Rest
from pipeline.platforms.accredible.seen import WITHDRAWN, Seen
from pipeline.values import Issued, Order, Standing


def publish(rest: Rest, ref: str, *, sandbox: bool) -> Issued:
    """Publish what is not: it costs a credit, and Accredible writes to the learner.

    Raises:
        See `Platform.publish`.
    """
    seen = _standing_credential(rest, ref)
    if seen.approve or sandbox:
        return seen.issued(sandbox=sandbox)
    changed = rest.change(ref, {"approve": True})
    if changed is None:
        raise Rejected("Accredible has no such credential any more")
    if not changed.approve:  # an answer of success all the same (contract 2)
        left = credits_left(rest)
        why = (
            "its account has no credits left"
            if left == 0
            else "the account may be in sandbox mode, or out of credits"
        )
        raise Misconfigured(f"Accredible leaves the credential unpublished: {why}", whole_account=True)
    return changed.issued(sandbox=sandbox)


def correct(rest: Rest, order: Order, ref: str, *, sandbox: bool) -> Issued:
    """Change it to what the order says now.

    Raises:
        See `Platform.correct`.
    """
    told = corrected(order)
    _standing_credential(rest, ref)
    changed = rest.change(ref, told)
    if changed is None:
        raise Rejected("Accredible has no such credential any more")
    return changed.issued(sandbox=sandbox)


def withdraw(rest: Rest, ref: str, reason: str, *, how: str, sandbox: bool) -> None:
    """Take it back: `unpublish` or `expire`, with our mark and the reason in its `meta_data`; or `delete`.

    Raises:
        See `Platform.withdraw`.
    """
    seen = rest.credential(ref)
    if seen is None:
        return
    if how == "delete":
        rest.delete(ref)
        return
    if seen.taken_back:
        return
    yesterday = (clock.now() - timedelta(days=1)).date().isoformat()
    end = {} if seen.over else {"expired_on": yesterday}  # what has ended keeps its end
    ends: dict[str, Any] = {"approve": False} if how == "unpublish" else end
    # all of `meta_data` is sent: whether a change adds to what is there or takes its place is not documented
    changed = rest.change(ref, {**ends, "meta_data": {**seen.meta, WITHDRAWN: reason}})
    if changed and changed.standing(sandbox=sandbox) is Standing.LIVE:
        raise Rejected("Accredible took the withdrawal and shows the credential as before; take it back by hand")


def _standing_credential(rest: Rest, ref: str) -> Seen:
    seen = rest.credential(ref)
    if seen is None:
        raise Rejected("Accredible has no such credential any more")
    if seen.taken_back:
        raise Rejected("the credential was withdrawn at Accredible")
    return seen
