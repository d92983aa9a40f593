"""Moodle bound to the suite for LMSs, once for each plug-in; and its sweep, its enrolling, its statements."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from pipeline import clock
from pipeline.courses import EnrolmentState
from pipeline.errors import Failure, Misconfigured, Outage, Rejected, Unsure
from pipeline.lms.moodle import Moodle
from pipeline.settings import Settings
from pipeline.values import Fact
from pipeline.webhook import Invalid
from sandbox.control import SandboxControl, send_to
from tests.contracts.lms_bench import Bench, Trait, Wire
from tests.contracts.lms_hearing import HearingSuite
from tests.contracts.lms_suite import LmsSuite

ENROL = "enrol_manual_enrol_users"


class LocalWebhooks(Bench):
    """Moodle with the plug-in that puts its secret into the body."""

    adapter = Moodle
    system = "moodle"
    past_three_pages = 301
    sender = "local_webhooks"
    lacks: Mapping[Trait, str] = {
        Trait.SIGNATURE: "every plug-in shows a shared secret; none signs (contract 1.2 to 1.4)",
        Trait.FRESHNESS: "nothing binds the time of sending; the event is verified by asking (contract, careful 2)",
        Trait.BATCH: "local_webhooks and tool_trigger send one event in one request",
        Trait.RENEWAL: "tokens are made by hand in Moodle; only an administrator can make another",
        Trait.SAME_KEY: "neither the row's id nor the time of the event is in any answer of the API (contract 1.6)",
    }

    def options(self) -> dict[str, Any]:
        secrets = [self.env(f"MOODLE_SECRET_{place}", text) for place, text in enumerate(self.secrets)]
        return {"site": self.url, "token": self.env("MOODLE_TOKEN", "moodle-token"), "secrets": secrets}

    def learner(self, number: int) -> str:
        self.control.add_learner(number, name=f"Learner {number}", email=f"learner{number}@learners.example")
        return str(number)

    def course(self, number: int) -> str:
        quiz = {"cmid": 7000 + number, "modname": "quiz", "name": "Final quiz"}
        self.control.add_course(700 + number, shortname=f"C{number}", fullname=f"Course {number}", modules=[quiz])
        return str(700 + number)

    def complete(self, learner: str, course: str, *, at: datetime | None = None, lag_reads: int = 0) -> Wire:
        when = {"completed_at": int(at.timestamp())} if at else {}
        sent = self.control.complete(
            int(learner), int(course), score="90", lag_reads=lag_reads, send=self.send(), **when
        )
        self.rows = {**getattr(self, "rows", {}), (learner, course): sent["objectid"]}
        return self.wire(sent)

    def again(self, learner: str, course: str, wire: Wire) -> Wire:
        return self.wire(self.control.resend(self.rows[learner, course], self.send()))

    def crowd(self, course: str, size: int) -> frozenset[str]:
        refs = [int(self.learner(1000 + number)) for number in range(size)]
        self.control.complete_many([{"learner": ref, "course": int(course), "score": "90"} for ref in refs])
        return frozenset(map(str, refs))

    def send(self, **more: Any) -> dict[str, Any]:
        return send_to("http://receiver.example/hooks", self.secrets[0], self.sender, dry=True, **more)

    def wire(self, sent: dict[str, Any]) -> Wire:
        return Wire(raw=sent["raw"].encode(), headers=sent["headers"])

    def document(self, wire: Wire) -> Any:
        return {key: value for key, value in json.loads(wire.raw).items() if key != "token"}

    def seal(self, payload: bytes, *, secret: str | None, at: datetime | None = None) -> Wire:
        text = payload.strip()
        if secret is not None and text.endswith(b"}"):
            comma = b"," if len(text) > 2 else b""
            payload = text[:-1] + comma + b'"token":' + json.dumps(secret).encode() + b"}"
        return Wire(raw=payload, headers={"Content-Type": "application/json"})


class ToolTrigger(LocalWebhooks):
    """Moodle with the workflow whose HTTP step carries its secret as a Bearer token."""

    sender = "tool_trigger"

    def document(self, wire: Wire) -> Any:
        return json.loads(wire.raw)

    def seal(self, payload: bytes, *, secret: str | None, at: datetime | None = None) -> Wire:
        proof = {} if secret is None else {"Authorization": f"Bearer {secret}"}
        return Wire(raw=payload, headers={"Content-Type": "application/json", **proof})


class LogstoreXapi(LocalWebhooks):
    """Moodle with the store that sends batches of statements, and takes only 200."""

    sender = "logstore_xapi"
    lacks = {trait: reason for trait, reason in LocalWebhooks.lacks.items() if trait is not Trait.BATCH}  # noqa: RUF012

    def document(self, wire: Wire) -> Any:
        return json.loads(wire.raw)

    def wire(self, sent: dict[str, Any]) -> Wire:
        return Wire(raw=sent["raw"].encode(), headers=sent["headers"], path="statements")

    def batch(self, pairs: list[tuple[str, str]]) -> Wire:
        first, *others = [self.rows[pair] for pair in pairs]
        return self.wire(self.control.resend(first, self.send(also=others, noise=True)))

    def seal(self, payload: bytes, *, secret: str | None, at: datetime | None = None) -> Wire:
        shown = base64.b64encode(f"moodle:{secret}".encode()).decode()
        proof = {} if secret is None else {"Authorization": f"Basic {shown}"}
        return Wire(raw=payload, headers={"Content-Type": "application/json", **proof}, path="statements")


class TestLocalWebhooks(LmsSuite):
    bench_type = LocalWebhooks


class TestToolTrigger(HearingSuite):
    bench_type = ToolTrigger


class TestLogstoreXapi(HearingSuite):
    bench_type = LogstoreXapi


@pytest.fixture
def bench(confer_env: Settings, control: SandboxControl, monkeypatch: pytest.MonkeyPatch) -> LogstoreXapi:
    return LogstoreXapi(control, monkeypatch, f"{control.base_url}/moodle")


@pytest.fixture
def moodle(bench: LogstoreXapi) -> Moodle:
    return Moodle(bench.account())


def sweep(moodle: Moodle, course: str, known: frozenset[str] = frozenset()) -> set[str]:
    since = clock.now() - timedelta(days=1)
    return {one.learner for one in moodle.completions(course=course, since=since, known=known)}


# the sweep


def test_learners_that_are_known_cost_no_call(moodle: Moodle, bench: LogstoreXapi) -> None:
    course = bench.course(1)
    ada, ben = bench.crowd(course, 2)
    before = len(bench.control.calls("moodle"))
    assert sweep(moodle, course, known=frozenset({ada})) == {ben}
    asked = [call["operation"] for call in bench.control.calls("moodle")[before:]]
    assert asked.count("core_completion_get_course_completion_status") == 1


def test_who_was_suspended_or_has_left_is_not_swept(moodle: Moodle, bench: LogstoreXapi) -> None:
    course = bench.course(1)
    refs = sorted(bench.crowd(course, 3))
    bench.control.enrol(int(refs[0]), int(course), suspended=True)
    bench.control.enrol(int(refs[1]), int(course), enrolled=False)
    assert sweep(moodle, course) == {refs[2]}


def test_a_completion_without_a_time_is_not_swept_because_nobody_knows_how_old_it_is(
    moodle: Moodle, bench: LogstoreXapi
) -> None:
    bench.control.add_course(801, shortname="OLD", fullname="Imported", modules=[])
    learner = bench.learner(1)
    bench.control.complete(int(learner), 801)
    assert sweep(moodle, "801") == set()
    assert bench.read(learner, "801").completed_at


def test_the_sweep_of_an_unknown_course_or_without_criteria_is_for_a_person(
    moodle: Moodle, bench: LogstoreXapi
) -> None:
    with pytest.raises(Rejected):
        sweep(moodle, "999")
    bench.control.add_course(802, shortname="NC", fullname="No criteria", has_criteria=False)
    bench.control.enrol(int(bench.learner(1)), 802)
    with pytest.raises(Misconfigured, match="criteria"):
        sweep(moodle, "802")


@pytest.mark.parametrize("body", ["{}", '{"a":[]}', "[[]]", '[{"name":"x"}]', "[7]"])
def test_a_list_of_learners_of_another_shape_is_an_outage(moodle: Moodle, bench: LogstoreXapi, body: str) -> None:
    more: dict[str, Any] = {"status": 200, "function": "core_enrol_get_enrolled_users", "body": body, "times": 1}
    bench.control.fault("moodle", "status", **more)
    with pytest.raises(Outage):
        sweep(moodle, bench.course(1))
    more["function"] = "core_enrol_get_users_courses"
    bench.control.fault("moodle", "status", **more)
    with pytest.raises(Outage):
        moodle.enrol(learner=bench.learner(1), course=bench.course(1))


# courses


def test_courses_that_cannot_be_completed_say_why_and_the_front_page_is_none(
    moodle: Moodle, bench: LogstoreXapi
) -> None:
    bench.control.add_course(50, shortname="OFF", fullname="Off", enablecompletion=False, visible=False)
    listed = {one.ref: one for one in moodle.courses()}
    assert (listed["50"].completes, listed["50"].open, listed["50"].code) == (False, False, "OFF")
    assert "switched off" in listed["50"].reason
    assert (listed["12"].completes, listed["12"].open, listed["12"].reason) == (None, True, "")
    assert "1" not in listed


# enrolling


def enrolment(bench: LogstoreXapi, learner: str) -> dict[str, Any]:
    shown = bench.control._call("GET", "moodle/enrolments")["enrolments"]
    return dict(next((one for one in shown if one["learner"] == int(learner)), {}))


def test_a_suspended_enrolment_is_never_made_active_again(moodle: Moodle, bench: LogstoreXapi) -> None:
    learner, course = bench.learner(1), bench.course(1)
    bench.control.enrol(int(learner), int(course), suspended=True)
    with pytest.raises(Rejected, match="suspended"):
        moodle.enrol(learner=learner, course=course)
    assert enrolment(bench, learner)["suspended"] is True
    assert ENROL not in [call["operation"] for call in bench.control.calls("moodle")]


def test_an_enrolment_that_exists_is_not_written_again(moodle: Moodle, bench: LogstoreXapi) -> None:
    learner, course = bench.learner(1), bench.course(1)
    bench.control.enrol(int(learner), int(course))
    assert moodle.enrol(learner=learner, course=course) is EnrolmentState.EXISTED
    assert ENROL not in [call["operation"] for call in bench.control.calls("moodle")]


@pytest.mark.parametrize(("learner", "course"), [("999", "12"), ("1", "999")])
def test_who_or_what_moodle_does_not_know_is_not_enrolled(
    moodle: Moodle, bench: LogstoreXapi, learner: str, course: str
) -> None:
    bench.learner(1)
    with pytest.raises(Rejected):
        moodle.enrol(learner=learner, course=course)


def test_a_course_without_manual_enrolment_is_for_the_administrator(moodle: Moodle, bench: LogstoreXapi) -> None:
    bench.control.add_course(51, shortname="SELF", fullname="Self", manual_enrolment=False)
    with pytest.raises(Misconfigured, match="manual enrolment"):
        moodle.enrol(learner=bench.learner(1), course="51")


def test_a_role_that_may_not_be_assigned_is_for_the_administrator(
    bench: LogstoreXapi, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = bench.options()
    monkeypatch.setattr(bench, "options", lambda: {**options, "learner_role": 9})
    with pytest.raises(Misconfigured, match="role"):
        Moodle(bench.account()).enrol(learner=bench.learner(1), course="12")


@pytest.mark.parametrize(
    ("fault", "kind"), [("drop_after", Unsure), ("html", Unsure), ("garbage", Unsure), ("drop_before", Unsure)]
)
def test_an_enrolment_without_a_clear_answer_is_unsure_and_may_be_repeated(
    moodle: Moodle, bench: LogstoreXapi, fault: str, kind: type[Failure]
) -> None:
    learner, course = bench.learner(1), bench.course(1)
    bench.control.fault("moodle", fault, function=ENROL, times=1)
    with pytest.raises(kind):
        moodle.enrol(learner=learner, course=course)
    moodle.enrol(learner=learner, course=course)
    assert enrolment(bench, learner)["suspended"] is False


# statements


def test_the_answer_names_every_statement_and_stays_the_same(bench: LogstoreXapi) -> None:
    course = bench.course(1)
    pairs = [(bench.learner(number), course) for number in (1, 2)]
    for pair in pairs:
        bench.complete(*pair)
    wire = bench.batch(pairs)
    first, second = bench.hear(wire), bench.hear(wire)
    assert len(set(first.answer)) == len(bench.document(wire)) == 4
    assert first.answer == second.answer
    assert len(first.events) == 2


def test_a_batch_without_a_completion_is_ignored_and_answered(bench: LogstoreXapi) -> None:
    wire = bench.complete(bench.learner(1), bench.course(1))
    [statement] = bench.document(wire)
    statement["verb"]["id"] = "http://id.tincanapi.com/verb/viewed"
    heard = bench.hear(bench.seal(json.dumps([statement]).encode(), secret=bench.secrets[0]))
    assert (heard.events, len(heard.answer)) == ((), 1)
    assert heard.ignored
    empty = bench.hear(bench.seal(b"[]", secret=bench.secrets[0]))
    assert (empty.events, empty.answer) == ((), [])


def test_a_statement_claims_the_learner_s_name(bench: LogstoreXapi) -> None:
    [event] = bench.hear(bench.complete(bench.learner(1), bench.course(1))).events
    assert event.claim
    assert (event.claim.where, event.claim.name) == ("event", "Learner 1")


@pytest.mark.parametrize("actor", ["mbox", "hashed_mbox", "username"])
def test_a_statement_that_does_not_say_the_learner_s_id_is_refused_where_the_sender_sees_it(
    bench: LogstoreXapi, actor: str
) -> None:
    learner, course = bench.learner(1), bench.course(1)
    bench.complete(learner, course)
    sent = bench.control.resend(bench.rows[learner, course], bench.send(actor_as=actor))
    with pytest.raises(Invalid) as caught:
        bench.hear(bench.wire(sent))
    assert "actor" in str(caught.value.fields)


def test_a_module_that_was_completed_is_no_course(bench: LogstoreXapi) -> None:
    [statement] = bench.document(bench.complete(bench.learner(1), bench.course(1)))
    statement["object"]["id"] = "http://lms.example/mod/quiz/view.php?id=701"
    assert bench.hear(bench.seal(json.dumps([statement]).encode(), secret=bench.secrets[0])).events == ()


def test_names_are_supplied_only_where_the_account_says_that_events_carry_them(
    bench: LogstoreXapi, monkeypatch: pytest.MonkeyPatch
) -> None:
    without, options = Moodle.supplies(bench.account().options), bench.options()
    monkeypatch.setattr(bench, "options", lambda: {**options, "names_in_events": True})
    assert Moodle.supplies(bench.account().options) - without == {Fact.CLAIM}
