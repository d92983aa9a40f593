"""The senders of completion events: what they put on the wire, and when they try again."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from sandbox.control import ControlError, SandboxControl, send_to


class Receiver(ThreadingHTTPServer):
    """Keeps what it was sent and answers as told."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.paths: list[str] = []
        self.statuses: list[int] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}/webhooks/campus"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((dict(self.headers), body))
        self.server.paths.append(self.path)
        self.send_response(self.server.statuses.pop(0) if self.server.statuses else 202)
        self.end_headers()
        self.wfile.write(b'{"accepted": true}')

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Stay quiet."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def learners(control: SandboxControl) -> list[int]:
    control.add_learners([{"id": n, "name": f"Ann {n}", "email": f"ann{n}@example.org"} for n in range(301, 321)])
    return list(range(301, 321))


def test_local_webhooks_as_observed(control: SandboxControl, receiver: Receiver, learners: list[int]) -> None:
    report = control.complete(301, 12, score="91.5", send=send_to(receiver.url, "s3cret"))
    assert report["answer"] == {"status": 202, "body": {"accepted": True}}
    (headers, body), *more = receiver.got
    assert not more
    assert body.decode() == report["raw"]
    assert b"\\/" not in body or b"//" not in body
    event = json.loads(body)
    assert event == report["payload"]
    assert headers["Content-Type"] == "application/json"
    assert headers["User-Agent"].startswith("MoodleBot/")
    assert "Authorization" not in headers
    assert event["eventname"] == "\\core\\event\\course_completed"
    assert event["token"] == "s3cret"
    assert str(event["relateduserid"]) == "301"
    assert str(event["userid"]) != "301"
    assert str(event["objectid"]) == str(report["objectid"])


def test_ids_are_text_or_numbers(control: SandboxControl, learners: list[int]) -> None:
    dry = send_to("http://127.0.0.1:1/", "s", dry=True)
    payloads = [control.complete(one, 12, score="80", send=dry)["payload"] for one in learners[:2]]
    assert {type(one["objectid"]) for one in payloads} == {int, str}
    assert {type(one["relateduserid"]) for one in payloads} == {int, str}
    assert {one["userid"] for one in payloads} == {"2", -1}


def test_a_form_content_type_still_carries_json(
    control: SandboxControl, receiver: Receiver, learners: list[int]
) -> None:
    form = "application/x-www-form-urlencoded"
    control.complete(301, 12, score="80", send=send_to(receiver.url, "s", content_type=form))
    headers, body = receiver.got[0]
    assert headers["Content-Type"] == form
    assert json.loads(body)["component"] == "core"


def test_local_webhooks_never_tries_again(control: SandboxControl, receiver: Receiver, learners: list[int]) -> None:
    receiver.statuses = [503, 202]
    report = control.complete(301, 12, score="80", send=send_to(receiver.url, "s"))
    assert (report["answer"]["status"], report["tries"], len(receiver.got)) == (503, 1, 1)


def test_tool_trigger_takes_only_the_expected_status(
    control: SandboxControl, receiver: Receiver, learners: list[int]
) -> None:
    receiver.statuses = [500, 202, 200]
    send = send_to(receiver.url, "s3cret", "tool_trigger", retry_seconds=0.01)
    report = control.complete(301, 12, score="80", send=send)
    assert (report["answer"]["status"], report["tries"]) == (200, 3)
    headers, body = receiver.got[0]
    assert headers["Authorization"] == "Bearer s3cret"
    event = json.loads(body)
    assert set(event) == {"eventid", "eventname", "objectid", "courseid", "relateduserid", "timecreated"}
    assert all(isinstance(one, str) for one in event.values())
    assert {body for _, body in receiver.got} == {body}


def test_tool_trigger_gives_up_and_can_expect_202(
    control: SandboxControl, receiver: Receiver, learners: list[int]
) -> None:
    again = send_to(receiver.url, "s", "tool_trigger", retry_seconds=0.01, max_tries=1)
    assert control.complete(301, 12, score="80", send=again)["tries"] == 2
    content = send_to(receiver.url, "s", "tool_trigger", expected_response=202)
    assert control.complete(302, 12, score="80", send=content)["tries"] == 1


