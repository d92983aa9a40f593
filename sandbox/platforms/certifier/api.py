"""The REST API (contract 1 to 9): a version on every call, strict bodies, states that only go one way."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from flask import Blueprint, request
from werkzeug.wrappers import Response

from sandbox.platforms.certifier.answers import Problem, answer, error
from sandbox.platforms.certifier.bodies import CHANGED, INTERACTION, NEW, SCHEDULE, SEND
from sandbox.platforms.certifier.search import searched
from sandbox.platforms.certifier.webhooks import interaction_form
from sandbox.platforms.certifier.workspace import Credential, Group
from sandbox.shapes import Check, count

if TYPE_CHECKING:
    from sandbox.platforms.certifier import Certifier

VERSION = "2022-10-26"
_USUAL, _MOST = 20, 100


class Api:
    """The routes of one workspace."""

    def __init__(self, twin: Certifier) -> None:
        self.twin = twin

    def blueprint(self) -> Blueprint:
        """All routes."""
        api = Blueprint("certifier", __name__, url_prefix="/certifier")
        for method, path, view, known in (
            ("POST", "/credentials", self.create, ()),
            ("GET", "/credentials", self.listed, ("cursor", "limit")),
            ("POST", "/credentials/search", self.search, ()),
            ("POST", "/credentials/create-issue-send", self.create_issue_send, ()),
            ("GET", "/credentials/<ref>", self.read, ()),
            ("PATCH", "/credentials/<ref>", self.change, ()),
            ("DELETE", "/credentials/<ref>", self.delete, ()),
            ("POST", "/credentials/<ref>/issue", self.issue, ()),
            ("POST", "/credentials/<ref>/send", self.send, ()),
            ("POST", "/credentials/<ref>/schedule", self.schedule, ()),
            ("GET", "/credential-interactions", self.interactions, ("credentialId", "cursor", "limit")),
            ("POST", "/credential-interactions", self.interact, ()),
            ("GET", "/groups", self.groups, ("cursor", "limit")),
            ("GET", "/groups/<ref>", self.group, ()),
            ("GET", "/attributes", self.attributes, ()),
        ):
            guarded = self._guarded(view, frozenset(known))
            api.add_url_rule(f"/v1{path}", view.__name__, guarded, methods=[method])
        api.add_url_rule("/credentials/<public_id>", "page", self.page, methods=["GET"])
        return api

    def create(self) -> Response:
        """A draft."""
        return answer(self._created().plain(), 201)

    def create_issue_send(self) -> Response:
        """All three steps; without an address there is nobody to send it to."""
        made = self._created()
        if not made.recipient["email"]:
            self.twin.workspace.delete(made)
            raise Problem(400, "recipient.email is missing")
        made.stage, made.mailed = "issued", 1
        self.twin.workspace.note(made)
        return answer(made.plain(), 201)

    def listed(self) -> Response:
        """All credentials, oldest first."""
        return self._page([one.plain() for one in self.twin.workspace.credentials.values() if not one.deleted])

    def search(self) -> Response:
        """Those that a filter fits, as far as the index knows."""
        body = self._body()
        if not isinstance(body, dict) or not set(body) <= {"filter", "sort", "limit", "cursor"}:
            raise Problem(400, "a search has filter, sort, limit and cursor")
        limit, cursor = body.get("limit", _USUAL), body.get("cursor", "")
        if count(limit, "") or not isinstance(cursor, str):
            raise Problem(400, "limit or cursor is invalid")
        known = self.twin.workspace.indexed(self.twin.search_lag_ms / 1000)
        found = searched(body, known, groups_searchable=self.twin.groups_searchable)
        return self._page(found, str(limit), cursor)

    def read(self, ref: str) -> Response:
        """One credential."""
        return answer(self._found(ref).plain())

    def change(self, ref: str) -> Response:
        """Change a credential. Attributes are replaced as a whole."""
        found, body = self._found(ref), self._body(CHANGED)
        if "recipient" in body:
            if body["recipient"]["id"] != found.recipient["id"]:
                raise Problem(400, "recipient.id is another's")
            found.recipient = {**found.recipient, **body["recipient"]}
        if "customAttributes" in body:
            found.attributes = self._taken(body["customAttributes"])
        found.issue_date = body.get("issueDate", found.issue_date)
        found.expiry_date = body.get("expiryDate", found.expiry_date)
        self.twin.workspace.note(found)
        return answer(found.plain())

    def delete(self, ref: str) -> Response:
        """Delete for good; the answer is empty."""
        self.twin.workspace.delete(self._found(ref))
        return Response(b"", status=self.twin.delete_status, content_type="application/json")

    def issue(self, ref: str) -> Response:
        """Issue a draft, and nothing but a draft."""
        found = self._found(ref)
        if request.get_data() not in (b"", b"[]", b"{}"):
            raise Problem(400, "issuing takes no body")
        if found.stage != "draft":
            raise Problem(409, "only a draft can be issued")
        found.stage = "issued"
        self.twin.workspace.note(found)
        return self._sample(found)

    def send(self, ref: str) -> Response:
        """Mail what is issued, every time that it is asked for."""
        found = self._found(ref)
        self._body(SEND)
        if found.status != "issued":
            raise Problem(409, "only what is issued can be sent")
        if not found.recipient["email"]:
            raise Problem(400, "the recipient has no e-mail address")
        found.mailed += 1
        return self._sample(found)

    def schedule(self, ref: str) -> Response:
        """Have a draft issued later."""
        found = self._found(ref)
        self._body(SCHEDULE)
        if found.stage != "draft":
            raise Problem(409, "only a draft can be scheduled")
        found.stage = "scheduled"
        self.twin.workspace.note(found)
        return answer(found.plain())

    def interactions(self) -> Response:
        """Who did what with one credential, or with any; the newest first."""
        wanted = request.args.get("credentialId")
        found = [one for one in self.twin.workspace.interactions if wanted in (None, one.credential)]
        return self._page([interaction_form(one) for one in reversed(found)])

    def interact(self) -> Response:
        """Write one down."""
        body = self._body(INTERACTION)
        self._found(body["credentialId"])
        made = self.twin.workspace.touch(
            body["credentialId"], body["eventType"], body["triggeredBy"], body["triggeredAt"]
        )
        return answer(interaction_form(made), 201)

    def groups(self) -> Response:
        """All groups."""
        return self._page([self._group_form(one) for one in self.twin.workspace.groups.values()])

    def group(self, ref: str) -> Response:
        """One group."""
        found = self.twin.workspace.groups.get(ref)
        if found is None:
            raise Problem(404)
        return answer(self._group_form(found))

    def attributes(self) -> Response:
        """The attributes, those that are always there among them, as a bare list."""
        rows = [(tag, True) for tag in ("recipient.name", "recipient.email", "group.name")]
        rows += [(tag, False) for tag in self.twin.workspace.tags]
        return answer([{"id": f"attr-{tag}", "tag": tag, "name": tag, "isDefault": usual} for tag, usual in rows])

    def page(self, public_id: str) -> Response:
        """The public page; a mark in the address says that it is the recipient who looks."""
        with self.twin.lock:
            for one in self.twin.workspace.credentials.values():
                if one.public_id == public_id and not one.deleted and one.status in ("issued", "expired"):
                    by = "recipient" if request.args.get("recipient") == "true" else "guest"
                    self.twin.workspace.touch(one.id, "credential_viewed", by)
                    shown = f"{escape(one.recipient['name'])}, {one.issue_date} ({one.status})"
                    document = f"<!doctype html><html lang=en><title>Credential</title><h1>{shown}</h1>"
                    return Response(document, content_type="text/html; charset=utf-8")
        return Response("<!doctype html><html lang=en><title>Not found</title>", 404, content_type="text/html")

    def _guarded(self, view: Callable[..., Response], known: frozenset[str]) -> Callable[..., Response]:
        def guarded(**places: Any) -> Response:
            with self.twin.lock:
                try:
                    self._admit(known)
                    return view(**places)
                except Problem as problem:
                    return error(problem.status, problem.message, problem.code)

        return guarded

    def _admit(self, known: frozenset[str]) -> None:
        if request.headers.get("Authorization") != f"Bearer {self.twin.token}":
            raise Problem(401)
        version = request.headers.get("Certifier-Version")
        if version != VERSION:
            raise Problem(400, code="invalid_version" if version else "missing_version")
        if set(request.args) - known:
            raise Problem(400, "unknown parameters")

    def _body(self, check: Check | None = None) -> Any:
        if not request.is_json:
            raise Problem(400, "the content type is not application/json", code="invalid_json")
        body = request.get_json(silent=True)
        if body is None:
            raise Problem(400, "the body is no JSON", code="invalid_json")
        problems = check(body, "") if check else []
        if problems:
            raise Problem(400, "; ".join(f"{one.field} {one.message}" for one in problems))
        return body

    def _created(self) -> Credential:
        body = self._body(NEW)
        if body["groupId"] not in self.twin.workspace.groups:
            raise Problem(self.twin.missing_group)
        if self.twin.payment_required:
            raise Problem(402)
        taken = self._taken(body.get("customAttributes", {}))
        return self.twin.workspace.add_credential({**body, "customAttributes": taken})

    def _taken(self, given: Mapping[str, str]) -> dict[str, str]:
        """The attributes that the workspace has; what it does with others is a setting, because nobody tells."""
        known = {f"custom.{tag}" for tag in self.twin.workspace.tags}
        unknown = set(given) - known
        if unknown and self.twin.unknown_attributes == "refuse":
            raise Problem(400, "customAttributes names what is not there")
        self.twin.ignored.update(unknown)
        return {name: value for name, value in given.items() if name in known}

    def _found(self, ref: str) -> Credential:
        found = self.twin.workspace.found(ref)
        if found is None:
            raise Problem(404)
        return found

    def _sample(self, found: Credential) -> Response:
        """The vendor's samples show a draft whatever became of it; whether it does so in truth is a setting."""
        return answer({**found.plain(), **({"status": "draft"} if self.twin.samples else {})})

    def _group_form(self, one: Group) -> dict[str, Any]:
        designs = {"certificateDesignId": one.certificate, "badgeDesignId": one.badge}
        return {
            "id": one.id,
            "name": one.name,
            "learningEventUrl": None,
            "designIds": [design for design in designs.values() if design],
            **(designs if self.twin.legacy_designs else {}),
            "createdAt": one.created_at,
            "updatedAt": one.created_at,
        }

    def _page(
        self, rows: Sequence[Mapping[str, Any]], limit: str | None = None, cursor: str | None = None
    ) -> Response:
        limit = request.args.get("limit", str(_USUAL)) if limit is None else limit
        cursor = request.args.get("cursor", "") if cursor is None else cursor
        place = cursor.removeprefix("after-") if cursor.startswith("after-") else "0" if not cursor else ""
        if not (limit.isdigit() and place.isdigit() and 0 < int(limit) <= _MOST):
            raise Problem(400, "limit or cursor is invalid")
        first = int(place)
        last = first + min(int(limit), self.twin.page_cap)
        return answer(
            {
                "data": list(rows[first:last]),
                "pagination": {
                    "prev": f"after-{max(0, first - (last - first))}" if first else None,
                    "next": f"after-{last}" if last < len(rows) else None,
                },
            }
        )
