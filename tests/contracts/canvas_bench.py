"""Canvas for its tests: an account whose events are signed, and one that relies on a secret address."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pytest

from pipeline.lms.canvas import Canvas
from pipeline.lms.canvas.signed import forget_keys
from pipeline.oauth import forget_tokens
from pipeline.webhook import Entrance
from sandbox.control import SandboxControl
from sandbox.lms.canvas.signing import Signer
from tests.contracts.lms_bench import Bench, Trait, Wire

#: the assignment of every course that the bench makes
EXAM = "Final exam"
TOKEN_PATH, JWKS_PATH = "/login/oauth2/token", "/main/jwks"


class SignedEvents(Bench):
    """Canvas with signed payloads, read by the tokens of a developer key."""

    adapter = Canvas
    system = "canvas"
    past_three_pages = 16

    def __init__(self, control: SandboxControl, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
        super().__init__(control, monkeypatch, url)
        forget_keys()
        forget_tokens()
        self.lms.set(page_cap=5)
        self.changed: dict[str, Any] = {}
        self.completed: dict[tuple[str, str], str] = {}

    def options(self) -> dict[str, Any]:
        return {"site": self.url, "jwks": f"{self.url}{JWKS_PATH}", **self.developer_key(), **self.changed}

    def developer_key(self) -> dict[str, str]:
        return {
            "client_id": "170000000056",
            "client_secret": self.env("CANVAS_CLIENT_SECRET", "canvas-client-secret"),
            "refresh_token": self.env("CANVAS_REFRESH_TOKEN", "canvas-refresh-token"),
        }

    def adapted(self, **options: Any) -> Canvas:
        """The adapter, with other options from now on."""
        self.changed |= options
        return Canvas(self.account())

    def asked(self, path: str) -> int:
        """How often the twin was asked at an address that ends like this."""
        return sum(call["path"].endswith(path) for call in self.control.calls(self.system))

    def learner(self, number: int) -> str:
        self.lms.add_learner(number, name=f"Learner {number}", email=f"learner{number}@learners.example")
        return str(number)

    def course(self, number: int) -> str:
        modules = [{"name": "Reading"}, {"name": EXAM, "items": [{"assignment": EXAM}]}]
        assignments = [{"name": EXAM, "points_possible": 40, "quiz": True}]
        self.lms.add_course(700 + number, name=f"Course {number}", modules=modules, assignments=assignments)
        return str(700 + number)

    def complete(
        self, learner: str, course: str, *, at: datetime | None = None, lag_reads: int = 0, **send: Any
    ) -> Wire:
        when = {"completed_at": f"{at:%Y-%m-%dT%H:%M:%SZ}"} if at else {}
        return self.announced(learner, course, self.send(**send), score=90, lag_reads=lag_reads, **when)

    def again(self, learner: str, course: str, wire: Wire | None = None, **send: Any) -> Wire:
        at = self.completed[learner, course]
        return self.announced(learner, course, self.send(**send), completed_at=at)

    def batch(self, pairs: list[tuple[str, str]]) -> Wire:
        first, *others = pairs
        rest = [{"learner": int(learner), "course": int(course)} for learner, course in others]
        noise = {"learner": int(first[0]), "course": int(first[1]), "event_name": "grade_change"}
        return self.again(*first, also=[noise, *rest])

    def announced(self, learner: str, course: str, send: dict[str, Any], **more: Any) -> Wire:
        sent = self.lms.complete(int(learner), int(course), send=send, **more)
        self.completed[learner, course] = sent["completed_at"]
        return Wire(raw=sent["raw"].encode(), headers=sent["headers"])

    def send(self, **more: Any) -> dict[str, Any]:
        return {"url": "http://receiver.example/hooks", "dry": True, "signed": True, **more}

    def document(self, wire: Wire) -> Any:
        payload = wire.raw.split(b".")[1]
        return json.loads(urlsafe_b64decode(payload + b"=="))

    def seal(self, payload: bytes, *, secret: str | None, at: datetime | None = None) -> Wire:
        """The account's secrets are the current and the previous key; nobody knows more than a key's public name."""
        if at is not None:
            event = json.loads(payload)
            event["metadata"]["event_time"] = at.isoformat()
            payload = json.dumps(event).encode()
        if secret is None:
            return Wire(raw=payload, headers={"Content-Type": "application/json"})
        published = Signer().key_set()["keys"][1]["kid"]
        ways = {
            self.secrets[0]: {"key": "current"},
            self.secrets[1]: {"key": "previous"},
            "": {"alg": "none", "kid": published},
            "another": {"key": "unpublished"},
        }
        token = Signer().sign(payload, ways.get(secret, {"key": "unpublished", "kid": published}))
        return Wire(raw=token.encode(), headers={"Content-Type": "application/jwt"})

    def expire_token(self) -> None:
        self.lms.set(expire_tokens=True)


class PlainEvents(SignedEvents):
    """Canvas that signs nothing, at an address that nobody else knows, read by a token that was made by hand."""

    lacks: Mapping[Trait, str] = {
        Trait.SIGNATURE: "without signed payloads there is no signature and no shared secret (contract 1.3)",
        Trait.FRESHNESS: "nothing binds the time of the event; it is verified by asking (contract, careful 8)",
        Trait.RENEWAL: "a token that was made by hand has no end; only a person can make another",
    }

    def options(self) -> dict[str, Any]:
        return {"site": self.url, "token": self.env("CANVAS_TOKEN", "canvas-token"), **self.changed}

    def entrance(self) -> Entrance:
        return Entrance(path=self.secrets)

    def announced(self, learner: str, course: str, send: dict[str, Any], **more: Any) -> Wire:
        wire = super().announced(learner, course, send, **more)
        return Wire(raw=wire.raw, headers=wire.headers, path=self.secrets[0])

    def send(self, **more: Any) -> dict[str, Any]:
        return super().send(**{"signed": False, **more})

    def document(self, wire: Wire) -> Any:
        return json.loads(wire.raw)

    def seal(self, payload: bytes, *, secret: str | None, at: datetime | None = None) -> Wire:
        return Wire(raw=payload, headers={"Content-Type": "application/json"}, path=secret or "")
