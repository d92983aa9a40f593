"""What every stand-in that is an object has to be: an API under its own name, state, settings, and its own errors."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from typing import Any, ClassVar

from flask import Blueprint, request
from werkzeug.wrappers import Response

from sandbox.plain_answers import proxy_page, retry_later
from sandbox.rates import Rate

Json = dict[str, Any]


class StandIn(ABC):
    """One system in memory. Every method may be called from any thread; `lock` guards the state.

    `rate` is the limit in force, for systems that tell it in their headers.
    """

    #: the system's name: `/<name>/...` is its API, `system: <name>` its name in faults, rates and calls
    name: ClassVar[str]
    #: its name for people
    label: ClassVar[str]
    #: how paths of the API go on after the name; pages for people beside it are neither counted nor disturbed
    api_begins: ClassVar[str] = "/"

    def __init__(self, rate: Rate, public_url: str | None = None) -> None:
        self.rate = rate
        self.lock = threading.RLock()
        self._public_url = public_url
        self.reset()

    def base_url(self) -> str:
        """The address of this system as readers of its answers can use it: without a slash at the end."""
        return f"{(self._public_url or request.host_url).rstrip('/')}/{self.name}"

    @abstractmethod
    def blueprint(self) -> Blueprint:
        """The API as the vendor's, with `url_prefix=f"/{self.name}"`. Called once per application."""

    @abstractmethod
    def reset(self) -> None:
        """Back to the state at the start."""

    @abstractmethod
    def counts(self) -> dict[str, int]:
        """How much there is of everything."""

    @abstractmethod
    def configure(self, body: Any) -> Json:
        """Change settings of the account, such as keys; answers with all of them.

        Raises:
            Refused: naming every field that is wrong.
        """

    def throttled(self, retry_after: int | None) -> Response:
        """The answer to a call over the limit, in the vendor's form."""
        return retry_later(retry_after)

    def failed(self, status: int) -> Response:
        """An error in the vendor's form, also for an address that does not exist (404)."""
        return proxy_page(status)
