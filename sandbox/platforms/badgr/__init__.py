"""Badgr: one user, one issuer, its badge classes and awards, as the source of the server has them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint
from werkzeug.wrappers import Response

from sandbox.plain_answers import proxy_page
from sandbox.platforms.badgr import access, forms, wishes
from sandbox.platforms.badgr.access import OURSELVES, Access
from sandbox.platforms.badgr.account import STAFF, Account, Assertion, BadgeClass
from sandbox.platforms.badgr.api import Api
from sandbox.platforms.twin import PlatformTwin
from sandbox.shapes import (
    Check,
    Problem,
    Refused,
    any_text,
    count,
    either,
    email,
    flag,
    listing,
    may,
    need,
    one_of,
    require,
    structure,
    text,
    url,
)
from sandbox.stand_in import Json

_ID: Check = either(text, count)
_TEMPLATE: Check = structure({"id": need(_ID), "name": need(text), "usable": may(flag)})
#: when it was issued, and until when it is in force
_TIMES = {"issued_on": may(text), "expires": may(text, nullable=True)}
_CREDENTIAL: Check = structure(
    {
        "template": need(_ID),
        "name": need(any_text),
        "email": need(email),
        "by_us": may(flag),
        "by_nobody": may(flag),
        **_TIMES,
    }
)
_CHANGE: Check = structure(
    {
        "id": need(_ID),
        "withdrawn": may(one_of((True,))),
        "deleted": may(one_of((True,))),
        "claim": may(one_of(("claimed", "declined"))),
        **_TIMES,
    }
)
_SETTINGS: Check = structure(
    {
        **{name: may(text) for name in ("username", "password", "client_id", "client_secret")},
        "scopes": may(listing(text)),
        "expires_in": may(count),
        "expire_tokens": may(flag),
        "role": may(one_of(("none", "staff", "editor"))),
        "page_cap": may(count),
        "link_base": may(url, nullable=True),
        "blocked": may(listing(email)),
        "notify_first": may(flag),
        "crash_after": may(count, nullable=True),
        "race_milliseconds": may(count),
        "keeps_fractions": may(flag),
        "hosted": may(flag),
    }
)
_OWN = (
    "page_cap",
    "link_base",
    "blocked",
    "notify_first",
    "crash_after",
    "race_milliseconds",
    "keeps_fractions",
    "hosted",
)
_SHOWN = ("username", "password", "client_id", "client_secret", "scopes", "expires_in", "role")
_CLAIMS = {"claimed": "Accepted", "declined": "Rejected"}
_SEED = (("Zmlyc3QtYWlkLWJhZGdlMDE", "First Aid at Work"), ("ZmlyZS1zYWZldHktYmFkZ2U", "Fire Safety"))


class Badgr(PlatformTwin):
    """One account. A deleted award is gone without a trace, which at Badgr only happens to whole issuers."""

    name = "badgr"
    label = "Badgr"

    def blueprint(self) -> Blueprint:
        return Api(self).blueprint()

    def reset(self) -> None:
        with self.lock:
            self.account, self.access = Account(_SEED), Access()
            self.page_cap, self.hosted, self.keeps_fractions = 500, False, True
            #: what links to pages begin with, where a proxy hides the address that callers use
            self.link_base: str | None = None
            self.blocked: list[str] = []
            self.notify_first = False
            #: after how many awards of one call the server breaks down
            self.crash_after: int | None = None
            #: how long lies between the check for an earlier award and the writing of one
            self.race_milliseconds = 0
            self._ignored: set[str] = set()

    def counts(self) -> dict[str, int]:
        with self.lock:
            live = sum(one.in_force for one in self.account.assertions.values())
            return {"templates": len(self.account.classes), "credentials": live}

    def add_template(self, body: Any) -> Json:
        require(body, _TEMPLATE)
        made = BadgeClass(
            entity_id=str(body["id"]),
            name=body["name"],
            archived=not body.get("usable", True),
            created_at=datetime.now(UTC),
        )
        with self.lock:
            self.account.classes[made.entity_id] = made
        return {"id": made.entity_id, "name": made.name, "usable": not made.archived}

    def add_credential(self, body: Any) -> Json:
        require(body, _CREDENTIAL)
        by = OURSELVES if body.get("by_us") else "" if body.get("by_nobody") else STAFF
        with self.lock:
            template = str(body["template"])
            if template not in self.account.classes:
                raise Refused([Problem("template", "is not there")])
            times = _times(body)
            made = self.account.award(template, body["email"], name=body["name"], created_by=by, **times)
            return _seen(made)

    def change(self, body: Any) -> Json:
        require(body, _CHANGE)
        with self.lock:
            found = self.account.found(str(body["id"]))
            if found is None:
                raise Refused([Problem("id", "is not there")])
            for name, value in _times(body).items():
                setattr(found, name, value)
            if "claim" in body:
                found.acceptance = _CLAIMS[body["claim"]]
            if "withdrawn" in body and not found.revoked:
                self.revoke(found, "by hand")
            found.deleted = found.deleted or "deleted" in body
            self.touch(found)
            return _seen(found)

    def credentials(self) -> list[Json]:
        with self.lock:
            return [_seen(one) for one in self.account.assertions.values()]

    def ignored_fields(self) -> list[str]:
        with self.lock:
            return sorted(self._ignored)

    def note(self, names: set[str]) -> None:
        """Remember the names of fields that nothing was done with."""
        with self.lock:
            self._ignored |= names

    def configure(self, body: Any) -> Json:
        require(body, _SETTINGS)
        with self.lock:
            if body.get("expire_tokens"):
                self.access.expire()
            for owner, names in ((self, _OWN), (self.access, _SHOWN)):
                for name in set(body) & set(names):
                    setattr(owner, name, body[name])
            return {
                **{name: getattr(self, name) for name in _OWN},
                **{name: getattr(self.access, name) for name in _SHOWN},
            }

    def throttled(self, retry_after: int | None) -> Response:
        """429 is listed by the hosted service, and its form is not told (contract 11)."""
        response = access.error(429, "too many requests")
        if retry_after is not None:
            response.headers["Retry-After"] = str(retry_after)
        return response

    def failed(self, status: int) -> Response:
        return proxy_page(status) if status >= 500 else access.failed(status)

    def form(self, one: Assertion) -> Json:
        """An award as the API tells it."""
        return forms.assertion(one, self.base_url(), hosted=self.hosted)

    def revoke(self, one: Assertion, reason: str | None) -> None:
        """Revoke an award, for good."""
        one.revoked, one.reason = True, reason
        self.touch(one)

    def touch(self, one: Assertion) -> None:
        """Have the feed of changes tell of an award."""
        one.updated_at = datetime.now(UTC)


def _times(body: Json) -> Json:
    found: Json = {}
    for name in _TIMES:
        if name in body:
            try:
                found[name] = None if body[name] is None else wishes.instant(body[name])
            except wishes.Wrong as wrong:
                raise Refused([Problem(name, str(wrong))]) from None
    return found


def _seen(one: Assertion) -> Json:
    """An award for the eyes of a test."""
    state = "deleted" if one.deleted else "revoked" if one.revoked else "expired" if one.expired else "issued"
    return {
        "id": one.entity_id,
        "template": one.badgeclass,
        "name": one.name,
        "email": one.identity,
        "live": one.in_force,
        "state": state,
        "attributes": {},
        "own_ref": None,
        "mailed": one.mailed,
        "issued_on": forms.written(one.issued_on),
        "expires": forms.written(one.expires) if one.expires else None,
        "narrative": one.narrative,
        "reason": one.reason,
        "acceptance": one.acceptance,
        "created_by": one.created_by,
    }
