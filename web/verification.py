"""The public pages of our own issuer: a person or a machine that was shown a credential finds out if it is true.

Nothing here is read from the row but where to look. The signature is verified on every view, before the page
says "valid", and a credential without a good signature is answered with an alarm under every address.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any
from urllib.parse import urlencode

import structlog
from flask import Blueprint, Response, abort, make_response, render_template, request

from pipeline import clock
from pipeline.badges import certificate, identity
from pipeline.badges.document import CONTEXT, Unproven
from pipeline.badges.standing import Proven, prove
from pipeline.settings import settings
from pipeline.store.badges import Badge, newest_of
from pipeline.store.database import reading
from web.guards import guard

DAY = 86400
#: how long others may keep the keys: a new one has to be found before anybody asks about it
KEYS_KEPT = 300
#: how long others may keep a certificate or picture: a name that a learner withdraws has to disappear from them
CERTIFICATE_KEPT = 600
_PUBLIC_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")

verification = Blueprint("verification", __name__)
verification.add_app_template_filter(certificate.spelled, "spelled")
log = structlog.get_logger(__name__)


@verification.app_context_processor
def letterhead() -> dict[str, str]:
    """What the base layout of every page shows of the issuer."""
    return {"organization": settings().organization, "organization_url": settings().issuer_url}


def alarmed(view: Callable[..., Response]) -> Callable[..., Response]:
    """Answer a credential that does not verify with a page that says so; it is our fault, hence a 500."""

    @wraps(view)
    def answer(**arguments: Any) -> Response:
        try:
            return view(**arguments)
        except Unproven as fault:
            log.error("credential_does_not_verify", path=request.path, fault=str(fault))
            page = render_template("unproven.html", fault=fault, path=request.path)
            return _fresh(make_response(page, 500))

    return answer


@verification.get("/credentials/<public_id>")
@guard("public")
@alarmed
def credential_page(public_id: str) -> Response:
    """The verification page."""
    credential = prove(_stored(public_id))
    now = clock.now()
    page = render_template(
        "credential.html",
        credential=credential,
        standing=credential.standing(now).value,
        checked_at=now,
        picture_size=certificate.PICTURE_SIZE,
        share="https://www.linkedin.com/sharing/share-offsite/?" + urlencode({"url": credential.url}),
    )
    return _fresh(make_response(page))


@verification.get("/credentials/<public_id>.json")
@guard("public")
@alarmed
def credential_json(public_id: str) -> Response:
    """The content of the credential without the claims of its JWT: JSON-LD that reads as plain JSON as well."""
    document = prove(_stored(public_id)).document
    return _kept(_json(document, mimetype="application/ld+json"), DAY, immutable=True)


@verification.get("/credentials/<public_id>.jwt")
@guard("public")
def credential_jwt(public_id: str) -> Response:
    """The credential as signed: served unjudged, because who takes it verifies it."""
    answer = Response(_stored(public_id).jwt, mimetype="application/vc+jwt")
    return _kept(_open_to_scripts(answer), DAY, immutable=True)


@verification.get("/credentials/<public_id>.pdf")
@guard("public")
@alarmed
def credential_pdf(public_id: str) -> Response:
    """The certificate."""
    answer = Response(certificate.pdf(prove(_stored(public_id))), mimetype="application/pdf")
    answer.headers["Content-Disposition"] = f'inline; filename="certificate-{public_id}.pdf"'
    return _kept(answer, CERTIFICATE_KEPT)


@verification.get("/credentials/<public_id>.png")
@guard("public")
@alarmed
def credential_picture(public_id: str) -> Response:
    """The picture that social networks show beside a shared link."""
    answer = Response(certificate.picture(prove(_stored(public_id))), mimetype="image/png")
    return _kept(answer, CERTIFICATE_KEPT)


@verification.get("/achievements/<achievement>")
@guard("public")
@alarmed
def achievement_page(achievement: str) -> Response:
    """What a learner has to do for this credential, for people and, if they ask for JSON, for machines."""
    credential = _last_awarded(achievement)
    kinds = ["text/html", "application/json", "application/ld+json"]
    wanted = request.accept_mimetypes.best_match(kinds, default="text/html")
    if wanted == "text/html":
        page = render_template("achievement.html", achievement=credential.achievement, issuer=credential.issuer)
        answer = make_response(page)
    else:
        answer = _json({"@context": list(CONTEXT), **credential.achievement}, mimetype=wanted)
    answer.vary.add("Accept")
    return _kept(answer, KEYS_KEPT)


@verification.get("/.well-known/did.json")
@verification.get("/did.json")  # where did:web looks if the public address has a path
@guard("public")
def did_document() -> Response:
    """The did:web document of the issuer."""
    return _kept(_json(identity.did_document()), KEYS_KEPT)


@verification.get("/.well-known/jwks.json")
@guard("public")
def key_set() -> Response:
    """Every key that has ever signed a credential here."""
    return _kept(_json(identity.key_set()), KEYS_KEPT)


@verification.get("/keys/<thumbprint>")
@guard("public")
def one_key(thumbprint: str) -> Response:
    """The key that the `kid` of a credential points to."""
    key = identity.published_key(thumbprint)
    if key is None:
        abort(404)
    return _kept(_json(key), KEYS_KEPT)


@verification.errorhandler(404)
def not_found(_error: Exception) -> Response:
    """Help somebody whose address leads nowhere."""
    return _fresh(make_response(render_template("not_found.html"), 404))


def _stored(public_id: str) -> Badge:
    if not _PUBLIC_ID.fullmatch(public_id):
        abort(404)
    with reading() as session:
        badge = session.get(Badge, public_id)
    if badge is None:
        abort(404)
    return badge


def _last_awarded(achievement: str) -> Proven:
    if not achievement.isprintable():
        abort(404)
    with reading() as session:
        badge = newest_of(session, achievement)
    if badge is None:
        abort(404)
    return prove(badge)


def _fresh(answer: Response) -> Response:
    """A page that says how things are now is asked for again each time."""
    answer.headers["Cache-Control"] = "no-cache"
    return answer


def _kept(answer: Response, seconds: int, *, immutable: bool = False) -> Response:
    """Let others keep an answer, and spare them its body if they still have it."""
    answer.headers["Cache-Control"] = f"public, max-age={seconds}" + (", immutable" if immutable else "")
    answer.add_etag()
    answer.make_conditional(request)
    answer.headers.pop("Date", None)  # the server in front sets it; twice is one too many
    return answer


def _json(document: Mapping[str, Any], mimetype: str = "application/json") -> Response:
    """A document in the order in which it was written, indented for people who look at it."""
    body = json.dumps(document, ensure_ascii=False, indent=2) + "\n"
    return _open_to_scripts(Response(body, mimetype=mimetype))


def _open_to_scripts(answer: Response) -> Response:
    """Verifiers that run in a browser, under any address, may read what is public anyway."""
    answer.headers["Access-Control-Allow-Origin"] = "*"
    return answer
