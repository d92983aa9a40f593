"""All modules of the course, or the named ones, are completed; an exemption is for a person to accept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, pre_load

from pipeline.contracts import Criterion
from pipeline.values import Check, Fact, ModuleState, Outcome, Record


class ModulesSchema(Schema):
    """`modules: all`, or `modules: {named: [Final quiz, Bleeding and shock]}`"""

    named = fields.List(fields.String(), load_default=list)

    @pre_load
    def _short(self, data: Any, **_: Any) -> Any:
        if data == "all":
            return {}
        if not isinstance(data, Mapping):
            raise ValidationError("write `all`, or `{named: [...]}` with the names of the modules")
        return data


class Modules(Criterion):
    """Every asked-for module is complete."""

    name = "modules"
    label = "modules"
    options = ModulesSchema
    needs = frozenset({Fact.MODULES})

    def judge(self, record: Record) -> Check:
        named: list[str] = self.values["named"]
        asked = [module for module in record.modules if not named or module.name in named or module.ref in named]
        found = {module.name for module in asked} | {module.ref for module in asked}
        missing = [name for name in named if name not in found]
        incomplete = [module.name for module in asked if module.state is ModuleState.INCOMPLETE]
        exempt = [module.name for module in asked if module.state is ModuleState.EXEMPT]
        seen = f"{len(asked) - len(incomplete) - len(exempt)} of {len(asked) + len(missing)} completed"
        if incomplete:
            return self._check(record, Outcome.FAIL, seen, f"not completed: {', '.join(incomplete)}")
        if missing:
            return self._check(record, Outcome.HOLD, seen, f"the LMS reports no module {', '.join(missing)}")
        if not asked:
            return self._check(record, Outcome.HOLD, seen, "the LMS reports no tracked module")
        if exempt:
            return self._check(record, Outcome.HOLD, seen, f"exempt or set by hand: {', '.join(exempt)}")
        return self._check(record, Outcome.PASS, seen, "all completed")

    def _check(self, record: Record, outcome: Outcome, seen: str, reason: str) -> Check:
        named: list[str] = self.values["named"]
        return Check(
            criterion=self.name,
            outcome=outcome,
            threshold=f"completed: {', '.join(named)}" if named else "all completed",
            seen=seen,
            where=record.sources.get(Fact.MODULES, "not read"),
            read_at=record.read_at,
            reason=reason,
        )
