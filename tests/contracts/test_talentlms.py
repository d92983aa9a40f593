"""TalentLMS bound to the suite for LMSs; and what is its own: text for everything, two forms of error, quotas."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from pipeline import clock
from pipeline.courses import EnrolmentState
from pipeline.errors import Misconfigured, NotReady, Outage, Rejected, Throttled, Unsure
from pipeline.lms.talentlms import TalentLms
from pipeline.settings import Settings
from pipeline.values import Fact, ModuleState, PrerequisiteState
from pipeline.webhook import Invalid
from sandbox.control import SandboxControl
from tests.contracts.lms_bench import Bench, Trait, Wire
from tests.contracts.lms_suite import LmsSuite

NOTHING = Wire(raw=b"{}", headers={})


class Talent(Bench):
    """A portal, swept."""

    adapter = TalentLms
    system = "talentlms"
    past_three_pages = 301
    lacks: Mapping[Trait, str] = {
        Trait.WEBHOOK: "no outgoing webhook is documented anywhere (contract 1.1)",
        Trait.SIGNATURE: "no outgoing webhook is documented anywhere (contract 1.1)",
        Trait.FRESHNESS: "no outgoing webhook is documented anywhere (contract 1.1)",
        Trait.ROTATION: "no outgoing webhook is documented anywhere (contract 1.1)",
        Trait.BATCH: "no outgoing webhook is documented anywhere (contract 1.1)",
        Trait.SAME_KEY: "no outgoing webhook is documented anywhere (contract 1.1)",
        Trait.RENEWAL: "a key has no end; only an administrator can make another (contract 2.2)",
    }
    more: Mapping[str, Any] = {"supervisor_field": "custom_field_2"}

    def options(self) -> dict[str, Any]:
        return {"site": self.url, "key": self.env("TALENT_KEY", "talentlms-key"), **self.more}

    def learner(self, number: int) -> str:
        email = f"learner{number}@learners.example"
        fields = {"custom_field_1": "ICU", "custom_field_2": "boss@academy.example"}
        self.lms.add_learner(number, name=f"Learner {number}", email=email, custom_fields=fields)
        return str(number)

    def course(self, number: int) -> str:
        units = [
            {"id": 10 * number, "name": "Slides"},
            {"id": 10 * number + 1, "name": "Final test", "type": "Test"},
        ]
        self.lms.add_course(number, name=f"Course {number}", code=f"C-{number}", modules=units)
        return str(number)

    def complete(self, learner: str, course: str, *, at: datetime | None = None, lag_reads: int = 0) -> Wire:
        when = {"completed_at": int(at.timestamp())} if at else {}
        test = str(10 * int(course) + 1)
        self.lms.complete(
            int(learner), int(course), scores={test: "86.50"}, time_spent_seconds=5420, lag_reads=lag_reads, **when
        )
        return NOTHING


class TestTalentLms(LmsSuite):
    bench_type = Talent


@pytest.fixture
def bench(confer_env: Settings, control: SandboxControl, monkeypatch: pytest.MonkeyPatch) -> Talent:
    return Talent(control, monkeypatch, f"{control.base_url}/talentlms")


@pytest.fixture
def portal(bench: Talent) -> TalentLms:
    bench.learner(1)
    bench.course(1)
    return TalentLms(bench.account())


ALL = TalentLms.provides


def test_a_record_is_read_out_of_text(portal: TalentLms, bench: Talent) -> None:
    bench.complete("1", "1")
    found = bench.read("1", "1", ALL)
    assert found.learner.supervisor_email == "boss@academy.example"
    assert found.course_title == "Course 1"
    [score] = found.scores
    assert (score.item, score.percent, score.total) == ("Final test", Decimal("86.50"), False)
    assert found.time_spent == timedelta(seconds=5420)
    assert [(one.name, one.state) for one in found.modules] == [
        ("Slides", ModuleState.COMPLETE),
        ("Final test", ModuleState.COMPLETE),
    ]
    assert found.holds == ()


def test_a_record_costs_two_calls_of_the_hour(portal: TalentLms, bench: Talent) -> None:
    bench.complete("1", "1")
    before = len(bench.control.calls("talentlms"))
    bench.read("1", "1", ALL)
    assert len(bench.control.calls("talentlms")) - before == 2


@pytest.mark.parametrize("status", ["not_attempted", "incomplete", "failed"])
def test_a_course_that_is_not_or_no_longer_completed_is_not_ready(
    portal: TalentLms, bench: Talent, status: str
) -> None:
    bench.complete("1", "1")
    bench.lms.progress(1, 1, status=status)
    with pytest.raises(NotReady):
        bench.read("1", "1")


@pytest.mark.parametrize("stamp", ['"0"', "0", '""', "null"])
def test_what_is_completed_without_saying_when_is_not_ready(portal: TalentLms, bench: Talent, stamp: str) -> None:
    body = f'{{"completion_status":"Completed","completed_on_timestamp":{stamp},"expired_on_timestamp":""}}'
    bench.control.fault("talentlms", "status", status=200, body=body, path="/api/v1/getuserstatusincourse")
    with pytest.raises(NotReady):
        bench.read("1", "1")


def test_an_assignment_has_a_score_as_a_test_has(portal: TalentLms, bench: Talent) -> None:
    bench.lms.add_course(2, name="Essay", modules=[{"id": 20, "name": "Essay", "type": "Assignment"}])
    bench.lms.complete(1, 2, scores={"20": "72.25"})
    assert [one.percent for one in bench.read("1", "2", ALL).scores] == [Decimal("72.25")]


@pytest.mark.parametrize("learner", ["1?x", "1/x", "1#x", "1,x:1"])
def test_an_id_is_never_taken_for_more_than_an_id(portal: TalentLms, bench: Talent, learner: str) -> None:
    bench.complete("1", "1")
    with pytest.raises((Rejected, Outage)):
        bench.read(learner, "1")


def test_units_that_are_open_are_incomplete_and_tests_without_a_result_have_no_score(
    portal: TalentLms, bench: Talent
) -> None:
    bench.lms.complete(1, 1, modules={"11": "failed"})
    found = bench.read("1", "1", ALL)
    assert [one.state for one in found.modules] == [ModuleState.COMPLETE, ModuleState.INCOMPLETE]
    assert [one.percent for one in found.scores] == [None]


def test_what_speaks_against_issuing(portal: TalentLms, bench: Talent) -> None:
    bench.complete("1", "1")
    bench.lms.add_learner(1, name="Learner 1", email="learner1@learners.example", status="inactive")
    bench.lms.enrol(1, 1, expires_at=int((clock.now() - timedelta(days=1)).timestamp()))
    found = bench.read("1", "1", ALL)
    assert [hold.kind for hold in found.holds] == ["suspended", "expired"]
    assert found.learner.suspended
    bench.lms.enrol(1, 1, expires_at=int((clock.now() + timedelta(days=1)).timestamp()))
    assert [hold.kind for hold in bench.read("1", "1", ALL).holds] == ["suspended"]


def test_prerequisites_are_other_courses_of_the_learner(portal: TalentLms, bench: Talent) -> None:
    for course in (1, 2, 3):
        bench.course(course)
    bench.complete("1", "1")
    bench.complete("1", "2")
    bench.lms.enrol(1, 3)
    found = portal.record(learner="1", course="1", needs=ALL, prerequisites=("2", "3", "4"))
    states = [(one.course, one.state) for one in found.prerequisites]
    assert states == [("2", PrerequisiteState.MET), ("3", PrerequisiteState.UNMET), ("4", PrerequisiteState.UNMET)]


def test_a_supervisor_is_supplied_only_where_a_field_is_named(bench: Talent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "more", {})
    assert ALL - TalentLms.supplies(bench.account().options) == {Fact.SUPERVISOR}


def test_whatever_comes_in_is_refused(portal: TalentLms) -> None:
    with pytest.raises(Invalid):
        portal.hear(NOTHING.request())


# the sweep


def test_trainers_and_those_who_have_left_are_not_swept(portal: TalentLms, bench: Talent) -> None:
    for number in (2, 3):
        bench.learner(number)
        bench.lms.enrol(number, 1, role="instructor" if number == 2 else "learner")
    for number in (1, 2, 3):
        bench.complete(str(number), "1")
    bench.lms.enrol(3, 1, ended=True)
    assert [one.learner for one in bench.swept("1")] == ["1"]


def test_where_the_list_tells_no_time_learners_who_are_not_known_are_asked_for(
    bench: Talent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "more", {"dated_lists": False})
    course, refs = bench.course(1), sorted(bench.crowd(bench.course(1), 3))
    bench.lms.enrol(int(bench.learner(1)), int(course))
    before = len(bench.control.calls("talentlms"))
    since, known = clock.now() - timedelta(days=1), frozenset(refs[:2])
    found = list(TalentLms(bench.account()).completions(course=course, since=since, known=known))
    assert [one.learner for one in found] == refs[2:]
    assert len(bench.control.calls("talentlms")) - before == 3
    monkeypatch.setattr(bench, "more", {})
    assert {one.key for one in found} < {one.key for one in bench.swept(course)}


def test_a_list_with_times_tells_of_known_learners_too_because_they_may_have_begun_anew(
    portal: TalentLms, bench: Talent
) -> None:
    bench.complete("1", "1")
    found = portal.completions(course="1", since=clock.now() - timedelta(days=1), known=frozenset({"1"}))
    assert [one.learner for one in found] == ["1"]


def test_who_leaves_while_learners_are_asked_for_ends_no_sweep(
    bench: Talent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "more", {"dated_lists": False})
    course = bench.course(1)
    refs = bench.crowd(course, 3)
    bench.control.fault("talentlms", "status", status=400, path="/api/v1/getuserstatusincourse", times=1)
    assert len(set(refs) - {one.learner for one in bench.swept(course)}) == 1


# courses and enrolling


def test_courses_that_nobody_can_complete_say_why(portal: TalentLms, bench: Talent) -> None:
    bench.lms.add_course(2, name="Empty", rules=["All units completed"])
    bench.lms.add_course(3, name="No rule", modules=[{"id": 30, "name": "Slides"}], rules=[])
    bench.lms.add_course(4, name="Closed", status="inactive")
    listed = {one.ref: one for one in portal.courses()}
    assert (listed["1"].open, listed["1"].completes, listed["1"].code) == (True, True, "C-1")
    assert [listed[ref].completes for ref in ("2", "3", "4")] == [False, False, None]
    assert all(listed[ref].reason for ref in ("2", "3", "4"))
    assert not listed["4"].open


@pytest.mark.parametrize(("learner", "course"), [("99", "1"), ("1", "99"), ("1:2", "1")])
def test_who_or_what_is_not_there_is_not_enrolled(portal: TalentLms, learner: str, course: str) -> None:
    with pytest.raises(Rejected):
        portal.enrol(learner=learner, course=course)


def test_an_account_that_is_not_active_is_not_enrolled(portal: TalentLms, bench: Talent) -> None:
    bench.lms.add_learner(1, name="Learner 1", email="learner1@learners.example", status="inactive")
    with pytest.raises(Rejected, match="not active"):
        portal.enrol(learner="1", course="1")


@pytest.mark.parametrize("fault", ["drop_after", "html", "drop_before"])
def test_an_enrolment_without_a_clear_answer_is_unsure_and_may_be_repeated(
    portal: TalentLms, bench: Talent, fault: str
) -> None:
    bench.control.fault("talentlms", fault, method="POST", times=1)
    with pytest.raises(Unsure):
        portal.enrol(learner="1", course="1")
    assert portal.enrol(learner="1", course="1") in {EnrolmentState.MADE, EnrolmentState.EXISTED}
    assert bench.lms.enrol(1, 1)["role"] == "learner"


# trouble


def test_a_key_that_is_wrong_brings_a_page_and_is_about_the_account(
    bench: Talent, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.lms.set(key="another")
    with pytest.raises(Misconfigured) as caught:
        bench.read("1", "1")
    assert caught.value.whole_account
    bench.control.fault("talentlms", "status", status=403)
    with pytest.raises(Misconfigured):
        bench.read("1", "1")


def test_a_page_in_place_of_an_error_is_no_verdict_about_the_learner(portal: TalentLms, bench: Talent) -> None:
    bench.control.fault("talentlms", "status", status=404)
    with pytest.raises(Outage):
        bench.read("1", "1")


def test_the_hour_s_calls_are_waited_for_until_they_start_anew(portal: TalentLms, bench: Talent) -> None:
    bench.control.fault("talentlms", "throttle", path="/api/v1/users")
    bench.control.fault("talentlms", "throttle", path="/api/v1/getuserstatusincourse")
    bench.lms.set(remaining=0, reset_in=1800)
    with pytest.raises(Throttled) as caught:
        bench.read("1", "1")
    assert abs((caught.value.until - clock.now()).total_seconds() - 1800) < 30
    bench.lms.set(reset_in=10**7)
    with pytest.raises(Throttled) as caught:
        bench.read("1", "1")
    assert caught.value.until - clock.now() <= timedelta(hours=24)
    bench.lms.set(remaining=700)
    with pytest.raises(Throttled) as caught:
        bench.read("1", "1")
    assert caught.value.until - clock.now() < timedelta(minutes=2)


@pytest.mark.parametrize(
    "body",
    ["[]", "null", '{"units":{}}', '{"completed_on_timestamp":"soon","completion_status":"Completed"}',
     '{"units":[{"id":"x","name":"n"}]}', '{"total_time_seconds":"many"}', '{"expired_on_timestamp":true}'],
)  # fmt: skip
def test_a_standing_of_another_shape_is_an_outage(portal: TalentLms, bench: Talent, body: str) -> None:
    bench.complete("1", "1")
    bench.control.fault("talentlms", "status", status=200, body=body, path="/api/v1/getuserstatusincourse")
    with pytest.raises(Outage):
        bench.read("1", "1", ALL)
