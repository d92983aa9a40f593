"""The systems there are. The LMSs are found by looking into `sandbox/lms`: a new file is all that one takes."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping

from sandbox import lms
from sandbox.chat import Chat
from sandbox.lms.twin import Twin
from sandbox.stand_in import StandIn


def _find() -> Mapping[str, type[Twin]]:
    found: dict[str, type[Twin]] = {}
    for module in pkgutil.iter_modules(lms.__path__, f"{lms.__name__}."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, type) and issubclass(value, Twin) and value is not Twin:
                found[value.name] = value
    return dict(sorted(found.items()))


#: the LMSs but Moodle, and the chats that staff is told in
STAND_INS: Mapping[str, type[StandIn]] = {**_find(), Chat.name: Chat}

#: every system that can be disturbed, limited and counted
SYSTEMS = ("moodle", *STAND_INS, "accredible", "sis", "mail")
