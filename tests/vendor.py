"""A platform for tests of what happens around platforms: it announces claims, and lists what it holds, in memory."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

import pytest
from marshmallow import Schema, fields
from werkzeug.test import TestResponse

from pipeline.adapters import PLATFORMS
from pipeline.contracts import Platform
from pipeline.errors import Failure, Rejected
from pipeline.options import Secrets
from pipeline.steps.turn import WakeUp
from pipeline.values import ClaimState, Format, Held, Hint, Issued, Order, Rate, Standing, Template
from pipeline.webhook import Request, Unauthenticated, Unreadable, heard, json_body, proves
from tests.driver import Driver
from web import claims

SECRET = "the-secret-of-the-vendor-s-webhook"
TEMPLATE = "vt-1"


@dataclass
class Vendor:
    """What the vendor has, and how it behaves."""

    holds: dict[str, Held] = field(default_factory=dict)
    #: credentials that a listing does not show yet, and templates that it refuses
    unlisted: set[str] = field(default_factory=set)
    failing: Failure | None = None
    failing_templates: dict[str, Failure] = field(default_factory=dict)
    page: int = 50
    calls: list[str] = field(default_factory=list)
    #: done in the middle of a call
    meanwhile: Callable[[], object] | None = None

    def put(self, at: str, /, **changes: Any) -> Held:
        """Change a credential, or add one."""
        blank = Held(platform_ref=at, template=TEMPLATE, standing=Standing.LIVE)
        self.holds[at] = replace(self.holds.get(at, blank), **changes)
        return self.holds[at]

    def claim(self, ref: str, claim: ClaimState = ClaimState.CLAIMED, at: datetime | None = None) -> None:
        """The learner decides."""
        self.put(ref, claim=claim, claimed_at=at)

    def called(self, name: str) -> None:
        """Note a call, and fail as told."""
        self.calls.append(name)
        if self.meanwhile:
            self.meanwhile()
        if self.failing:
            raise self.failing


VENDOR = Vendor()


class VendorOptions(Schema):
    """The secrets with which the webhook is signed."""

    secrets = Secrets(required=True)


class _EventSchema(Schema):
    """One announcement."""

    id = fields.String(required=True)
    credential = fields.String(required=True)


class TestbedPlatform(Platform):
    """The adapter of the vendor."""

    __test__ = False
    name = "vendor"
    label = "Vendor"
    options = VendorOptions
    rate: ClassVar[Rate | None] = Rate(calls=600, window=timedelta(seconds=60))
    formats = frozenset({Format.CERTIFICATE, Format.BADGE})
    bulk = 1
    prevents_duplicates = "nothing"
    finds_by = "our reference"
    settles_within = timedelta(0)
    corrects = ""
    withdraws = "Revoked, and still to be seen."
    claims = "webhook"
    hears = "Claims, signed."

    def issue(self, order: Order) -> Issued:
        with self.gate.passage():
            VENDOR.called("issue")
            ref = f"v{len(VENDOR.holds) + 1}"
            VENDOR.put(ref, template=order.template, ref=order.ref, name=order.name, claim=ClaimState.OPEN)
        return Issued(platform_ref=ref, url=f"https://vendor.example/{ref}")

    def find(self, order: Order) -> Issued | None:
        with self.gate.passage():
            VENDOR.called("find")
            hits = [one for one in VENDOR.holds.values() if one.ref == order.ref and one.standing is Standing.LIVE]
        return Issued(platform_ref=hits[0].platform_ref, url="https://vendor.example/") if hits else None

    def read(self, ref: str) -> Held | None:
        with self.gate.passage():
            VENDOR.called("read")
            return VENDOR.holds.get(ref)

    def held(self, template: str) -> Iterator[Held]:
        found = [one for one in VENDOR.holds.values() if one.template == template]
        shown = [one for one in found if one.platform_ref not in VENDOR.unlisted]
        for start in range(0, max(len(shown), 1), VENDOR.page):
            with self.gate.passage():
                VENDOR.called("list")
                if template in VENDOR.failing_templates:
                    raise VENDOR.failing_templates[template]
            yield from shown[start : start + VENDOR.page]

    def templates(self) -> Iterator[Template]:
        return iter(())

    def template(self, ref: str) -> Template | None:
        return Template(ref=ref, name=ref, usable=True)

    def withdraw(self, ref: str, reason: str) -> None:
        with self.gate.passage():
            VENDOR.put(ref, standing=Standing.WITHDRAWN)

    def hear(self, request: Request) -> tuple[Hint, ...]:
        signed = request.headers.get("x-vendor-signature", "")
        right = tuple(sign(request.body, secret) for secret in self.account.options["secrets"])
        if not proves(signed, right):
            raise Unauthenticated("the signature does not fit")
        document = json_body(request)
        if document.get("kind") == "ping":
            return ()
        if document.get("kind") == "ask":
            self.read("x")  # no adapter may; the route has to stand it
        if document.get("kind") == "gibberish":
            raise Unreadable("nobody can read this")
        found = heard(_EventSchema(unknown="exclude"), document)
        return (Hint(key=found["id"], ref=found["credential"]),)

    def hinted(self, hint: Hint) -> Held | None:
        if hint.ref == "refused":
            raise Rejected("Vendor answered 400")
        return self.read(hint.ref)


class _Collector:
    """Stands in for the thread that sends wake-ups to the broker."""

    def __init__(self, waiting: deque[WakeUp]) -> None:
        self.send = waiting.append


def sign(body: bytes, secret: str = SECRET) -> str:
    """The vendor's proof."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def announce(confer: Driver, ref: str, key: str = "e1", *, path: str = "", **more: Any) -> TestResponse:
    """Post an announcement as the vendor does."""
    return post(confer, json.dumps({"id": key, "credential": ref, **more}).encode(), path=path)


def post(
    confer: Driver, body: bytes, *, account: str = "vendor", path: str = "", signature: str | None = None, **more: Any
) -> TestResponse:
    """Post any body, signed as the vendor does."""
    proof = {"X-Vendor-Signature": sign(body) if signature is None else signature}
    return confer.web.post(f"/claims/{account}{path}", data=body, headers=proof, content_type="text/plain", **more)


def installed(
    monkeypatch: pytest.MonkeyPatch, make_driver: Callable[..., Driver], more: Iterable[str] = ()
) -> Driver:
    """An installation in which First Aid is issued at the vendor; `more` are further lines of its account."""
    VENDOR.__init__()  # type: ignore[misc]  # as at its start
    monkeypatch.setitem(PLATFORMS, "vendor", TestbedPlatform)  # type: ignore[arg-type]
    monkeypatch.setenv("VENDOR_SECRET", SECRET)
    confer = make_driver()
    monkeypatch.setattr(claims, "herald", _Collector(confer.waiting))
    accounts, program = confer.config / "accounts.yaml", confer.config / "programs" / "first-aid.yaml"
    lines = ("system: vendor", "secrets: [env:VENDOR_SECRET]", *more)
    entry = "".join(f"    {line}\n" for line in lines)
    accounts.write_text(accounts.read_text().replace("platforms:\n", f"platforms:\n  vendor:\n{entry}"))
    program.write_text(
        program.read_text()
        .replace("account: badges", "account: vendor")
        .replace("template: first-aid", "template: vt-1")
    )
    confer.reload()
    return confer
