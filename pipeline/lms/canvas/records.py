"""A learner's record out of Canvas's API: the course, its completion, the person (contract 2.3, 2.4, 4)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from marshmallow import fields

from pipeline.errors import Misconfigured, Rejected
from pipeline.lms.canvas.enrolments import enrolments
from pipeline.lms.canvas.notation import LocalId
from pipeline.lms.canvas.rest import Rest
from pipeline.reading import Instant, Lenient, Words
from pipeline.values import Learner, Prerequisite, PrerequisiteState

COURSE = "courses/{course}"
PROGRESS = "courses/{course}/users/{learner}/progress"
PROFILE = "users/{learner}/profile"


class CourseSchema(Lenient):
    """A course (contract 4)."""

    id = LocalId(required=True)
    name = Words(load_default="", allow_none=True)
    course_code = Words(load_default="", allow_none=True)
    root_account_id = LocalId(load_default="", allow_none=True)
    workflow_state = fields.String(load_default="available")


class ProgressSchema(Lenient):
    """Progress, or the reason why there is none: both come with 200 (contract 2.4)."""

    error = fields.Dict(load_default=None, allow_none=True)
    completed_at = Instant(load_default=None, allow_none=True)


class _ProfileSchema(Lenient):
    id = LocalId(required=True)
    name = Words(load_default="", allow_none=True)
    sortable_name = Words(load_default="", allow_none=True)
    primary_email = Words(load_default="", allow_none=True)
    sis_user_id = Words(load_default=None, allow_none=True)


def about(rest: Rest, course: str) -> dict[str, Any]:
    """The course itself: `name`, `course_code`, `root_account_id`, `workflow_state`."""
    return rest.one(CourseSchema(), COURSE, course=course)


def completed_at(rest: Rest, learner: str, course: str) -> datetime | None:
    """When the last module requirement was met; None: not yet, or no longer (contract 2.4).

    Raises:
        Rejected: the learner is not in the course. Misconfigured: nobody can complete it.
    """
    progress = rest.one(ProgressSchema(), PROGRESS, course=course, learner=learner)
    if progress["error"] is None:
        at: datetime | None = progress["completed_at"]
        return at
    # Canvas says the same of a course without requirements and of a learner who is not in it
    if not any(one.state != "deleted" for one in enrolments(rest, learner, course)):
        raise Rejected("Canvas says the learner is not, or no longer, a student of the course")
    raise Misconfigured("no module of the course has completion requirements in Canvas, so nobody can complete it")


def profile(rest: Rest, learner: str) -> Learner:
    """The person. Canvas does not tell whether their log-in is suspended (contract 2.7)."""
    found = rest.one(_ProfileSchema(), PROFILE, learner=learner)
    given, family = _apart(found["name"] or "", found["sortable_name"] or "")
    return Learner(
        ref=learner,
        name=found["name"] or "",
        email=found["primary_email"] or "",
        sis_id=found["sis_user_id"] or None,
        given_name=given,
        family_name=family,
    )


def _apart(name: str, sortable: str) -> tuple[str | None, str | None]:
    """Given and family name out of `Lee, Ann`, where it holds exactly the words of the name: people edit both."""
    family, comma, given = (part.strip() for part in sortable.partition(","))
    words = sorted(f"{given} {family}".casefold().split())
    if not (given and comma and family) or words != sorted(name.casefold().split()):
        return None, None
    return given, family


def prerequisite(rest: Rest, learner: str, course: str) -> Prerequisite:
    """Another course. Where Canvas knows no progress there, nothing is said against the learner: unclear."""
    try:
        met = completed_at(rest, learner, course) is not None
    except Rejected as unclear:
        return Prerequisite(course=course, state=PrerequisiteState.UNCLEAR, reason=unclear.detail)
    return Prerequisite(course=course, state=PrerequisiteState.MET if met else PrerequisiteState.UNMET)
