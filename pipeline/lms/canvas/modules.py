"""The modules of a course that ask for anything, and how a learner stands in them (contract 2.5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from marshmallow import fields

from pipeline.lms.canvas.notation import LocalId
from pipeline.lms.canvas.rest import Rest
from pipeline.lms.canvas.submissions import Submission
from pipeline.reading import Lenient, Words
from pipeline.values import Module, ModuleState

MODULES = "courses/{course}/modules"
ITEMS = "courses/{course}/modules/{module}/items"

#: what an assignment is called as the content of a module's item, and the member that holds its id there
_CONTENTS = {"Assignment": "id", "Quiz": "quiz_id"}


class _ItemSchema(Lenient):
    type = fields.String(load_default="")
    content_id = LocalId(load_default=None, allow_none=True)
    published = fields.Boolean(load_default=True, allow_none=True)
    completion_requirement = fields.Dict(load_default=None, allow_none=True)


class _ModuleSchema(Lenient):
    id = LocalId(required=True)
    name = Words(required=True)
    published = fields.Boolean(load_default=True, allow_none=True)
    state = fields.String(load_default="", allow_none=True)
    items = fields.List(fields.Nested(_ItemSchema), load_default=None, allow_none=True)


def modules(rest: Rest, learner: str, course: str, found: Sequence[Submission]) -> tuple[Module, ...]:
    """The modules that have requirements. One that was met by an excused assignment is exempt, not complete.

    Canvas itself takes an excused assignment for a met requirement, and no item says so (contract 2.5).
    """
    excused = {
        (kind, one["assignment"][member])
        for one in found
        for kind, member in _CONTENTS.items()
        if one["excused"] and one["assignment"][member]
    }
    query = [("student_id", learner), ("include[]", "items"), ("include[]", "content_details")]
    made = []
    for module in rest.every(_ModuleSchema(), MODULES, query, course=course):
        required = _required(rest, course, module, query[:1])
        if required:
            waived = any((item["type"], item["content_id"]) in excused for item in required)
            made.append(Module(ref=module["id"], name=module["name"], state=_state(module, waived=waived)))
    return tuple(made)


def has_requirements(rest: Rest, course: str) -> bool:
    """Whether any published module asks for anything; without that nobody completes the course (contract 4)."""
    found = rest.every(_ModuleSchema(), MODULES, [("include[]", "items")], course=course)
    return any(_required(rest, course, module, []) for module in found)


def _required(rest: Rest, course: str, module: Mapping[str, Any], query: list[tuple[str, str]]) -> list[Any]:
    """The items that have to be done; Canvas leaves them out of the module where there are many."""
    if module["published"] is False:
        return []
    items = module["items"]
    if items is None:
        items = list(rest.every(_ItemSchema(), ITEMS, query, course=course, module=module["id"]))
    return [item for item in items if item["completion_requirement"] and item["published"] is not False]


def _state(module: Mapping[str, Any], *, waived: bool) -> ModuleState:
    if module["state"] != "completed":
        return ModuleState.INCOMPLETE
    return ModuleState.EXEMPT if waived else ModuleState.COMPLETE
