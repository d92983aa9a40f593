"""The systems there are. LMSs and platforms are found by looking into their folders: a new file is all one takes."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from types import ModuleType

from sandbox import lms, platforms
from sandbox.chat import Chat
from sandbox.stand_in import StandIn


def _find(package: ModuleType) -> Mapping[str, type[StandIn]]:
    found: dict[str, type[StandIn]] = {}
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, type) and issubclass(value, StandIn) and hasattr(value, "name"):
                found[value.name] = value
    return dict(sorted(found.items()))


#: the LMSs but Moodle, the platforms, and the chats that staff is told in
STAND_INS: Mapping[str, type[StandIn]] = {**_find(lms), **_find(platforms), Chat.name: Chat}

#: every system that can be disturbed, limited and counted
SYSTEMS = ("moodle", *STAND_INS, "sis", "mail")
