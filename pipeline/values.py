"""The values that travel between LMS, criteria and platforms: frozen, typed, and the same for every vendor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from pipeline.attestation import Attestation, Claim


class Fact(StrEnum):
    """What an LMS can tell about a learner. A criterion names the facts it needs."""

    PROFILE = "profile"
    COMPLETION = "completion"
    SCORES = "scores"
    ATTEMPTS = "attempts"  # each attempt at a graded item, not only what counts of it
    MODULES = "modules"
    TIME = "time"
    PREREQUISITES = "prerequisites"
    CREDENTIALS = "credentials"  # issued by us: read from our own tables, not from the LMS
    SUPERVISOR = "supervisor"
    HOLDS = "holds"  # suspended, expired, flagged: whatever speaks against issuing
    CLAIM = "claim"  # what the event itself says of the person


class Format(StrEnum):
    """The forms in which a platform can issue."""

    CERTIFICATE = "certificate"
    BADGE = "badge"


@dataclass(frozen=True, kw_only=True)
class Event:
    """An LMS says that a learner completed a course: a hint, to be checked against the LMS's record.

    `key` is the same for every announcement of the same completion, unique per LMS account. `learner` and
    `course` are the LMS's own ids, as text. `swept` marks what was found by asking instead of being told.
    """

    key: str
    learner: str
    course: str
    occurred_at: datetime
    claim: Claim | None = None
    swept: bool = False


@dataclass(frozen=True, kw_only=True)
class ReportedScore:
    """A result that an LMS announces as it happens and does not tell again when asked. `key` as in an event."""

    key: str
    learner: str
    course: str
    item: str
    percent: Decimal
    at: datetime
    attempt: int | None = None


@dataclass(frozen=True, kw_only=True)
class Learner:
    """The person as the LMS knows them. `suspended` means that the LMS has locked the account."""

    ref: str
    name: str
    email: str
    supervisor_email: str | None = None
    sis_id: str | None = None
    suspended: bool = False


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One attempt at a graded item, counted from 1. `percent` None means not graded."""

    number: int
    percent: Decimal | None
    at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Score:
    """One graded item. `percent` is exact; None means not graded. `total` marks the course total.

    `points` of `out_of` are what the LMS stores, where it stores points; `percent` is then made of them.
    `attempts` is empty where they were not asked for, or where the LMS keeps none.
    """

    item: str
    percent: Decimal | None
    total: bool = False
    overridden: bool = False
    excused: bool = False
    points: Decimal | None = None
    out_of: Decimal | None = None
    attempts: tuple[Attempt, ...] = ()


class ModuleState(StrEnum):
    """Whether one module of a course is done. An exemption is never silently a completion."""

    COMPLETE = "complete"
    INCOMPLETE = "incomplete"
    EXEMPT = "exempt"


@dataclass(frozen=True, kw_only=True)
class Module:
    """One tracked part of a course."""

    ref: str
    name: str
    state: ModuleState


class PrerequisiteState(StrEnum):
    """Whether another course was completed first. `unclear` is what the LMS cannot or will not tell."""

    MET = "met"
    UNMET = "unmet"
    UNCLEAR = "unclear"


@dataclass(frozen=True, kw_only=True)
class Prerequisite:
    """Another course that has to be completed first, or another program whose credential has to be held."""

    course: str
    state: PrerequisiteState
    reason: str = ""
    #: `course`: the LMS's own id. `credential`: the name of a program of ours
    kind: Literal["course", "credential"] = "course"


@dataclass(frozen=True, kw_only=True)
class Hold:
    """Something at the LMS that speaks against issuing now: `suspended`, `expired`, `flagged`."""

    kind: str
    reason: str
    where: str


@dataclass(frozen=True, kw_only=True)
class Record:
    """A learner's record in one course, read back from the LMS: the evidence of a decision.

    `sources` says for each fact where it was read (the API function or path).
    """

    learner: Learner
    course: str
    course_code: str
    course_title: str
    completed_at: datetime | None
    read_at: datetime
    sources: Mapping[Fact, str]
    scores: tuple[Score, ...] = ()
    modules: tuple[Module, ...] = ()
    prerequisites: tuple[Prerequisite, ...] = ()
    #: None where it was not asked for, or where the LMS does not measure it
    time_spent: timedelta | None = None
    holds: tuple[Hold, ...] = ()
    #: what the events of the case said, and what was attested: added by gather, not by the LMS
    claims: tuple[Claim, ...] = ()
    attestations: tuple[Attestation, ...] = ()


class Outcome(StrEnum):
    """What one check says. Doubt holds, it never passes."""

    PASS = "pass"
    HOLD = "hold"
    FAIL = "fail"

    @staticmethod
    def all_of(outcomes: Iterable[Outcome]) -> Outcome:
        """One fail fails, else one hold holds; only all passed is a pass. Nothing checked is doubt."""
        found = set(outcomes) or {Outcome.HOLD}
        return next(outcome for outcome in (Outcome.FAIL, Outcome.HOLD, Outcome.PASS) if outcome in found)

    @staticmethod
    def any_of(outcomes: Iterable[Outcome]) -> Outcome:
        """One pass passes, else one hold holds; only all failed is a fail. Nothing checked is doubt."""
        found = set(outcomes) or {Outcome.HOLD}
        return next(outcome for outcome in (Outcome.PASS, Outcome.HOLD, Outcome.FAIL) if outcome in found)


@dataclass(frozen=True, kw_only=True)
class Override:
    """A person's word in place of a check's outcome. `was` is what the check had said."""

    person: str
    reason: str
    at: datetime
    was: Outcome


@dataclass(frozen=True, kw_only=True)
class Check:
    """One check of a decision with its evidence: what was asked, what was seen, where it was read, when.

    A group of criteria is a check whose `parts` are the checks in it.
    """

    criterion: str
    outcome: Outcome
    threshold: str
    seen: str
    where: str
    read_at: datetime
    reason: str
    parts: tuple[Check, ...] = ()
    override: Override | None = None


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


@dataclass(frozen=True, kw_only=True)
class Issued:
    """A credential as the platform has it. `live` is false where it exists but is not published."""

    platform_ref: str
    url: str
    live: bool = True
    ours: bool = True


@dataclass(frozen=True, kw_only=True)
class Template:
    """What a platform calls group, badge template or badge class."""

    ref: str
    name: str
    usable: bool
    reason: str = ""


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
