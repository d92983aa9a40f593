"""Docebo bound to the suite for LMSs; and what is its own: groups, statuses, people, prerequisites, enrolling."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

import pytest
from marshmallow import ValidationError

from pipeline import clock
from pipeline.courses import EnrolmentState
from pipeline.errors import Failure, Misconfigured, NotReady, Outage, Rejected, Unsure
from pipeline.lms.docebo import Docebo, DoceboSchema
from pipeline.oauth import forget_tokens
from pipeline.settings import Settings
from pipeline.values import Fact, PrerequisiteState, Record
from pipeline.webhook import Entrance, Invalid, Unauthenticated
from sandbox.control import SandboxControl
from tests.contracts.lms_bench import Bench, Trait, Wire
from tests.contracts.lms_hearing import HearingSuite
from tests.contracts.lms_suite import LmsSuite

USER = "confer"
ENROLMENTS = "/course/v1/courses/enrollments"
ENROL = "/learn/v1/enrollments"
PAST = "2026-01-31 10:00:00"


def written(at: datetime) -> str:
    """As Docebo writes an instant."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


class DoceboBench(Bench):
    """A platform whose webhook shows a user and a password."""

    adapter = Docebo
    system = "docebo"
    past_three_pages = 16
    grouped = False
    lacks: ClassVar[Mapping[Trait, str]] = {
        Trait.SIGNATURE: "Docebo signs nothing; it shows HTTP Basic (contract 1.3)",
        Trait.FRESHNESS: "nothing binds the time of sending; the event is verified by asking (contract, careful 3)",
    }

    def __init__(self, control: SandboxControl, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
        super().__init__(control, monkeypatch, url)
        forget_tokens()  # the twin has forgotten them too
        self.lms.set(page_cap=5)
        self.more: dict[str, Any] = {}

    def options(self) -> dict[str, Any]:
        secret = self.env("DOCEBO_SECRET", "docebo-client-secret")
        return {"site": self.url, "client_id": "confer", "client_secret": secret, **self.more}

    def entrance(self) -> Entrance:
        return Entrance(basic=tuple(f"{USER}:{secret}" for secret in self.secrets))

    def learner(self, number: int) -> str:
        self.lms.add_learner(number, name=f"Learner {number}", email=f"learner{number}@learners.example")
        return str(number)

    def course(self, number: int) -> str:
        self.lms.add_course(700 + number, name=f"Course {number}", code=f"C{number}")
        return str(700 + number)

    def complete(self, learner: str, course: str, *, at: datetime | None = None, lag_reads: int = 0) -> Wire:
        more: dict[str, Any] = {"completed_at": written(at)} if at else {}
        return self.announce(learner, course, lag_reads=lag_reads, score=86.5, time_spent_seconds=5420, **more)

    def announce(self, learner: str, course: str, send: Mapping[str, Any] | None = None, **more: Any) -> Wire:
        told = {"url": "http://receiver.example/hooks", "dry": True, "grouped": self.grouped, **(send or {})}
        told |= {"user": USER, "password": self.secrets[0]}
        sent = self.lms.complete(int(learner), int(course), send=told, **more)
        return Wire(raw=sent["raw"].encode(), headers=sent["headers"])

    def again(self, learner: str, course: str, wire: Wire) -> Wire:
        document = self.document(wire)
        [payload] = document.get("payloads") or [document["payload"]]
        return self.announce(learner, course, completed_at=payload["completion_date"])

    def seal(self, payload: bytes, *, secret: str | None, at: datetime | None = None) -> Wire:
        shown = base64.b64encode(f"{USER}:{secret}".encode()).decode()
        proof = {} if secret is None else {"Authorization": f"Basic {shown}"}
        return Wire(raw=payload, headers={"Content-Type": "application/json", **proof})

    def batch(self, pairs: list[tuple[str, str]]) -> Wire:
        (learner, course), *others = pairs
        also = [{"learner": int(one), "course": int(other)} for one, other in others]
        found = next(one for one in self.swept(course) if one.learner == learner)
        return self.announce(learner, course, {"also": also}, completed_at=written(found.occurred_at))

    def expire_token(self) -> None:
        self.lms.set(expire_tokens=True)


class Grouped(DoceboBench):
    """A webhook that is set to group events of the same type."""

    grouped = True


class TestDocebo(LmsSuite):
    bench_type = DoceboBench


class TestGrouped(HearingSuite):
    bench_type = Grouped


@pytest.fixture
def bench(confer_env: Settings, control: SandboxControl, monkeypatch: pytest.MonkeyPatch) -> Iterator[DoceboBench]:
    yield DoceboBench(control, monkeypatch, f"{control.base_url}/docebo")
    forget_tokens()


@pytest.fixture
def pair(bench: DoceboBench) -> tuple[str, str]:
    return bench.learner(1), bench.course(1)


def docebo(bench: DoceboBench) -> Docebo:
    return Docebo(bench.account())


def record(bench: DoceboBench, pair: tuple[str, str], *prerequisites: str, needs: frozenset[Fact]) -> Record:
    learner, course = pair
    return docebo(bench).record(learner=learner, course=course, needs=needs, prerequisites=prerequisites)


def heard(bench: DoceboBench, document: Any) -> Any:
    return bench.hear(bench.seal(json.dumps(document).encode(), secret=bench.secrets[0]))


def asked(bench: DoceboBench, path: str, method: str = "GET") -> int:
    return sum((one["path"], one["method"]) == (path, method) for one in bench.control.calls("docebo"))


# hearing


def test_the_key_of_a_completion_is_its_course_its_learner_and_its_time_in_utc(
    bench: DoceboBench, pair: tuple[str, str]
) -> None:
    wire = bench.announce(*pair, completed_at="2026-10-01 14:58:25", send={"message_id": "wh-20261001-145834-5bf0"})
    said = bench.hear(wire)
    assert (said.key, said.events[0].key) == ("wh-20261001-145834-5bf0", "completed:701:1:2026-10-01T14:58:25Z")
    assert said.events[0].occurred_at == datetime(2026, 10, 1, 14, 58, 25, tzinfo=UTC)


@pytest.mark.parametrize("size", [1, 25, 40])
def test_a_group_of_any_size_is_one_delivery(bench: DoceboBench, size: int) -> None:
    course = bench.course(1)
    document = bench.document(bench.announce(bench.learner(1), course, {"grouped": True}))
    [one] = document["payloads"]
    document["payloads"] = [{**one, "user_id": 1 + number} for number in range(size)]
    said = heard(bench, document)
    assert said.key == document["message_id"]
    assert [event.learner for event in said.events] == [str(1 + number) for number in range(size)]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"payload": None}, "payload"),
        ({"payloads": []}, "payload"),
        ({"payload": None, "payloads": [7]}, "payloads"),
        ({"message_id": ""}, "message_id"),
        ({"message_id": "a\x00b"}, "message_id"),
        ({"message_id": "x" * 201}, "message_id"),
        ({"event": None}, "event"),
    ],
)
def test_a_message_that_is_none_is_refused(
    bench: DoceboBench, pair: tuple[str, str], change: dict[str, Any], named: str
) -> None:
    document = bench.document(bench.announce(*pair))
    with pytest.raises(Invalid) as caught:
        heard(bench, {**document, **change})
    assert named in caught.value.fields


