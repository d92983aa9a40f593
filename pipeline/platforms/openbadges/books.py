"""Writing credentials into our own table, so that each exists once: one transaction, and a savepoint for each row."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from sqlalchemy.exc import DataError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlalchemy.orm import Session

from pipeline.badges.document import credential_url
from pipeline.badges.issuing import signed
from pipeline.errors import Duplicate, Failure, Outage, Rejected, Unsure
from pipeline.store.badges import Badge, Place, badge_of, free_places
from pipeline.store.database import reading, transaction
from pipeline.transport import Gate
from pipeline.values import Issued, Order

_UNREACHABLE = (OperationalError, InterfaceError, NoConnectionFree)
#: a place in a status list that another worker took meanwhile is drawn anew; twice in a row is next to impossible
_TRIES = 3
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")


def issue_all(orders: Sequence[Order], account: str, gate: Gate) -> tuple[Issued | Failure, ...]:
    """Sign and store a credential for each order: what came of each, in their order.

    Raises:
        Unsure: the answer to the commit is missing. Outage: nothing was stored.
        Misconfigured: see `pipeline.badges.keys`.
    """
    results: dict[int, Issued | Failure] = {}
    for _ in range(_TRIES):
        left = {number: order for number, order in enumerate(orders) if number not in results}
        try:
            results |= _attempt(left, account, gate) if left else {}
        except Failure as failure:
            if not results:
                raise
            results |= dict.fromkeys(left, failure)  # what was stored before stays stored
    unfit = Rejected("openbadges: the credential does not fit its table")
    return tuple(results.get(number, unfit) for number in range(len(orders)))


def _attempt(orders: Mapping[int, Order], account: str, gate: Gate) -> dict[int, Issued | Failure]:
    """What came of each. One that is missing met a place in a status list that another worker took meanwhile."""
    with asking() as session:
        places = free_places(session, len(orders))
    placed = sorted(zip(places, orders.items(), strict=True))  # two bulk calls that meet wait for each other in turn
    made = {number: _signed(order, account, place) for place, (number, order) in placed}  # outside the transaction
    results: dict[int, Issued | Failure | None] = {}
    with writing(gate) as session:
        for number, badge in made.items():
            results[number] = badge if isinstance(badge, Failure) else _stored(session, badge)
    return {number: result for number, result in results.items() if result is not None}


def _signed(order: Order, account: str, place: Place) -> Badge | Failure:
    """The badge to store, or why there is none, with nothing personal about a recipient that is not fit to be one."""
    if not order.name.strip():
        return Rejected("openbadges: the learner has no name")
    if not _ADDRESS.fullmatch(order.email.strip()):
        return Rejected("openbadges: the learner has no e-mail address that could be one")
    try:
        return signed(order, account, place)
    except Rejected as failure:
        return failure
    except UnicodeEncodeError:
        return Rejected("openbadges: a value holds a forbidden character")


def _stored(session: Session, badge: Badge) -> Issued | Failure | None:
    """Write one row under a savepoint, so that what the table refuses leaves the others in peace."""
    try:
        with session.begin_nested():
            session.add(badge)
    except IntegrityError:
        return _known(session, badge.ref)
    except DataError:
        return Rejected("openbadges: a value is too long or holds a forbidden character")
    return issued_as(badge)


def _known(session: Session, ref: str) -> Failure | None:
    """Why a reference is refused; None where it was the place, which is no reason."""
    badge = badge_of(session, ref)
    if badge is None:
        return None
    if badge.revoked_at is not None:
        return Rejected("openbadges: issued under this reference before, and revoked; it wants a new reference")
    return Duplicate("openbadges: issued before", issued_as(badge))


def issued_as(badge: Badge) -> Issued:
    """A stored credential, as the platform answers it."""
    return Issued(platform_ref=badge.public_id, url=credential_url(badge.public_id))


@contextmanager
def asking() -> Iterator[Session]:
    """A look into the table.

    Raises:
        Outage: the database cannot be reached.
    """
    try:
        with reading() as session:
            yield session
    except _UNREACHABLE as failure:
        raise Outage("openbadges: the database cannot be reached") from failure


@contextmanager
def writing(gate: Gate) -> Iterator[Session]:
    """A change of the table, in one transaction.

    Raises:
        Unsure: only the answer to the commit is missing. Outage: nothing was written.
    """
    written = False
    try:
        with gate.passage(), transaction() as session:
            yield session
            session.flush()
            written = True
    except _UNREACHABLE as failure:
        if written:
            raise Unsure("openbadges: the database gave no answer to the commit") from failure
        raise Outage("openbadges: the database cannot be reached") from failure
