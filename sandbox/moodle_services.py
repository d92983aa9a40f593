"""Moodle's REST web services: one address, the function's name as a parameter, HTTP 200 even for errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, jsonify, request
from werkzeug.datastructures import CombinedMultiDict

from sandbox import moodle_completion, moodle_courses, moodle_enrol, moodle_grades, moodle_quizzes, moodle_users
from sandbox.moodle import Moodle
from sandbox.moodle_errors import InvalidParameter, Trouble, Unknown, error_object
from sandbox.moodle_parameters import Parameter, nest, optional, read
from sandbox.world import base_url, world

blueprint = Blueprint("moodle", __name__, url_prefix="/moodle")

#: settings that any call may carry beside the function's own parameters
_SETTINGS = ("moodlewssettingraw", "moodlewssettingfilter", "moodlewssettingfileurl", "moodlewssettinglang")
_VERSION = "2025100600.02"


@dataclass(frozen=True)
class Function:
    """A web service function: what it takes and what it does."""

    run: Callable[[Moodle, dict[str, Any]], Any]
    parameters: Mapping[str, Parameter]


@blueprint.route("/webservice/rest/server.php", methods=["GET", "POST"])
def serve() -> Response:
    """Answer one web service call."""
    moodle = world().moodle
    if not moodle.site.web_services:
        return Response("Web services are not enabled.", status=403, content_type="text/html; charset=utf-8")
    given = CombinedMultiDict([request.form, request.args]).to_dict()
    as_json = given.pop("moodlewsrestformat", "xml") == "json"
    try:
        with moodle.lock:
            answer = _call(moodle, given)
    except Trouble as trouble:
        answer = error_object(trouble, debug=moodle.site.debug)
    if as_json:
        return jsonify(answer)
    # without moodlewsrestformat=json the real server writes XML; what it would hold is of no use to anybody here
    return Response('<?xml version="1.0" encoding="UTF-8" ?>\n<RESPONSE/>\n', content_type="application/xml")


def _call(moodle: Moodle, given: dict[str, str]) -> Any:
    if given.pop("wstoken", None) != moodle.site.token:
        raise Trouble("invalidtoken", "wstoken")
    name = given.pop("wsfunction", "")
    for setting in _SETTINGS:
        given.pop(setting, None)
    if not name:
        raise InvalidParameter("Missing function name")
    function = FUNCTIONS.get(_of_release(name, old=moodle.site.before_51))
    if function is None:
        raise Unknown(f"external_functions {name}")
    if not moodle.site.allows(name):
        raise Trouble("accessexception", f"{name} is not in the service of this token")
    return function.run(moodle, read(nest(given.items()), function.parameters))


def _of_release(name: str, *, old: bool) -> str:
    """The name in the table; of two names for a function each release knows one."""
    if old:
        return "" if name in OLDER_NAMES.values() else OLDER_NAMES.get(name, name)
    return name


def site_info(moodle: Moodle, values: dict[str, Any]) -> dict[str, Any]:
    """`core_webservice_get_site_info`: who the token belongs to, and what it may call."""
    del values
    site = f"{base_url()}/moodle"
    return {
        "sitename": moodle.site.name,
        "username": "confer-service",
        "firstname": "Confer",
        "lastname": "Service",
        "fullname": "Confer Service",
        "lang": "en",
        "userid": 4,
        "siteurl": site,
        "userpictureurl": f"{site}/theme/image.php/boost/core/1/u/f1",
        "functions": [{"name": name, "version": _VERSION} for name in FUNCTIONS if moodle.site.allows(name)],
        "downloadfiles": 0,
        "uploadfiles": 0,
        "release": "5.1 (Build: 20251017)",
        "version": _VERSION,
        "advancedfeatures": [{"name": "enablecompletion", "value": 1}],
        "usercanmanageownfiles": True,
        "userquota": 0,
        "usermaxuploadfilesize": -1,
        "userhomepage": 1,
        "siteid": 1,
    }


_INT, _TEXT = Parameter("int"), Parameter("text")
_LEARNER_IN_COURSE = {"courseid": _INT, "userid": _INT}
_LIST_OF_COURSE = {"courseid": _INT, "options": optional("pairs", {})}
_ATTEMPTS = {
    "quizid": _INT,
    "userid": optional("int", 0),
    "status": optional("text", "finished"),
    "includepreviews": optional("bool", False),
}

FUNCTIONS = {
    "core_webservice_get_site_info": Function(site_info, {"serviceshortnames": optional("texts", [])}),
    "core_user_get_users_by_field": Function(
        moodle_users.users_by_field, {"field": _TEXT, "values": Parameter("texts")}
    ),
    "core_completion_get_course_completion_status": Function(moodle_completion.course_status, _LEARNER_IN_COURSE),
    "core_completion_get_activities_completion_status": Function(
        moodle_completion.activities_status, _LEARNER_IN_COURSE
    ),
    "gradereport_user_get_grade_items": Function(
        moodle_grades.grade_items,
        {"courseid": _INT, "userid": optional("int", 0), "groupid": optional("int", 0)},
    ),
    "core_enrol_get_users_courses": Function(
        moodle_courses.users_courses, {"userid": _INT, "returnusercount": optional("bool", True)}
    ),
    "core_enrol_get_enrolled_users": Function(moodle_users.enrolled_users, _LIST_OF_COURSE),
    "core_course_get_contents": Function(moodle_courses.contents, _LIST_OF_COURSE),
    "core_course_get_courses": Function(moodle_courses.all_courses, {"options": optional("ids")}),
    "core_course_get_courses_by_field": Function(
        moodle_courses.courses_by_field, {"field": optional("text", ""), "value": optional("text", "")}
    ),
    "enrol_manual_enrol_users": Function(moodle_enrol.enrol_users, {"enrolments": Parameter("enrolments")}),
    "mod_quiz_get_quizzes_by_courses": Function(
        moodle_quizzes.quizzes_by_courses, {"courseids": optional("ints", [])}
    ),
    "mod_quiz_get_user_quiz_attempts": Function(moodle_quizzes.user_attempts, _ATTEMPTS),
}
#: the site is a 5.1: what older ones call by another name is unknown to it unless it is told to be old
OLDER_NAMES = {"mod_quiz_get_user_attempts": "mod_quiz_get_user_quiz_attempts"}
