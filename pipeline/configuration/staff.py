"""`staff.yaml`: who may decide about held cases, which systems may state something, and where staff is told.

The file may be missing: then nobody can use the API, nobody is told, and decisions are made by the command alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from pipeline.alerts import CHANNELS
from pipeline.configuration.accounts import NAME_HINT, NAME_PATTERN
from pipeline.configuration.documents import Document, Fault
from pipeline.options import Duration, Secrets
from pipeline.values import Trigger


class Role(StrEnum):
    """What somebody may do; each but `system` may also do what those before it may."""

    SYSTEM = "system"  # state, and ask to have withdrawn, what the account names, and nothing else
    VIEWER = "viewer"  # read the queue
    REVIEWER = "reviewer"  # decide about doubts and withdrawals; correct; state what was seen
    ADMINISTRATOR = "administrator"  # replace the outcome of a failed check; withdraw attestations


#: the severities of alerts, from the least important
SEVERITIES = ("info", "warning", "failure", "critical")


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody who may use the API: a member of staff, or a system outside. `tokens` has two while one rotates."""

    name: str
    role: Role
    tokens: tuple[str, ...] = field(default=(), repr=False)
    #: programs about which they decide or state something; empty: all
    programs: tuple[str, ...] = ()
    #: of a system: the approvals and items that it may state
    states: tuple[str, ...] = ()
    #: of a system: the triggers for which it may ask for a withdrawal
    withdraws: frozenset[Trigger] = frozenset()

    @property
    def actor(self) -> str:
        """The name in the ledger."""
        return f"{'system' if self.role is Role.SYSTEM else 'person'}:{self.name}"

    def may(self, role: Role) -> bool:
        """Whether this person has a role or one above it."""
        order = list(Role)
        return self.role is not Role.SYSTEM and order.index(self.role) >= order.index(role)

    def covers(self, program: str) -> bool:
        """Whether a program is theirs."""
        return not self.programs or program in self.programs


@dataclass(frozen=True, kw_only=True)
class ChannelAccount:
    """One channel by which staff is told. `kind` names its class in `pipeline.alerts`."""

    name: str
    kind: str
    options: Mapping[str, Any] = field(repr=False)
    #: alerts below this severity are not told here
    severity: str = "warning"
    #: at most one message in this span; whatever is critical is told at once
    digest_every: timedelta = timedelta(minutes=15)
    programs: tuple[str, ...] = ()

    def wants(self, severity: str, program: str | None) -> bool:
        """Whether an alert is told here."""
        loud = SEVERITIES.index(severity) >= SEVERITIES.index(self.severity)
        return loud and (not self.programs or program is None or program in self.programs)


@dataclass(frozen=True, kw_only=True)
class Staff:
    """Everybody and every channel, by name."""

    people: Mapping[str, Person] = field(default_factory=dict)
    channels: Mapping[str, ChannelAccount] = field(default_factory=dict)


class _Known(Schema):
    """What a person and a system have in common."""

    tokens = Secrets(required=True)
    programs = fields.List(fields.String(), load_default=list)


class PersonSchema(_Known):
    """One member of staff."""

    role = fields.Enum(Role, by_value=True, required=True, validate=validate.NoneOf([Role.SYSTEM]))


class SystemSchema(_Known):
    """One outside system that states something, such as a proctoring service, or asks for withdrawals."""

    #: the approvals and items that it may state, such as `proctoring`
    states = fields.List(fields.String(), load_default=list)
    #: the triggers for which it may ask for a withdrawal, such as `chargeback`
    withdraws = fields.List(fields.Enum(Trigger, by_value=True), load_default=list)

    @validates_schema
    def _does_something(self, data: Mapping[str, Any], **_: Any) -> None:
        """A token that may do nothing is a mistake.

        Raises:
            ValidationError: neither is named.
        """
        if not data["states"] and not data["withdraws"]:
            raise ValidationError("name what it may state, or what it may ask to have withdrawn", "states")


class ChannelSchema(Schema):
    """What every channel may say beside its own options."""

    channel = fields.String(required=True)
    severity = fields.String(load_default="warning", validate=validate.OneOf(SEVERITIES))
    digest_every = Duration(load_default=timedelta(minutes=15))
    programs = fields.List(fields.String(), load_default=list)


def read_staff(document: Document, faults: list[Fault]) -> Staff:
    """The staff of the file; faults are added to `faults`."""
    sections = {"people", "systems", "channels"}
    faults += [
        document.fault((key,), f"is not known; write {', '.join(sorted(sections))}")
        for key in document.data
        if key not in sections
    ]
    people: dict[str, Person] = {}
    for section, schema in (("people", PersonSchema), ("systems", SystemSchema)):
        for name in _names(document, section, faults):
            loaded = document.load(schema(), at=(section, name), faults=faults)
            if name in people:
                faults.append(document.fault((section, name), "is the name of a person already"))
            elif loaded:
                people[name] = _person(name, loaded)
    faults += _shared_tokens(document, people)
    channels = {}
    for name in _names(document, "channels", faults):
        channel = _channel(document, name, faults)
        if channel:
            channels[name] = channel
    return Staff(people=people, channels=channels)


def _names(document: Document, section: str, faults: list[Fault]) -> list[str]:
    entries = document.data.get(section) or {}
    if not isinstance(entries, Mapping):
        faults.append(document.fault((section,), "write names and values, such as `{jdoe: {role: reviewer, …}}`"))
        return []
    misnamed = [name for name in entries if not re.match(NAME_PATTERN, str(name))]
    faults += [document.fault((section, name), NAME_HINT) for name in misnamed]
    return [name for name in entries if name not in misnamed]


def _person(name: str, loaded: Mapping[str, Any]) -> Person:
    return Person(
        name=name,
        role=loaded.get("role", Role.SYSTEM),
        tokens=tuple(loaded["tokens"]),
        programs=tuple(loaded["programs"]),
        states=tuple(loaded.get("states", ())),
        withdraws=frozenset(loaded.get("withdraws", ())),
    )


def _shared_tokens(document: Document, people: Mapping[str, Person]) -> list[Fault]:
    """Two people with one token could not be told apart in the ledger."""
    seen: dict[str, str] = {}
    faults = []
    for person in people.values():
        section = "systems" if person.role is Role.SYSTEM else "people"
        for token in person.tokens:
            if seen.setdefault(token, person.name) != person.name:
                faults.append(document.fault((section, person.name, "tokens"), f"is also the token of {seen[token]}"))
            elif len(token) < 24:
                faults.append(document.fault((section, person.name, "tokens"), "make it at least 24 characters long"))
    return faults


def _channel(document: Document, name: str, faults: list[Fault]) -> ChannelAccount | None:
    entry = document.data["channels"][name]
    kind = str(entry.get("channel")) if isinstance(entry, Mapping) else ""
    if kind not in CHANNELS:
        known = ", ".join(sorted(CHANNELS))
        faults.append(document.fault(("channels", name, "channel"), f"`{kind}` is no channel; known: {known}"))
        return None
    schema = type("AccountSchema", (CHANNELS[kind].options, ChannelSchema), {})()
    loaded = document.load(schema, at=("channels", name), faults=faults)
    if loaded is None:
        return None
    common = {field: loaded.pop(field) for field in ("severity", "digest_every", "programs")}
    loaded.pop("channel")
    return ChannelAccount(name=name, kind=kind, options=loaded, **{**common, "programs": tuple(common["programs"])})
