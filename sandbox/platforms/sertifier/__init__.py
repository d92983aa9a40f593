"""A Sertifier account: campaigns and what is issued into them; every unknown of the contract is a setting."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import uuid4

from flask import Blueprint
from werkzeug.wrappers import Response

from sandbox.platforms.sertifier.account import (
    CLICKED,
    SCHEDULED,
    UNSET,
    Account,
    Campaign,
    Credential,
    today,
    yesterday,
)
from sandbox.platforms.sertifier.api import Api
from sandbox.platforms.sertifier.envelope import refused
from sandbox.platforms.sertifier.reading import CREDENTIAL, TEMPLATE, Ignored
from sandbox.platforms.twin import PlatformTwin
from sandbox.shapes import Check, Problem, Refused, count, flag, listing, may, need, one_of, require, structure, text
from sandbox.stand_in import Json


@dataclass(kw_only=True)
class Settings:
    """The key of the account, and how it does what the contract leaves open."""

    key: str = "sertifier-key"
    search_lag_ms: int = 0
    page_cap: int | None = None
    start_ignored: bool = False
    #: where a search has its list: in `data` itself, or below it under this name; `name` is the plural of its kind
    list_at: str = "data"
    search_covers: list[str] = field(default_factory=lambda: ["name", "email", "certificateNO"])
    campaign_on_read: bool = True
    external_id_on_read: bool = False
    faults_as_objects: bool = True
    missing: str = "refusal"
    published_status: int = 1
    unpublished_status: int = 0
    #: whether `quickPublish` is known; another account passes it over
    quick_publish: bool = True
    #: changes and deletions are taken and have no effect
    changes_ignored: bool = False
    recipients_left: int | None = None


_SETTINGS: Check = structure(
    {
        "key": may(text),
        "search_lag_ms": may(count),
        "page_cap": may(count, nullable=True),
        "list_at": may(one_of(("data", "items", "name"))),
        "search_covers": may(listing(one_of(("name", "email", "certificateNO")))),
        "missing": may(one_of(("refusal", "empty_404", "null"))),
        "published_status": may(count),
        "unpublished_status": may(count),
        "recipients_left": may(count, nullable=True),
        **{
            name: may(flag)
            for name in (
                "start_ignored",
                "campaign_on_read",
                "external_id_on_read",
                "faults_as_objects",
                "quick_publish",
                "changes_ignored",
            )
        },
    }
)
_CHANGE: Check = structure(
    {
        "id": need(text),
        "name": may(text),
        "withdrawn": may(one_of((True,))),
        "deleted": may(one_of((True,))),
        "claim": may(one_of(("claimed",))),  # there is nothing to decline
        "published": may(flag),
    }
)
_SEED = ("c0ffee00-0000-4000-8000-000000000001", "c0ffee00-0000-4000-8000-000000000002")


class Sertifier(PlatformTwin):
    """One Sertifier account with two campaigns. It announces nothing to anybody."""

    name = "sertifier"
    label = "Sertifier"

    def blueprint(self) -> Blueprint:
        return Api(self).blueprint()

    def reset(self) -> None:
        with self.lock:
            titles = ("First Aid at Work", "Fire Safety")
            self.account = Account(Campaign(id=ref, title=title) for ref, title in zip(_SEED, titles, strict=True))
            self.settings, self.ignored = Settings(), Ignored()

    def counts(self) -> dict[str, int]:
        with self.lock:
            live = sum(one.live for one in self.account.credentials.values())
            return {"templates": len(self.account.campaigns), "credentials": live}

    def add_template(self, body: Any) -> Json:
        """Add or replace a campaign: with `certificate`, `badge` or both, and the `attributes` its design shows."""
        require(body, TEMPLATE)
        with self.lock:
            made = Campaign(
                id=body["id"],
                title=body["name"],
                status=body.get("status", 1 if body.get("usable", True) else SCHEDULED),
                attributes=[self.account.attribute(title) for title in body.get("attributes", [])],
            )
            made.badge = str(uuid4()) if body.get("badge") else UNSET
            made.design = made.design if body.get("certificate", True) else UNSET
            self.account.campaigns[made.id] = made
        return asdict(made)

    def add_credential(self, body: Any) -> Json:
        """Somebody issues one by hand; `made_on` is for one of an earlier day."""
        require(body, CREDENTIAL)
        with self.lock:
            if body["template"] not in self.account.campaigns:
                raise Refused([Problem("template", "is not there")])
            made = self.account.add(
                body["template"],
                name=body["name"],
                email=body["email"],
                issued_on=body.get("issued_on", today().isoformat()),
                expires_on=body.get("expires_on"),
                external_id=body.get("external_id"),
                found_at=time.monotonic() + self.settings.search_lag_ms / 1000,
            )
            made.created_at = f"{body['made_on']}T09:00:00" if "made_on" in body else made.created_at
            if body.get("published", True):
                made.publish()
            return _shown(made)

    def change(self, body: Any) -> Json:
        """By hand: `withdrawn` has it expire, since there is no revocation; a claim is a click in the mail."""
        require(body, _CHANGE)
        with self.lock:
            found = self.account.get(body["id"])
            if found is None:
                raise Refused([Problem("id", "is not there")])
            found.name = body.get("name", found.name)
            found.published = body.get("published", found.published)
            found.deleted = body.get("deleted", False)
            if body.get("withdrawn"):
                found.expires_on = yesterday()
            if "claim" in body:
                found.tracking = CLICKED
            return _shown(found)

    def credentials(self) -> list[Json]:
        with self.lock:
            return [_shown(one) for one in self.account.credentials.values()]

    def ignored_fields(self) -> list[str]:
        with self.lock:
            return sorted(self.ignored.names)

    def configure(self, body: Any) -> Json:
        require(body, _SETTINGS)
        with self.lock:
            for key, value in body.items():
                setattr(self.settings, key, value)
            return asdict(self.settings)

    def throttled(self, retry_after: int | None) -> Response:
        """429; no form of it is published (contract 10)."""
        response = refused("Too many requests", 429)
        if retry_after is not None:
            response.headers["Retry-After"] = str(retry_after)
        return response

    def failed(self, status: int) -> Response:
        return refused("Unauthorized" if status == 401 else "An error occurred", status)


def _shown(one: Credential) -> Json:
    return {
        "id": one.id,
        "template": one.campaign,
        "name": one.name,
        "email": one.email,
        "live": one.live,
        "state": one.state,
        "attributes": dict(one.attributes),
        "own_ref": one.external_id,
        "mailed": one.mailed,
        "number": one.number,
        "issued_on": one.issued_on,
        "expires_on": one.expires_on,
        "tracking": one.tracking,
    }
