"""One organization at Credly: templates, badges, the users who own addresses, events, and the rule of duplicates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

Json = dict[str, Any]

ORGANIZATION = "0c0c0000-0000-4000-8000-000000000001"
#: in these a badge stands in the way of another one, whatever the settings say
_BLOCKING = frozenset({"pending", "accepted"})
STATES = ("pending", "accepted", "rejected", "revoked")
TEMPLATE_STATES = ("active", "archived", "draft")


@dataclass(kw_only=True)
class Template:
    """A badge template. `expires_in_days` is the default of its badges; None: they do not expire."""

    id: str
    name: str
    state: str = "active"
    allow_duplicate_badges: bool = False
    expires_in_days: int | None = None


@dataclass(kw_only=True)
class Badge:
    """An issued badge. `user` is the Credly user who owns its address, by default under that address; `mailed` counts
    Credly's mails about it.
    """

    template: Template
    recipient_email: str
    first: str
    last: str
    user: str
    issued_at: datetime
    user_email: str | None = None
    middle: str | None = None
    issuer_earner_id: str | None = None
    expires_at: datetime | None = None
    never_expires: bool = False
    locale: str = "en"
    suppressed: bool = False
    state: str = "pending"
    reason: str | None = None
    deleted: bool = False
    mailed: int = 0
    id: str = field(default_factory=lambda: str(uuid4()))
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    state_updated_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def name(self) -> str:
        """All parts of the name."""
        return " ".join(part for part in (self.first, self.middle, self.last) if part)

    @property
    def stands(self) -> bool:
        """Whether the organization stands by it; a learner who declined it has it no less."""
        ended = self.expires_at is not None and self.expires_at <= datetime.now(UTC)
        return not self.deleted and self.state != "revoked" and not ended


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened; `subject` is the badge or the template as it was then."""

    kind: str
    subject: Mapping[str, Any]
    id: str = field(default_factory=lambda: str(uuid4()))
    occurred_at: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(kw_only=True)
class Settings:
    """What a test may say of the organization, and what the contract leaves open.

    `declined_blocks`, `revoked_blocks`: whether such a badge counts as a duplicate. `revoke_again`: whether a badge
    may be revoked twice. `single_read`: whether one badge can be read by its id.
    """

    token: str = "credly-token"  # noqa: S105 - a sandbox's default, no secret
    organization: str = ORGANIZATION
    page_size: int = 50
    issue_status: int = 201
    auto_accept: bool = False
    declined_blocks: bool = True
    revoked_blocks: bool = False
    revoke_again: bool = False
    single_read: bool = True


@dataclass(kw_only=True)
class Organization:
    """All that there is."""

    settings: Settings = field(default_factory=Settings)
    templates: dict[str, Template] = field(default_factory=dict)
    badges: dict[str, Badge] = field(default_factory=dict)
    events: dict[str, Event] = field(default_factory=dict)
    #: whose each address is
    users: dict[str, str] = field(default_factory=dict)
    ignored: set[str] = field(default_factory=set)

    def user_of(self, address: str) -> str:
        """The user who owns an address, made where there is none."""
        return self.users.setdefault(address.lower(), str(uuid4()))

    def seen(self) -> list[Badge]:
        """Every badge that the API still knows, oldest first."""
        return [badge for badge in self.badges.values() if not badge.deleted]

    def duplicate(self, template: Template, address: str, earner: str | None) -> bool:
        """Whether a badge like this stands in the way (contract 5)."""
        blocking = _BLOCKING | ({"rejected"} if self.settings.declined_blocks else set())
        blocking |= {"revoked"} if self.settings.revoked_blocks else set()
        return not template.allow_duplicate_badges and any(
            badge.template.id == template.id
            and badge.state in blocking
            and (
                badge.recipient_email.lower() == address.lower()
                or badge.user == self.user_of(address)
                or (earner is not None and badge.issuer_earner_id == earner)
            )
            for badge in self.seen()
        )

    def add(self, badge: Badge) -> Badge:
        """Take a badge in, and tell its owner."""
        if badge.state == "pending" and self.settings.auto_accept:
            badge.state = "accepted"
        days = badge.template.expires_in_days
        if badge.expires_at is None and days is not None and not badge.never_expires:
            badge.expires_at = badge.issued_at + timedelta(days=days)
        self.badges[badge.id] = badge
        self.mail(badge, suppressed=badge.suppressed)
        return badge

    def mail(self, badge: Badge, *, suppressed: bool) -> None:
        """Credly writes to the owner, unless it was told not to."""
        badge.mailed += not suppressed

    def note(self, kind: str, subject: Mapping[str, Any]) -> Event:
        """Keep an event."""
        event = Event(kind=kind, subject=subject)
        self.events[event.id] = event
        return event
