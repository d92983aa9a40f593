"""The web service functions about completion: of the course by its criteria, and of each activity."""

from __future__ import annotations

from typing import Any

from sandbox.moodle import PASSED, Activity, Course, Enrolment, Moodle
from sandbox.moodle_errors import Trouble
from sandbox.world import base_url

_ALL, _ANY = 1, 2
_BY_ACTIVITY, _BY_COURSE = 4, 8
_STATE_COMPLETE = (1, 2)


def course_status(moodle: Moodle, values: dict[str, Any]) -> dict[str, Any]:
    """`core_completion_get_course_completion_status`. Only this function uses up the reads of a lagging record."""
    course, enrolment = _tracked(moodle, values)
    if not course.has_criteria:
        raise Trouble("nocriteriaset", f"course {course.id}")
    completed = enrolment.completed()
    criteria = [_activity_criterion(one, enrolment) for one in course.activities]
    criteria += [_course_criterion(moodle, moodle.course(one), enrolment) for one in course.prerequisites]
    unmet = not all(one["complete"] for one in criteria)
    status = {
        "completed": completed,
        "aggregation": _ANY if completed and unmet else _ALL,
        "completions": criteria,
    }
    if enrolment.lag_reads > 0:
        enrolment.lag_reads -= 1
    return {"completionstatus": status, "warnings": []}


def activities_status(moodle: Moodle, values: dict[str, Any]) -> dict[str, Any]:
    """`core_completion_get_activities_completion_status`."""
    course, enrolment = _tracked(moodle, values)
    return {"statuses": [_status(one, enrolment) for one in course.activities], "warnings": []}


def _tracked(moodle: Moodle, values: dict[str, Any]) -> tuple[Course, Enrolment]:
    course, learner = moodle.course(values["courseid"]), moodle.learner(values["userid"])
    if not course.enablecompletion:
        raise Trouble("cannotviewreport", f"completion is off in course {course.id}")
    enrolment = moodle.enrolment(learner.id, course.id, active=True)
    if enrolment is None:
        raise Trouble("usernotenroled", f"user {learner.id} in course {course.id}")
    return course, enrolment


def _activity_criterion(activity: Activity, enrolment: Enrolment) -> dict[str, Any]:
    done = enrolment.state_of(activity)
    complete = done.state in _STATE_COMPLETE
    address = f"{base_url()}/moodle/mod/{activity.modname}/view.php?id={activity.cmid}"
    graded = "Achieving grade, Achieving passing grade"
    details = {
        "type": "Activity completion",
        "criteria": f'<a href="{address}">{activity.name}</a>',
        "requirement": graded if activity.graded else "Viewing the activity",
        "status": "",
    }
    return _criterion(_BY_ACTIVITY, "Activity completion", details, done.at if complete else None)


def _course_criterion(moodle: Moodle, course: Course, enrolment: Enrolment) -> dict[str, Any]:
    other = moodle.enrolment(enrolment.learner, course.id)
    met_at = other.completed_at if other and other.completed() else None
    address = f"{base_url()}/moodle/course/view.php?id={course.id}"
    details = {
        "type": "Prerequisite course",
        "criteria": f'<a href="{address}">{course.fullname}</a>',
        "requirement": "Course completed",
        "status": "",
    }
    return _criterion(_BY_COURSE, "Course prerequisites", details, met_at)


def _criterion(kind: int, title: str, details: dict[str, str], at: int | None) -> dict[str, Any]:
    complete = at is not None
    return {
        "type": kind,
        "title": title,
        "status": "Yes" if complete else "No",
        "complete": complete,
        "timecompleted": at,
        "details": details,
    }


def _status(activity: Activity, enrolment: Enrolment) -> dict[str, Any]:
    done = enrolment.state_of(activity)
    rule = "completionpassgrade" if activity.graded else "completionview"
    description = "Receive a passing grade" if activity.graded else "View"
    complete = done.state in _STATE_COMPLETE
    return {
        "cmid": activity.cmid,
        "modname": activity.modname,
        "instance": activity.instance,
        "state": done.state,
        "timecompleted": done.at or 0,
        "tracking": 2,
        "overrideby": done.overrideby,
        "valueused": False,
        "hascompletion": True,
        "isautomatic": True,
        "istrackeduser": True,
        "uservisible": True,
        "details": [
            {
                "rulename": rule,
                "rulevalue": {
                    "status": PASSED if complete and activity.graded else int(complete),
                    "description": description,
                },
            }
        ],
        "isoverallcomplete": complete,
    }
