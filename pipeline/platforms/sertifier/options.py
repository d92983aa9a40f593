"""What an account at Sertifier is told; whatever the contract assumes or does not know is an option here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from marshmallow import ValidationError, fields, validate, validates_schema

from pipeline.options import Hosted, Secret

_ONE_OR_MORE = validate.Length(min=1)


def _numbers(*default: int) -> fields.List[int]:
    return fields.List(fields.Integer(strict=True), load_default=list(default), validate=_ONE_OR_MORE)


class SertifierSchema(Hosted):
    """One Sertifier account. There is no host for trying out (contract 1)."""

    hosts: ClassVar[Mapping[str, str]] = {"production": "https://b2b.sertifier.com"}

    key = Secret(required=True)
    #: which API the header asks for; the paths used here are those of 3.3
    api_version: fields.String = fields.String(load_default="3.3", validate=_ONE_OR_MORE)
    #: who writes to the learner when a credential is issued
    mail: fields.String = fields.String(load_default="sertifier", validate=validate.OneOf(["sertifier", "confer"]))
    #: whether our reference is sent as `externalId`; whether that must be unique is not known (contract 2)
    send_reference = fields.Boolean(load_default=True)
    #: a campaign's `status` when it can be issued into (contract 7: one integrator takes 1 and 3)
    usable_statuses = _numbers(1, 3)
    #: a credential's `status` when it is published, and when it is not (assumed: there is no published key)
    live_statuses = _numbers(1)
    unpublished_statuses = _numbers(0)
    #: `emailTracking` from which on the learner counts as having taken it; without it nothing is said of that
    claimed_from: fields.Integer = fields.Integer(strict=True, load_default=None, validate=validate.Range(min=1))
    withdrawal: fields.String = fields.String(load_default="delete", validate=validate.OneOf(["delete", "expire"]))
    #: what a refusal says of something that is not there, in small letters; the texts are not documented
    not_found: fields.List[str] = fields.List(
        fields.String(validate=_ONE_OR_MORE),
        load_default=["not found", "not exist", "no such", "could not be found", "cannot be found"],
        validate=_ONE_OR_MORE,
    )

    @validates_schema
    def _apart(self, data: Mapping[str, Any], **_: Any) -> None:
        if set(data.get("live_statuses", ())) & set(data.get("unpublished_statuses", ())):
            raise ValidationError("the same number is named as live and as unpublished", "live_statuses")
