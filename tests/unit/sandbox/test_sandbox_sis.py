"""The student information system's stand-in over HTTP: strict, and the same write twice changes nothing."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import requests

from sandbox.control import SandboxControl
from sandbox.server import Sandbox

COMPLETION: dict[str, Any] = {
    "completionId": "case-0192",
    "student": {"id": "S-42", "idType": "sis", "email": "ann@example.org", "name": "Ann Lee"},
    "course": {"code": "SAFE-101", "title": "Workplace Safety 101", "section": "2026-SP-01", "term": "2026-SP"},
    "result": {
        "outcome": "passed",
        "score": 91.5,
        "scoreMax": 100,
        "grade": "A",
        "completedOn": "2026-02-03",
        "credits": 3,
    },
    "credential": {
        "id": "CRED-2026-0007",
        "url": "https://verify.example/c/CRED-2026-0007",
        "issuedOn": "2026-02-03",
        "expiresOn": "2029-02-03",
        "status": "active",
    },
    "source": {"system": "lms", "eventId": "evt-1"},
}


class Api:
    """Calls the stand-in with the right token."""

    def __init__(self, base: str, session: requests.Session) -> None:
        self.base = f"{base}/sis"
        self.session = session
        self.headers = {"Authorization": "Bearer sis-token"}

    def put(self, body: Any, key: str = "sis:case-0192:a1", **headers: str) -> requests.Response:
        sent = {**self.headers, "Idempotency-Key": key, **headers}
        return self.session.put(f"{self.base}/completions/case-0192", json=body, headers=sent, timeout=10)

    def get(self, path: str) -> requests.Response:
        return self.session.get(self.base + path, headers=self.headers, timeout=10)


@pytest.fixture
def api(sandbox: Sandbox, http: requests.Session) -> Api:
    return Api(sandbox.http, http)


def changed(path: str, value: Any) -> dict[str, Any]:
    """The completion with one field set, or with `...` left out."""
    body = copy.deepcopy(COMPLETION)
    *way, last = path.split(".")
    place = body
    for step in way:
        place = place[step]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return body


def problem(response: requests.Response, status: int) -> Any:
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == status
    assert {"type", "title", "detail"} <= set(body)
    return body


def test_written_and_read_back(api: Api) -> None:
    first = api.put(COMPLETION)
    assert (first.status_code, first.json()) == (201, {**COMPLETION, "version": 1})
    assert first.headers["ETag"] == '"1"'
    assert api.get("/completions/case-0192").json() == first.json()
    problem(api.get("/completions/case-1"), 404)
    problem(api.get("/nothing"), 404)


def test_the_same_again_changes_nothing(api: Api, control: SandboxControl) -> None:
    api.put(COMPLETION)
    again = api.put(COMPLETION)
    assert (again.status_code, again.json()["version"]) == (200, 1)
    assert api.put(COMPLETION, key="sis:case-0192:other").json()["version"] == 1
    (stored,) = control.completions()
    assert (stored["writes"], stored["repeats"]) == (1, 2)
    assert control.state()["sis"]["created"] == 1
    assert control.state()["sis"]["repeated"] == 2


def test_other_content_is_another_version(api: Api, control: SandboxControl) -> None:
    api.put(COMPLETION)
    revoked = changed("credential.status", "revoked")
    revoked["credential"]["statusReason"] = "Issued in error"
    second = api.put(revoked, key="sis:case-0192:b2", **{"If-Match": '"1"'})
    assert (second.status_code, second.json()["version"]) == (200, 2)
    problem(api.put(COMPLETION, key="sis:case-0192:c3", **{"If-Match": '"1"'}), 412)
    assert problem(api.put(COMPLETION, key="sis:case-0192:b2"), 409)["type"] == "urn:sis:idempotency-conflict"
    assert control.state()["sis"]["changed"] == 1
    assert control.state()["sis"]["refused"] == 2


@pytest.mark.parametrize("value", ["", "Bearer other", "Basic sis-token", "Token sis-token"])
def test_a_wrong_token(api: Api, value: str) -> None:
    api.headers = {"Authorization": value}
    assert api.get("/completions/case-0192").headers["WWW-Authenticate"] == "Bearer"
    problem(api.put(COMPLETION), 401)


def test_what_a_write_needs_around_the_body(api: Api) -> None:
    problem(api.put(COMPLETION, key=""), 400)
    problem(api.put(COMPLETION, **{"Content-Type": "text/plain"}), 415)
    headers = {**api.headers, "Idempotency-Key": "k", "Content-Type": "application/json"}
    url = f"{api.base}/completions/case-0192"
    problem(api.session.put(url, data="{", headers=headers, timeout=10), 400)
    problem(api.put(COMPLETION, **{"If-Match": '"1"'}), 412)


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("completionId", "case-1", "completionId"),
        ("completionId", ..., "completionId"),
        ("colour", "red", "colour"),
        ("version", 1, "version"),
        ("student", "S-42", "student"),
        ("student.id", 42, "student.id"),
        ("student.id", " ", "student.id"),
        ("student.shoe", "38", "student.shoe"),
        ("student.email", "ann", "student.email"),
        ("course.code", ..., "course.code"),
        ("course.title", None, "course.title"),
        ("result.outcome", "great", "result.outcome"),
        ("result.score", "91.5", "result.score"),
        ("result.score", True, "result.score"),
        ("result.score", 101, "result.score"),
        ("result.completedOn", "2026-02-03T10:00:00Z", "result.completedOn"),
        ("result.completedOn", "2026-02-30", "result.completedOn"),
        ("credential.url", "verify.example", "credential.url"),
        ("credential.status", "revoked", "credential.statusReason"),
        ("credential.issuedOn", None, "credential.issuedOn"),
        ("source", ..., "source"),
    ],
)
def test_every_field_is_checked(api: Api, path: str, value: Any, field: str) -> None:
    body = problem(api.put(changed(path, value)), 422)
    assert [one["field"] for one in body["errors"]] == [field]


@pytest.mark.parametrize(
    ("path", "value"),
    [("credential", ...), ("credential.expiresOn", None), ("result.score", ...), ("student.email", ...)],
)
def test_what_may_be_missing(api: Api, path: str, value: Any) -> None:
    assert api.put(changed(path, value)).status_code == 201


def test_known_students_only(api: Api, control: SandboxControl) -> None:
    control.set_sis(known_students_only=True)
    unknown = problem(api.put(COMPLETION), 404)
    assert unknown["type"] == "urn:sis:student-not-found"
    assert unknown["errors"][0]["field"] == "student.id"
    assert api.get("/students?idType=sis&id=S-42").json() == {"items": [], "next": None}
    control.add_student("S-42", name="Ann Lee", email="ann@example.org")
    student = {"id": "S-42", "name": "Ann Lee", "email": "ann@example.org", "active": True}
    assert api.get("/students?idType=sis&id=S-42").json()["items"] == [student]
    assert api.get("/students?email=ANN@example.org").json()["items"] == [student]
    assert api.get("/students?email=other@example.org").json()["items"] == []
    problem(api.get("/students?id=S-42"), 400)
    assert api.put(COMPLETION).status_code == 201


def test_another_token(api: Api, control: SandboxControl) -> None:
    control.set_sis(token="new")
    problem(api.put(COMPLETION), 401)
