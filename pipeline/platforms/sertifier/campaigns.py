"""Campaigns, which are Sertifier's templates, and the attributes that credentials may bear (contract 2, 8)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from marshmallow import fields

from pipeline.errors import Failure, Misconfigured, Outage, Rejected
from pipeline.platforms.sertifier.credential import is_id
from pipeline.platforms.sertifier.rest import Rest
from pipeline.reading import Lenient, Words, loaded
from pipeline.values import Format, Template

CAMPAIGN = "/campaign/{campaign}"
CAMPAIGNS = "/campaign/search"
ATTRIBUTES = "/attribute/search"


class _CampaignSchema(Lenient):
    id = fields.String(required=True)
    title = Words(load_default="", allow_none=True)
    status = fields.Integer(required=True, strict=True)
    design = fields.String(data_key="designId", load_default=None, allow_none=True)
    badge = fields.String(data_key="badgeId", load_default=None, allow_none=True)


class _AttributeSchema(Lenient):
    id = fields.String(required=True)
    title = Words(required=True)


class Campaigns:
    """The campaigns and attributes of one account. Attributes are read once: an adapter lives for a short while."""

    def __init__(self, rest: Rest, usable: Collection[int]) -> None:
        self._rest, self._usable = rest, usable
        self._attributes: Mapping[str, list[str]] | None = None

    def every(self) -> Iterator[Template]:
        """All campaigns."""
        return (self._template(row) for row in self._rest.every(_CampaignSchema(), CAMPAIGNS, {}))

    def one(self, ref: str) -> Template | None:
        """One campaign.

        Raises:
            Misconfigured, Rejected, Outage, Throttled: see `pipeline.errors`.
        """
        row = self._row(ref)
        return None if row is None else self._template(row)

    def blamed(self, ref: str, refused: Rejected) -> Failure:
        """What a refused issue is about, since the text does not say: the campaign, if that cannot be used."""
        try:
            row = self._row(ref)
        except Failure:
            return refused
        if row is None:
            return Misconfigured("Sertifier knows no such campaign; map the program to one that exists")
        reason = self._reason(row)
        return Misconfigured(f"Sertifier refuses to issue: {reason}") if reason else refused

    def attributes(self, wanted: Mapping[str, str]) -> list[dict[str, str]]:
        """Attributes as a credential bears them, by their ids.

        Raises:
            Misconfigured: the account has none of that title, or several.
            Rejected, Outage, Throttled: see `pipeline.errors`.
        """
        wrong = sorted(title for title in wanted if len(self._known().get(title, ())) != 1)
        if wrong:
            raise Misconfigured(f"Sertifier does not have exactly one attribute called {', '.join(wrong)}")
        return [{"id": self._known()[title][0], "value": value} for title, value in wanted.items()]

    def _known(self) -> Mapping[str, list[str]]:
        """The ids of attributes by title."""
        if self._attributes is None:
            known: dict[str, list[str]] = {}
            for row in self._rest.every(_AttributeSchema(), ATTRIBUTES, {}):
                known.setdefault(row["title"], []).append(row["id"])
            self._attributes = known
        return self._attributes

    def _row(self, ref: str) -> dict[str, Any] | None:
        data = self._rest.get(CAMPAIGN, campaign=ref) if is_id(ref) else None
        if data is None:
            return None
        row = loaded(_CampaignSchema(), data, system="Sertifier", what=CAMPAIGN)
        if row["id"].casefold() != ref.casefold():
            raise Outage("Sertifier answered with another campaign than the one asked for")
        return row

    def _reason(self, row: Mapping[str, Any]) -> str:
        status = row["status"]
        return "" if status in self._usable else f"the campaign's status is {status}, which is not usable"

    def _template(self, row: Mapping[str, Any]) -> Template:
        """Formats are what the campaign has: a design makes a certificate, a badge a badge (assumed)."""
        reason = self._reason(row)
        designs = {Format.CERTIFICATE: row["design"], Format.BADGE: row["badge"]}
        return Template(
            ref=row["id"],
            name=row["title"] or row["id"],
            usable=not reason,
            reason=reason,
            formats=frozenset(kind for kind, design in designs.items() if design and is_id(design)),
            attributes=frozenset(self._known()),
            repeatable=True,
        )
