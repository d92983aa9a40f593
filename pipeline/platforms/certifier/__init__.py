"""Certifier: drafts, issues, and finds again by our own reference in an attribute (contract certifier)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from pipeline.contracts import Account, Platform
from pipeline.platforms.certifier import changing, credentials, finding, groups, interactions, issuing, webhook
from pipeline.platforms.certifier.options import CertifierSchema, terms
from pipeline.platforms.certifier.refusals import SYSTEM, VERSION
from pipeline.platforms.certifier.rest import Rest
from pipeline.settings import settings
from pipeline.transport import Client, Gate
from pipeline.values import Format, Held, Hint, Issued, Order, Rate, Template
from pipeline.webhook import Request


class Certifier(Platform):
    """One Certifier workspace. Nothing there refuses a second credential; our reference is what protects."""

    name = "certifier"
    label = SYSTEM
    options = CertifierSchema
    rate = Rate(calls=200, window=timedelta(seconds=60))
    formats = frozenset({Format.CERTIFICATE, Format.BADGE})
    bulk = 1
    looks_first = True
    prevents_duplicates = "nothing: a learner may have any number of credentials of one group"
    finds_by = "our reference in an attribute, among the learner's and then the group's credentials; then the e-mail"
    #: assumed: how fresh the search is, is not documented (contract, unknowns)
    settles_within = timedelta(seconds=30)
    corrects = "the name, the e-mail address and the attributes; the dates stay"
    withdraws = (
        "Deleted: the page is gone. Certifier has no revocation. With `withdrawal: expire` it shows as expired"
    )
    claims = "the recipient opened it by a link that says so; polled, or heard by the webhook"
    hears = "webhook `credential.viewed` and others about credentials, signed with HMAC-SHA256"

    def __init__(self, account: Account, gate: Gate) -> None:
        super().__init__(account, gate)
        options = account.options
        client = Client(
            system=self.label,
            base_url=options["url"],
            headers={
                "Authorization": f"Bearer {options['token']}",
                "Certifier-Version": VERSION,
                "Accept": "application/json",
            },
            timeout=settings().call_timeout,
            gate=gate,
        )
        self.rest, self.terms = Rest(client), terms(options)

    def issue(self, order: Order) -> Issued:
        return issuing.issue(self.rest, self.terms, order)

    def publish(self, order: Order, ref: str) -> Issued:
        return issuing.publish(self.rest, self.terms, ref)

    def find(self, order: Order) -> Issued | None:
        return finding.find(self.rest, self.terms, order)

    def existing(self, order: Order) -> Issued | None:
        return finding.existing(self.rest, self.terms, order)

    def read(self, ref: str) -> Held | None:
        found = credentials.read(self.rest, ref)
        if found is None:
            return None
        at = interactions.first_openings(self.rest, ref).get(ref)
        return credentials.held(found, self.terms, claim=interactions.claim_state(at), claimed_at=at)

    def held(self, template: str) -> Iterator[Held]:
        return finding.every(self.rest, self.terms, template)

    def templates(self) -> Iterator[Template]:
        return groups.templates(self.rest, self.terms)

    def template(self, ref: str) -> Template | None:
        return groups.template(self.rest, self.terms, ref)

    def correct(self, order: Order, ref: str) -> Issued:
        return changing.correct(self.rest, self.terms, order, ref)

    def withdraw(self, ref: str, reason: str) -> None:
        changing.withdraw(self.rest, self.terms, ref)

    def hear(self, request: Request) -> tuple[Hint, ...]:
        return webhook.hear(request, self.account.options["webhook_secrets"])
