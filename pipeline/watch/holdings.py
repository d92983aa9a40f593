"""Holdings: one credential of ours held against what its platform has: whether it is there, whose name it bears."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from pipeline.stages import CredentialState
from pipeline.store.credentials import CredentialRow
from pipeline.values import ClaimState, Held, Standing


class Difference(StrEnum):
    """How our rows and what a platform has differ."""

    MISSING = "missing"
    REVOKED = "revoked"
    UNPUBLISHED = "unpublished"
    WRONG_TEMPLATE = "wrong-template"
    WRONG_NAME = "wrong-name"
    CLAIM_LOST = "claim-lost"
    STILL_LIVE = "still-live"
    UNRECORDED = "unrecorded"
    TWICE = "twice"
    EXTRA = "extra"
    NOT_COMPARED = "not-compared"
    NOT_ASKED = "not-asked"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One difference. `subject` is the platform's id of the credential; `passing`: an outage, nothing differs."""

    kind: Difference
    account: str
    detail: str
    template: str = ""
    subject: str = ""
    case: str = ""
    passing: bool = False


#: what a difference means, and what to do, in a sentence after "credential X of template Y"
MEANINGS: Mapping[Difference, str] = {
    Difference.MISSING: "is confirmed here and gone there: issue it anew by a correction, or withdraw it here",
    Difference.REVOKED: (
        "was taken back there, or expired early, and is confirmed here: withdraw it here, or have it restored there"
    ),
    Difference.UNPUBLISHED: "is there and nobody can see it: have it published there",
    Difference.WRONG_TEMPLATE: "stands under another template there than it was issued for",
    Difference.WRONG_NAME: "bears another name there than it was issued for: correct it here, or there",
    Difference.CLAIM_LOST: "was claimed or declined, and is open again there",
    Difference.STILL_LIVE: "is withdrawn here and still live there: take it back there",
    Difference.UNRECORDED: "bears a reference of ours and is not recorded here",
    Difference.TWICE: (
        "bears the reference of a credential that is confirmed here under another id: have one taken back"
    ),
    Difference.EXTRA: "was issued there, not by us",
}
#: a day begins earlier or later in another zone
_ZONES = timedelta(days=1)


def differences(row: CredentialRow, held: Held | None, *, today: date) -> tuple[Difference, ...]:
    """In what a recorded credential and its platform's copy differ; None held: the platform has none of that id."""
    if row.state == CredentialState.WITHDRAWN:
        return (Difference.STILL_LIVE,) if held is not None and held.standing is Standing.LIVE else ()
    if row.state != CredentialState.CONFIRMED:
        return ()  # whoever is about to change it will see for themselves
    if held is None:
        return (Difference.MISSING,)
    if held.standing is Standing.WITHDRAWN or (held.standing is Standing.EXPIRED and not _runs_out(row.order, today)):
        return (Difference.REVOKED,)
    found = {
        Difference.UNPUBLISHED: held.standing is Standing.UNPUBLISHED,
        Difference.WRONG_TEMPLATE: held.template != row.order["template"],
        Difference.WRONG_NAME: held.name is not None and not _is_name(held.name, row.order),
        Difference.CLAIM_LOST: held.claim is ClaimState.OPEN and row.claim_state not in {None, ClaimState.OPEN},
    }
    return tuple(kind for kind, differs in found.items() if differs)


def _runs_out(order: Mapping[str, Any], today: date) -> bool:
    """Whether the credential is to have expired by now."""
    expires = order.get("expires_on")
    return expires is not None and date.fromisoformat(expires) <= today + _ZONES


def _is_name(name: str, order: Mapping[str, Any]) -> bool:
    """Whether a name is the one that was ordered, but for case, width and blanks.

    A platform that keeps given and family name apart tells these two, and a single name, which it wants twice, twice.
    """
    single = order["name"].split()
    parts = f"{order.get('given_name') or ''} {order.get('family_name') or ''}"
    return _plain(name) in {
        _plain(order["name"]),
        _plain(parts),
        _plain(" ".join(single * 2 if len(single) == 1 else single)),
    }


def _plain(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
