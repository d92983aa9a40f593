"""Everything the sandbox holds, and the way from a request to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from flask import current_app, request

from sandbox.calls import Calls
from sandbox.faults import Faults
from sandbox.lms.twin import Twin
from sandbox.mailbox import Mailbox
from sandbox.moodle import Moodle
from sandbox.platforms.twin import PlatformTwin
from sandbox.rates import Rates
from sandbox.sis import Sis
from sandbox.stand_in import StandIn
from sandbox.systems import STAND_INS, SYSTEMS

_KEY = "sandbox"


@dataclass(frozen=True)
class World:
    """All stand-ins and what is around them."""

    public_url: str | None = None
    moodle: Moodle = field(default_factory=Moodle)
    sis: Sis = field(default_factory=Sis)
    mailbox: Mailbox = field(default_factory=Mailbox)
    faults: Faults = field(default_factory=Faults)
    rates: Rates = field(default_factory=lambda: Rates(SYSTEMS))
    calls: Calls = field(default_factory=Calls)
    stand_ins: Mapping[str, StandIn] = field(init=False)

    def __post_init__(self) -> None:
        made = {name: kind(self.rates[name], self.public_url) for name, kind in STAND_INS.items()}
        object.__setattr__(self, "stand_ins", made)

    @property
    def lms(self) -> Mapping[str, Twin]:
        """The LMSs but Moodle."""
        return {name: one for name, one in self.stand_ins.items() if isinstance(one, Twin)}

    @property
    def platforms(self) -> Mapping[str, PlatformTwin]:
        """The credential platforms."""
        return {name: one for name, one in self.stand_ins.items() if isinstance(one, PlatformTwin)}

    def reset(self) -> None:
        """Back to the state at the start."""
        self.faults.clear()
        self.moodle.reset()
        for one in self.stand_ins.values():
            one.reset()
        self.sis.reset()
        self.mailbox.clear()
        self.rates.reset()
        self.calls.clear()


def world() -> World:
    """The world of the application that answers this request."""
    return cast(World, current_app.extensions[_KEY])


def base_url() -> str:
    """The address of this server as readers of its answers can use it: without a slash at the end."""
    return (world().public_url or request.host_url).rstrip("/")
