"""The API 3.3 (contract 1 to 9): everything under HTTP 200 but a wrong key, and unknown members passed over."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from flask import Blueprint, request
from werkzeug.wrappers import Response

from sandbox.platforms.sertifier.account import USABLE, Credential, today
from sandbox.platforms.sertifier.envelope import envelope, invalid, refused
from sandbox.platforms.sertifier.forms import campaign_form, credential_form
from sandbox.platforms.sertifier.reading import CHANGE, ITEM, problems
from sandbox.shapes import Problem
from sandbox.stand_in import Json

if TYPE_CHECKING:
    from sandbox.platforms.sertifier import Sertifier

VERSION = "3.3"
#: the usual length of a page (contract 4)
_USUAL = 10
_PAGING = {"startIndex", "length", "searchTerm"}


class Api:
    """The routes of one account."""

    def __init__(self, twin: Sertifier) -> None:
        self.twin = twin

    def blueprint(self) -> Blueprint:
        """All routes."""
        api = Blueprint("sertifier", __name__, url_prefix="/sertifier")
        for method, path, view in (
            ("GET", "/Test", self.test),
            ("POST", "/campaign/addCredentials", self.add),
            ("POST", "/campaign/send", self.send),
            ("POST", "/campaign/search", self.campaigns),
            ("GET", "/campaign/<ref>", self.campaign),
            ("POST", "/credential/search", self.search),
            ("POST", "/credential/publish", self.publish),
            ("GET", "/credential/<ref>", self.read),
            ("PUT", "/credential/<ref>", self.change),
            ("DELETE", "/credential/<ref>", self.delete),
            ("GET", "/credential/generatePDFLink/<ref>", self.pdf),
            ("POST", "/recipient/search", self.recipients),
            ("POST", "/attribute/search", self.attributes),
        ):
            api.add_url_rule(path, f"{view.__name__}", self._guarded(view), methods=[method])
        return api

    def test(self) -> Response:
        """Whether the key is good."""
        return envelope(True)

    def add(self, body: Json) -> Response:
        """Make credentials: all or, where one is refused, none; whether they exist already is not looked at."""
        given = body.get("credentials")
        items = given if isinstance(given, list) else []
        wrong = [] if items else [Problem("credentials", "is required.")]
        taken = []
        self.twin.ignored.known(body, {"credentials": ITEM["name"]})
        for number, one in enumerate(items):
            if not isinstance(one, dict):
                wrong.append(Problem(f"credentials[{number}]", "is no object."))
                continue
            known = self.twin.ignored.known(one, {**ITEM, "attributes": ITEM["name"]}, "credentials[].")
            attributes = known.pop("attributes", None)
            wrong += problems(known, ITEM, f"credentials[{number}]")
            taken.append((known, attributes))
        if wrong:
            return invalid(wrong, as_objects=self.twin.settings.faults_as_objects)
        for known, _ in taken:
            campaign = self.twin.account.campaigns.get(known["campaignId"])
            if campaign is None:
                return self._missing("Campaign")
            if campaign.status not in USABLE:
                return refused("This campaign does not accept credentials.")
        left = self.twin.settings.recipients_left
        if left is not None and left < len(taken):
            return refused("You have reached the number of recipients.", showPurchaseSheet=True)
        made: dict[str, list[Json]] = {}
        for known, attributes in taken:
            one = self._made(known, attributes)
            made.setdefault(one.campaign, []).append(credential_form(self.twin, one))
        if left is not None:
            self.twin.settings.recipients_left = left - len(taken)
        return envelope(made)

    def send(self, body: Json) -> Response:
        """Publish the whole campaign; the key is called `id` by one source, `campaignId` by another."""
        ref = body.get("id") or body.get("campaignId")
        if ref not in self.twin.account.campaigns:
            return self._missing("Campaign")
        for one in self.twin.account.credentials.values():
            if one.campaign == ref and not one.deleted:
                one.publish()
        return envelope(True)

    def publish(self, body: Json) -> Response:
        """Publish by id; the key is called `ids` by one source, `credentialIds` by another."""
        refs = body.get("ids") or body.get("credentialIds")
        found = [self.twin.account.get(str(ref)) for ref in refs] if isinstance(refs, list) else []
        if not found or None in found:
            return self._missing("Credential")
        for one in found:
            if one is not None:
                one.publish()
        return envelope(True)

    def campaigns(self, body: Json) -> Response:
        """All campaigns that fit."""
        self.twin.ignored.known(body, dict.fromkeys({*_PAGING, "status"}, ITEM["name"]))
        wanted, term = body.get("status"), str(body.get("searchTerm") or "").lower()
        rows = [
            campaign_form(one)
            for one in self.twin.account.campaigns.values()
            if term in one.title.lower() and (not wanted or one.status in wanted)
        ]
        return self._paged(body, rows, "campaigns")

    def campaign(self, ref: str) -> Response:
        """One campaign."""
        found = self.twin.account.campaigns.get(ref)
        return self._missing("Campaign") if found is None else envelope(campaign_form(found))

    def search(self, body: Json) -> Response:
        """All credentials that fit; without the link and without our id (contract 4)."""
        self.twin.ignored.known(
            body, dict.fromkeys({*_PAGING, "campaignIds", "recipientIds", "status"}, ITEM["name"])
        )
        term = str(body.get("searchTerm") or "").lower()
        covered = self.twin.settings.search_covers
        rows = []
        for one in self.twin.account.visible():
            form = credential_form(self.twin, one)
            if (
                (not body.get("campaignIds") or one.campaign in body["campaignIds"])
                and (not body.get("recipientIds") or one.recipient in body["recipientIds"])
                and (body.get("status") is None or form["status"] == body["status"])
                and (not term or any(term in str(form[name]).lower() for name in covered))
            ):
                rows.append({name: value for name, value in form.items() if name != "verificationLink"})
        return self._paged(body, rows, "credentials")

    def read(self, ref: str) -> Response:
        """One credential; one source has it without its campaign."""
        found = self.twin.account.get(ref)
        if found is None:
            return self._missing("Credential")
        form = credential_form(self.twin, found)
        if not self.twin.settings.campaign_on_read:
            form = {name: value for name, value in form.items() if not name.startswith("campaign")}
        if self.twin.settings.external_id_on_read:
            form["externalId"] = found.external_id
        return envelope(form)

    def change(self, ref: str, body: Json) -> Response:
        """Change what is named; null takes an expiry away."""
        found = self.twin.account.get(ref)
        if found is None:
            return self._missing("Credential")
        known = self.twin.ignored.known(body, CHANGE)
        wrong = problems(known, CHANGE)
        if wrong:
            return invalid(wrong, as_objects=self.twin.settings.faults_as_objects)
        if not self.twin.settings.changes_ignored:
            found.name = known.get("name", found.name)
            found.issued_on = known.get("issueDate", found.issued_on)
            found.expires_on = known.get("expireDate", found.expires_on)
        return envelope(True)

    def delete(self, ref: str) -> Response:
        """Delete one."""
        found = self.twin.account.get(ref)
        if found is None:
            return self._missing("Credential")
        found.deleted = not self.twin.settings.changes_ignored
        return envelope(True)

    def pdf(self, ref: str) -> Response:
        """Where the PDF of a credential lies, by its id or its number (contract 9)."""
        for one in self.twin.account.credentials.values():
            if ref in {one.id, one.number} and not one.deleted:
                return envelope({"link": f"{self.twin.base_url()}/pdf/{one.number}"})
        return self._missing("Credential")

    def recipients(self, body: Json) -> Response:
        """The people to whom something was issued."""
        term = str(body.get("searchTerm") or "").lower()
        rows = [
            {**one, "externalID": None, "profileUrl": None}
            for one in self.twin.account.recipients.values()
            if term in one["email"].lower() or term in one["name"].lower()
        ]
        return self._paged(body, rows, "recipients")

    def attributes(self, body: Json) -> Response:
        """The attributes of the account; type 1 is text (contract 8)."""
        term = str(body.get("searchTerm") or "").lower()
        rows = [
            {"id": ref, "title": title, "type": 1, "displayFormat": None}
            for ref, title in self.twin.account.attributes.items()
            if term in title.lower()
        ]
        return self._paged(body, rows, "attributes")

    def _guarded(self, view: Callable[..., Response]) -> Callable[..., Response]:
        """Key and version first; a body has to be a JSON object, an empty one where nothing is needed."""

        def guarded(**places: Any) -> Response:
            with self.twin.lock:
                if request.headers.get("secretKey") != self.twin.settings.key:
                    return refused("Unauthorized", 401)
                if request.headers.get("api-version") != VERSION:
                    return refused("There is no such endpoint in this version.", 404)
                if request.method not in {"POST", "PUT"}:
                    return view(**places)
                body = request.get_json(silent=True)
                if not isinstance(body, dict):
                    return invalid([Problem("body", "is no object.")], as_objects=True)
                return view(**places, body=body)

        return guarded

    def _made(self, known: Mapping[str, Any], attributes: Any) -> Credential:
        account, settings = self.twin.account, self.twin.settings
        campaign = account.campaigns[known["campaignId"]]
        shown = {ref: account.attributes[ref] for ref in campaign.attributes}
        one = account.add(
            campaign.id,
            name=known["name"],
            email=known["email"],
            issued_on=known.get("issueDate") or today().isoformat(),
            expires_on=known.get("expireDate"),
            silent=known.get("dontSendEmail", False),
            external_id=known.get("externalId"),
            attributes=self.twin.ignored.attributes(attributes, shown),
            found_at=time.monotonic() + settings.search_lag_ms / 1000,
        )
        if known.get("quickPublish") and settings.quick_publish:
            one.publish()
        return one

    def _missing(self, what: str) -> Response:
        """How something that is not there is told; which of these it is, is not known."""
        if self.twin.settings.missing == "empty_404":
            return Response(status=404)
        if self.twin.settings.missing == "null":
            return envelope(None)
        return refused(f"{what} not found.")

    def _paged(self, body: Json, rows: Sequence[Json], name: str) -> Response:
        """One page: `startIndex` is an offset, `length` is 10 unless told; where the list stands is a setting."""
        settings = self.twin.settings
        start, length = body.get("startIndex", 0), body.get("length", _USUAL)
        if not all(isinstance(one, int) and one >= 0 for one in (start, length)):
            return invalid([Problem("startIndex", "and length must be numbers.")], as_objects=True)
        length = length if settings.page_cap is None else min(length, settings.page_cap)
        first = 0 if settings.start_ignored else start
        page = list(rows[first : first + length])
        if settings.list_at == "data":
            return envelope(page)
        at = name if settings.list_at == "name" else settings.list_at
        return envelope({at: page, "totalCount": len(rows)})
