"""A Sertifier account in memory: campaigns, the attributes of the account, and what was issued into campaigns."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

#: what an id that is not set looks like (contract 2, old API)
UNSET = str(UUID(int=0))
#: the numbers have no published key; these are assumed (contract 7)
USABLE = (1, 3)
SCHEDULED = 2
NOT_MAILED, MAILED, CLICKED = 0, 1, 3


def today() -> date:
    """The day in UTC (contract 1)."""
    return datetime.now(UTC).date()


def yesterday() -> str:
    """As an expiry that is over."""
    return (today() - timedelta(days=1)).isoformat()


def stamp() -> str:
    """Now, as it is written: UTC without saying so."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")


@dataclass(kw_only=True)
class Campaign:
    """A campaign: `attributes` are the ids of those that its design shows."""

    id: str
    title: str
    status: int = 1
    design: str = field(default_factory=lambda: str(uuid4()))
    badge: str = UNSET
    attributes: list[str] = field(default_factory=list)
    created_at: str = field(default_factory=stamp)


@dataclass(kw_only=True)
class Credential:
    """A credential. `found_at` is the monotonic time from which the search knows it."""

    id: str
    number: str
    campaign: str
    recipient: str
    name: str
    email: str
    issued_on: str
    expires_on: str | None = None
    published: bool = False
    silent: bool = False
    tracking: int = NOT_MAILED
    mailed: int = 0
    external_id: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    created_at: str = field(default_factory=stamp)
    found_at: float = field(default_factory=time.monotonic)
    deleted: bool = False

    @property
    def expired(self) -> bool:
        """Whether its last day is over; days are those of UTC."""
        return self.expires_on is not None and self.expires_on < today().isoformat()

    @property
    def live(self) -> bool:
        """Whether the public sees it as valid."""
        return self.published and not self.deleted and not self.expired

    @property
    def state(self) -> str:
        """The word of the twin for it; Sertifier has numbers."""
        if self.deleted:
            return "deleted"
        if self.expired:
            return "expired"
        return "published" if self.published else "unpublished"

    def publish(self) -> None:
        """Publish it, and write to the learner unless that was not wanted. Once is enough."""
        if not self.published:
            self.published = True
            if not self.silent:
                self.mailed, self.tracking = self.mailed + 1, MAILED


class Account:
    """The data of the account; whoever uses it holds the twin's lock."""

    def __init__(self, campaigns: Iterable[Campaign]) -> None:
        self.campaigns = {campaign.id: campaign for campaign in campaigns}
        self.attributes: dict[str, str] = {}  # titles by id
        self.credentials: dict[str, Credential] = {}
        self.recipients: dict[str, dict[str, Any]] = {}  # by address
        self._numbers = itertools.count(1)

    def attribute(self, title: str) -> str:
        """The id of the attribute of that title, made where there is none."""
        for known, name in self.attributes.items():
            if name == title:
                return known
        made = str(uuid4())
        self.attributes[made] = title
        return made

    def add(self, campaign: str, *, name: str, email: str, **more: Any) -> Credential:
        """Make a credential, whoever has one already (contract 5)."""
        known = self.recipients.setdefault(email.lower(), {"id": str(uuid4()), "name": name, "email": email})
        number = f"SRT-{next(self._numbers):06}"
        made = Credential(
            id=str(uuid4()), number=number, campaign=campaign, recipient=known["id"], name=name, email=email, **more
        )
        self.credentials[made.id] = made
        return made

    def get(self, ref: str) -> Credential | None:
        """A credential that is not deleted, by its id."""
        found = self.credentials.get(ref)
        return None if found is None or found.deleted else found

    def visible(self) -> list[Credential]:
        """What the search knows of."""
        now = time.monotonic()
        return [one for one in self.credentials.values() if not one.deleted and one.found_at <= now]
