"""Accredible's API over HTTP, with its mixed error shapes, and the public pages of credentials."""

from __future__ import annotations

import hmac
import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, jsonify, render_template, request

from sandbox.platforms.accredible.account import Account, NotThere
from sandbox.platforms.accredible.bulk import results_of
from sandbox.platforms.accredible.forms import as_created, as_found, as_group
from sandbox.platforms.accredible.rules import Invalid
from sandbox.platforms.accredible.search import InvalidQuery, search

if TYPE_CHECKING:
    from sandbox.platforms.accredible import Accredible

_PAGE = 50
_KINDS = ("text", "date", "email", "image")
# the documented spelling, and those that clients in the field use
_AUTHORIZATION = re.compile(r'(?:Token token="([^"]+)"|Token token=([^"\s]+)|Token ([^\s=]+)|Bearer (\S+))')

Answer = Response | tuple[Response, int]


class Api:
    """The routes of one account."""

    def __init__(self, twin: Accredible) -> None:
        self.twin = twin

    @property
    def account(self) -> Account:
        """The account's data, as it is since the last reset."""
        return self.twin.account

    def blueprint(self) -> Blueprint:
        """The API behind its key, and the public pages without one."""
        whole = Blueprint("accredible", __name__, url_prefix="/accredible")
        api, pages = Blueprint("api", __name__), Blueprint("pages", __name__)
        for method, path, view in (
            ("POST", "/v1/credentials", self.create),
            ("GET", "/v1/credentials/<reference>", self.read),
            ("PUT", "/v1/credentials/<reference>", self.change),
            ("DELETE", "/v1/credentials/<reference>", self.delete),
            ("POST", "/v2/credentials/search", self.find),
            ("POST", "/v2/credentials/bulk_create", self.bulk_create),
            ("POST", "/v1/credentials/bulk_create", self.old_bulk_create),
            ("GET", "/v1/issuer/details", self.issuer),
            ("GET", "/v1/issuer/groups/<int:group_id>", self.group),
            ("POST", "/v1/issuer/groups/search", self.groups),
            ("POST", "/v1/attribute_keys/search", self.attribute_keys),
        ):
            api.add_url_rule(path, view.__name__, view, methods=[method])
        api.before_request(self.authenticate)
        api.register_error_handler(Invalid, lambda error: (jsonify(errors=error.errors), 422))
        api.register_error_handler(NotThere, lambda _: (jsonify(errors="Doesn't exist"), 404))
        api.register_error_handler(InvalidQuery, _invalid_query)
        pages.add_url_rule("/credentials/<reference>", "page", self.page)
        whole.register_blueprint(api)
        whole.register_blueprint(pages)
        return whole

    def authenticate(self) -> Response | None:
        """Let only the account's key pass; the refusal is plain text."""
        found = _AUTHORIZATION.fullmatch(request.headers.get("Authorization", ""))
        key = next((part for part in found.groups() if part), "") if found else ""
        return None if hmac.compare_digest(key.encode(), self.account.settings.key.encode()) else denied()

    def create(self) -> Answer:
        """Issue one credential."""
        with self.twin.lock:
            return jsonify(credential=as_created(self.account.create(_member("credential")), self.twin.base_url()))

    def read(self, reference: str) -> Answer:
        """One credential by its number or by the caller's own reference."""
        with self.twin.lock:
            return jsonify(credential=as_created(self.account.find(reference), self.twin.base_url()))

    def change(self, reference: str) -> Answer:
        """Change a credential."""
        with self.twin.lock:
            changed = self.account.change(reference, _member("credential"))
            return jsonify(credential=as_created(changed, self.twin.base_url()))

    def delete(self, reference: str) -> Answer:
        """Delete a credential; the answer shows what it was."""
        with self.twin.lock:
            return jsonify(credential=as_created(self.account.delete(reference), self.twin.base_url()))

    def find(self) -> Answer:
        """Search; the answer trails behind what was issued."""
        with self.twin.lock:
            rows, meta = search(self.account.indexed(), request.get_json(silent=True))
            return jsonify(credentials=[as_found(one, self.twin.base_url()) for one in rows], meta=meta)

    def bulk_create(self) -> Answer:
        """Issue up to 30; the results stand in the order of the request."""
        results, status = self._bulk(most=30)
        return jsonify(results=results), status

    def old_bulk_create(self) -> Answer:
        """Issue up to 100, always 200. assumed: the vendor documents no body; it is that of the newer call."""
        results, _ = self._bulk(most=100)
        return jsonify(results=results)

    def issuer(self) -> Answer:
        """The account itself: the check of a key that changes nothing."""
        return jsonify(
            issuer={
                "id": 311,
                "name": "Sandbox Academy",
                "email": "academy@sandbox.example",
                "certificate_left": self.account.settings.credits,
                "language": "en",
                "url": self.twin.base_url().removesuffix(f"/{self.twin.name}"),
            }
        )

    def group(self, group_id: int) -> Answer:
        """One group."""
        found = self.account.groups.get(group_id)
        if found is None:
            raise NotThere(str(group_id))
        return jsonify(group=as_group(found))

    def groups(self) -> Answer:
        """Groups by id, or by part of the name; page by page."""
        body = _wishes()
        with self.twin.lock:
            shown = [as_group(one) for one in self.account.groups.values()]
        rows, meta = _paged([one for one in shown if _group_fits(one, body)], body)
        return jsonify(groups=rows, meta=meta)

    def attribute_keys(self) -> Answer:
        """The names that attributes of credentials may have; page by page."""
        body = _wishes()
        if body.get("kind") not in {None, *_KINDS}:
            raise Invalid({"kind": ["is not included in the list"]})
        names = [one for one in self.account.settings.attribute_keys if str(body.get("name", "")) in one]
        shown = [{"id": n, "name": one, "kind": "text", "department_id": 1} for n, one in enumerate(names, 1)]
        rows, meta = _paged([one for one in shown if body.get("kind") in {None, one["kind"]}], body)
        return jsonify(attribute_keys=rows, meta=meta)

    def page(self, reference: str) -> tuple[str, int]:
        """The public page; one that is not published looks as if there were none."""
        with self.twin.lock:
            try:
                credential = self.account.find(reference)
            except NotThere:
                return render_template("nothing.html", what="credential"), 404
            if not credential.approve:
                return render_template("nothing.html", what="credential"), 404
            self.account.open(credential)
            return render_template("credential.html", credential=credential), 200

    def _bulk(self, *, most: int) -> tuple[list[dict[str, Any]], int]:
        given = _member("credentials")
        if not isinstance(given, list) or not given:
            raise Invalid("credentials must be a list")
        if len(given) > most:
            # assumed: the vendor gives the cap and not the answer to more
            raise Invalid(f"At most {most} credentials can be created at once")
        with self.twin.lock:
            return results_of(self.account, given, self.twin.base_url())