def test_nobody_listening_is_reported(control: SandboxControl, learners: list[int]) -> None:
    answer = control.complete(301, 12, score="80", send=send_to("http://127.0.0.1:1/", "s"))["answer"]
    assert answer == {"status": None, "body": None, "error": "ConnectionError"}


def test_many_at_once(control: SandboxControl, receiver: Receiver, learners: list[int]) -> None:
    wishes = [{"learner": one, "course": 12, "score": "80"} for one in learners]
    reports = control.complete_many(wishes, parallel=8, send=send_to(receiver.url, "s"))
    assert [str(one["payload"]["relateduserid"]) for one in reports] == [str(one) for one in learners]
    assert len({one["objectid"] for one in reports}) == len(receiver.got) == len(learners)


def test_an_event_can_be_sent_again(control: SandboxControl, receiver: Receiver, learners: list[int]) -> None:
    first = control.complete(301, 12, score="80", send=send_to(receiver.url, "s"))
    again = control.resend(first["objectid"], send_to(receiver.url, "s"))
    assert again["payload"] == first["payload"]


def test_an_event_without_a_completion(control: SandboxControl, receiver: Receiver, learners: list[int]) -> None:
    report = control.complete(301, 12, completed=False, send=send_to(receiver.url, "s"))
    assert report["answer"]["status"] == 202
    assert control.state()["moodle"]["completions"] == 1


def test_logstore_xapi_sends_a_batch_and_takes_only_200(
    control: SandboxControl, receiver: Receiver, learners: list[int]
) -> None:
    first = control.complete(302, 12, score="80", completed_at=1795407012)
    receiver.statuses = [202, 200]
    more = {"also": [first["objectid"]], "noise": True, "retry_seconds": 0.01}
    report = control.complete(301, 12, score="80", send=send_to(receiver.url, "s3cret", "logstore_xapi", **more))
    assert (report["answer"]["status"], report["tries"]) == (200, 2)
    (headers, body), again = receiver.got
    assert body == again[1] == report["raw"].encode()
    assert receiver.paths == ["/webhooks/campus/statements"] * 2
    assert base64.b64decode(headers["Authorization"].removeprefix("Basic ")) == b"moodle:s3cret"
    assert headers["X-Experience-API-Version"] == "1.0.3"
    batch = json.loads(body)
    assert [one["verb"]["id"].rpartition("/")[2] for one in batch] == ["viewed", "completed"] * 2
    assert not any("id" in one for one in batch)
    assert batch[3]["actor"]["account"]["name"] == "302"
    assert batch[3]["actor"]["name"] == "Ann 302"
    assert batch[3]["object"]["id"].endswith("/moodle/course/view.php?id=12")
    assert batch[3]["timestamp"] == "2026-11-23T04:10:12+00:00"


def test_logstore_xapi_names_the_learner_as_its_settings_say(control: SandboxControl, learners: list[int]) -> None:
    def actor(**more: object) -> dict[str, object]:
        send = send_to("http://127.0.0.1:1/", "s", "logstore_xapi", dry=True, **more)
        return dict(control.complete(301, 12, send=send)["payload"][0]["actor"])

    assert actor(names=False).keys() == {"account"}
    assert actor(actor_as="mbox")["mbox"] == "mailto:ann301@example.org"
    assert actor(actor_as="hashed_mbox").keys() == {"name", "objectType", "mbox_sha1sum"}
    assert "learner301" in str(actor(actor_as="username")["account"])


def test_a_batch_of_a_completion_that_is_none_is_refused(control: SandboxControl, learners: list[int]) -> None:
    send = send_to("http://127.0.0.1:1/", "s", "logstore_xapi", dry=True, also=[999])
    with pytest.raises(ControlError, match="completion 999"):
        control.complete(301, 12, send=send)
