"""Our own issuer as a platform: signed Open Badges 3.0 credentials in our own table, with no vendor at all.

The unique reference in the table is what keeps a credential from being issued twice, also for twenty workers
at once; so this platform never leaves doubt, except for a commit whose answer was lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import ClassVar

from marshmallow import Schema

from pipeline import clock
from pipeline.badges.document import credential_url
from pipeline.contracts import Platform
from pipeline.errors import Failure
from pipeline.platforms.openbadges.books import asking, issue_all, issued_as, writing
from pipeline.store.badges import PUBLIC_ID, Badge, badge_of, page_of, revoke
from pipeline.values import Format, Held, Issued, Order, Standing, Template


class OpenBadgesOptions(Schema):
    """An account of our own issuer needs nothing: who issues is a setting of the whole installation."""


class OpenBadges(Platform):
    """Issues by signing a document and writing it down."""

    name = "openbadges"
    label = "Open Badges (our own issuer)"
    options = OpenBadgesOptions
    rate = None
    formats = frozenset({Format.CERTIFICATE, Format.BADGE})
    bulk = 100
    prevents_duplicates = "Our reference is unique in its table: a second credential cannot be written."
    finds_by = "Our reference, in our own table."
    settles_within: ClassVar[timedelta] = timedelta(0)
    corrects = ""
    withdraws = "Revoked: its page, its status list and every verifier that reads it say so."
    claims = "Not learnt: it is the learner's from the moment it is issued, and its public page follows nobody."
    hears = ""

    def issue(self, order: Order) -> Issued:
        """Sign and store the credential; see `Platform.issue`."""
        [result] = self.issue_many([order])
        if isinstance(result, Failure):
            raise result
        return result

    def issue_many(self, orders: Sequence[Order]) -> tuple[Issued | Failure, ...]:
        """Sign several and store them in one transaction; see `Platform.issue_many`."""
        return issue_all(orders, self.account.name, self.gate)

    def find(self, order: Order) -> Issued | None:
        """The credential issued for this reference before, unless it is revoked; see `Platform.find`."""
        with asking() as session:
            badge = badge_of(session, order.ref)
        return issued_as(badge) if badge and badge.revoked_at is None else None

    def read(self, ref: str) -> Held | None:
        """The credential at its public id; see `Platform.read`."""
        if not PUBLIC_ID.fullmatch(ref):
            return None
        with asking() as session:
            badge = session.get(Badge, ref)
        return _held(badge) if badge else None

    def held(self, template: str) -> Iterator[Held]:
        """Every credential of a template, revoked ones too; see `Platform.held`."""
        after: str | None = ""
        while after is not None:
            with asking() as session:
                badges = page_of(session, self.account.name, template, after=after)
            yield from map(_held, badges)
            after = badges[-1].public_id if badges else None

    def withdraw(self, ref: str, reason: str) -> None:
        """Revoke; the first date and reason stay. See `Platform.withdraw`."""
        if PUBLIC_ID.fullmatch(ref):
            with writing(self.gate) as session:
                revoke(session, ref, at=clock.now(), reason=reason)

    def templates(self) -> Iterator[Template]:
        """None that could be listed: any name is one."""
        return iter(())

    def template(self, ref: str) -> Template | None:
        """Any name that its column can hold is a template: certificate and page look the same for all programs."""
        if not 0 < len(ref) <= 64:
            return None
        return Template(ref=ref, name=ref, usable=True, formats=self.formats, attributes=frozenset())


def _held(badge: Badge) -> Held:
    standing = Standing.LIVE
    if badge.revoked_at is not None:
        standing = Standing.WITHDRAWN
    elif badge.expires_at is not None and badge.expires_at < clock.now():
        standing = Standing.EXPIRED
    return Held(
        platform_ref=badge.public_id, template=badge.template, url=credential_url(badge.public_id), ref=badge.ref,
        standing=standing, name=badge.shown_name,
    )  # fmt: skip
