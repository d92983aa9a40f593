"""An order made into a credential that is signed in both forms, ready to be stored."""

from __future__ import annotations

import secrets

from pipeline import clock
from pipeline.badges.document import achievement_name, compose, instant, sign
from pipeline.badges.proof import prove_inside
from pipeline.store.badges import Badge, Place
from pipeline.values import Order


def signed(order: Order, account: str, place: Place) -> Badge:
    """The credential for an order, at its place in a status list.

    Raises:
        Rejected: it would have expired before it began, or could not be signed whole.
        Misconfigured: see `pipeline.badges.keys`.
        UnicodeEncodeError: a value holds half a character.
    """
    public_id = _new_public_id()
    document = compose(order, public_id, clock.now(), secrets.token_hex(16), place)
    return Badge(
        public_id=public_id,
        ref=order.ref,
        account=account,
        template=order.template,
        title=order.title,
        achievement=achievement_name(order),
        shown_name=order.name if order.show_name else None,
        issued_at=instant(document["validFrom"]),
        expires_at=instant(document["validUntil"]) if "validUntil" in document else None,
        jwt=sign(document),
        proof=prove_inside(document, created=document["validFrom"]),
        status_list=place.number,
        status_index=place.index,
    )


def _new_public_id() -> str:
    """128 random bits for an address. No leading dash: on a command line it would read as an option."""
    while (public_id := secrets.token_urlsafe(16)).startswith("-"):
        pass
    return public_id
