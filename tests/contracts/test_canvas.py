"""Canvas bound to the suite for LMSs, signed and plain; and what is its own of events, keys, tokens and pages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from jwt.algorithms import RSAAlgorithm
from marshmallow import ValidationError

from pipeline import clock
from pipeline.courses import EnrolmentState
from pipeline.errors import Misconfigured, Outage, Rejected, Throttled, Unsure
from pipeline.lms.canvas import Canvas
from pipeline.lms.canvas.access import CanvasClient
from pipeline.lms.canvas.enrolments import enrolments
from pipeline.settings import Settings
from pipeline.transport import Answer
from pipeline.webhook import Invalid, Unauthenticated
from sandbox.control import SandboxControl
from tests.contracts.canvas_bench import JWKS_PATH, TOKEN_PATH, PlainEvents, SignedEvents
from tests.contracts.lms_suite import LmsSuite
from tests.driver import Clock

ENROLMENTS = "/api/v1/courses"


class TestSignedEvents(LmsSuite):
    bench_type = SignedEvents


class TestPlainEvents(LmsSuite):
    bench_type = PlainEvents


@pytest.fixture
def bench(confer_env: Settings, control: SandboxControl, monkeypatch: pytest.MonkeyPatch) -> SignedEvents:
    return SignedEvents(control, monkeypatch, f"{control.base_url}/canvas")


@pytest.fixture
def done(bench: SignedEvents) -> tuple[str, str]:
    learner, course = bench.learner(1), bench.course(1)
    bench.complete(learner, course)
    return learner, course


def sealed(bench: SignedEvents, event: Any) -> Any:
    return bench.hear(bench.seal(json.dumps(event).encode(), secret=bench.secrets[0]))


# keys


def test_the_next_key_is_known_before_it_is_used(bench: SignedEvents, done: tuple[str, str]) -> None:
    bench.hear(bench.again(*done))
    bench.lms.set(rotate_keys=True)
    assert bench.hear(bench.again(*done)).events
    assert bench.asked(JWKS_PATH) == 1


def test_a_key_that_is_not_known_has_the_set_read_again_once_a_minute(
    bench: SignedEvents, done: tuple[str, str], still: Clock
) -> None:
    bench.hear(bench.again(*done))
    for _ in range(5):
        bench.lms.set(rotate_keys=True)
    rotated = bench.again(*done)
    for _ in range(3):
        with pytest.raises(Unauthenticated):
            bench.hear(rotated)
    assert bench.asked(JWKS_PATH) == 1
    still.go_to(still.now + timedelta(seconds=61))
    assert bench.hear(rotated).events
    forged = bench.again(*done, key="unpublished")
    for _ in range(3):
        with pytest.raises(Unauthenticated):
            bench.hear(forged)
    assert bench.asked(JWKS_PATH) == 2


def test_keys_are_forgotten_after_a_day(bench: SignedEvents, done: tuple[str, str], still: Clock) -> None:
    event = bench.document(bench.again(*done))
    sealed(bench, event)
    still.go_to(still.now + timedelta(hours=25))
    event["metadata"]["event_time"] = clock.now().isoformat()
    assert sealed(bench, event).events
    assert bench.asked(JWKS_PATH) == 2


@pytest.mark.parametrize("kind", ["html", "garbage", "drop_after", "redirect"])
def test_without_its_keys_the_event_has_to_come_again(
    bench: SignedEvents, done: tuple[str, str], still: Clock, kind: str
) -> None:
    wire = bench.again(*done)
    bench.control.fault("canvas", kind, path=JWKS_PATH)
    for _ in range(2):
        with pytest.raises(Outage):
            bench.hear(wire)
    assert bench.asked(JWKS_PATH) == 1
    bench.control.clear_faults()
    still.go_to(still.now + timedelta(seconds=61))
    assert bench.hear(wire).events


def test_known_keys_outlive_an_outage_of_their_set(bench: SignedEvents, done: tuple[str, str], still: Clock) -> None:
    bench.hear(bench.again(*done))
    bench.control.fault("canvas", "status", status=503, path=JWKS_PATH)
    still.go_to(still.now + timedelta(minutes=2))
    with pytest.raises(Outage):
        bench.hear(bench.again(*done, key="unpublished"))
    assert bench.hear(bench.again(*done)).events


@pytest.mark.parametrize(
    "spoilt", [{"use": "enc"}, {"alg": "RS512"}, {"kid": 7}, {"n": "AQAB"}, {"kty": "oct", "k": "AAAA"}, {"short": 1}]
)
def test_a_set_without_a_usable_key_is_an_outage(
    bench: SignedEvents, done: tuple[str, str], spoilt: dict[str, Any]
) -> None:
    size = 1024 if spoilt.pop("short", None) else 2048
    public = RSAAlgorithm.to_jwk(generate_private_key(65537, size).public_key(), as_dict=True)
    body = json.dumps({"keys": [{**public, "kid": "1", "use": "sig", "alg": "RS256", **spoilt}, "no key"]})
    bench.control.fault("canvas", "status", status=200, body=body, path=JWKS_PATH)
    with pytest.raises(Outage, match="none that is usable"):
        bench.hear(bench.again(*done))


# signatures


@pytest.mark.parametrize("send", [{"alg": "none"}, {"alg": "HS256"}, {"kid": ""}, {"signed": False}])
def test_only_a_named_key_and_its_algorithm_prove(
    bench: SignedEvents, done: tuple[str, str], send: dict[str, Any]
) -> None:
    with pytest.raises(Unauthenticated):
        bench.hear(bench.again(*done, **send))


@pytest.mark.parametrize("framing", ["raw", "json"])
@pytest.mark.parametrize("content_type", ["application/jwt", "application/json", "text/plain"])
def test_the_content_type_says_nothing(
    bench: SignedEvents, done: tuple[str, str], framing: str, content_type: str
) -> None:
    assert bench.hear(bench.again(*done, framing=framing, content_type=content_type)).events


@pytest.mark.parametrize("more", ["\n", "\r\n", "\n\n\n\n", "!!!!", "...."])
def test_signs_that_decoders_pass_over_are_no_part_of_a_signature(
    bench: SignedEvents, done: tuple[str, str], more: str
) -> None:
    wire = bench.again(*done)
    token = wire.raw.decode()
    for raw in (token + more, more + token, json.dumps(token + more), json.dumps([token.replace(".", f"{more}.")])):
        with pytest.raises(Unauthenticated):
            bench.hear(replace(wire, raw=raw.encode()))


def test_one_forged_event_spoils_the_batch(bench: SignedEvents, done: tuple[str, str]) -> None:
    good, bad = bench.again(*done).raw.decode(), bench.again(*done, key="unpublished").raw.decode()
    wire = bench.again(*done)
    with pytest.raises(Unauthenticated):
        bench.hear(replace(wire, raw=json.dumps([good, bad]).encode()))


@pytest.mark.parametrize(
    ("claim", "hours", "good"),
    [
        ("exp", 1, True), ("exp", -1, False), ("nbf", -1, True), ("nbf", 1, False),
        ("iat", -1, True), ("iat", 1, False), ("iat", -25, False),
    ],
)  # fmt: skip
def test_times_that_are_signed_hold(
    bench: SignedEvents, done: tuple[str, str], claim: str, hours: int, good: bool
) -> None:
    event = bench.document(bench.again(*done))
    event[claim] = int(clock.now().timestamp()) + hours * 3600
    if good:
        assert sealed(bench, event).events
    else:
        with pytest.raises(Unauthenticated):
            sealed(bench, event)


@pytest.mark.parametrize("value", ["soon", -1, 10**400, 1e300, [], {}, True])
def test_a_time_that_is_none_is_refused(bench: SignedEvents, done: tuple[str, str], value: Any) -> None:
    event = bench.document(bench.again(*done))
    with pytest.raises((Invalid, Unauthenticated)):
        sealed(bench, {**event, "exp": value, "metadata": {**event["metadata"]}})


def test_the_account_says_how_old_an_event_may_be(bench: SignedEvents, done: tuple[str, str]) -> None:
    bench.adapted(max_age="10 min")
    event = bench.document(bench.again(*done))
    for minutes, good in ((9, True), (11, False)):
        event["metadata"]["event_time"] = (clock.now() - timedelta(minutes=minutes)).isoformat()
        if good:
            assert sealed(bench, event).events
        else:
            with pytest.raises(Unauthenticated):
                sealed(bench, event)


def test_the_keys_sign_for_every_customer_so_the_root_account_is_compared(
    bench: SignedEvents, done: tuple[str, str]
) -> None:
    bench.adapted(root_account_uuid="OurOwnSchool")
    assert bench.hear(bench.again(*done, root_account_uuid="OurOwnSchool")).events
    with pytest.raises(Unauthenticated):
        bench.hear(bench.again(*done, root_account_uuid="AnotherSchool"))


# events


@pytest.mark.parametrize(
    "name", ["course_progress", "grade_change", "enrollment_state_updated", "submission_created", "of_next_year"]
)
def test_other_events_are_ignored_by_name(bench: SignedEvents, done: tuple[str, str], name: str) -> None:
    heard = bench.hear(bench.again(*done, event_name=name))
    assert heard.events == ()
    assert name in heard.ignored


def test_a_completion_without_progress_is_ignored(bench: SignedEvents, done: tuple[str, str]) -> None:
    heard = bench.hear(bench.again(*done, body={"progress": {"error": {"message": "not module based"}}}))
    assert heard.events == ()
    assert "no module requirements" in heard.ignored


@pytest.mark.parametrize("send", [{"actor": 5}, {"job": True}, {"text_counts": True}])
def test_the_learner_is_whom_the_body_names(bench: SignedEvents, done: tuple[str, str], send: dict[str, Any]) -> None:
    [usual], [event] = bench.hear(bench.again(*done)).events, bench.hear(bench.again(*done, **send)).events
    assert (event.key, event.learner) == (usual.key, done[0])


def test_ids_are_the_same_on_every_shard_and_global_or_local(bench: SignedEvents, done: tuple[str, str]) -> None:
    [event] = bench.hear(bench.again(*done)).events
    bench.lms.set(shard=0)
    [alone] = bench.hear(bench.again(*done)).events
    body = {"user": {"id": 21070000000000001}, "course": {"id": "21070000000000701"}}
    [everywhere] = bench.hear(bench.again(*done, body=body)).events
    assert event.key == alone.key == everywhere.key


def test_an_event_claims_name_and_address(bench: SignedEvents, done: tuple[str, str]) -> None:
    [event] = bench.hear(bench.again(*done)).events
    assert event.claim
    assert (event.claim.where, event.claim.name) == ("event", "Learner 1")
    assert event.claim.email == "learner1@learners.example"


def test_device_and_log_in_of_the_person_are_not_kept(bench: SignedEvents, done: tuple[str, str]) -> None:
    stored = bench.hear(bench.again(*done)).body.decode()
    assert "course_completed" in stored
    for kept in ("client_ip", "203.0.113.7", "user_agent", "session_id", "user_login", "referrer"):
        assert kept not in stored


@pytest.mark.parametrize("at", [None, "tomorrow", "2026-10-01T19:11:12", "9999-01-01T00:00:00Z", 7])
def test_a_completion_without_a_time_that_can_be_is_refused(
    bench: SignedEvents, done: tuple[str, str], at: Any
) -> None:
    with pytest.raises(Invalid) as caught:
        bench.hear(bench.again(*done, body={"progress": {"completed_at": at}}))
    assert "progress" in str(caught.value.fields)


# tokens


def test_one_token_serves_all_of_the_process(bench: SignedEvents, done: tuple[str, str]) -> None:
    for _ in range(3):
        bench.read(*done)
    assert bench.asked(TOKEN_PATH) == 1


def test_a_token_made_by_hand_is_shown_and_never_renewed(
    bench: SignedEvents, done: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    token = {"token": bench.env("CANVAS_TOKEN", "canvas-token")}
    monkeypatch.setattr(bench, "developer_key", lambda: token)
    assert bench.read(*done).completed_at
    bench.lms.set(token="another")
    with pytest.raises(Misconfigured) as caught:
        bench.read(*done)
    assert caught.value.whole_account
    assert "canvas-token" not in caught.value.detail
    assert bench.asked(TOKEN_PATH) == 0


@pytest.mark.parametrize("status", [401, 403])
def test_a_missing_right_is_no_bad_token(bench: SignedEvents, done: tuple[str, str], status: int) -> None:
    bench.lms.set(forbidden=["/profile"], forbidden_status=status)
    with pytest.raises(Misconfigured, match="lacks a right") as caught:
        bench.read(*done)
    assert not caught.value.whole_account
    assert bench.asked(TOKEN_PATH) == 1


@pytest.mark.parametrize("name", ["client_id", "client_secret", "refresh_token"])
def test_a_developer_key_that_is_refused_is_for_the_administrator(
    bench: SignedEvents, done: tuple[str, str], name: str
) -> None:
    bench.lms.set(**{name: "something-else"})
    with pytest.raises(Misconfigured) as caught:
        bench.read(*done)
    assert caught.value.whole_account
    assert "canvas-client-secret" not in caught.value.detail


@pytest.mark.parametrize("path", [TOKEN_PATH, "/api/v1"])
@pytest.mark.parametrize("status", [403, 429])
def test_a_403_may_be_a_limit(bench: SignedEvents, done: tuple[str, str], path: str, status: int) -> None:
    bench.lms.set(throttle_status=status)
    bench.control.fault("canvas", "throttle", path=path)
    with pytest.raises(Throttled) as caught:
        bench.read(*done)
    assert caught.value.until > clock.now()


def test_an_expired_token_is_renewed_for_a_call_that_changes_something(
    bench: SignedEvents, done: tuple[str, str]
) -> None:
    canvas, other = bench.adapted(), bench.learner(2)
    bench.read(*done)
    bench.lms.set(expire_tokens=True)
    assert canvas.enrol(learner=other, course=done[1]) is EnrolmentState.MADE
    assert len(enrolments(canvas.rest, other, done[1])) == 1


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        ({"token": "env:CANVAS_TOKEN"}, "token"),
        ({"client_id": None}, "token"),
        ({"refresh_token": ...}, "token"),
        ({"supervisor": "custom_data"}, "supervisor_namespace"),
        ({"total": "best"}, "total"),
        ({"jwks": "canvas"}, "jwks"),
    ],
)
def test_options_that_do_not_fit_are_refused(bench: SignedEvents, options: dict[str, Any], wrong: str) -> None:
    bench.env("CANVAS_TOKEN", "canvas-token")
    given = {name: value for name, value in {**bench.options(), **options}.items() if value is not ...}
    with pytest.raises(ValidationError) as caught:
        Canvas.options().load(given)
    assert wrong in caught.value.normalized_messages()  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(("jwks", "parts"), [("https://keys.example/jwks", set()), (None, {"path", "basic"})])
def test_what_is_not_signed_needs_an_entrance(bench: SignedEvents, jwks: str | None, parts: set[str]) -> None:
    bench.adapted(jwks=jwks)
    assert Canvas.needs_entrance(bench.account().options) == parts


# pages


def test_links_that_name_another_host_are_followed_at_the_own_site_only(
    bench: SignedEvents, done: tuple[str, str]
) -> None:
    bench.crowd(done[1], 6)
    bench.lms.set(link_base="https://elsewhere.example/canvas")
    assert len(bench.swept(done[1])) == 7


@pytest.mark.parametrize("base", ["https://elsewhere.example", "https://elsewhere.example/canvas/api/v1/../.."])
def test_links_that_lead_out_of_the_api_are_not_followed(
    bench: SignedEvents, done: tuple[str, str], base: str
) -> None:
    bench.crowd(done[1], 6)
    bench.lms.set(link_base=base)
    with pytest.raises(Outage, match="does not lead into its API"):
        bench.swept(done[1])


def test_pages_in_a_circle_are_an_outage(
    bench: SignedEvents, done: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    call = CanvasClient.call

    def circular(client: CanvasClient, method: str, path: str, **more: Any) -> Answer:
        answer = call(client, method, path, **more)
        link: Mapping[str, str] = {"Link": f'<{client.base_url}/api/v1/same?page=2>; rel="next"'}
        return (
            Answer(status=200, headers=link, body=b"[]") if "bulk_user_progress" in path or "same" in path else answer
        )

    monkeypatch.setattr(CanvasClient, "call", circular)
    with pytest.raises(Outage, match="circle"):
        bench.swept(done[1])


def test_a_redirect_is_an_outage(bench: SignedEvents, done: tuple[str, str]) -> None:
    bench.control.fault("canvas", "redirect", path="/api/v1")
    with pytest.raises(Outage, match="redirect"):
        bench.read(*done)


# enrolling


@pytest.mark.parametrize("state", ["inactive", "completed", "rejected"])
def test_an_enrolment_that_was_ended_is_never_taken_up(
    bench: SignedEvents, done: tuple[str, str], state: str
) -> None:
    canvas = bench.adapted()
    bench.lms.enrol(int(done[0]), int(done[1]), state=state)
    with pytest.raises(Rejected, match="not taken up again"):
        canvas.enrol(learner=done[0], course=done[1])
    assert [one.state for one in enrolments(canvas.rest, *done)] == [state]


@pytest.mark.parametrize("state", ["active", "invited", "creation_pending"])
def test_an_enrolment_that_exists_is_not_written_again(
    bench: SignedEvents, done: tuple[str, str], state: str
) -> None:
    canvas = bench.adapted()
    bench.lms.enrol(int(done[0]), int(done[1]), state="completed")
    bench.lms.enrol(int(done[0]), int(done[1]), section=5, state=state)
    assert canvas.enrol(learner=done[0], course=done[1]) is EnrolmentState.EXISTED
    assert {one.state for one in enrolments(canvas.rest, *done)} == {state, "completed"}


def test_who_was_taken_out_of_the_course_can_be_enrolled(bench: SignedEvents, done: tuple[str, str]) -> None:
    canvas = bench.adapted()
    bench.lms.enrol(int(done[0]), int(done[1]), state="deleted")
    assert canvas.enrol(learner=done[0], course=done[1]) is EnrolmentState.MADE
    assert [one.state for one in enrolments(canvas.rest, *done)] == ["active"]


@pytest.mark.parametrize(("learner", "course"), [("999", "701"), ("1", "999"), ("1", "702")])
def test_who_or_what_cannot_be_enrolled_is_for_a_person(
    bench: SignedEvents, done: tuple[str, str], learner: str, course: str
) -> None:
    bench.lms.add_course(702, name="Concluded", state="completed")
    with pytest.raises(Rejected):
        bench.adapted().enrol(learner=learner, course=course)


@pytest.mark.parametrize("fault", ["drop_before", "drop_after", "html", "garbage", "redirect"])
def test_an_enrolment_without_a_clear_answer_is_unsure_and_may_be_repeated(
    bench: SignedEvents, done: tuple[str, str], fault: str
) -> None:
    canvas, other = bench.adapted(), bench.learner(2)
    bench.control.fault("canvas", fault, method="POST", path=ENROLMENTS, times=1)
    with pytest.raises(Unsure):
        canvas.enrol(learner=other, course=done[1])
    canvas.enrol(learner=other, course=done[1])
    assert [one.state for one in enrolments(canvas.rest, other, done[1])] == ["active"]
