"""Moodle's adapter against the sandbox's Moodle: the record it reads, and every way in which the site refuses."""

from __future__ import annotations

import traceback
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from pipeline import clock
from pipeline.configuration.loading import configuration
from pipeline.errors import Failure, Misconfigured, NotReady, Outage, Rejected, Throttled
from pipeline.lms.moodle import Moodle
from pipeline.settings import Settings
from pipeline.values import Fact, Learner, Module, ModuleState, Prerequisite, PrerequisiteState, Record
from sandbox.control import SandboxControl

EVERYTHING = frozenset(Fact)
SAFETY, FIRST_AID, COMPLIANCE = 11, 12, 13
STATUS = "core_completion_get_course_completion_status"


@pytest.fixture
def moodle(accounts_env: Settings) -> Moodle:
    return Moodle(configuration().lms["campus"])


@pytest.fixture
def ada(control: SandboxControl) -> int:
    control.add_learner(
        307,
        name="Ada Lovelace",
        email="ada@learners.example",
        idnumber="S-7",
        supervisor_email="boss@learners.example",
    )
    control.complete(307, FIRST_AID, score="86.5")
    return 307


def with_options(moodle: Moodle, **options: Any) -> Moodle:
    return Moodle(replace(moodle.account, options={**moodle.account.options, **options}))


def read(moodle: Moodle, *, learner: int = 307, course: int = FIRST_AID, **more: Any) -> Record:
    asked = {"needs": EVERYTHING, "prerequisites": (), **more}
    return moodle.record(learner=str(learner), course=str(course), **asked)


def test_the_whole_record_is_read(moodle: Moodle, ada: int) -> None:
    found = read(moodle)
    assert found.learner == Learner(
        ref="307", name="Ada Lovelace", email="ada@learners.example", supervisor_email="boss@learners.example",
        sis_id="S-7", given_name="Ada", family_name="Lovelace",
    )  # fmt: skip
    assert (found.course, found.course_code, found.course_title) == ("12", "FIRSTAID", "First Aid at Work")
    assert found.completed_at is not None
    assert abs((found.completed_at - datetime.now(UTC)).total_seconds()) < 60
    totals = [score for score in found.scores if score.total]
    assert [(score.item, score.percent) for score in totals] == [("course total", Decimal("86.5"))]
    assert [score.percent for score in found.scores if score.item == "Final quiz"] == [Decimal("86.5")]
    assert found.modules == (
        Module(ref="21", name="Welcome", state=ModuleState.COMPLETE),
        Module(ref="22", name="Bleeding and shock", state=ModuleState.COMPLETE),
        Module(ref="23", name="Final quiz", state=ModuleState.COMPLETE),
    )
    assert found.read_at <= clock.now()
    assert set(found.sources) >= {Fact.PROFILE, Fact.COMPLETION, Fact.SCORES, Fact.MODULES}


def test_only_what_is_needed_is_asked_and_the_token_is_in_no_address(
    moodle: Moodle, ada: int, control: SandboxControl
) -> None:
    before = len(control.calls("moodle"))
    read(moodle, needs=frozenset({Fact.PROFILE}))
    calls = control.calls("moodle")[before:]
    assert {call["operation"] for call in calls} == {
        STATUS, "core_course_get_courses_by_field", "core_user_get_users_by_field",
    }  # fmt: skip
    assert {(call["method"], call["path"]) for call in calls} == {("POST", "/webservice/rest/server.php")}


@pytest.mark.parametrize(
    ("score", "exact"), [("79.995", "79.995"), ("80", "80"), ("0", "0"), ("100", "100"), ("66.66667", "66.66667")]
)
def test_scores_are_exact(moodle: Moodle, ada: int, control: SandboxControl, score: str, exact: str) -> None:
    control.complete(307, FIRST_AID, score=score)
    [total] = [one.percent for one in read(moodle).scores if one.total]
    assert total == Decimal(exact)


def test_points_become_percent_of_the_item_s_own_scale(moodle: Moodle, control: SandboxControl) -> None:
    control.add_course(
        30, shortname="X", fullname="X", grade_max=30, modules=[{"cmid": 1, "modname": "quiz", "name": "Q"}]
    )
    control.add_learner(307, name="Ada Lovelace", email="ada@learners.example")
    control.complete(307, 30, score="80")
    assert {score.percent for score in read(moodle, course=30).scores} == {Decimal(80)}


def test_an_overridden_grade_is_marked(moodle: Moodle, ada: int, control: SandboxControl) -> None:
    control.progress(307, FIRST_AID, overridden=True)
    assert any(score.overridden for score in read(moodle).scores)


