"""A learner's record out of Canvas's API: completion, profile, scores, modules (contract 2.3 to 2.7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from marshmallow import fields

from pipeline.errors import Misconfigured, Rejected
from pipeline.lms.canvas.enrolments import enrolments
from pipeline.lms.canvas.notation import Instant, Lenient, LocalId, Points, Words
from pipeline.lms.canvas.rest import Rest
from pipeline.values import Attempt, Learner, Module, ModuleState, Prerequisite, PrerequisiteState, Score

COURSE = "courses/{course}"
PROGRESS = "courses/{course}/users/{learner}/progress"
PROFILE = "users/{learner}/profile"
SUBMISSIONS = "courses/{course}/students/submissions"
MODULES = "courses/{course}/modules"
ITEMS = "courses/{course}/modules/{module}/items"

#: what an assignment is called as the content of a module's item, and the member that holds its id there
_CONTENTS = {"Assignment": "id", "Quiz": "quiz_id"}


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
    primary_email = Words(load_default="", allow_none=True)
    sis_user_id = Words(load_default=None, allow_none=True)


class _RubricSchema(Lenient):
    points_possible = Points(load_default=None, allow_none=True)


class _CriterionSchema(Lenient):
    points = Points(load_default=None, allow_none=True)


class _AssignmentSchema(Lenient):
    id = LocalId(required=True)
    name = Words(required=True)
    points_possible = Points(load_default=None, allow_none=True)
    quiz_id = LocalId(load_default=None, allow_none=True)
    use_rubric_for_grading = fields.Boolean(load_default=None, allow_none=True)
    rubric_settings = fields.Nested(_RubricSchema, load_default=None, allow_none=True)


class _AttemptSchema(Lenient):
    attempt = fields.Integer(load_default=None, allow_none=True, strict=True)
    score = Points(load_default=None, allow_none=True)
    submitted_at = Instant(load_default=None, allow_none=True)


class _SubmissionSchema(Lenient):
    score = Points(load_default=None, allow_none=True)
    posted_at = Instant(load_default=None, allow_none=True)
    excused = fields.Boolean(load_default=False, allow_none=True)
    assignment = fields.Nested(_AssignmentSchema, required=True)
    submission_history = fields.List(fields.Nested(_AttemptSchema), load_default=list)
    rubric_assessment = fields.Dict(values=fields.Nested(_CriterionSchema), load_default=None, allow_none=True)


class _ItemSchema(Lenient):
    type = fields.String(load_default="")
    content_id = LocalId(load_default=None, allow_none=True)
    completion_requirement = fields.Dict(load_default=None, allow_none=True)


class _ModuleSchema(Lenient):
    id = LocalId(required=True)
    name = Words(required=True)
    published = fields.Boolean(load_default=True, allow_none=True)
    state = fields.String(load_default="", allow_none=True)
    items = fields.List(fields.Nested(_ItemSchema), load_default=None, allow_none=True)


Submission = Mapping[str, Any]


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
    return Learner(
        ref=learner,
        name=found["name"] or "",
        email=found["primary_email"] or "",
        sis_id=found["sis_user_id"] or None,
    )


def submissions(rest: Rest, learner: str, course: str, *, history: bool) -> list[Submission]:
    """What the learner handed in, one for each assignment, with every attempt where `history` asks for it."""
    query = [("student_ids[]", learner), ("include[]", "assignment"), ("include[]", "rubric_assessment")]
    query += [("include[]", "submission_history")] if history else []
    return list(rest.every(_SubmissionSchema(), SUBMISSIONS, query, course=course))


def scores(found: Sequence[Submission]) -> tuple[Score, ...]:
    """One score for each assignment, and one for a rubric that stands beside the grade.

    A grade that was not released yet does not count (contract 2.6).
    """
    beside = [
        one for one in found if one["rubric_assessment"] and one["assignment"]["use_rubric_for_grading"] is False
    ]
    return (*(_score(one) for one in found), *(_rubric_score(one) for one in beside))


def modules(rest: Rest, learner: str, course: str, found: Sequence[Submission]) -> tuple[Module, ...]:
    """The modules that have requirements. One that was met by an excused assignment is exempt, not complete.

    Canvas itself takes an excused assignment for a met requirement, and no item says so (contract 2.5).
    """
    excused = {
        (kind, one["assignment"][member]) for one in found if one["excused"] for kind, member in _CONTENTS.items()
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


def prerequisite(rest: Rest, learner: str, course: str) -> Prerequisite:
    """Another course. Where Canvas knows no progress there, nothing is said against the learner: unclear."""
    try:
        met = completed_at(rest, learner, course) is not None
    except Rejected as unclear:
        return Prerequisite(course=course, state=PrerequisiteState.UNCLEAR, reason=unclear.detail)
    return Prerequisite(course=course, state=PrerequisiteState.MET if met else PrerequisiteState.UNMET)


def _required(rest: Rest, course: str, module: Mapping[str, Any], query: list[tuple[str, str]]) -> list[Any]:
    """The items that have to be done; Canvas leaves them out of the module where there are many."""
    if module["published"] is False:
        return []
    items = module["items"]
    if items is None:
        items = list(rest.every(_ItemSchema(), ITEMS, query, course=course, module=module["id"]))
    return [item for item in items if item["completion_requirement"]]


def _state(module: Mapping[str, Any], *, waived: bool) -> ModuleState:
    if module["state"] != "completed":
        return ModuleState.INCOMPLETE
    return ModuleState.EXEMPT if waived else ModuleState.COMPLETE


def _score(submission: Submission) -> Score:
    assignment, out_of = submission["assignment"], submission["assignment"]["points_possible"]
    points = submission["score"] if submission["posted_at"] is not None else None
    latest = {one["attempt"]: one for one in submission["submission_history"] if one["attempt"]}
    return Score(
        item=assignment["name"],
        percent=_percent(points, out_of),
        excused=bool(submission["excused"]),
        points=points,
        out_of=out_of,
        attempts=tuple(
            Attempt(number=number, percent=_percent(one["score"], out_of), at=one["submitted_at"])
            for number, one in sorted(latest.items())
        ),
    )


def _rubric_score(submission: Submission) -> Score:
    """The points of a rubric that was filled in without grading by it."""
    assignment, given = submission["assignment"], submission["rubric_assessment"].values()
    out_of = (assignment["rubric_settings"] or {}).get("points_possible")
    released = submission["posted_at"] is not None and all(one["points"] is not None for one in given)
    points = sum((one["points"] for one in given), Decimal(0)) if released else None
    percent = _percent(points, out_of)
    return Score(item=f"{assignment['name']}: rubric", percent=percent, points=points, out_of=out_of)


def _percent(points: Decimal | None, out_of: Decimal | None) -> Decimal | None:
    """Exact, for points of an assignment that has any to give."""
    return points * 100 / out_of if points is not None and out_of is not None and out_of > 0 else None
