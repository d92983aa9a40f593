"""The webhook: signed over its raw bytes, in a bare and in a full form; what it says is read back (contract 8)."""

from __future__ import annotations

import hashlib
import hmac

from marshmallow import fields, validate

from pipeline.platforms.certifier.credentials import possible
from pipeline.platforms.certifier.interactions import GUEST
from pipeline.reading import Lenient
from pipeline.values import Hint
from pipeline.webhook import Invalid, Request, Unauthenticated, heard, json_body, proves

HEADER = "x-webhook-signature"
#: what our own issuing causes, and tells nothing new
_OURS = frozenset({"credential.created", "credential.issued"})


class _ResourceSchema(Lenient):
    id = fields.String(required=True)
    type = fields.String(required=True)


class _InteractionSchema(Lenient):
    by = fields.String(load_default=None, allow_none=True, data_key="triggeredBy")


class _DataSchema(Lenient):
    resource = fields.Nested(_ResourceSchema, required=True)
    interaction = fields.Nested(
        _InteractionSchema, load_default=None, allow_none=True, data_key="credentialInteraction"
    )


class _EventSchema(Lenient):
    id = fields.String(required=True, validate=validate.Regexp(r"[!-~]{1,200}\Z"))
    type = fields.String(required=True)
    data = fields.Nested(_DataSchema, required=True)


def hear(request: Request, secrets: tuple[str, ...]) -> tuple[Hint, ...]:
    """What one webhook points at; nothing where it is not about a credential, or where a guest looked at one.

    Raises:
        Unauthenticated, Unreadable, Invalid: see `pipeline.webhook`.
    """
    signatures = tuple(hmac.new(secret.encode(), request.body, hashlib.sha256).hexdigest() for secret in secrets)
    if not proves(request.headers.get(HEADER, "").strip(), signatures):
        raise Unauthenticated("the signature is missing or wrong")
    event = heard(_EventSchema(), json_body(request))
    resource, interaction = event["data"]["resource"], event["data"]["interaction"]
    if resource["type"] != "credential" or event["type"] in _OURS:
        return ()
    if interaction is not None and interaction["by"] == GUEST:
        return ()
    if not possible(resource["id"]):
        raise Invalid({"data": {"resource": {"id": ["expected an id of a credential"]}}})
    return (Hint(key=event["id"], ref=resource["id"]),)
