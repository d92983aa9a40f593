"""The web service function about grades, with the markup and the gaps that the real one has."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sandbox.moodle import Activity, Course, Enrolment, Learner, Moodle
from sandbox.moodle_errors import InvalidParameter, Trouble

#: Moodle keeps grades as numbers with five places
_PLACES = Decimal("0.00001")
_CATEGORY = 1


def grade_items(moodle: Moodle, values: dict[str, Any]) -> dict[str, Any]:
    """`gradereport_user_get_grade_items`: no user, or 0, means all. A suspended enrolment still has its grades."""
    course = moodle.course(values["courseid"])
    if values["groupid"]:
        raise InvalidParameter("groupid: the courses of this site have no groups")
    if values["userid"]:
        wanted = [moodle.learner(values["userid"]).id]
    else:
        wanted = [learner for learner, at in moodle.enrolments if at == course.id]
    reports = []
    for learner_id in wanted:
        enrolment = moodle.enrolment(learner_id, course.id)
        if enrolment is None:
            raise Trouble("usernotenroled", f"user {learner_id} in course {course.id}")
        reports.append(_report(course, moodle.learner(learner_id), enrolment))
    return {"usergrades": reports, "warnings": []}


def _report(course: Course, learner: Learner, enrolment: Enrolment) -> dict[str, Any]:
    missing = enrolment.grade_lag_reads > 0
    stale = not missing and enrolment.needs_update_reads > 0
    if missing:
        enrolment.grade_lag_reads -= 1
    elif stale:
        enrolment.needs_update_reads -= 1
    items = [_item(course, enrolment, one, missing, stale) for one in course.activities if one.graded]
    return {
        "courseid": course.id,
        "courseidnumber": course.idnumber,
        "userid": learner.id,
        "userfullname": learner.fullname,
        "useridnumber": learner.idnumber,
        "maxdepth": 2,
        "gradeitems": [*items, _total(course, enrolment, missing, stale)],
    }


def _item(course: Course, enrolment: Enrolment, activity: Activity, missing: bool, stale: bool) -> dict[str, Any]:
    percent = None if missing else enrolment.scores.get(activity.cmid)
    return {
        "id": course.id * 100 + activity.cmid,
        "itemname": activity.name,
        "itemtype": "mod",
        "itemmodule": activity.modname,
        "iteminstance": activity.instance,
        "itemnumber": 0,
        "idnumber": "",
        "categoryid": _CATEGORY,
        "cmid": activity.cmid,
        "weightraw": 1,
        "weightformatted": "100.00 %",
        **_grade(course, enrolment, percent, stale),
    }


def _total(course: Course, enrolment: Enrolment, missing: bool, stale: bool) -> dict[str, Any]:
    # while the total has to be worked out anew it holds what it held before: nothing
    percent = None if missing or stale else enrolment.total
    return {
        "id": course.id * 100,
        "itemname": None,
        "itemtype": "course",
        "itemmodule": None,
        "iteminstance": _CATEGORY,
        "itemnumber": None,
        "idnumber": "",
        "categoryid": None,
        **_grade(course, enrolment, percent, stale),
        "gradedatesubmitted": None,
    }


def _grade(course: Course, enrolment: Enrolment, percent: Decimal | None, stale: bool) -> dict[str, Any]:
    graded_at = enrolment.graded_at if percent is not None else None
    grade: dict[str, Any] = {
        "graderaw": None,
        "gradedatesubmitted": graded_at,
        "gradedategraded": graded_at,
        "gradehiddenbydate": False,
        "gradeneedsupdate": stale,
        "gradeishidden": False,
        "gradeislocked": False,
        "gradeisoverridden": enrolment.overridden,
        "gradeformatted": "-",
        "grademin": 0,
        "grademax": _plain(course.grade_max),
        "rangeformatted": f"0&ndash;{course.grade_max}",
        "percentageformatted": "-",
        "feedback": "",
        "feedbackformat": 2,
    }
    if percent is not None:
        raw = (percent * course.grade_max / 100).quantize(_PLACES)
        icon = '<i class="icon fa fa-check text-success fa-fw " title="Pass" role="img" aria-label="Pass"></i>'
        grade["graderaw"] = _plain(raw)
        grade["gradeformatted"] = f"{icon}{raw:.2f}"
        grade["percentageformatted"] = f"{percent:.2f} %"
    return grade


def _plain(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)
