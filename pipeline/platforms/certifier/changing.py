"""Changing what is issued, and taking it back: Certifier has no revocation (contract 7)."""

from __future__ import annotations

from datetime import timedelta

from pipeline import clock
from pipeline.errors import Rejected, Unsure
from pipeline.platforms.certifier.credentials import CREDENTIAL, CredentialSchema, issued, possible, read, standing
from pipeline.platforms.certifier.drafting import details, recipient
from pipeline.platforms.certifier.options import Terms
from pipeline.platforms.certifier.refusals import SYSTEM, refuse
from pipeline.platforms.certifier.rest import Rest, made
from pipeline.values import Issued, Order, Standing


def correct(rest: Rest, terms: Terms, order: Order, ref: str) -> Issued:
    """Change name, address and attributes to those of the order; the dates stay, so that none comes back to life.

    The recipient is named by an id of its own, which has to be read first. Attributes that are there and not in the
    order are sent along: whether a change takes away what it does not name is not documented.

    Raises:
        Rejected: there is none. Unsure, Misconfigured, Outage, Throttled: see `Platform`.
    """
    who, found = recipient(order), read(rest, ref)
    if found is None:
        raise Rejected(f"{SYSTEM} has no such credential any more")
    body = {
        "recipient": {"id": found["recipient"]["id"], **who},
        "customAttributes": {**(found["custom_attributes"] or {}), **details(terms, order)},
    }
    answer = rest.call("PATCH", CREDENTIAL, body, id=ref)
    refuse(answer, CREDENTIAL)
    changed = made(CredentialSchema(), answer, CREDENTIAL)
    if changed["id"] != ref:
        raise Unsure(f"{SYSTEM} answered {CREDENTIAL} with another credential")
    return issued(found, terms, live=standing(found) is Standing.LIVE)


def withdraw(rest: Rest, terms: Terms, ref: str) -> None:
    """Delete it, or let it expire. One that is gone, or has expired, is a success.

    Raises:
        Unsure, Rejected, Misconfigured, Outage, Throttled: see `Platform`.
    """
    if terms.expires:
        found = read(rest, ref)
        if found is None or standing(found) is Standing.EXPIRED:
            return
        if standing(found) is Standing.LIVE:
            _expire(rest, ref)
            return
    if possible(ref):  # a draft never was live, and cannot expire
        answer = rest.call("DELETE", CREDENTIAL, id=ref)
        if answer.status != 404:
            refuse(answer, CREDENTIAL)


def _expire(rest: Rest, ref: str) -> None:
    yesterday = clock.now().date() - timedelta(days=1)
    answer = rest.call("PATCH", CREDENTIAL, {"expiryDate": yesterday.isoformat()}, id=ref)
    if answer.status == 404:
        return
    refuse(answer, CREDENTIAL)
    if standing(made(CredentialSchema(), answer, CREDENTIAL)) is Standing.LIVE:
        raise Unsure(f"{SYSTEM} took a date of expiry, and shows the credential as live")
