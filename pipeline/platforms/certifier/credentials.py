"""A credential as Certifier tells it, and the one place where its words become ours (contract 2 and 8)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from marshmallow import fields, validate

from pipeline import clock
from pipeline.platforms.certifier.options import Terms
from pipeline.platforms.certifier.rest import Rest
from pipeline.reading import Instant, Lenient
from pipeline.values import ClaimState, Held, Issued, Standing

CREDENTIALS = "v1/credentials"
CREDENTIAL = "v1/credentials/{id}"
#: ids are ULIDs, and were 24 hexadecimal digits before; anything else is no id, and is never put into an address
_ID = re.compile(r"[0-9A-Za-z]{20,40}\Z")
#: Certifier knows no withdrawal: what is withdrawn is gone, or expired (contract 7)
_STANDINGS: Mapping[str, Standing] = {
    "draft": Standing.UNPUBLISHED,
    "scheduled": Standing.UNPUBLISHED,
    "issued": Standing.LIVE,
    "expired": Standing.EXPIRED,
}


class _RecipientSchema(Lenient):
    id = fields.String(load_default=None, allow_none=True)
    name = fields.String(load_default=None, allow_none=True)
    email = fields.String(load_default=None, allow_none=True)


class CredentialSchema(Lenient):
    """A credential. A status that is not known is no credential that could be judged."""

    id = fields.String(required=True, validate=validate.Regexp(_ID))
    public_id = fields.String(required=True, data_key="publicId", validate=validate.Length(min=1))
    group_id = fields.String(required=True, data_key="groupId")
    status = fields.String(required=True, validate=validate.OneOf(_STANDINGS))
    recipient = fields.Nested(_RecipientSchema, required=True)
    expiry_date = fields.Date(load_default=None, allow_none=True, data_key="expiryDate")
    custom_attributes = fields.Dict(
        keys=fields.String(), values=fields.Raw(allow_none=True), load_default=dict, allow_none=True,
        data_key="customAttributes",
    )  # fmt: skip
    created_at = Instant(required=True, data_key="createdAt")


def possible(ref: str) -> bool:
    """Whether this can be an id of Certifier's at all."""
    return _ID.match(ref) is not None


def read(rest: Rest, ref: str) -> dict[str, Any] | None:
    """One credential; None where there is none, or where `ref` can be no id.

    Raises:
        Misconfigured, Outage, Throttled: see `pipeline.errors`.
    """
    return rest.one(CredentialSchema(), CREDENTIAL, id=ref) if possible(ref) else None


def standing(found: Mapping[str, Any]) -> Standing:
    """How it stands. A date of expiry that has passed counts, whether Certifier's status has followed or not."""
    known = _STANDINGS[found["status"]]
    expiry = found["expiry_date"]
    return Standing.EXPIRED if known is Standing.LIVE and expiry and expiry < clock.now().date() else known


def reference(found: Mapping[str, Any], terms: Terms) -> str | None:
    """Our reference, None where it bears none: then it was made by hand."""
    value = (found["custom_attributes"] or {}).get(terms.reference)
    return value if isinstance(value, str) and value else None


def address_of(found: Mapping[str, Any]) -> str:
    """The recipient's e-mail address as addresses are compared."""
    return (found["recipient"]["email"] or "").strip().lower()


def issued(found: Mapping[str, Any], terms: Terms, *, live: bool, ours: bool = True) -> Issued:
    """What issuing and finding answer."""
    return Issued(platform_ref=found["id"], url=_url(found, terms), live=live, ours=ours)


def held(
    found: Mapping[str, Any], terms: Terms, *, claim: ClaimState | None = None, claimed_at: datetime | None = None
) -> Held:
    """What reading and listing answer."""
    return Held(
        platform_ref=found["id"],
        template=found["group_id"],
        standing=standing(found),
        url=_url(found, terms),
        ref=reference(found, terms),
        name=found["recipient"]["name"],
        email=address_of(found) or None,
        claim=claim,
        claimed_at=claimed_at,
    )


def _url(found: Mapping[str, Any], terms: Terms) -> str:
    """The public page. Certifier knows the recipient by a mark in the address alone (contract 8)."""
    mark = "?recipient=true" if terms.marks_recipient else ""
    return f"{terms.pages}/{quote(found['public_id'], safe='')}{mark}"
