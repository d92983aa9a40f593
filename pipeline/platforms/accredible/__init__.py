"""Accredible: issued under our own id and found by it, withdrawn by unpublishing, polled (contract accredible)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import ClassVar

from marshmallow import fields, validate

from pipeline.contracts import Account, Platform
from pipeline.errors import Failure
from pipeline.options import Hosted, Secret
from pipeline.platforms.accredible import afterwards, groups, issuing, searching
from pipeline.platforms.accredible.orders import is_group
from pipeline.platforms.accredible.rest import Rest
from pipeline.settings import settings
from pipeline.transport import Client, Gate
from pipeline.values import Format, Held, Issued, Order, Rate, Template


class AccredibleSchema(Hosted):
    """One Accredible account, or one department of it: a key sees only its own region and department."""

    hosts: ClassVar = {
        "production-us": "https://api.accredible.com",
        "production-eu": "https://eu.api.accredible.com",
        "sandbox": "https://sandbox.api.accredible.com",
    }
    key = Secret(required=True)
    #: what a withdrawal does, as Accredible has no revocation (contract 6)
    withdrawal: fields.String = fields.String(
        load_default="unpublish", validate=validate.OneOf(["unpublish", "expire", "delete"])
    )
    #: whether what was withdrawn is deleted where it keeps the same learner from a new one (contract 5)
    replaces_withdrawn = fields.Boolean(load_default=True)
    #: whether a program may only name attributes that the account knows; what becomes of others is not documented
    checks_attributes = fields.Boolean(load_default=True)


class Accredible(Platform):
    """One Accredible account. There is no claim step and no idempotency key: our own id is what protects."""

    name = "accredible"
    label = "Accredible"
    options = AccredibleSchema
    rate = Rate(calls=100, window=timedelta(seconds=60))
    formats = frozenset({Format.CERTIFICATE, Format.BADGE})
    bulk = 30
    prevents_duplicates = "refuses a second credential for the same e-mail in a group, unless the group allows it"
    finds_by = "our own id, then a search by group and our reference, then by group and e-mail"
    #: assumed: one counting slice; the search is an index that lags (contract 4, freshness)
    settles_within = timedelta(seconds=30)
    corrects = "name, address, title, description, dates and attributes, in place"
    withdraws = (
        "unpublished: its page is gone for the public, and staff still see it at Accredible, with the reason; "
        "by the option `withdrawal` expired or deleted instead, as Accredible has no revocation"
    )
    claims = "polled: there is no step of claiming, so a learner who opened it counts as having taken it"
    hears = ""

    def __init__(self, account: Account, gate: Gate) -> None:
        super().__init__(account, gate)
        self.sandbox: bool = account.options["sandbox"]
        self._names: frozenset[str] | None = None
        self.rest = Rest(
            Client(
                system=self.label,
                base_url=account.options["url"],
                headers={
                    "Authorization": f"Token token={account.options['key']}",
                    "Accredible-Integration": "confer",
                    "Accept": "application/json",
                },
                timeout=settings().call_timeout,
                gate=gate,
            )
        )

    def issue(self, order: Order) -> Issued:
        replaces = self.account.options["replaces_withdrawn"]
        return issuing.issue(self.rest, order, sandbox=self.sandbox, replaces=replaces)

    def issue_many(self, orders: Sequence[Order]) -> tuple[Issued | Failure, ...]:
        return issuing.issue_many(self.rest, orders, sandbox=self.sandbox)

    def publish(self, order: Order, ref: str) -> Issued:
        return afterwards.publish(self.rest, ref, sandbox=self.sandbox)

    def find(self, order: Order) -> Issued | None:
        return searching.find(self.rest, order, sandbox=self.sandbox)

    def read(self, ref: str) -> Held | None:
        seen = self.rest.credential(ref)
        return searching.completed(self.rest, seen).held(sandbox=self.sandbox) if seen else None

    def held(self, template: str) -> Iterator[Held]:
        """As the search has them by now, and without their pages, which it does not tell."""
        found = searching.search(self.rest, {"group.id": int(template)}) if is_group(template) else ()
        return (seen.held(sandbox=self.sandbox) for seen in found)

    def templates(self) -> Iterator[Template]:
        return groups.groups(self.rest, self._attribute_names())

    def template(self, ref: str) -> Template | None:
        return groups.group(self.rest, ref, self._attribute_names()) if is_group(ref) else None

    def correct(self, order: Order, ref: str) -> Issued:
        return afterwards.correct(self.rest, order, ref, sandbox=self.sandbox)

    def withdraw(self, ref: str, reason: str) -> None:
        afterwards.withdraw(self.rest, ref, reason, how=self.account.options["withdrawal"], sandbox=self.sandbox)

    def _attribute_names(self) -> frozenset[str] | None:
        """Those of the account, asked for once; None where they are not to be checked."""
        if self._names is None and self.account.options["checks_attributes"]:
            self._names = groups.attribute_names(self.rest)
        return self._names
