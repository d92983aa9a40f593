"""Scores out of what a learner handed in: grades, rubrics beside them, every attempt (contract 2.6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from marshmallow import fields

from pipeline.lms.canvas.notation import LocalId
from pipeline.lms.canvas.rest import Rest
from pipeline.reading import Instant, Lenient, Points, Words
from pipeline.values import Attempt, Score

SUBMISSIONS = "courses/{course}/students/submissions"
#: a quiz of which a part waits for somebody to grade it: its score so far says nothing
_PARTLY_GRADED = "pending_review"


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
    workflow_state = fields.String(load_default="", allow_none=True)
    score = Points(load_default=None, allow_none=True)
    posted_at = Instant(load_default=None, allow_none=True)
    excused = fields.Boolean(load_default=False, allow_none=True)
    assignment = fields.Nested(_AssignmentSchema, required=True)
    submission_history = fields.List(fields.Nested(_AttemptSchema), load_default=list)
    rubric_assessment = fields.Dict(values=fields.Nested(_CriterionSchema), load_default=None, allow_none=True)


Submission = Mapping[str, Any]


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


def _score(submission: Submission) -> Score:
    assignment, out_of = submission["assignment"], submission["assignment"]["points_possible"]
    counts = _counts(submission)
    points = submission["score"] if counts else None
    latest = {one["attempt"]: one for one in submission["submission_history"] if one["attempt"]}
    return Score(
        item=assignment["name"],
        percent=_percent(points, out_of),
        excused=bool(submission["excused"]),
        points=points,
        out_of=out_of,
        attempts=tuple(
            Attempt(number=number, percent=_percent(one["score"] if counts else None, out_of), at=one["submitted_at"])
            for number, one in sorted(latest.items())
        ),
    )


def _rubric_score(submission: Submission) -> Score:
    """The points of a rubric that was filled in without grading by it."""
    assignment, given = submission["assignment"], submission["rubric_assessment"].values()
    out_of = (assignment["rubric_settings"] or {}).get("points_possible")
    whole = submission["posted_at"] is not None and all(one["points"] is not None for one in given)
    points = sum((one["points"] for one in given), Decimal(0)) if whole else None
    percent = _percent(points, out_of)
    return Score(item=f"{assignment['name']}: rubric", percent=percent, points=points, out_of=out_of)


def _counts(submission: Submission) -> bool:
    """Whether the grades were released, and are whole."""
    return submission["posted_at"] is not None and submission["workflow_state"] != _PARTLY_GRADED


def _percent(points: Decimal | None, out_of: Decimal | None) -> Decimal | None:
    """Exact, for points of an assignment that has any to give."""
    return points * 100 / out_of if points is not None and out_of is not None and out_of > 0 else None
