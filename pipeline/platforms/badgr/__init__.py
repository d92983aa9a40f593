"""Badgr, hosted as Canvas Credentials and Parchment Digital Badges, or by oneself (contract badgr)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from pipeline.contracts import Account, Platform
from pipeline.errors import Failure, Misconfigured, Outage, Unsure
from pipeline.platforms.badgr import awards, batch
from pipeline.platforms.badgr.access import BadgrSchema, tokens_of
from pipeline.platforms.badgr.awarding import AWARDS, EXPIRED, REVOKED, Awarding
from pipeline.platforms.badgr.awards import AwardSchema
from pipeline.platforms.badgr.ids import EntityId, is_id
from pipeline.platforms.badgr.rest import Rest, refuse
from pipeline.reading import Lenient, Words
from pipeline.settings import settings
from pipeline.transport import Answer, Client, Gate
from pipeline.values import Format, Held, Issued, Order, Rate, Standing, Template

AWARD = "/v2/assertions/{award}"
PUBLIC = "/public/assertions/{award}.json"
TEMPLATES = "/v2/badgeclasses"
TEMPLATE = "/v2/badgeclasses/{template}"
#: hosted servers only (contract 10)
ARCHIVED = ("include_archived", "true")


class _TemplateSchema(Lenient):
    entity_id = EntityId(data_key="entityId", required=True)
    name = Words(required=True)


class Badgr(Platform):
    """One user or application at Badgr. An award knows an address, and neither a name nor a reference of ours."""

    name = "badgr"
    label = "Badgr"
    options = BadgrSchema
    #: assumed: nothing is published, and 1 to 2 calls a second are held to be gentle (contract 11)
    rate = Rate(calls=30, window=timedelta(seconds=60))
    formats = frozenset({Format.BADGE})
    bulk = 50
    prevents_duplicates = "refuses a second badge of a class for an address while the first is in force, as asked to"
    finds_by = "badge class and e-mail, then the second of its date, which follows from our reference"
    #: assumed: how long a call may go on after its connection is lost; each award takes an image (contract 5)
    settles_within = timedelta(seconds=60)
    corrects = ""
    withdraws = "Revoked, for good: the public page stays, and shows nothing but that it is revoked, with the reason"
    claims = "polled: whether the learner accepted or rejected it in the backpack"
    hears = ""

    def __init__(self, account: Account, gate: Gate) -> None:
        super().__init__(account, gate)
        client = Client(
            system=self.label,
            base_url=account.options["url"],
            headers={"Accept": "application/json"},
            timeout=settings().call_timeout,
            gate=gate,
        )
        self.rest = Rest(client, tokens_of(account.options, system=self.label))
        self.awarding = Awarding(rest=self.rest, notify=account.options["mail"] == "badgr")

    def issue(self, order: Order) -> Issued:
        return self.awarding.one(order)

    def issue_many(self, orders: Sequence[Order]) -> tuple[Issued | Failure, ...]:
        sound, results = dict[int, Order](), dict[int, Issued | Failure]()
        for place, order in enumerate(orders):
            try:
                self.awarding.wish(order)
                sound[place] = order
            except Failure as failure:
                results[place] = failure
        results |= batch.in_calls(sound, self.awarding.several, self.bulk)
        first = results.get(0)
        if isinstance(first, Failure) and all(result is first for result in results.values()):
            raise first
        return tuple(results[place] for place in range(len(orders)))

    def find(self, order: Order) -> Issued | None:
        return self.awarding.find(order)

    def read(self, ref: str) -> Held | None:
        if not is_id(ref):
            return None
        found = self.rest.one(AwardSchema(), AWARD, award=ref)
        if found is not None:
            return awards.held(found)
        if self.rest.is_public(PUBLIC, award=ref):  # a 404 may as well mean that a role is lacking (contract 11)
            raise Misconfigured("Badgr has the award, and hides it from the token's user: a role at its issuer lacks")
        return None

    def held(self, template: str) -> Iterator[Held]:
        if is_id(template):
            rows = self.rest.every(AwardSchema(), AWARDS, [EXPIRED, REVOKED], template=template)
            yield from map(awards.held, rows)

    def templates(self) -> Iterator[Template]:
        yield from (_template(row) for row in self.rest.every(_TemplateSchema(), TEMPLATES))

    def template(self, ref: str) -> Template | None:
        if not is_id(ref):
            return None
        found = self.rest.one(_TemplateSchema(), TEMPLATE, template=ref)
        archived = None if found else self.rest.one(_TemplateSchema(), TEMPLATE, [ARCHIVED], template=ref)
        row = found or archived
        # hosted servers also take an id of another form, which no award would tell again (contract 4)
        return _template(row, archived=row is archived) if row is not None and row["entity_id"] == ref else None

    def withdraw(self, ref: str, reason: str) -> None:
        if not is_id(ref):
            return
        answer = self.rest.call("DELETE", AWARD, {"revocation_reason": reason or "withdrawn"}, award=ref)
        if answer.status < 400:
            self._require_revoked(answer)
            return
        if answer.status in {400, 404}:  # said of one that is revoked, or is gone
            found = self.read(ref)
            if found is None or found.standing is Standing.WITHDRAWN:
                return
        if answer.status == 404:
            raise Misconfigured("Badgr shows the award and does not revoke it: the token's user has to be an editor")
        refuse(answer, AWARD)

    def _require_revoked(self, answer: Answer) -> None:
        try:
            rows: list[dict[str, Any]] = self.rest.rows(AwardSchema(), answer, AWARD)
        except Outage as unclear:
            raise Unsure(unclear.detail) from None
        if answer.status != 200 or not (rows and all(row["revoked"] for row in rows)):
            raise Unsure(f"Badgr answered {answer.status} to a withdrawal, and does not say that it is done")


def _template(row: dict[str, Any], *, archived: bool = False) -> Template:
    """Our awards never repeat, since each of them asks not to."""
    return Template(
        ref=row["entity_id"],
        name=row["name"],
        usable=not archived,
        reason="the badge class is archived in Badgr" if archived else "",
        formats=Badgr.formats,
        attributes=frozenset(),
        repeatable=False,
    )
