"""An Accredible account: its API, its search that trails, its credits, and what staff does in its dashboard."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

from flask import Blueprint
from werkzeug.wrappers import Response

from sandbox.platforms.accredible.account import Account, Credential, NotThere
from sandbox.platforms.accredible.api import Api, denied
from sandbox.platforms.accredible.forms import by_hand
from sandbox.platforms.accredible.rules import Group, Invalid
from sandbox.platforms.twin import PlatformTwin
from sandbox.shapes import (
    Check,
    Problem,
    Refused,
    any_text,
    count,
    day,
    either,
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

_NUMBER: Check = either(count, text)
_GROUP: Check = structure(
    {
        "id": need(count),
        "name": need(text),
        "usable": may(flag),
        "removed": may(flag),
        "course_name": may(text, nullable=True),
        "course_description": may(text, nullable=True),
        "allow_duplicate_credentials": may(flag),
        "auto_expiry": may(count, nullable=True),
        "certificate_design_id": may(count, nullable=True),
        "badge_design_id": may(count, nullable=True),
        "meta_data": may(mapping(any_text)),
    }
)
_CREDENTIAL: Check = structure(
    {
        "template": need(_NUMBER),
        "name": need(text),
        "email": need(email),
        "learner": may(text),
        "id": may(text),
        "meta_data": may(mapping(any_text)),
        "custom_attributes": may(mapping(any_text)),
        "issued_on": may(day),
        "expired_on": may(day),
        "approve": may(flag),
    }
)
_CHANGE: Check = structure(
    {
        "id": need(_NUMBER),
        "name": may(text),
        "email": may(email),
        "withdrawn": may(one_of((True,))),
        "deleted": may(one_of((True,))),
        "claim": may(one_of(("claimed",))),
        "approve": may(flag),
        "expired_on": may(day),
    }
)
_SETTINGS: Check = structure(
    {
        "key": may(text),
        "credits": may(count),
        "search_lag_ms": may(count),
        "sandbox_mode": may(flag),
        "bulk_spelling": may(one_of(("error", "errors"))),
        "attribute_keys": may(listing(text)),
        "unknown_attributes": may(one_of(("refuse", "drop", "keep"))),
        "unpublished_blocks": may(flag),
        "keeps_own_id": may(flag),
    }
)


class Accredible(PlatformTwin):
    """One Accredible account with the groups 4711 and 4712."""

    name = "accredible"
    label = "Accredible"
    api_begins = "/v"

    def blueprint(self) -> Blueprint:
        return Api(self).blueprint()

    def reset(self) -> None:
        with self.lock:
            self.account = Account(self.lock)

    def counts(self) -> dict[str, int]:
        with self.lock:
            credentials = self.account.credentials.values()
            return {
                "templates": len(self.account.groups),
                "credentials": sum(one.live for one in credentials),
                "unpublished": sum(not one.approve for one in credentials),
                "credits": self.account.settings.credits,
                **self.account.counts,
            }

    def add_template(self, body: Any) -> Json:
        """Add or replace a group; with `removed` take it away. One that is not `usable` has no design."""
        require(body, _GROUP)
        told = {key: value for key, value in body.items() if key not in {"usable", "removed"}}
        if body.get("usable") is False:
            told |= {"certificate_design_id": None, "badge_design_id": None}
        group = Group(**told)
        with self.lock:
            self.account.add_group(group)
            if body.get("removed"):
                del self.account.groups[group.id]
        return asdict(group)

    def add_credential(self, body: Any) -> Json:
        """Issue in the dashboard, by the same rules; `id` and `learner` are a reference of somebody's, if any."""
        require(body, _CREDENTIAL)
        recipient = {"name": body["name"], "email": body["email"]}
        given: Json = {
            "group_id": _number(body["template"], "template"),
            "recipient": {**recipient, "id": body["learner"]} if "learner" in body else recipient,
            **{key: value for key, value in body.items() if key not in {"template", "name", "email", "learner"}},
        }
        with self.lock:
            try:
                return by_hand(self.account.create(given), self.base_url(), deleted=False)
            except Invalid as invalid:
                raise Refused([Problem("(body)", str(invalid))]) from None

    def change(self, body: Any) -> Json:
        """Change, unpublish (`withdrawn`), publish, delete; a claim is that the learner opened it."""
        require(body, _CHANGE)
        with self.lock:
            found = self._existing(str(body["id"]))
            if body.get("claim"):
                self.account.open(found)
            changes = {key: body[key] for key in ("approve", "expired_on") if key in body}
            recipient = {key: body[key] for key in ("name", "email") if key in body}
            changes |= {"recipient": recipient} if recipient else {}
            changes |= {"approve": False} if body.get("withdrawn") else {}
            if changes:
                self.account.change(str(found.id), changes)
            if body.get("deleted"):
                self.account.delete(str(found.id))
            return by_hand(found, self.base_url(), deleted="deleted" in body)

    def credentials(self) -> list[Json]:
        with self.lock:
            here = [by_hand(one, self.base_url(), deleted=False) for one in self.account.credentials.values()]
            gone = [by_hand(one, self.base_url(), deleted=True) for one in self.account.deleted.values()]
            return [*here, *gone]

    def ignored_fields(self) -> list[str]:
        with self.lock:
            return sorted({name for one in self.account.credentials.values() for name in one.ignored_fields})

    def configure(self, body: Any) -> Json:
        require(body, _SETTINGS)
        told = {**body, "attribute_keys": tuple(body["attribute_keys"])} if "attribute_keys" in body else body
        with self.lock:
            self.account.settings = replace(self.account.settings, **told)
            return asdict(self.account.settings)

    def failed(self, status: int) -> Response:
        if status == 401:
            return denied()
        shape = {"error": "Not found"} if status == 404 else {"errors": _ERRORS.get(status, f"Error {status}")}
        return Response(json.dumps(shape), status=status, content_type="application/json")

    def _existing(self, reference: str) -> Credential:
        try:
            return self.account.find(reference)
        except NotThere:
            raise Refused([Problem("id", "names no credential")]) from None


_ERRORS = {500: "Internal server error"}


def _number(value: int | str, field: str) -> int:
    if not str(value).isdigit():
        raise Refused([Problem(field, "is the number of a group")])
    return int(value)