@pytest.mark.parametrize(
    ("state", "seen"),
    [
        ("complete", ModuleState.COMPLETE), ("pass", ModuleState.COMPLETE), ("fail", ModuleState.INCOMPLETE),
        ("fail_hidden", ModuleState.INCOMPLETE), ("incomplete", ModuleState.INCOMPLETE),
        ("exempt", ModuleState.EXEMPT), ("taken_back", ModuleState.INCOMPLETE),
    ],
)  # fmt: skip
def test_module_states(moodle: Moodle, ada: int, control: SandboxControl, state: str, seen: ModuleState) -> None:
    control.progress(307, FIRST_AID, modules={"22": state})
    assert {module.ref: module.state for module in read(moodle).modules}["22"] is seen


def test_a_course_that_is_not_completed_is_not_ready(moodle: Moodle, control: SandboxControl) -> None:
    control.add_learner(307, name="Ada Lovelace", email="ada@learners.example")
    control.complete(307, FIRST_AID, score="90", completed=False)
    with pytest.raises(NotReady):
        read(moodle)


def test_a_record_that_lags_is_not_ready_until_it_has_caught_up(
    moodle: Moodle, ada: int, control: SandboxControl
) -> None:
    control.complete(307, FIRST_AID, score="90", lag_reads=2)
    for _ in range(2):
        with pytest.raises(NotReady):
            read(moodle)
    assert read(moodle).completed_at


@pytest.mark.parametrize("lag", ["needs_update_reads", "grade_lag_reads"])
def test_grades_that_lag_are_not_ready(moodle: Moodle, ada: int, control: SandboxControl, lag: str) -> None:
    control.complete(307, FIRST_AID, score="90", **{lag: 1})
    with pytest.raises(NotReady):
        read(moodle)
    assert read(moodle).scores


def test_a_course_without_any_grade_is_not_waited_for_when_no_score_is_needed(
    moodle: Moodle, control: SandboxControl
) -> None:
    control.add_learner(307, name="Ada Lovelace", email="ada@learners.example")
    control.complete(307, FIRST_AID)
    assert read(moodle, needs=frozenset({Fact.MODULES})).scores == ()


def test_prerequisites_are_met_unmet_or_unclear(moodle: Moodle, ada: int, control: SandboxControl) -> None:
    control.enrol(307, COMPLIANCE)
    control.complete(307, SAFETY, score="90")
    control.add_course(40, shortname="LEFT", fullname="Left")
    control.complete(307, 40)
    control.enrol(307, 40, suspended=True)
    found = read(moodle, prerequisites=("11", "13", "40", "999"))
    assert {one.course: one.state for one in found.prerequisites} == {
        "11": PrerequisiteState.MET,
        "13": PrerequisiteState.UNMET,
        "40": PrerequisiteState.UNCLEAR,
        "999": PrerequisiteState.UNCLEAR,
    }
    assert isinstance(found.prerequisites[2], Prerequisite)
    assert "suspended" in found.prerequisites[2].reason


def test_a_prerequisite_that_cannot_be_read_for_our_own_fault_is_no_doubt_about_the_learner(
    moodle: Moodle, ada: int, control: SandboxControl
) -> None:
    control.add_course(41, shortname="OFF", fullname="Off", enablecompletion=False)
    with pytest.raises(Misconfigured, match="switched off"):
        read(moodle, prerequisites=("41",))


def test_a_suspended_account_is_told(moodle: Moodle, control: SandboxControl) -> None:
    control.add_learner(307, name="Ada Lovelace", email="ada@learners.example", suspended=True)
    control.complete(307, FIRST_AID, score="90")
    assert read(moodle).learner.suspended


def test_a_suspended_account_is_a_hold(moodle: Moodle, ada: int, control: SandboxControl) -> None:
    assert read(moodle).holds == ()
    control.add_learner(307, name="Ada Lovelace", email="ada@learners.example", suspended=True)
    assert [(hold.kind, hold.where) for hold in read(moodle).holds] == [("suspended", "core_user_get_users_by_field")]


def test_points_are_those_of_the_item_s_own_scale(moodle: Moodle, control: SandboxControl) -> None:
    quiz = {"cmid": 1, "modname": "quiz", "name": "Q"}
    control.add_course(30, shortname="X", fullname="X", grade_max=30, modules=[quiz])
    control.add_learner(307, name="Ada Lovelace", email="ada@learners.example")
    control.complete(307, 30, score="80")
    assert {(one.points, one.out_of) for one in read(moodle, course=30).scores} == {(Decimal(24), Decimal(30))}


ATTEMPTS = [
    {"score": "50.5", "seconds": 600},
    {"score": None, "seconds": 300},
    {"score": "86.5", "seconds": 900},
    {"score": "99", "seconds": 60, "state": "inprogress"},
]