def denied() -> Response:
    """The refusal of a key: plain text, unlike everything else."""
    return Response("HTTP Token: Access denied.\n", status=401, content_type="text/plain; charset=utf-8")


def _invalid_query(error: InvalidQuery) -> Answer:
    return jsonify(code=400, message=str(error), status="invalid_search_query", errors={}), 400


def _member(name: str) -> Any:
    """The wrapper that a body has to have. assumed: the wording of the refusal."""
    # a body under another content type is not read as JSON by the vendor's framework, so the member is missing
    body = request.get_json(silent=True)
    if not isinstance(body, dict) or name not in body:
        raise Invalid(f"param is missing or the value is empty: {name}")
    return body[name]


def _wishes() -> Mapping[str, Any]:
    body = request.get_json(silent=True)
    return body if isinstance(body, dict) else {}


def _paged(found: Sequence[Any], wish: Mapping[str, Any]) -> tuple[Sequence[Any], dict[str, Any]]:
    page, size = wish.get("page", 1), wish.get("page_size", _PAGE)
    if type(page) is not int or type(size) is not int or page < 1 or size < 1:
        raise Invalid({"page": ["is invalid"]})
    pages_in_all = max(1, math.ceil(len(found) / size))
    meta = {
        "current_page": page,
        "next_page": page + 1 if page < pages_in_all else None,
        "prev_page": page - 1 if page > 1 else None,
        "total_pages": pages_in_all,
        "total_count": len(found),
    }
    return found[(page - 1) * size : page * size], meta


def _group_fits(shown: dict[str, Any], wish: Mapping[str, Any]) -> bool:
    if wish.get("ids") is not None and shown["id"] not in wish["ids"]:
        return False
    if not (wish.get("meta_data") or {}).items() <= shown["meta_data"].items():
        return False
    names = (name for name in ("name", "course_name") if wish.get(name))
    return all(str(wish[name]).lower() in (shown[name] or "").lower() for name in names)
