"""The criteria of a program: read from its file, kept with a decision, and read back from there.

criteria:
  score: {threshold: 80}
  approval: [portfolio, peer_review]      # a list asks one criterion about several things
  any_of:                                 # one of these; `all_of` inside it takes several together
    - time_spent: {hours: 8}
    - approval: practical_exam
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from marshmallow import Schema

from pipeline.adapters import CRITERIA
from pipeline.configuration.documents import Document, Fault, Path_
from pipeline.contracts import Criterion
from pipeline.options import NoOptions
from pipeline.values import Check, Fact, Outcome, Record

#: deeper nesting helps nobody to read a rule
_DEEPEST = 4
Load = Callable[[Schema, Path_], Any]
Refuse = Callable[[Path_, str], None]


class Group(Criterion, ABC):
    """Several criteria that stand for one check; the check's parts say what each of them found."""

    needs = frozenset()
    options = NoOptions

    def __init__(self, parts: Sequence[Criterion]) -> None:
        super().__init__({})
        self.parts = tuple(parts)

    @property
    def asks(self) -> frozenset[Fact]:
        return frozenset().union(*(part.asks for part in self.parts))

    def courses(self) -> tuple[str, ...]:
        return tuple(course for part in self.parts for course in part.courses())

    def credentials(self) -> tuple[str, ...]:
        return tuple(name for part in self.parts for name in part.credentials())

    @abstractmethod
    def together(self, outcomes: Iterable[Outcome]) -> Outcome:
        """What the outcomes of the parts make together."""

    def judge(self, record: Record) -> Check:
        checks = tuple(part.judge(record) for part in self.parts)
        outcome = self.together(check.outcome for check in checks)
        passed = sum(check.outcome is Outcome.PASS for check in checks)
        return Check(
            criterion=self.title, outcome=outcome,
            threshold=f"{self.label}: {', '.join(c.criterion for c in checks)}",
            seen=f"{passed} of {len(checks)} passed", where=", ".join(dict.fromkeys(c.where for c in checks)),
            read_at=record.read_at, parts=checks,
            reason="; ".join(f"{c.criterion}: {c.reason}" for c in checks if c.outcome is outcome),
        )  # fmt: skip


class AnyOf(Group):
    """One of them has to pass."""

    name = "any_of"
    label = "any of"

    def together(self, outcomes: Iterable[Outcome]) -> Outcome:
        return Outcome.any_of(outcomes)


class AllOf(Group):
    """All of them have to pass."""

    name = "all_of"
    label = "all of"

    def together(self, outcomes: Iterable[Outcome]) -> Outcome:
        return Outcome.all_of(outcomes)


GROUPS: Mapping[str, type[Group]] = {group.name: group for group in (AnyOf, AllOf)}


def standing() -> tuple[Criterion, ...]:
    """The criteria that are judged whatever a program says, with their own defaults."""
    return tuple(kind(kind.options().load({})) for kind in CRITERIA.values() if kind.always)


def read_criteria(document: Document, faults: list[Fault]) -> tuple[Criterion, ...]:
    """The criteria of a program file, and those that are always judged; faults are added to `faults`."""

    def load(schema: Schema, path: Path_) -> Any:
        return document.load(schema, at=path, faults=faults)

    def refuse(path: Path_, problem: str) -> None:
        faults.append(document.fault(path, problem))

    return _with_standing(_Reader(load, refuse).all(document.data.get("criteria"), ("criteria",)))


def criteria_from(kept: Mapping[str, Any]) -> tuple[Criterion, ...]:
    """The criteria as `kept_criteria` wrote them.

    Raises:
        ValidationError, ValueError: the document is not what was written.
    """

    def load(schema: Schema, path: Path_) -> Any:
        here: Any = kept
        for step in path:
            here = here[step]
        return schema.load(here)

    def refuse(path: Path_, problem: str) -> None:
        raise ValueError(f"{'.'.join(map(str, path))}: {problem}")

    return _with_standing(_Reader(load, refuse).all(kept, ()))


def kept_criteria(criteria: Sequence[Criterion]) -> dict[str, Any]:
    """The criteria as JSON data, in one spelling: what means the same is written the same."""
    kept: dict[str, list[Any]] = {}
    for one in criteria:
        if isinstance(one, Group):
            kept.setdefault(one.name, []).extend(kept_criteria([part]) for part in one.parts)
        else:
            kept.setdefault(one.name, []).append(one.options().dump(one.values))
    return {name: kept[name] if name in GROUPS or len(kept[name]) > 1 else kept[name][0] for name in sorted(kept)}


def _with_standing(named: tuple[Criterion, ...]) -> tuple[Criterion, ...]:
    known = {one.name for one in named}
    together = (*named, *(one for one in standing() if one.name not in known))
    return tuple(sorted(together, key=lambda one: one.title))


class _Reader:
    """Walks through the criteria of one program; `load` and `refuse` know where they are written."""

    def __init__(self, load: Load, refuse: Refuse) -> None:
        self.load, self.refuse = load, refuse

    def all(self, written: Any, path: Path_) -> tuple[Criterion, ...]:
        """Every criterion of a mapping of names and values."""
        if not isinstance(written, Mapping):
            return ()
        found: dict[str, Criterion] = {}
        for name in written:
            for one in self._named(str(name), written[name], (*path, name)):
                if one.title in found:
                    self.refuse((*path, name), f"{one.title} is asked for twice")
                found[one.title] = one
        return tuple(found.values())

    def _named(self, name: str, written: Any, path: Path_) -> list[Criterion]:
        if name in GROUPS:
            return self._group(name, written, path)
        if name not in CRITERIA:
            self.refuse(path, f"is no criterion; known: {', '.join(sorted([*CRITERIA, *GROUPS]))}")
            return []
        kind = CRITERIA[name]
        paths = [(*path, at) for at in range(len(written))] if isinstance(written, list) else [path]
        if not paths:
            self.refuse(path, "asks for nothing; write at least one")
        loaded = [self.load(kind.options(), one) for one in paths]
        return [kind(values) for values in loaded if values is not None]

    def _group(self, name: str, written: Any, path: Path_) -> list[Criterion]:
        if (
            not isinstance(written, list)
            or not written
            or not all(isinstance(one, Mapping) and one for one in written)
        ):
            self.refuse(path, "write a list of criteria, such as `[{score: {threshold: 80}}, {approval: portfolio}]`")
            return []
        if sum(step in GROUPS for step in path) > _DEEPEST:
            self.refuse(path, f"groups are at most {_DEEPEST} deep")
            return []
        parts: list[Criterion] = []
        for at, one in enumerate(written):
            inner = self.all(one, (*path, at))
            parts += [AllOf(inner)] if len(inner) > 1 else inner
        return [GROUPS[name](parts)] if parts else []