def test_every_attempt_is_read_and_only_finished_ones_have_a_result(
    moodle: Moodle, ada: int, control: SandboxControl
) -> None:
    control.progress(307, FIRST_AID, attempts={"23": ATTEMPTS})
    [quiz] = [score for score in read(moodle).scores if score.item == "Final quiz"]
    assert [(one.number, one.percent, one.at is not None) for one in quiz.attempts] == [
        (1, Decimal("50.5"), True), (2, None, True), (3, Decimal("86.5"), True), (4, None, False),
    ]  # fmt: skip
    assert all(not score.attempts for score in read(moodle, needs=frozenset({Fact.SCORES})).scores)


def test_attempts_at_an_older_moodle_have_a_function_of_their_own(
    moodle: Moodle, ada: int, control: SandboxControl
) -> None:
    control.progress(307, FIRST_AID, attempts={"23": ATTEMPTS})
    control.set_moodle(before_51=True)
    older = with_options(moodle, attempts_from="mod_quiz_get_user_attempts")
    [quiz] = [score for score in read(older).scores if score.item == "Final quiz"]
    assert len(quiz.attempts) == len(ATTEMPTS)
    assert "mod_quiz_get_user_attempts" in read(older).sources[Fact.ATTEMPTS]


def test_time_is_that_of_finished_attempts_where_the_account_says_so(
    moodle: Moodle, ada: int, control: SandboxControl
) -> None:
    control.progress(307, FIRST_AID, attempts={"23": ATTEMPTS})
    timed = with_options(moodle, time_spent="quizzes")
    assert read(timed).time_spent == timedelta(seconds=600 + 300 + 900)
    assert (read(moodle).time_spent, Fact.TIME in read(moodle).sources) == (None, False)
    assert Moodle.supplies(timed.account.options) - Moodle.supplies(moodle.account.options) == {Fact.TIME}


def test_a_learner_without_number_or_supervisor(moodle: Moodle, control: SandboxControl) -> None:
    control.add_learner(307, name="Ada Lovelace", email="ada@learners.example")
    control.complete(307, FIRST_AID, score="90")
    learner = read(moodle).learner
    assert (learner.sis_id, learner.supervisor_email) == (None, None)


def test_a_name_is_cleaned_of_line_breaks(moodle: Moodle, control: SandboxControl) -> None:
    control.add_learner(
        307, name="x", firstname="Ada\r\nBcc: all@x.example", lastname="  Love\tlace ", email="a@b.example"
    )
    control.complete(307, FIRST_AID, score="90")
    assert read(moodle).learner.name == "Ada Bcc: all@x.example Love lace"


def test_a_learner_whom_the_service_account_may_not_see_is_for_a_person(
    moodle: Moodle, ada: int, control: SandboxControl
) -> None:
    control.fault("moodle", "status", status=200, function="core_user_get_users_by_field", body="[]")
    with pytest.raises(Rejected, match="lacks a capability"):
        read(moodle)


@pytest.mark.parametrize(
    ("code", "becomes"),
    [
        ("invalidtoken", (Misconfigured, True)),
        ("accessexception", (Misconfigured, True)),
        ("nopermissions", (Misconfigured, False)),
        ("accessdenied", (Misconfigured, False)),
        ("requireloginerror", (Misconfigured, False)),
        ("nocriteriaset", (Misconfigured, False)),
        ("cannotviewreport", (Misconfigured, False)),
        ("invalidparameter", (Misconfigured, False)),
        ("codingerror", (Misconfigured, False)),
        ("anewcodeofthenextrelease", (Misconfigured, False)),
        ("invalidrecordunknown", (Rejected, False)),
        ("usernotenroled", (Rejected, False)),
    ],
)  # fmt: skip
def test_every_error_code_under_http_200_becomes_its_failure(
    moodle: Moodle, ada: int, control: SandboxControl, code: str, becomes: tuple[type[Failure], bool]
) -> None:
    kind, whole = becomes
    message = '"message":"Ung\\u00fcltiges Zeichen - Ada Lovelace"'
    body = f'{{"exception":"core\\\\exception\\\\moodle_exception","errorcode":"{code}",{message}}}'
    control.fault("moodle", "status", status=200, function=STATUS, body=body, content_type="application/json")
    with pytest.raises(kind) as caught:
        read(moodle)
    assert caught.value.whole_account is whole
    assert "Lovelace" not in caught.value.detail


def test_the_same_error_over_and_over_holds_on_to_nothing(moodle: Moodle, ada: int, control: SandboxControl) -> None:
    """An exception object raised again and again would keep every frame, with the token and the learner in it."""
    control.set_moodle(token="another")
    lengths = set()
    for _ in range(4):
        with pytest.raises(Misconfigured) as caught:
            read(moodle)
        lengths.add(len(traceback.extract_tb(caught.value.__traceback__)))
    assert len(lengths) == 1


