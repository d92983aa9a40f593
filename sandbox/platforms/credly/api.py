"""The web service below `/v1`: HTTP Basic with an empty password, then one organization (contract 1 to 8)."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from flask import Blueprint, request
from werkzeug.wrappers import Response

from sandbox.platforms.credly import forms, lists
from sandbox.platforms.credly.organization import Badge, Organization
from sandbox.platforms.credly.requests import issued_badge, unknown_members
from sandbox.shapes import Refused

if TYPE_CHECKING:
    from sandbox.platforms.credly import Credly

_NOT_FOUND = "Record not found"
_LISTING = {"filter", "sort", "page"}


class Api:
    """The routes of one organization."""

    def __init__(self, twin: Credly) -> None:
        self.twin = twin

    @property
    def organization(self) -> Organization:
        """As it is now: a reset makes another one."""
        return self.twin.organization

    def blueprint(self) -> Blueprint:
        """All routes."""
        api = Blueprint("credly", __name__, url_prefix="/credly")
        home = "/v1/organizations/<organization>"
        routes: tuple[tuple[str, str, Callable[..., Response]], ...] = (
            ("GET", "/v1/organizations", self.organizations),
            ("GET", f"{home}/authorization_tokens", self.tokens),
            ("POST", f"{home}/authorization_tokens/rotate", self.rotate),
            ("GET", f"{home}/badge_templates", self.templates),
            ("GET", f"{home}/badge_templates/<template>", self.template),
            ("GET", f"{home}/badges", self.badges),
            ("POST", f"{home}/badges", self.issue),
            ("GET", f"{home}/badges/<badge>", self.badge),
            ("PUT", f"{home}/badges/<badge>/revoke", self.revoke),
            ("GET", f"{home}/events/<event>", self.event),
        )
        for method, path, view in routes:
            api.add_url_rule(path, view.__name__, self._guarded(view), methods=[method])
        return api

    def organizations(self) -> Response:
        """The organizations that the token may see: one."""
        own = {"id": self.organization.settings.organization, "name": "Example Academy"}
        return forms.answer(lists.paged([own], 1, 50, request.base_url, {}))

    def tokens(self) -> Response:
        """The tokens of the organization."""
        shown = [{"token": self.organization.settings.token}]
        return forms.answer(lists.paged(shown, 1, 50, request.base_url, {}))

    def rotate(self) -> Response:
        """A new token; the old one is dead at once."""
        self.organization.settings.token = f"credly-token-{uuid4().hex[:12]}"
        return forms.wrapped({"token": self.organization.settings.token}, 201)

    def templates(self) -> Response:
        """The templates, filtered and sorted."""
        known = list(self.organization.templates.values())
        return self._listed(known, lists.TEMPLATE_FILTERS, lists.TEMPLATE_ORDERS, self.twin.template_form)

    def template(self, template: str) -> Response:
        """One template."""
        found = self.organization.templates.get(template.lower())
        return forms.wrapped(self.twin.template_form(found)) if found else forms.error(404, _NOT_FOUND)

    def badges(self) -> Response:
        """The badges, filtered and sorted."""
        known, filters = self.organization.seen(), lists.badge_filters(self.organization)
        return self._listed(known, filters, lists.BADGE_ORDERS, self.twin.badge_form)

    def badge(self, badge: str) -> Response:
        """One badge, where the organization's settings let it be read."""
        found = self._seen(badge) if self.organization.settings.single_read else None
        return forms.wrapped(self.twin.badge_form(found)) if found else forms.error(404, _NOT_FOUND)

    def issue(self) -> Response:
        """Issue one badge, unless the learner has it."""
        body: Any = request.get_json(silent=True)
        self.organization.ignored |= unknown_members(body)
        try:
            made = issued_badge(self.organization, body)
        except Refused as refused:
            return forms.error(422, f"Validation failed: {refused}")
        if self.organization.duplicate(made.template, made.recipient_email, made.issuer_earner_id):
            return forms.error(422, "User already has this badge")
        self.organization.add(made)
        self.organization.note("badge.created", self.twin.badge_form(made))
        return forms.wrapped(self.twin.badge_form(made), self.organization.settings.issue_status)

    def revoke(self, badge: str) -> Response:
        """Revoke one badge."""
        found, body = self._seen(badge), request.get_json(silent=True)
        if found is None:
            return forms.error(404, _NOT_FOUND)
        if not isinstance(body, dict) or not isinstance(body.get("reason"), str) or not body["reason"].strip():
            return forms.error(422, "Validation failed: Reason can't be blank")
        self.organization.ignored |= set(body) - {"reason", "suppress_revoke_notification_email"}
        if found.state == "revoked" and not self.organization.settings.revoke_again:
            return forms.error(422, "Validation failed: This badge has already been revoked.")
        found.state, found.reason, found.state_updated_at = "revoked", body["reason"], datetime.now(UTC)
        self.organization.mail(found, suppressed=body.get("suppress_revoke_notification_email") is True)
        self.organization.note("badge.state.changed", self.twin.badge_form(found))
        return forms.wrapped(self.twin.badge_form(found))

    def event(self, event: str) -> Response:
        """One event, read back."""
        found = self.organization.events.get(event)
        return forms.wrapped(forms.event_form(found)) if found else forms.error(404, _NOT_FOUND)

    def _seen(self, badge: str) -> Badge | None:
        found = self.organization.badges.get(badge.lower())
        return found if found and not found.deleted else None

    def _listed(
        self, items: list[Any], filters: lists.Filters[Any], orders: Mapping[str, Any], form: Callable[[Any], Any]
    ) -> Response:
        ignored, query = self.organization.ignored, request.args.to_dict()
        ignored |= {f"query {name}" for name in set(query) - _LISTING}
        page = query.pop("page", "1")
        if not page.isascii() or not page.isdigit() or not int(page):
            return forms.error(422, "Validation failed: page is invalid")
        passed = lists.filtered(items, query.get("filter", ""), filters, ignored)
        shown = [form(one) for one in lists.ordered(passed, query.get("sort", ""), orders, ignored)]
        address = f"{self.twin.base_url()}{request.path.removeprefix('/credly')}"
        return forms.answer(
            lists.paged(shown, int(page), max(1, self.organization.settings.page_size), address, query)
        )

    def _guarded(self, view: Callable[..., Response]) -> Callable[..., Response]:
        def guarded(organization: str | None = None, **places: Any) -> Response:
            with self.twin.lock:
                wanted = base64.b64encode(f"{self.organization.settings.token}:".encode()).decode()
                if request.headers.get("Authorization", "") != f"Basic {wanted}":
                    return forms.error(401, "Unauthorized")
                if organization not in {None, self.organization.settings.organization}:
                    return forms.error(404, _NOT_FOUND)
                if request.method in {"POST", "PUT"} and request.content_length and not request.is_json:
                    return forms.error(415, "Unsupported media type")
                return view(**places)

        return guarded
