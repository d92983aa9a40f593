"""What the API shows of a site: the JSON documents of contract 2.3 to 2.7 and 4, members in the vendor's order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.lms.canvas.site import (
    ACCOUNT,
    COMPLETED,
    ROOT_ACCOUNT,
    Assignment,
    Course,
    Enrolment,
    Item,
    Learner,
    Module,
    Site,
    Standing,
    Submission,
)

Json = dict[str, Any]

_NO_PROGRESS = (
    "no progress available because this course is not module based (has modules and module completion requirements)"
    " or the user is not enrolled as a student in this course"
)
_CREATED = "2026-08-01T08:00:00Z"


def course_form(course: Course) -> Json:
    """A course as in the list of an account."""
    return {
        "id": course.id,
        "name": course.name,
        "course_code": course.code,
        "account_id": ACCOUNT,
        "root_account_id": ROOT_ACCOUNT,
        "workflow_state": course.state,
        "enrollment_term_id": 34,
        "sis_course_id": course.sis_id,
        "start_at": None,
        "end_at": None,
        "created_at": _CREATED,
    }


def profile_form(learner: Learner) -> Json:
    """A person's profile."""
    return {
        "id": learner.id,
        "name": learner.name,
        "short_name": learner.name.partition(" ")[0],
        "sortable_name": _sortable(learner.name),
        "primary_email": learner.email,
        "login_id": learner.login,
        "sis_user_id": learner.sis_id,
        "integration_id": None,
        "time_zone": "America/Denver",
        "locale": None,
        "title": None,
        "bio": None,
        "avatar_url": "https://school.instructure.com/images/messages/avatar-50.png",
        "calendar": {"ics": "https://school.instructure.com/feeds/calendars/user.ics"},
    }


def user_form(learner: Learner) -> Json:
    """A person in a list, without an address."""
    return {
        "id": learner.id,
        "name": learner.name,
        "sortable_name": _sortable(learner.name),
        "short_name": learner.name.partition(" ")[0],
        "login_id": learner.login,
    }


def progress_form(site: Site, learner: int, course: Course) -> Json:
    """How far a learner is; an error in its place, under 200, where the course or the person has no progress."""
    states = {one.state for one in site.enrolments_in(course.id, learner)} - {"deleted"}
    required = course.requirement_count()
    if not required or not states:
        return {"error": {"message": _NO_PROGRESS}}
    standing = site.standing(learner, course.id)
    completed_at = standing.shown_completed_at()
    met = required if completed_at else min(required - 1, _met(course, standing))
    return {
        "requirement_count": required,
        "requirement_completed_count": met,
        "next_requirement_url": None,
        "completed_at": completed_at,
    }


def member_form(site: Site, learner: Learner, course: Course) -> Json:
    """One line of the progress of all students."""
    return {
        "id": learner.id,
        "display_name": learner.name,
        "avatar_image_url": None,
        "html_url": f"https://school.instructure.com/courses/{course.id}/users/{learner.id}",
        "progress": progress_form(site, learner.id, course),
    }


def enrolment_form(site: Site, enrolment: Enrolment) -> Json:
    """An enrolment with its grades."""
    course, learner = site.courses[enrolment.course], site.learners[enrolment.learner]
    standing = site.standing(learner.id, course.id)
    current, final = site.totals(learner.id, course)
    return {
        "id": enrolment.id,
        "course_id": course.id,
        "course_section_id": enrolment.section,
        "user_id": learner.id,
        "type": enrolment.type,
        "role": enrolment.type,
        "role_id": 3,
        "enrollment_state": enrolment.state,
        "associated_user_id": None,
        "limit_privileges_to_course_section": False,
        "created_at": _CREATED,
        "updated_at": _CREATED,
        "start_at": None,
        "end_at": None,
        "last_activity_at": _CREATED,
        "total_activity_time": standing.activity_seconds,
        "html_url": f"https://school.instructure.com/courses/{course.id}/users/{learner.id}",
        "sis_course_id": course.sis_id,
        "sis_user_id": learner.sis_id,
        "grades": {
            "html_url": f"https://school.instructure.com/courses/{course.id}/grades/{learner.id}",
            "current_score": current,
            "current_grade": None,
            "final_score": final,
            "final_grade": None,
            "unposted_current_score": current,
            "unposted_final_score": final,
        },
        "user": user_form(learner),
    }


