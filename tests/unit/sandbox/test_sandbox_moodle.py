"""The Moodle stand-in over HTTP: its strictness, its errors, and its habit of being late."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import requests

from sandbox.control import ControlError, SandboxControl
from sandbox.server import Sandbox

Call = Callable[..., Any]


@pytest.fixture
def call(sandbox: Sandbox, http: requests.Session) -> Call:
    def post(function: str, **parameters: str) -> Any:
        form = {"wstoken": "moodle-token", "wsfunction": function, "moodlewsrestformat": "json", **parameters}
        response = http.post(f"{sandbox.http}/moodle/webservice/rest/server.php", data=form, timeout=10)
        assert response.status_code == 200
        return response.json()

    return post


@pytest.fixture
def ann(control: SandboxControl) -> int:
    control.add_learner(
        307, name="Ann Lee", email="ann@example.org", supervisor_email="boss@example.org", idnumber="E100"
    )
    return 307


STATUS = "core_completion_get_course_completion_status"
ACTIVITIES = "core_completion_get_activities_completion_status"
GRADES = "gradereport_user_get_grade_items"
USERS = "core_user_get_users_by_field"
ENROLLED = "core_enrol_get_enrolled_users"


@pytest.mark.parametrize(
    ("function", "parameters", "code"),
    [
        ("core_no_such_function", {}, "invalidrecordunknown"),
        ("", {}, "invalidparameter"),
        (STATUS, {"courseid": "12"}, "invalidparameter"),
        (STATUS, {"courseid": "twelve", "userid": "307"}, "invalidparameter"),
        (STATUS, {"courseid": "12", "userid": "307", "user": "1"}, "invalidparameter"),
        (STATUS, {"courseid[0]": "12", "userid": "307"}, "invalidparameter"),
        (STATUS, {"courseid": "99", "userid": "307"}, "invalidrecordunknown"),
        (STATUS, {"courseid": "12", "userid": "308"}, "invalidrecordunknown"),
        (STATUS, {"courseid": "12", "userid": "307"}, "usernotenroled"),
        (ACTIVITIES, {"courseid": "12", "userid": "307"}, "usernotenroled"),
        (GRADES, {"courseid": "12", "userid": "307"}, "usernotenroled"),
        (GRADES, {"courseid": "12", "groupid": "1"}, "invalidparameter"),
        (USERS, {"field": "colour", "values[0]": "red"}, "codingerror"),
        (USERS, {"field": "id", "values[0]": "red"}, "invalidparameter"),
        (USERS, {"field": "id", "values": "307"}, "invalidparameter"),
        (ENROLLED, {"courseid": "12", "options[0][name]": "limit", "options[0][value]": "1"}, "invalidparameter"),
        (ENROLLED, {"courseid": "12", "options[0][nam]": "limitfrom"}, "invalidparameter"),
        (ENROLLED, {"courseid": "12", "options[0]": "limitfrom"}, "invalidparameter"),
        (ENROLLED, {"courseid": "12", "options[a][name]": "limitfrom"}, "invalidparameter"),
        (ENROLLED, {"courseid": "12", "options": "1", "options[0][name]": "limitfrom"}, "invalidparameter"),
        (
            ENROLLED,
            {
                "courseid": "12",
                "options[0][name]": "onlyactive",
                "options[0][value]": "1",
                "options[1][name]": "onlysuspended",
                "options[1][value]": "1",
            },
            "codingerror",
        ),
        (ENROLLED, {"courseid": "12", "options[0][name]": "sortby", "options[0][value]": "x"}, "invalidparameter"),
        (STATUS, {"courseid": "12", "userid": "307", "9[": "1"}, "invalidparameter"),
        (
            "core_course_get_contents",
            {"courseid": "12", "options[0][name]": "x", "options[0][value]": "1"},
            "invalidparameter",
        ),
        ("core_enrol_get_users_courses", {"userid": "9"}, "invalidrecordunknown"),
        ("core_enrol_get_users_courses", {"userid": "307", "returnusercount": "yes"}, "invalidparameter"),
        ("core_course_get_contents", {"courseid": "99"}, "invalidrecordunknown"),
        ("core_course_get_courses_by_field", {"field": "colour", "value": "red"}, "invalidparameter"),
    ],
)
def test_a_wrong_call_is_refused_under_http_200(
    call: Call, ann: int, function: str, parameters: dict[str, str], code: str
) -> None:
    answer = call(function, **parameters)
    assert answer["errorcode"] == code
    assert set(answer) == {"exception", "errorcode", "message"}


def test_a_wrong_or_missing_token_is_refused(call: Call, sandbox: Sandbox, http: requests.Session) -> None:
    assert call("core_webservice_get_site_info", wstoken="other")["errorcode"] == "invalidtoken"
    url = f"{sandbox.http}/moodle/webservice/rest/server.php"
    no_form = http.post(url, json={"wstoken": "moodle-token"}, params={"moodlewsrestformat": "json"}, timeout=10)
    assert no_form.json()["errorcode"] == "invalidtoken"


def test_without_the_json_format_the_answer_is_xml(sandbox: Sandbox, http: requests.Session) -> None:
    response = http.get(
        f"{sandbox.http}/moodle/webservice/rest/server.php",
        params={"wstoken": "moodle-token", "wsfunction": "core_webservice_get_site_info"},
        timeout=10,
    )
    assert response.content.startswith(b"<?xml")


def test_the_site_says_who_it_is_and_what_the_token_may_call(call: Call, control: SandboxControl) -> None:
    assert call("core_webservice_get_site_info")["sitename"] == "campus"
    control.set_moodle(functions=["core_webservice_get_site_info"], debug=True)
    assert [one["name"] for one in call("core_webservice_get_site_info")["functions"]] == [
        "core_webservice_get_site_info"
    ]
    refused = call("core_course_get_courses")
    assert refused["errorcode"] == "accessexception"
    assert "core_course_get_courses" in refused["debuginfo"]


def test_web_services_switched_off(sandbox: Sandbox, control: SandboxControl, http: requests.Session) -> None:
    control.set_moodle(web_services=False)
    response = http.post(f"{sandbox.http}/moodle/webservice/rest/server.php", timeout=10)
    assert response.status_code == 403


def test_a_user_with_profile_fields(call: Call, ann: int) -> None:
    (user,) = call(USERS, **{"field": "id", "values[0]": "307", "values[1]": "308"})
    assert user["id"] == 307
    assert user["suspended"] is False
    assert user["customfields"][0]["shortname"] == "manageremail"
    assert user["customfields"][0]["value"] == "boss@example.org"
    assert call(USERS, **{"field": "email", "values[]": "ann@example.org"})[0]["idnumber"] == "E100"
    assert call(USERS, **{"field": "username", "values[0]": "nobody"}) == []


def test_a_completion_shows_everywhere(call: Call, control: SandboxControl, ann: int) -> None:
    control.complete(ann, 12, score="91.5")
    who = {"courseid": "12", "userid": "307"}
    status = call(STATUS, **who)["completionstatus"]
    assert status["completed"] is True
    assert status["aggregation"] == 1
    assert all(one["timecompleted"] for one in status["completions"])
    assert "<a href=" in status["completions"][0]["details"]["criteria"]
    states = {one["cmid"]: one["state"] for one in call(ACTIVITIES, **who)["statuses"]}
    assert states == {21: 1, 22: 1, 23: 2}
    (course,) = call("core_enrol_get_users_courses", userid="307")
    assert (course["id"], course["completed"], course["progress"]) == (12, True, 100.0)


def test_grades_are_numbers_and_markup(call: Call, control: SandboxControl, ann: int) -> None:
    control.complete(ann, 12, score="91.5")
    (report,) = call(GRADES, courseid="12", userid="307")["usergrades"]
    quiz, total = report["gradeitems"]
    assert (quiz["cmid"], quiz["graderaw"], quiz["percentageformatted"]) == (23, 91.5, "91.50 %")
    assert quiz["gradeformatted"].startswith("<i ")
    assert (total["itemtype"], total["itemname"], total["graderaw"]) == ("course", None, 91.5)


def test_a_course_with_another_scale(call: Call, control: SandboxControl, ann: int) -> None:
    modules = [{"cmid": 51, "modname": "quiz", "name": "Test"}]
    control.add_course(15, shortname="TEN", fullname="Ten points", modules=modules, grade_max=10)
    control.complete(ann, 15, score="85")
    quiz, _ = call(GRADES, courseid="15", userid="307")["usergrades"][0]["gradeitems"]
    assert (quiz["graderaw"], quiz["grademax"], quiz["percentageformatted"]) == (8.5, 10, "85.00 %")


def test_the_record_may_lag_by_reads(call: Call, control: SandboxControl, ann: int) -> None:
    control.complete(ann, 12, score="91.5", lag_reads=2)
    who = {"courseid": "12", "userid": "307"}
    assert {one["cmid"]: one["state"] for one in call(ACTIVITIES, **who)["statuses"]}[23] == 0
    first = call(STATUS, **who)["completionstatus"]
    assert (first["completed"], first["completions"][2]["complete"]) == (False, False)
    assert [call(STATUS, **who)["completionstatus"]["completed"] for _ in range(3)] == [False, True, True]


def test_the_record_may_lag_by_time(call: Call, control: SandboxControl, ann: int) -> None:
    control.complete(ann, 12, score="91.5", lag_ms=60_000)
    assert call("core_enrol_get_users_courses", userid="307")[0]["completed"] is False
    control.progress(ann, 12, lag_ms=0)
    assert call("core_enrol_get_users_courses", userid="307")[0]["completed"] is True


def test_grades_may_come_later(call: Call, control: SandboxControl, ann: int) -> None:
    control.complete(ann, 12, score="91.5", grade_lag_reads=1, needs_update_reads=1)

    def totals() -> tuple[Any, Any]:
        total = call(GRADES, courseid="12", userid="307")["usergrades"][0]["gradeitems"][-1]
        return total["graderaw"], total["gradeneedsupdate"]

    assert [totals() for _ in range(3)] == [(None, False), (None, True), (91.5, False)]


def test_states_that_a_teacher_set(call: Call, control: SandboxControl, ann: int) -> None:
    control.complete(ann, 12, score="40", modules={"22": "exempt", "21": "incomplete", "23": "fail"}, overridden=True)
    who = {"courseid": "12", "userid": "307"}
    statuses = {one["cmid"]: one for one in call(ACTIVITIES, **who)["statuses"]}
    assert (statuses[22]["state"], statuses[22]["overrideby"]) == (1, 3)
    assert (statuses[21]["state"], statuses[23]["state"]) == (0, 3)
    assert call(STATUS, **who)["completionstatus"]["aggregation"] == 2
    assert call(GRADES, **who)["usergrades"][0]["gradeitems"][0]["gradeisoverridden"] is True


def test_a_suspended_enrolment(call: Call, control: SandboxControl, ann: int) -> None:
    control.complete(ann, 12, score="91.5")
    control.enrol(ann, 12, suspended=True)
    who = {"courseid": "12", "userid": "307"}
    assert call(STATUS, **who)["errorcode"] == "usernotenroled"
    assert call("core_enrol_get_users_courses", userid="307") == []
    assert call(GRADES, **who)["usergrades"][0]["gradeitems"][0]["graderaw"] == 91.5
    only = {"courseid": "12", "options[0][name]": "onlysuspended", "options[0][value]": "1"}
    assert [one["id"] for one in call(ENROLLED, **only)] == [307]
    control.enrol(ann, 12, enrolled=False)
    assert call(GRADES, **who)["errorcode"] == "usernotenroled"


def test_courses_that_cannot_tell(call: Call, control: SandboxControl, ann: int) -> None:
    control.add_course(15, shortname="OFF", fullname="No completion", enablecompletion=False)
    control.add_course(16, shortname="BARE", fullname="No criteria", has_criteria=False)
    for course, code in (("15", "cannotviewreport"), ("16", "nocriteriaset")):
        control.enrol(ann, int(course))
        assert call(STATUS, courseid=course, userid="307")["errorcode"] == code


def test_a_prerequisite_course_is_a_criterion(call: Call, control: SandboxControl, ann: int) -> None:
    control.add_course(15, shortname="NEXT", fullname="Next", prerequisites=[11])
    control.complete(ann, 15)

    def criterion() -> Any:
        return call(STATUS, courseid="15", userid="307")["completionstatus"]["completions"][-1]

    assert (criterion()["type"], criterion()["complete"]) == (8, False)
    control.complete(ann, 11, score="80")
    assert criterion()["complete"] is True


def test_enrolled_users_come_in_pages(call: Call, control: SandboxControl) -> None:
    control.add_learners([{"id": n, "name": f"Learner {n}", "email": f"l{n}@example.org"} for n in range(400, 425)])
    for number in range(400, 425):
        control.enrol(number, 13)
    seen: list[int] = []
    while True:
        options = {
            "options[0][name]": "limitfrom",
            "options[0][value]": str(len(seen)),
            "options[1][name]": "limitnumber",
            "options[1][value]": "10",
        }
        page = call(ENROLLED, courseid="13", **options)
        if not page:
            break
        seen += [one["id"] for one in page]
    assert seen == list(range(400, 425))


def test_courses_and_their_contents(call: Call) -> None:
    assert [one["id"] for one in call("core_course_get_courses")] == [1, 11, 12, 13, 14]
    assert [one["id"] for one in call("core_course_get_courses", **{"options[ids][0]": "12"})] == [12]
    found = call("core_course_get_courses_by_field", field="shortname", value="FIRSTAID")
    assert [one["fullname"] for one in found["courses"]] == ["First Aid at Work"]
    assert len(call("core_course_get_courses_by_field")["courses"]) == 5
    assert [one["id"] for one in call("core_course_get_courses_by_field", field="ids", value="11,13")["courses"]] == [
        11,
        13,
    ]
    sections = call(
        "core_course_get_contents",
        **{"courseid": "12", "options[0][name]": "excludecontents", "options[0][value]": "1"},
    )
    modules = {one["id"]: one["name"] for section in sections for one in section["modules"]}
    assert modules == {21: "Welcome", 22: "Bleeding and shock", 23: "Final quiz"}


def test_the_control_names_what_is_wrong(control: SandboxControl, ann: int) -> None:
    with pytest.raises(ControlError, match="colour"):
        control.complete(ann, 12, score="91.5", colour="red")
    with pytest.raises(ControlError, match="there is no course 99"):
        control.complete(ann, 99, score="91.5")
    with pytest.raises(ControlError, match="must be a percentage"):
        control.complete(ann, 12, score="a lot")
    with pytest.raises(ControlError, match="there is no completion 7"):
        control.resend(7, {"url": "http://127.0.0.1:1/", "secret": "s"})


def test_completing_anew_opens_another_row(control: SandboxControl, ann: int) -> None:
    first = control.complete(ann, 12, score="91.5")["objectid"]
    assert control.complete(ann, 12, score="95")["objectid"] != first
    assert json.dumps(control.state()["moodle"]) == json.dumps(
        {"courses": 4, "learners": 1, "enrolments": 1, "completions": 1}
    )


ENROL = "enrol_manual_enrol_users"
QUIZZES, ATTEMPTS = "mod_quiz_get_quizzes_by_courses", "mod_quiz_get_user_quiz_attempts"


def _enrolment(learner: int = 307, course: int = 12, role: int = 5, **more: str) -> dict[str, str]:
    fields = {"roleid": str(role), "userid": str(learner), "courseid": str(course), **more}
    return {f"enrolments[0][{name}]": value for name, value in fields.items()}


def test_enrolling_answers_null_and_makes_a_suspended_enrolment_active(
    call: Call, ann: int, control: SandboxControl
) -> None:
    control.enrol(ann, 12, suspended=True)
    assert call(ENROL, **_enrolment()) is None
    assert [one["id"] for one in call("core_enrol_get_users_courses", userid=str(ann))] == [12]
    assert call(ENROL, **_enrolment(suspend="1")) is None
    assert call("core_enrol_get_users_courses", userid=str(ann)) == []


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        (_enrolment(course=999), "invalidparameter"),
        (_enrolment(learner=999), "invalidrecordunknown"),
        (_enrolment(role=1), "wsusercannotassign"),
        (_enrolment(course=14), "wsnoinstance"),
        (_enrolment(role=5, status="0"), "invalidparameter"),
        ({"enrolments[0][userid]": "307"}, "invalidparameter"),
        ({}, "invalidparameter"),
    ],
)
def test_enrolling_is_refused_as_by_moodle(
    call: Call, ann: int, control: SandboxControl, parameters: dict[str, str], code: str
) -> None:
    control.add_course(14, shortname="SELF", fullname="Self", manual_enrolment=False)
    assert call(ENROL, **parameters)["errorcode"] == code


def test_attempts_are_on_the_scale_of_the_quiz_s_questions(call: Call, ann: int, control: SandboxControl) -> None:
    attempts = [{"score": "50", "seconds": 60}, {"score": "75", "seconds": 90, "state": "inprogress"}]
    control.progress(ann, 12, attempts={"23": attempts})
    [quiz] = call(QUIZZES, **{"courseids[0]": "12"})["quizzes"]
    assert (quiz["id"], quiz["coursemodule"], quiz["sumgrades"]) == (1023, 23, 40)
    [ended] = call(ATTEMPTS, quizid="1023", userid=str(ann))["attempts"]
    assert (ended["attempt"], ended["sumgrades"], ended["timefinish"] - ended["timestart"]) == (1, 20, 60)
    both = call(ATTEMPTS, quizid="1023", userid=str(ann), status="all")["attempts"]
    assert [(one["state"], one["sumgrades"]) for one in both] == [("finished", 20), ("inprogress", None)]
    assert both[1]["timefinish"] == 0


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"quizid": "9", "userid": "307"}, "invalidrecordunknown"),
        ({"quizid": "1023", "userid": "9"}, "invalidrecordunknown"),
        ({"quizid": "1023", "userid": "307", "status": "some"}, "invalidparameter"),
    ],
)
def test_attempts_of_nobody_at_nothing_are_refused(
    call: Call, ann: int, parameters: dict[str, str], code: str
) -> None:
    assert call(ATTEMPTS, **parameters)["errorcode"] == code


def test_a_release_knows_one_name_for_attempts(call: Call, ann: int, control: SandboxControl) -> None:
    asked = {"quizid": "1023", "userid": str(ann)}
    assert call("mod_quiz_get_user_attempts", **asked)["errorcode"] == "invalidrecordunknown"
    control.set_moodle(before_51=True)
    assert call("mod_quiz_get_user_attempts", **asked)["attempts"] == []
    assert call(ATTEMPTS, **asked)["errorcode"] == "invalidrecordunknown"


def test_a_completion_may_lie_in_the_past(call: Call, ann: int, control: SandboxControl) -> None:
    control.complete(ann, 12, score="90", completed_at=1795400000)
    status = call(STATUS, courseid="12", userid=str(ann))["completionstatus"]
    assert {one["timecompleted"] for one in status["completions"]} == {1795400000}
