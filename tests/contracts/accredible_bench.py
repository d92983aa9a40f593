"""The Accredible account of the tests: what the suite has to be told, an order, and adapters with further options."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, ClassVar

import pytest
import requests

from pipeline.contracts import Account
from pipeline.platforms.accredible import Accredible, AccredibleSchema
from pipeline.settings import Settings
from pipeline.transport import OpenGate
from pipeline.values import Format, Order
from sandbox.control import PlatformControl, SandboxControl
from tests.contracts.platform_bench import Bench, Trait

Make = Callable[..., Accredible]
#: method, path and body of calls
Sent = list[tuple[str, str, Any]]
ORDER = Order(
    ref="confer-first", template="4712", title="Healthcare Compliance 101", description="Done.", learner_ref="307",
    name="Ada Lovelace", email="ada@learners.example", issued_on=date(2026, 3, 7), expires_on=date(2099, 3, 6),
    attributes={"Score": "91.5"},
)  # fmt: skip


@pytest.fixture
def make(confer_env: Settings, control: SandboxControl, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Adapters for the stand-in, with further options."""
    monkeypatch.setenv("ACCREDIBLE_KEY", "accredible-key")

    def made(**more: Any) -> Accredible:
        told = {"url": f"{control.base_url}/accredible", "key": "env:ACCREDIBLE_KEY", **more}
        account = Account(name="a", adapter="accredible", options=AccredibleSchema().load(told))
        return Accredible(account, OpenGate())

    return made


@pytest.fixture
def twin(control: SandboxControl) -> PlatformControl:
    return control.platform("accredible")


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """What was sent with an effect: method, path, body."""
    seen: Sent = []
    real = requests.Session.request

    def request(self: requests.Session, method: str, url: str, **kwargs: Any) -> requests.Response:
        path = url.partition("/accredible/")[2]
        if "_sandbox" not in url and not path.endswith("search") and method != "GET":
            seen.append((method, path, kwargs.get("json")))
        return real(self, method, url, **kwargs)

    monkeypatch.setattr(requests.Session, "request", request)
    return seen


class AccredibleBench(Bench):
    """An account whose groups allow nobody a second credential."""

    adapter = Accredible
    system = "accredible"
    templates = ("4801", "4802")
    past_three_pages = 151
    past_three_template_pages = 151
    formats = (Format.CERTIFICATE, Format.BADGE)
    attributes: ClassVar[Mapping[str, str]] = {"Score": "91.5", "Completed": "2026-03-07"}
    lacks: ClassVar[Mapping[Trait, str]] = {
        Trait.DECLINES: "there is no step of claiming, so nothing can be declined (contract 7)",
        Trait.WEBHOOK: "the vendor's reference has no webhook; it is polled (contract 7)",
        Trait.SIGNATURE: "the vendor's reference has no webhook; it is polled (contract 7)",
        Trait.UNUSABLE: "a group without a design is told as not usable, but not known to refuse; see its own test",
        Trait.RENEWAL: "the key is no token, and does not expire by itself (contract 1)",
    }
    secrets = ("accredible-key",)
    issuing = r"^/v1/credentials$|^/v2/credentials/bulk_create$"

    def options(self) -> dict[str, Any]:
        return {"url": self.url, "key": self.env("ACCREDIBLE_SUITE_KEY", "accredible-key")}

    def make(self) -> None:
        self.twin.set(attribute_keys=[*self.attributes, "Day"])
        for template in self.templates:
            name = f"Group {template}"
            self.twin.add_template(int(template), name=name, course_name=name, course_description="Done.")

    def lag(self, milliseconds: int) -> None:
        self.twin.set(search_lag_ms=milliseconds)
