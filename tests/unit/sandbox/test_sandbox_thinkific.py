"""Thinkific's stand-in over HTTP: only what the vendor takes is taken, in the vendor's forms."""

from __future__ import annotations

import hashlib
import hmac
import time
from typing import Any

import pytest
import requests

from sandbox.control import ControlError, LmsControl, SandboxControl

KEY = {"X-Auth-API-Key": "thinkific-key", "X-Auth-Subdomain": "academy"}
TOKEN = {"Authorization": "Bearer thinkific-token"}
QUESTION = (
    "query Q($after: String, $who: [ID!]) { site { quizSubmissions(first: 50, after: $after,"
    " filter: {userIds: $who, courseIds: [101]}) { nodes { id attempts quiz { name } } pageInfo { hasNextPage } } } }"
)


@pytest.fixture
def site(control: SandboxControl) -> LmsControl:
    found = control.lms("thinkific")
    found.add_learner(
        1, name="Ann Lee", email="ann.lee@example.org", custom_fields={"Manager email": "b@example.org"}
    )
    return found


@pytest.fixture
def call(control: SandboxControl, site: LmsControl, http: requests.Session) -> Any:
    def ask(path: str, method: str = "GET", headers: dict[str, str] | None = None, **more: Any) -> requests.Response:
        url = f"{control.base_url}/thinkific/{path}"
        return http.request(method, url, headers=KEY if headers is None else headers, timeout=30, **more)

    return ask


def enrolments(call: Any, **query: Any) -> Any:
    return call("api/public/v1/enrollments", params={f"query[{name}]": value for name, value in query.items()})


def graphql(call: Any, query: str, headers: dict[str, str] = TOKEN, **variables: Any) -> requests.Response:
    body = {"query": query, "variables": variables}
    answer = call("stable/graphql", "POST", headers, json=body)
    assert isinstance(answer, requests.Response)
    return answer


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Auth-API-Key": "thinkific-key"},
        {**KEY, "X-Auth-Subdomain": "another"},
        {**KEY, "X-Auth-API-Key": "another"},
        {"Authorization": "Bearer thinkific-key"},
    ],
)
def test_without_key_and_subdomain_nothing_is_told(call: Any, headers: dict[str, str]) -> None:
    refused = call("api/public/v1/courses", headers=headers)
    assert (refused.status_code, refused.json()) == (401, {"error": "Authentication Error"})
    assert call("api/public/v1/courses", headers=TOKEN).status_code == 200


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("courses", {"page": 0}),
        ("courses", {"limit": 251}),
        ("courses", {"per_page": 5}),
        ("users/1", {"provider": "SSO"}),
        ("enrollments", {"user_id": 1}),
        ("enrollments", {"query[user_id]": "ann"}),
        ("enrollments", {"query[completed]": "yes"}),
        ("enrollments", {"query[updated_after]": "soon"}),
    ],
)
def test_questions_that_it_does_not_know_are_refused(call: Any, path: str, query: dict[str, Any]) -> None:
    refused = call(f"api/public/v1/{path}", params=query)
    assert refused.status_code == 400
    assert list(refused.json()) == ["error"]


@pytest.mark.parametrize("path", ["users/9", "users/x", "courses/9", "nothing"])
def test_what_is_not_there_is_told_in_the_vendor_s_form(call: Any, path: str) -> None:
    refused = call(f"api/public/v1/{path}")
    assert (refused.status_code, refused.json()) == (404, {"error": "Record not found."})


def test_lists_come_in_pages(call: Any, site: LmsControl) -> None:
    site.set(page_cap=2)
    first = call("api/public/v1/courses", params={"limit": 250}).json()
    second = call("api/public/v1/courses", params={"page": 2}).json()
    assert [one["id"] for one in first["items"] + second["items"]] == [101, 102, 103]
    assert (first["meta"]["pagination"]["next_page"], second["meta"]["pagination"]["next_page"]) == (2, None)
    assert second["meta"]["pagination"]["entries_info"] == "3-3 of 3"


def test_filters_hold_and_a_row_may_lag(call: Any, site: LmsControl) -> None:
    site.complete(1, 101, completed_at="2026-10-01T19:20:05Z", lag_reads=1)
    site.enrol(1, 102)
    assert enrolments(call, course_id=101, completed="true").json()["items"] == []
    [row] = enrolments(call, course_id=101, completed="true").json()["items"]
    assert (row["percentage_completed"], row["completed_at"]) == (1.0, "2026-10-01T19:20:05Z")
    assert enrolments(call, course_id=101, updated_after="2026-10-01T19:20:05Z").json()["items"] == []
    assert len(enrolments(call, user_id=1, completed="false").json()["items"]) == 1


