"""What verifiers ask of our own issuer: who it is, its keys, and which of its credentials were revoked."""

from __future__ import annotations

from flask import Blueprint, Response, abort, request

from pipeline.badges import identity
from pipeline.badges.revocations import signed_list
from pipeline.store.badges import list_state
from pipeline.store.database import reading
from web.answers import KEYS_KEPT, json_document, kept, not_found, open_to_scripts
from web.guards import guard

JWT_TYPES = ("application/vc+jwt", "application/jwt")
_MOST_LISTS = 1_000_000  # further numbers are nobody's; they would not fit the column

issuer = Blueprint("issuer", __name__)
issuer.register_error_handler(404, not_found)


@issuer.get("/.well-known/did.json")
@issuer.get("/did.json")  # where did:web looks if the public address has a path
@guard("public")
def did_document() -> Response:
    """The did:web document of the issuer."""
    return kept(json_document(identity.did_document()), KEYS_KEPT)


@issuer.get("/.well-known/jwks.json")
@guard("public")
def key_set() -> Response:
    """Every key that has ever signed a JWT here."""
    return kept(json_document(identity.key_set()), KEYS_KEPT)


@issuer.get("/keys/<thumbprint>")
@guard("public")
def one_key(thumbprint: str) -> Response:
    """The key that the `kid` of a credential points to."""
    key = identity.published_key(thumbprint)
    if key is None:
        abort(404)
    return kept(json_document(key), KEYS_KEPT)


@issuer.get("/status-lists/<int:number>")
@guard("public")
def status_list(number: int) -> Response:
    """One status list: with an embedded proof, or as a JWT for who prefers that."""
    if number > _MOST_LISTS:
        abort(404)
    with reading() as session:
        state = list_state(session, number)
    if state is None:
        abort(404)
    made = signed_list(state)
    wanted = request.accept_mimetypes.best_match(["application/vc", *JWT_TYPES], default="application/vc")
    if wanted in JWT_TYPES:
        answer = open_to_scripts(Response(made.jwt, mimetype=wanted))
    else:
        answer = json_document(made.secured, mimetype=wanted)
    answer.vary.add("Accept")
    return kept(answer, KEYS_KEPT)
