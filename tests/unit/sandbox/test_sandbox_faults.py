"""Every fault over HTTP: what the caller sees, and whether the work was done."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
import requests

from sandbox.control import ControlError, SandboxControl
from sandbox.server import Sandbox

CUT = requests.ConnectionError


class Platform:
    """Issues credentials at the stand-in of Accredible."""

    def __init__(self, base: str, session: requests.Session) -> None:
        self.url = f"{base}/accredible/v1/credentials"
        self.session = session
        self.number = 0

    def create(self, fault: str | None = None, timeout: float = 10, **more: Any) -> requests.Response:
        self.number += 1
        recipient = {"name": "Ada", "email": f"ada{self.number}@example.org"}
        headers = {"Authorization": "Token token=accredible-key"}
        if fault is not None:
            headers["X-Sandbox-Fault"] = fault
        body = {"credential": {"group_id": 4711, "recipient": recipient}}
        return self.session.post(self.url, json=body, headers=headers, timeout=timeout, **more)


@pytest.fixture
def platform(sandbox: Sandbox, http: requests.Session) -> Platform:
    return Platform(sandbox.http, http)


@pytest.mark.parametrize(("kind", "made"), [("drop_after", 1), ("drop_before", 0)])
def test_the_connection_is_cut_without_a_byte(
    control: SandboxControl, platform: Platform, kind: str, made: int
) -> None:
    control.fault("accredible", kind, method="POST", path="/v1/credentials", times=1)
    with pytest.raises(CUT):
        platform.create()
    assert len(control.credentials()) == made
    (call,) = control.calls("accredible")
    assert (call["method"], call["path"], call["status"], call["fault"]) == ("POST", "/v1/credentials", None, kind)
    assert platform.create().status_code == 200


@pytest.mark.parametrize("after", [True, False])
def test_a_status_before_or_after_the_work(control: SandboxControl, platform: Platform, after: bool) -> None:
    control.fault("accredible", "status", status=500, after=after, times=2)
    assert [platform.create().status_code for _ in range(3)] == [500, 500, 200]
    assert len(control.credentials()) == (3 if after else 1)
    assert [one["hits"] for one in control.faults()] == [2]


@pytest.mark.parametrize("kind", ["status", "throttle", "garbage", "html", "empty_200", "redirect"])
def test_after_is_possible_for_every_answer(control: SandboxControl, platform: Platform, kind: str) -> None:
    control.fault("accredible", kind, after=True)
    platform.create(allow_redirects=False)
    assert len(control.credentials()) == 1


def test_errors_look_like_the_system(
    sandbox: Sandbox, control: SandboxControl, platform: Platform, http: requests.Session
) -> None:
    control.fault("accredible", "status", status=500, times=1)
    assert platform.create().json() == {"errors": "Internal server error"}
    control.fault("accredible", "status", times=1, retry_after=7)
    proxy = platform.create()
    assert (proxy.status_code, proxy.headers["Retry-After"]) == (503, "7")
    assert proxy.headers["Content-Type"].startswith("text/html")
    control.fault("sis", "status", status=500)
    assert http.get(f"{sandbox.http}/sis/students", timeout=10).json()["status"] == 500
    control.fault("accredible", "status", status=418, body="teapot", content_type="text/x-tea", times=1)
    own = platform.create()
    assert (own.status_code, own.text, own.headers["Content-Type"]) == (418, "teapot", "text/x-tea")


def test_throttle(sandbox: Sandbox, control: SandboxControl, platform: Platform, http: requests.Session) -> None:
    control.fault("accredible", "throttle", retry_after=2, times=1)
    first = platform.create()
    assert (first.status_code, first.headers["Retry-After"]) == (429, "2")
    control.fault("accredible", "throttle", times=1)
    assert "Retry-After" not in platform.create().headers
    control.fault("sis", "throttle", retry_after=1)
    sis = http.get(f"{sandbox.http}/sis/students", timeout=10)
    assert (sis.status_code, sis.headers["Content-Type"]) == (429, "application/problem+json")


def test_answers_that_are_none(control: SandboxControl, platform: Platform) -> None:
    for kind in ("garbage", "html", "empty_200"):
        fault = control.fault("accredible", kind)
        answer = platform.create()
        assert answer.status_code == 200
        with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
            answer.json()
        control.clear_fault(fault)
    assert control.credentials() == []


def test_redirect(control: SandboxControl, platform: Platform) -> None:
    control.fault("accredible", "redirect", times=1)
    followed = platform.create()
    assert (followed.status_code, followed.request.method) == (200, "GET")
    assert "Sign in" in followed.text
    control.fault("accredible", "redirect", location="https://other.example/", times=1)
    assert platform.create(allow_redirects=False).headers["Location"] == "https://other.example/"


def test_latency(control: SandboxControl, platform: Platform) -> None:
    control.fault("accredible", "latency", seconds=0.2, times=1)
    started = time.monotonic()
    assert platform.create().status_code == 200
    assert time.monotonic() - started >= 0.2


def test_slow_body(control: SandboxControl, platform: Platform) -> None:
    control.fault("accredible", "slow_body", seconds=0.3)
    started = time.monotonic()
    with platform.create(stream=True) as answer:
        assert time.monotonic() - started < 0.25
        assert answer.json()["credential"]["approve"] is True
    assert time.monotonic() - started >= 0.3


@pytest.mark.parametrize(("after", "made"), [(True, 1), (False, 0)])
def test_a_hang_ends_with_its_fault(control: SandboxControl, platform: Platform, after: bool, made: int) -> None:
    fault = control.fault("accredible", "hang", after=after)
    with pytest.raises(requests.ReadTimeout):
        platform.create(timeout=0.2)
    assert len(control.credentials()) == made
    ended = threading.Event()

    def wait() -> None:
        with pytest.raises(CUT):
            platform.create()
        ended.set()

    waiting = threading.Thread(target=wait)
    waiting.start()
    assert not ended.wait(0.2)
    control.clear_fault(fault)
    assert ended.wait(2)
    waiting.join()


def test_a_hang_ends_after_its_seconds(platform: Platform) -> None:
    started = time.monotonic()
    with pytest.raises(CUT):
        platform.create("hang;seconds=0.2;after=true")
    assert 0.2 <= time.monotonic() - started < 2


def test_stopping_ends_every_hang() -> None:
    sandbox = Sandbox().start()
    failed = threading.Event()
    started = threading.Event()

    def wait(header: str | None) -> None:
        with requests.Session() as session:
            started.set()
            with pytest.raises(CUT):
                Platform(sandbox.http, session).create(header)
            failed.set()

    with SandboxControl(sandbox.http) as control:
        control.fault("accredible", "hang", times=1)
    waiting = [threading.Thread(target=wait, args=(header,)) for header in (None, "hang")]
    for one in waiting:
        one.start()
    while len(sandbox.world.calls.list("accredible")) < 2:
        time.sleep(0.01)
    time.sleep(0.1)
    begun = time.monotonic()
    sandbox.stop()
    for one in waiting:
        one.join(2)
    assert failed.is_set()
    assert time.monotonic() - begun < 1


def test_a_header_is_for_one_call(control: SandboxControl, platform: Platform) -> None:
    assert platform.create("status;status=418").status_code == 418
    assert platform.create().status_code == 200
    wrong = platform.create("explode;seconds=x")
    assert (wrong.status_code, "kind" in wrong.text, "seconds" in wrong.text) == (422, True, True)
    assert control.faults() == []


def test_which_calls_are_meant(
    sandbox: Sandbox, control: SandboxControl, platform: Platform, http: requests.Session
) -> None:
    control.fault("accredible", "status", status=500, method="GET", path="/v1/credentials")
    control.fault("accredible", "status", status=502, path="^/v1/issuer/(details|groups)$")
    control.fault("moodle", "status", status=504, function="core_course_get_courses")
    headers = {"Authorization": "Token token=accredible-key"}
    assert platform.create().status_code == 200
    assert http.get(f"{platform.url}/1", headers=headers, timeout=10).status_code == 500
    assert http.get(f"{sandbox.http}/accredible/v1/issuer/details", headers=headers, timeout=10).status_code == 502
    groups = http.get(f"{sandbox.http}/accredible/v1/issuer/groups/4711", headers=headers, timeout=10)
    assert groups.status_code == 200
    moodle = f"{sandbox.http}/moodle/webservice/rest/server.php"
    assert http.post(moodle, data={"wsfunction": "core_course_get_courses"}, timeout=10).status_code == 504
    assert http.post(moodle, data={"wsfunction": "core_course_get_contents"}, timeout=10).status_code == 200
    assert [one["operation"] for one in control.calls("moodle")] == [
        "core_course_get_courses",
        "core_course_get_contents",
    ]


def test_skip_times_and_probability(control: SandboxControl, platform: Platform) -> None:
    control.fault("accredible", "status", status=500, skip=1, times=1)
    control.fault("accredible", "status", status=418, probability=0.0)
    assert [platform.create().status_code for _ in range(3)] == [200, 500, 200]


def test_pages_and_control_are_never_disturbed(
    sandbox: Sandbox, control: SandboxControl, http: requests.Session
) -> None:
    for system in ("moodle", "accredible", "sis", "mail"):
        control.fault(system, "drop_before")
    for path in ("/mail/", "/_sandbox/", "/_sandbox/state"):
        assert http.get(sandbox.http + path, timeout=10).status_code == 200
    assert http.get(f"{sandbox.http}/accredible/credentials/1", timeout=10).status_code == 404
    assert control.calls() == []


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"system": "ftp", "kind": "hang"}, "system"),
        ({"system": "sis", "kind": "explode"}, "kind"),
        ({"system": "sis"}, "kind"),
        ({"system": "sis", "kind": "hang", "second": 3}, "second"),
        ({"system": "sis", "kind": "hang", "seconds": "3"}, "seconds"),
        ({"system": "sis", "kind": "hang", "path": "^("}, "path"),
        ({"system": "sis", "kind": "hang", "function": "f"}, "function"),
    ],
)
def test_a_wish_that_makes_no_sense(
    sandbox: Sandbox, http: requests.Session, wish: dict[str, Any], field: str
) -> None:
    response = http.post(f"{sandbox.http}/_sandbox/faults", json=wish, timeout=10)
    assert response.status_code == 422
    assert [one["field"] for one in response.json()["errors"]] == [field]


def test_removing(control: SandboxControl, platform: Platform) -> None:
    control.fault("accredible", "status")
    assert platform.create().status_code == 503
    control.clear_faults()
    assert platform.create().status_code == 200
    with pytest.raises(ControlError, match="there is no fault"):
        control.clear_fault("fault-99")
