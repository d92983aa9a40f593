"""One credential as Sertifier shows it, what its numbers mean, and whether it is an order's (contract 4, 7)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from marshmallow import ValidationError, fields

from pipeline import clock
from pipeline.errors import Outage
from pipeline.reading import Lenient
from pipeline.values import ClaimState, Held, Issued, Order, Standing

#: ids are taken for UUIDs or the like; anything else is no id of Sertifier's, and not asked for
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class _Day(fields.Field[date | None]):
    """A day, with or without a time behind it; the first day of all stands for none.

    How Sertifier writes one is not documented, so only where much hangs on it (`strict`) must it be readable.
    """

    def __init__(self, name: str, *, strict: bool = False) -> None:
        super().__init__(data_key=name, load_default=None, allow_none=True)
        self._strict = strict

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> date | None:
        try:
            day = date.fromisoformat(str(value)[:10])
        except ValueError:
            if self._strict:
                raise ValidationError("expected a day such as 2026-10-01") from None
            return None
        return day if day.year > 1 else None


class _Text(fields.String):
    def __init__(self, name: str) -> None:
        super().__init__(data_key=name, load_default="", allow_none=True)

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any) -> str:
        return super().deserialize(value, attr, data, **kwargs) or ""


class CredentialSchema(Lenient):
    """What is read of a credential; what one source lacks may be missing."""

    id = fields.String(required=True)
    campaign = _Text("campaignId")
    recipient = _Text("recipientId")
    name = _Text("name")
    email = _Text("email")
    link = _Text("verificationLink")
    ref = _Text("externalId")
    made_on = _Day("createDate")
    issued_on = _Day("issueDate")
    expires_on = _Day("expireDate", strict=True)
    status = fields.Integer(required=True, strict=True)
    tracking = fields.Integer(data_key="emailTracking", load_default=None, allow_none=True, strict=True)


@dataclass(frozen=True, kw_only=True)
class Found:
    """A credential, the dates that stand on it, and the day when it was made."""

    held: Held
    made_on: date | None
    issued_on: date | None
    expires_on: date | None

    def says(self, order: Order) -> bool:
        """Whether it bears the name and the dates of an order, give or take a day: zones of dates are not told."""
        days = ((self.issued_on, order.issued_on), (self.expires_on, order.expires_on))
        return self.names(order) and all(
            one == other or (one is not None and other is not None and abs((one - other).days) <= 1)
            for one, other in days
        )

    def names(self, order: Order) -> bool:
        """Whether it is in the order's campaign, and bears the order's name and address."""
        here = self.held.template.casefold() == order.template.casefold()
        mailed = self.held.email in {None, order.address}
        return here and mailed and same_name(self.held.name or "", order.name)

    def precedes(self, order: Order) -> bool:
        """Whether it was made before the day of the order, so that it is for something earlier."""
        return self.made_on is not None and self.made_on < order.issued_on - timedelta(days=1)

    def issued(self, *, ours: bool = True, live: bool = True) -> Issued:
        """As told after issuing: live only where it is published and has an address."""
        shown = live and self.held.standing is Standing.LIVE and bool(self.held.url)
        return Issued(platform_ref=self.held.platform_ref, url=self.held.url, live=shown, ours=ours)


def standing(row: Mapping[str, Any], options: Mapping[str, Any]) -> Standing:
    """What its number means. There is no revocation: one whose last day is over is expired (contract 6).

    Raises:
        Outage: the account does not say what the number means.
    """
    if row["expires_on"] is not None and row["expires_on"] < clock.now().date():
        return Standing.EXPIRED
    if row["status"] in options["live_statuses"]:
        return Standing.LIVE
    if row["status"] in options["unpublished_statuses"]:
        return Standing.UNPUBLISHED
    raise Outage(f"Sertifier shows a credential with status {row['status']}, which the account does not name")


def claim(row: Mapping[str, Any], options: Mapping[str, Any]) -> ClaimState | None:
    """How far the mail got; None where the account does not say which number counts as taken."""
    if options["claimed_from"] is None or row["tracking"] is None:
        return None
    return ClaimState.CLAIMED if row["tracking"] >= options["claimed_from"] else ClaimState.OPEN


def is_id(ref: str) -> bool:
    """Whether this can be an id at Sertifier; one of zeros stands for none (contract 2, old API)."""
    return bool(_ID.fullmatch(ref)) and bool(ref.replace("-", "").strip("0"))


def same_name(one: str, other: str) -> bool:
    """Whether two names are the same but for case, spaces, signs and the way of writing them in Unicode."""
    plain = [unicodedata.normalize("NFKC", name).casefold() for name in (one, other)]
    # letters, the marks on them, and digits
    letters = ["".join(sign for sign in name if unicodedata.category(sign)[0] in "LMN") for name in plain]
    return letters[0] == letters[1] and bool(letters[0] or plain[0] == plain[1])