@pytest.mark.parametrize("without", ["user_id", "course_id", "completion_date"])
def test_an_event_needs_a_learner_a_course_and_a_time(
    bench: DoceboBench, pair: tuple[str, str], without: str
) -> None:
    wire = bench.announce(*pair, send={"without": [without]})
    with pytest.raises(Invalid) as caught:
        bench.hear(wire)
    assert set(caught.value.fields) == {without}


def test_what_some_platforms_leave_out_is_not_missed(bench: DoceboBench, pair: tuple[str, str]) -> None:
    send = {"without": ["username", "course_name", "level"], "original_domain": None, "job": "a1b2c3"}
    assert len(bench.hear(bench.announce(*pair, send=send)).events) == 1


def test_a_completion_in_the_future_is_refused_but_not_one_in_another_time_zone(
    bench: DoceboBench, pair: tuple[str, str]
) -> None:
    now = clock.now()
    assert bench.hear(bench.announce(*pair, completed_at=written(now + timedelta(hours=14)))).events
    with pytest.raises(Invalid):
        bench.hear(bench.announce(*pair, completed_at=written(now + timedelta(days=2))))


@pytest.mark.parametrize("level", ["student", "learner", "Student"])
def test_learners_have_two_names(bench: DoceboBench, pair: tuple[str, str], level: str) -> None:
    assert bench.hear(bench.announce(*pair, send={"payload": {"level": level}})).events


