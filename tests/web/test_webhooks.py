"""The receiver: what is accepted is stored, what is not is told in a problem document, and nothing is ever a 500."""

from __future__ import annotations

import json
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sqlalchemy import select
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from pipeline.configuration.loading import configuration
from pipeline.settings import settings
from pipeline.store.database import forget_engine
from pipeline.store.deliveries import Delivery
from sandbox.control import send_to
from tests.driver import FIRST_AID, WEBHOOK_SECRET, Driver
from web import create_app

MakeDriver = Callable[..., Driver]
NOT_OURS = "a-secret-that-is-not-ours"


def body(**changed: Any) -> dict[str, Any]:
    """A completion event as local_webhooks sends it; a member set to None is left out."""
    event = {
        "eventname": "\\core\\event\\course_completed", "objectid": "41", "userid": "2", "courseid": "12",
        "relateduserid": "307", "timecreated": 1767225600, "other": {"relateduserid": "307"},
        "host": "lms.example.org", "token": WEBHOOK_SECRET, "extra": "",
    } | changed  # fmt: skip
    return {name: value for name, value in event.items() if value is not None}


def is_problem(answer: TestResponse, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.get_data(as_text=True)
    assert answer.content_type == "application/problem+json"
    document = answer.get_json()
    assert document["status"] == status
    assert {"type", "title", "status", "detail"} <= set(document)
    assert document["title"]
    assert document["detail"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    return dict(document)


def stored(confer: Driver) -> list[Delivery]:
    return confer.rows(select(Delivery))


# accepted


def test_a_delivery_is_answered_with_202_and_its_id_and_a_repeat_with_the_same_id(confer: Driver) -> None:
    first = confer.post(json.dumps(body()))
    again = confer.post(json.dumps(body()))
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.get_json()["delivery"] == again.get_json()["delivery"]
    assert len(stored(confer)) == 1
    assert len(confer.waiting) == 1, "a repeat wakes nobody"


def test_the_answer_follows_the_commit(confer: Driver) -> None:
    delivery_id = confer.deliver(json.dumps(body()))
    with sqlite3.connect(settings().database_url.removeprefix("sqlite:///")) as other:
        assert other.execute("SELECT id FROM deliveries").fetchall() == [(delivery_id,)]
    other.close()


def test_key_order_spaces_and_escapes_do_not_matter(confer: Driver) -> None:
    event = body()
    spellings = [
        json.dumps(event),
        json.dumps(dict(reversed(event.items())), indent=4),
        json.dumps(event, separators=(",", ":")).replace("/", "\\/"),
        "".join(f"\\u{ord(c):04x}" if c == "t" else c for c in json.dumps(event)).replace('"\\u0074', '"\\u0074'),
        json.dumps(body(objectid=41, courseid=12, relateduserid=307, userid=-1, timecreated="1767225600")),
        json.dumps(body(objectid="041")),
    ]
    assert len({confer.deliver(spelling) for spelling in spellings}) == 1
    assert len(stored(confer)) == 1


@pytest.mark.parametrize("sender", ["local_webhooks", "tool_trigger"])
@pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded"])
def test_both_plugins_are_understood_also_under_a_form_content_type(
    confer: Driver, sender: str, content_type: str
) -> None:
    confer.learner()
    told = send_to("http://receiver.example/", WEBHOOK_SECRET, sender, dry=True, content_type=content_type)
    sent = confer.control.complete(307, FIRST_AID, score="91", send=told)
    headers = {name: value for name, value in sent["headers"].items() if name != "Content-Type"}
    answer = confer.web.post(
        "/webhooks/campus", data=sent["raw"], headers=headers, content_type=sent["headers"]["Content-Type"]
    )
    assert answer.status_code == 202
    confer.drain()
    assert confer.case().stage == "done"


def test_both_plugins_speaking_of_one_completion_make_one_delivery(confer: Driver) -> None:
    confer.learner()
    event = confer.event()
    first = confer.deliver(json.dumps(event))
    trigger = {name: str(event[name]) for name in ("objectid", "courseid", "relateduserid", "timecreated")}
    second = confer.post(
        json.dumps({**trigger, "eventname": event["eventname"]}),
        headers={"Authorization": f"Bearer {WEBHOOK_SECRET}"},
    )
    assert second.get_json()["delivery"] == first


def test_the_learner_is_relateduserid_and_never_the_actor(confer: Driver) -> None:
    confer.deliver(json.dumps(body(userid=2)))
    [event] = stored(confer)[0].events
    assert event["learner"] == "307"


def test_a_site_restored_from_a_backup_that_counts_anew_is_not_taken_for_a_repeat(confer: Driver) -> None:
    first = confer.deliver(json.dumps(body(objectid=41, relateduserid=307)))
    second = confer.deliver(json.dumps(body(objectid=41, relateduserid=308)))
    assert first != second


def test_other_events_are_ignored_and_not_stored(confer: Driver) -> None:
    answer = confer.post(json.dumps(body(eventname="\\core\\event\\user_graded")))
    assert answer.status_code == 200
    assert "user_graded" in answer.get_json()["ignored"]
    assert stored(confer) == []
    assert list(confer.waiting) == []


def test_a_source_whose_plugin_wants_exactly_200_gets_it(confer: Driver) -> None:
    import shutil

    shutil.rmtree(confer.config)
    shutil.copytree(Path(__file__).parent.parent / "config_next", confer.config)
    confer.reload()
    answer = confer.post(json.dumps(body(token="the-webhook-secret-of-the-college")), "college")
    assert answer.status_code == 200
    assert answer.get_json()["delivery"].startswith("delivery_")


def test_sources_do_not_share_their_secrets_or_their_keys(confer: Driver) -> None:
    import shutil

    shutil.rmtree(confer.config)
    shutil.copytree(Path(__file__).parent.parent / "config_next", confer.config)
    confer.reload()
    is_problem(confer.post(json.dumps(body()), "college"), 401)
    one = confer.deliver(json.dumps(body()))
    other = confer.post(json.dumps(body(token="the-webhook-secret-of-the-college")), "college").get_json()["delivery"]
    assert one != other


def test_fifty_equal_deliveries_at_once_are_one_row_and_one_wakeup(confer: Driver) -> None:
    raw, app = json.dumps(body()), confer.web.application
    answers: list[tuple[int, str]] = []
    ready = threading.Barrier(50)

    def deliver() -> None:
        client = app.test_client()
        ready.wait()
        answer = client.post("/webhooks/campus", data=raw, content_type="application/json")
        answers.append((answer.status_code, answer.get_json().get("delivery")))

    threads = [threading.Thread(target=deliver) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 50
    assert len(set(answers)) == 1
    assert answers[0][0] == 202
    assert len(stored(confer)) == 1
    assert len(confer.waiting) == 1


@contextmanager
def listening(app: Any) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_chunked_body_without_a_length_is_read(make_driver: MakeDriver) -> None:
    confer = make_driver(CONFER_MAX_BODY_BYTES="2048")
    raw = json.dumps(body()).encode()
    with listening(confer.web.application) as url:
        answer = requests.post(f"{url}/webhooks/campus", data=iter([raw[:20], raw[20:]]), timeout=10)
        assert answer.status_code == 202
        large = requests.post(f"{url}/webhooks/campus", data=iter([raw, b" " * 4096]), timeout=10)
        assert large.status_code == 413
        assert large.headers["Content-Type"] == "application/problem+json"
    assert len(stored(confer)) == 1


# proof of origin


@pytest.mark.parametrize(
    "token", [NOT_OURS, "", None, 7, ["x"], {"a": 1}, True, WEBHOOK_SECRET + "x", "\u00e9\u20ac"]
)
def test_a_wrong_or_missing_token_is_401_and_nothing_is_stored(confer: Driver, token: object) -> None:
    is_problem(confer.post(json.dumps(body(token=token))), 401)
    assert stored(confer) == []


@pytest.mark.parametrize(
    "header",
    ["Bearer", "Bearer ", "Basic YTpi", f"Bearer {NOT_OURS}", "Bearer \xff\xfe", "\x80", f"Token {WEBHOOK_SECRET}"],
)
def test_a_wrong_or_broken_header_is_401(confer: Driver, header: str) -> None:
    raw = json.dumps(body(token=None))
    is_problem(confer.post(raw, environ_overrides={"HTTP_AUTHORIZATION": header}), 401)
    assert stored(confer) == []


def test_a_wrong_header_beside_the_right_token_is_accepted_and_the_other_way_round(confer: Driver) -> None:
    both = confer.post(json.dumps(body()), headers={"Authorization": f"Bearer {NOT_OURS}"})
    assert both.status_code == 202
    header = confer.post(json.dumps(body(token=NOT_OURS)), headers={"Authorization": f"Bearer {WEBHOOK_SECRET}"})
    assert header.status_code == 202


def test_two_secrets_are_active_while_one_is_rotated(confer: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    following = "the-next-secret-of-campus"
    is_problem(confer.post(json.dumps(body(token=following))), 401)
    monkeypatch.setenv("CAMPUS_WEBHOOK_SECRET_NEXT", following)
    confer.reload()
    assert confer.post(json.dumps(body(objectid=1))).status_code == 202
    assert confer.post(json.dumps(body(objectid=2, token=following))).status_code == 202
    monkeypatch.setenv("CAMPUS_WEBHOOK_SECRET", following)
    monkeypatch.delenv("CAMPUS_WEBHOOK_SECRET_NEXT")
    confer.reload()
    is_problem(confer.post(json.dumps(body(objectid=3))), 401)
    assert confer.post(json.dumps(body(objectid=3, token=following))).status_code == 202


@pytest.mark.parametrize("header", [False, True])
def test_the_token_is_neither_stored_nor_logged_nor_told(
    confer: Driver, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, header: bool
) -> None:
    proof = {"headers": {"Authorization": f"Bearer {WEBHOOK_SECRET}"}} if header else {}
    answers = [
        confer.post(json.dumps(body()), **proof),
        confer.post(json.dumps(body(courseid="x")), **proof),
        confer.post(json.dumps(body(eventname="other")), **proof),
        confer.post(json.dumps(body(token=NOT_OURS))),
        confer.post(f'{{"token": "{WEBHOOK_SECRET}"', **proof),
        confer.post(f'{{"token": "{NOT_OURS}", "token": "{WEBHOOK_SECRET}"}}'),
    ]
    said = "".join(answer.get_data(as_text=True) for answer in answers) + capsys.readouterr().err + caplog.text
    kept = b"".join(row.body for row in stored(confer)) + str([row.events for row in stored(confer)]).encode()
    for secret in (WEBHOOK_SECRET, NOT_OURS):
        assert secret not in said
        assert secret.encode() not in kept


# refused


@pytest.mark.parametrize(
    "raw",
    [
        b"", b" ", b"{", b"not json", b"\xff\xfe{}", b'{"token": NaN}', b'{"a": Infinity}', b"\x00", b'{"a": 1}{',
        b"[" * 100_000, b'{"a":' * 50_000, b'{"objectid": ' + b"9" * 10_000 + b"}", b"token=x&eventname=y",
    ],
    ids=lambda raw: repr(raw[:14]),
)  # fmt: skip
def test_what_is_no_json_is_400(confer: Driver, raw: bytes) -> None:
    is_problem(confer.post(raw), 400)


@pytest.mark.parametrize("raw", ["[]", "1", '"text"', "null", "true"])
def test_json_that_is_no_object_is_422(confer: Driver, raw: str) -> None:
    is_problem(confer.post(raw), 422)


def test_a_wrong_schema_is_422_and_names_every_field_at_once(confer: Driver) -> None:
    document = is_problem(confer.post(json.dumps(body(objectid=None, courseid="x", relateduserid=1.5))), 422)
    assert set(document["errors"]) == {"objectid", "courseid", "relateduserid"}
    assert stored(confer) == []


@pytest.mark.parametrize("field", ["objectid", "courseid", "relateduserid", "timecreated"])
@pytest.mark.parametrize(
    "value", [None, "", "x", "1.0", -1, "-1", 1.5, True, [1], {"a": 1}, "\u0663", "1\u0000", 10**30, "9" * 40, " 1"]
)
def test_every_field_is_checked(confer: Driver, field: str, value: object) -> None:
    document = is_problem(confer.post(json.dumps(body(**{field: value}))), 422)
    assert set(document["errors"]) == {field}


@pytest.mark.parametrize("at", [0, 4_000_000_000, 10**18])
def test_a_time_that_cannot_be_is_422(confer: Driver, at: int) -> None:
    document = is_problem(confer.post(json.dumps(body(timecreated=at))), 422)
    assert set(document["errors"]) == {"timecreated"}


def test_a_body_that_is_too_large_is_413(make_driver: MakeDriver) -> None:
    confer = make_driver(CONFER_MAX_BODY_BYTES="2048")
    assert confer.post(json.dumps(body(extra="x" * 1000))).status_code == 202
    is_problem(confer.post(json.dumps(body(extra="x" * 3000))), 413)
    is_problem(confer.post(b"x", environ_overrides={"CONTENT_LENGTH": "1000000000000"}), 413)


@pytest.mark.parametrize("source", ["nobody", "CAMPUS", "campus%20", "%00", "..", "caf\u00e9"])
def test_an_unknown_source_is_404(confer: Driver, source: str) -> None:
    is_problem(confer.post(json.dumps(body()), source), 404)


@pytest.mark.parametrize("method", ["get", "put", "delete", "patch"])
def test_another_method_is_405_and_says_which_is_right(confer: Driver, method: str) -> None:
    answer = getattr(confer.web, method)("/webhooks/campus")
    is_problem(answer, 405)
    assert "POST" in answer.headers["Allow"]


def test_a_foreign_host_name_is_refused(confer: Driver) -> None:
    is_problem(confer.post(json.dumps(body()), headers={"Host": "evil.example"}), 400)
    assert stored(confer) == []


# the outside is away


@pytest.mark.parametrize("kind", ["no directory", "a directory", "a closed port", "no database"])
def test_without_a_database_it_is_503_with_retry_after_and_nothing_is_accepted(
    confer: Driver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("no database " * 100)
    url = {
        "no directory": f"sqlite:///{tmp_path / 'file' / 'below' / 'confer.db'}",
        "a directory": f"sqlite:///{tmp_path / 'folder'}",
        "a closed port": "postgresql://confer@127.0.0.1:9/confer",
        "no database": f"sqlite:///{tmp_path / 'file'}",
    }[kind]
    monkeypatch.setenv("DATABASE_URL", url)
    settings.cache_clear()
    forget_engine()
    answer = confer.post(json.dumps(body()))
    is_problem(answer, 503)
    assert int(answer.headers["Retry-After"]) > 0
    assert list(confer.waiting) == []
    is_problem(confer.post(json.dumps(body(token=NOT_OURS))), 401)


def test_a_defect_of_ours_is_a_503_so_that_the_sender_comes_again(
    confer: Driver, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from pipeline.store import deliveries

    def defect(**_: object) -> None:
        raise RuntimeError("ada@learners.example")

    monkeypatch.setattr(deliveries, "store", defect)
    answer = confer.post(json.dumps(body()))
    is_problem(answer, 503)
    assert "Retry-After" in answer.headers
    assert "ada@" not in answer.get_data(as_text=True) + capsys.readouterr().err


BROKER_AWAY = """
import json, sys, time
from pipeline.store import tables
from pipeline.store.database import Row, engine
from pipeline.steps.turn import WakeUp
Row.metadata.create_all(engine())
from web import create_app
client = create_app().test_client()
slowest, codes = 0.0, []
for number in range(1, 31):
    event = json.loads(sys.argv[1]) | {"objectid": number}
    began = time.monotonic()
    codes.append(client.post("/webhooks/campus", data=json.dumps(event)).status_code)
    slowest = max(slowest, time.monotonic() - began)
from tasks.announce import announce
began = time.monotonic()
sent = announce([WakeUp(task="receive", id="a"), WakeUp(task="issue", id="badges"), WakeUp(task="notify", id="b")])
print(json.dumps({"codes": codes, "slowest": slowest, "sent": sent, "announcing": time.monotonic() - began}))
import os; sys.stdout.flush(); os._exit(0)
"""


@pytest.mark.parametrize("kind", ["frozen", "closed", "babbling", "files"])
def test_a_broker_that_is_away_or_frozen_never_delays_an_answer(
    accounts_env: Any, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _broker(kind) as url:
        monkeypatch.setenv("REDIS_URL", url)
        done = subprocess.run(
            [sys.executable, "-c", BROKER_AWAY, json.dumps(body())], capture_output=True, text=True, timeout=60,
            check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["codes"] == [202] * 30
    assert told["slowest"] < 1
    assert told["sent"] == (3 if kind == "files" else 0)
    assert told["announcing"] < 15


@contextmanager
def _broker(kind: str) -> Iterator[str]:
    """A Redis that accepts and never answers, that is not there, or that answers nonsense."""
    if kind == "files":
        yield ""
        return
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    ended = threading.Event()
    if kind == "closed":
        listener.close()
        yield f"redis://127.0.0.1:{port}/0"
        return
    taken: list[socket.socket] = []

    def accept() -> None:
        listener.settimeout(0.1)
        while not ended.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            taken.append(connection)
            if kind == "babbling":
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        ended.set()
        thread.join()
        for one in (*taken, listener):
            one.close()


def test_the_herald_drops_what_does_not_fit_and_never_raises() -> None:
    from pipeline.steps.turn import WakeUp
    from web.herald import Herald

    herald = Herald(capacity=2)
    herald._start = lambda: None  # type: ignore[method-assign]  # nobody takes anything out
    began = time.monotonic()
    for number in range(100):
        herald.send(WakeUp(task="receive", id=str(number)))
    assert time.monotonic() - began < 1


# anything at all

KEYS = st.sampled_from(["eventname", "objectid", "courseid", "relateduserid", "timecreated", "token", "other", "x"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(WEBHOOK_SECRET) | st.just("41"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(), inner, max_size=3),
    max_leaves=8,
)
PROVEN = st.dictionaries(KEYS, VALUES, max_size=8).map(lambda found: body() | found | {"token": WEBHOOK_SECRET})
ALLOWED = {200, 202, 400, 401, 413, 422}
many = examples(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@many
@given(raw=st.binary(max_size=200) | st.text().map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_get_a_clear_answer(confer: Driver, raw: bytes) -> None:
    assert confer.post(raw).status_code in ALLOWED


@many
@given(document=VALUES | PROVEN)
def test_any_json_gets_a_clear_answer(confer: Driver, document: object) -> None:
    assert confer.post(json.dumps(document)).status_code in ALLOWED


@many
@given(value=st.text(st.characters(max_codepoint=255, exclude_characters="\r\n")))
def test_any_header_gets_a_clear_answer(confer: Driver, value: str) -> None:
    answer = confer.post(json.dumps(body(token=None)), environ_overrides={"HTTP_AUTHORIZATION": value})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    "raw",
    [
        '{"token": "%s", "eventname": "\\ud800"}',
        '{"token": "%s", "eventname": "\\u0000"}',
        '{"token": "\\udfff"}',
        '{"token": "%s", "token": 1}',
        '{"eventname": "\\\\core\\\\event\\\\course_completed", "token": "%s", "objectid": "\\ud83d"}',
        '{"token": "%s", "eventname": 1e999}',
        '{"token": "%s", "eventname": 12345678901234567890123456789012345678901234567890}',
    ],
)
def test_hostile_spellings_get_a_clear_answer(confer: Driver, raw: str) -> None:
    raw = raw.replace("%s", WEBHOOK_SECRET)
    assert confer.post(raw).status_code in ALLOWED


def test_the_application_refuses_to_start_with_a_faulty_configuration(confer: Driver) -> None:
    from pipeline.configuration.documents import ConfigurationFault

    (confer.config / "targets.yaml").write_text("sis: {system: nothing}\n")
    configuration.cache_clear()
    with pytest.raises(ConfigurationFault):
        create_app()
