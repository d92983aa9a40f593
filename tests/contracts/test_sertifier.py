"""Sertifier bound to the suite for platforms; and what is its own: refusals under 200, reading back, numbers."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest
from marshmallow import ValidationError

from pipeline import clock
from pipeline.errors import Failure, Misconfigured, Outage, Rejected, Throttled, Unsure
from pipeline.platforms.sertifier import Sertifier
from pipeline.platforms.sertifier.options import SertifierSchema
from pipeline.settings import Settings
from pipeline.values import ClaimState, Format, Issued, Standing
from pipeline.webhook import Request, Unreadable
from sandbox.control import SandboxControl
from tests.contracts.platform_bench import Bench, Trait
from tests.contracts.platform_suite import PlatformSuite

CAMPAIGN = "11111111-0000-4000-8000-000000000001"
OTHER = "11111111-0000-4000-8000-000000000002"
ADD = "/campaign/addCredentials"
KEY = "sertifier-key"


class SertifierBench(Bench):
    """An account that says from which number on its learners have taken their credential."""

    adapter = Sertifier
    system = "sertifier"
    templates = (CAMPAIGN, OTHER)
    past_three_pages = 16
    past_three_template_pages = 16
    formats = (Format.CERTIFICATE, Format.BADGE)
    attributes: ClassVar[Mapping[str, str]] = {"Score": "91.5", "Hours": "12"}
    secrets = (KEY,)
    issuing = ADD
    lacks: ClassVar[Mapping[Trait, str]] = {
        Trait.BULK: "whether a list is made as a whole or in part is not known (contract 3)",
        Trait.OWN_REF: "our reference is sent and no answer is known to show it (contract 4)",
        Trait.LEARNER_REF: "a credential holds a name and an address, and no id of the learner (contract 2)",
        Trait.REFUSES: "no duplicate is refused (contract 5)",
        Trait.WITHDRAWN_SHOWN: "a deleted credential is gone; there is no revocation (contract 6)",
        Trait.DECLINES: "there is no step of accepting or declining (contract 7)",
        Trait.WEBHOOK: "no webhook is documented (contract 7)",
        Trait.SIGNATURE: "no webhook is documented, so nothing is signed (contract 7)",
        Trait.RENEWAL: "a key is shown, and no token that could expire (contract 1)",
    }

    def options(self) -> dict[str, Any]:
        return {"url": self.url, "key": self.env("SERTIFIER_KEY", KEY), "claimed_from": 3}

    def make(self) -> None:
        self.twin.set(page_cap=5)
        for ref, title in zip(self.templates, ("First Aid at Work", "Fire Safety"), strict=True):
            self.twin.add_template(ref, name=title, badge=True, attributes=list(self.attributes))

    def spoil(self) -> None:
        self.twin.add_template(CAMPAIGN, name="First Aid at Work", usable=False, attributes=list(self.attributes))

    def lag(self, milliseconds: int) -> None:
        self.twin.set(search_lag_ms=milliseconds)

    def revoke_key(self) -> None:
        self.twin.set(key="another-key")


class TestSertifier(PlatformSuite):
    bench_type = SertifierBench

    def template_ref(self, number: int) -> str:
        return f"22222222-0000-4000-8000-{number:012}"


@pytest.fixture
def bench(confer_env: Settings, control: SandboxControl, monkeypatch: pytest.MonkeyPatch) -> SertifierBench:
    return SertifierBench(control, monkeypatch, f"{control.base_url}/sertifier")
