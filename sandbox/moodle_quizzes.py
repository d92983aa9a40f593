"""The web service functions about quizzes: those of a course, and a learner's attempts at one."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sandbox.moodle import Activity, Attempt, Course, Moodle
from sandbox.moodle_errors import InvalidParameter, Unknown

_STATUSES = ("all", "finished", "unfinished")
_ENDED = ("finished", "abandoned")
#: the scale of the questions, unlike that of the grade (contract 2.6)
SUM_OF_GRADES = 40


def quizzes_by_courses(moodle: Moodle, values: dict[str, Any]) -> dict[str, Any]:
    """`mod_quiz_get_quizzes_by_courses`: without courses those of all, which nobody here asks for."""
    if not values["courseids"]:
        raise InvalidParameter("courseids: the courses of the calling user are not kept here")
    courses = [moodle.course(one) for one in values["courseids"]]
    return {
        "quizzes": [_quiz(course, one) for course in courses for one in course.activities if one.modname == "quiz"],
        "warnings": [],
    }


def user_attempts(moodle: Moodle, values: dict[str, Any]) -> dict[str, Any]:
    """`mod_quiz_get_user_quiz_attempts`: only what has ended by default."""
    if values["status"] not in _STATUSES:
        raise InvalidParameter(f"Invalid status: {values['status']}")
    for course in moodle.courses.values():
        for activity in course.activities:
            if activity.modname == "quiz" and activity.instance == values["quizid"]:
                return {"attempts": _attempts(moodle, course, activity, values), "warnings": []}
    raise Unknown(f"quiz {values['quizid']}")


def _attempts(moodle: Moodle, course: Course, activity: Activity, values: dict[str, Any]) -> list[dict[str, Any]]:
    learner = moodle.learner(values["userid"])
    enrolment = moodle.enrolment(learner.id, course.id)
    kept = enrolment.attempts.get(activity.cmid, []) if enrolment else []
    rows = [_row(activity, learner.id, number, one) for number, one in enumerate(kept, start=1)]
    if values["status"] == "all":
        return rows
    return [row for row in rows if (row["state"] in _ENDED) == (values["status"] == "finished")]


def _row(activity: Activity, learner: int, number: int, attempt: Attempt) -> dict[str, Any]:
    ended = attempt.state in _ENDED
    grade = None if attempt.percent is None else attempt.percent * SUM_OF_GRADES / 100
    return {
        "id": activity.instance * 100 + number,
        "quiz": activity.instance,
        "userid": learner,
        "attempt": number,
        "uniqueid": activity.instance * 100 + number,
        "layout": "1,0",
        "currentpage": 0,
        "preview": 0,
        "state": attempt.state,
        "timestart": attempt.started,
        "timefinish": attempt.started + attempt.seconds if ended else 0,
        "timemodified": attempt.started + attempt.seconds,
        "timemodifiedoffline": 0,
        "timecheckstate": None,
        "sumgrades": float(grade) if grade is not None and ended else None,
        "gradednotificationsenttime": None,
    }


def _quiz(course: Course, activity: Activity) -> dict[str, Any]:
    return {
        "id": activity.instance,
        "coursemodule": activity.cmid,
        "course": course.id,
        "name": activity.name,
        "timelimit": 0,
        "attempts": 0,
        "grademethod": 1,
        "sumgrades": SUM_OF_GRADES,
        "grade": float(Decimal(course.grade_max)),
        "completionpass": 0,
    }
