"""Teachable's stand-in over HTTP: only what the vendor takes is taken, in the vendor's forms."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from sandbox.control import ControlError, LmsControl, SandboxControl

KEY = {"apiKey": "teachable-key"}


@pytest.fixture
def school(control: SandboxControl) -> LmsControl:
    found = control.lms("teachable")
    found.add_learner(1, name="Ann Lee", email="ann.lee@example.org")
    return found


@pytest.fixture
def get(control: SandboxControl, school: LmsControl, http: requests.Session) -> Any:
    def ask(path: str, headers: dict[str, str] | None = None, **query: Any) -> requests.Response:
        url = f"{control.base_url}/teachable/v1/{path}"
        return http.get(url, headers=KEY if headers is None else headers, params=query, timeout=30)

    return ask


@pytest.mark.parametrize("headers", [{}, {"apiKey": "another"}, {"Authorization": "Bearer teachable-key"}])
def test_without_the_key_nothing_is_told(get: Any, headers: dict[str, str]) -> None:
    refused = get("courses", headers=headers)
    assert (refused.status_code, refused.json()) == (401, {"message": "Unauthorized"})


@pytest.mark.parametrize(
    ("path", "query", "named"),
    [
        ("courses", {"page": 0}, "page"),
        ("courses", {"per_page": 5, "colour": 1}, "colour"),
        ("courses/1886748/progress", {}, "user_id"),
        ("courses/1886748/enrollments", {"enrolled_in_after": "soon"}, "enrolled_in_after"),
        ("courses/1886748/enrollments", {"sort_direction": "up"}, "sort_direction"),
    ],
)
def test_questions_that_it_does_not_know_are_refused(get: Any, path: str, query: dict[str, Any], named: str) -> None:
    refused = get(path, **query)
    assert refused.status_code == 422
    assert named in str(refused.json()["message"])


@pytest.mark.parametrize(
    "path", ["users/9", "courses/9", "courses/x", "courses/1886748/lectures/9/quizzes", "nothing"]
)
def test_what_is_not_there_is_told_in_the_vendor_s_form(get: Any, path: str) -> None:
    refused = get(path)
    assert (refused.status_code, refused.json()) == (404, {"message": "Not found"})


def test_progress_needs_an_enrolment_and_shows_no_lectures_before_the_start(get: Any, school: LmsControl) -> None:
    assert get("courses/1886748/progress", user_id=1).status_code == 404
    school.enrol(1, 1886748)
    shown = get("courses/1886748/progress", user_id=1).json()
    assert (shown["course_progress"]["lecture_sections"], shown["meta"]["total"]) == ([], 0)
    school.complete(1, 1886748, score=86)
    shown = get("courses/1886748/progress", user_id=1, per=3).json()
    assert [len(one["lectures"]) for one in shown["course_progress"]["lecture_sections"]] == [3]
    assert (shown["meta"]["total"], shown["meta"]["number_of_pages"]) == (4, 2)


def test_percent_scales_differ_as_the_vendor_s_do(get: Any, school: LmsControl) -> None:
    school.complete(1, 1886748, score=86)
    lecture = 1886748004
    [quiz] = get(f"courses/1886748/lectures/{lecture}/quizzes").json()["quiz_ids"]
    shown = get(f"courses/1886748/lectures/{lecture}/quizzes/{quiz}/responses").json()["quiz_responses"]
    assert [one["percent_correct"] for one in shown["responses"]] == [0.86]
    assert get("courses/1886748/progress", user_id=1).json()["course_progress"]["percent_complete"] == 100


@pytest.mark.parametrize(
    "body", [None, {}, {"user_id": 1}, {"user_id": "1", "course_id": 1886748}, {"user_id": 1, "course_id": 1, "x": 1}]
)
def test_an_enrolment_takes_two_numbers_and_nothing_else(
    control: SandboxControl, school: LmsControl, http: requests.Session, body: Any
) -> None:
    url = f"{control.base_url}/teachable/v1/enroll"
    assert http.post(url, headers=KEY, json=body, timeout=30).status_code == 422
    good = {"user_id": 1, "course_id": 1886748}
    answers = [http.post(url, headers=KEY, json=good, timeout=30).status_code for _ in range(2)]
    assert answers == [204, 422]


def test_a_limit_is_told_in_headers_and_without_retry_after(control: SandboxControl, get: Any) -> None:
    assert get("courses").headers["RateLimit-Limit"] == "100"
    control.fault("teachable", "throttle", retry_after=12)
    refused = get("courses")
    assert (refused.status_code, refused.json()) == (429, {"message": "API rate limit exceeded"})
    assert (refused.headers["RateLimit-Reset"], "Retry-After" in refused.headers) == ("12", False)


def test_an_event_tells_neither_time_nor_score_of_the_completion(school: LmsControl) -> None:
    send = {"url": "http://receiver.example", "dry": True}
    sent = school.complete(1, 1886748, score=86, send=send)["payload"]
    assert sent["type"] == "Enrollment.completed"
    assert not {"completed_at", "score", "percent_correct"} & set(sent["object"])
    again, anew = (school.complete(1, 1886748, send={**send, **more})["payload"] for more in ({}, {"anew": True}))
    assert again == sent
    assert (anew["created"], anew["hook_event_id"] == sent["hook_event_id"]) == (sent["created"], False)
    school.set(array_payloads=True)
    assert school.complete(1, 1886748, send=send)["payload"] == [sent]


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"time_spent_seconds": 60}, "time_spent_seconds"),
        ({"score": 101}, "score"),
        ({"modules": {"Nothing": "complete"}}, "modules.Nothing"),
        ({"modules": {"Intro": "exempt"}}, "modules.Intro"),
        ({"quizzes": {"Nothing": 5}}, "quizzes.Nothing"),
        ({"send": {"url": "http://receiver.example", "secret": "x"}}, "send.secret"),
        ({"send": {"url": "http://receiver.example", "also": [{"learner": 1, "course": 1886749}]}}, "send.also"),
    ],
)
def test_wishes_that_it_does_not_know_are_refused(school: LmsControl, more: dict[str, Any], named: str) -> None:
    with pytest.raises(ControlError, match=named):
        school.complete(1, 1886748, **more)
