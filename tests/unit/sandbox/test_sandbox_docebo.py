"""The Docebo stand-in over HTTP: only what the vendor takes is taken, in the vendor's forms."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
import requests

from sandbox.control import ControlError, LmsControl, SandboxControl

APPLICATION = {"grant_type": "client_credentials", "client_id": "confer", "client_secret": "docebo-client-secret"}
ENROLMENTS = "course/v1/courses/enrollments"
ENROL = "learn/v1/enrollments"
DRY = {"url": "http://receiver.example/hooks", "dry": True}

Call = Callable[..., requests.Response]


@pytest.fixture
def docebo(control: SandboxControl) -> LmsControl:
    found = control.lms("docebo")
    found.add_learner(13377, name="Ann Lee", email="ann.lee@example.org", manager=12301)
    return found


@pytest.fixture
def call(control: SandboxControl, docebo: LmsControl, http: requests.Session) -> Call:
    def ask(method: str, path: str, **more: Any) -> requests.Response:
        return http.request(method, f"{control.base_url}/docebo/{path}", timeout=30, **more)

    return ask


@pytest.fixture
def get(call: Call) -> Call:
    token = call("POST", "oauth2/token", data=APPLICATION).json()["access_token"]

    def ask(path: str, method: str = "GET", **more: Any) -> requests.Response:
        return call(method, path, headers={"Authorization": f"Bearer {token}"}, **more)

    return ask


@pytest.mark.parametrize(
    ("form", "status", "kind"),
    [
        ({**APPLICATION, "client_secret": "another"}, 401, "invalid_client"),
        ({**APPLICATION, "grant_type": "magic"}, 400, "unsupported_grant_type"),
        ({**APPLICATION, "scope": "everything"}, 400, "invalid_request"),
        ({**APPLICATION, "username": "confer@academy.example"}, 400, "invalid_request"),
        ({**APPLICATION, "grant_type": "password", "username": "x", "password": "y"}, 400, "invalid_grant"),
    ],
)
def test_a_token_is_not_given_to_everybody(call: Call, form: dict[str, str], status: int, kind: str) -> None:
    refused = call("POST", "oauth2/token", data=form)
    assert (refused.status_code, refused.json()["error"]) == (status, kind)


def test_a_request_for_a_token_is_a_form(call: Call) -> None:
    assert call("POST", "oauth2/token", json=APPLICATION).status_code == 400
    assert call("POST", "oauth2/token", params=APPLICATION).status_code == 400
    given = call("POST", "oauth2/token", data={**APPLICATION, "scope": "api"}).json()
    assert (given["expires_in"], given["token_type"]) == (3600, "Bearer")


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer nobody's", "Basic Y29uZmVyOng="])
def test_without_a_token_nothing_is_told(call: Call, header: str) -> None:
    refused = call("GET", "learn/v1/courses", headers={"Authorization": header})
    assert (refused.status_code, refused.json()["status"]) == (401, 401)


def test_a_token_ends(get: Call, docebo: LmsControl) -> None:
    assert get("learn/v1/courses").status_code == 200
    docebo.set(expire_tokens=True)
    assert get("learn/v1/courses").status_code == 401


@pytest.mark.parametrize(
    "query",
    ["course_id=301", "colour=red", "page=0", "page=x", "page_size=201", "page_size=0", "extra_fields[]=colour"],
)
def test_questions_that_it_does_not_know_are_refused(get: Call, query: str) -> None:
    assert get(f"{ENROLMENTS}?{query}").status_code == 400


@pytest.mark.parametrize(
    "path", ["manage/v1/user/9", "manage/v1/users/9/managers", "nothing", "learn/v1/enrollments/1"]
)
def test_what_is_not_there_is_told_in_the_vendor_s_form(get: Call, path: str) -> None:
    refused = get(path)
    assert (refused.status_code, refused.json()["status"]) == (404, 404)


def test_lists_come_in_pages_from_one_on(get: Call, docebo: LmsControl) -> None:
    docebo.set(page_cap=2)
    first, second = (get(f"learn/v1/courses?page={page}&get_total_count=1").json()["data"] for page in (1, 2))
    assert ([one["id_course"] for one in first["items"]], first["has_more_data"]) == ([301, 302], True)
    assert ([one["id_course"] for one in second["items"]], second["has_more_data"]) == ([303], False)
    assert (second["current_page"], second["total_page_count"], second["total_count"]) == (2, 2, 3)


def test_enrolments_are_filtered_by_course_user_and_status(get: Call, docebo: LmsControl) -> None:
    docebo.complete(13377, 301, score=86)
    docebo.enrol(13377, 302)
    ids = {
        query: [one["course_id"] for one in get(f"{ENROLMENTS}?{query}").json()["data"]["items"]]
        for query in ("user_id[]=13377", "user_id[]=1", "course_id[]=302", "enrollment_status[]=completed")
    }
    assert list(ids.values()) == [[301, 302], [], [302], [301]]
    [row] = get(f"{ENROLMENTS}?course_id[]=301").json()["data"]["items"]
    assert "enrollment_time_spent" not in row
    [row] = get(f"{ENROLMENTS}?course_id[]=301&extra_fields[]=enrollment_time_spent").json()["data"]["items"]
    assert (row["enrollment_score"], row["enrollment_time_spent"]) == (86, 0)


def test_a_completion_that_lags_is_in_progress_for_so_many_reads(get: Call, docebo: LmsControl) -> None:
    docebo.complete(13377, 301, score=86, lag_reads=2)
    seen = [get(f"{ENROLMENTS}?user_id[]=13377").json()["data"]["items"][0] for _ in range(3)]
    assert [one["enrollment_status"] for one in seen] == ["in_progress", "in_progress", "completed"]
    assert [one["enrollment_score"] for one in seen] == [None, None, 86]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"course_ids": [301], "user_ids": [13377]},
        {"course_ids": ["301"], "user_ids": [13377], "level": 3},
        {"course_ids": [301], "user_ids": [13377], "level": 5},
        {"course_ids": [301], "user_ids": [13377], "level": 3, "colour": "red"},
        [],
    ],
)
def test_an_enrolment_of_another_shape_is_refused(get: Call, body: Any) -> None:
    assert get(ENROL, "POST", json=body).status_code == 400


def test_who_is_enrolled_already_is_an_error_under_200(get: Call, docebo: LmsControl) -> None:
    wish = {"course_ids": [301], "user_ids": [13377, 4711], "level": 3}
    first, again = (get(ENROL, "POST", json=wish).json()["data"] for _ in range(2))
    assert first["enrolled"] == [{"id_user": 13377, "id_course": 301, "waiting": False}]
    assert (len(first["errors"]), len(again["errors"]), again["enrolled"]) == (1, 2, [])


def test_the_webhook_shows_user_and_password_and_groups(docebo: LmsControl) -> None:
    docebo.enrol(13377, 302)
    send = {**DRY, "user": "confer", "password": "ünsaid", "also": [{"course": 302}]}
    sent = docebo.complete(13377, 301, send=send)
    message = json.loads(sent["raw"])
    assert [one["course_id"] for one in message["payloads"]] == [301, 302]
    assert "payload" not in message
    assert base64.b64decode(sent["headers"]["Authorization"].removeprefix("Basic ")).decode() == "confer:ünsaid"
    plain = docebo.complete(13377, 301, send=DRY)
    assert "Authorization" not in plain["headers"]
    assert json.loads(plain["raw"])["payload"]["user_id"] == 13377


@pytest.mark.parametrize(
    "wish",
    [
        lambda docebo: docebo.complete(4711, 301),
        lambda docebo: docebo.complete(13377, 999),
        lambda docebo: docebo.complete(13377, 301, colour="red"),
        lambda docebo: docebo.complete(13377, 301, send={**DRY, "secret": "x"}),
        lambda docebo: docebo.complete(13377, 301, send={**DRY, "also": [{"learner": 4711}]}),
        lambda docebo: docebo.progress(13377, 301, modules={"1": "completed"}),
        lambda docebo: docebo.enrol(13377, 301, colour="red"),
        lambda docebo: docebo.add_learner(1, name="Ann", email="nowhere"),
        lambda docebo: docebo.add_course(1, name=""),
        lambda docebo: docebo.set(colour="red"),
    ],
)
def test_wishes_that_it_does_not_know_are_refused(docebo: LmsControl, wish: Callable[[LmsControl], object]) -> None:
    with pytest.raises(ControlError):
        wish(docebo)


def test_an_enrolment_can_be_ended_and_progress_begins_one(get: Call, docebo: LmsControl) -> None:
    docebo.progress(13377, 301, time_spent_seconds=60)
    [row] = get(f"{ENROLMENTS}?user_id[]=13377").json()["data"]["items"]
    assert (row["enrollment_status"], row["enrollment_completion_date"]) == ("in_progress", None)
    docebo.enrol(13377, 301, enrolled=False)
    assert get(f"{ENROLMENTS}?user_id[]=13377").json()["data"]["items"] == []