def submission_form(learner: int, assignment: Assignment, submission: Submission, include: set[str]) -> Json:
    """A submission with what was asked to be included."""
    graded = submission.score is not None or submission.excused
    attempts = submission.attempts
    state = "graded" if graded else "submitted" if attempts else "unsubmitted"
    state = "pending_review" if submission.pending_review else state
    form: Json = {
        "id": learner * 100_000 + assignment.id,
        "assignment_id": assignment.id,
        "user_id": learner,
        "attempt": len(attempts) or None,
        "score": submission.score,
        "grade": None if submission.score is None else f"{submission.score:g}",
        "entered_score": submission.score,
        "submitted_at": _CREATED if attempts else None,
        "graded_at": _CREATED if graded else None,
        "posted_at": _CREATED if graded and submission.posted else None,
        "workflow_state": state,
        "excused": submission.excused,
        "late": False,
        "missing": False,
        "late_policy_status": None,
        "points_deducted": None,
        "grader_id": 5 if graded else None,
        "grade_matches_current_submission": True,
    }
    if "submission_history" in include:
        form["submission_history"] = [_attempt(number, score) for number, score in enumerate(attempts, 1)]
    if "assignment" in include:
        form["assignment"] = _assignment_form(assignment)
    if "rubric_assessment" in include and submission.rubric:
        form["rubric_assessment"] = {
            f"_{number}": {"rating_id": f"_{number}_1", "comments": "", "points": submission.rubric[name]}
            for number, name in enumerate(assignment.rubric, 1)
            if name in submission.rubric
        }
    return form


def module_form(standing: Standing | None, course: Course, module: Module, include: set[str]) -> Json:
    """A module; with a learner's standing also how far that one is in it."""
    form: Json = {
        "id": module.id,
        "name": module.name,
        "position": module.position,
        "unlock_at": None,
        "require_sequential_progress": False,
        "requirement_type": "all",
        "prerequisite_module_ids": list(module.prerequisites),
        "items_count": len(module.items),
        "items_url": f"https://school.instructure.com/api/v1/courses/{course.id}/modules/{module.id}/items",
        "published": module.published,
    }
    if standing is not None:
        state = _module_state(standing, module)
        form |= {"state": state, "completed_at": _CREATED if state == COMPLETED else None}
    if "items" in include and not module.items_omitted:
        form["items"] = [item_form(standing, course, module, item, include) for item in module.items]
    return form


def item_form(standing: Standing | None, course: Course, module: Module, item: Item, include: set[str]) -> Json:
    """An item of a module; with a learner's standing also whether its requirement is met."""
    form: Json = {
        "id": item.id,
        "module_id": module.id,
        "position": 1 + module.items.index(item),
        "title": item.title,
        "indent": 0,
        "type": item.type,
        "html_url": f"https://school.instructure.com/courses/{course.id}/modules/items/{item.id}",
        "published": item.published,
    }
    if item.content is not None:
        form["content_id"] = item.content
    if item.requirement is not None:
        form["completion_requirement"] = dict(item.requirement)
        if standing is not None:
            form["completion_requirement"]["completed"] = _module_state(standing, module) == COMPLETED
    if "content_details" in include:
        form["content_details"] = {"due_at": None, "locked_for_user": False}
    return form


def with_text_ids(document: Any) -> Any:
    """The document with ids as text, as `Accept: application/json+canvas-string-ids` asks for."""
    if isinstance(document, list):
        return [with_text_ids(one) for one in document]
    if not isinstance(document, Mapping):
        return document
    return {
        key: str(value) if _is_id(key) and isinstance(value, int) else with_text_ids(value)
        for key, value in document.items()
    }


def _is_id(key: str) -> bool:
    return key == "id" or key.endswith("_id")


def _assignment_form(assignment: Assignment) -> Json:
    form: Json = {
        "id": assignment.id,
        "name": assignment.name,
        "points_possible": assignment.points_possible,
        "grading_type": "points",
        "published": True,
        "is_quiz_assignment": assignment.quiz is not None,
    }
    if assignment.quiz is not None:
        form["quiz_id"] = assignment.quiz
    if assignment.rubric:
        form["use_rubric_for_grading"] = assignment.use_rubric_for_grading
        form["rubric_settings"] = {"id": 1, "title": assignment.name, "points_possible": _sum(assignment)}
        form["rubric"] = [
            {"id": f"_{number}", "description": name, "points": points, "ratings": []}
            for number, (name, points) in enumerate(assignment.rubric.items(), 1)
        ]
    return form


def _sum(assignment: Assignment) -> float:
    return float(sum(assignment.rubric.values()))


def _attempt(number: int, score: float | None) -> Json:
    state = "submitted" if score is None else "graded"
    return {"attempt": number, "score": score, "submitted_at": _CREATED, "workflow_state": state}


def _met(course: Course, standing: Standing) -> int:
    return sum(
        len(module.requirements()) for module in course.published() if _module_state(standing, module) == COMPLETED
    )


def _module_state(standing: Standing, module: Module) -> str:
    return standing.modules.get(module.id, "unlocked")


def _sortable(name: str) -> str:
    first, _, last = " ".join(name.split()).rpartition(" ")
    return f"{last}, {first}" if first else last
