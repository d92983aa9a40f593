"""Sertifier: issues into campaigns, and reads everything back, since it passes over what it does not know."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from pipeline import clock
from pipeline.contracts import Account, Platform
from pipeline.errors import Rejected, Unsure
from pipeline.platforms.sertifier.campaigns import Campaigns
from pipeline.platforms.sertifier.credential import is_id
from pipeline.platforms.sertifier.credentials import CREDENTIAL, Credentials
from pipeline.platforms.sertifier.options import SertifierSchema
from pipeline.platforms.sertifier.orders import ADD, can_exist, checked, dates, item, made
from pipeline.platforms.sertifier.rest import Rest
from pipeline.settings import settings
from pipeline.transport import Client, Gate
from pipeline.values import Format, Held, Issued, Order, Rate, Standing, Template

PUBLISH = "/credential/publish"


class Sertifier(Platform):
    """One Sertifier account. Nothing there guards against a second credential, so each doubt is looked up."""

    name = "sertifier"
    label = "Sertifier"
    options = SertifierSchema
    rate = Rate(calls=50, window=timedelta(seconds=60))
    formats = frozenset({Format.CERTIFICATE, Format.BADGE})
    #: `addCredentials` takes a list, but whether it makes all of it or none is not known (contract 3)
    bulk = 1
    looks_first = True
    prevents_duplicates = "nothing: it issues whatever it is sent, so one at a time, and each doubt is looked up"
    finds_by = "a search in the campaign by e-mail, then the name on each hit; our reference where it is shown"
    #: assumed: whether the search lags is not known
    settles_within = timedelta(seconds=60)
    corrects = "the name and the dates; not the address and not the attributes"
    withdraws = "Deleted: the page is gone. Sertifier has no revocation; an account may have it expire instead"
    claims = "polled: the tracking of Sertifier's mail, where the account names the number that counts"
    hears = ""

    def __init__(self, account: Account, gate: Gate) -> None:
        super().__init__(account, gate)
        options = account.options
        client = Client(
            system=self.label,
            base_url=options["url"],
            headers={
                "secretKey": options["key"],
                "api-version": options["api_version"],
                "Accept": "application/json",
            },
            timeout=settings().call_timeout,
            gate=gate,
        )
        self.rest = Rest(client, options["not_found"])
        self.credentials = Credentials(self.rest, options)
        self.campaigns = Campaigns(self.rest, options["usable_statuses"])

    def issue(self, order: Order) -> Issued:
        """Issue, and read back what came of it: Sertifier passes over what it does not know; see `Platform.issue`.

        One that bears another name or is in another campaign is there and not live, so that a person looks.
        """
        checked(order)
        options, attributes = self.account.options, self.campaigns.attributes(order.attributes)
        body = {"credentials": [item(order, attributes, options)]}
        try:
            reply = self.rest.change("POST", ADD, body)
        except Rejected as refused:
            raise self.campaigns.blamed(order.template, refused) from None
        if not reply.there:
            raise self.campaigns.blamed(order.template, Rejected(f"Sertifier misses something for {ADD}"))
        found = self.credentials.seen(made(reply.data, order.template), order.template)
        return found.issued(live=found.names(order))

    def publish(self, order: Order, ref: str) -> Issued:
        """Publish one credential; never `/campaign/send`, which publishes those of others too (contract, careful)."""
        found = self.credentials.present(order, ref)
        if found.held.standing is Standing.EXPIRED:
            raise Rejected("the credential has expired at Sertifier")
        if found.held.standing is Standing.UNPUBLISHED:
            self.rest.change("POST", PUBLISH, {"ids": [ref], "credentialIds": [ref]})  # sources differ
            found = self.credentials.seen(ref, order.template)
        return found.issued(live=found.names(order))

    def find(self, order: Order) -> Issued | None:
        """By address within the campaign, then by name; see `Platform.find`.

        Two learners may share an address, so another name, or another reference of ours, is somebody else's. One
        that was made before the day of the order is for an earlier completion, which is not told otherwise.
        """
        hits = []
        for found in self.credentials.of(order, order.address) if can_exist(order) else ():
            held = found.held
            mine = held.ref == order.ref if held.ref else found.names(order) and not found.precedes(order)
            if mine and held.standing in {Standing.LIVE, Standing.UNPUBLISHED}:
                hits.append(found.issued(ours=bool(held.ref) or found.says(order)))
        return max(hits, key=lambda hit: (hit.ours, hit.live), default=None)

    def read(self, ref: str) -> Held | None:
        found = self.credentials.one(ref)
        return None if found is None else found.held

    def held(self, template: str) -> Iterator[Held]:
        return self.credentials.held(template)

    def templates(self) -> Iterator[Template]:
        return self.campaigns.every()

    def template(self, ref: str) -> Template | None:
        return self.campaigns.one(ref)

    def correct(self, order: Order, ref: str) -> Issued:
        """Change name and dates; see `Platform.correct`."""
        found = self.credentials.present(order, ref)
        if found.held.standing is Standing.EXPIRED:
            raise Rejected("the credential has expired at Sertifier; issue it anew")
        if found.held.email not in {None, order.address}:
            raise Rejected("Sertifier does not change the address on a credential: withdraw it and issue it anew")
        checked(order)
        self.credentials.change(ref, {"name": order.name.strip(), **dates(order.issued_on, order.expires_on)})
        found = self.credentials.seen(ref, order.template)
        if not found.says(order):
            raise Unsure("Sertifier took a correction and does not show it")
        return found.issued()

    def withdraw(self, ref: str, reason: str) -> None:
        """Delete it, or have it expire yesterday where the account says so; see `Platform.withdraw`."""
        if not is_id(ref):
            return
        if self.account.options["withdrawal"] == "expire":
            found = self.credentials.one(ref)
            if found is None or found.held.standing is Standing.EXPIRED:
                return
            yesterday = clock.now().date() - timedelta(days=1)
            self.credentials.change(ref, {"name": found.held.name, **dates(found.issued_on, yesterday)})
        elif not self.rest.change("DELETE", CREDENTIAL, credential=ref).there:
            return
        left = self.credentials.afterwards(ref)
        if left is not None and left.held.standing is not Standing.EXPIRED:
            raise Unsure("Sertifier took a withdrawal and still shows the credential")
