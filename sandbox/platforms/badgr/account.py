"""One issuer in memory: its badge classes, and the assertions that were made of them."""

from __future__ import annotations

import base64
import hashlib
import itertools
import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

ISSUER = "ZGVtby1pc3N1ZXItMDAwMQ"
#: who awards by hand
STAFF = "YW5vdGhlci11c2VyLTAwMQ"


@dataclass(kw_only=True)
class BadgeClass:
    """A badge class. An archived one is there for who asks for it with `include_archived` (contract 10)."""

    entity_id: str
    name: str
    archived: bool = False
    created_at: datetime


@dataclass(kw_only=True)
class Assertion:
    """One award. `name` is only known of awards by hand, and told to nobody; `deleted` ones are gone."""

    entity_id: str
    number: int
    badgeclass: str
    identity: str
    type: str = "email"
    hashed: bool = True
    salt: str = field(default_factory=lambda: uuid.uuid4().hex)
    issued_on: datetime
    expires: datetime | None = None
    narrative: str | None = None
    evidence: list[dict[str, Any]] = field(default_factory=list)
    extensions: dict[str, Any] = field(default_factory=dict)
    created_at: datetime
    updated_at: datetime
    created_by: str
    revoked: bool = False
    reason: str | None = None
    acceptance: str = "Unaccepted"
    name: str = ""
    mailed: int = 0
    deleted: bool = False

    @property
    def expired(self) -> bool:
        """Whether its time is over."""
        return self.expires is not None and self.expires < datetime.now(UTC)

    @property
    def in_force(self) -> bool:
        """Whether the public sees it as valid."""
        return not (self.revoked or self.deleted or self.expired)


class Account:
    """The data of the issuer; whoever uses it holds the twin's lock."""

    def __init__(self, names: Iterable[tuple[str, str]]) -> None:
        self.classes: dict[str, BadgeClass] = {}
        self.assertions: dict[str, Assertion] = {}
        self._numbers = itertools.count(1)
        for entity_id, name in names:
            self.classes[entity_id] = BadgeClass(entity_id=entity_id, name=name, created_at=datetime.now(UTC))

    def award(self, badgeclass: str, identity: str, **more: Any) -> Assertion:
        """A new assertion; addresses are kept in small letters (contract 4)."""
        now, kind = datetime.now(UTC), more.get("type", "email")
        made = Assertion(
            **{
                "entity_id": new_id(),
                "number": next(self._numbers),
                "badgeclass": badgeclass,
                "identity": identity.lower() if kind == "email" else identity,
                "issued_on": now,
                "created_at": now,
                "updated_at": now,
                **more,
            }
        )
        self.assertions[made.entity_id] = made
        return made

    def has(self, badgeclass: str, identity: str) -> bool:
        """Whether one is in force for exactly this identity, as it was sent (contract 7)."""
        mine = (one for one in self.assertions.values() if one.badgeclass == badgeclass)
        return any(one.identity == identity and one.in_force for one in mine)

    def listed(
        self, badgeclass: str | None, recipients: Collection[str], *, expired: bool, revoked: bool
    ) -> list[Assertion]:
        """Assertions, the newest first, without those that are left out unless asked for (contract 6)."""
        return [
            one
            for one in reversed(self.assertions.values())
            if not one.deleted
            and badgeclass in {None, one.badgeclass}
            and (not recipients or one.identity in recipients)
            and (expired or not one.expired)
            and (revoked or not one.revoked)
        ]

    def found(self, entity_id: str) -> Assertion | None:
        """An assertion that is not gone, by its entity id or by the other id that hosted servers have."""
        one = self.assertions.get(entity_id) or next(
            (one for one in self.assertions.values() if other_id(one.entity_id) == entity_id), None
        )
        return None if one is None or one.deleted else one

    def badge_class(self, entity_id: str, *, archived: bool = False) -> BadgeClass | None:
        """A badge class, likewise."""
        one = self.classes.get(entity_id) or next(
            (one for one in self.classes.values() if other_id(one.entity_id) == entity_id), None
        )
        return one if one is not None and (archived or not one.archived) else None


def new_id() -> str:
    """A random id as Badgr makes them."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")


def other_id(entity_id: str) -> str:
    """The second id of an object on a hosted server, 24 hexadecimal digits (contract 4)."""
    return hashlib.sha256(entity_id.encode()).hexdigest()[:24]