def test_who_teaches_is_ignored_and_the_rest_of_the_group_is_not(bench: DoceboBench, pair: tuple[str, str]) -> None:
    said = bench.hear(bench.announce(*pair, send={"payload": {"level": "tutor"}}))
    assert (said.events, said.key) == ((), "")
    assert "'tutor'" in said.ignored
    document = bench.document(bench.announce(*pair, send={"grouped": True}))
    document["payloads"].append({**document["payloads"][0], "user_id": 2, "level": "instructor"})
    assert [event.learner for event in heard(bench, document).events] == ["1"]


@pytest.mark.parametrize("event", ["course.enrollment.updated", "user.created", "course.enrollment.Completed"])
def test_other_events_are_ignored_by_name(bench: DoceboBench, pair: tuple[str, str], event: str) -> None:
    said = bench.hear(bench.announce(*pair, send={"event": event}))
    assert said.events == ()
    assert event in said.ignored


def test_an_empty_group_is_ignored(bench: DoceboBench, pair: tuple[str, str]) -> None:
    document = bench.document(bench.announce(*pair, send={"grouped": True}))
    assert heard(bench, {**document, "payloads": []}).ignored == "a group without events"


@pytest.mark.parametrize("domain", ["evil.example", None, "acme.docebosaas.com.evil.example"])
def test_messages_of_another_platform_are_refused_where_the_account_names_its_own(
    bench: DoceboBench, pair: tuple[str, str], domain: str | None
) -> None:
    bench.more = {"domain": "ACME.docebosaas.com"}
    assert bench.hear(bench.announce(*pair)).events
    with pytest.raises(Unauthenticated):
        bench.hear(bench.announce(*pair, send={"original_domain": domain}))


def test_what_an_administrator_has_sent_along_is_not_stored(bench: DoceboBench, pair: tuple[str, str]) -> None:
    wire = bench.announce(*pair, send={"extra_data": {"token": "a-shared-secret"}})
    stored = bench.hear(wire).body
    assert b"a-shared-secret" in wire.raw
    assert b"a-shared-secret" not in stored
    assert heard(bench, json.loads(stored)).events == bench.hear(wire).events


# the record


def test_everything_that_an_enrolment_tells_is_read(bench: DoceboBench, pair: tuple[str, str]) -> None:
    bench.complete(*pair, at=datetime(2026, 10, 1, 14, 58, 25, tzinfo=UTC))
    found = record(bench, pair, needs=frozenset({Fact.SCORES, Fact.TIME, Fact.HOLDS}))
    assert (found.course_code, found.course_title) == ("C1", "Course 1")
    assert found.completed_at == datetime(2026, 10, 1, 14, 58, 25, tzinfo=UTC)
    assert [(one.percent, one.total) for one in found.scores] == [(Decimal("86.5"), True)]
    assert (found.time_spent, found.holds) == (timedelta(seconds=5420), ())


def test_what_was_not_asked_for_is_not_told(bench: DoceboBench, pair: tuple[str, str]) -> None:
    bench.complete(*pair)
    bench.lms.enrol(1, 701, end="2026-10-01 00:00:00")
    found = record(bench, pair, needs=frozenset())
    assert (found.scores, found.time_spent, found.holds, found.learner.supervisor_email) == ((), None, (), None)
    assert asked(bench, "/manage/v1/users/1/managers") == 0


@pytest.mark.parametrize(("score", "percent"), [(None, None), ("79.995", "79.995"), (0, "0"), (100, "100")])
def test_a_score_is_exact_and_may_be_missing(
    bench: DoceboBench, pair: tuple[str, str], score: Any, percent: str | None
) -> None:
    bench.announce(*pair, score=score)
    [total] = record(bench, pair, needs=frozenset({Fact.SCORES})).scores
    assert total.percent == (None if percent is None else Decimal(percent))


