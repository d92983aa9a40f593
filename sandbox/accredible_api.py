"""Accredible's API over HTTP, with its mixed error shapes, and the public pages of credentials."""

from __future__ import annotations

import hmac
import math
import re
from typing import Any

from flask import Blueprint, Response, jsonify, render_template, request

from sandbox.accredible import Accredible, NotThere
from sandbox.accredible_forms import as_bulk, as_created, as_found, as_group
from sandbox.accredible_rules import Invalid
from sandbox.accredible_search import InvalidQuery, search
from sandbox.world import base_url, world

api = Blueprint("accredible", __name__, url_prefix="/accredible")
pages = Blueprint("accredible_pages", __name__, url_prefix="/accredible")

_BULK_MOST = 30
# the documented spelling, and those that clients in the field use
_AUTHORIZATION = re.compile(r'(?:Token token="([^"]+)"|Token token=([^"\s]+)|Token ([^\s=]+)|Bearer (\S+))')

Answer = Response | tuple[Response, int]


@api.before_request
def authenticate() -> Response | None:
    """Let only the account's key pass; the refusal is plain text."""
    found = _AUTHORIZATION.fullmatch(request.headers.get("Authorization", ""))
    key = next((part for part in found.groups() if part), "") if found else ""
    if hmac.compare_digest(key.encode(), world().accredible.account.key.encode()):
        return None
    return Response("HTTP Token: Access denied.\n", status=401, content_type="text/plain; charset=utf-8")


@api.errorhandler(Invalid)
def _invalid(error: Invalid) -> Answer:
    return jsonify(errors=error.errors), 422


@api.errorhandler(NotThere)
def _not_there(error: NotThere) -> Answer:
    del error
    return jsonify(errors="Doesn't exist"), 404


@api.errorhandler(InvalidQuery)
def _invalid_query(error: InvalidQuery) -> Answer:
    return jsonify(code=400, message=str(error), status="invalid_search_query", errors={}), 400


def _member(name: str) -> Any:
    """The wrapper that a body has to have. assumed: the wording of the refusal."""
    # a body under another content type is not read as JSON by the vendor's framework, so the member is missing
    body = request.get_json(silent=True)
    if not isinstance(body, dict) or name not in body:
        raise Invalid(f"param is missing or the value is empty: {name}")
    return body[name]


@api.post("/v1/credentials")
def create() -> Answer:
    """Issue one credential."""
    account = world().accredible
    with account.lock:
        return jsonify(credential=as_created(account.create(_member("credential")), base_url()))


@api.get("/v1/credentials/<reference>")
def read(reference: str) -> Answer:
    """One credential by its number or by the caller's own reference."""
    account = world().accredible
    with account.lock:
        return jsonify(credential=as_created(account.find(reference), base_url()))


@api.put("/v1/credentials/<reference>")
def change(reference: str) -> Answer:
    """Change a credential."""
    account = world().accredible
    with account.lock:
        return jsonify(credential=as_created(account.change(reference, _member("credential")), base_url()))


@api.delete("/v1/credentials/<reference>")
def delete(reference: str) -> Answer:
    """Delete a credential; the answer shows what it was."""
    account = world().accredible
    with account.lock:
        return jsonify(credential=as_created(account.delete(reference), base_url()))


@api.post("/v2/credentials/search")
def find() -> Answer:
    """Search; the answer trails behind what was issued."""
    account = world().accredible
    with account.lock:
        rows, meta = search(account.indexed(), request.get_json(silent=True))
        return jsonify(credentials=[as_found(one, base_url()) for one in rows], meta=meta)


@api.post("/v2/credentials/bulk_create")
def bulk_create() -> Answer:
    """Issue up to 30; the results stand in the order of the request."""
    given = _member("credentials")
    if not isinstance(given, list) or not given:
        raise Invalid("credentials must be a list")
    if len(given) > _BULK_MOST:
        # assumed: the vendor gives the cap and not the answer to more
        raise Invalid(f"At most {_BULK_MOST} credentials can be created at once")
    account = world().accredible
    with account.lock:
        results = [_bulk_result(account, one) for one in given]
    failed = [one for one in results if "credential" not in one]
    flawed = [one for one in results if "error" in one or "errors" in one]
    status = 422 if len(failed) == len(results) else 207 if flawed else 200
    return jsonify(results=results), status


def _bulk_result(account: Accredible, given: Any) -> dict[str, Any]:
    wants = not isinstance(given, dict) or given.get("approve", True)
    try:
        credential = account.create(given)
    except Invalid as invalid:
        return _bulk_error(account, invalid.errors)
    result: dict[str, Any] = {"credential": as_bulk(credential, base_url())}
    if wants and not credential.approve and not account.account.sandbox_mode:
        message = "The credential was created but not published"
        result[account.account.bulk_spelling] = {"code": "insufficient_credits", "message": message}
    return result


def _bulk_error(account: Accredible, errors: str | dict[str, list[str]]) -> dict[str, Any]:
    general = account.account.bulk_spelling == "error"
    named = {"group_id": [errors]} if isinstance(errors, str) else errors
    details = []
    for key, messages in named.items():
        # a second credential for the same address is reported at the address here, unlike in a single create
        name = "recipient.email" if key == "credential" else key
        details += [{"property": name, "reason" if general else "message": message} for message in messages]
    error = {"code": "credential_invalid", "message": "The credential is not valid", "details": details}
    return {account.account.bulk_spelling: error}


@api.get("/v1/issuer/details")
def issuer() -> Answer:
    """The account itself: the check of a key that changes nothing."""
    account = world().accredible.account
    return jsonify(
        issuer={
            "id": 311,
            "name": "Sandbox Academy",
            "email": "academy@sandbox.example",
            "certificate_left": account.credits,
            "language": "en",
            "url": base_url(),
        }
    )


@api.get("/v1/issuer/groups/<int:group_id>")
def group(group_id: int) -> Answer:
    """One group."""
    found = world().accredible.groups.get(group_id)
    if found is None:
        raise NotThere(str(group_id))
    return jsonify(group=as_group(found))


@api.post("/v1/issuer/groups/search")
def groups() -> Answer:
    """Groups by id, or by part of the name; page by page."""
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        body = {}
    found = [one for one in world().accredible.groups.values() if _group_fits(as_group(one), body)]
    page, size = body.get("page", 1), body.get("page_size", 50)
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
    return jsonify(groups=[as_group(one) for one in found[(page - 1) * size : page * size]], meta=meta)


def _group_fits(shown: dict[str, Any], wish: dict[str, Any]) -> bool:
    if wish.get("ids") is not None and shown["id"] not in wish["ids"]:
        return False
    if not (wish.get("meta_data") or {}).items() <= shown["meta_data"].items():
        return False
    names = (name for name in ("name", "course_name") if wish.get(name))
    return all(str(wish[name]).lower() in (shown[name] or "").lower() for name in names)


@pages.get("/credentials/<reference>")
def page(reference: str) -> tuple[str, int]:
    """The public page; one that is not published looks as if there were none."""
    account = world().accredible
    try:
        credential = account.find(reference)
    except NotThere:
        return render_template("nothing.html", what="credential"), 404
    if not credential.approve:
        return render_template("nothing.html", what="credential"), 404
    account.open(credential)
    return render_template("credential.html", credential=credential), 200
