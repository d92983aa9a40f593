"""What every adapter is: an account, and its data-sheet as class attributes.

A data-sheet attribute that is missing fails at import and names the file, the class and the attribute; nothing
half-described can be started.
"""

from __future__ import annotations

import sys
from abc import ABC
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar

from marshmallow import Schema

from pipeline.values import Rate
from pipeline.webhook import Entrance


@dataclass(frozen=True, kw_only=True)
class Account:
    """One configured LMS, platform or downstream system. `options` passed the adapter's own schema."""

    name: str
    adapter: str
    options: Mapping[str, Any] = field(repr=False)  # holds keys and tokens
    where: str = ""
    rate: Rate | None = None
    in_flight: int = 1
    settles_within: timedelta = timedelta(0)
    #: of an LMS: what a request has to show, how often its completions are swept (None: never), and which of its
    #: courses are meant to have no program
    entrance: Entrance = field(default_factory=Entrance)
    sweep_every: timedelta | None = None
    without_program: frozenset[str] = frozenset()


class Adapter(ABC):
    """What the three kinds of adapter share: a complete data-sheet and an account."""

    required: ClassVar[tuple[str, ...]] = ("name", "label", "options")
    name: ClassVar[str]
    label: ClassVar[str]
    options: ClassVar[type[Schema]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if ABC in cls.__bases__:
            return
        missing = [attribute for attribute in cls.required if not hasattr(cls, attribute)]
        if missing:
            file = getattr(sys.modules.get(cls.__module__), "__file__", cls.__module__)
            raise TypeError(f"{file}: {cls.__name__} does not state {', '.join(missing)}")
