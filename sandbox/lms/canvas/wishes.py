"""What may be asked of this twin: the shapes of the control bodies, and a standing changed as one asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.lms.canvas.live_events import SEND
from sandbox.lms.canvas.site import (
    COMPLETED,
    ENROLMENT_STATES,
    MODULE_STATES,
    Assignment,
    Course,
    Site,
    Submission,
)
from sandbox.lms.twin import require_both
from sandbox.shapes import (
    Check,
    Field,
    Problem,
    Refused,
    any_text,
    count,
    either,
    email,
    flag,
    listing,
    mapping,
    may,
    need,
    not_negative,
    one_of,
    structure,
    text,
    url,
)

#: as the state of a module: its requirement is met because its assignments are excused
EXEMPT = "exempt"


def _object(value: Any, at: str) -> list[Problem]:
    return [] if isinstance(value, dict) else [Problem(at, "must be an object")]


def _ungraded(value: Any, at: str) -> list[Problem]:
    return [] if value is None else [Problem(at, "must be points or null")]


def _percent(value: Any, at: str) -> list[Problem]:
    good = isinstance(value, int | float | str) and not isinstance(value, bool)
    try:
        good = good and 0 <= float(value) <= 1000
    except ValueError:
        good = False
    return [] if good else [Problem(at, "must be a percentage, such as 86.5")]


#: points, or how an assignment stands in all its parts
_WORK: Check = structure(
    {
        "score": may(not_negative, nullable=True),
        "attempts": may(listing(either(not_negative, _ungraded))),
        "excused": may(flag),
        "posted": may(flag),
        "pending_review": may(flag),
        "rubric": may(mapping(not_negative)),
    }
)
_PROGRESS: Mapping[str, Field] = {
    "learner": need(count),
    "course": need(count),
    "score": may(_percent),
    "current_score": may(_percent),
    "final_score": may(_percent),
    "assignments": may(mapping(lambda value, at: (_WORK if isinstance(value, dict) else not_negative)(value, at))),
    "modules": may(mapping(one_of((*MODULE_STATES, EXEMPT)))),
    "time_spent_seconds": may(count),
    "lag_reads": may(count),
}
PROGRESS: Check = structure(_PROGRESS)
COMPLETE: Check = structure({**_PROGRESS, "completed_at": may(text), "send": may(SEND)})
LEARNER: Check = structure(
    {
        "id": need(count),
        "name": need(any_text),
        "email": need(email, nullable=True),
        "login_id": may(text),
        "sis_user_id": may(text, nullable=True),
        "observers": may(listing(count)),
        "custom_data": may(mapping(_object)),
    }
)
ENROLMENT: Check = structure(
    {"learner": need(count), "course": need(count), "section": may(count), "state": may(one_of(ENROLMENT_STATES))}
)
SETTINGS: Check = structure(
    {
        "token": may(text),
        "client_id": may(text),
        "client_secret": may(text),
        "refresh_token": may(text),
        "forbidden": may(listing(text)),
        "forbidden_status": may(one_of((401, 403))),
        "throttle_status": may(one_of((403, 429))),
        "page_cap": may(count),
        "link_base": may(url, nullable=True),
        "shard": may(count),
        "expire_tokens": may(flag),
        "rotate_keys": may(flag),
    }
)


def existing(site: Site, body: Mapping[str, Any]) -> tuple[int, Course]:
    """The learner's id and the course that a body names.

    Raises:
        Refused: there is none of that id.
    """
    require_both(body, site.learners, site.courses)
    return body["learner"], site.courses[body["course"]]


def apply(site: Site, learner: int, course: Course, body: Mapping[str, Any]) -> None:
    """Change a standing. `score` sets the course score and, in proportion, every assignment that is not named.

    Raises:
        Refused: an assignment or a module is not of the course.
    """
    standing = site.standing(learner, course.id)
    if "score" in body:
        standing.current = standing.final = float(body["score"])
        for assignment in course.assignments:
            if assignment.points_possible:
                points = float(body["score"]) * assignment.points_possible / 100
                _hand_in(site.submission(learner, course.id, assignment), points)
    standing.current = _number(body, "current_score", standing.current)
    standing.final = _number(body, "final_score", standing.final)
    for named, work in body.get("assignments", {}).items():
        found = course.assignment(named)
        if found is None:
            raise Refused([Problem(f"assignments.{named}", "is no assignment of the course")])
        _apply_work(site.submission(learner, course.id, found), found, work)
    for named, state in body.get("modules", {}).items():
        _set_module(site, learner, course, named, state)
    standing.activity_seconds = body.get("time_spent_seconds", standing.activity_seconds)
    standing.lag_reads = body.get("lag_reads", standing.lag_reads)


def _set_module(site: Site, learner: int, course: Course, named: str, state: str) -> None:
    """Set a module's state; one that is taken back reopens the course, as a new requirement would."""
    module = next((one for one in course.modules if named in {str(one.id), one.name}), None)
    if module is None:
        raise Refused([Problem(f"modules.{named}", "is no module of the course")])
    standing = site.standing(learner, course.id)
    if state == EXEMPT:
        work = [
            one for one in course.assignments if {one.id, one.quiz} - {None} & {item.content for item in module.items}
        ]
        if not work:
            raise Refused([Problem(f"modules.{named}", "has no assignment that could be excused")])
        for assignment in work:
            _apply_work(site.submission(learner, course.id, assignment), assignment, {"excused": True})
    standing.modules[module.id] = COMPLETED if state == EXEMPT else state
    if standing.modules[module.id] != COMPLETED:
        standing.completed_at = None


def _number(body: Mapping[str, Any], member: str, otherwise: float | None) -> float | None:
    return float(body[member]) if member in body else otherwise


def _hand_in(submission: Submission, points: float | None) -> None:
    submission.attempts = [points]
    submission.score = points


def _apply_work(submission: Submission, assignment: Assignment, work: Any) -> None:
    """Of several attempts a quiz keeps the best, other work the last; a rubric that grades makes the score."""
    if not isinstance(work, dict):
        _hand_in(submission, work)
        return
    submission.excused = work.get("excused", submission.excused)
    submission.posted = work.get("posted", submission.posted)
    submission.pending_review = work.get("pending_review", submission.pending_review)
    submission.rubric = dict(work.get("rubric", submission.rubric))
    if "attempts" in work:
        submission.attempts = list(work["attempts"])
        graded = [one for one in submission.attempts if one is not None]
        best = max(graded, default=None)
        submission.score = best if assignment.quiz else (submission.attempts or [None])[-1]
    if "rubric" in work and assignment.use_rubric_for_grading:
        submission.score = sum(submission.rubric.values())
        submission.attempts = submission.attempts or [submission.score]
    if "score" in work:
        submission.score = work["score"]
        submission.attempts = submission.attempts or ([work["score"]] if work["score"] is not None else [])
    if submission.excused:
        submission.score = None
