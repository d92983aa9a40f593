"""What the suite for platforms has to be told about one: its account, its template, and what it does not have."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, ClassVar
from uuid import uuid4

import pytest

from pipeline import clock
from pipeline.contracts import Account, Platform
from pipeline.transport import Gate, OpenGate
from pipeline.values import Format, Held, Issued, Order
from pipeline.webhook import Request
from sandbox.control import Json, SandboxControl


class Trait(StrEnum):
    """What one platform has and another has not."""

    BULK = "several credentials can be issued by one call"
    OWN_REF = "keeps our reference, so that a credential is found by it"
    LEARNER_REF = "keeps the learner's own id, so that a changed address is no new learner"
    REFUSES = "refuses a second credential of a template for the same learner, while the first is live"
    LAG = "its search may lag behind its issuing"
    CORRECTS = "the name on an issued credential can be changed in place"
    WITHDRAWN_SHOWN = "a withdrawn credential can still be read, as withdrawn"
    CLAIMS = "tells whether the learner took the credential"
    DECLINES = "the learner can decline a credential"
    WEBHOOK = "announces claims by a webhook"
    SIGNATURE = "signs its webhook"
    UNUSABLE = "a template can be there and not be usable"
    ATTRIBUTES = "takes attributes, and tells which"
    RENEWAL = "an access token that has expired is renewed without a person"
    NAMES_IT = "tells the name on a credential when asked"


class Bench(ABC):
    """One platform account and its twin."""

    adapter: ClassVar[type[Platform]]
    #: the twin's name at the sandbox
    system: ClassVar[str]
    #: two templates that `make` makes; the second is for what must not be mixed up with the first
    templates: ClassVar[tuple[str, str]]
    #: how many credentials of a template fill three pages of `held` and begin a fourth
    past_three_pages: ClassVar[int]
    #: how many templates fill three pages of `templates` and begin a fourth
    past_three_template_pages: ClassVar[int]
    formats: ClassVar[tuple[Format, ...]]
    #: the names of attributes that `make` has the platform know
    attributes: ClassVar[Mapping[str, str]] = {}
    lacks: ClassVar[Mapping[Trait, str]] = {}
    #: texts that no failure may tell: the keys that `options` are loaded from
    secrets: ClassVar[tuple[str, ...]]
    #: where one or several are issued, as a path of a fault; None: any call
    issuing: ClassVar[str | None] = None

    def __init__(self, control: SandboxControl, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
        self.control, self.twin, self.url = control, control.platform(self.system), url
        self._monkeypatch = monkeypatch
        self._name = f"{self.system}-{uuid4().hex[:8]}"  # tokens are kept per account, and tests share a process
        self.make()

    def env(self, name: str, value: str) -> str:
        """Set a variable and give the reference to it, as options that are secret want it."""
        self._monkeypatch.setenv(name, value)
        return f"env:{name}"

    def account(self, **more: Any) -> Account:
        """The account as the configuration would load it; `more` are further options."""
        options = self.adapter.options().load({**self.options(), **more})
        return Account(
            name=self._name, adapter=self.adapter.name, options=options, where="tests", rate=self.adapter.rate,
            settles_within=self.adapter.settles_within,
        )  # fmt: skip

    def platform(self, gate: Gate | None = None, **more: Any) -> Platform:
        """A fresh adapter."""
        return self.adapter(self.account(**more), gate or OpenGate())

    def order(self, number: int = 1, **changes: Any) -> Order:
        """An order for the learner `number`."""
        made = Order(
            ref=f"confer-{number:0>26}",
            template=self.templates[0],
            title="First Aid at Work",
            description="Has completed First Aid at Work.",
            learner_ref=str(300 + number),
            name=f"Ada Learner {number}",
            email=f"learner{number}@learners.example",
            issued_on=clock.now().date() - timedelta(days=1),
            expires_on=date(2099, 3, 6),
            formats=self.formats,
            attributes=dict(self.attributes),
            criteria="All modules completed.",
            achievement="first-aid",
            given_name="Ada",
            family_name=f"Learner {number}",
        )
        return replace(made, **changes)

    def there(self, *, live: bool | None = True, email: str | None = None) -> Sequence[Json]:
        """The credentials at the platform, as its staff sees them."""
        found = self.twin.credentials(live=live)
        return [one for one in found if email is None or one["email"] == email]

    def issued(self, number: int = 1, **changes: Any) -> Issued:
        """Issue to a learner."""
        return self.platform().issue(self.order(number, **changes))

    def held(self, ref: str) -> Held:
        """The credential as it stands."""
        found = self.platform().read(ref)
        assert found is not None
        return found

    def crowd(self, size: int) -> None:
        """So many learners got the first template by hand."""
        for number in range(size):
            self.twin.add_credential(
                self.templates[0], name=f"Crowd {number}", email=f"crowd{number}@learners.example"
            )

    def request(self, report: Json, path: str = "") -> Request:
        """A webhook as the receiver hands it on, from the report of a twin's `send`."""
        headers = {name.lower(): text for name, text in report["headers"].items()}
        return Request(body=report["raw"].encode(), headers=headers, path=path, address="192.0.2.7")

    @abstractmethod
    def options(self) -> dict[str, Any]:
        """The account's options as in accounts.yaml."""

    @abstractmethod
    def make(self) -> None:
        """Have the twin know both templates and the attributes."""

    def claim(self, ref: str, claim: str = "claimed", **send: Any) -> Json:
        """The learner claims or declines."""
        return self.twin.change(ref, claim=claim, **({"send": send} if send else {}))

    def spoil(self) -> None:
        """Have the first template be there and not be usable."""
        raise NotImplementedError

    def lag(self, milliseconds: int) -> None:
        """Have the search lag so far behind."""
        raise NotImplementedError

    def expire_token(self) -> None:
        """Have the twin take the account's access token for expired."""
        raise NotImplementedError

    def revoke_key(self) -> None:
        """Have the twin refuse whatever this account shows, also when it is shown anew."""
        self.control.fault(self.system, "status", status=401)
