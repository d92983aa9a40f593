"""The REST API, version 2: tokens, badge classes, awards, the feed of changes, and what the public sees."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from flask import Blueprint, request
from werkzeug.wrappers import Response

from sandbox.platforms.badgr import forms, wishes
from sandbox.platforms.badgr.access import answer, error, missing
from sandbox.platforms.badgr.account import ISSUER
from sandbox.platforms.badgr.awarding import Desk

if TYPE_CHECKING:
    from sandbox.platforms.badgr import Badgr

View = Callable[..., Response]
_ISSUE = ("rw:issuer", f"rw:issuer:{ISSUER}")
_READ = ("r:issuer", "rw:issuer")
_MOST, _USUAL = 500, 100
_QUERY = {"recipient", "include_expired", "include_revoked", "include_archived", "num", "cursor", "since"}


class Api:
    """The routes of one account."""

    def __init__(self, twin: Badgr) -> None:
        self.twin, self.desk = twin, Desk(twin)

    def blueprint(self) -> Blueprint:
        """All routes."""
        api = Blueprint("badgr", __name__, url_prefix="/badgr")
        one, many = "/v2/assertions/<entity_id>", "/v2/badgeclasses/<entity_id>/assertions"
        of_issuer = "/v2/issuers/<issuer>/assertions"
        for method, path, view, role, scopes in (
            ("GET", "/v2/users/self", self.user, "", ("r:profile", "rw:profile")),
            ("GET", "/v2/issuers", self.issuers, "", _ISSUE),
            ("GET", "/v2/badgeclasses", self.classes, "", _ISSUE),
            ("GET", "/v2/issuers/<issuer>/badgeclasses", self.classes, "staff", _ISSUE),
            ("GET", "/v2/badgeclasses/changed", self.classes_changed, "", _READ),
            ("GET", "/v2/badgeclasses/<entity_id>", self.badge_class, "staff", _ISSUE),
            ("GET", many, self.listed, "staff", _ISSUE),
            ("POST", many, self.award, "staff", _ISSUE),
            ("POST", "/v2/badgeclasses/<entity_id>/issue", self.desk.several, "staff", _ISSUE),
            ("GET", of_issuer, self.listed_of_issuer, "staff", _ISSUE),
            ("POST", of_issuer, self.award_of_issuer, "staff", _ISSUE),
            ("GET", "/v2/assertions/changed", self.changed, "", _READ),
            ("POST", "/v2/assertions/revoke", self.revoke_many, "editor", _ISSUE),
            ("GET", one, self.read, "staff", _ISSUE),
            ("PUT", one, self.desk.change, "editor", _ISSUE),
            ("DELETE", one, self.revoke, "editor", _ISSUE),
        ):
            api.add_url_rule(
                path, f"{method} {path}".replace(".", "_"), self._guarded(view, role, scopes), methods=[method]
            )
        api.add_url_rule("/o/token", "token", self.token, methods=["POST"])
        api.add_url_rule("/public/assertions/<entity_id>", "public", self.public)
        api.add_url_rule("/public/assertions/<entity_id>.json", "public_json", self.public_json)
        return api

    def token(self) -> Response:
        """A new access token; the request is a form, and nothing stands in the address."""
        if request.args:
            return answer({"error": "Token grant parameters must be sent in post body, not query parameters"}, 400)
        with self.twin.lock:
            return self.twin.access.grant(request.form, request.headers.get("Authorization"))

    def user(self) -> Response:
        """Whose the token is."""
        return answer(self._envelope([forms.user()]))

    def issuers(self) -> Response:
        """The issuers on whose staff the user is."""
        return answer(self._envelope([forms.issuer(self.twin.base_url())] if self.twin.access.role != "none" else []))

    def classes(self, issuer: str = ISSUER) -> Response:
        """The badge classes, archived ones only when asked for."""
        if issuer != ISSUER:
            return missing()
        shown = [one for one in self.twin.account.classes.values() if not one.archived or _flag("include_archived")]
        if self.twin.access.role == "none":
            shown = []
        return self._paged([(number, self._class(one)) for number, one in enumerate(shown, 1)][::-1])

    def badge_class(self, entity_id: str) -> Response:
        """One badge class."""
        found = self.twin.account.badge_class(entity_id, archived=_flag("include_archived"))
        return missing() if found is None else answer(self._envelope([self._class(found)]))

    def listed(self, entity_id: str) -> Response:
        """The awards of a badge class."""
        found = self.twin.account.badge_class(entity_id, archived=True)
        return missing() if found is None else self._awards(found.entity_id)

    def listed_of_issuer(self, issuer: str) -> Response:
        """The awards of an issuer."""
        return self._awards(None) if issuer == ISSUER else missing()

    def award(self, entity_id: str) -> Response:
        """Award one of a badge class."""
        found = self.twin.account.badge_class(entity_id)
        return missing() if found is None else self._one(found)

    def award_of_issuer(self, issuer: str) -> Response:
        """Award one of a badge class that the body names."""
        return self._one(None) if issuer == ISSUER else missing()

    def read(self, entity_id: str) -> Response:
        """One award, a revoked one too."""
        found = self.twin.account.found(entity_id)
        return missing() if found is None else answer(self._envelope([self.twin.form(found)]))

    def revoke(self, entity_id: str) -> Response:
        """Revoke one award, once."""
        found = self.twin.account.found(entity_id)
        if found is None:
            return missing()
        body: Any = request.get_json(silent=True)
        reason = body.get("revocation_reason") if isinstance(body, dict) else None
        if not reason and not self.twin.hosted:
            return error(400, "bad request", {"revocation_reason": "This field is required"})
        if found.revoked:
            return error(400, "bad request", {}, ["Assertion is already revoked"])
        self.twin.revoke(found, reason)
        return answer(self._envelope([self.twin.form(found)]))

    def revoke_many(self) -> Response:
        """Revoke several; each says for itself what came of it."""
        rows = []
        for one in request.get_json(silent=True) or []:
            entity_id, reason = one.get("entityId"), one.get("revocationReason")
            found = self.twin.account.found(str(entity_id))
            said = {"entityId": entity_id, "revocationReason": reason, "revoked": False}
            if found is None:
                said["reason"] = "permission denied or object not found"
            elif not reason or found.revoked:
                said["reason"] = "Assertion is already revoked" if found.revoked else "revocationReason is required"
            else:
                self.twin.revoke(found, reason)
                said["revoked"] = True
            rows.append(said)
        return answer(self._envelope(rows))

    def changed(self) -> Response:
        """The awards that changed since an instant, with the instant to ask from next time (contract 6)."""
        rows = self.twin.account.listed(None, (), expired=True, revoked=True)
        return self._feed([(one.updated_at, self.twin.form(one)) for one in rows])

    def classes_changed(self) -> Response:
        """The badge classes that changed, likewise."""
        return self._feed([(one.created_at, self._class(one)) for one in self.twin.account.classes.values()])

    def public(self, entity_id: str) -> Response:
        """An award for everybody, in JSON but for browsers."""
        if "text/html" in request.headers.get("Accept", ""):
            found = self.twin.account.found(entity_id)
            page = "<!doctype html><html lang=en><title>Badge</title><h1>A badge</h1></html>"
            return missing() if found is None else Response(page, content_type="text/html; charset=utf-8")
        return self.public_json(entity_id)

    def public_json(self, entity_id: str) -> Response:
        """An award for everybody."""
        with self.twin.lock:
            found = self.twin.account.found(entity_id)
            return missing() if found is None else answer(forms.public(found, self.twin.base_url()))

    def _guarded(self, view: View, role: str, scopes: Sequence[str]) -> View:
        allowed = {"": {"none", "staff", "editor"}, "staff": {"staff", "editor"}, "editor": {"editor"}}[role]

        def guarded(**places: Any) -> Response:
            with self.twin.lock:
                refusal = self.twin.access.refuse(request.headers.get("Authorization"), scopes)
                if refusal is None and self.twin.access.role not in allowed:
                    refusal = missing()  # never 403 (contract 11)
                self.twin.note(set(request.args) - _QUERY)
            if refusal is not None or request.method == "POST":
                return refusal or view(**places)  # awarding checks and writes without a lock around both
            with self.twin.lock:
                return view(**places)

        return guarded

    def _one(self, badgeclass: Any) -> Response:
        item: Any = request.get_json(silent=True)
        return (
            error(400, "bad request", {}, ["JSON parse error"]) if item is None else self.desk.one(badgeclass, item)
        )

    def _awards(self, badgeclass: str | None) -> Response:
        rows = self.twin.account.listed(
            badgeclass,
            request.args.getlist("recipient"),
            expired=_flag("include_expired"),
            revoked=_flag("include_revoked"),
        )
        return self._paged([(one.number, self.twin.form(one)) for one in rows])

    def _paged(self, rows: Sequence[tuple[int, Any]]) -> Response:
        """All of them, or with `num` a page and links to its neighbours; numbers fall from the newest on."""
        size, after = request.args.get("num", ""), _cursor()
        if not size.isdigit():
            return answer(self._envelope([row for _, row in rows]))
        most = min(max(1, int(size)), _MOST, max(1, self.twin.page_cap))
        later = [one for one in rows if after is None or one[0] < after]
        shown, links = later[:most], []
        if len(later) > most:
            links.append(f'<{self._link(shown[-1][0])}>; rel="next"')
        before = [number for number, _ in rows if after is not None and number >= after]
        if before:
            links.append(f'<{self._link(before[-most] + 1 if len(before) >= most else before[0] + 1)}>; rel="prev"')
        headers = {"Link": ", ".join(links)} if links else {}
        return answer(self._envelope([row for _, row in shown]), headers=headers)

    def _link(self, number: int) -> str:
        cursor = base64.urlsafe_b64encode(f"p={number}".encode()).decode()
        query = [(name, value) for name, value in request.args.items(multi=True) if name != "cursor"]
        base = self.twin.link_base or request.host_url.rstrip("/")
        return f"{base}{request.path}?{urlencode([*query, ('cursor', cursor)])}"

    def _feed(self, rows: Sequence[tuple[datetime, Any]]) -> Response:
        try:
            since = wishes.instant(request.args["since"]) if "since" in request.args else None
        except wishes.Wrong:
            return error(400, "bad request", {"since": ["must be ISO-8601 format with time zone"]})
        now, size = datetime.now(UTC), request.args.get("num", "")
        most = min(max(1, int(size)), _MOST) if size.isdigit() else _USUAL
        fitting = sorted((one for one in rows if since is None or one[0] > since), key=lambda one: one[0])
        start = _cursor() or 0
        more = len(fitting) > start + most
        told = {
            "hasNext": more,
            "nextResults": self._link(start + most) if more else None,
            "hasPrevious": start > 0,
            "previousResults": self._link(max(0, start - most)) if start else None,
        }
        shown = [row for _, row in fitting[start : start + most]]
        return answer(self._envelope(shown, pagination=told, timestamp=now.isoformat()))

    def _class(self, one: Any) -> dict[str, Any]:
        return forms.badge_class(one, self.twin.base_url(), hosted=self.twin.hosted)

    def _envelope(self, rows: Sequence[Any], **more: Any) -> dict[str, Any]:
        hosted = {"timestamp": forms.written(datetime.now(UTC)), "warnings": {}} if self.twin.hosted else {}
        return forms.envelope(rows, **{**hosted, **more})


def _flag(name: str) -> bool:
    return request.args.get(name, "").lower() in {"1", "true"}


def _cursor() -> int | None:
    try:
        return int(base64.urlsafe_b64decode(request.args["cursor"]).decode().removeprefix("p="))
    except (KeyError, ValueError):
        return None
