"""Credly: one organization with its badge templates and badges, and the webhook that points at events."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint
from werkzeug.wrappers import Response

from sandbox.platforms.credly import forms
from sandbox.platforms.credly.api import Api
from sandbox.platforms.credly.organization import TEMPLATE_STATES, Badge, Event, Organization, Template
from sandbox.platforms.twin import PlatformTwin
from sandbox.posting import Outgoing
from sandbox.sending import NOT_SENT, deliver, send_shape
from sandbox.shapes import (
    Check,
    Problem,
    Refused,
    count,
    email,
    flag,
    may,
    need,
    one_of,
    require,
    structure,
    text,
)
from sandbox.stand_in import Json

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CLAIMS: Mapping[str, str] = {"claimed": "accepted", "declined": "rejected"}


def _uuid(value: Any, at: str) -> list[Problem]:
    return (
        [] if isinstance(value, str) and _UUID.fullmatch(value) else [Problem(at, "must be a UUID in small letters")]
    )


def _moment(value: Any, at: str) -> list[Problem]:
    known = isinstance(value, str) and forms.instant(value) is not None
    return [] if known else [Problem(at, "must be an instant with its offset")]


_TEMPLATE: Check = structure(
    {
        "id": need(_uuid),
        "name": need(text),
        "usable": may(flag),
        "state": may(one_of(TEMPLATE_STATES)),
        "allow_duplicate_badges": may(flag),
        "expires_in_days": may(count, nullable=True),
    }
)
_CREDENTIAL: Check = structure(
    {
        "template": need(_uuid),
        "name": need(text),
        "email": need(email),
        "issuer_earner_id": may(text),
        "issued_at": may(_moment),
        "expires_at": may(_moment),
    }
)
_CHANGE: Check = structure(
    {
        "id": need(_uuid),
        "name": may(text),
        "withdrawn": may(one_of((True,))),
        "deleted": may(one_of((True,))),
        "claim": may(one_of(_CLAIMS)),
        "user_email": may(email),  # the Credly user who owns the badge has another main address
        "send": may(send_shape(organization_id=may(text))),
    }
)
_SWITCHES = ("auto_accept", "declined_blocks", "revoked_blocks", "revoke_again", "single_read")
_SETTINGS: Check = structure(
    {
        "token": may(text),
        "organization": may(_uuid),
        "page_size": may(count),
        "issue_status": may(one_of((200, 201))),
        **{name: may(flag) for name in _SWITCHES},
    }
)
_SEED = (
    Template(id="5f0f4a52-0000-4000-8000-000000000001", name="Healthcare Compliance"),
    Template(id="5f0f4a52-0000-4000-8000-000000000002", name="Project Management"),
)


class Credly(PlatformTwin):
    """One organization with two templates."""

    name = "credly"
    label = "Credly"

    def blueprint(self) -> Blueprint:
        return Api(self).blueprint()

    def reset(self) -> None:
        with self.lock:
            self.organization = Organization(templates={one.id: Template(**asdict(one)) for one in _SEED})

    def counts(self) -> dict[str, int]:
        with self.lock:
            badges = self.organization.badges.values()
            return {
                "templates": len(self.organization.templates),
                "credentials": sum(badge.stands for badge in badges),
                "accepted": sum(badge.stands and badge.state == "accepted" for badge in badges),
            }

    def add_template(self, body: Any) -> Json:
        require(body, _TEMPLATE)
        state = body.get("state", "active" if body.get("usable", True) else "archived")
        more = {name: value for name, value in body.items() if name not in {"usable", "state"}}
        with self.lock:
            known = self.organization.templates.setdefault(body["id"], Template(**more))
            for name, value in {**asdict(Template(**more)), "state": state}.items():
                setattr(known, name, value)  # badges hold the template itself
            self.organization.note("badge_template.changed", self.template_form(known))
            return asdict(known)

    def add_credential(self, body: Any) -> Json:
        """Somebody issues a badge in Credly's own pages; with an `issuer_earner_id`, where they typed one."""
        require(body, _CREDENTIAL)
        with self.lock:
            template = self.organization.templates.get(body["template"])
            if template is None:
                raise Refused([Problem("template", "is not there")])
            first, _, last = body["name"].rpartition(" ")
            made = Badge(
                template=template,
                recipient_email=body["email"],
                first=first or last,
                last=last,
                user=self.organization.user_of(body["email"]),
                issuer_earner_id=body.get("issuer_earner_id"),
                issued_at=(forms.instant(body["issued_at"]) if "issued_at" in body else None) or datetime.now(UTC),
                expires_at=forms.instant(body["expires_at"]) if "expires_at" in body else None,
            )
            self.organization.add(made)
            self.organization.note("badge.created", self.badge_form(made))
            return _shown(made)

    def change(self, body: Any) -> Json:
        require(body, _CHANGE)
        send = body.get("send")
        with self.lock:
            badge = self.organization.badges.get(body["id"])
            if badge is None:
                raise Refused([Problem("id", "is not there")])
            event, shown = self._changed(badge, body), _shown(badge)
            if send is None:
                return {**shown, **NOT_SENT}
            if event is None:
                raise Refused([Problem("send", "nothing happened that Credly announces")])
            pointer = forms.pointer_form(event, send.get("organization_id", self.organization.settings.organization))
        out = Outgoing(pointer, {"Content-Type": "application/json"}, json.dumps(pointer))
        return {**shown, **deliver(out, send)}

    def credentials(self) -> list[Json]:
        with self.lock:
            return [_shown(badge) for badge in self.organization.badges.values()]

    def ignored_fields(self) -> list[str]:
        with self.lock:
            return sorted(self.organization.ignored)

    def configure(self, body: Any) -> Json:
        require(body, _SETTINGS)
        with self.lock:
            for name, value in body.items():
                setattr(self.organization.settings, name, value)
            return asdict(self.organization.settings)

    def throttled(self, retry_after: int | None) -> Response:
        response = forms.error(429, "Too many requests")
        if retry_after is not None:
            response.headers["Retry-After"] = str(retry_after)
        return response

    def failed(self, status: int) -> Response:
        return forms.error(status, "An error occurred")

    def badge_form(self, badge: Badge) -> Json:
        """A badge as the API tells it."""
        return forms.badge_form(badge, self.organization.settings.organization, self.base_url())

    def template_form(self, template: Template) -> Json:
        """A template as the API tells it."""
        return forms.template_form(template, self.organization.settings.organization, self.base_url())

    def _changed(self, badge: Badge, body: Json) -> Event | None:
        """Make the change; the last event that came of it."""
        if "name" in body:
            badge.first, _, badge.last = body["name"].rpartition(" ")
        if "user_email" in body:
            badge.user_email = body["user_email"]
            self.organization.users[badge.user_email.lower()] = badge.user
        event, state = None, "revoked" if body.get("withdrawn") else _CLAIMS.get(body.get("claim", ""))
        if state:
            badge.state, badge.state_updated_at = state, datetime.now(UTC)
            event = self.organization.note("badge.state.changed", self.badge_form(badge))
        if body.get("deleted"):
            badge.deleted = True
            event = self.organization.note("badge.deleted", self.badge_form(badge))
        return event


def _shown(badge: Badge) -> Json:
    """A badge for the eyes of a test."""
    return {
        "id": badge.id,
        "template": badge.template.id,
        "name": badge.name,
        "email": badge.recipient_email,
        "live": badge.stands,
        "state": "deleted" if badge.deleted else badge.state,
        "attributes": {},
        "own_ref": None,
        "mailed": badge.mailed,
        "issuer_earner_id": badge.issuer_earner_id,
        "issued_at": forms.written(badge.issued_at),
        "expires_at": forms.written(badge.expires_at),
        "reason": badge.reason,
        "locale": badge.locale,
    }
