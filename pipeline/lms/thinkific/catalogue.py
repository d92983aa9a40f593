"""The courses of a site (contract 2.5, 4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import fields

from pipeline.courses import Course
from pipeline.lms.thinkific.rest import Rest
from pipeline.reading import Lenient, Ref, Words

COURSES = "courses"
COURSE = "courses/{course}"


class _CourseSchema(Lenient):
    id = Ref(required=True)
    name = Words(load_default="", allow_none=True)
    slug = Words(load_default="", allow_none=True)
    chapter_ids = fields.List(fields.Raw(), load_default=None, allow_none=True)


def about(rest: Rest, course: str) -> Course:
    """One course.

    Raises:
        Rejected: Thinkific does not know it.
        Misconfigured, Outage, Throttled: see `pipeline.errors`.
    """
    return _course(rest.one(_CourseSchema(), COURSE, course=course))


def courses(rest: Rest) -> tuple[Course, ...]:
    """Every course. Whether one is published stands with its product, which is not read."""
    return tuple(_course(row) for row in rest.every(_CourseSchema(), COURSES))


def _course(row: Mapping[str, Any]) -> Course:
    """Thinkific has no course code; the slug of the address is the nearest. Nobody completes an empty course."""
    empty = row["chapter_ids"] == []
    return Course(
        ref=row["id"],
        code=row["slug"] or "",
        title=row["name"] or "",
        completes=False if empty else None,
        reason="the course has no chapters" if empty else "",
    )
