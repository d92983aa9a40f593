"""The registry: every adapter there is, found by looking into its folder. A new file is all it takes."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from typing import TypeVar

from pipeline import criteria, downstream, lms, platforms
from pipeline.contracts import Adapter, Criterion, Lms, Platform, Target

A = TypeVar("A", bound=Adapter)


def _find(package: object, kind: type[A]) -> Mapping[str, type[A]]:
    found: dict[str, type[A]] = {}
    for module in pkgutil.iter_modules(package.__path__):  # type: ignore[attr-defined]
        for value in vars(importlib.import_module(f"{package.__name__}.{module.name}")).values():  # type: ignore[attr-defined]
            if isinstance(value, type) and issubclass(value, kind) and value is not kind:
                found[value.name] = value
    return dict(sorted(found.items()))


LMSS: Mapping[str, type[Lms]] = _find(lms, Lms)  # type: ignore[type-abstract]
PLATFORMS: Mapping[str, type[Platform]] = _find(platforms, Platform)  # type: ignore[type-abstract]
TARGETS: Mapping[str, type[Target]] = _find(downstream, Target)  # type: ignore[type-abstract]
CRITERIA: Mapping[str, type[Criterion]] = _find(criteria, Criterion)  # type: ignore[type-abstract]
