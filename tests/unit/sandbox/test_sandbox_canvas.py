"""The Canvas stand-in over HTTP: whom it lets in, what it refuses, how it pages, enrols and signs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import jwt
import pytest
import requests

from sandbox.control import ControlError, LmsControl, SandboxControl
from sandbox.server import Sandbox

Call = Callable[..., requests.Response]
SEND = {"url": "http://receiver.example/hooks", "dry": True}
BY_HAND = "canvas-token"
GRANT = {
    "grant_type": "refresh_token",
    "client_id": "170000000056",
    "client_secret": "canvas-client-secret",
    "refresh_token": "canvas-refresh-token",
}


@pytest.fixture
def canvas(control: SandboxControl) -> LmsControl:
    made = control.lms("canvas")
    made.add_learner(7, name="Ann Lee", email="ann@example.org", observers=[7], custom_data={"hr": {"boss": "b@c.d"}})
    return made


@pytest.fixture
def call(sandbox: Sandbox, http: requests.Session) -> Call:
    def made(path: str, method: str = "GET", token: str = BY_HAND, **more: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {token}", **more.pop("headers", {})}
        return http.request(method, f"{sandbox.http}/canvas{path}", headers=headers, timeout=10, **more)

    return made


@pytest.fixture
def grant(sandbox: Sandbox, http: requests.Session) -> Call:
    def made(**form: str) -> requests.Response:
        return http.post(f"{sandbox.http}/canvas/login/oauth2/token", data={**GRANT, **form}, timeout=10)

    return made


@pytest.mark.parametrize(
    "headers", [{"Authorization": ""}, {"Authorization": "Basic x"}, {"Authorization": "Bearer x"}]
)
def test_a_bad_token_is_refused_with_a_challenge(call: Call, headers: dict[str, str]) -> None:
    answer = call("/api/v1/courses/101", headers=headers)
    assert answer.status_code == 401
    assert "WWW-Authenticate" in answer.headers


@pytest.mark.parametrize("status", [401, 403])
def test_a_missing_right_is_refused_without_one(call: Call, canvas: LmsControl, status: int) -> None:
    canvas.set(forbidden=["/courses/101"], forbidden_status=status)
    answer = call("/api/v1/courses/101")
    assert (answer.status_code, "WWW-Authenticate" in answer.headers) == (status, False)
    assert call("/api/v1/courses/102").status_code == 200


def test_a_refreshed_token_is_good_until_it_expires(call: Call, grant: Call, canvas: LmsControl) -> None:
    granted = grant().json()
    assert (granted["expires_in"], "refresh_token" in granted) == (3600, False)
    assert call("/api/v1/courses/101", token=granted["access_token"]).status_code == 200
    canvas.set(expire_tokens=True)
    assert call("/api/v1/courses/101", token=granted["access_token"]).status_code == 401
    assert call("/api/v1/courses/101").status_code == 200


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"client_secret": "x"}, 401, "invalid_client"),
        ({"refresh_token": "x"}, 400, "invalid_grant"),
        ({"scopes": "x"}, 400, "invalid_request"),
    ],
)
def test_a_wrong_grant_is_refused(grant: Call, form: dict[str, str], status: int, error: str) -> None:
    answer = grant(**form)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/courses/999", 404),
        ("/api/v1/courses/101/users/999/progress", 404),
        ("/api/v1/courses/101/users/7/progress?page=1", 400),
        ("/api/v1/courses/101/enrollments?state[]=sleeping", 400),
        ("/api/v1/courses/101/enrollments?state=active", 400),
        ("/api/v1/courses/101/modules?page=two", 400),
        ("/api/v1/courses/101/modules/999/items", 404),
        ("/api/v1/users/7/custom_data/boss?ns=other", 400),
        ("/api/v1/accounts/4711/courses", 404),
        ("/api/v1/nothing", 404),
    ],
)
def test_a_wrong_question_is_refused(call: Call, canvas: LmsControl, path: str, status: int) -> None:
    answer = call(path)
    assert answer.status_code == status
    assert set(answer.json()) & {"errors", "message"}


def test_a_question_with_a_body_does_not_reach_canvas(call: Call) -> None:
    assert call("/api/v1/courses/101", data="x").status_code == 403


def test_who_is_not_in_the_course_has_an_error_for_progress_under_200(call: Call, canvas: LmsControl) -> None:
    answer = call("/api/v1/courses/101/users/7/progress")
    assert (answer.status_code, set(answer.json())) == (200, {"error"})


def test_pages_hold_ten_unless_asked_and_never_more_than_the_cap(call: Call, canvas: LmsControl) -> None:
    for number in range(20, 32):
        canvas.add_learner(number, name=f"L{number}", email=f"l{number}@example.org")
        canvas.enrol(number, 101)
    path = "/api/v1/courses/101/bulk_user_progress"
    first = call(path)
    assert len(first.json()) == 10
    following = first.links["next"]["url"].partition("/canvas")[2]
    second = call(following)
    assert (len(second.json()), "next" in second.links) == (2, False)
    canvas.set(page_cap=5, link_base="https://proxy.example/x")
    capped = call(f"{path}?per_page=50")
    assert len(capped.json()) == 5
    assert capped.links["next"]["url"].startswith("https://proxy.example/x/api/v1/courses/101/")


def test_ids_are_text_where_that_is_asked_for(call: Call) -> None:
    headers = {"Accept": "application/json+canvas-string-ids"}
    assert call("/api/v1/courses/101").json()["id"] == 101
    assert call("/api/v1/courses/101", headers=headers).json()["id"] == "101"


def test_enrolling_invites_unless_told_otherwise_and_changes_what_exists(call: Call, canvas: LmsControl) -> None:
    path, form = "/api/v1/courses/101/enrollments", {"enrollment[user_id]": "7"}
    form["enrollment[type]"] = "StudentEnrollment"
    first = call(path, "POST", data=form).json()
    assert first["enrollment_state"] == "invited"
    canvas.enrol(7, 101, state="completed")
    again = call(path, "POST", data={**form, "enrollment[enrollment_state]": "active"}).json()
    assert (again["id"], again["enrollment_state"]) == (first["id"], "active")


@pytest.mark.parametrize(
    "form", [{"enrollment[color]": "red"}, {"enrollment[type]": "TeacherEnrollment"}, {"enrollment[user_id]": ""}]
)
def test_a_wrong_enrolment_is_refused(call: Call, canvas: LmsControl, form: dict[str, str]) -> None:
    good = {"enrollment[user_id]": "7", "enrollment[type]": "StudentEnrollment"}
    assert call("/api/v1/courses/101/enrollments", "POST", data={**good, **form}).status_code == 400


def test_a_concluded_course_takes_nobody(call: Call, canvas: LmsControl) -> None:
    canvas.add_course(500, name="Over", state="completed")
    form = {"enrollment[user_id]": "7", "enrollment[type]": "StudentEnrollment"}
    answer = call("/api/v1/courses/500/enrollments", "POST", data=form)
    assert (answer.status_code, "concluded" in answer.json()["message"]) == (400, True)


def test_a_record_may_be_behind_its_event(call: Call, canvas: LmsControl) -> None:
    sent = canvas.complete(7, 101, lag_reads=1, send=SEND)
    assert sent["payload"]["body"]["progress"]["completed_at"]
    seen = [call("/api/v1/courses/101/users/7/progress").json()["completed_at"] for _ in range(2)]
    assert seen == [None, sent["completed_at"]]


def test_signed_events_verify_with_the_published_keys_and_metadata_has_global_ids(
    call: Call, canvas: LmsControl
) -> None:
    tokens = []
    for _ in range(2):
        canvas.set(rotate_keys=True)
        tokens.append(canvas.complete(7, 101, send={**SEND, "signed": True})["raw"])
    published = jwt.PyJWKSet.from_dict(call("/main/jwks", headers={"Authorization": ""}).json())
    for token in tokens:
        said = jwt.decode(token, published[jwt.get_unverified_header(token)["kid"]], algorithms=["RS256"])
        assert (said["metadata"]["context_id"], said["body"]["course"]["id"]) == ("21070000000000101", "101")
    assert jwt.get_unverified_header(tokens[0])["kid"] != jwt.get_unverified_header(tokens[1])["kid"]


def test_several_events_come_in_one_delivery(canvas: LmsControl) -> None:
    also = [{"event_name": "grade_change"}]
    plain = canvas.complete(7, 101, send={**SEND, "also": also})
    assert [one["metadata"]["event_name"] for one in json.loads(plain["raw"])] == ["course_completed", "grade_change"]
    signed = canvas.complete(7, 101, send={**SEND, "also": also, "signed": True})
    assert [token.count(".") for token in json.loads(signed["raw"])] == [2, 2]


@pytest.mark.parametrize(
    "wish",
    [
        lambda one: one.add_learner(8, name="X", email="x@example.org", colour="red"),
        lambda one: one.add_course(500, name="X", modules=[{"name": "M", "items": [{"assignment": "none"}]}]),
        lambda one: one.complete(999, 101),
        lambda one: one.complete(7, 999),
        lambda one: one.complete(7, 101, modules={"Nowhere": "completed"}),
        lambda one: one.complete(7, 101, assignments={"Nowhere": 5}),
        lambda one: one.progress(7, 101, modules={"Privacy at the bedside": "exempt"}),
        lambda one: one.complete(7, 101, send={**SEND, "secret": "x"}),
        lambda one: one.complete(7, 101, send={**SEND, "also": [{"learner": 999}]}),
        lambda one: one.set(tokn="x"),
    ],
)
def test_a_wish_that_makes_no_sense_is_refused(canvas: LmsControl, wish: Callable[[LmsControl], Any]) -> None:
    with pytest.raises(ControlError):
        wish(canvas)
