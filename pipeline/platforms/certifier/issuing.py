"""Draft, issue, send: what is drafted is found again, and what is sent is sent once (contract 3 and 6)."""

from __future__ import annotations

from pipeline.errors import Failure, Rejected, Unsure
from pipeline.platforms.certifier.credentials import CredentialSchema, issued, possible, read, standing
from pipeline.platforms.certifier.drafting import draft
from pipeline.platforms.certifier.options import Terms
from pipeline.platforms.certifier.refusals import SYSTEM, refuse
from pipeline.platforms.certifier.rest import Rest, made
from pipeline.values import Issued, Order, Standing

ISSUE = "v1/credentials/{id}/issue"
SEND = "v1/credentials/{id}/send"


def issue(rest: Rest, terms: Terms, order: Order) -> Issued:
    """Draft it and issue the draft.

    Raises:
        Unsure: from the draft on, whatever goes wrong: a look-up finds the draft, and `publish` goes on from it.
        Duplicate, Rejected, Misconfigured, Outage, Throttled: nothing was made.
    """
    ref = draft(rest, terms, order)
    try:
        return publish(rest, terms, ref)
    except Unsure:
        raise
    except Failure as failure:
        raise Unsure(f"a draft was made and not issued: {failure.detail}") from failure


def publish(rest: Rest, terms: Terms, ref: str) -> Issued:
    """Issue a draft. One that is issued already is a success; it is not mailed again.

    Raises:
        Rejected: it is gone, or scheduled, or expired. Unsure, Misconfigured, Outage, Throttled: see `Platform`.
    """
    answer = rest.call("POST", ISSUE, id=ref) if possible(ref) else None
    if answer is None or answer.status == 404:
        raise Rejected(f"{SYSTEM} has no such draft any more")
    if answer.status == 409:
        return _now_live(rest, terms, ref, otherwise=Rejected)
    refuse(answer, ISSUE)
    found = made(CredentialSchema(), answer, ISSUE)
    if found["id"] != ref:
        raise Unsure(f"{SYSTEM} answered {ISSUE} with another credential")
    if terms.certifier_mails:
        _send(rest, ref)
    if standing(found) is Standing.LIVE:
        return issued(found, terms, live=True)
    # the vendor's samples show a draft here, whatever became of it (contract 3)
    return _now_live(rest, terms, ref, otherwise=Unsure)


def _now_live(rest: Rest, terms: Terms, ref: str, *, otherwise: type[Failure]) -> Issued:
    found = read(rest, ref)
    if found is None:
        raise Rejected(f"{SYSTEM} has no such draft any more")
    if standing(found) is not Standing.LIVE:
        raise otherwise(f"{SYSTEM} did not issue it: its status there is {found['status']}")
    return issued(found, terms, live=True)


def _send(rest: Rest, ref: str) -> None:
    """Have Certifier mail it; asked once, by the call that issued it, because asking again mails again."""
    try:
        refuse(rest.call("POST", SEND, {"deliveryMethod": "email"}, id=ref), SEND)
    except Failure as failure:
        raise Unsure(f"it is issued, and perhaps not mailed by {SYSTEM}: {failure.detail}") from failure
