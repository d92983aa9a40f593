"""Badgr bound to the suite for platforms; and what is its own: whose an earlier award is, bulk calls, roles, tokens."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest
from marshmallow import ValidationError

from pipeline import clock
from pipeline.errors import Duplicate, Failure, Misconfigured, Outage, Rejected, Throttled, Unsure
from pipeline.oauth import forget_tokens
from pipeline.platforms.badgr import Badgr
from pipeline.platforms.badgr.access import BadgrSchema
from pipeline.settings import Settings
from pipeline.values import ClaimState, Format, Issued, Order, Standing
from sandbox.control import Json, SandboxControl
from tests.contracts.platform_bench import Bench, Trait
from tests.contracts.platform_suite import PlatformSuite

FIRST, SECOND = "Zmlyc3QtYWlkLWJhZGdlMDE", "ZmlyZS1zYWZldHktYmFkZ2U"
PASSWORD = "badgr-password"


class BadgrBench(Bench):
    """An account with a user's name and password."""

    adapter = Badgr
    system = "badgr"
    templates = (FIRST, SECOND)
    past_three_pages = 16
    past_three_template_pages = 16
    formats = (Format.BADGE,)
    secrets = (PASSWORD, "badgr-client-secret", "badgr-token-")
    issuing = r"^/v2/badgeclasses/[^/]+/(assertions|issue)$"
    lacks: ClassVar[Mapping[Trait, str]] = {
        Trait.OWN_REF: "an award has no field for an id of ours (contract 4); what tells it is the second of its date",
        Trait.LEARNER_REF: "an award knows an address and nothing else of the learner (contract 4)",
        Trait.LAG: "the list is read from the table that awards are written to (contract 6)",
        Trait.CORRECTS: "an award holds no name that could be corrected (contract 4)",
        Trait.NAMES_IT: "an award holds no name (contract 4)",
        Trait.WEBHOOK: "there is none in the source of the server, nor in the vendor's pages (contract 9)",
        Trait.SIGNATURE: "there is no webhook that could be signed (contract 9)",
        Trait.ATTRIBUTES: "an award has no attributes (contract 4)",
    }

    def options(self) -> dict[str, Any]:
        password = self.env("BADGR_PASSWORD", PASSWORD)
        return {"url": self.url, "username": "confer@academy.example", "password": password}

    def make(self) -> None:
        forget_tokens()  # the twin has forgotten them too
        self.twin.set(page_cap=5)
        for template, name in zip(self.templates, ("First Aid at Work", "Fire Safety"), strict=True):
            self.twin.add_template(template, name=name)
        assert self.platform().template(FIRST)  # with a token in hand, as on any day but the first

    def spoil(self) -> None:
        self.twin.add_template(FIRST, name="First Aid at Work", usable=False)

    def expire_token(self) -> None:
        self.twin.set(expire_tokens=True)


class TestBadgr(PlatformSuite):
    bench_type = BadgrBench

    def test_one_is_issued_and_is_live(self, bench: Bench) -> None:
        """Badgr is told no name, so that the twin has none to show; all else as in the suite."""
        issued = bench.issued()
        [made] = bench.there()
        assert issued == Issued(platform_ref=made["id"], url=f"{bench.url}/public/assertions/{made['id']}")
        assert (made["template"], made["email"], made["name"]) == (FIRST, "learner1@learners.example", "")
        assert bench.twin.ignored_fields() == []

    def test_a_name_may_hold_any_script(self, bench: Bench) -> None:
        """Whatever the name, none is sent."""
        bench.issued(name="Zoë Nguyễn-O’Brien 李 \U0001f600", given_name=None, family_name=None)
        assert bench.there()[0]["name"] == ""

    def template_ref(self, number: int) -> str:
        return f"badge-{number}"

    def missing_template(self) -> str:
        return "bm8tc3VjaC1iYWRnZWNsYXM"