@pytest.mark.parametrize("score", [100.5, "-1"])
def test_a_score_that_can_be_no_percentage_is_for_a_person(
    bench: DoceboBench, pair: tuple[str, str], score: Any
) -> None:
    bench.announce(*pair, score=score)
    with pytest.raises(Rejected, match="percentage"):
        record(bench, pair, needs=frozenset({Fact.SCORES}))
    assert record(bench, pair, needs=frozenset()).completed_at


@pytest.mark.parametrize("numbers", [False, True])
@pytest.mark.parametrize(
    ("status", "failure"),
    [
        ("waiting", NotReady),
        ("subscribed", NotReady),
        ("in_progress", NotReady),
        ("suspended", Rejected),
        ("completed", None),
    ],
)
def test_a_status_means_the_same_as_a_word_and_as_a_number(
    bench: DoceboBench, pair: tuple[str, str], status: str, failure: type[Failure] | None, numbers: bool
) -> None:
    bench.complete(*pair)
    bench.lms.set(status_numbers=numbers)
    bench.lms.enrol(1, 701, status=status)
    if failure is None:
        assert record(bench, pair, needs=frozenset()).completed_at
        return
    with pytest.raises(failure):
        record(bench, pair, needs=frozenset())


@pytest.mark.parametrize(
    ("status", "failure"),
    [
        ("enrolled", NotReady),
        ("overbooking", NotReady),
        ("Passed", Rejected),
        ("22", Rejected),
        ("unknown", Rejected),
    ],
)
def test_a_status_that_is_not_known_never_passes(
    bench: DoceboBench, pair: tuple[str, str], status: str, failure: type[Failure]
) -> None:
    bench.complete(*pair)
    bench.lms.enrol(1, 701, status=status)
    with pytest.raises(failure):
        record(bench, pair, needs=frozenset())


def test_completed_without_a_date_is_not_there_yet(bench: DoceboBench, pair: tuple[str, str]) -> None:
    bench.announce(*pair, completed_at=None)
    with pytest.raises(NotReady):
        record(bench, pair, needs=frozenset())


def test_who_is_no_learner_or_not_enrolled_gets_nothing(bench: DoceboBench, pair: tuple[str, str]) -> None:
    with pytest.raises(Rejected, match="no enrolment"):
        record(bench, pair, needs=frozenset())
    bench.complete(*pair)
    bench.lms.enrol(1, 701, level="tutor")
    with pytest.raises(Rejected, match="other than a learner"):
        record(bench, pair, needs=frozenset())


@pytest.mark.parametrize(
    ("user", "enrolment", "kinds"),
    [
        ({"valid": False}, {}, ["suspended"]),
        ({"expiration": "2026-01-31"}, {}, ["expired"]),
        ({"expiration": PAST}, {}, ["expired"]),
        ({"expiration": "9999-12-31"}, {}, []),
        ({}, {"end": PAST}, ["expired"]),
        ({}, {"begin": "2126-01-31 10:00:00"}, ["flagged"]),
        ({}, {"begin": PAST, "end": "2126-01-31 10:00:00"}, []),
        ({"valid": False, "expiration": "2026-01-31"}, {"end": PAST}, ["suspended", "expired", "expired"]),
    ],
)
def test_what_speaks_against_issuing_is_told(
    bench: DoceboBench, pair: tuple[str, str], user: dict[str, Any], enrolment: dict[str, Any], kinds: list[str]
) -> None:
    bench.complete(*pair)
    bench.lms.add_learner(1, name="Learner 1", email="learner1@learners.example", **user)
    bench.lms.enrol(1, 701, **enrolment)
    found = record(bench, pair, needs=frozenset({Fact.HOLDS}))
    assert [one.kind for one in found.holds] == kinds
    assert found.learner.suspended == ("suspended" in kinds)


def test_a_day_of_expiration_counts_to_its_end(bench: DoceboBench, pair: tuple[str, str]) -> None:
    bench.complete(*pair, at=datetime(2026, 10, 1, tzinfo=UTC))
    bench.lms.add_learner(1, name="Learner 1", email="learner1@learners.example", expiration="2026-10-31")
    kinds = []
    for day in (31, 32):
        with clock.frozen(datetime(2026, 10, 1, 12, tzinfo=UTC) + timedelta(days=day - 1)):
            kinds.append([one.kind for one in record(bench, pair, needs=frozenset({Fact.HOLDS})).holds])
    assert kinds == [[], ["expired"]]


