"""The student information system in memory: completions under ids that the caller chose."""

from __future__ import annotations

import copy
import hashlib
import json
import threading
from dataclasses import dataclass, field
from typing import Any

from sandbox.shapes import (
    Check,
    Problem,
    any_text,
    day,
    email,
    may,
    need,
    not_negative,
    one_of,
    structure,
    text,
    url,
)

#: the contract shows `passed`; the other outcomes are assumed
OUTCOMES = ("passed", "failed", "incomplete")
STATUSES = ("active", "revoked", "superseded")

_CREDENTIAL: Check = structure(
    {
        "id": need(text),
        "url": need(url),
        "issuedOn": need(day),
        "expiresOn": may(day, nullable=True),
        "status": need(one_of(STATUSES)),
        "statusReason": may(text),
    }
)
_COMPLETION: Check = structure(
    {
        "completionId": need(text),
        "student": need(structure({"id": need(text), "idType": need(text), "email": may(email), "name": may(text)})),
        "course": need(structure({"code": need(text), "title": need(text), "section": may(text), "term": may(text)})),
        "result": need(
            structure(
                {
                    "outcome": need(one_of(OUTCOMES)),
                    "score": may(not_negative),
                    "scoreMax": may(not_negative),
                    "grade": may(text),
                    "completedOn": need(day),
                    "credits": may(not_negative),
                }
            )
        ),
        "credential": may(_CREDENTIAL),
        "source": need(structure({"system": need(text), "eventId": need(any_text)})),
    }
)


def problems_of(body: Any, completion_id: str) -> list[Problem]:
    """Everything that is wrong with a completion."""
    problems = _COMPLETION(body, "")
    if problems:
        return problems
    if body["completionId"] != completion_id:
        problems.append(Problem("completionId", "is not the one in the path"))
    score, most = body["result"].get("score"), body["result"].get("scoreMax")
    if score is not None and most is not None and score > most:
        problems.append(Problem("result.score", "is above scoreMax"))
    credential = body.get("credential", {})
    if credential.get("status", "active") != "active" and "statusReason" not in credential:
        problems.append(Problem("credential.statusReason", "is missing: say why it is no longer active"))
    return problems


@dataclass(kw_only=True)
class Completion:
    """A stored completion and how often it was written."""

    content: dict[str, Any]
    version: int = 1
    writes: int = 1
    repeats: int = 0
    keys: list[str] = field(default_factory=list)

    def shown(self) -> dict[str, Any]:
        """As the API answers it."""
        return {**copy.deepcopy(self.content), "version": self.version}


class Stale(Exception):
    """The caller knows another version than the stored one."""


class KeyReused(Exception):
    """The same idempotency key came with other content."""


class UnknownStudent(LookupError):
    """The system has no such student."""


class Sis:
    """The system's data. Every method may be called from any thread."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.reset()

    def reset(self) -> None:
        """Empty, with the default token, and open for unknown students."""
        with self.lock:
            self.token = "sis-token"  # noqa: S105 - a sandbox's default, no secret
            self.known_students_only = False
            self.students: dict[tuple[str, str], dict[str, Any]] = {}
            self.completions: dict[str, Completion] = {}
            self.counts = {"created": 0, "changed": 0, "repeated": 0, "refused": 0}
            self._keys: dict[str, tuple[str, str]] = {}

    def put(
        self, completion_id: str, body: dict[str, Any], key: str, if_match: str | None
    ) -> tuple[Completion, bool]:
        """Store a completion; and whether it is new. The same content again changes nothing.

        Raises:
            UnknownStudent: only known students may be written.
            KeyReused: the idempotency key belongs to other content.
            Stale: `if_match` names another version.
        """
        with self.lock:
            student = body["student"]
            if self.known_students_only and (student["idType"], student["id"]) not in self.students:
                raise UnknownStudent(student["id"])
            mark = (completion_id, hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest())
            if self._keys.setdefault(key, mark) != mark:
                raise KeyReused(key)
            stored = self.completions.get(completion_id)
            if if_match is not None and (stored is None or if_match != f'"{stored.version}"'):
                raise Stale(completion_id)
            if stored is None:
                stored = self.completions[completion_id] = Completion(content=copy.deepcopy(body), keys=[key])
                self.counts["created"] += 1
                return stored, True
            stored.keys.append(key)
            if stored.content == body:
                stored.repeats += 1
                self.counts["repeated"] += 1
            else:
                stored.content = copy.deepcopy(body)
                stored.version += 1
                stored.writes += 1
                self.counts["changed"] += 1
            return stored, False

    def refuse(self) -> None:
        """Count a write that was not accepted."""
        with self.lock:
            self.counts["refused"] += 1
