"""Courses out of the words of a control body, and the three with which every site begins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.lms.canvas.site import Assignment, Course, Item, Module
from sandbox.shapes import (
    Check,
    Problem,
    Refused,
    any_text,
    count,
    flag,
    listing,
    mapping,
    may,
    need,
    not_negative,
    one_of,
    structure,
    text,
)

_ITEM_TYPES = ("Page", "Assignment", "Quiz", "Discussion", "File", "ExternalUrl", "ExternalTool", "SubHeader")
_REQUIREMENT: Check = structure(
    {
        "type": need(one_of(("must_view", "must_submit", "must_contribute", "min_score", "must_mark_done"))),
        "min_score": may(not_negative),
    }
)
_ITEM: Check = structure(
    {
        "id": may(count),
        "title": may(text),
        "type": may(one_of(_ITEM_TYPES)),
        "assignment": may(text),
        "requirement": may(_REQUIREMENT, nullable=True),
        "published": may(flag),
    }
)
_MODULE: Check = structure(
    {
        "id": may(count),
        "name": need(text),
        "items": may(listing(_ITEM)),
        "published": may(flag),
        "prerequisites": may(listing(count)),
        "items_omitted": may(flag),
    }
)
_ASSIGNMENT: Check = structure(
    {
        "id": may(count),
        "name": need(text),
        "points_possible": may(not_negative, nullable=True),
        "quiz": may(flag),
        "rubric": may(mapping(not_negative)),
        "use_rubric_for_grading": may(flag),
    }
)
COURSE: Check = structure(
    {
        "id": need(count),
        "name": need(text),
        "course_code": may(text),
        "sis_course_id": may(any_text, nullable=True),
        "state": may(one_of(("unpublished", "available", "completed", "deleted"))),
        "modules": may(listing(_MODULE)),
        "assignments": may(listing(_ASSIGNMENT)),
    }
)


def course_from(body: Mapping[str, Any]) -> Course:
    """The course that a checked body describes. Ids that it leaves out are made of the course's.

    Raises:
        Refused: an item names an assignment that the course does not have.
    """
    assignments = tuple(
        _assignment(body["id"], number, one) for number, one in enumerate(body.get("assignments", []), 1)
    )
    by_name = {one.name: one for one in assignments}
    modules = body.get("modules", [{"name": "Module 1"}])
    return Course(
        id=body["id"],
        name=body["name"],
        code=body.get("course_code", f"C-{body['id']}"),
        sis_id=body.get("sis_course_id"),
        state=body.get("state", "available"),
        assignments=assignments,
        modules=tuple(_module(body["id"], number, one, by_name) for number, one in enumerate(modules, 1)),
    )


def _assignment(course: int, number: int, body: Mapping[str, Any]) -> Assignment:
    id_ = body.get("id", course * 100 + number)
    rubric = body.get("rubric", {})
    return Assignment(
        id=id_,
        name=body["name"],
        points_possible=body.get("points_possible", sum(rubric.values()) if rubric else 100.0),
        quiz=id_ + 50 if body.get("quiz") else None,
        rubric=rubric,
        use_rubric_for_grading=body.get("use_rubric_for_grading", True),
    )


def _module(course: int, number: int, body: Mapping[str, Any], by_name: Mapping[str, Assignment]) -> Module:
    items = body.get("items", [{"title": f"{body['name']}: reading"}])
    first = course * 1000 + number * 50
    return Module(
        id=body.get("id", course * 10 + number),
        name=body["name"],
        position=number,
        published=body.get("published", True),
        prerequisites=tuple(body.get("prerequisites", ())),
        items_omitted=body.get("items_omitted", False),
        items=tuple(_item(first + place, one, by_name) for place, one in enumerate(items)),
    )


def _item(id_: int, body: Mapping[str, Any], by_name: Mapping[str, Assignment]) -> Item:
    named = body.get("assignment")
    if named is not None and named not in by_name:
        raise Refused([Problem("modules.items.assignment", f"there is no assignment {named}")])
    work = by_name[named] if named is not None else None
    default = {"type": "must_submit" if work else "must_view"}
    kind = body.get("type", "Page" if work is None else "Quiz" if work.quiz else "Assignment")
    return Item(
        id=body.get("id", id_),
        title=body.get("title", work.name if work else "Reading"),
        type=kind,
        content=None if work is None else work.quiz if kind == "Quiz" else work.id,
        requirement=body.get("requirement", default),
        published=body.get("published", True),
    )


_SEED: tuple[Mapping[str, Any], ...] = (
    {
        "id": 101,
        "name": "Healthcare Compliance 101",
        "course_code": "HC101",
        "sis_course_id": "HC-101",
        "assignments": [{"name": "Final exam", "points_possible": 100, "quiz": True}],
        "modules": [
            {"name": "Privacy at the bedside"},
            {"name": "Reporting an incident"},
            {"name": "Final exam", "items": [{"assignment": "Final exam"}]},
        ],
    },
    {
        "id": 102,
        "name": "Project Management",
        "course_code": "PM102",
        "sis_course_id": "PM-102",
        "assignments": [{"name": "Portfolio"}, {"name": "Final exam", "quiz": True}, {"name": "Peer review"}],
        "modules": [
            {"name": "Planning", "items": [{"title": "Scope and plan"}, {"assignment": "Portfolio"}]},
            {"name": "Working together", "items": [{"assignment": "Peer review"}]},
            {"name": "Final exam", "items": [{"assignment": "Final exam"}]},
        ],
    },
    {
        "id": 103,
        "name": "Leadership Development",
        "course_code": "LD103",
        "sis_course_id": "LD-103",
        "assignments": [
            {"name": "Leadership rubric", "rubric": {"Vision": 2, "Communication": 2, "Decisions": 1}},
            {"name": "360 feedback", "points_possible": 10},
        ],
        "modules": [
            {"name": "Leading yourself"},
            {
                "name": "Leading others",
                "items": [{"assignment": "Leadership rubric"}, {"assignment": "360 feedback"}],
            },
        ],
    },
)


def seed() -> tuple[Course, ...]:
    """The courses that every site has: 101, 102 and 103, each with requirements in its modules."""
    return tuple(course_from(body) for body in _SEED)
