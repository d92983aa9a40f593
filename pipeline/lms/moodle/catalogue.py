"""What Moodle says of courses: one of them, and all with what keeps them from being completed (contract 4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.courses import Course
from pipeline.errors import Rejected
from pipeline.lms.moodle.services import Services


def courses(services: Services) -> tuple[Course, ...]:
    """Every course that the service account may see, without the front page."""
    listed = services.listing("core_course_get_courses")
    return tuple(_course(one) for one in listed if one.get("format") != "site" and one["id"] != 1)


def course(services: Services, ref: str) -> Course:
    """One course.

    Raises:
        Rejected: there is none of this id, or it is hidden from the service account.
    """
    found = services.ask("core_course_get_courses_by_field", field="id", value=ref)["courses"]
    if not found:
        raise Rejected("Moodle knows no such course")
    return _course(found[0])


def _course(row: Mapping[str, Any]) -> Course:
    """Whether a course has criteria is told to nobody but its learners (contract 4): unknown, where it is tracked."""
    tracked = bool(row.get("enablecompletion", True))
    return Course(
        ref=str(row["id"]),
        code=str(row["shortname"]),
        title=str(row["fullname"]),
        open=bool(row.get("visible", True)),
        completes=None if tracked else False,
        reason="" if tracked else "completion is switched off for the course",
    )
