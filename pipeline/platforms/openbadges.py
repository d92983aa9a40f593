"""Our own issuer as a platform: signed Open Badges 3.0 credentials in our own table, with no vendor at all.

The unique reference in the table is what keeps a credential from being issued twice, also for twenty workers
at once; so this platform never leaves doubt, except for a commit whose answer was lost.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import timedelta
from typing import ClassVar

from marshmallow import Schema
from sqlalchemy import select
from sqlalchemy.exc import DataError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from pipeline import clock
from pipeline.badges.document import achievement_name, compose, credential_url, instant, sign
from pipeline.contracts import Platform
from pipeline.errors import Duplicate, Outage, Rejected, Unsure
from pipeline.store.badges import Badge, badge_of
from pipeline.store.database import reading, transaction
from pipeline.values import Format, Held, Issued, Order, Standing, Template

_UNREACHABLE = (OperationalError, InterfaceError, NoConnectionFree)


class OpenBadgesOptions(Schema):
    """An account of our own issuer needs nothing: who issues is a setting of the whole installation."""


class OpenBadges(Platform):
    """Issues by signing a document and writing it down."""

    name = "openbadges"
    label = "Open Badges (our own issuer)"
    options = OpenBadgesOptions
    rate = None
    formats = frozenset({Format.CERTIFICATE, Format.BADGE})
    bulk = 1
    prevents_duplicates = "Our reference is unique in its table: a second credential cannot be written."
    finds_by = "Our reference, in our own table."
    settles_within: ClassVar[timedelta] = timedelta(0)
    corrects = ""
    withdraws = "Revoked: its page, its status list and every verifier that reads it say so."
    claims = "Not at all: it is the learner's from the moment it is issued."
    hears = ""

    def issue(self, order: Order) -> Issued:
        """Sign and store the credential; see `Platform.issue`."""
        written = False
        try:
            badge = self._signed(order)
            with self.gate.passage(), transaction() as session:
                session.add(badge)
                session.flush()
                written = True
        except IntegrityError as failure:
            existing = self.find(order)
            if existing is None:
                raise Rejected("openbadges: the credential does not fit its table") from failure
            raise Duplicate("openbadges: issued before", existing) from failure
        except (DataError, UnicodeEncodeError) as failure:
            raise Rejected("openbadges: a value is too long or holds a forbidden character") from failure
        except _UNREACHABLE as failure:
            if written:  # only the answer to the commit is missing
                raise Unsure("openbadges: the database gave no answer to the commit") from failure
            raise Outage("openbadges: the database cannot be reached") from failure
        return _issued(badge)

    def find(self, order: Order) -> Issued | None:
        """The credential issued for this reference before; see `Platform.find`."""
        try:
            with reading() as session:
                badge = badge_of(session, order.ref)
        except _UNREACHABLE as failure:
            raise Outage("openbadges: the database cannot be reached") from failure
        return _issued(badge) if badge else None

    def read(self, ref: str) -> Held | None:
        """The credential at its public id; see `Platform.read`."""
        try:
            with reading() as session:
                badge = session.get(Badge, ref)
        except _UNREACHABLE as failure:
            raise Outage("openbadges: the database cannot be reached") from failure
        return _held(badge) if badge else None

    def held(self, template: str) -> Iterator[Held]:
        """Every credential of a template; see `Platform.held`."""
        try:
            with reading() as session:
                badges = session.scalars(select(Badge).filter_by(account=self.account.name, template=template)).all()
        except _UNREACHABLE as failure:
            raise Outage("openbadges: the database cannot be reached") from failure
        yield from map(_held, badges)

    def withdraw(self, ref: str, reason: str) -> None:
        """Not yet."""
        raise Rejected(f"openbadges: {ref} cannot be revoked ({reason})")

    def templates(self) -> Iterator[Template]:
        """None that could be listed: any name is one."""
        return iter(())

    def template(self, ref: str) -> Template | None:
        """Any name is a template here: certificate and page look the same for all programs."""
        return Template(ref=ref, name=ref, usable=True)

    def _signed(self, order: Order) -> Badge:
        public_id = _new_public_id()
        document = compose(order, public_id, clock.now(), secrets.token_hex(16))
        return Badge(
            public_id=public_id,
            ref=order.ref,
            account=self.account.name,
            template=order.template,
            title=order.title,
            achievement=achievement_name(order),
            shown_name=order.name if order.show_name else None,
            issued_at=instant(document["validFrom"]),
            expires_at=instant(document["validUntil"]) if "validUntil" in document else None,
            jwt=sign(document),
        )


def _new_public_id() -> str:
    """128 random bits for an address. No leading dash: on a command line it would read as an option."""
    while (public_id := secrets.token_urlsafe(16)).startswith("-"):
        pass
    return public_id


def _held(badge: Badge) -> Held:
    expired = badge.expires_at is not None and badge.expires_at <= clock.now()
    return Held(
        platform_ref=badge.public_id, template=badge.template, url=credential_url(badge.public_id), ref=badge.ref,
        standing=Standing.EXPIRED if expired else Standing.LIVE, name=badge.shown_name,
    )  # fmt: skip


def _issued(badge: Badge) -> Issued:
    return Issued(platform_ref=badge.public_id, url=credential_url(badge.public_id))
