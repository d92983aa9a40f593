"""Credly: badges of one organization, found again by whose they are, since it keeps no reference of ours.

Contract: credential-platforms/credly.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from pipeline.contracts import Account, Platform
from pipeline.errors import Duplicate, Failure, Misconfigured, Rejected, Unsure
from pipeline.platforms.credly import badges, earners, events, orders, templates
from pipeline.platforms.credly.account import CredlySchema
from pipeline.platforms.credly.rest import Rest
from pipeline.transport import Gate
from pipeline.values import Format, Held, Hint, Issued, Order, Rate, Standing, Template
from pipeline.webhook import Request

#: a clear no about this one; Credly's texts beside it are not documented, but for that of a duplicate (contract 5, 9)
_NO = {400, 404, 409, 410, 422}
_HAS_IT = b"already has this badge"


class Credly(Platform):
    """One organization. The learner's id is sent as `issuer_earner_id`, which is of a person and not of a badge."""

    name = "credly"
    label = "Credly"
    options = CredlySchema
    #: assumed: Credly publishes no limit (contract 9)
    rate = Rate(calls=60, window=timedelta(seconds=60))
    formats = frozenset({Format.BADGE})
    bulk = 1
    prevents_duplicates = (
        "refuses a second badge of a template for the same address, Credly user or learner's id, unless it allows it"
    )
    finds_by = "the learner's id, then every address of the learner, and the template of what is listed"
    #: assumed: nothing is said of a list that lags
    settles_within = timedelta(seconds=30)
    corrects = ""
    withdraws = "Revoked, with the reason; the badge stays at Credly as a revoked one."
    claims = "webhook and polled: the learner accepts or declines the badge"
    hears = "events about badges, unsigned: only what is read back with the account's token counts"

    def __init__(self, account: Account, gate: Gate) -> None:
        super().__init__(account, gate)
        self.rest = Rest(account.options, gate, system=self.label)

    def issue(self, order: Order) -> Issued:
        """See `Platform.issue`; contract 2 and 5."""
        answer = self.rest.send("POST", "badges", orders.request_for(order, self.account.options))
        if answer.status == 409 or (answer.status >= 400 and _HAS_IT in answer.body.lower()):
            raise Duplicate("Credly says that the learner has this badge")
        if answer.status in _NO:
            raise self._refusal(order, answer.status)
        return badges.issued(self.rest.done(answer, badges.MadeSchema(), what="the request to issue"), ours=True)

    def find(self, order: Order) -> Issued | None:
        """See `Platform.find`. One that the learner declined exists, and is not issued again."""
        prefix, address = self.account.options["earner_prefix"], earners.address(order)
        for asked in (
            f"issuer_earner_id::{earners.earner_id(order, prefix)}",
            f"recipient_email::{address}",
            f"recipient_email_all::{address}",
        ):
            for badge in self._badges(f"{asked}|{badges.EXISTING}"):
                ours = earners.claims_of(order, badge, prefix)
                if ours is not None:
                    return badges.issued(badge, ours=ours)
        return None

    def read(self, ref: str) -> Held | None:
        """See `Platform.read`."""
        if not badges.is_id(ref):
            return None
        if self.account.options["read_by"] == "list":
            every = self._badges(badges.ANY_STATE)
            return next((self._held(one) for one in every if one["id"] == ref.lower()), None)
        found = self.rest.one(f"badges/{ref}", badges.BadgeSchema(), what="a badge")
        return self._held(found) if found else None

    def held(self, template: str) -> Iterator[Held]:
        """See `Platform.held`. No filter by template is documented, so all badges of the organization are read."""
        for badge in self._badges(badges.ANY_STATE):
            if badge["badge_template"]["id"] == template.lower():
                yield self._held(badge)

    def templates(self) -> Iterator[Template]:
        """See `Platform.templates`."""
        query = {"filter": templates.ANY_STATE, "sort": "name"}
        every = self.rest.every("badge_templates", templates.TemplateSchema(), what="templates", **query)
        return map(templates.template_of, every)

    def template(self, ref: str) -> Template | None:
        """See `Platform.template`."""
        if not badges.is_id(ref):
            return None
        found = self.rest.one(f"badge_templates/{ref}", templates.TemplateSchema(), what="a template")
        return templates.template_of(found) if found else None

    def withdraw(self, ref: str, reason: str) -> None:
        """Revoke the badge; see `Platform.withdraw` and contract 6."""
        if not badges.is_id(ref):
            return
        body = {"reason": reason, "suppress_revoke_notification_email": self.account.options["notify"] == "confer"}
        answer = self.rest.send("PUT", f"badges/{ref}/revoke", body)
        if answer.status in _NO:
            now = self.read(ref)
            if now is not None and now.standing is not Standing.WITHDRAWN:
                raise Rejected(f"Credly answered {answer.status}: it does not revoke the badge")
            return
        said = self.rest.done(answer, badges.MadeSchema(), what="the request to revoke")
        if badges.standing(said) is not Standing.WITHDRAWN:
            raise Unsure(f"Credly answered {answer.status} to the request to revoke with a badge that is not revoked")

    def hear(self, request: Request) -> tuple[Hint, ...]:
        """See `Platform.hear`; contract 7."""
        return events.hear_pointer(request, self.account.options["organization"])

    def hinted(self, hint: Hint) -> Held | None:
        """See `Platform.hinted`. The badge itself is read, as events come late and in any order."""
        badge = events.badge_of(self.rest, hint.ref)
        return self.read(badge) if badge else None

    def _badges(self, wanted: str) -> Iterator[dict[str, Any]]:
        """The organization's badges under a filter, oldest first, so that new ones shift no page."""
        query = {"filter": wanted, "sort": "created_at"}
        return self.rest.every("badges", badges.BadgeSchema(), what="badges", **query)

    def _held(self, badge: dict[str, Any]) -> Held:
        return badges.held(badge, self.account.options["earner_prefix"])

    def _refusal(self, order: Order, status: int) -> Failure:
        """What a refusal to issue is about. Credly's words for it are not documented, so the template is looked at.

        Raises:
            Misconfigured, Rejected, Outage, Throttled: the template cannot be read; nothing was issued either way.
        """
        template = self.template(order.template)
        if template is None:
            return Misconfigured("the organization at Credly has no such badge template")
        if not template.usable:
            return Misconfigured(f"Credly issues nothing: {template.reason}")
        return Rejected(f"Credly answered {status}: it refuses the learner's name, address, id or the dates")