def test_a_learner_without_an_address_or_a_second_name(bench: DoceboBench, pair: tuple[str, str]) -> None:
    bench.complete(*pair)
    bench.lms.add_learner(1, **{"name": "Ann", "email": None})
    found = record(bench, pair, needs=frozenset()).learner
    assert (found.name, found.email) == ("Ann", "")


@pytest.mark.parametrize(
    ("manager", "email"),
    [
        ({}, "boss@academy.example"),
        ({"valid": False}, None),
        ({"expiration": "2026-01-31"}, None),
        ({"email": None}, None),
    ],
)
def test_the_supervisor_is_the_manager_whose_account_is_in_force(
    bench: DoceboBench, pair: tuple[str, str], manager: dict[str, Any], email: str | None
) -> None:
    bench.complete(*pair)
    bench.lms.add_learner(9, **{"name": "The Boss", "email": "boss@academy.example", **manager})
    bench.lms.add_learner(1, name="Learner 1", email="learner1@learners.example", manager=9)
    assert record(bench, pair, needs=frozenset({Fact.SUPERVISOR})).learner.supervisor_email == email


@pytest.mark.parametrize("manager", [None, 0, 4711])
def test_no_manager_and_one_who_is_gone_are_nobody(
    bench: DoceboBench, pair: tuple[str, str], manager: int | None
) -> None:
    bench.complete(*pair)
    bench.lms.add_learner(1, name="Learner 1", email="learner1@learners.example", manager=manager)
    assert record(bench, pair, needs=frozenset({Fact.SUPERVISOR})).learner.supervisor_email is None


def test_a_user_who_is_gone_is_for_a_person(bench: DoceboBench, pair: tuple[str, str]) -> None:
    bench.complete(*pair)
    bench.control.fault("docebo", "status", path="/manage/v1/user/", status=404)
    with pytest.raises(Rejected, match="no such user"):
        record(bench, pair, needs=frozenset())


def test_another_user_than_the_one_asked_for_is_an_outage(bench: DoceboBench, pair: tuple[str, str]) -> None:
    bench.complete(*pair)
    body = json.dumps({"data": {"user_data": {"user_id": 2, "valid": 1, "email": "other@learners.example"}}})
    bench.control.fault("docebo", "status", path="/manage/v1/user/", status=200, body=body)
    with pytest.raises(Outage, match="another user"):
        record(bench, pair, needs=frozenset())


def test_enrolments_of_others_that_an_answer_holds_do_not_count(bench: DoceboBench, pair: tuple[str, str]) -> None:
    row = {"enrollment_level": "student", "enrollment_status": "completed", "course_id": 701, "user_id": 2}
    body = json.dumps({"data": {"items": [row, {**row, "user_id": 1, "course_id": 702}], "has_more_data": False}})
    bench.control.fault("docebo", "status", path=ENROLMENTS, status=200, body=body)
    with pytest.raises(Rejected, match="no enrolment"):
        record(bench, pair, needs=frozenset())


def test_prerequisites_are_met_open_or_unclear_in_one_call(bench: DoceboBench, pair: tuple[str, str]) -> None:
    bench.complete(*pair)
    states = {"702": "completed", "703": "in_progress", "704": "suspended", "705": "archived", "707": "completed"}
    for course, status in states.items():
        bench.course(int(course) - 700)
        bench.lms.enrol(1, int(course), status=status, level="tutor" if course == "707" else "student")
    found = record(bench, pair, *states, "706", needs=frozenset({Fact.PREREQUISITES}))
    met, unmet, unclear = PrerequisiteState.MET, PrerequisiteState.UNMET, PrerequisiteState.UNCLEAR
    assert {one.course: one.state for one in found.prerequisites} == {
        "702": met, "703": unmet, "704": unmet, "705": unclear, "706": unclear, "707": unmet,
    }  # fmt: skip
    assert all(one.reason for one in found.prerequisites if one.state is not met)
    assert asked(bench, ENROLMENTS) == 2  # seven courses, five in a page


