"""What credential platforms are asked for, and what they have: orders, templates, credentials as they stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from pipeline.values.learning import Learner


class Format(StrEnum):
    """The forms in which a platform can issue."""

    CERTIFICATE = "certificate"
    BADGE = "badge"


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a platform is asked to issue. Frozen when the decision is made, so a later edit changes nothing.

    `ref` is our own reference: the same for every attempt at this credential, and free of personal data.
    """

    ref: str
    template: str
    title: str
    description: str
    learner_ref: str
    name: str
    email: str
    issued_on: date
    expires_on: date | None = None
    formats: tuple[Format, ...] = (Format.CERTIFICATE,)
    attributes: Mapping[str, str] = field(default_factory=dict)
    criteria: str = ""
    achievement: str = ""
    show_name: bool = True
    given_name: str | None = None
    family_name: str | None = None

    @property
    def address(self) -> str:
        """The learner's e-mail address as it is sent and compared: letter case tells nobody apart."""
        return self.email.strip().lower()


@dataclass(frozen=True, kw_only=True)
class Issued:
    """A credential as the platform has it. `live` is false where it exists but is not published."""

    platform_ref: str
    url: str
    live: bool = True
    ours: bool = True


class Standing(StrEnum):
    """How a credential stands at its platform, whatever word the platform has for it."""

    LIVE = "live"
    UNPUBLISHED = "unpublished"  # it exists, and nobody but staff sees it
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class ClaimState(StrEnum):
    """Whether the learner took the credential."""

    OPEN = "open"
    CLAIMED = "claimed"
    DECLINED = "declined"


@dataclass(frozen=True, kw_only=True)
class Held:
    """A credential as its platform has it, ours or not. None stands for what the platform does not tell.

    `ref` is our own reference, where the platform keeps it. Name and address are personal: compared, never logged.
    """

    platform_ref: str
    template: str
    standing: Standing
    url: str = ""
    ref: str | None = None
    learner_ref: str | None = None
    name: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)
    claim: ClaimState | None = None
    claimed_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Hint:
    """What a webhook points at: `ref` at the platform, to be read back. `key` stays the same when repeated."""

    key: str
    ref: str


@dataclass(frozen=True, kw_only=True)
class Template:
    """What a platform calls group, badge template or badge class. None stands for what it does not tell."""

    ref: str
    name: str
    usable: bool
    reason: str = ""
    formats: frozenset[Format] | None = None
    #: the names that an award's attributes may have
    attributes: frozenset[str] | None = None
    #: whether the platform lets somebody have it twice
    repeatable: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Rate:
    """At most `calls` in any sliding window of `window`."""

    calls: int
    window: timedelta


@dataclass(frozen=True, kw_only=True)
class Credential:
    """A confirmed credential as downstream systems and mails need it."""

    ref: str
    title: str
    url: str
    issued_on: date
    expires_on: date | None
    platform: str


@dataclass(frozen=True, kw_only=True)
class Completion:
    """What a downstream system is told about one case."""

    case_id: str
    learner: Learner
    course_code: str
    course_title: str
    completed_at: datetime
    score: Decimal | None
    source: str
    event_key: str
    credential: Credential
