"""The credentials of an account: read by id, searched and listed, their numbers given a meaning in one place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline import clock
from pipeline.errors import Failure, Outage, Rejected, Unsure
from pipeline.platforms.sertifier.credential import CredentialSchema, Found, is_id
from pipeline.platforms.sertifier.rest import Rest
from pipeline.reading import loaded
from pipeline.values import ClaimState, Held, Order, Standing

CREDENTIAL = "/credential/{credential}"
SEARCH = "/credential/search"
#: what references of ours begin with; another `externalId` is not ours to judge
_OURS = "confer-"


class Credentials:
    """The credentials of one account; `options` says what the numbers mean."""

    def __init__(self, rest: Rest, options: Mapping[str, Any]) -> None:
        self._rest, self._options = rest, options

    def one(self, ref: str, *, campaign: str = "") -> Found | None:
        """One credential; `campaign` is the one it is known to be in, for an answer that does not tell it.

        Raises:
            Misconfigured, Rejected, Outage, Throttled: see `pipeline.errors`.
        """
        data = self._rest.get(CREDENTIAL, credential=ref) if is_id(ref) else None
        if data is None:
            return None
        row = loaded(CredentialSchema(), data, system="Sertifier", what=CREDENTIAL)
        if row["id"].casefold() != ref.casefold():
            raise Outage("Sertifier answered with another credential than the one asked for")
        return self._found({**row, "campaign": row["campaign"] or campaign or self._campaign(row)})

    def held(self, campaign: str) -> Iterator[Held]:
        """Every credential of a campaign."""
        return (self._found(row).held for row in self._rows(campaign))

    def of(self, order: Order, email: str) -> Iterator[Found]:
        """What is in the order's campaign under that address, each read anew; see `Platform.find`.

        What the search covers is not known, so without `search_covers_email` the whole campaign is looked
        through before there is nothing.
        """
        for term in [email] if self._options["search_covers_email"] else [email, ""]:
            rows = [row for row in self._rows(order.template, term) if row["email"].strip().lower() == email]
            for row in rows:
                found = self.one(row["id"], campaign=row["campaign"])
                if found is None:
                    raise Outage("Sertifier lists a credential that it does not show when asked for it")
                yield found
            if rows:
                return

    def present(self, order: Order, ref: str) -> Found:
        """The credential that is to be changed.

        Raises:
            Rejected: it is not there, or is in another campaign than the order's.
        """
        found = self.one(ref, campaign=order.template)
        if found is None or found.held.template.casefold() != order.template.casefold():
            raise Rejected("Sertifier has no such credential in the campaign")
        return found

    def afterwards(self, ref: str, campaign: str = "") -> Found | None:
        """The credential after a call with an effect, so that whatever goes wrong now leaves doubt."""
        try:
            return self.one(ref, campaign=campaign)
        except Failure as failure:
            raise Unsure(f"Sertifier took a call, and what came of it cannot be seen: {failure.detail}") from failure

    def seen(self, ref: str, campaign: str) -> Found:
        """As `afterwards`, where it has to be there.

        Raises:
            Unsure: it is not.
        """
        found = self.afterwards(ref, campaign)
        if found is None:
            raise Unsure("Sertifier took a call, and does not show the credential")
        return found

    def change(self, ref: str, body: Mapping[str, str | None]) -> None:
        """Change a credential that was there a moment ago.

        Raises:
            Rejected: it is gone. Unsure, Misconfigured, Outage, Throttled: see `pipeline.errors`.
        """
        if not self._rest.change("PUT", CREDENTIAL, body, credential=ref).there:
            raise Rejected("Sertifier has no such credential any more")

    def _rows(self, campaign: str, term: str = "") -> Iterator[dict[str, Any]]:
        wish = {**({"searchTerm": term} if term else {}), "campaignIds": [campaign]}
        found = self._rest.every(CredentialSchema(), SEARCH, wish)
        return ({**row, "campaign": campaign} for row in found if row["campaign"].casefold() == campaign.casefold())

    def _campaign(self, row: Mapping[str, Any]) -> str:
        """Which campaign it is in: one source has it in the search alone (contract 4).

        Raises:
            Outage: nothing tells.
        """
        wish = {"recipientIds": [row["recipient"]]}
        for other in self._rest.every(CredentialSchema(), SEARCH, wish) if row["recipient"] else ():
            if other["id"] == row["id"] and other["campaign"]:
                return str(other["campaign"])
        raise Outage("Sertifier does not tell the campaign of a credential")

    def _found(self, row: Mapping[str, Any]) -> Found:
        held = Held(
            platform_ref=row["id"],
            template=row["campaign"],
            standing=self._standing(row),
            url=row["link"],
            ref=row["ref"] if row["ref"].startswith(_OURS) else None,
            name=row["name"] or None,
            email=row["email"].strip().lower() or None,
            claim=self._claim(row["tracking"]),
        )
        return Found(held=held, **{name: row[name] for name in ("made_on", "issued_on", "expires_on")})

    def _standing(self, row: Mapping[str, Any]) -> Standing:
        """There is no revocation: one that is over is expired (contract 6)."""
        if row["expires_on"] is not None and row["expires_on"] < clock.now().date():
            return Standing.EXPIRED
        for standing, numbers in ((Standing.LIVE, "live_statuses"), (Standing.UNPUBLISHED, "unpublished_statuses")):
            if row["status"] in self._options[numbers]:
                return standing
        raise Outage(f"Sertifier shows a credential with status {row['status']}, which the account does not name")

    def _claim(self, tracking: int | None) -> ClaimState | None:
        least = self._options["claimed_from"]
        if least is None or tracking is None:
            return None
        return ClaimState.CLAIMED if tracking >= least else ClaimState.OPEN
