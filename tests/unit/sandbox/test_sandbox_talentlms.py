"""The TalentLMS stand-in over HTTP: who may call, what it refuses, and that everything is text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from sandbox.control import ControlError, SandboxControl
from sandbox.server import Sandbox

Call = Callable[..., requests.Response]


@pytest.fixture
def call(sandbox: Sandbox, http: requests.Session, control: SandboxControl) -> Call:
    lms = control.lms("talentlms")
    lms.add_learner(7, name="Ann Lee", email="ann@learners.example", custom_fields={"custom_field_1": "ICU"})
    lms.add_course(133, name="Fire Safety", code="FS-1", modules=[{"id": 2045, "name": "Test", "type": "Test"}])

    def ask(path: str, *, key: str = "talentlms-key", method: str = "GET", **form: str) -> requests.Response:
        address = f"{sandbox.http}/talentlms/api/v1/{path}"
        return http.request(method, address, auth=(key, ""), data=form or None, timeout=10)

    return ask


def test_without_the_key_there_is_a_page(call: Call) -> None:
    refused = call("users/id:7", key="another")
    assert (refused.status_code, refused.headers["Content-Type"]) == (401, "text/html")


def test_everything_is_text_but_seconds(call: Call, control: SandboxControl) -> None:
    lms = control.lms("talentlms")
    lms.complete(7, 133, scores={"2045": "86.00"}, time_spent_seconds=5420, completed_at=1790866705)
    user, standing = call("users/id:7").json(), call("getuserstatusincourse/user_id:7,course_id:133").json()
    assert (user["id"], user["custom_field_1"], user["courses"][0]["completion_status"]) == ("7", "ICU", "completed")
    assert (standing["completion_status"], standing["completed_on_timestamp"]) == ("Completed", "1790866705")
    assert (standing["completed_on"], standing["expired_on_timestamp"]) == ("01/10/2026, 14:58:25", None)
    assert (standing["total_time_seconds"], standing["units"][0]["score"]) == (5420, "86.00")


@pytest.mark.parametrize(
    ("path", "status"),
    [("users/id:8", 404), ("users/id:x", 404), ("courses/id:9", 404), ("users/email:a@b.c", 400),
     ("users/id:7,x:1", 400), ("getuserstatusincourse/course_id:133", 400),
     ("getuserstatusincourse/course_id:133,user_id:7", 400)],
)  # fmt: skip
def test_what_is_wrong_is_refused_in_the_vendor_s_form(call: Call, path: str, status: int) -> None:
    refused = call(path)
    assert refused.status_code == status
    assert refused.json()["error"]["type"] == "invalid_request_error"


def test_enrolling_twice_or_with_an_unknown_field_is_refused(call: Call) -> None:
    made = call("addusertocourse", method="POST", user_id="7", course_id="133", role="learner")
    assert made.json() == [{"user_id": "7", "course_id": "133", "role": "learner"}]
    assert call("addusertocourse", method="POST", user_id="7", course_id="133").status_code == 400
    assert call("addusertocourse", method="POST", user_id="7", course_id="133", colour="red").status_code == 400


def test_the_list_of_courses_leaves_their_learners_out(call: Call) -> None:
    [listed] = call("courses").json()
    assert "users" not in listed
    assert call("courses/id:133").json()["users"] == []


@pytest.mark.parametrize("more", [{"modules": {"9": "completed"}}, {"colour": "red"}, {"status": "gone"}])
def test_a_wish_that_it_does_not_know_is_refused(call: Call, control: SandboxControl, more: dict[str, Any]) -> None:
    with pytest.raises(ControlError):
        control.lms("talentlms").progress(7, 133, **more)
