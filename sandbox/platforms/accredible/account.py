"""An Accredible account in memory: groups, credentials, credits, and the rules by which it issues."""

from __future__ import annotations

import copy
import itertools
import threading
import time
from collections import deque
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sandbox.platforms.accredible.rules import (
    FIELDS,
    RECIPIENT_FIELDS,
    Group,
    Invalid,
    check_fields,
    check_new,
    expiry,
    ignored,
    recipient_of,
)

_FIRST_ID = 20417731


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of the account. `sandbox_mode` keeps everything unpublished, whatever a call asks for.

    `bulk_spelling` is how an item error is written: the vendor's two texts differ (`error` or `errors`). The last
    three are what the vendor leaves open; their defaults are the strictest reading: an unpublished credential blocks
    a new one for its address, an unknown attribute is refused (`refuse`, `drop` or `keep`), and a reference of the
    caller's is kept.
    """

    key: str = "accredible-key"
    credits: int = 1_000_000
    search_lag_ms: int = 0
    sandbox_mode: bool = False
    bulk_spelling: str = "error"
    attribute_keys: tuple[str, ...] = ("Completed", "Day", "Score")
    unknown_attributes: str = "refuse"
    unpublished_blocks: bool = True
    keeps_own_id: bool = True


@dataclass(kw_only=True)
class Credential:
    """An issued credential. `own_id` is the reference that the caller gave, searched as license_id."""

    id: int
    group: Group
    own_id: str | None
    recipient: dict[str, Any]
    name: str
    description: str
    issued_on: str
    expired_on: str | None
    approve: bool
    private: bool
    complete: bool
    custom_attributes: dict[str, Any]
    meta_data: dict[str, str]
    evidence_items: list[Any]
    references: list[Any]
    created_at: str
    updated_at: str
    published_on: str | None = None
    opened: bool = False
    engaged: bool = False
    mailed: int = 0
    ignored_fields: tuple[str, ...] = ()

    @property
    def live(self) -> bool:
        """Whether the public sees it as valid: on its last day it still is."""
        return self.approve and (self.expired_on is None or self.expired_on >= _now()[:10])


class NotThere(LookupError):
    """A credential or group that does not exist."""


class Account:
    """The account's data, with two groups at the start. Every method may be called from any thread."""

    def __init__(self, lock: threading.RLock) -> None:
        self.lock = lock
        self.settings = Settings()
        self.groups: dict[int, Group] = {}
        for number, name in ((4711, "First Aid at Work"), (4712, "Healthcare Compliance 101")):
            self.add_group(Group(id=number, name=name, course_name=name, course_description=f"{name}, completed."))
        self.credentials: dict[int, Credential] = {}
        self.deleted: dict[int, Credential] = {}
        self.counts = {"created": 0, "duplicates_refused": 0, "changed": 0, "deleted": 0}
        self._ids = itertools.count(_FIRST_ID)
        self._index: dict[int, Credential] = {}
        self._index_queue: deque[tuple[float, int, Credential | None]] = deque()

    def add_group(self, group: Group) -> None:
        """Add or replace a group."""
        with self.lock:
            self.groups[group.id] = group

    def find(self, reference: str) -> Credential:
        """The credential by its own number or by the caller's reference.

        Raises:
            NotThere: there is none.
        """
        with self.lock:
            for one in self.credentials.values():
                if reference in (str(one.id), one.own_id):
                    return one
        raise NotThere(reference)

    def create(self, given: Any) -> Credential:
        """Issue a credential.

        Raises:
            Invalid: the account refuses it.
        """
        with self.lock:
            group = check_new(given, self.groups)
            attributes = self._attributes(given)
            own_id = given.get("id") if self.settings.keeps_own_id else None
            self._refuse_duplicate(given, group, own_id)
            now = _now()
            issued_on = given.get("issued_on") or now[:10]
            credential = Credential(
                id=next(self._ids),
                group=group,
                own_id=own_id,
                recipient=recipient_of(given["recipient"]),
                name=given.get("name") or group.course_name or "",
                description=given.get("description") or group.course_description or "",
                issued_on=issued_on,
                expired_on=given.get("expired_on") or expiry(group, issued_on),
                approve=False,
                private=given.get("private", False),
                complete=given.get("complete", True),
                custom_attributes=attributes,
                meta_data=dict(given.get("meta_data") or {}),
                evidence_items=list(given.get("evidence_items") or []),
                references=list(given.get("references") or []),
                created_at=now,
                updated_at=now,
                ignored_fields=ignored(given),
            )
            if given.get("approve", True):
                self._publish(credential)
            self.credentials[credential.id] = credential
            self.counts["created"] += 1
            self._to_index(credential.id, credential)
            return credential

    def change(self, reference: str, given: Any) -> Credential:
        """Change the fields given.

        Raises:
            Invalid: the account refuses the change.
            NotThere: there is no such credential.
        """
        with self.lock:
            credential = self.find(reference)
            if not isinstance(given, dict):
                raise Invalid("Can not update credential without data")
            check_fields(given)
            if given.get("group_id", credential.group.id) not in self.groups:
                raise Invalid("Invalid Group")
            attributes = self._attributes(given)
            for name in sorted(set(given) & FIELDS - {"id", "group_id", "recipient", "approve", "custom_attributes"}):
                if hasattr(credential, name):  # an object takes the place of the one before
                    setattr(credential, name, given[name])
            if "custom_attributes" in given:
                credential.custom_attributes = attributes
            if "group_id" in given:
                credential.group = self.groups[given["group_id"]]
            credential.recipient |= {
                key: value for key, value in given.get("recipient", {}).items() if key in RECIPIENT_FIELDS
            }
            if given.get("approve") is True:
                self._publish(credential)
            elif given.get("approve") is False:
                credential.approve = False
            credential.ignored_fields = tuple(sorted({*credential.ignored_fields, *ignored(given)}))
            credential.updated_at = _now()
            self.counts["changed"] += 1
            self._to_index(credential.id, credential)
            return credential

    def delete(self, reference: str) -> Credential:
        """Delete a credential for good.

        Raises:
            NotThere: there is no such credential.
        """
        with self.lock:
            credential = self.credentials.pop(self.find(reference).id)
            self.deleted[credential.id] = credential
            self.counts["deleted"] += 1
            self._to_index(credential.id, None)
            return credential

    def open(self, credential: Credential) -> None:
        """Note that somebody looked at the public page: the nearest thing to a claim that there is."""
        with self.lock:
            if not credential.opened:
                credential.opened = True
                self._to_index(credential.id, credential)

    def indexed(self) -> list[Credential]:
        """What the search knows by now: it trails by the account's lag."""
        with self.lock:
            now = time.monotonic()
            while self._index_queue and self._index_queue[0][0] <= now:
                _, number, credential = self._index_queue.popleft()
                if credential is None:
                    self._index.pop(number, None)
                else:
                    self._index[number] = credential
            return list(self._index.values())

    def _to_index(self, number: int, credential: Credential | None) -> None:
        due = time.monotonic() + self.settings.search_lag_ms / 1000
        self._index_queue.append((due, number, copy.deepcopy(credential)))

    def _publish(self, credential: Credential) -> None:
        """Publishing costs a credit; without one the credential stays as it is, and that is no error."""
        if credential.approve or self.settings.sandbox_mode or self.settings.credits <= 0:
            return
        self.settings = replace(self.settings, credits=self.settings.credits - 1)
        credential.approve = True
        credential.published_on = _now()[:10]
        credential.mailed += 1

    def _attributes(self, given: dict[str, Any]) -> dict[str, Any]:
        """The attributes that are kept. assumed: what becomes of a name that the account does not know."""
        attributes = given.get("custom_attributes") or {}
        unknown = sorted(set(attributes) - set(self.settings.attribute_keys))
        if unknown and self.settings.unknown_attributes == "refuse":
            raise Invalid({"custom_attributes": ["has a key that does not exist"]})
        dropped = unknown if self.settings.unknown_attributes == "drop" else ()
        return {name: value for name, value in attributes.items() if name not in dropped}

    def _refuse_duplicate(self, given: dict[str, Any], group: Group, own_id: str | None) -> None:
        if own_id is not None and any(one.own_id == own_id for one in self.credentials.values()):
            self.counts["duplicates_refused"] += 1
            # assumed: the vendor does not say what a repeated reference of the caller's leads to
            raise Invalid({"id": ["has already been taken"]})
        address = given["recipient"]["email"].lower()
        if group.allow_duplicate_credentials:
            return
        blocking = (one for one in self.credentials.values() if one.live or self.settings.unpublished_blocks)
        for one in blocking:
            if one.group.id == group.id and one.recipient["email"].lower() == address:
                self.counts["duplicates_refused"] += 1
                # assumed key: the vendor's own plugin reads errors.credential[0]; bulk names recipient.email
                message = "The email address is already taken and this group does not allow duplicates"
                raise Invalid({"credential": [message]})


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
