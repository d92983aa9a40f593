"""Awarding: one or several at a time, and finding out whose an earlier award of the same badge is (contract 4-7)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.errors import Duplicate, Failure, Misconfigured, Outage, Rejected, Unsure
from pipeline.platforms.badgr import awards, refusals
from pipeline.platforms.badgr.awards import Award, AwardSchema
from pipeline.platforms.badgr.batch import Result, spared
from pipeline.platforms.badgr.ids import EntityId
from pipeline.platforms.badgr.rest import Rest
from pipeline.reading import Lenient
from pipeline.transport import Answer
from pipeline.values import Issued, Order, Standing

AWARDS = "/v2/badgeclasses/{template}/assertions"
BATCH = "/v2/badgeclasses/{template}/issue"
USER = "/v2/users/self"
#: lists leave out what has expired or was revoked, unless they are asked not to (contract 6)
EXPIRED, REVOKED = ("include_expired", "1"), ("include_revoked", "1")


class _UserSchema(Lenient):
    entity_id = EntityId(data_key="entityId", required=True)


@dataclass(frozen=True, kw_only=True)
class Awarding:
    """Gives badges, and finds them again. `notify`: Badgr writes to the learner."""

    rest: Rest
    notify: bool

    def wish(self, order: Order) -> dict[str, Any]:
        """What Badgr is asked for.

        Raises:
            Rejected, Misconfigured: see `awards.wish`.
        """
        return awards.wish(order, notify=self.notify)

    def one(self, order: Order) -> Issued:
        """Award one badge; see `Platform.issue`."""
        answer = self.rest.call("POST", AWARDS, self.wish(order), template=order.template)
        if answer.status >= 400:
            failure = _missing(answer) or refusals.about_one(answer)
            raise self._earlier(order) if isinstance(failure, Duplicate) else failure
        [made] = self._made(answer, [order], AWARDS)
        return made

    def several(self, orders: Sequence[Order]) -> list[Result]:
        """Award a badge class to several addresses by one call, which makes all of them or, as a rule, none.

        Raises:
            Unsure: any may have been made. Misconfigured, Outage, Throttled: none was.
        """
        if len(orders) == 1:
            return [self.one(orders[0])]
        body = {"assertions": [self.wish(order) for order in orders]}
        answer = self.rest.call("POST", BATCH, body, template=orders[0].template)
        if answer.status < 400:
            return list(self._made(answer, orders, BATCH))
        missing, told = _missing(answer), refusals.about_each(answer, len(orders))
        if missing is not None:
            raise missing
        if told is not None:
            return [failure or spared() for failure in told]
        # the first one by itself, so that the one at fault is met in the end
        unclear = Unsure("Badgr refused a call for several awards, and does not say which of them it did not make")
        return [self._alone(orders[0]), *(unclear for _ in orders[1:])]

    def find(self, order: Order) -> Issued | None:
        """The award that was made from this order, or by other hands; see `Platform.find`."""
        return self._own(order, self._there(order))

    def _alone(self, order: Order) -> Result:
        try:
            return self.one(order)
        except Failure as failure:
            return failure

    def _made(self, answer: Answer, orders: Sequence[Order], path: str) -> list[Issued]:
        """What an answer says was made, in the order of the call.

        Raises:
            Unsure: it does not say so of each.
        """
        if answer.status not in {200, 201}:
            raise Unsure(f"Badgr answered {answer.status} to {path}")
        try:
            rows = self.rest.rows(AwardSchema(), answer, path)
            told = len(rows) == len(orders) and all(map(awards.is_for, rows, orders))
        except Outage as unclear:
            raise Unsure(unclear.detail) from None
        if not told:
            raise Unsure(f"Badgr answered {path} with other awards than it was asked for")
        return [awards.issued(row) for row in rows]

    def _there(self, order: Order) -> list[Award]:
        """What the address has of the badge class and was not taken back, the newest first."""
        query = [("recipient", order.address), EXPIRED]
        rows = self.rest.every(AwardSchema(), AWARDS, query, template=order.template)
        return [row for row in rows if awards.is_for(row, order) and awards.standing(row) is not Standing.WITHDRAWN]

    def _own(self, order: Order, there: Iterable[Award]) -> Issued | None:
        """The award of this order; else one by other hands that is in force.

        One that Confer made from another order is neither: it may be of another learner who shares the address.
        """
        ours = next((row for row in there if awards.bears(row, order)), None)
        if ours is not None:
            return awards.issued(ours)
        others = [row for row in there if awards.standing(row) is Standing.LIVE and row["created_by"] is not None]
        us = self._us() if others else ""
        by_hand = next((row for row in others if row["created_by"] != us), None)
        return awards.issued(by_hand, ours=False) if by_hand is not None else None

    def _earlier(self, order: Order) -> Failure:
        """What it means that Badgr refuses a second award: it made none, and the first one may be anybody's."""
        there = self._there(order)
        existing = self._own(order, there)
        if existing is None and there:
            return Rejected(
                f"{refusals.EARLIER}, but not from this case: another learner may share the address, or the badge of "
                "an earlier case may be in force"
            )
        return Duplicate(refusals.EARLIER, existing)

    def _us(self) -> str:
        """As whom Badgr knows us.

        Raises:
            Misconfigured: it does not say so.
        """
        user = self.rest.one(_UserSchema(), USER)
        if user is None:
            raise Misconfigured("Badgr does not say whose the token is: it needs the scope r:profile")
        found: str = user["entity_id"]
        return found


def _missing(answer: Answer) -> Failure | None:
    if answer.status != 404:
        return None
    return Misconfigured("Badgr has no such badge class, or the token's user has no role at its issuer")
