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

from pipeline.values import Format, Rate
from pipeline.webhook import Entrance


@dataclass(frozen=True, kw_only=True)
class TemplateChoice:
    """A template that a platform account maps a kind of award to. None stands for any type, any formats."""

    template: str
    course_type: str | None = None
    formats: frozenset[Format] | None = None

    @property
    def states(self) -> int:
        """How much it states; of the lines that fit an award, those count that state most."""
        return (self.course_type is not None) + (self.formats is not None)


@dataclass(frozen=True, kw_only=True)
class Account:
    """One configured LMS, platform or downstream system. `options` passed the adapter's own schema."""

    name: str
    adapter: str
    options: Mapping[str, Any] = field(repr=False)  # holds keys and tokens
    where: str = ""
    rate: Rate | None = None
    #: of a platform: the most calls at once, None: as many as its pace needs; the most credentials in one bulk call
    in_flight: int | None = None
    bulk: int | None = None
    settles_within: timedelta = timedelta(0)
    #: what a webhook request has to show before the adapter is asked about it
    entrance: Entrance = field(default_factory=Entrance)
    #: of a platform: the templates for awards that name none themselves
    templates: tuple[TemplateChoice, ...] = ()
    #: of an LMS: how often its completions are swept (None: never), and which courses are meant to have no program
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