# what is asked, and what is answered


def test_a_right_that_is_lacking_is_no_matter_of_the_whole_account(bench: DoceboBench, pair: tuple[str, str]) -> None:
    bench.complete(*pair)
    bench.lms.set(forbidden=["/manage/"])
    with pytest.raises(Misconfigured, match="lacks a right") as caught:
        record(bench, pair, needs=frozenset())
    assert not caught.value.whole_account


@pytest.mark.parametrize(
    "body", ["[]", "{}", '{"data":null}', '{"data":[]}', '{"data":{"items":{}}}', '{"data":{"items":[7]}}',
             '{"data":{"items":[],"has_more_data":true}}', '{"data":{"items":[{"user_id":1}],"has_more_data":false}}']
)  # fmt: skip
def test_an_answer_of_another_shape_is_an_outage(bench: DoceboBench, pair: tuple[str, str], body: str) -> None:
    bench.complete(*pair)
    bench.control.fault("docebo", "status", path="^/(course|learn)/v1/courses", status=200, body=body)
    for ask in (lambda: record(bench, pair, needs=frozenset()), lambda: bench.swept("701"), docebo(bench).courses):
        with pytest.raises(Outage):
            ask()


def test_pages_that_come_again_and_again_are_an_outage(bench: DoceboBench) -> None:
    body = json.dumps({"data": {"items": [{"id_course": 1}], "has_more_data": True}})
    bench.control.fault("docebo", "status", path="/learn/v1/courses", status=200, body=body)
    with pytest.raises(Outage, match="no end"):
        docebo(bench).courses()


def test_a_redirect_to_a_sign_in_page_is_an_outage(bench: DoceboBench, pair: tuple[str, str]) -> None:
    bench.complete(*pair)
    record(bench, pair, needs=frozenset())
    bench.control.fault("docebo", "redirect", path="/course")
    with pytest.raises(Outage, match="redirect"):
        record(bench, pair, needs=frozenset())


def test_a_call_that_docebo_does_not_understand_is_for_a_person(bench: DoceboBench, pair: tuple[str, str]) -> None:
    bench.control.fault("docebo", "status", path=ENROLMENTS, status=400)
    with pytest.raises(Rejected, match="400"):
        record(bench, pair, needs=frozenset())


def test_tokens_of_a_user_work_as_well(bench: DoceboBench, pair: tuple[str, str]) -> None:
    bench.complete(*pair)
    password = bench.env("DOCEBO_PASSWORD", "docebo-password")
    bench.more = {"grant": "password", "username": "confer@academy.example", "password": password}
    assert record(bench, pair, needs=frozenset()).completed_at
    bench.more["username"] = "nobody@academy.example"
    with pytest.raises(Misconfigured) as caught:
        record(bench, pair, needs=frozenset())
    assert caught.value.whole_account


@pytest.mark.parametrize(
    "more",
    [
        {"grant": "password"},
        {"grant": "password", "username": "confer@academy.example"},
        {"username": "confer@academy.example", "password": "env:DOCEBO_SECRET"},
        {"grant": "authorization_code"},
        {"open_states": []},
        {"client_secret": "written down"},
    ],
)
def test_options_that_do_not_fit_are_refused(bench: DoceboBench, more: dict[str, Any]) -> None:
    options = bench.options()
    assert DoceboSchema().load(options)
    with pytest.raises(ValidationError):
        DoceboSchema().load({**options, **more})


# the sweep and the courses


def test_only_completions_of_learners_that_say_when_are_swept(bench: DoceboBench) -> None:
    course, learners = bench.course(1), [bench.learner(number) for number in range(1, 5)]
    for one in learners:
        bench.complete(one, course)
    bench.lms.enrol(1, 701, level="instructor")
    bench.lms.complete(2, 701, completed_at=None)
    bench.lms.enrol(3, 701, status="in_progress")
    assert [one.learner for one in bench.swept(course)] == ["4"]


