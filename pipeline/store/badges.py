"""The credentials that Confer issues by itself: what the `openbadges` platform has in its books."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, Text, UniqueConstraint, func, select, update
from sqlalchemy.orm import Mapped, Session, defer, mapped_column

from pipeline.store.database import Row

#: what the address of a credential may look like
PUBLIC_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")
#: bits of a status list; the least that the specification allows, so that an index tells nobody apart
LIST_SIZE = 131_072
#: how many credentials are listed at a time
PAGE = 500
#: for each place that is wanted, so many are drawn; a list in which all of them are taken counts as full
_DRAWN = 32


class Badge(Row):
    """One signed credential. `public_id` is its unguessable address; `ref` is unique: it exists once.

    What was issued before there were status lists and embedded proofs has neither.
    """

    __tablename__ = "badges"
    __table_args__ = (
        UniqueConstraint("status_list", "status_index", name="badges_status_key"),
        Index("badges_template", "account", "template", "public_id"),
        Index("badges_list_issued", "status_list", "issued_at"),
        Index("badges_list_revoked", "status_list", "revoked_at"),
    )

    public_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    ref: Mapped[str] = mapped_column(String(80), unique=True)
    account: Mapped[str] = mapped_column(String(64))
    template: Mapped[str] = mapped_column(String(64))
    title: Mapped[str] = mapped_column(String(300))
    achievement: Mapped[str] = mapped_column(String(64), index=True)
    #: None where the program does not show the name on the public page and certificate
    shown_name: Mapped[str | None] = mapped_column(String(300))
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    jwt: Mapped[str] = mapped_column(Text)
    #: the embedded proof of the document that the JWT holds
    proof: Mapped[dict[str, Any] | None]
    status_list: Mapped[int | None]
    status_index: Mapped[int | None]
    revoked_at: Mapped[datetime | None]
    #: a code that the public may read
    revoked_reason: Mapped[str | None] = mapped_column(String(64))


@dataclass(frozen=True, order=True)
class Place:
    """One bit of one status list."""

    number: int
    index: int


@dataclass(frozen=True)
class ListState:
    """All that a status list says: which of its bits are set, and since when it says so."""

    number: int
    revoked: tuple[int, ...]
    since: datetime


def badge_of(session: Session, ref: str) -> Badge | None:
    """The credential that was issued for a reference, revoked or not."""
    return session.scalar(select(Badge).where(Badge.ref == ref))


def newest_of(session: Session, achievement: str) -> Badge | None:
    """The credential issued last for an achievement: it describes the achievement as it is today."""
    newest_first = select(Badge).where(Badge.achievement == achievement).order_by(Badge.issued_at.desc())
    return session.scalar(newest_first.limit(1))


def page_of(session: Session, account: str, template: str, *, after: str) -> Sequence[Badge]:
    """The next credentials of a template, by their ids, without what was signed."""
    rows = (
        select(Badge)
        .options(defer(Badge.jwt, raiseload=True), defer(Badge.proof, raiseload=True))
        .where(Badge.account == account, Badge.template == template, Badge.public_id > after)
        .order_by(Badge.public_id)
    )
    return session.scalars(rows.limit(PAGE)).all()


def free_places(session: Session, count: int) -> list[Place]:
    """Places that nobody has yet, at random, so that an index tells nothing of when a credential was issued.

    They are not reserved: the table refuses a place that is taken in the meantime. At about three quarters full, when
    drawing becomes slow, the next list is begun.
    """
    number = session.scalar(select(func.max(Badge.status_list))) or 1
    drawn = _draw(count * _DRAWN)
    taken = set(
        session.scalars(select(Badge.status_index).where(Badge.status_list == number, Badge.status_index.in_(drawn)))
    )
    free = [index for index in drawn if index not in taken][:count]
    if len(free) < count:
        number, free = number + 1, _draw(count)
    return [Place(number, index) for index in free]


def _draw(count: int) -> list[int]:
    return secrets.SystemRandom().sample(range(LIST_SIZE), min(count, LIST_SIZE))


def revoke(session: Session, public_id: str, *, at: datetime, reason: str) -> None:
    """Mark a credential as revoked; one that is already keeps its date and its reason."""
    open_one = update(Badge).where(Badge.public_id == public_id, Badge.revoked_at.is_(None))
    told = "".join(character for character in reason if character.isprintable())[:64]
    session.execute(open_one.values(revoked_at=at, revoked_reason=told))


def list_state(session: Session, number: int) -> ListState | None:
    """What a list has to say now; None where no credential has a place in it."""
    of_list = Badge.status_list == number
    began: datetime | None = session.scalar(select(func.min(Badge.issued_at)).where(of_list))
    if began is None:
        return None
    changed: datetime | None = session.scalar(select(func.max(Badge.revoked_at)).where(of_list))
    revoked = select(Badge.status_index).where(of_list, Badge.revoked_at.is_not(None)).order_by(Badge.status_index)
    indices = (index for index in session.scalars(revoked) if index is not None)
    return ListState(number, tuple(indices), max(began, changed or began))
