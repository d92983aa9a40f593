"""The claim hooks: what proves its origin is stored once, what does not is told, and nothing is ever a 500."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from pipeline.settings import settings
from pipeline.store.database import forget_engine
from pipeline.store.hints import HintRow
from tests.driver import Driver
from tests.vendor import SECRET, VENDOR, announce, installed, post, sign

MakeDriver = Callable[..., Driver]


@pytest.fixture
def confer(make_driver: MakeDriver, monkeypatch: pytest.MonkeyPatch) -> Driver:
    return installed(monkeypatch, make_driver)


def stored(confer: Driver) -> list[HintRow]:
    return confer.rows(select(HintRow))


def is_problem(answer: TestResponse, status: int) -> None:
    assert answer.status_code == status, answer.get_data(as_text=True)
    assert answer.content_type == "application/problem+json"
    assert answer.get_json()["detail"]


def test_an_announcement_is_answered_with_200_after_the_commit_and_wakes_once(confer: Driver) -> None:
    answer = announce(confer, "v1")
    assert (answer.status_code, answer.get_json()) == (200, {"stored": 1})
    with sqlite3.connect(settings().database_url.removeprefix("sqlite:///")) as other:
        assert other.execute("SELECT account, key, ref FROM hints").fetchall() == [("vendor", "e1", "v1")]
    other.close()
    assert [wakeup.task for wakeup in confer.waiting] == ["claim"]
    again = announce(confer, "v1")
    assert (again.status_code, again.get_json()) == (200, {"stored": 0})
    assert len(stored(confer)) == len(confer.waiting) == 1
    assert VENDOR.calls == [], "nothing is asked of the platform meanwhile"


def test_a_key_is_unique_within_its_account(confer: Driver) -> None:
    announce(confer, "v1", "e1")
    announce(confer, "v2", "e1")
    announce(confer, "v1", "e2")
    assert [(row.key, row.ref) for row in stored(confer)] == [("e1", "v1"), ("e2", "v1")]


def test_what_is_about_no_credential_is_ignored(confer: Driver) -> None:
    answer = post(confer, b'{"kind": "ping"}')
    assert answer.status_code == 200
    assert "ignored" in answer.get_json()
    assert stored(confer) == []


def test_twenty_equal_announcements_at_once_are_one_row_and_one_wake_up(confer: Driver) -> None:
    body, app, statuses = b'{"id": "e1", "credential": "v1"}', confer.web.application, []
    ready = threading.Barrier(20)

    def deliver() -> None:
        client = app.test_client()
        ready.wait()
        statuses.append(
            client.post("/claims/vendor", data=body, headers={"X-Vendor-Signature": sign(body)}).status_code
        )

    threads = [threading.Thread(target=deliver) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 20
    assert len(stored(confer)) == len(confer.waiting) == 1


# refused


@pytest.mark.parametrize("signature", ["", "x", "0" * 64, "\u00e9", sign(b"{}"), "sha256=" + sign(b"{}")])
def test_without_proof_it_is_401_and_nothing_is_stored(confer: Driver, signature: str) -> None:
    is_problem(post(confer, b'{"id": "e1", "credential": "v1"}', signature=signature), 401)
    assert stored(confer) == []


def test_the_raw_bytes_are_what_is_signed(confer: Driver) -> None:
    body = b'{"id":"e1","credential":"v1"}'
    for other in (body + b" ", body.replace(b":", b": "), body[:-1], b""):
        is_problem(post(confer, other, signature=sign(body)), 401)
    assert stored(confer) == []


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff\xfe{}", b'{"a": NaN}', b"\x00", b"[" * 100_000, b'{"a":' * 50_000, b'{"kind": "gibberish"}'],
    ids=lambda body: repr(body[:12]),
)
def test_what_cannot_be_read_is_400(confer: Driver, body: bytes) -> None:
    is_problem(post(confer, body), 400)
    assert stored(confer) == []


@pytest.mark.parametrize(
    "document",
    [
        [], 7, None, {}, {"id": "e1"}, {"id": 7, "credential": "v1"}, {"id": "e1", "credential": ["v1"]},
        {"id": "", "credential": "v1"}, {"id": "e1", "credential": ""}, {"id": "e" * 301, "credential": "v1"},
        {"id": "e1", "credential": "v" * 201}, {"id": "e\u0000", "credential": "v1"},
        {"id": "e1", "credential": "v\n1"}, {"id": "e1", "credential": "\ud800"},
    ],
    ids=lambda document: repr(document)[:30],
)  # fmt: skip
def test_another_shape_is_422(confer: Driver, document: object) -> None:
    is_problem(post(confer, json.dumps(document).encode()), 422)
    assert stored(confer) == []


def test_the_longest_ids_are_stored(confer: Driver) -> None:
    assert announce(confer, "v" * 200, "e" * 300).get_json() == {"stored": 1}


def test_a_body_that_is_too_large_is_413(make_driver: MakeDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONFER_MAX_BODY_BYTES", "2048")
    confer = installed(monkeypatch, make_driver)
    is_problem(announce(confer, "v1", extra="x" * 3000), 413)


@pytest.mark.parametrize("account", ["nobody", "VENDOR", "campus", "%00", "..", "caf\u00e9"])
def test_an_unknown_account_is_404(confer: Driver, account: str) -> None:
    is_problem(post(confer, b"{}", account=account), 404)


@pytest.mark.parametrize("account", ["badges", "accredible"])
def test_a_platform_that_announces_nothing_is_404(confer: Driver, account: str) -> None:
    is_problem(post(confer, b"{}", account=account), 404)


@pytest.mark.parametrize("method", ["get", "put", "delete", "patch"])
def test_another_method_is_405(confer: Driver, method: str) -> None:
    is_problem(getattr(confer.web, method)("/claims/vendor"), 405)


def test_an_adapter_that_would_ask_the_platform_is_answered_with_503(confer: Driver) -> None:
    is_problem(post(confer, b'{"kind": "ask"}'), 503)
    assert VENDOR.calls == []


def test_without_a_database_it_is_503_and_nothing_is_accepted(
    confer: Driver, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://confer@127.0.0.1:9/confer")
    settings.cache_clear()
    forget_engine()
    answer = announce(confer, "v1")
    is_problem(answer, 503)
    assert int(answer.headers["Retry-After"]) > 0
    assert list(confer.waiting) == []


def test_nothing_of_the_body_and_no_secret_is_logged(
    confer: Driver, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    for body in (b'{"id": "e1", "credential": "v1", "name": "Ada"}', b'{"name": "Ada"}', b'{"name": "Ada'):
        post(confer, body)
        post(confer, body, signature="x")
    said = capsys.readouterr().err + caplog.text
    assert "Ada" not in said
    assert SECRET not in said


# the entrance


def test_an_entrance_is_passed_before_the_adapter_is_asked(
    make_driver: MakeDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENDOR_PATH", "a-secret-in-the-address")
    monkeypatch.setenv("VENDOR_BASIC", "vendor:its-password")
    confer = installed(
        monkeypatch,
        make_driver,
        ["entrance: {path: [env:VENDOR_PATH], basic: [env:VENDOR_BASIC], networks: [127.0.0.0/8]}"],
    )
    right = {"auth": ("vendor", "its-password")}
    body = b'{"id": "e1", "credential": "v1"}'
    is_problem(post(confer, body, **right), 401)
    is_problem(post(confer, body, path="/wrong", **right), 401)
    is_problem(post(confer, body, path="/a-secret-in-the-address"), 401)
    is_problem(
        post(
            confer, body, path="/a-secret-in-the-address", environ_overrides={"REMOTE_ADDR": "192.0.2.9"}, **right
        ),
        401,
    )  # fmt: skip
    assert stored(confer) == []
    assert post(confer, body, path="/a-secret-in-the-address", **right).status_code == 200
