"""Accredible: single issue under our own id, found again by that id or by search (contract accredible)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from marshmallow import Schema

from pipeline.contracts import Account, Platform
from pipeline.errors import Duplicate, Misconfigured, Outage, Rejected, Unsure
from pipeline.options import Address, Secret
from pipeline.settings import settings
from pipeline.transport import Answer, Client, Gate, json_object, refuse
from pipeline.values import Format, Held, Issued, Order, Rate, Template


class AccredibleSchema(Schema):
    """One Accredible account, or one department of it: a key sees only its own region and department."""

    url = Address(required=True)
    key = Secret(required=True)


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
    corrects = ""
    withdraws = "Deleted: the page is gone. Accredible has no revocation"
    claims = "polled: whether the learner opened it"
    hears = ""

    def __init__(self, account: Account, gate: Gate) -> None:
        super().__init__(account, gate)
        self.client = Client(
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

    def issue(self, order: Order) -> Issued:
        answer = self.client.call("POST", "v1/credentials", json={"credential": self._request(order)})
        if answer.status == 422:
            self._refused(answer)
        refuse(answer, system=self.label)
        credential = json_object(answer, otherwise=Unsure, system=self.label).get("credential")
        if not isinstance(credential, dict) or not credential.get("id"):
            raise Unsure(f"Accredible answered {answer.status} without a credential")
        return self._issued(credential, ours=True)

    def find(self, order: Order) -> Issued | None:
        known = self._known(order.ref, ours=True)
        if known:
            return known
        for query, ours in (
            ({"meta_data": {"confer_ref": order.ref}}, True),
            ({"recipient_email": _email(order)}, False),
        ):
            hits = self._search({"group.id": int(order.template), **query})
            # under another reference of ours it is the credential of another learner, who shares the address
            hits = [hit for hit in hits if (hit.get("meta_data") or {}).get("confer_ref") in {None, order.ref}]
            if hits:
                return self._known(str(hits[0]["id"]), ours=ours)
        return None

    def template(self, ref: str) -> Template | None:
        if not ref.isdigit():
            return None
        answer = self.client.read(f"v1/issuer/groups/{ref}")
        if answer.status == 404:
            return None
        refuse(answer, system=self.label)
        group = json_object(answer, otherwise=Outage, system=self.label).get("group", {})
        return Template(ref=ref, name=str(group.get("name", "")), usable=True)

    def read(self, ref: str) -> Held | None:
        raise NotImplementedError(ref)

    def held(self, template: str) -> Iterator[Held]:
        raise NotImplementedError(template)

    def templates(self) -> Iterator[Template]:
        raise NotImplementedError

    def withdraw(self, ref: str, reason: str) -> None:
        raise NotImplementedError(ref, reason)

    def _request(self, order: Order) -> dict[str, Any]:
        if not order.template.isdigit():
            raise Misconfigured(f"template {order.template}: an Accredible group is a number")
        return {
            "id": order.ref,
            "group_id": int(order.template),
            "recipient": {"name": order.name, "email": _email(order), "id": order.learner_ref},
            "name": order.title,
            "description": order.description,
            "issued_on": order.issued_on.isoformat(),
            **({"expired_on": order.expires_on.isoformat()} if order.expires_on else {}),
            "complete": True,
            "approve": True,
            "custom_attributes": dict(order.attributes),
            "meta_data": {"confer_ref": order.ref},
        }

    def _refused(self, answer: Answer) -> None:
        """A 422: the shapes vary, and a refused duplicate is not documented for single issue (contract 5)."""
        text = answer.body.decode("utf-8", "replace").lower()
        if "already" in text or "taken" in text or "duplicate" in text:
            raise Duplicate("Accredible says that this credential exists")
        if "invalid group" in text:
            raise Misconfigured("Accredible knows no such group; map the program to one that exists")
        raise Rejected("Accredible answered 422: it refuses the recipient or the group's settings")

    def _search(self, query: dict[str, Any]) -> list[dict[str, Any]]:
        body = {"query": query, "sort": {"issued_on": "desc"}, "page": {"from": 0, "size": 50}}
        answer = self.client.read("v2/credentials/search", method="POST", json=body)
        refuse(answer, system=self.label)
        hits = json_object(answer, otherwise=Outage, system=self.label).get("credentials")
        if not isinstance(hits, list):
            raise Outage("Accredible answered a search without credentials")
        return hits

    def _known(self, ref: str, *, ours: bool) -> Issued | None:
        """By its id or our own. The search answers without the public address (contract 4), so a hit is read too."""
        answer = self.client.read(f"v1/credentials/{ref}")
        if answer.status == 404:
            return None
        refuse(answer, system=self.label)
        credential = json_object(answer, otherwise=Outage, system=self.label).get("credential")
        if not isinstance(credential, dict) or not credential.get("id"):
            raise Outage("Accredible answered without a credential")
        return self._issued(credential, ours=ours)

    @staticmethod
    def _issued(credential: dict[str, Any], *, ours: bool) -> Issued:
        """`id` is text in one answer and a number in another (contract 2), so it is compared as text."""
        return Issued(
            platform_ref=str(credential["id"]),
            url=str(credential.get("url") or ""),
            live=bool(credential.get("approve")),
            ours=ours,
        )


def _email(order: Order) -> str:
    return order.email.strip().lower()
