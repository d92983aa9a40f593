"""The web service functions about users: by field, and those enrolled in a course."""

from __future__ import annotations

from typing import Any

from sandbox.moodle import Enrolment, Learner, Moodle
from sandbox.moodle_errors import InvalidParameter, Trouble
from sandbox.moodle_parameters import whole
from sandbox.world import base_url

_FIELD_TITLES = {"manageremail": "Manager email"}
_STUDENT = {"roleid": 5, "name": "", "shortname": "student", "sortorder": 0}
_OPTIONS = ("onlyactive", "onlysuspended", "limitfrom", "limitnumber", "sortby", "sortdirection", "userfields")
_SORTS = {"id": "id", "firstname": "firstname", "lastname": "lastname"}


def users_by_field(moodle: Moodle, values: dict[str, Any]) -> list[dict[str, Any]]:
    """`core_user_get_users_by_field`: an empty list where nobody fits."""
    name = values["field"]
    if name not in ("id", "idnumber", "username", "email"):
        raise Trouble("codingerror", f"Unknown field {name}")
    wanted: set[Any] = set(values["values"])
    if name == "id":
        wanted = {whole("values", one) for one in values["values"]}
    return [_user(one) for one in moodle.learners.values() if getattr(one, name) in wanted]


def enrolled_users(moodle: Moodle, values: dict[str, Any]) -> list[dict[str, Any]]:
    """`core_enrol_get_enrolled_users`: also suspended enrolments, unless an option says otherwise."""
    course, options = moodle.course(values["courseid"]), values["options"]
    # the real server passes over an option it does not know; here it is refused, so that a slip is seen
    unknown = sorted(set(options) - set(_OPTIONS))
    if unknown:
        raise InvalidParameter(f"options: unknown {', '.join(unknown)}")
    numbers = {key: whole(key, options.get(key, "0")) for key in ("limitfrom", "limitnumber")}
    only_active, only_suspended = options.get("onlyactive") == "1", options.get("onlysuspended") == "1"
    if only_active and only_suspended:
        raise Trouble("codingerror", "onlyactive and onlysuspended exclude each other")
    found = [
        enrolment
        for enrolment in moodle.enrolments.values()
        if enrolment.course == course.id
        and not (only_active and enrolment.suspended)
        and not (only_suspended and not enrolment.suspended)
    ]
    rows = _sorted(moodle, found, options)
    end = numbers["limitfrom"] + numbers["limitnumber"] if numbers["limitnumber"] else None
    return [_enrolled(moodle, moodle.learner(one.learner)) for one in rows[numbers["limitfrom"] : end]]


def _sorted(moodle: Moodle, found: list[Enrolment], options: dict[str, str]) -> list[Enrolment]:
    key = _SORTS.get(options.get("sortby", "id"))
    direction = options.get("sortdirection", "ASC").upper()
    if key is None or direction not in ("ASC", "DESC"):
        raise InvalidParameter("sortby must be id, firstname or lastname; sortdirection ASC or DESC")
    return sorted(found, key=lambda one: getattr(moodle.learner(one.learner), key), reverse=direction == "DESC")


def _user(learner: Learner) -> dict[str, Any]:
    picture = f"{base_url()}/moodle/theme/image.php/boost/core/1/u"
    user: dict[str, Any] = {
        "id": learner.id,
        "username": learner.username,
        "firstname": learner.firstname,
        "lastname": learner.lastname,
        "fullname": learner.fullname,
        "email": learner.email,
        "department": "",
        "idnumber": learner.idnumber,
        "firstaccess": 0,
        "lastaccess": 0,
        "auth": "manual",
        "suspended": learner.suspended,
        "confirmed": True,
        "lang": "en",
        "theme": "",
        "timezone": "99",
        "mailformat": 1,
        "trackforums": 0,
        "profileimageurlsmall": f"{picture}/f2",
        "profileimageurl": f"{picture}/f1",
    }
    if learner.fields:
        user["customfields"] = [
            {
                "type": "text",
                "value": value,
                "displayvalue": value,
                "name": _FIELD_TITLES.get(short, short),
                "shortname": short,
            }
            for short, value in learner.fields.items()
        ]
    return user


def _enrolled(moodle: Moodle, learner: Learner) -> dict[str, Any]:
    courses = [moodle.courses[course] for (one, course) in moodle.enrolments if one == learner.id]
    listed = [{"id": one.id, "fullname": one.fullname, "shortname": one.shortname} for one in courses]
    return {**_user(learner), "groups": [], "roles": [_STUDENT], "enrolledcourses": listed}
