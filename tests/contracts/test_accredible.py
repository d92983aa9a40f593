"""Accredible's adapter against the sandbox's Accredible: golden payload, look-ups, and every refusal."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from pipeline import clock
from pipeline.configuration.loading import configuration
from pipeline.contracts import Account
from pipeline.errors import Duplicate, Failure, Misconfigured, Outage, Rejected, Throttled, Unsure
from pipeline.platforms.accredible import Accredible, AccredibleSchema
from pipeline.settings import Settings
from pipeline.transport import OpenGate
from pipeline.values import Format, Issued, Order, Template
from sandbox.control import SandboxControl

ORDER = Order(
    ref="confer-abcdefghijklmnopqrstuvwxyz",
    template="4712",
    title="Healthcare Compliance 101",
    description="Has completed Healthcare Compliance 101.",
    learner_ref="307",
    name="Ada Lovelace",
    email=" Ada@Learners.Example ",
    issued_on=date(2026, 3, 7),
    expires_on=date(2028, 3, 6),
    formats=(Format.CERTIFICATE, Format.BADGE),
    attributes={"Score": "91.5"},
)


@pytest.fixture
def accredible(accounts_env: Settings) -> Accredible:
    return Accredible(configuration().platforms["accredible"], OpenGate())


@pytest.fixture
def recorder() -> Iterator[tuple[str, list[tuple[str, str, dict[str, str], Any]]]]:
    """A server that writes down what it is sent, and answers as to a created credential."""
    seen: list[tuple[str, str, dict[str, str], Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            seen.append((self.command, self.path, dict(self.headers), body))
            answer = json.dumps({"credential": {"id": 7, "url": "https://c.example/7", "approve": True}}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", seen
    server.shutdown()
    thread.join()
    server.server_close()


def _account(url: str, monkeypatch: pytest.MonkeyPatch) -> Account:
    monkeypatch.setenv("ACCREDIBLE_TEST_KEY", "the-key")
    options = AccredibleSchema().load({"url": url, "key": "env:ACCREDIBLE_TEST_KEY"})
    return Account(name="a", adapter="accredible", options=options)


def test_the_golden_payload(
    accounts_env: Settings,
    recorder: tuple[str, list[tuple[str, str, dict[str, str], Any]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url, seen = recorder
    account = _account(url, monkeypatch)
    assert Accredible(account, OpenGate()).issue(ORDER) == Issued(platform_ref="7", url="https://c.example/7")
    [(method, path, headers, body)] = seen
    assert (method, path) == ("POST", "/v1/credentials")
    assert headers["Authorization"] == "Token token=the-key"
    assert headers["Content-Type"] == "application/json"
    assert body == {
        "credential": {
            "id": "confer-abcdefghijklmnopqrstuvwxyz",
            "group_id": 4712,
            "recipient": {"name": "Ada Lovelace", "email": "ada@learners.example", "id": "307"},
            "name": "Healthcare Compliance 101",
            "description": "Has completed Healthcare Compliance 101.",
            "issued_on": "2026-03-07",
            "expired_on": "2028-03-06",
            "complete": True,
            "approve": True,
            "custom_attributes": {"Score": "91.5"},
            "meta_data": {"confer_ref": "confer-abcdefghijklmnopqrstuvwxyz"},
        }
    }


def test_a_credential_that_does_not_expire_names_no_date(
    accounts_env: Settings,
    recorder: tuple[str, list[tuple[str, str, dict[str, str], Any]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url, seen = recorder
    account = _account(url, monkeypatch)
    Accredible(account, OpenGate()).issue(replace(ORDER, expires_on=None))
    assert "expired_on" not in seen[0][3]["credential"]


def test_what_was_issued_is_what_was_asked_for_and_no_field_is_passed_over(
    accredible: Accredible, control: SandboxControl
) -> None:
    issued = accredible.issue(ORDER)
    [made] = control.credentials()
    assert issued == Issued(platform_ref=str(made["id"]), url=made["url"], live=True, ours=True)
    assert made["recipient_name"] == "Ada Lovelace"
    assert made["recipient_email"] == "ada@learners.example"
    assert (made["issued_on"], made["expired_on"]) == ("2026-03-07", "2028-03-06")
    assert made["own_id"] == ORDER.ref
    assert control.ignored_fields() == []


def test_it_is_found_by_our_own_reference_in_one_call(accredible: Accredible, control: SandboxControl) -> None:
    issued = accredible.issue(ORDER)
    before = len(control.calls("accredible"))
    assert accredible.find(ORDER) == issued
    assert len(control.calls("accredible")) == before + 1


def test_nothing_is_found_where_nothing_is(accredible: Accredible) -> None:
    assert accredible.find(ORDER) is None


def test_a_call_whose_answer_was_lost_is_unsure_and_found_afterwards(
    accredible: Accredible, control: SandboxControl
) -> None:
    control.fault("accredible", "drop_after", times=1)
    with pytest.raises(Unsure):
        accredible.issue(ORDER)
    found = accredible.find(ORDER)
    assert found is not None
    assert found.ours


def test_a_credential_made_by_hand_is_found_by_address_and_marked_as_not_ours(
    accredible: Accredible, control: SandboxControl
) -> None:
    made = control.platform("accredible").add_credential(4712, name="A. Lovelace", email="ada@learners.example")
    found = accredible.find(ORDER)
    assert found is not None
    assert (found.platform_ref, found.ours, found.live) == (made["id"], False, True)
    assert found.url.startswith(control.base_url)


def test_a_credential_in_another_group_is_not_taken_for_it(accredible: Accredible, control: SandboxControl) -> None:
    control.platform("accredible").add_credential(4711, name="A", email="ada@learners.example")
    assert accredible.find(ORDER) is None


def test_a_credential_of_another_learner_with_the_same_address_is_not_taken_for_it(
    accredible: Accredible, control: SandboxControl
) -> None:
    accredible.issue(replace(ORDER, ref="confer-of-somebody-else", learner_ref="308", name="Ralph"))
    assert accredible.find(ORDER) is None


def test_a_reference_in_the_meta_data_is_found_where_the_own_id_was_dropped(
    accredible: Accredible, control: SandboxControl
) -> None:
    made = control.platform("accredible").add_credential(
        4712, name="Ada", email="another@learners.example", meta_data={"confer_ref": ORDER.ref}
    )
    found = accredible.find(ORDER)
    assert found is not None
    assert (found.platform_ref, found.ours) == (made["id"], True)


def test_a_lagging_search_finds_it_later(accredible: Accredible, control: SandboxControl) -> None:
    control.platform("accredible").set(search_lag_ms=60_000)
    control.platform("accredible").add_credential(4712, name="A", email="ada@learners.example")
    assert accredible.find(ORDER) is None
    assert Accredible.settles_within >= timedelta(seconds=30)


def test_a_second_credential_for_the_address_is_a_duplicate(accredible: Accredible, control: SandboxControl) -> None:
    control.platform("accredible").add_credential(4712, name="A", email="ADA@learners.example")
    with pytest.raises(Duplicate):
        accredible.issue(ORDER)


def test_a_second_call_with_our_reference_is_a_duplicate(accredible: Accredible, control: SandboxControl) -> None:
    control.platform("accredible").add_template(
        4712, name="G", course_name="C", course_description="D", allow_duplicate_credentials=True
    )
    accredible.issue(ORDER)
    with pytest.raises(Duplicate):
        accredible.issue(ORDER)
    assert len(control.credentials()) == 1


def test_without_credits_it_is_there_but_not_live(accredible: Accredible, control: SandboxControl) -> None:
    control.platform("accredible").set(credits=0)
    assert not accredible.issue(ORDER).live
    found = accredible.find(ORDER)
    assert found is not None
    assert not found.live


def test_an_account_in_sandbox_mode_is_not_live(accredible: Accredible, control: SandboxControl) -> None:
    control.platform("accredible").set(sandbox_mode=True)
    assert not accredible.issue(ORDER).live


@pytest.mark.parametrize("call", ["issue", "find", "template"])
def test_a_wrong_key_is_for_the_administrator_and_about_the_whole_account(
    accredible: Accredible, control: SandboxControl, call: str
) -> None:
    control.platform("accredible").set(key="another")
    with pytest.raises(Misconfigured) as caught:
        getattr(accredible, call)("4712" if call == "template" else ORDER)
    assert caught.value.whole_account


def test_a_group_that_is_not_there_is_for_the_administrator(accredible: Accredible) -> None:
    for template in ("999", "first-aid", ""):
        with pytest.raises(Misconfigured):
            accredible.issue(replace(ORDER, template=template))


def test_templates(accredible: Accredible) -> None:
    assert accredible.template("4712") == Template(
        ref="4712", name="Healthcare Compliance 101", usable=True, formats=frozenset(Format),
        attributes=frozenset({"Completed", "Day", "Score"}),
    )  # fmt: skip
    assert accredible.template("999") is None
    assert accredible.template("first-aid") is None


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, '{"code":400,"message":"no","status":"invalid","errors":{}}', Rejected),
        (401, "HTTP Token: Access denied.\n", Misconfigured),
        (401, '{"success":false,"data":"x"}', Misconfigured),
        (403, '{"errors":"x"}', Misconfigured),
        (404, '{"errors":"Doesn\'t exist"}', Rejected),
        (422, '{"errors":"Invalid Group"}', Misconfigured),
        (422, '{"errors":"Can not create credential without recipient data"}', Rejected),
        (422, '{"errors":{"course_name":["can\'t be blank"]}}', Rejected),
        (422, '{"errors":{"credential":["already exists"]}}', Duplicate),
        (422, '{"error":"The email has been taken"}', Duplicate),
        (422, '{"errors":{"recipient.email":"duplicate"}}', Duplicate),
        (422, '{"errors":{"custom_attributes":["has a key that does not exist"]}}', Misconfigured),
        (422, '{"code":"credential_invalid","details":[{"property":"group_id","reason":"x"}]}', Misconfigured),
        (422, '{"error":{"code":"insufficient_credits"}}', Misconfigured),
        (422, '{"credential":{"description":"already taken"},"errors":"recipient"}', Rejected),
        (422, '["The address is already taken"]', Duplicate),
        (422, "no json at all", Rejected),
        (422, "", Rejected),
        (302, "", Unsure),
        (409, "{}", Rejected),
        (500, '{"errors":"Internal server error"}', Unsure),
        (502, "<html>", Unsure),
        (200, "", Unsure),
        (200, "<html>", Unsure),
        (200, '{"credential": {"id": "204', Unsure),
        (200, "[]", Unsure),
        (200, "null", Unsure),
        (200, "{}", Unsure),
        (200, '{"credential": null}', Unsure),
        (200, '{"credential": {}}', Unsure),
        (200, '{"credential": {"id": null}}', Unsure),
        (200, '{"credential": [1]}', Unsure),
        (200, '{"credential": {"id": 0, "approve": true}}', Unsure),
        (200, '{"credential": {"id": true, "approve": true}}', Unsure),
        (200, '{"credential": {"id": 7}}', Unsure),
        (200, '{"credential": {"id": 7, "approve": true, "expired_on": "soon"}}', Unsure),
        (202, '{"credential": {"id": 7, "approve": true}}', Unsure),
        (202, "{}", Unsure),
        (204, "", Unsure),
        (207, '{"results":[{"credential":{"id":1},"error":{"code":"insufficient_credits"}}]}', Unsure),
    ],
)
def test_every_answer_to_a_create_becomes_its_failure(
    accredible: Accredible, control: SandboxControl, status: int, body: str, kind: type[Failure]
) -> None:
    control.fault("accredible", "status", status=status, body=body, method="POST", path="/v1/credentials")
    with pytest.raises(kind) as caught:
        accredible.issue(ORDER)
    assert "Lovelace" not in caught.value.detail


def test_a_429_names_its_pause(accredible: Accredible, control: SandboxControl) -> None:
    control.fault("accredible", "throttle", retry_after=90)
    with pytest.raises(Throttled) as caught:
        accredible.issue(ORDER)
    assert 88 <= (caught.value.until - clock.now()).total_seconds() <= 90


@pytest.mark.parametrize("kind", ["garbage", "html", "empty_200", "drop_before", "drop_after"])
@pytest.mark.parametrize("skip", [0, 1, 2])
def test_a_look_up_that_fails_is_an_outage_and_never_a_nothing_found(
    accredible: Accredible, control: SandboxControl, kind: str, skip: int
) -> None:
    """To take a broken look-up for `nothing there` would issue a second credential."""
    control.fault("accredible", kind, skip=skip)
    with pytest.raises(Outage):
        accredible.find(ORDER)


@pytest.mark.parametrize("status", [500, 503, 400, 401, 403, 302])
@pytest.mark.parametrize("skip", [0, 1, 2])
def test_a_look_up_that_is_refused_is_never_a_nothing_found(
    accredible: Accredible, control: SandboxControl, status: int, skip: int
) -> None:
    control.fault("accredible", "status", status=status, skip=skip)
    with pytest.raises((Outage, Misconfigured, Rejected)):
        accredible.find(ORDER)


@pytest.mark.parametrize("body", ["{}", '{"credentials": null}', '{"credentials": {}}', "[]", '{"credential": 7}'])
@pytest.mark.parametrize("path", ["/v1/credentials", "/v2/credentials/search"])
def test_a_look_up_answered_in_another_shape_is_never_a_nothing_found(
    accredible: Accredible, control: SandboxControl, path: str, body: str
) -> None:
    control.fault("accredible", "status", status=200, path=path, body=body, content_type="application/json")
    with pytest.raises(Outage):
        accredible.find(ORDER)


def test_a_hit_that_vanished_before_it_was_read_does_not_hide_the_next_look(
    accredible: Accredible, control: SandboxControl
) -> None:
    made = control.platform("accredible").add_credential(
        4712, name="A", email="b@learners.example", meta_data={"confer_ref": ORDER.ref}
    )
    control.platform("accredible").set(search_lag_ms=60_000)
    control.platform("accredible").change(made["id"], deleted=True)
    assert accredible.find(ORDER) is None
