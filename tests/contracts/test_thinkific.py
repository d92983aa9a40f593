"""Thinkific bound to the suite for LMSs; and its signatures, results, trials, GraphQL, enrolling."""

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
from pipeline.lms.thinkific import Thinkific, ThinkificSchema
from pipeline.lms.thinkific.rest import pause
from pipeline.settings import Settings
from pipeline.transport import DEFAULT_PAUSE, LONGEST_PAUSE
from pipeline.values import Fact, PrerequisiteState, Score
from pipeline.webhook import Invalid, Unauthenticated
from sandbox.control import SandboxControl
from sandbox.lms.thinkific.webhooks import sign
from tests.contracts.lms_bench import Bench, Trait, Wire
from tests.contracts.lms_suite import LmsSuite

SCORES = frozenset({Fact.SCORES})
HOLDS = frozenset({Fact.HOLDS})
SIGNATURE = "X-Thinkific-Hmac-Sha256"
#: as the twin begins
TENANT = "59"


class ThinkificBench(Bench):
    """A site with an access token for GraphQL beside its API key."""

    adapter = Thinkific
    system = "thinkific"
    past_three_pages = 7
    lacks: Mapping[Trait, str] = {
        Trait.BATCH: "Thinkific sends one event in one request (contract 1.3)",
        Trait.RENEWAL: "the API key and the access token are made by hand in Thinkific",
    }
    more: Mapping[str, Any] = {}

    def __init__(self, control: SandboxControl, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
        super().__init__(control, monkeypatch, url)
        self.lms.set(page_cap=2)

    def options(self) -> dict[str, Any]:
        return {
            "api": self.url,
            "subdomain": "academy",
            "key": self.env("THINKIFIC_KEY", "thinkific-key"),
            "token": self.env("THINKIFIC_TOKEN", "thinkific-token"),
            "secrets": [self.env(f"THINKIFIC_SECRET_{place}", text) for place, text in enumerate(self.secrets)],
            "tenant_id": TENANT,
            **self.more,
        }

    def learner(self, number: int) -> str:
        self.lms.add_learner(number, name=f"Learner {number}", email=f"learner{number}@learners.example")
        return str(number)

    def course(self, number: int) -> str:
        self.lms.add_course(700 + number, name=f"Course {number}")
        return str(700 + number)

    def complete(self, learner: str, course: str, *, at: datetime | None = None, lag_reads: int = 0) -> Wire:
        when = {"completed_at": f"{at:%Y-%m-%dT%H:%M:%SZ}"} if at else {}
        return self.send(learner, course, score=90, lag_reads=lag_reads, **when)

    def send(self, learner: str, course: str, sending: Mapping[str, Any] | None = None, **more: Any) -> Wire:
        send = {"url": "http://receiver.example/hooks", "dry": True, "secret": self.secrets[0], **(sending or {})}
        sent = self.lms.complete(int(learner), int(course), send=send, **more)
        return Wire(raw=sent["raw"].encode(), headers=sent["headers"])

    def seal(self, payload: bytes, *, secret: str | None, at: datetime | None = None) -> Wire:
        if at is not None:
            payload = json.dumps({**json.loads(payload), "created_at": at.isoformat()}).encode()
        proof = {} if secret is None else {SIGNATURE: sign(payload, secret)}
        return Wire(raw=payload, headers={"Content-Type": "application/json", **proof})

    def changed(self, wire: Wire, **members: Any) -> Wire:
        """The same webhook with other members of the envelope, signed anew."""
        return self.seal(json.dumps({**self.document(wire), **members}).encode(), secret=self.secrets[0])

    def paid(self, wire: Wire, **members: Any) -> Wire:
        """The same webhook with other members of the payload, signed anew."""
        return self.changed(wire, payload={**self.document(wire)["payload"], **members})

    def called(self, method: str) -> list[str]:
        """The paths called with that method."""
        return [one["path"] for one in self.control.calls("thinkific") if one["method"] == method]


class TestThinkific(LmsSuite):
    bench_type = ThinkificBench


@pytest.fixture
def bench(confer_env: Settings, control: SandboxControl, monkeypatch: pytest.MonkeyPatch) -> ThinkificBench:
    return ThinkificBench(control, monkeypatch, f"{control.base_url}/thinkific")


@pytest.fixture
def thinkific(bench: ThinkificBench) -> Thinkific:
    return Thinkific(bench.account())


@pytest.fixture
def ada(bench: ThinkificBench) -> str:
    return bench.learner(1)


@pytest.fixture
def course(bench: ThinkificBench) -> str:
    return bench.course(1)


# webhooks


def test_the_key_is_the_enrolment_and_the_second_of_completion(bench: ThinkificBench, ada: str, course: str) -> None:
    at = datetime(2026, 10, 1, 19, 20, 5, tzinfo=UTC)
    wire = bench.complete(ada, course, at=at)
    heard, row = bench.hear(wire), bench.document(wire)["payload"]["id"]
    assert heard.key == heard.events[0].key == f"completed:{row}:2026-10-01T19:20:05Z"
    [swept] = bench.swept(course, days=9999)
    assert swept.key == heard.key


def test_a_completion_anew_in_the_same_row_is_another_one(bench: ThinkificBench, ada: str, course: str) -> None:
    first = bench.hear(bench.complete(ada, course, at=clock.now() - timedelta(days=3)))
    again = bench.hear(bench.complete(ada, course))
    assert first.key != again.key
    assert first.key.split(":")[1] == again.key.split(":")[1]


def test_the_event_claims_name_and_address(bench: ThinkificBench, ada: str, course: str) -> None:
    [event] = bench.hear(bench.complete(ada, course)).events
    assert event.claim
    assert (event.claim.where, event.claim.name) == ("event", "Learner 1")
    assert event.claim.email == "learner1@learners.example"


def test_the_case_of_the_signature_does_not_matter_but_its_header_does(
    bench: ThinkificBench, ada: str, course: str
) -> None:
    wire = bench.send(ada, course, {"uppercase": True})
    assert bench.hear(wire).events
    for headers in ({}, {SIGNATURE: ""}, {SIGNATURE: f"sha256={wire.headers[SIGNATURE]}"}):
        with pytest.raises(Unauthenticated):
            bench.hear(Wire(raw=wire.raw, headers=headers))


@pytest.mark.parametrize("tenant", ["60", "", None, 5.9, ["59"], {"59": "59"}])
def test_another_site_of_the_same_app_is_refused(bench: ThinkificBench, ada: str, course: str, tenant: Any) -> None:
    wire = bench.complete(ada, course)
    with pytest.raises(Unauthenticated, match="another site"):
        bench.hear(bench.changed(wire, tenant_id=tenant))
    bench.more = {"tenant_id": None}
    assert bench.hear(bench.changed(wire, tenant_id=tenant)).events


def test_an_event_that_does_not_say_when_it_was_made_is_not_heard(
    bench: ThinkificBench, ada: str, course: str
) -> None:
    wire = bench.complete(ada, course)
    for created_at in (None, "", "2026-10-01", "2026-10-01T19:20:05", 1_790_000_000):
        with pytest.raises(Invalid):
            bench.hear(bench.changed(wire, created_at=created_at))


def test_how_old_an_event_may_be_is_the_account_s(bench: ThinkificBench, ada: str, course: str) -> None:
    wire = bench.complete(ada, course)
    older = bench.changed(wire, created_at=(clock.now() - timedelta(days=3)).isoformat())
    assert bench.hear(older).events
    assert bench.hear(bench.changed(wire, created_at=(clock.now() + timedelta(minutes=1)).isoformat())).events
    bench.more = {"max_age": "2 days"}
    with pytest.raises(Unauthenticated):
        bench.hear(older)


def test_a_completion_without_a_time_is_refused_because_no_sweep_would_know_it(
    bench: ThinkificBench, ada: str, course: str
) -> None:
    wire = bench.complete(ada, course)
    for at in (None, "", "2026-10-01", (clock.now() + timedelta(days=3)).isoformat()):
        with pytest.raises(Invalid):
            bench.hear(bench.paid(wire, completed_at=at))


def test_a_free_trial_is_neither_heard_nor_swept(bench: ThinkificBench, ada: str, course: str) -> None:
    bench.lms.enrol(int(ada), int(course), free_trial=True)
    heard = bench.hear(bench.complete(ada, course))
    assert (heard.events, heard.scores) == ((), ())
    assert "free trial" in heard.ignored
    assert bench.swept(course) == []


@pytest.mark.parametrize("topic", ["enrollment.progress", "enrollment.trial", "lesson.completed", "user.updated"])
def test_other_topics_are_ignored_and_named(bench: ThinkificBench, ada: str, course: str, topic: str) -> None:
    heard = bench.hear(bench.send(ada, course, {"topic": topic}))
    assert (heard.events, heard.scores) == ((), ())
    assert topic in heard.ignored


# results that events report


def attempted(bench: ThinkificBench, learner: str, course: str, correct: int, incorrect: int) -> Wire:
    quizzes = {"Final exam": {"correct": correct, "incorrect": incorrect}}
    return bench.send(learner, course, {"topic": "quiz.attempted"}, quizzes=quizzes)


def test_each_attempt_is_a_reported_score_of_its_own(bench: ThinkificBench, ada: str, course: str) -> None:
    heard = [bench.hear(attempted(bench, ada, course, correct, 10 - correct)) for correct in (4, 9)]
    [first], [second] = (one.scores for one in heard)
    assert (first.percent, second.percent) == (Decimal(40), Decimal(90))
    assert (first.attempt, second.attempt) == (1, 2)
    assert first.key != second.key
    assert (second.learner, second.course, second.item) == (ada, course, "Final exam")
    assert abs((second.at - clock.now()).total_seconds()) < 120
    assert all(not one.events and not one.ignored for one in heard)


def test_the_result_s_id_and_the_attempt_are_the_key(bench: ThinkificBench, ada: str, course: str) -> None:
    wire = attempted(bench, ada, course, 8, 2)
    result = bench.document(wire)["payload"]["result_id"]
    heard = bench.hear(wire)
    assert heard.key == heard.scores[0].key == f"attempted:{result}:1"


@pytest.mark.parametrize(("members", "kept"), [
    ({"grade": 67, "correct_count": 2, "incorrect_count": 1}, True),
    ({"grade": 8, "correct_count": 8, "incorrect_count": 2}, False),  # points, not a percentage
    ({"grade": 101, "correct_count": None, "incorrect_count": None}, False),
    ({"grade": -1, "correct_count": None, "incorrect_count": None}, False),
    ({"grade": 0, "correct_count": 0, "incorrect_count": 0}, True),
    ({"grade": "72.5", "correct_count": None}, True),
])  # fmt: skip
def test_a_grade_that_the_answers_contradict_is_not_kept(
    bench: ThinkificBench, ada: str, course: str, members: dict[str, Any], kept: bool
) -> None:
    heard = bench.hear(bench.paid(attempted(bench, ada, course, 8, 2), **members))
    assert [one.percent for one in heard.scores] == ([Decimal(str(members["grade"]))] if kept else [])
    assert bool(heard.ignored) is not kept


@pytest.mark.parametrize("member", ["grade", "result_id", "attempts", "quiz", "course", "user"])
def test_a_result_that_lacks_what_it_is_about_is_refused(
    bench: ThinkificBench, ada: str, course: str, member: str
) -> None:
    with pytest.raises(Invalid) as caught:
        bench.hear(bench.paid(attempted(bench, ada, course, 8, 2), **{member: None}))
    assert list(caught.value.fields) == [member]


# scores by GraphQL


def test_scores_are_right_answers_of_all(bench: ThinkificBench, ada: str, course: str) -> None:
    bench.lms.add_course(801, name="Three quizzes", quizzes=[{"name": name} for name in ("A", "B", "C")])
    quizzes = {
        "A": {"correct": 2, "incorrect": 1, "attempts": 3},
        "B": {"correct": 0, "incorrect": 0},
        "C": {"correct": 5, "incorrect": 0, "finished": False},
    }
    bench.lms.complete(int(ada), 801, quizzes=quizzes)
    bench.complete(ada, course)
    found = bench.read(ada, "801", SCORES)
    a, b, c = found.scores
    assert (a.item, a.points, a.out_of) == ("A", Decimal(2), Decimal(3))
    assert a.percent is not None
    assert round(a.percent, 2) == Decimal("66.67")
    assert (b, c) == (Score(item="B", percent=None), Score(item="C", percent=None))
    assert not any(one.total or one.attempts for one in found.scores)


def test_scores_are_the_learner_s_own_and_of_the_course(bench: ThinkificBench, ada: str, course: str) -> None:
    bench.lms.complete(int(ada), 101, score=20)
    bench.complete(ada, course)
    bench.lms.complete(int(bench.learner(2)), int(course), score=10)
    [score] = bench.read(ada, course, SCORES).scores
    assert score.percent == Decimal(90)


def test_without_a_token_no_scores_are_asked_for_or_supplied(bench: ThinkificBench, ada: str, course: str) -> None:
    bench.complete(ada, course)
    assert Fact.SCORES in Thinkific.supplies(bench.account().options)
    bench.more = {"token": None}
    found = bench.read(ada, course, SCORES)
    assert (found.scores, Fact.SCORES in found.sources) == ((), False)
    assert Fact.SCORES not in Thinkific.supplies(bench.account().options)
    assert bench.called("POST") == []


def test_the_api_key_never_reaches_graphql_and_a_wrong_token_is_for_the_administrator(
    bench: ThinkificBench, ada: str, course: str
) -> None:
    bench.complete(ada, course)
    bench.more = {"token": bench.env("THINKIFIC_OTHER_TOKEN", "another")}
    with pytest.raises(Misconfigured, match="access token") as caught:
        bench.read(ada, course, SCORES)
    assert caught.value.whole_account
    assert bench.read(ada, course, HOLDS).holds == ()


@pytest.mark.parametrize(("code", "kind"), [
    ("MAX_QUERY_COST_EXCEEDED", Misconfigured),
    ("FORBIDDEN", Misconfigured),
    ("INTERNAL_SERVER_ERROR", Outage),
])  # fmt: skip
def test_errors_under_200_are_no_empty_list_of_scores(
    bench: ThinkificBench, ada: str, course: str, code: str, kind: type[Failure]
) -> None:
    bench.complete(ada, course)
    bench.lms.set(graphql_error=code)
    with pytest.raises(kind, match=code):
        bench.read(ada, course, SCORES)


@pytest.mark.parametrize(("reset", "wait"), [(timedelta(seconds=41), 41), (timedelta(days=9), 86400), (None, 30)])
def test_points_that_are_used_up_are_waited_for(
    bench: ThinkificBench, ada: str, course: str, reset: timedelta | None, wait: int
) -> None:
    bench.complete(ada, course)
    at = {} if reset is None else {"graphql_reset": (clock.now() + reset).isoformat()}
    bench.lms.set(graphql_error="RATE_LIMITED", **at)
    with pytest.raises(Throttled) as caught:
        bench.read(ada, course, SCORES)
    assert abs((caught.value.until - clock.now()).total_seconds() - wait) < 15


PAGE = '{"data":{"site":{"quizSubmissions":{"nodes":[%s],"pageInfo":{"hasNextPage":%s,"endCursor":%s}}}}}'
NODE = (
    '{"id":"1","attempts":%d,"correctCount":%d,"incorrectCount":%d,"completedAt":"2026-10-01T19:20:05Z",'
    '"quiz":{"id":"7","name":"Q"},"user":{"id":"%d"}}'
)


@pytest.mark.parametrize("body", [
    '{"errors":[{"message":"no"}]}', '{"errors":{}, "data":null}', '{"errors":"no"}', '{"data":null}', "[]", "7",
    '{"data":{"site":null}}', '{"data":{"site":{}}}', PAGE % ("7", "false", "null"), PAGE % ("", "true", '"x"'),
    PAGE % ("", "true", "null"), PAGE % (NODE % (1, 9, 1, 2), "false", "null"), '{"errors":[7,{"extensions":7}]}',
])  # fmt: skip
def test_what_says_nothing_about_the_learner_s_scores_is_an_outage(
    bench: ThinkificBench, ada: str, course: str, body: str
) -> None:
    bench.complete(ada, course)
    bench.control.fault("thinkific", "status", path="/stable/graphql", status=200, body=body)
    with pytest.raises(Outage):
        bench.read(ada, course, SCORES)


def test_of_several_submissions_of_a_quiz_the_latest_counts(bench: ThinkificBench, ada: str, course: str) -> None:
    bench.complete(ada, course)
    nodes = ",".join(NODE % (attempt, right, 10 - right, 1) for attempt, right in ((1, 3), (3, 8), (2, 10)))
    body = PAGE % (nodes, "false", "null")
    bench.control.fault("thinkific", "status", path="/stable/graphql", status=200, body=body)
    assert [one.percent for one in bench.read(ada, course, SCORES).scores] == [Decimal(80)]


def test_scores_beyond_the_first_page_are_read(bench: ThinkificBench, ada: str) -> None:
    names = [f"Quiz {place}" for place in range(5)]
    bench.lms.add_course(802, name="Five quizzes", quizzes=[{"name": name} for name in names])
    bench.lms.complete(int(ada), 802, score=75)
    assert {one.item for one in bench.read(ada, "802", SCORES).scores} == set(names)
    assert len(bench.called("POST")) == 3


# the record


@pytest.mark.parametrize(
    "standing", [{"percentage": 0.99}, {"percentage": 1.0}, {"modules": {"Chapter 1": "complete"}}]
)
def test_progress_is_no_completion(bench: ThinkificBench, ada: str, course: str, standing: dict[str, Any]) -> None:
    bench.lms.progress(int(ada), int(course), **standing)
    with pytest.raises(NotReady):
        bench.read(ada, course)


ROW = {
    "id": 1, "user_id": 1, "course_id": 701, "course_name": "C", "percentage_completed": 1.0, "completed": True,
    "expired": False, "is_free_trial": False, "completed_at": "2026-10-01T19:20:05Z",
}  # fmt: skip


def answer_with(bench: ThinkificBench, *rows: Any, next_page: Any = None) -> None:
    body = json.dumps({"items": rows, "meta": {"pagination": {"next_page": next_page}}})
    bench.control.fault("thinkific", "status", path="/api/public/v1/enrollments", status=200, body=body)


@pytest.mark.parametrize("members", [
    {"percentage_completed": 0.999}, {"percentage_completed": None}, {"completed": False}, {"completed_at": None},
])  # fmt: skip
def test_whatever_speaks_against_a_completion_makes_it_none(
    bench: ThinkificBench, ada: str, course: str, members: dict[str, Any]
) -> None:
    bench.complete(ada, course)
    answer_with(bench, {**ROW, **members})
    with pytest.raises(NotReady):
        bench.read(ada, course)
    assert bench.swept(course, days=9999) == []


@pytest.mark.parametrize("member", [name for name in ROW if name != "course_name"])
def test_a_row_that_lacks_a_member_is_an_outage(bench: ThinkificBench, ada: str, course: str, member: str) -> None:
    bench.complete(ada, course)
    answer_with(bench, {name: value for name, value in ROW.items() if name != member})
    with pytest.raises(Outage, match=member):
        bench.read(ada, course)


@pytest.mark.parametrize("next_page", [1, 0, "2", True, 1.5])
def test_pages_that_lead_nowhere_are_an_outage(bench: ThinkificBench, ada: str, course: str, next_page: Any) -> None:
    bench.complete(ada, course)
    answer_with(bench, ROW, next_page=next_page)
    with pytest.raises(Outage):
        bench.read(ada, course)


def test_rows_of_others_are_left_out_should_a_filter_not_hold(bench: ThinkificBench, ada: str, course: str) -> None:
    bench.complete(ada, course)
    answer_with(bench, {**ROW, "user_id": 2}, {**ROW, "course_id": 9})
    with pytest.raises(Rejected, match="no enrolment"):
        bench.read(ada, course)
    assert [one.learner for one in bench.swept(course, days=9999)] == ["2"]


def test_trials_and_expired_enrolments_are_held(bench: ThinkificBench, ada: str, course: str) -> None:
    bench.complete(ada, course)
    assert bench.read(ada, course, HOLDS).holds == ()
    bench.lms.enrol(int(ada), int(course), free_trial=True, expired=True)
    assert [one.kind for one in bench.read(ada, course, HOLDS).holds] == ["flagged", "expired"]


def test_of_several_enrolments_the_good_one_counts(bench: ThinkificBench, ada: str, course: str) -> None:
    bench.lms.enrol(int(ada), int(course))
    for standing in ({"free_trial": True}, {"expired": True}, {}):
        bench.lms.enrol(int(ada), int(course), again=True, **standing)
        bench.complete(ada, course)
    assert bench.read(ada, course, HOLDS).holds == ()


def test_the_slug_stands_for_the_code(bench: ThinkificBench, ada: str) -> None:
    bench.lms.complete(int(ada), 101)
    found = bench.read(ada, "101")
    assert (found.course_code, found.course_title) == ("healthcare-compliance-101", "Healthcare Compliance 101")


@pytest.mark.parametrize(("fields", "label", "address"), [
    ({"Manager email": " boss@example.org "}, None, "boss@example.org"),
    ({"MANAGER EMAIL": "boss@example.org"}, None, "boss@example.org"),
    ({"Line manager": "boss@example.org"}, "Line manager", "boss@example.org"),
    ({"Line manager": "boss@example.org"}, None, None),
    ({"Manager email": ""}, None, None),
    ({"Manager email": "a@example.org", "manager email": "b@example.org"}, None, None),
])  # fmt: skip
def test_the_supervisor_stands_in_a_field_of_the_profile(
    bench: ThinkificBench, course: str, fields: dict[str, str], label: str | None, address: str | None
) -> None:
    bench.lms.add_learner(5, name="Eve Stone", email="eve@learners.example", custom_fields=fields)
    bench.complete("5", course)
    bench.more = {"supervisor_field": label} if label else {}
    assert bench.read("5", course, frozenset({Fact.SUPERVISOR})).learner.supervisor_email == address
    assert bench.read("5", course).learner.supervisor_email is None


def test_without_a_field_no_supervisor_is_supplied(bench: ThinkificBench) -> None:
    before = Thinkific.supplies(bench.account().options)
    bench.more = {"supervisor_field": None}
    assert before - Thinkific.supplies(bench.account().options) == {Fact.SUPERVISOR}


def test_what_thinkific_does_not_know_is_not_provided() -> None:
    assert not Thinkific.provides & {Fact.MODULES, Fact.TIME, Fact.ATTEMPTS, Fact.CREDENTIALS}


def test_other_courses_come_first(bench: ThinkificBench, ada: str, course: str) -> None:
    bench.complete(ada, course)
    done, open_, trial, expired, never = (bench.course(number) for number in range(2, 7))
    for other in (done, trial, expired):
        bench.complete(ada, other)
    bench.lms.enrol(int(ada), int(open_))
    bench.lms.enrol(int(ada), int(trial), free_trial=True)
    bench.lms.enrol(int(ada), int(expired), expired=True)
    asked = (done, open_, trial, expired, never)
    found = Thinkific(bench.account()).record(learner=ada, course=course, needs=frozenset(), prerequisites=asked)
    met, unmet, unclear = PrerequisiteState.MET, PrerequisiteState.UNMET, PrerequisiteState.UNCLEAR
    assert [one.state for one in found.prerequisites] == [met, unmet, unclear, met, unclear]
    assert all(bool(one.reason) == (one.state is unclear) for one in found.prerequisites)


# the sweep and the courses


def test_the_sweep_loses_nothing_should_thinkific_compare_days(bench: ThinkificBench, ada: str, course: str) -> None:
    bench.lms.set(whole_days=True)
    bench.complete(ada, course)
    assert [one.learner for one in bench.swept(course, days=0.01)] == [ada]


def test_an_old_completion_is_not_swept_because_its_row_was_touched(
    bench: ThinkificBench, ada: str, course: str
) -> None:
    bench.complete(ada, course, at=clock.now() - timedelta(days=9))
    bench.lms.enrol(int(ada), int(course), expired=False)
    assert bench.swept(course, days=2) == []
    assert len(bench.swept(course, days=20)) == 1


def test_a_course_without_chapters_cannot_be_completed(bench: ThinkificBench, thinkific: Thinkific) -> None:
    bench.lms.add_course(803, name="Empty", modules=[])
    listed = {one.ref: one for one in thinkific.courses()}
    assert (listed["803"].completes, listed["803"].code) == (False, "empty")
    assert "chapters" in listed["803"].reason
    assert (listed["101"].completes, listed["101"].reason) == (None, "")


# enrolling


def test_an_enrolment_is_never_a_free_trial(bench: ThinkificBench, thinkific: Thinkific, ada: str) -> None:
    assert thinkific.enrol(learner=ada, course="101") is EnrolmentState.MADE
    shown = bench.lms.enrol(int(ada), 101)
    assert (shown["free_trial"], bool(shown["activated_at"])) == (False, True)


@pytest.mark.parametrize("standing", [{"free_trial": True}, {"expired": True}])
def test_trials_and_expired_enrolments_are_not_changed(
    bench: ThinkificBench, thinkific: Thinkific, ada: str, standing: dict[str, bool]
) -> None:
    before = bench.lms.enrol(int(ada), 101, **standing)
    with pytest.raises(Rejected, match="not changed"):
        thinkific.enrol(learner=ada, course="101")
    assert bench.called("POST") == []
    assert bench.lms.enrol(int(ada), 101) == before


@pytest.mark.parametrize(("learner", "course"), [("999", "101"), ("1", "999"), ("ada", "101"), ("1", "first-aid")])
def test_who_or_what_thinkific_does_not_know_is_not_enrolled(
    thinkific: Thinkific, ada: str, learner: str, course: str
) -> None:
    with pytest.raises(Rejected):
        thinkific.enrol(learner=learner, course=course)


@pytest.mark.parametrize("kind", ["drop_after", "drop_before", "html", "garbage", "empty_200", "redirect"])
def test_an_enrolment_without_a_clear_answer_is_unsure_and_may_be_repeated(
    bench: ThinkificBench, thinkific: Thinkific, ada: str, kind: str
) -> None:
    bench.control.fault("thinkific", kind, method="POST", times=1)
    with pytest.raises(Unsure):
        thinkific.enrol(learner=ada, course="101")
    expected = EnrolmentState.EXISTED if kind == "drop_after" else EnrolmentState.MADE
    assert thinkific.enrol(learner=ada, course="101") is expected


# trouble


@pytest.mark.parametrize(
    ("status", "kind"), [(400, Rejected), (403, Misconfigured), (404, Rejected), (422, Rejected)]
)
def test_refusals_have_their_class(
    bench: ThinkificBench, ada: str, course: str, status: int, kind: type[Failure]
) -> None:
    bench.complete(ada, course)
    bench.control.fault("thinkific", "status", status=status)
    with pytest.raises(kind):
        bench.read(ada, course)


def test_a_redirect_is_an_outage(bench: ThinkificBench, ada: str, course: str) -> None:
    bench.complete(ada, course)
    for path in ("/api/public/v1/enrollments", "/stable/graphql"):
        bench.control.fault("thinkific", "redirect", path=path, times=1)
        with pytest.raises(Outage, match=r"redirect|302"):
            bench.read(ada, course, SCORES)
    assert bench.read(ada, course, SCORES).scores


def test_the_pause_is_told_in_milliseconds() -> None:
    named = clock.now() + timedelta(seconds=40)
    until = pause({"RateLimit-Reset": str(int(named.timestamp() * 1000))})
    assert timedelta(0) <= until - named <= timedelta(seconds=1)


@pytest.mark.parametrize("text", ["", "soon", "40", "-5", "²", "9" * 30, "1e12"])
def test_a_pause_that_is_not_told_so_is_the_usual_one(text: str) -> None:
    until = pause({"ratelimit-reset": text}) - clock.now()
    assert timedelta(0) < until <= DEFAULT_PAUSE


def test_a_pause_of_the_past_or_of_next_year_is_kept_within_reason() -> None:
    past, far = (str(int((clock.now() + timedelta(days=days)).timestamp() * 1000)) for days in (-400, 400))
    assert timedelta(0) < pause({"RateLimit-Reset": past}) - clock.now() <= timedelta(seconds=1)
    assert pause({"RateLimit-Reset": far}) - clock.now() <= LONGEST_PAUSE


def test_a_failure_names_nobody(bench: ThinkificBench, ada: str, course: str) -> None:
    with pytest.raises(Rejected) as caught:
        bench.read("987654", course)
    assert "987654" not in caught.value.detail


@pytest.mark.parametrize(("options", "wrong"), [
    ({"subdomain": "academy.thinkific.com"}, "subdomain"), ({"key": "in the open"}, "key"),
    ({"secrets": []}, "secrets"), ({"supervisor_field": ""}, "supervisor_field"), ({"api": "thinkific"}, "api"),
    ({"colour": "red"}, "colour"),
])  # fmt: skip
def test_options_are_checked(bench: ThinkificBench, options: dict[str, Any], wrong: str) -> None:
    assert list(ThinkificSchema().validate({**bench.options(), **options})) == [wrong]