def test_a_sweep_does_not_pass_over_a_status_that_is_not_known(bench: DoceboBench) -> None:
    row = {"enrollment_level": "student", "enrollment_status": "finished", "course_id": 701, "user_id": 2}
    body = json.dumps({"data": {"items": [row], "has_more_data": False}})
    bench.control.fault("docebo", "status", path=ENROLMENTS, status=200, body=body)
    with pytest.raises(Outage, match="status"):
        bench.swept("701")


def test_courses_that_learners_cannot_take_say_why(bench: DoceboBench) -> None:
    bench.lms.add_course(401, name="Draft", code="D", status="under_maintenance")
    listed = {one.ref: one for one in docebo(bench).courses()}
    assert (listed["401"].open, listed["301"].open) == (False, True)
    assert "under_maintenance" in listed["401"].reason
    assert (listed["301"].code, listed["301"].completes) == ("HC101", None)
    bench.more = {"open_states": ["Published", "Under_Maintenance"]}
    assert all(one.open for one in docebo(bench).courses())


# enrolling


@pytest.mark.parametrize("form", ["objects", "ids"])
def test_an_enrolment_is_understood_in_either_form(bench: DoceboBench, pair: tuple[str, str], form: str) -> None:
    bench.lms.set(enrolled_as=form)
    learner, course = pair
    assert docebo(bench).enrol(learner=learner, course=course) is EnrolmentState.MADE
    bench.lms.add_course(702, name="Full", seats=0)
    states = [docebo(bench).enrol(learner=learner, course="702") for _ in range(2)]
    assert states == [EnrolmentState.WAITING, EnrolmentState.WAITING]
    assert asked(bench, ENROL, "POST") == 2


@pytest.mark.parametrize(
    ("enrolment", "said"),
    [
        ({"status": "suspended"}, "suspended"),
        ({"status": "archived"}, "not known"),
        ({"level": "tutor"}, "other than"),
    ],
)
def test_an_enrolment_that_a_learner_cannot_use_is_never_touched(
    bench: DoceboBench, pair: tuple[str, str], enrolment: dict[str, str], said: str
) -> None:
    learner, course = pair
    bench.lms.enrol(1, 701, **enrolment)
    with pytest.raises(Rejected, match=said):
        docebo(bench).enrol(learner=learner, course=course)
    assert asked(bench, ENROL, "POST") == 0


@pytest.mark.parametrize("state", ["subscribed", "in_progress", "completed"])
def test_an_enrolment_that_exists_is_not_written_again(bench: DoceboBench, pair: tuple[str, str], state: str) -> None:
    bench.lms.enrol(1, 701, status=state)
    assert docebo(bench).enrol(learner="1", course="701") is EnrolmentState.EXISTED
    assert asked(bench, ENROL, "POST") == 0


def test_an_enrolment_that_somebody_else_made_meanwhile_existed(bench: DoceboBench, pair: tuple[str, str]) -> None:
    bench.lms.enrol(1, 701)
    empty = json.dumps({"data": {"items": [], "has_more_data": False}})
    bench.control.fault("docebo", "status", path=ENROLMENTS, status=200, body=empty, times=1)
    assert docebo(bench).enrol(learner="1", course="701") is EnrolmentState.EXISTED
    assert asked(bench, ENROL, "POST") == 1


@pytest.mark.parametrize(("learner", "course"), [("999", "701"), ("1", "999"), ("1", "C1"), ("²", "701")])
def test_who_or_what_docebo_does_not_know_is_not_enrolled(
    bench: DoceboBench, pair: tuple[str, str], learner: str, course: str
) -> None:
    with pytest.raises(Rejected):
        docebo(bench).enrol(learner=learner, course=course)


@pytest.mark.parametrize("fault", ["drop_after", "drop_before", "html", "garbage", "empty_200", "redirect"])
def test_an_enrolment_without_a_clear_answer_is_unsure_and_may_be_repeated(
    bench: DoceboBench, pair: tuple[str, str], fault: str
) -> None:
    bench.control.fault("docebo", fault, path=ENROL, times=1)
    with pytest.raises(Unsure):
        docebo(bench).enrol(learner="1", course="701")
    state = docebo(bench).enrol(learner="1", course="701")
    assert state is (EnrolmentState.EXISTED if fault == "drop_after" else EnrolmentState.MADE)
