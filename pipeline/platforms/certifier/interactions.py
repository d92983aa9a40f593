"""Whether the recipient opened a credential: Certifier has no claim, only interactions (contract 8)."""

from __future__ import annotations

from datetime import datetime

from marshmallow import fields, validate

from pipeline.platforms.certifier.rest import Rest
from pipeline.reading import Instant, Lenient
from pipeline.values import ClaimState

INTERACTIONS = "v1/credential-interactions"
#: who is not the recipient is a guest, or the recipient on another device: no proof of a claim
RECIPIENT, GUEST = "recipient", "guest"


class InteractionSchema(Lenient):
    """An interaction. Which one it is does not matter: whoever shares or downloads has opened it."""

    credential_id = fields.String(required=True, data_key="credentialId")
    by = fields.String(required=True, data_key="triggeredBy", validate=validate.OneOf([RECIPIENT, GUEST]))
    at = Instant(required=True, data_key="triggeredAt")


def first_openings(rest: Rest, ref: str | None = None) -> dict[str, datetime]:
    """When recipients first opened their credentials, by the credential's id; of one, or of the whole workspace.

    Raises:
        Misconfigured, Outage, Throttled: see `pipeline.errors`.
    """
    found: dict[str, datetime] = {}
    query = {"credentialId": ref} if ref else {}
    for one in rest.every(InteractionSchema(), INTERACTIONS, query=query):
        if one["by"] == RECIPIENT:
            found[one["credential_id"]] = min(one["at"], found.get(one["credential_id"], one["at"]))
    return found


def claim_state(opened_at: datetime | None) -> ClaimState:
    """The claim that an opening stands for."""
    return ClaimState.OPEN if opened_at is None else ClaimState.CLAIMED
