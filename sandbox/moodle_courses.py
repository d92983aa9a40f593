"""The web service functions about courses: all of them, one learner's, and what a course consists of."""

from __future__ import annotations

from typing import Any

from sandbox.moodle import Activity, Course, Enrolment, Moodle
from sandbox.moodle_errors import InvalidParameter
from sandbox.moodle_parameters import whole
from sandbox.world import base_url

_STARTED = 1795392000
_CHANGED = 1795406874
_OPTIONS = (
    "excludemodules",
    "excludecontents",
    "includestealthmodules",
    "sectionid",
    "sectionnumber",
    "cmid",
    "modname",
    "modid",
)


def all_courses(moodle: Moodle, values: dict[str, Any]) -> list[dict[str, Any]]:
    """`core_course_get_courses`: with the front page, which is course 1 and no course."""
    wanted = values["options"]
    listed = [_front_page(moodle), *(_course(one) for one in moodle.courses.values())]
    return [one for one in listed if wanted is None or one["id"] in wanted]


def courses_by_field(moodle: Moodle, values: dict[str, Any]) -> dict[str, Any]:
    """`core_course_get_courses_by_field`: no field means all."""
    name, value = values["field"], values["value"]
    if name not in ("", "id", "ids", "shortname", "idnumber", "category"):
        raise InvalidParameter(f"Invalid field name: {name}")
    listed = [_front_page(moodle), *(_course(one) for one in moodle.courses.values())]
    if name in ("id", "ids"):
        wanted = {whole("value", one) for one in value.split(",")}
        listed = [one for one in listed if one["id"] in wanted]
    elif name == "category":
        listed = [one for one in listed if one["categoryid"] == whole("value", value)]
    elif name:
        listed = [one for one in listed if one[name] == value]
    more = {"contacts": [], "enrollmentmethods": ["manual"]}
    return {"courses": [{**one, **more} for one in listed], "warnings": []}


def users_courses(moodle: Moodle, values: dict[str, Any]) -> list[dict[str, Any]]:
    """`core_enrol_get_users_courses`: active enrolments only, so a course the learner has left is missing."""
    learner = moodle.learner(values["userid"])
    return [
        _standing(moodle.courses[enrolment.course], enrolment)
        for enrolment in moodle.enrolments.values()
        if enrolment.learner == learner.id and not enrolment.suspended
    ]


def contents(moodle: Moodle, values: dict[str, Any]) -> list[dict[str, Any]]:
    """`core_course_get_contents`: the sections with their modules."""
    course, options = moodle.course(values["courseid"]), values["options"]
    unknown = sorted(set(options) - set(_OPTIONS))
    if unknown:
        raise InvalidParameter(f"options: Invalid option name: {', '.join(unknown)}")
    bare = options.get("excludecontents") == "1"
    modules = [] if options.get("excludemodules") == "1" else [_module(one, bare) for one in course.activities]
    return [_section(course, 0, "General", []), _section(course, 1, "Topic 1", modules)]


def _front_page(moodle: Moodle) -> dict[str, Any]:
    page = Course(id=1, shortname=moodle.site.name, fullname=moodle.site.name, enablecompletion=False)
    return {**_course(page), "format": "site", "categoryid": 0}


def _course(course: Course) -> dict[str, Any]:
    return {
        "id": course.id,
        "shortname": course.shortname,
        "categoryid": 1,
        "categorysortorder": 10000 + course.id,
        "fullname": course.fullname,
        "displayname": course.fullname,
        "idnumber": course.idnumber,
        "summary": "",
        "summaryformat": 1,
        "format": "topics",
        "startdate": _STARTED,
        "enddate": 0,
        "visible": int(course.visible),
        "enablecompletion": int(course.enablecompletion),
        "completionnotify": 0,
        "lang": "",
        "showcompletionconditions": 1,
        "timecreated": _STARTED,
        "timemodified": _CHANGED,
    }


def _standing(course: Course, enrolment: Enrolment) -> dict[str, Any]:
    tracked = len(course.activities)
    done = sum(1 for one in course.activities if enrolment.state_of(one).state in (1, 2))
    return {
        "id": course.id,
        "shortname": course.shortname,
        "fullname": course.fullname,
        "displayname": course.fullname,
        "idnumber": course.idnumber,
        "visible": int(course.visible),
        "format": "topics",
        "enablecompletion": course.enablecompletion,
        "completionhascriteria": course.has_criteria,
        "completionusertracked": course.enablecompletion,
        "progress": round(100 * done / tracked, 2) if tracked and course.enablecompletion else None,
        "completed": enrolment.completed(),
        "category": 1,
        "startdate": _STARTED,
        "enddate": 0,
        "lastaccess": None,
        "hidden": False,
        "timemodified": _CHANGED,
    }


def _section(course: Course, number: int, name: str, modules: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": course.id * 10 + number,
        "name": name,
        "visible": 1,
        "summary": "",
        "summaryformat": 1,
        "section": number,
        "hiddenbynumsections": 0,
        "uservisible": True,
        "modules": modules,
    }


def _module(activity: Activity, bare: bool) -> dict[str, Any]:
    address = f"{base_url()}/moodle/mod/{activity.modname}/view.php?id={activity.cmid}"
    module = {
        "id": activity.cmid,
        "url": address,
        "name": activity.name,
        "instance": activity.instance,
        "contextid": 100 + activity.cmid,
        "visible": 1,
        "uservisible": True,
        "visibleoncoursepage": 1,
        "modname": activity.modname,
        "modplural": f"{activity.modname.capitalize()}s",
        "availability": None,
        "indent": 0,
        "noviewlink": False,
        "completion": 2,
        # about the calling user, never about the learner
        "completiondata": {
            "state": 0,
            "timecompleted": 0,
            "overrideby": None,
            "valueused": False,
            "hascompletion": True,
            "isautomatic": True,
            "istrackeduser": False,
            "uservisible": True,
            "details": [],
            "isoverallcomplete": False,
        },
        "dates": [],
    }
    return module if bare else {**module, "contents": []}
