"""The credentials of an account: read by id, searched, listed and changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.errors import Failure, Outage, Rejected, Unsure
from pipeline.platforms.sertifier.credential import CredentialSchema, Found, claim, is_id, standing
from pipeline.platforms.sertifier.rest import Rest
from pipeline.reading import loaded
from pipeline.values import Held, Order

CREDENTIAL = "/credential/{credential}"
SEARCH = "/credential/search"
#: what references of ours begin with; another `externalId` is not ours to judge
_OURS = "confer-"


class Credentials:
    """The credentials of one account; `options` says what the numbers mean."""

    def __init__(self, rest: Rest, options: Mapping[str, Any]) -> None:
        self._rest, self._options = rest, options
        self._searches = False  # whether the search was seen to cover addresses

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
        """What is in the order's campaign under that address, each read anew; see `Platform.find`."""
        rows = [row for row in self._rows(order.template, email) if row["email"].strip().lower() == email]
        if not rows and not self._searches:
            rows = self._listed(order.template, email)
        for row in rows:
            found = self.one(row["id"], campaign=row["campaign"])
            if found is None:
                raise Outage("Sertifier lists a credential that it does not show when asked for it")
            yield found

    def _listed(self, campaign: str, email: str) -> list[dict[str, Any]]:
        """What a search by address did not find, in the list of the whole campaign.

        Whether the search covers addresses is not known (contract 4). It is tried with the address of another
        credential; once that was found, "none" is believed, and nothing is listed any more.
        """
        hits, tried = [], False
        for row in self._rows(campaign):
            other = row["email"].strip().lower()
            if other == email:
                hits.append(row)
            elif other and not tried:
                tried = True
                self._searches = any(one["id"] == row["id"] for one in self._rows(campaign, other))
                if self._searches and not hits:
                    return []
        return hits

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
            standing=standing(row, self._options),
            url=row["link"],
            ref=row["ref"] if row["ref"].startswith(_OURS) else None,
            name=row["name"] or None,
            email=row["email"].strip().lower() or None,
            claim=claim(row, self._options),
        )
        return Found(held=held, **{name: row[name] for name in ("made_on", "issued_on", "expires_on")})
