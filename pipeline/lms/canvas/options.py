"""What an administrator writes about a Canvas site."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from pipeline.options import Address, Duration, Secret

_DEVELOPER_KEY = ("client_id", "client_secret", "refresh_token")


class CanvasSchema(Schema):
    """One Canvas site."""

    site = Address(required=True)
    #: an access token of a service user, made by hand; or a developer key with a refresh token of that user
    token = Secret(load_default=None)
    client_id = fields.String(load_default=None)
    client_secret = Secret(load_default=None)
    refresh_token = Secret(load_default=None)
    #: where the keys of signed payloads are published; without it events are taken unsigned
    jwks = Address(load_default=None)
    #: the only root account whose events are taken; without it those of any
    root_account_uuid = fields.String(load_default=None)
    #: how old a signed event may be
    max_age = Duration(load_default=timedelta(days=1))
    #: whose courses are listed: the number of an account, or `self`
    account = fields.String(load_default="self")
    #: the course score that counts: `final` takes ungraded work for 0, `current` leaves it out
    total = fields.String(load_default="final", validate=validate.OneOf(["final", "current"]))
    #: who stands in for the supervisor, whom Canvas does not know: the `observer`, or an integrator's `custom_data`
    supervisor = fields.String(load_default=None, validate=validate.OneOf(["observer", "custom_data"]))
    supervisor_namespace = fields.String(load_default=None)
    supervisor_field = fields.String(load_default="manager_email")

    @validates_schema
    def _whole(self, data: Mapping[str, Any], **_: Any) -> None:
        key = [name for name in _DEVELOPER_KEY if data.get(name)]
        if bool(data.get("token")) == bool(key) or (key and len(key) < len(_DEVELOPER_KEY)):
            raise ValidationError(f"write either token, or {', '.join(_DEVELOPER_KEY)}", "token")
        if data.get("supervisor") == "custom_data" and not data.get("supervisor_namespace"):
            raise ValidationError("custom data needs a namespace", "supervisor_namespace")
