"""The rules by which a stand-in misbehaves: which calls, how, and how often."""

from __future__ import annotations

import itertools
import re
import secrets
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Any

from sandbox.shapes import (
    Check,
    Problem,
    Refused,
    any_text,
    count,
    flag,
    may,
    need,
    not_negative,
    one_of,
    require,
    structure,
    text,
)
from sandbox.systems import SYSTEMS

KINDS = (
    "latency",  # waits, then works and answers
    "status",  # answers with an error
    "throttle",  # answers 429
    "drop_after",  # works, then cuts the connection without a byte
    "drop_before",  # cuts the connection without having worked
    "hang",  # sends nothing for `seconds`, then cuts the connection
    "garbage",  # 200 that claims to be JSON and is not
    "html",  # 200 with a maintenance page
    "slow_body",  # works, then sends the answer drop by drop
    "empty_200",  # 200 without a body
    "redirect",  # 302 to a sign-in page
)
MAIL_KINDS = ("latency", "status", "throttle", "drop_after", "drop_before", "hang")

_SECONDS = {"hang": 3600.0, "latency": 1.0, "slow_body": 5.0}

_SHAPE: Check = structure(
    {
        "system": need(one_of(SYSTEMS)),
        "kind": need(one_of(KINDS)),
        "method": may(text, nullable=True),
        "path": may(text, nullable=True),
        "function": may(text, nullable=True),
        "status": may(count, nullable=True),
        "seconds": may(not_negative, nullable=True),
        "times": may(count, nullable=True),
        "skip": may(count),
        "probability": may(not_negative),
        "retry_after": may(count, nullable=True),
        "after": may(flag),
        "body": may(any_text, nullable=True),
        "content_type": may(text, nullable=True),
        "location": may(text, nullable=True),
        "at": may(one_of(("rcpt", "data"))),
        "to": may(text, nullable=True),
    }
)


@dataclass(eq=False, kw_only=True)
class Fault:
    """One rule. It applies to the calls that fit `method`, `path` and `function`; for mail to `at` and `to`.

    `path` is a prefix of the path inside the system, or a regular expression where it begins with `^`.
    `times` is how often it applies (None: until removed), after having let `skip` calls pass.
    """

    system: str
    kind: str
    id: str = ""
    method: str | None = None
    path: str | None = None
    function: str | None = None
    status: int | None = None
    seconds: float | None = None
    times: int | None = None
    skip: int = 0
    probability: float = 1.0
    retry_after: int | None = None
    after: bool = False
    body: str | None = None
    content_type: str | None = None
    location: str | None = None
    at: str = "data"
    to: str | None = None
    hits: int = 0
    seen: int = 0
    gone: threading.Event = field(default_factory=threading.Event)

    @property
    def wait_seconds(self) -> float:
        """How long to wait, with the kind's own default."""
        return self.seconds if self.seconds is not None else _SECONDS.get(self.kind, 0.0)

    def wait(self, seconds: float | None = None) -> bool:
        """Wait; ends early, and says so, when the fault is removed or the server stops."""
        return self.gone.wait(self.wait_seconds if seconds is None else seconds)

    def plain(self) -> dict[str, Any]:
        """As JSON shows it."""
        return {one.name: getattr(self, one.name) for one in fields(self) if one.name != "gone"}

    def fits(self, method: str, path: str, function: str | None) -> bool:
        """Whether a call is one of those meant."""
        if self.method and self.method.upper() != method:
            return False
        if self.function and self.function != function:
            return False
        if self.path is None:
            return True
        if self.path.startswith("^"):
            return re.search(self.path, path) is not None
        return path.startswith(self.path)


def read_fault(body: Any) -> Fault:
    """A rule from JSON.

    Raises:
        Refused: naming every field that is wrong.
    """
    require(body, _SHAPE)
    problems = []
    if body["system"] == "mail" and body["kind"] not in MAIL_KINDS:
        problems.append(Problem("kind", f"for mail must be one of {', '.join(MAIL_KINDS)}"))
    if body["system"] != "moodle" and body.get("function"):
        problems.append(Problem("function", "is for moodle only"))
    if body["system"] != "mail" and ("at" in body or "to" in body):
        problems.append(Problem("at", "and `to` are for mail only"))
    if (body.get("path") or "").startswith("^"):
        try:
            re.compile(body["path"])
        except re.error as error:
            problems.append(Problem("path", f"is not a regular expression: {error}"))
    if problems:
        raise Refused(problems)
    return Fault(**body)


def read_header(value: str, system: str) -> Fault:
    """A rule for one call, from `X-Sandbox-Fault: kind;key=value;key=value`.

    Raises:
        Refused: naming what is wrong.
    """
    kind, *pairs = [part.strip() for part in value.split(";") if part.strip()]
    body: dict[str, Any] = {"system": system, "kind": kind, "times": 1}
    for pair in pairs:
        key, _, given = pair.partition("=")
        if key in ("status", "retry_after"):
            body[key] = int(given) if given.isdigit() else given
        elif key == "seconds":
            body[key] = float(given) if re.fullmatch(r"\d+(\.\d+)?", given) else given
        elif key == "after":
            body[key] = given == "true"
        else:
            body[key] = given
    return read_fault(body)


class Faults:
    """The rules in force. The first one that fits is used."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: dict[str, Fault] = {}
        self._passing: set[Fault] = set()
        self._numbers = itertools.count(1)
        self._chance = secrets.SystemRandom()

    def add(self, fault: Fault) -> Fault:
        """Put a rule in force."""
        with self._lock:
            fault.id = f"fault-{next(self._numbers)}"
            self._rules[fault.id] = fault
        return fault

    def take(self, system: str, method: str, path: str, function: str | None = None) -> Fault | None:
        """The rule to use for this HTTP call, if any."""
        with self._lock:
            fitting = (
                one for one in self._rules.values() if one.system == system and one.fits(method, path, function)
            )
            return self._use_first(fitting)

    def take_mail(self, at: str, to: str) -> Fault | None:
        """The rule to use at this point of an SMTP dialogue, if any."""
        with self._lock:
            fitting = (
                one
                for one in self._rules.values()
                if one.system == "mail" and one.at == at and (one.to or to).lower() == to.lower()
            )
            return self._use_first(fitting)

    def _use_first(self, fitting: Iterable[Fault]) -> Fault | None:
        for fault in fitting:
            if fault.times is not None and fault.hits >= fault.times:
                continue
            fault.seen += 1
            if fault.seen <= fault.skip or self._chance.random() >= fault.probability:
                continue
            fault.hits += 1
            return fault
        return None

    def hold(self, fault: Fault) -> None:
        """Know a rule that came with one call, so that stopping the server ends its wait."""
        with self._lock:
            self._passing.add(fault)

    def let_go(self, fault: Fault) -> None:
        """Forget such a rule."""
        with self._lock:
            self._passing.discard(fault)

    def list(self) -> list[Fault]:
        """The rules, oldest first, also those that are used up."""
        with self._lock:
            return list(self._rules.values())

    def remove(self, fault_id: str) -> bool:
        """Remove a rule and end the waits it causes."""
        with self._lock:
            fault = self._rules.pop(fault_id, None)
        if fault is None:
            return False
        fault.gone.set()
        return True

    def clear(self) -> None:
        """Remove all rules and end all waits."""
        with self._lock:
            ending = [*self._rules.values(), *self._passing]
            self._rules.clear()
        for fault in ending:
            fault.gone.set()