def test_an_enrolment_without_an_activation_is_a_trial_and_a_second_one_is_made(call: Any) -> None:
    wish = {"course_id": 101, "user_id": 1}
    trial = call("api/public/v1/enrollments", "POST", json=wish)
    full = call("api/public/v1/enrollments", "POST", json={**wish, "activated_at": "2026-10-02T00:00:00Z"})
    assert (trial.status_code, trial.json()["is_free_trial"]) == (201, True)
    assert (full.status_code, full.json()["is_free_trial"]) == (201, False)
    assert len(enrolments(call, user_id=1, course_id=101).json()["items"]) == 2


@pytest.mark.parametrize(
    "wish", [{"course_id": 9}, {"course_id": "101"}, {"user_id": 9}, {"user_id": "1"}, {"colour": 1}]
)
def test_an_enrolment_of_another_shape_is_refused(call: Any, wish: dict[str, Any]) -> None:
    refused = call("api/public/v1/enrollments", "POST", json={"course_id": 101, "user_id": 1, **wish})
    assert refused.status_code == 422
    assert isinstance(refused.json()["errors"], list)


def test_graphql_takes_only_the_access_token_and_tells_only_what_is_asked_for(call: Any, site: LmsControl) -> None:
    site.complete(1, 101, score=90)
    assert graphql(call, QUESTION, KEY).status_code == 401
    told = graphql(call, QUESTION, who=[1], after=None).json()["data"]["site"]["quizSubmissions"]
    [node] = told["nodes"]
    assert node == {"id": node["id"], "attempts": 1, "quiz": {"name": "Final exam"}}
    assert told["pageInfo"] == {"hasNextPage": False}
    assert graphql(call, QUESTION, who=[2]).json()["data"]["site"]["quizSubmissions"]["nodes"] == []


@pytest.mark.parametrize(
    ("there", "instead"),
    [
        ("attempts", "attempts grade"),
        ("quiz { name }", "quiz"),
        ("first: 50", "first: 0"),
        ("first: 50", "last: 50"),
        ("courseIds", "productIds"),
        ("$after: String, ", ""),
        ("query Q", "mutation Q"),
        ("} } }", "} }"),
        ("} } }", "} } } }"),
        ("site", "site?"),
    ],
)
def test_a_question_that_graphql_does_not_know_is_an_error_under_200(call: Any, there: str, instead: str) -> None:
    assert "data" in graphql(call, QUESTION, who=[1]).json()
    refused = graphql(call, QUESTION.replace(there, instead, 1), who=[1])
    assert (refused.status_code, refused.json()["data"]) == (200, None)
    assert refused.json()["errors"][0]["extensions"]["code"] == "undefinedField"


def test_a_limit_names_its_end_in_milliseconds_and_only_then(call: Any, control: SandboxControl) -> None:
    assert "RateLimit-Reset" not in call("api/public/v1/courses").headers
    control.fault("thinkific", "throttle", retry_after=40)
    refused = call("api/public/v1/courses")
    assert refused.status_code == 429
    assert "Retry-After" not in refused.headers
    assert 0 < int(refused.headers["RateLimit-Reset"]) / 1000 - time.time() <= 41


def test_a_webhook_is_signed_over_its_bytes_and_counts_percent_in_text(site: LmsControl) -> None:
    send = {"url": "http://receiver.example/", "dry": True, "secret": "s"}
    sent = site.complete(1, 101, send=send)
    expected = hmac.new(b"s", sent["raw"].encode(), hashlib.sha256).hexdigest()
    assert sent["headers"]["X-Thinkific-Hmac-Sha256"] == expected
    assert sent["payload"]["payload"]["percentage_completed"] == "100.0"
    unsigned = site.complete(1, 101, send={"url": send["url"], "dry": True})
    assert "X-Thinkific-Hmac-Sha256" not in unsigned["headers"]


@pytest.mark.parametrize(
    ("wish", "named"),
    [
        ({"score": 101}, "score"),
        ({"time_spent_seconds": 5}, "time_spent_seconds"),
        ({"quizzes": {"Nothing": {"correct": 1, "incorrect": 0}}}, "quizzes.Nothing"),
        ({"modules": {"Nothing": "complete"}}, "modules.Nothing"),
        ({"percentage": 0.5}, "percentage"),
        ({"completed_at": "yesterday"}, "completed_at"),
        ({"send": {"url": "http://x.example/", "topic": "quiz.attempted"}}, "send.topic"),
    ],
)
def test_a_wish_that_it_does_not_know_is_refused(site: LmsControl, wish: dict[str, Any], named: str) -> None:
    with pytest.raises(ControlError, match=named):
        site.complete(1, 101, **wish)
