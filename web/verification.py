"""The public pages of our own issuer: a person or a machine that was shown a credential finds out if it is true.

Nothing here is read from the row but where to look, and that a credential was revoked. The signature is verified on
every view, before the page says "valid", and a credential without a good signature is answered with an alarm under
every address.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

import structlog
from flask import Blueprint, Response, abort, make_response, render_template, request

from pipeline import clock
from pipeline.badges import certificate
from pipeline.badges.baking import bake_png, bake_svg
from pipeline.badges.document import CONTEXT, Unproven
from pipeline.badges.standing import Proven, prove
from pipeline.settings import settings
from pipeline.store.badges import PUBLIC_ID, Badge, newest_of
from pipeline.store.database import reading
from web.answers import DAY, KEYS_KEPT, fresh, json_document, kept, not_found, open_to_scripts
from web.guards import guard
from web.issuer import JWT_TYPES

#: how long others may keep a certificate or picture: a name that a learner withdraws has to disappear from them
CERTIFICATE_KEPT = 600

verification = Blueprint("verification", __name__)
verification.register_error_handler(404, not_found)
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
            return fresh(make_response(page, 500))

    return answer


@verification.get("/credentials/<public_id>")
@guard("public")
@alarmed
def credential_page(public_id: str) -> Response:
    """The verification page, or the credential itself for a machine that asks for a form of it."""
    badge = _stored(public_id)
    credential = prove(badge)
    forms = ["application/vc"] if credential.secured else []
    kinds = ["text/html", *forms, *JWT_TYPES, "application/ld+json", "application/json"]
    wanted = request.accept_mimetypes.best_match(kinds, default="text/html")
    if wanted == "text/html":
        answer = _page(credential)
    elif wanted in JWT_TYPES:
        answer = _lasting(Response(badge.jwt, mimetype=wanted))
    else:
        answer = _lasting(json_document(credential.secured or credential.document, mimetype=wanted))
    answer.vary.add("Accept")
    return answer


@verification.get("/credentials/<public_id>.json")
@guard("public")
@alarmed
def credential_json(public_id: str) -> Response:
    """The credential with its embedded proof. An older one has none: then it is the content of its JWT."""
    credential = prove(_stored(public_id))
    if credential.secured is None:
        return _lasting(json_document(credential.document, mimetype="application/ld+json"))
    return _lasting(json_document(credential.secured, mimetype="application/vc"))


@verification.get("/credentials/<public_id>.jwt")
@guard("public")
def credential_jwt(public_id: str) -> Response:
    """The credential as signed: served unjudged, because who takes it verifies it."""
    return _lasting(Response(_stored(public_id).jwt, mimetype="application/vc+jwt"))


@verification.get("/credentials/<public_id>.pdf")
@guard("public")
@alarmed
def credential_pdf(public_id: str) -> Response:
    """The certificate; there is none of a credential that was revoked."""
    credential = prove(_stored(public_id))
    if credential.revoked_on:
        return _page(credential, 410)
    answer = Response(certificate.pdf(credential), mimetype="application/pdf")
    answer.headers["Content-Disposition"] = f'inline; filename="certificate-{public_id}.pdf"'
    return kept(answer, CERTIFICATE_KEPT)


@verification.get("/credentials/<public_id>.png")
@guard("public")
@alarmed
def credential_picture(public_id: str) -> Response:
    """The picture that social networks show beside a shared link."""
    answer = Response(certificate.picture(prove(_stored(public_id))), mimetype="image/png")
    return kept(answer, CERTIFICATE_KEPT)


@verification.get("/credentials/<public_id>/badge.<any(png, svg):form>")
@guard("public")
@alarmed
def baked_badge(public_id: str, form: str) -> Response:
    """The badge with the credential in it; there is none of a credential that was revoked."""
    badge = _stored(public_id)
    credential = prove(badge)
    if credential.revoked_on:
        return _page(credential, 410)
    text = json.dumps(credential.secured, ensure_ascii=False) if credential.secured else badge.jwt
    if form == "png":
        answer = Response(bake_png(certificate.badge(credential, "png"), text), mimetype="image/png")
    else:
        answer = Response(bake_svg(certificate.badge(credential, "svg"), text), mimetype="image/svg+xml")
    answer.headers["Content-Disposition"] = f'attachment; filename="badge-{public_id}.{form}"'
    return kept(answer, CERTIFICATE_KEPT)


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
        answer = json_document({"@context": list(CONTEXT), **credential.achievement}, mimetype=wanted)
    answer.vary.add("Accept")
    return kept(answer, KEYS_KEPT)


@verification.get("/achievements/<achievement>/badge.png")
@guard("public")
@alarmed
def achievement_picture(achievement: str) -> Response:
    """The picture of the badge, without any credential in it."""
    answer = Response(certificate.badge(_last_awarded(achievement), "png"), mimetype="image/png")
    return kept(open_to_scripts(answer), CERTIFICATE_KEPT)


def _page(credential: Proven, status: int = 200) -> Response:
    now = clock.now()
    page = render_template(
        "credential.html",
        credential=credential,
        standing=credential.standing(now).value,
        checked_at=now,
        picture_size=certificate.PICTURE_SIZE,
        share="https://www.linkedin.com/sharing/share-offsite/?" + urlencode({"url": credential.url}),
    )
    return fresh(make_response(page, status))


def _lasting(answer: Response) -> Response:
    """What was signed never changes, and stays to be had after a revocation."""
    return kept(open_to_scripts(answer), DAY, immutable=True)


def _stored(public_id: str) -> Badge:
    if not PUBLIC_ID.fullmatch(public_id):
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
