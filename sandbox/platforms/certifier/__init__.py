"""A Certifier workspace: its REST API, its public pages, and its signed webhooks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from flask import Blueprint
from werkzeug.wrappers import Response

from sandbox.platforms.certifier.answers import error
from sandbox.platforms.certifier.api import Api
from sandbox.platforms.certifier.webhooks import SEND, outgoing
from sandbox.platforms.certifier.workspace import REFERENCE, Credential, Interaction, Workspace, today
from sandbox.platforms.twin import PlatformTwin
from sandbox.sending import NOT_SENT, deliver
from sandbox.shapes import (
    Check,
    Field,
    Problem,
    Refused,
    any_text,
    count,
    day,
    email,
    flag,
    listing,
    mapping,
    may,
    need,
    one_of,
    require,
    structure,
    text,
)
from sandbox.stand_in import Json

_TEMPLATE: Check = structure(
    {
        "id": need(text),
        "name": need(text),
        "certificate": may(flag),
        "badge": may(flag),
        "usable": may(one_of([True])),
    }
)
_CREDENTIAL: Check = structure(
    {
        "template": need(text),
        "name": need(text),
        "email": need(email, nullable=True),
        "status": may(one_of(("draft", "scheduled", "issued"))),
        "issued_on": may(day),
        "expires_on": may(day, nullable=True),
        "created_at": may(text),
        "attributes": may(mapping(any_text)),  # by their tags, our reference among them
    }
)
_CHANGE: Check = structure(
    {
        "id": need(text),
        "name": may(text),
        "email": may(email, nullable=True),
        "status": may(one_of(("draft", "scheduled", "issued"))),
        "withdrawn": may(one_of([True])),
        "deleted": may(one_of([True])),
        "claim": may(one_of(("claimed",))),
        "viewed_by_guest": may(one_of([True])),
        "send": may(SEND),
    }
)
_SETTINGS: Mapping[str, Field] = {
    "token": may(text),
    "attributes": may(listing(text)),  # the tags of the workspace's own
    "page_cap": may(count),  # how many a page holds at most, whatever is asked for
    "search_lag_ms": may(count),
    "unknown_attributes": may(one_of(("refuse", "ignore"))),
    "missing_group": may(one_of((404, 400))),
    "payment_required": may(flag),
    "groups_searchable": may(flag),
    "legacy_designs": may(flag),
    "samples": may(flag),  # answers to issuing and sending show a draft, as the vendor's samples do
    "delete_status": may(one_of((204, 200))),
}
_PLAIN = tuple(sorted(set(_SETTINGS) - {"attributes"}))


class Certifier(PlatformTwin):
    """One Certifier workspace with two groups and an attribute for our reference."""

    name = "certifier"
    label = "Certifier"

    def blueprint(self) -> Blueprint:
        return Api(self).blueprint()

    def reset(self) -> None:
        with self.lock:
            self.workspace, self.ignored = Workspace(), set[str]()
            self.token, self.page_cap, self.search_lag_ms = "certifier-token", 100, 0
            self.unknown_attributes, self.missing_group, self.delete_status = "refuse", 404, 204
            self.payment_required, self.samples = False, False
            self.groups_searchable, self.legacy_designs = True, True

    def counts(self) -> dict[str, int]:
        with self.lock:
            live = sum(_form(one)["live"] for one in self.workspace.credentials.values())
            return {
                "templates": len(self.workspace.groups),
                "credentials": live,
                "interactions": len(self.workspace.interactions),
            }

    def add_template(self, body: Any) -> Json:
        require(body, _TEMPLATE)
        with self.lock:
            made = self.workspace.add_group(
                body["id"], body["name"], certificate=body.get("certificate", True), badge=body.get("badge", False)
            )
            return dict(vars(made))

    def add_credential(self, body: Any) -> Json:
        require(body, _CREDENTIAL)
        with self.lock:
            if body["template"] not in self.workspace.groups:
                raise Refused([Problem("template", "is not there")])
            made = self.workspace.add_credential(
                {
                    "groupId": body["template"],
                    "recipient": {"name": body["name"], "email": body["email"]},
                    "issueDate": body.get("issued_on"),
                    "expiryDate": body.get("expires_on"),
                    "customAttributes": {f"custom.{tag}": value for tag, value in body.get("attributes", {}).items()},
                },
                stage=body.get("status", "issued"),
            )
            made.created_at = body.get("created_at", made.created_at)
            self.workspace.note(made)
            return _form(made)

    def change(self, body: Any) -> Json:
        """By hand: rename, let expire (`withdrawn`), delete; or the recipient or a guest looks at it."""
        require(body, _CHANGE)
        with self.lock:
            found = self.workspace.credentials.get(body["id"])
            if found is None:
                raise Refused([Problem("id", "is not there")])
            interaction, usual = self._changed(found, body)
            shown, send = _form(found), body.get("send")
            if send is None:
                return {**shown, **NOT_SENT}
            out = outgoing(self.workspace, found, interaction, usual, send)
        return {**shown, **deliver(out, send)}

    def credentials(self) -> list[Json]:
        with self.lock:
            return [_form(one) for one in self.workspace.credentials.values()]

    def ignored_fields(self) -> list[str]:
        with self.lock:
            return sorted(self.ignored)

    def configure(self, body: Any) -> Json:
        require(body, structure(_SETTINGS))
        with self.lock:
            for key in set(body) & set(_PLAIN):
                setattr(self, key, body[key])
            self.page_cap = max(1, self.page_cap)
            self.workspace.tags = body.get("attributes", self.workspace.tags)
            return {**{key: getattr(self, key) for key in _PLAIN}, "attributes": self.workspace.tags}

    def throttled(self, retry_after: int | None) -> Response:
        response = error(429)
        if retry_after is not None:
            response.headers["Retry-After"] = str(retry_after)
        return response

    def failed(self, status: int) -> Response:
        return error(status)

    def _changed(self, found: Credential, body: Mapping[str, Any]) -> tuple[Interaction | None, str]:
        found.recipient |= {key: body[key] for key in ("name", "email") if key in body}
        found.stage = body.get("status", found.stage)
        if body.get("withdrawn"):
            found.expiry_date = (date.fromisoformat(today()) - timedelta(days=1)).isoformat()
        if body.get("deleted"):
            self.workspace.delete(found)
            return None, "credential.deleted"
        self.workspace.note(found)
        if "claim" in body or body.get("viewed_by_guest"):
            by = "recipient" if "claim" in body else "guest"
            return self.workspace.touch(found.id, "credential_viewed", by), "credential.viewed"
        return None, "credential.updated"


def _form(one: Credential) -> Json:
    own = f"custom.{REFERENCE}"
    return {
        "id": one.id,
        "public_id": one.public_id,
        "template": one.group,
        "name": one.recipient["name"],
        "email": one.recipient["email"],
        "live": not one.deleted and one.status == "issued",
        "state": "deleted" if one.deleted else one.status,
        "attributes": {key.removeprefix("custom."): value for key, value in one.attributes.items() if key != own},
        "own_ref": one.attributes.get(own),
        "mailed": one.mailed,
        "issued_on": one.issue_date,
        "expires_on": one.expiry_date,
    }
