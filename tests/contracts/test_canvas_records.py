"""What Canvas's adapter makes of a learner's record, a course's modules and the catalogue of a site."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from pipeline.errors import Misconfigured, NotReady, Outage, Rejected
from pipeline.lms.canvas import Canvas
from pipeline.settings import Settings
from pipeline.values import Fact, Learner, ModuleState, PrerequisiteState, Score
from sandbox.control import SandboxControl
from tests.contracts.canvas_bench import EXAM, SignedEvents

COURSE = "800"
MODULES, SCORES = frozenset({Fact.MODULES}), frozenset({Fact.SCORES})
ATTEMPTS, HOLDS = frozenset({Fact.ATTEMPTS}), frozenset({Fact.HOLDS})
SUPERVISOR = frozenset({Fact.SUPERVISOR})


@pytest.fixture
def bench(confer_env: Settings, control: SandboxControl, monkeypatch: pytest.MonkeyPatch) -> SignedEvents:
    made = SignedEvents(control, monkeypatch, f"{control.base_url}/canvas")
    made.learner(1)
    return made


def given(bench: SignedEvents, modules: list[Any] | None = None, **assignment: Any) -> None:
    """The course with one assignment, which its second module asks for."""
    work = {"name": EXAM, **assignment}
    usual = [{"name": "Reading"}, {"name": EXAM, "items": [{"assignment": EXAM}]}]
    bench.lms.add_course(int(COURSE), name="Ethics", course_code="ETH", modules=modules or usual, assignments=[work])


def completed(bench: SignedEvents, **more: Any) -> None:
    bench.lms.complete(1, int(COURSE), **more)


def scores(bench: SignedEvents, needs: frozenset[Fact] = SCORES) -> dict[str, Score]:
    return {one.item: one for one in bench.read("1", COURSE, needs).scores}


def module_states(bench: SignedEvents) -> dict[str, ModuleState]:
    return {one.name: one.state for one in bench.read("1", COURSE, MODULES).modules}


# completion


def test_the_whole_record_is_read(bench: SignedEvents) -> None:
    bench.lms.add_learner(1, name=" Ada  Lovelace ", email="ada@learners.example", sis_user_id="S-7")
    given(bench)
    completed(bench, score=86.5, time_spent_seconds=5420)
    found = bench.read("1", COURSE, frozenset(Fact))
    assert found.learner == Learner(
        ref="1", name="Ada Lovelace", email="ada@learners.example", sis_id="S-7",
        given_name="Ada", family_name="Lovelace",
    )  # fmt: skip
    assert (found.course_code, found.course_title) == ("ETH", "Ethics")
    assert found.time_spent == timedelta(seconds=5420)
    assert found.holds == ()
    assert {one.item: one.percent for one in found.scores} == {EXAM: Decimal("86.5"), "course total": Decimal("86.5")}


def test_what_nobody_asks_for_is_not_read(bench: SignedEvents) -> None:
    given(bench)
    completed(bench)
    bench.read("1", COURSE)
    assert not any(bench.asked(path) for path in ("/enrollments", "/submissions", "/modules", "/observers"))


def test_a_learner_without_an_address_has_none(bench: SignedEvents) -> None:
    given(bench)
    bench.lms.add_learner(1, name="Ada", email=None)  # type: ignore[arg-type]
    completed(bench)
    assert bench.read("1", COURSE).learner.email == ""


def test_a_course_that_was_reopened_is_not_completed(bench: SignedEvents) -> None:
    given(bench)
    completed(bench)
    bench.lms.progress(1, int(COURSE), modules={"Reading": "started"})
    with pytest.raises(NotReady):
        bench.read("1", COURSE)


def test_a_course_without_requirements_is_for_the_administrator(bench: SignedEvents) -> None:
    given(bench, modules=[{"name": "Reading", "items": [{"requirement": None}]}])
    bench.lms.enrol(1, int(COURSE))
    with pytest.raises(Misconfigured, match="completion requirements"):
        bench.read("1", COURSE)
    with pytest.raises(Misconfigured, match="cannot be listed"):
        bench.swept(COURSE)


@pytest.mark.parametrize(
    ("sortable", "parts"),
    [
        ("Lovelace, Ada", ("Ada", "Lovelace")),
        (" LOVELACE ,  ada", ("ada", "LOVELACE")),
        ("Byron, Ada", (None, None)),
        ("Ada Lovelace", (None, None)),
        ("Ada Lovelace,", (None, None)),
        (",Ada Lovelace", (None, None)),
        (None, (None, None)),
    ],
)
def test_a_name_is_taken_apart_only_where_both_spellings_agree(
    bench: SignedEvents, sortable: str | None, parts: tuple[str | None, str | None]
) -> None:
    given(bench)
    completed(bench)
    profile = {"id": 1, "name": "Ada Lovelace", "primary_email": "ada@learners.example", "sortable_name": sortable}
    bench.control.fault("canvas", "status", status=200, path="^/api/v1/users/1/profile", body=json.dumps(profile))
    found = bench.read("1", COURSE).learner
    assert (found.given_name, found.family_name) == parts


@pytest.mark.parametrize("state", [None, "deleted"])
def test_who_is_no_student_of_the_course_is_for_a_person(bench: SignedEvents, state: str | None) -> None:
    given(bench)
    if state:
        bench.lms.enrol(1, int(COURSE), state=state)
    with pytest.raises(Rejected, match="not, or no longer, a student"):
        bench.read("1", COURSE)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("^/api/v1/courses/800/users/1/progress", "[]"),
        ("^/api/v1/courses/800/users/1/progress", '{"completed_at":"yesterday"}'),
        ("^/api/v1/courses/800/users/1/progress", '{"error":"none"}'),
        ("^/api/v1/users/1/profile", '{"name":"Ada"}'),
        ("^/api/v1/courses/800/enrollments", '{"id":1}'),
        ("^/api/v1/courses/800/enrollments", '[{"enrollment_state":7}]'),
        ("^/api/v1/courses/800/students/submissions", '[{"score":"A"}]'),
        ("^/api/v1/courses/800/modules", '[{"id":"x","name":"y"}]'),
    ],
)
def test_an_answer_of_another_shape_is_an_outage_and_no_verdict(bench: SignedEvents, path: str, body: str) -> None:
    given(bench)
    completed(bench)
    bench.control.fault("canvas", "status", status=200, path=path, body=body)
    with pytest.raises(Outage):
        bench.read("1", COURSE, frozenset(Fact))


# modules


@pytest.mark.parametrize("quiz", [False, True])
def test_a_module_that_an_excused_assignment_completed_is_exempt(bench: SignedEvents, quiz: bool) -> None:
    given(bench, quiz=quiz)
    completed(bench, modules={EXAM: "exempt"})
    assert module_states(bench) == {"Reading": ModuleState.COMPLETE, EXAM: ModuleState.EXEMPT}
    assert scores(bench)[EXAM].excused
    assert scores(bench)[EXAM].percent is None


def test_an_excused_assignment_that_no_module_asks_for_exempts_from_nothing(bench: SignedEvents) -> None:
    modules = [{"name": "Reading", "items": [{"title": "Text"}, {"assignment": EXAM, "requirement": None}]}]
    given(bench, modules=modules)
    completed(bench, assignments={EXAM: {"excused": True}})
    assert module_states(bench) == {"Reading": ModuleState.COMPLETE}


@pytest.mark.parametrize("state", ["locked", "unlocked", "started"])
def test_a_module_in_any_other_state_is_incomplete(bench: SignedEvents, state: str) -> None:
    given(bench)
    completed(bench, modules={"Reading": state})
    assert module_states(bench) == {"Reading": ModuleState.INCOMPLETE, EXAM: ModuleState.COMPLETE}


def test_modules_that_ask_for_nothing_are_none(bench: SignedEvents) -> None:
    modules = [
        {"name": "Reading"},
        {"name": "Links", "items": [{"requirement": None}]},
        {"name": "Next year", "published": False},
        {"name": "Draft", "items": [{"published": False}]},
    ]
    given(bench, modules=modules)
    completed(bench)
    assert set(module_states(bench)) == {"Reading"}


def test_items_that_a_module_leaves_out_are_asked_for(bench: SignedEvents) -> None:
    items = [*({"title": f"Page {number}", "requirement": None} for number in range(12)), {"assignment": EXAM}]
    given(bench, modules=[{"name": EXAM, "items": items, "items_omitted": True}])
    completed(bench, modules={EXAM: "exempt"})
    assert module_states(bench) == {EXAM: ModuleState.EXEMPT}
    assert bench.asked("/items") == 3


# scores


@pytest.mark.parametrize(
    ("points", "out_of", "percent"),
    [(27.5, 40, Decimal("68.75")), (0, 40, Decimal(0)), (42, 40, Decimal(105)), (5, 0, None), (5, None, None)],
)
def test_percent_is_of_the_assignment_s_points(
    bench: SignedEvents, points: float, out_of: float | None, percent: Decimal | None
) -> None:
    given(bench, points_possible=out_of)
    completed(bench, assignments={EXAM: points})
    found = scores(bench)[EXAM]
    assert (found.percent, found.points) == (percent, Decimal(str(points)))


@pytest.mark.parametrize("work", [{"posted": False}, {"pending_review": True}])
def test_a_grade_that_is_not_released_or_not_whole_does_not_count(bench: SignedEvents, work: dict[str, bool]) -> None:
    given(bench, quiz=True)
    completed(bench, assignments={EXAM: {"attempts": [40], **work}})
    found = scores(bench, ATTEMPTS)[EXAM]
    assert (found.percent, found.points) == (None, None)
    assert [one.percent for one in found.attempts] == [None]


def test_work_that_was_never_handed_in_has_no_score(bench: SignedEvents) -> None:
    given(bench)
    completed(bench)
    assert (scores(bench)[EXAM].percent, scores(bench)[EXAM].excused) == (None, False)


def test_attempts_are_counted_and_the_best_of_a_quiz_is_its_score(bench: SignedEvents) -> None:
    given(bench, points_possible=50, quiz=True)
    completed(bench, assignments={EXAM: {"attempts": [20, 45, 30, None]}})
    found = scores(bench, ATTEMPTS)[EXAM]
    assert [(one.number, one.percent) for one in found.attempts] == [
        (1, Decimal(40)), (2, Decimal(90)), (3, Decimal(60)), (4, None),
    ]  # fmt: skip
    assert all(one.at for one in found.attempts)
    assert found.percent == Decimal(90)
    assert scores(bench, SCORES)[EXAM].attempts == ()


def test_a_rubric_that_grades_is_the_score(bench: SignedEvents) -> None:
    given(bench, rubric={"Vision": 2, "Clarity": 3})
    completed(bench, assignments={EXAM: {"rubric": {"Vision": 1.5, "Clarity": 3}}})
    assert {one.item: (one.points, one.out_of) for one in scores(bench).values() if not one.total} == {
        EXAM: (Decimal("4.5"), Decimal(5))
    }


@pytest.mark.parametrize(("posted", "points"), [(True, Decimal(4)), (False, None)])
def test_a_rubric_beside_the_grade_is_a_score_of_its_own(
    bench: SignedEvents, posted: bool, points: Decimal | None
) -> None:
    given(bench, points_possible=100, rubric={"Vision": 2, "Clarity": 3}, use_rubric_for_grading=False)
    completed(bench, assignments={EXAM: {"score": 70, "rubric": {"Vision": 1, "Clarity": 3}, "posted": posted}})
    found = scores(bench)[f"{EXAM}: rubric"]
    assert (found.points, found.out_of) == (points, Decimal(5))
    assert found.percent == (Decimal(80) if posted else None)


@pytest.mark.parametrize(("which", "percent"), [("final", 61), ("current", 88)])
def test_the_account_says_which_course_score_counts(bench: SignedEvents, which: str, percent: int) -> None:
    given(bench)
    completed(bench, current_score=88, final_score=61)
    bench.adapted(total=which)
    [total] = [one for one in scores(bench).values() if one.total]
    assert total.percent == percent


def test_a_course_without_a_grade_has_no_course_score(bench: SignedEvents) -> None:
    given(bench)
    completed(bench)
    [total] = [one for one in scores(bench).values() if one.total]
    assert total.percent is None


# what else is known of the learner


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("completed", "expired"), ("inactive", "suspended"), ("invited", "flagged"),
        ("creation_pending", "flagged"), ("rejected", "flagged"),
    ],
)  # fmt: skip
def test_an_enrolment_that_is_not_active_is_a_hold(bench: SignedEvents, state: str, kind: str) -> None:
    given(bench)
    completed(bench)
    bench.lms.enrol(1, int(COURSE), state=state)
    [hold] = bench.read("1", COURSE, HOLDS).holds
    assert hold.kind == kind
    assert "enrollments" in hold.where
    bench.lms.enrol(1, int(COURSE), section=9)
    assert bench.read("1", COURSE, HOLDS).holds == ()


def test_a_state_of_the_next_release_is_a_hold(bench: SignedEvents) -> None:
    given(bench)
    completed(bench)
    body = '[{"enrollment_state":"paused"}]'
    bench.control.fault("canvas", "status", status=200, path="/api/v1/courses/800/enrollments", body=body)
    [hold] = bench.read("1", COURSE, HOLDS).holds
    assert (hold.kind, "not known" in hold.reason) == ("flagged", True)
    with pytest.raises(Rejected, match="not known"):
        bench.adapted().enrol(learner="1", course=COURSE)


def test_prerequisites_are_met_unmet_or_unclear(bench: SignedEvents) -> None:
    given(bench)
    completed(bench)
    met, unmet, foreign = bench.course(1), bench.course(2), bench.course(3)
    bench.complete("1", met)
    bench.lms.enrol(1, int(unmet))
    asked = (met, unmet, foreign, "987654")
    found = bench.adapted().record(learner="1", course=COURSE, needs=frozenset(), prerequisites=asked).prerequisites
    assert {one.course: one.state for one in found} == {
        met: PrerequisiteState.MET,
        unmet: PrerequisiteState.UNMET,
        foreign: PrerequisiteState.UNCLEAR,
        "987654": PrerequisiteState.UNCLEAR,
    }


@pytest.mark.parametrize(("observers", "email"), [([2], "learner2@learners.example"), ([], None), ([2, 3], None)])
def test_an_observer_stands_in_for_the_supervisor_and_of_several_none(
    bench: SignedEvents, observers: list[int], email: str | None
) -> None:
    given(bench)
    bench.learner(2)
    bench.learner(3)
    bench.lms.add_learner(1, name="Ada", email="ada@learners.example", observers=observers)
    completed(bench)
    bench.adapted(supervisor="observer")
    assert bench.read("1", COURSE, SUPERVISOR).learner.supervisor_email == email


@pytest.mark.parametrize(
    ("data", "email"),
    [
        ({"com.hr": {"boss": " boss@example.org "}}, "boss@example.org"),
        ({"com.hr": {"boss": ""}}, None),
        ({"com.hr": {"boss": {"mail": "x"}}}, None),
        ({"com.hr": {}}, None),
        ({}, None),
    ],
)
def test_custom_data_stands_in_for_the_supervisor(
    bench: SignedEvents, data: dict[str, Any], email: str | None
) -> None:
    given(bench)
    bench.lms.add_learner(1, name="Ada", email="ada@learners.example", custom_data=data)
    completed(bench)
    bench.adapted(supervisor="custom_data", supervisor_namespace="com.hr", supervisor_field="boss")
    assert bench.read("1", COURSE, SUPERVISOR).learner.supervisor_email == email


def test_a_supervisor_is_supplied_only_where_the_account_says_who_stands_in(bench: SignedEvents) -> None:
    without = Canvas.supplies(bench.account().options)
    bench.adapted(supervisor="observer")
    assert Canvas.supplies(bench.account().options) - without == SUPERVISOR


# the catalogue


def test_courses_say_whether_they_can_be_completed(bench: SignedEvents) -> None:
    given(bench)
    bench.lms.add_course(801, name="Draft", state="unpublished")
    bench.lms.add_course(802, name="Last year", state="completed")
    bench.lms.add_course(803, name="Chat", modules=[{"name": "Links", "items": [{"requirement": None}]}])
    listed = {one.ref: one for one in bench.adapted().courses()}
    assert [(listed[ref].open, listed[ref].completes) for ref in (COURSE, "801", "802", "803")] == [
        (True, True), (False, None), (False, None), (True, False),
    ]  # fmt: skip
    assert (listed[COURSE].code, listed[COURSE].reason) == ("ETH", "")
    assert "completion requirement" in listed["803"].reason
    assert all(listed[ref].reason for ref in ("801", "802"))


def test_an_account_that_is_not_there_is_for_a_person(bench: SignedEvents) -> None:
    assert bench.adapted(account="79").courses()
    with pytest.raises(Rejected):
        bench.adapted(account="4711").courses()


def test_the_sweep_of_a_course_that_is_not_there_is_for_a_person(bench: SignedEvents) -> None:
    with pytest.raises(Rejected):
        bench.swept("987654")