@pytest.mark.parametrize("change", [{"token": "another"}, {"functions": [STATUS]}, {"web_services": False}])
def test_what_the_site_refuses_to_all_is_about_the_whole_account(
    moodle: Moodle, ada: int, control: SandboxControl, change: dict[str, Any]
) -> None:
    control.set_moodle(**change)
    with pytest.raises(Misconfigured) as caught:
        read(moodle)
    assert caught.value.whole_account


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"enablecompletion": False}, Misconfigured),
        ({"has_criteria": False}, Misconfigured),
    ],
)
def test_a_course_that_tracks_nothing_is_for_the_administrator(
    moodle: Moodle, ada: int, control: SandboxControl, change: dict[str, Any], kind: type[Failure]
) -> None:
    control.add_course(12, shortname="FIRSTAID", fullname="First Aid at Work", **change)
    with pytest.raises(kind):
        read(moodle)


@pytest.mark.parametrize(
    ("enrolment", "said"), [({"suspended": True}, "suspended or over"), ({"enrolled": False}, "never, no longer")]
)
def test_a_suspended_enrolment_is_told_apart_from_none(
    moodle: Moodle, ada: int, control: SandboxControl, enrolment: dict[str, bool], said: str
) -> None:
    control.enrol(307, FIRST_AID, **enrolment)
    with pytest.raises(Rejected, match=said):
        read(moodle)


def test_without_the_right_to_list_a_course_a_suspended_enrolment_stays_a_matter_of_one_learner(
    moodle: Moodle, ada: int, control: SandboxControl
) -> None:
    control.enrol(307, FIRST_AID, suspended=True)
    control.set_moodle(functions=[STATUS])
    with pytest.raises(Rejected, match="never, no longer"):
        read(moodle)


@pytest.mark.parametrize("how", ["suspended", "unenrolled", "unknown learner", "unknown course"])
def test_who_is_not_actively_enrolled_is_for_a_person(
    moodle: Moodle, ada: int, control: SandboxControl, how: str
) -> None:
    if how == "suspended":
        control.enrol(307, FIRST_AID, suspended=True)
    elif how == "unenrolled":
        control.enrol(307, FIRST_AID, enrolled=False)
    learner, course = (999 if how == "unknown learner" else 307), (999 if how == "unknown course" else FIRST_AID)
    with pytest.raises(Rejected):
        read(moodle, learner=learner, course=course)


@pytest.mark.parametrize("kind", ["garbage", "html", "empty_200", "drop_before", "drop_after"])
@pytest.mark.parametrize("skip", [0, 1, 2, 3, 4, 5])
def test_an_unreadable_answer_to_any_call_is_an_outage_and_never_a_verdict(
    moodle: Moodle, ada: int, control: SandboxControl, kind: str, skip: int
) -> None:
    control.fault("moodle", kind, skip=skip)
    with pytest.raises(Outage):
        read(moodle)


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_5xx_is_an_outage(moodle: Moodle, ada: int, control: SandboxControl, status: int) -> None:
    control.fault("moodle", "status", status=status)
    with pytest.raises(Outage):
        read(moodle)


def test_a_proxy_that_limits_is_waited_for(moodle: Moodle, ada: int, control: SandboxControl) -> None:
    control.fault("moodle", "throttle", retry_after=17)
    with pytest.raises(Throttled) as caught:
        read(moodle)
    assert 15 <= (caught.value.until - clock.now()).total_seconds() <= 17


def test_a_redirect_to_a_sign_in_page_is_not_followed(moodle: Moodle, ada: int, control: SandboxControl) -> None:
    control.fault("moodle", "redirect")
    with pytest.raises(Outage, match="redirect"):
        read(moodle)


@pytest.mark.parametrize(
    "body",
    [
        "null", "{}", "7", "[]", '"text"', '{"completionstatus":{}}', '{"completionstatus":[]}',
        '{"completionstatus":{"completed":true,"completions":[{"timecompleted":1e99}]}}',
        '{"completionstatus":{"completed":true,"completions":[{"timecompleted":"soon"}]}}',
    ],
)  # fmt: skip
def test_json_of_another_shape_is_an_outage_and_no_defect(
    moodle: Moodle, ada: int, control: SandboxControl, body: str
) -> None:
    control.fault("moodle", "status", status=200, function=STATUS, body=body, content_type="application/json")
    with pytest.raises(Outage):
        read(moodle)


def test_a_grade_that_is_no_number_is_an_outage_and_no_verdict(
    moodle: Moodle, ada: int, control: SandboxControl
) -> None:
    body = '{"usergrades":[{"gradeitems":[{"itemtype":"course","graderaw":NaN,"grademin":0,"grademax":100}]}]}'
    control.fault("moodle", "status", status=200, function="gradereport_user_get_grade_items", body=body)
    with pytest.raises(Outage):
        read(moodle)
