"""Teachable bound to the suite for LMSs; and its batches, its two forms of everything, its quizzes and holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from pipeline import clock
from pipeline.courses import EnrolmentState
from pipeline.errors import Failure, Misconfigured, NotReady, Outage, Rejected, Throttled, Unsure
from pipeline.lms.teachable import Teachable
from pipeline.lms.teachable.catalogue import KEPT_FOR
from pipeline.settings import Settings
from pipeline.values import Fact, ModuleState, PrerequisiteState, Score
from pipeline.webhook import Entrance, Invalid
from sandbox.control import SandboxControl
from tests.contracts.lms_bench import Bench, Trait, Wire
from tests.contracts.lms_hearing import HearingSuite
from tests.contracts.lms_suite import LmsSuite

SCORES = frozenset({Fact.SCORES})
ATTEMPTS = frozenset({Fact.SCORES, Fact.ATTEMPTS})
HOLDS = frozenset({Fact.HOLDS})
MODULES = frozenset({Fact.MODULES})


class TeachableBench(Bench):
    """A school that sends each event by itself and shows users bare."""

    adapter = Teachable
    system = "teachable"
    past_three_pages = 61
    name_parts = (None, None)
    lacks: Mapping[Trait, str] = {
        Trait.SIGNATURE: "Teachable signs nothing; the address is the secret (contract 1.4)",
        Trait.FRESHNESS: "nothing binds the time of sending; the event is verified by asking (contract 1.4)",
        Trait.RENEWAL: "the API key is made by hand; nobody but a person can make another (contract 2.1)",
        Trait.SAME_KEY: (
            "the event does not tell when the course was completed, and the list of enrolments not its id;"
            " enrolled_at is in both, but one enrolment may be completed again (contract 1.3, 2.4)"
        ),
    }

    def options(self) -> dict[str, Any]:
        return {"api": self.url, "key": self.env("TEACHABLE_KEY", "teachable-key"), "keeps_responses": True}

    def entrance(self) -> Entrance:
        return Entrance(path=self.secrets)

    def learner(self, number: int) -> str:
        self.lms.add_learner(number, name=f"Learner {number}", email=f"learner{number}@learners.example")
        return str(number)

    def course(self, number: int) -> str:
        self.lms.add_course(700 + number, name=f"Course {number}")
        return str(700 + number)

    def complete(self, learner: str, course: str, *, at: datetime | None = None, lag_reads: int = 0) -> Wire:
        when = {"completed_at": at.isoformat()} if at else {}
        return self.wire(self.send(learner, course, score=90, lag_reads=lag_reads, **when))

    def again(self, learner: str, course: str, wire: Wire) -> Wire:
        return self.wire(self.send(learner, course, sending={"anew": True}))

    def batch(self, pairs: list[tuple[str, str]]) -> Wire:
        first, *others = pairs
        also = [{"learner": int(learner), "course": int(course)} for learner, course in others]
        return self.wire(self.send(*first, sending={"also": also}))

    def send(
        self, learner: str, course: str, sending: Mapping[str, Any] | None = None, **more: Any
    ) -> dict[str, Any]:
        send = {"url": "http://receiver.example/hooks", "dry": True, **(sending or {})}
        return self.lms.complete(int(learner), int(course), send=send, **more)

    def wire(self, sent: dict[str, Any]) -> Wire:
        return Wire(raw=sent["raw"].encode(), headers=sent["headers"], path=self.secrets[0])

    def seal(self, payload: bytes, *, secret: str | None, at: datetime | None = None) -> Wire:
        return Wire(raw=payload, headers={"Content-Type": "application/json"}, path=secret or "")


class ArrayBench(TeachableBench):
    """A school that sends arrays, and wraps what the other shows bare."""

    def __init__(self, control: SandboxControl, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
        super().__init__(control, monkeypatch, url)
        self.lms.set(array_payloads=True, wraps_user=True, wraps_responses=False, names_course="name")


class TestTeachable(LmsSuite):
    bench_type = TeachableBench


class TestTeachableWithArrays(HearingSuite):
    bench_type = ArrayBench


@pytest.fixture
def bench(confer_env: Settings, control: SandboxControl, monkeypatch: pytest.MonkeyPatch) -> TeachableBench:
    return TeachableBench(control, monkeypatch, f"{control.base_url}/teachable")


@pytest.fixture
def ada(bench: TeachableBench) -> str:
    return bench.learner(1)


def told(bench: TeachableBench, document: Any) -> Any:
    return bench.hear(bench.seal(json.dumps(document).encode(), secret=bench.secrets[0]))


def operations(bench: TeachableBench) -> list[str]:
    return [call["path"] for call in bench.control.calls("teachable")]


def adapter(bench: TeachableBench) -> Teachable:
    return Teachable(bench.account())


def quiz(bench: TeachableBench, learner: str, course: str, needs: frozenset[Fact] = SCORES) -> Score:
    [score] = bench.read(learner, course, needs).scores
    return score


# hearing


def test_a_delivery_that_is_repeated_has_the_number_of_its_hook_event(bench: TeachableBench, ada: str) -> None:
    wire = bench.complete(ada, bench.course(1))
    envelope = bench.document(wire)
    first = bench.hear(wire)
    assert str(envelope["hook_event_id"]) in first.key
    assert told(bench, {**envelope, "id": 5}).key == first.key
    del envelope["hook_event_id"]
    without = told(bench, envelope)
    assert str(envelope["id"]) in without.key
    assert [one.key for one in without.events] == [one.key for one in first.events]


def test_a_second_completion_of_one_enrolment_is_another_event(bench: TeachableBench, ada: str) -> None:
    course = bench.course(1)
    [first] = bench.hear(bench.complete(ada, course, at=clock.now() - timedelta(days=300))).events
    [second] = bench.hear(bench.complete(ada, course, at=clock.now())).events
    assert first.key != second.key


@pytest.mark.parametrize("change", [{"livemode": False}, {"type": "Enrollment.created"}, {"type": None}])
def test_what_is_no_completion_of_a_learner_is_ignored_with_a_reason(
    bench: TeachableBench, ada: str, change: dict[str, Any]
) -> None:
    envelope = bench.document(bench.complete(ada, bench.course(1)))
    assert told(bench, envelope).events
    heard = told(bench, {**envelope, **change})
    assert (heard.events, bool(heard.ignored)) == ((), True)


def test_a_quiz_s_response_says_why_it_is_ignored(bench: TeachableBench) -> None:
    assert "quizzes are read" in told(bench, {"type": "Response.created", "object": {"percent_correct": 1}}).ignored


def test_an_empty_list_is_ignored(bench: TeachableBench) -> None:
    heard = told(bench, [])
    assert (heard.events, heard.ignored) == ((), "an empty list of events")


def test_of_a_mixed_list_the_completions_are_heard(bench: TeachableBench, ada: str) -> None:
    envelope = bench.document(bench.complete(ada, bench.course(1)))
    others = [{"type": "LectureProgress.created"}, {**envelope, "livemode": False, "hook_event_id": 1}]
    heard = told(bench, [*others, envelope])
    assert [one.learner for one in heard.events] == [ada]
    assert (heard.key, heard.ignored) == (told(bench, envelope).key, "")


def test_a_batch_has_a_key_of_its_own_whatever_its_order(bench: TeachableBench, ada: str) -> None:
    course = bench.course(1)
    pairs = [(learner, course) for learner in (ada, bench.learner(2), bench.learner(3))]
    for pair in pairs:
        bench.complete(*pair)
    keys = [bench.hear(bench.batch(some)).key for some in (pairs, pairs[::-1], pairs[:2], pairs[1:])]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3


@pytest.mark.parametrize("created", [None, "2026-09-16T13:05:01", "2999-01-01T00:00:00Z", "soon"])
def test_a_completion_without_a_usable_time_is_refused(bench: TeachableBench, ada: str, created: Any) -> None:
    envelope = bench.document(bench.complete(ada, bench.course(1)))
    with pytest.raises(Invalid) as caught:
        told(bench, {**envelope, "created": created})
    assert "created" in caught.value.fields


def test_the_event_claims_name_and_address_and_no_telephone_number_is_kept(bench: TeachableBench) -> None:
    bench.lms.add_learner(9, name=" Ann  Lee ", email="ann.lee@example.org", phone_number="+49 30 1234")
    heard = bench.hear(bench.complete("9", bench.course(1)))
    claim = heard.events[0].claim
    assert claim
    assert (claim.where, claim.name, claim.email) == ("event", "Ann Lee", "ann.lee@example.org")
    assert b"1234" not in heard.body
    assert b"ann.lee@example.org" in heard.body


def test_an_event_without_a_person_claims_nothing(bench: TeachableBench, ada: str) -> None:
    envelope = bench.document(bench.complete(ada, bench.course(1)))
    del envelope["object"]["user"]
    [event] = told(bench, envelope).events
    assert (event.learner, event.claim) == (ada, None)


# pages


@pytest.mark.parametrize("cap", [20, 7])
def test_what_meta_says_never_ends_a_list(bench: TeachableBench, ada: str, cap: int) -> None:
    """Sections go over pages, lectures are counted, and the size of a page may be less than asked for."""
    bench.lms.set(page_cap=cap)
    lectures = [{"name": f"Lecture {number}", "section": f"Week {number // 15}"} for number in range(40)]
    bench.lms.add_course(801, name="Long", modules=lectures)
    bench.complete(ada, "801")
    found = bench.read(ada, "801", MODULES).modules
    assert [one.name for one in found] == [f"Week {number // 15}: Lecture {number}" for number in range(40)]
    bench.crowd("801", 41)
    assert len(bench.swept("801")) == 42


def test_pages_that_come_round_again_are_an_outage(bench: TeachableBench) -> None:
    row = {"user_id": 1, "completed_at": None}
    body = json.dumps({"enrollments": [row] * 20, "meta": {"total": 20}})
    bench.control.fault("teachable", "status", status=200, body=body, path="/v1/courses/701/enrollments")
    with pytest.raises(Outage, match="twice"):
        bench.swept(bench.course(1))


@pytest.mark.parametrize(("calls", "waits"), [(None, 0), (100, 0), (22, 1)])
def test_a_long_list_leaves_room_in_the_limit(
    bench: TeachableBench, monkeypatch: pytest.MonkeyPatch, calls: int | None, waits: int
) -> None:
    """Of 22 calls in a minute, 21 are left after the first page, 20 after the second, 19 after the third."""
    course = bench.course(1)
    bench.crowd(course, 61)
    slept: list[float] = []
    monkeypatch.setattr(clock, "sleep", slept.append)
    bench.control.set_rate("teachable", calls=calls, window_seconds=60)
    assert len(bench.swept(course)) == 61
    assert len(slept) == waits
    assert all(2 < seconds <= 60 / 19 for seconds in slept)


@pytest.mark.parametrize("body", ["{}", "[]", '{"enrollments":{}}', '{"enrollments":[7]}', '{"enrollments":[{}]}'])
def test_enrolments_of_another_shape_are_an_outage(bench: TeachableBench, body: str) -> None:
    bench.control.fault("teachable", "status", status=200, body=body)
    with pytest.raises(Outage):
        bench.swept(bench.course(1))


# reading back


@pytest.mark.parametrize("wrapped", [True, False])
def test_users_and_responses_are_read_bare_and_wrapped(bench: TeachableBench, ada: str, wrapped: bool) -> None:
    names = "name" if wrapped else "course_name"
    bench.lms.set(wraps_user=wrapped, wraps_responses=wrapped, names_course=names)
    course = bench.course(1)
    bench.complete(ada, course)
    found = bench.read(ada, course, SCORES)
    assert (found.learner.name, found.course_title, found.scores[0].percent) == ("Learner 1", "Course 1", 90)


def test_a_lecture_that_was_added_is_open_and_the_completion_stays(bench: TeachableBench, ada: str) -> None:
    bench.lms.add_course(802, name="Growing", modules=[{"name": "One"}])
    bench.complete(ada, "802")
    bench.lms.add_course(802, name="Growing", modules=[{"name": "One"}, {"name": "Two"}])
    found = bench.read(ada, "802", MODULES)
    assert found.completed_at
    assert [(one.ref, one.state) for one in found.modules] == [
        ("802001", ModuleState.COMPLETE),
        ("802002", ModuleState.INCOMPLETE),
    ]


def test_progress_that_was_taken_back_is_not_there_yet(bench: TeachableBench, ada: str) -> None:
    course = bench.course(1)
    bench.complete(ada, course)
    bench.lms.progress(int(ada), int(course), reset=True)
    with pytest.raises(NotReady):
        bench.read(ada, course)


def test_who_is_not_in_the_course_is_for_a_person(bench: TeachableBench, ada: str) -> None:
    with pytest.raises(Rejected, match="progress"):
        bench.read(ada, bench.course(1))


def test_a_course_that_was_completed_first_is_met_and_one_that_is_not_listed_unclear(
    bench: TeachableBench, ada: str
) -> None:
    course, met, unmet, unclear = (bench.course(number) for number in (1, 2, 3, 4))
    bench.complete(ada, course)
    bench.complete(ada, met)
    bench.lms.enrol(int(ada), int(unmet))
    needs = frozenset({Fact.PREREQUISITES})
    found = adapter(bench).record(learner=ada, course=course, needs=needs, prerequisites=(met, unmet, unclear))
    states = [one.state for one in found.prerequisites]
    assert states == [PrerequisiteState.MET, PrerequisiteState.UNMET, PrerequisiteState.UNCLEAR]
    assert found.prerequisites[2].reason


# quizzes


def test_a_share_is_an_exact_percentage(bench: TeachableBench, ada: str) -> None:
    course = bench.course(1)
    bench.complete(ada, course)
    bench.lms.progress(int(ada), int(course), quizzes={"Final quiz": 79.995})
    score = quiz(bench, ada, course)
    assert (score.item, score.percent, score.total, score.attempts) == ("Final quiz", Decimal("79.995"), False, ())


def test_of_several_responses_the_latest_counts_and_each_is_an_attempt(bench: TeachableBench, ada: str) -> None:
    course = bench.course(1)
    bench.complete(ada, course)
    rows = [
        {"percent": 95, "submitted_at": "2026-09-03T10:00:00Z"},
        {"percent": 60, "submitted_at": "2026-09-05T10:00:00+02:00"},
        {"percent": 40, "submitted_at": "2026-09-01T10:00:00Z"},
    ]
    bench.lms.progress(int(ada), int(course), quizzes={"Final quiz": rows})
    score = quiz(bench, ada, course, ATTEMPTS)
    assert score.percent == 60
    assert [(one.number, one.percent) for one in score.attempts] == [(1, 40), (2, 95), (3, 60)]
    assert score.attempts[2].at == datetime(2026, 9, 5, 8, tzinfo=UTC)


def test_responses_of_others_are_nobody_s_score(bench: TeachableBench, ada: str) -> None:
    course, ben = bench.course(1), bench.learner(11)
    bench.complete(ben, course)
    bench.complete(ada, course)
    bench.lms.progress(int(ada), int(course), quizzes={"Final quiz": []})
    score = quiz(bench, ada, course, ATTEMPTS)
    assert (score.percent, score.attempts) == (None, ())
    assert quiz(bench, ben, course).percent == 90


def test_a_quiz_whose_grades_are_not_recorded_is_not_graded(bench: TeachableBench, ada: str) -> None:
    modules = [{"name": "Test", "quizzes": [{"name": None, "graded": False}]}]
    bench.lms.add_course(803, name="Ungraded", modules=modules)
    bench.complete(ada, "803")
    score = quiz(bench, ada, "803", ATTEMPTS)
    assert (score.item, score.percent, [one.percent for one in score.attempts]) == ("Test", None, [None])


@pytest.mark.parametrize(
    ("rows", "percent"),
    [
        ([{"submitted_at": "2026-09-01T10:00:00Z", "percent_correct": 0.5}], 50),
        ([{"submitted_at": None, "percent_correct": 0.5}], 50),
        (
            [
                {"submitted_at": None, "percent_correct": 0.5},
                {"submitted_at": "2026-09-01T10:00:00Z", "percent_correct": 0.9},
            ],
            None,
        ),
        ([{"submitted_at": "2026-09-01T10:00:00Z", "percent_correct": 86}], None),
        ([{"submitted_at": "2026-09-01T10:00:00Z", "percent_correct": -0.1}], None),
        ([{"submitted_at": "2026-09-01T10:00:00Z"}], None),
    ],
)
def test_what_is_not_clear_is_not_graded(
    bench: TeachableBench, ada: str, rows: list[dict[str, Any]], percent: int | None
) -> None:
    course = bench.course(1)
    bench.complete(ada, course)
    answer = {"graded": True, "responses": [{"student_id": int(ada), **row} for row in rows]}
    body = json.dumps({"quiz_responses": answer})
    bench.control.fault("teachable", "status", status=200, path="^.*/responses$", body=body)
    assert quiz(bench, ada, course).percent == percent


def test_a_grade_that_is_not_recorded_counts_for_nothing_even_where_it_is_told(
    bench: TeachableBench, ada: str
) -> None:
    course = bench.course(1)
    bench.complete(ada, course)
    rows = [{"student_id": int(ada), "submitted_at": "2026-09-01T10:00:00Z", "percent_correct": 1}]
    body = json.dumps({"graded": False, "responses": rows})
    bench.control.fault("teachable", "status", status=200, path="^.*/responses$", body=body)
    assert quiz(bench, ada, course).percent is None


def test_a_lecture_that_is_not_published_is_not_asked_for_quizzes(bench: TeachableBench, ada: str) -> None:
    hidden = {"name": "Hidden", "is_published": False, "quizzes": [{"name": "Old quiz"}]}
    bench.lms.add_course(806, name="Partly", modules=[{"name": "One"}, hidden])
    bench.complete(ada, "806")
    assert bench.read(ada, "806", SCORES).scores == ()
    assert [one for one in operations(bench) if one.endswith("/quizzes")] == [
        "/v1/courses/806/lectures/806001/quizzes"
    ]


def test_the_structure_of_a_course_is_asked_for_once_in_a_while(bench: TeachableBench, ada: str, still: Any) -> None:
    course = bench.course(1)
    bench.complete(ada, course)
    for _ in range(3):
        quiz(bench, ada, course)
    asked = operations(bench)
    assert [asked.count(f"/v1/courses/{course}"), sum(one.endswith("/quizzes") for one in asked)] == [1, 2]
    assert sum(one.endswith("/responses") for one in asked) == 3
    both = [{"name": "Final quiz"}, {"name": "Second quiz"}]
    bench.lms.add_course(int(course), name="Course 1", modules=[{"name": "Intro"}, {"name": "Test", "quizzes": both}])
    assert quiz(bench, ada, course).percent == 90
    still.go_to(still.now + KEPT_FOR)
    assert [one.item for one in bench.read(ada, course, SCORES).scores] == ["Final quiz", "Second quiz"]


def test_a_quiz_that_has_gone_since_has_no_score(bench: TeachableBench, ada: str) -> None:
    course = bench.course(1)
    bench.complete(ada, course)
    assert quiz(bench, ada, course)
    bench.lms.add_course(int(course), name="Course 1", modules=[{"name": "Only reading"}])
    assert bench.read(ada, course, SCORES).scores == ()


def test_a_limit_met_in_a_long_course_is_not_met_there_again(bench: TeachableBench, ada: str) -> None:
    modules = [{"name": f"Lecture {number}"} for number in range(12)] + [{"name": "T", "quizzes": [{"name": "Q"}]}]
    bench.lms.add_course(804, name="Long", modules=modules)
    bench.complete(ada, "804")
    bench.control.fault("teachable", "throttle", path="^.*/quizzes$", skip=8, times=1)
    with pytest.raises(Throttled):
        bench.read(ada, "804", SCORES)
    before = len(operations(bench))
    assert bench.read(ada, "804", SCORES).scores
    assert sum(one.endswith("/quizzes") for one in operations(bench)[before:]) == len(modules) - 8


def test_attempts_are_supplied_only_where_the_school_is_known_to_keep_them(
    bench: TeachableBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = bench.options()
    supplied = Teachable.supplies(bench.account().options)
    monkeypatch.setattr(bench, "options", lambda: {**options, "keeps_responses": False})
    assert supplied - Teachable.supplies(bench.account().options) == {Fact.ATTEMPTS}


# holds


@pytest.mark.parametrize(
    ("change", "kinds"),
    [
        ({}, []),
        ({"active": False}, ["suspended"]),
        ({"expires_at": "2026-01-01T00:00:00Z"}, ["expired"]),
        ({"expires_at": "2999-01-01T00:00:00Z"}, []),
    ],
)
def test_an_enrolment_that_ended_speaks_against_issuing(
    bench: TeachableBench, ada: str, change: dict[str, Any], kinds: list[str]
) -> None:
    course = bench.course(1)
    bench.complete(ada, course)
    bench.crowd(course, 2)
    bench.lms.enrol(int(ada), int(course), **change)
    found = bench.read(ada, course, HOLDS)
    assert [one.kind for one in found.holds] == kinds
    assert all(one.where and one.reason for one in found.holds)


def test_an_enrolment_is_looked_for_around_its_day(bench: TeachableBench, ada: str) -> None:
    course = bench.course(1)
    bench.crowd(course, 41)
    bench.complete(ada, course)
    bench.lms.enrol(int(ada), int(course), enrolled_at="2026-08-20T23:59:59Z")
    before = len(operations(bench))
    assert bench.read(ada, course, HOLDS).holds == ()
    assert operations(bench)[before:].count(f"/v1/courses/{course}/enrollments") == 1


def test_an_enrolment_that_is_not_listed_is_doubt(bench: TeachableBench, ada: str) -> None:
    course = bench.course(1)
    bench.complete(ada, course)
    path = f"/v1/courses/{course}/enrollments"
    bench.control.fault("teachable", "status", status=200, body='{"enrollments":[],"meta":{}}', path=path)
    assert [one.kind for one in bench.read(ada, course, HOLDS).holds] == ["flagged"]


@pytest.mark.parametrize("rows", [[], [{"course_id": 701}]])
def test_a_user_whose_list_says_nothing_of_the_course_is_doubt(
    bench: TeachableBench, ada: str, rows: list[dict[str, Any]]
) -> None:
    course = bench.course(1)
    bench.complete(ada, course)
    user = json.dumps({"id": int(ada), "email": "a@b.example", "name": "Ada", "courses": rows})
    bench.control.fault("teachable", "status", status=200, body=user, path=f"/v1/users/{ada}")
    found = bench.read(ada, course, HOLDS)
    assert len(found.holds) == 1
    assert found.course_title == "Course 1"


@pytest.mark.parametrize("order", [1, -1])
def test_of_several_rows_of_a_course_the_active_one_counts(bench: TeachableBench, ada: str, order: int) -> None:
    course = bench.course(1)
    bench.complete(ada, course)
    rows = [{"course_id": int(course), "is_active_enrollment": active} for active in (False, True)][::order]
    user = json.dumps({"id": int(ada), "email": "a@b.example", "name": "Ada", "courses": rows})
    bench.control.fault("teachable", "status", status=200, body=user, path=f"/v1/users/{ada}")
    assert bench.read(ada, course, HOLDS).holds == ()


# courses and enrolling


def test_a_course_that_is_not_published_is_closed(bench: TeachableBench) -> None:
    bench.lms.add_course(805, name="Draft", is_published=False)
    listed = {one.ref: one for one in adapter(bench).courses()}
    assert (listed["805"].open, listed["805"].completes) == (False, None)
    assert "published" in listed["805"].reason
    assert (listed["1886748"].open, listed["1886748"].reason) == (True, "")


def test_an_enrolment_that_was_ended_is_never_taken_up_again(bench: TeachableBench, ada: str) -> None:
    course = bench.course(1)
    bench.lms.enrol(int(ada), int(course), active=False)
    with pytest.raises(Rejected, match="not active"):
        adapter(bench).enrol(learner=ada, course=course)
    assert "/v1/enroll" not in operations(bench)


@pytest.mark.parametrize(("learner", "course"), [("999", "701"), ("1", "999"), ("1", "fire-safety")])
def test_who_or_what_teachable_does_not_know_is_not_enrolled(
    bench: TeachableBench, ada: str, learner: str, course: str
) -> None:
    bench.course(1)
    with pytest.raises(Rejected):
        adapter(bench).enrol(learner=learner, course=course)


@pytest.mark.parametrize(
    ("fault", "more", "kind"),
    [
        ("drop_after", {}, Unsure),
        ("html", {}, Unsure),
        ("redirect", {}, Unsure),
        ("status", {"status": 500, "after": True}, Unsure),
        ("status", {"status": 422}, Rejected),
        ("throttle", {}, Throttled),
    ],
)
def test_an_enrolment_that_failed_may_be_repeated(
    bench: TeachableBench, ada: str, fault: str, more: dict[str, Any], kind: type[Failure]
) -> None:
    course = bench.course(1)
    bench.control.fault("teachable", fault, path="/v1/enroll", times=1, **more)
    with pytest.raises(kind):
        adapter(bench).enrol(learner=ada, course=course)
    happened = fault == "drop_after" or more.get("after")
    expected = EnrolmentState.EXISTED if happened else EnrolmentState.MADE
    assert adapter(bench).enrol(learner=ada, course=course) is expected


# trouble


def test_the_reset_of_the_limit_is_waited_for(bench: TeachableBench, still: Any) -> None:
    for seconds, least in ((41, 41), (0, 1)):
        bench.control.fault("teachable", "throttle", retry_after=seconds, times=1)
        with pytest.raises(Throttled) as caught:
            adapter(bench).courses()
        assert caught.value.until - clock.now() == timedelta(seconds=least)


def test_a_plan_without_the_api_is_about_the_whole_account(bench: TeachableBench) -> None:
    bench.lms.set(plan_has_api=False)
    with pytest.raises(Misconfigured, match="plan") as caught:
        adapter(bench).courses()
    assert caught.value.whole_account


def test_a_wrong_key_is_about_the_whole_account(bench: TeachableBench) -> None:
    bench.lms.set(key="rotated")
    with pytest.raises(Misconfigured, match="API key") as caught:
        adapter(bench).courses()
    assert caught.value.whole_account
