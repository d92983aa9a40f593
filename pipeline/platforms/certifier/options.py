"""What an administrator writes about a Certifier workspace; what the vendor leaves open is a setting here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from marshmallow import fields, validate

from pipeline.options import Address, Hosted, Secret, Secrets

#: before the tag of an attribute, wherever the API names one (contract 3)
PREFIX = "custom."


class CertifierSchema(Hosted):
    """One Certifier workspace: an access token belongs to one."""

    hosts: ClassVar[Mapping[str, str]] = {"production": "https://api.certifier.io"}

    token = Secret(required=True)
    #: what signs the webhooks; without one they are refused
    webhook_secrets = Secrets(load_default=())
    #: the tag of the attribute that keeps our reference; it has to be made in the workspace
    reference_attribute = fields.String(
        load_default="confer_ref", validate=validate.Regexp(r"[A-Za-z0-9_.-]{1,100}\Z")
    )
    #: where credentials are shown; another domain where the issuer has one of its own
    pages = Address(load_default="https://credsverse.com/credentials")
    #: who writes to the learner: `confer`, or `certifier` with the e-mail template of the workspace
    mail = fields.String(load_default="confer", validate=validate.OneOf(["confer", "certifier"]))
    #: whether links that Confer mails say that the recipient follows them, so that a view counts as a claim
    recipient_link = fields.Boolean(load_default=True)
    #: what a withdrawal does: `delete` the credential, or set its date of expiry into the past
    withdrawal = fields.String(load_default="delete", validate=validate.OneOf(["delete", "expire"]))
    #: whether a search may name the group: assumed; otherwise all credentials of the workspace are passed through
    search_by_group = fields.Boolean(load_default=True)
    #: whether a listing tells claims too: that reads every interaction of the workspace
    list_claims = fields.Boolean(load_default=False)


@dataclass(frozen=True, kw_only=True)
class Terms:
    """How one workspace is used. `reference` is the attribute's name in the API; no keys are in here."""

    reference: str
    pages: str
    certifier_mails: bool
    marks_recipient: bool
    expires: bool
    search_by_group: bool
    list_claims: bool


def terms(options: Mapping[str, Any]) -> Terms:
    """What the options come to."""
    confer_mails = options["mail"] == "confer"
    return Terms(
        reference=f"{PREFIX}{options['reference_attribute']}",
        pages=options["pages"],
        certifier_mails=not confer_mails,
        marks_recipient=confer_mails and options["recipient_link"],
        expires=options["withdrawal"] == "expire",
        search_by_group=options["search_by_group"],
        list_claims=options["list_claims"],
    )
