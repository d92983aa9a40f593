"""What an LMS tells: events, and a learner's record with everything in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
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
    #: as the LMS keeps them apart; None where it knows only the whole name
    given_name: str | None = None
    family_name: str | None = None


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
