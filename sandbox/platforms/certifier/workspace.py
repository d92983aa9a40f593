"""A Certifier workspace in memory: groups, attributes, credentials as they were and are, and who looked at them."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

Json = dict[str, Any]

#: the attribute in which our own reference is kept; any other would do, but has to be there
REFERENCE = "confer_ref"


@dataclass(kw_only=True)
class Group:
    """A group, alias credential template. The designs are ids, None where it has none of that kind."""

    id: str
    name: str
    certificate: str | None = None
    badge: str | None = None
    created_at: str


@dataclass(kw_only=True)
class Interaction:
    """Somebody looked at, shared or downloaded a credential."""

    id: str
    credential: str
    event: str
    by: str
    at: str


@dataclass(kw_only=True)
class Credential:
    """A credential. `history` is what it was like from when on; None in it: deleted."""

    id: str
    public_id: str
    group: str
    recipient: Json
    issue_date: str
    expiry_date: str | None
    attributes: dict[str, str]
    created_at: str
    updated_at: str
    stage: str = "draft"
    deleted: bool = False
    mailed: int = 0
    history: list[tuple[float, Json | None]] = field(default_factory=list)

    @property
    def status(self) -> str:
        """The vendor's word: what was issued expires by its date."""
        expired = self.expiry_date is not None and self.expiry_date < today()
        return "expired" if expired and self.stage == "issued" else self.stage

    def plain(self) -> Json:
        """As the API shows it."""
        return {
            "id": self.id,
            "publicId": self.public_id,
            "groupId": self.group,
            "status": self.status,
            "recipient": dict(self.recipient),
            "issueDate": self.issue_date,
            "expiryDate": self.expiry_date,
            "attributes": {"recipient.name": self.recipient["name"], **self.attributes},
            "customAttributes": dict(self.attributes),
            "createdAt": self.created_at,
            "updatedAt": self.updated_at,
        }


class Workspace:
    """The data of one workspace; whoever uses it holds the twin's lock."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self.groups: dict[str, Group] = {}
        self.tags: list[str] = [REFERENCE]
        self.credentials: dict[str, Credential] = {}
        self.interactions: list[Interaction] = []
        for number, name in enumerate(("First Aid at Work", "Healthcare Compliance 101"), 1):
            self.add_group(f"01kzdem0grp{number:0>15}", name, certificate=True, badge=False)

    def new_id(self, kind: str) -> str:
        """A new id in the form of a ULID, later ones after earlier ones."""
        return f"01kzdem0{kind}{next(self._numbers):0>{18 - len(kind)}}"

    def add_group(self, ref: str, name: str, *, certificate: bool, badge: bool) -> Group:
        """Add or replace a group."""
        designs = {
            "certificate": self.new_id("dsgn") if certificate else None,
            "badge": self.new_id("dsgn") if badge else None,
        }
        self.groups[ref] = Group(id=ref, name=name, created_at=instant(), **designs)
        return self.groups[ref]

    def add_credential(self, given: Mapping[str, Any], *, stage: str = "draft") -> Credential:
        """A new credential of what `POST /v1/credentials` takes."""
        now, who = instant(), given["recipient"]
        made = Credential(
            id=self.new_id("cred"),
            public_id=str(uuid4()),
            group=given["groupId"],
            recipient={"id": self.new_id("rcpt"), "name": who["name"], "email": who.get("email")},
            issue_date=given.get("issueDate") or today(),
            expiry_date=given.get("expiryDate"),
            attributes=dict(given.get("customAttributes") or {}),
            created_at=now,
            updated_at=now,
            stage=stage,
        )
        self.credentials[made.id] = made
        self.note(made)
        return made

    def note(self, one: Credential) -> None:
        """Write down how a credential is now."""
        one.updated_at = instant()
        one.history.append((time.monotonic(), None if one.deleted else one.plain()))

    def delete(self, one: Credential) -> None:
        """Delete for good."""
        one.deleted = True
        self.note(one)

    def found(self, ref: str) -> Credential | None:
        """The credential of that id, unless it was deleted."""
        one = self.credentials.get(ref)
        return None if one is None or one.deleted else one

    def indexed(self, lag: float) -> Iterator[Json]:
        """Every credential as a search that lags by so many seconds knows it."""
        until = time.monotonic() - lag
        for one in self.credentials.values():
            known = [shown for at, shown in one.history if at <= until]
            if known and known[-1] is not None:
                yield known[-1]

    def touch(self, credential: str, event: str, by: str, at: str | None = None) -> Interaction:
        """Somebody did something with a credential."""
        made = Interaction(id=self.new_id("act"), credential=credential, event=event, by=by, at=at or instant())
        self.interactions.append(made)
        return made


def today() -> str:
    """The day, as the workspace counts days."""
    return datetime.now(UTC).date().isoformat()


def instant() -> str:
    """Now, as the API writes instants."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
