"""All modules of the course, or the named ones, are completed; an exemption is for a person to accept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, pre_load

from pipeline.attested import approval, exempt, temper
from pipeline.contracts import Criterion
from pipeline.values import Check, Fact, Module, ModuleState, Outcome, Record


class ModulesSchema(Schema):
    """`modules: all`, or `modules: {named: [Final quiz, Bleeding and shock]}`"""

    named = fields.List(fields.String(), load_default=list)
    #: a person attests it (an approval about `modules`), because the LMS cannot tell
    attested = fields.Boolean(load_default=False)

    @pre_load
    def _short(self, data: Any, **_: Any) -> Any:
        if data == "all":
            return {}
        if not isinstance(data, Mapping):
            raise ValidationError("write `all`, or `{named: [...]}` with the names of the modules")
        return data


class Modules(Criterion):
    """Every asked-for module is complete. One that the LMS marks exempt needs an exemption with a person's name."""

    name = "modules"
    label = "modules"
    options = ModulesSchema
    needs = frozenset({Fact.MODULES})

    def judge(self, record: Record) -> Check:
        if self.values["attested"]:
            return temper(approval(self, record, self.name), record, about=self.name)
        named: list[str] = self.values["named"]
        asked = [module for module in record.modules if not named or module.name in named or module.ref in named]
        names = [name for module in asked for name in (module.name, module.ref)]
        missing = [name for name in named if name not in names and not exempt(record, self.name, name)]
        left = [module for module in asked if not _done(record, module)]
        completed = f"{len(asked) - len(left)} of {len(asked) + len(missing)} completed"
        outcome, reason = _outcome(asked or named, left, missing)
        check = self.check(
            record, outcome, seen=completed, reason=reason,
            threshold=f"completed: {', '.join(named)}" if named else "all completed",
            where=record.sources.get(Fact.MODULES, "not read"),
        )  # fmt: skip
        return temper(check, record, about=self.name, items=[*names, *named])


def _done(record: Record, module: Module) -> bool:
    return module.state is ModuleState.COMPLETE or exempt(record, Modules.name, module.name, module.ref)


def _outcome(asked: list[Any], left: list[Module], missing: list[str]) -> tuple[Outcome, str]:
    incomplete = [module.name for module in left if module.state is ModuleState.INCOMPLETE]
    if incomplete:
        return Outcome.FAIL, f"not completed: {', '.join(incomplete)}"
    if missing:
        return Outcome.HOLD, f"the LMS reports no module {', '.join(missing)}"
    if not asked:
        return Outcome.HOLD, "the LMS reports no tracked module"
    if left:
        return Outcome.HOLD, f"exempt or set by hand: {', '.join(module.name for module in left)}"
    return Outcome.PASS, "all completed"
