"""The Certifier stand-in over HTTP: only what the vendor takes is taken, in the vendor's forms."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from typing import Any

import pytest
import requests

from sandbox.control import ControlError, PlatformControl, SandboxControl

GROUP = "01kzdem0grp000000000000001"
HEADERS = {"Authorization": "Bearer certifier-token", "Certifier-Version": "2022-10-26"}
NEW = {
    "groupId": GROUP,
    "recipient": {"name": "Ada Byron", "email": "ada@example.org"},
    "issueDate": "2026-01-31",
    "expiryDate": "2099-01-31",
    "customAttributes": {"custom.confer_ref": "confer-1"},
}
SEND = {"url": "http://receiver.example/hooks", "dry": True, "secret": "s"}

Call = Callable[..., requests.Response]


@pytest.fixture
def certifier(control: SandboxControl) -> PlatformControl:
    return control.platform("certifier")


@pytest.fixture
def call(control: SandboxControl, http: requests.Session) -> Call:
    def ask(method: str, path: str, **more: Any) -> requests.Response:
        return http.request(
            method, f"{control.base_url}/certifier/{path}", timeout=30, **{"headers": HEADERS, **more}
        )

    return ask


@pytest.fixture
def post(call: Call) -> Call:
    def ask(path: str, body: Any = None) -> requests.Response:
        return call("POST", f"v1/{path}", json=body)

    return ask


def code(refused: requests.Response) -> tuple[int, str]:
    """The status and the code of an error in the vendor's form."""
    error = refused.json()["error"]
    assert set(error) == {"code", "message"}
    return refused.status_code, error["code"]


@pytest.fixture
def draft(post: Call) -> str:
    return str(post("credentials", NEW).json()["id"])


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Authorization": "Bearer another"}, (401, "unauthorized")),
        ({"Authorization": ""}, (401, "unauthorized")),
        ({"Certifier-Version": "2023-01-01"}, (400, "invalid_version")),
        ({"Certifier-Version": ""}, (400, "missing_version")),
    ],
)
def test_every_call_shows_token_and_version(call: Call, headers: dict[str, str], expected: tuple[int, str]) -> None:
    for path in ("v1/groups", "v1/attributes", "v1/credentials", "v1/credential-interactions"):
        assert code(call("GET", path, headers={**HEADERS, **headers})) == expected


def test_a_new_one_is_a_draft_in_the_vendor_s_form(post: Call, call: Call) -> None:
    made = post("credentials", NEW)
    assert made.status_code == 201
    form = made.json()
    assert set(form) == {
        *("id", "publicId", "groupId", "status", "recipient", "issueDate", "expiryDate"),
        *("attributes", "customAttributes", "createdAt", "updatedAt"),
    }
    assert (form["status"], form["groupId"], form["customAttributes"]) == ("draft", GROUP, NEW["customAttributes"])
    assert set(form["recipient"]) == {"id", "name", "email"}
    assert call("GET", f"v1/credentials/{form['id']}").json() == form
    assert post("credentials", NEW).json()["id"] != form["id"]  # nothing refuses a second one


@pytest.mark.parametrize(
    "change",
    [
        {"groupId": None},
        {"recipient": {}},
        {"recipient": {"name": ""}},
        {"recipient": {"name": "Ada", "email": "ada"}},
        {"recipient": {"name": "Ada", "phone": "1"}},
        {"issueDate": "2026-01-31T00:00:00Z"},
        {"expiryDate": "31.1.2026"},
        {"customAttributes": {"custom.confer_ref": 7}},
        {"customAttributes": {"confer_ref": "x"}},
        {"customAttributes": {"custom.colour": "red"}},
        {"colour": "red"},
    ],
)
def test_a_draft_of_another_shape_is_refused(post: Call, certifier: PlatformControl, change: dict[str, Any]) -> None:
    assert code(post("credentials", {**NEW, **change})) == (400, "validation_error")
    assert certifier.credentials() == []


def test_a_body_is_json_and_says_so(call: Call) -> None:
    for more in ({"data": "{}"}, {"data": "{", "headers": {**HEADERS, "Content-Type": "application/json"}}):
        assert code(call("POST", "v1/credentials", **more)) == (400, "invalid_json")


def test_unknown_attributes_may_be_passed_over_too(post: Call, certifier: PlatformControl) -> None:
    certifier.set(unknown_attributes="ignore")
    made = post("credentials", {**NEW, "customAttributes": {"custom.colour": "red", "custom.confer_ref": "x"}})
    assert made.json()["customAttributes"] == {"custom.confer_ref": "x"}
    assert certifier.ignored_fields() == ["custom.colour"]


@pytest.mark.parametrize(("status", "expected"), [(404, "not_found"), (400, "validation_error")])
def test_a_group_that_is_not_there(post: Call, certifier: PlatformControl, status: int, expected: str) -> None:
    certifier.set(missing_group=status)
    assert code(post("credentials", {**NEW, "groupId": GROUP.replace("1", "9")})) == (status, expected)


def test_a_plan_may_not_allow_it(post: Call, certifier: PlatformControl) -> None:
    certifier.set(payment_required=True)
    assert code(post("credentials", NEW)) == (402, "payment_required")


def test_draft_issue_send_only_go_one_way(post: Call, draft: str, certifier: PlatformControl) -> None:
    mail = {"deliveryMethod": "email"}
    assert code(post(f"credentials/{draft}/send", mail)) == (409, "conflict")
    assert post(f"credentials/{draft}/issue").json()["status"] == "issued"
    assert code(post(f"credentials/{draft}/issue")) == (409, "conflict")
    for body in ({}, {"deliveryMethod": "sms"}, {**mail, "colour": "red"}):
        assert code(post(f"credentials/{draft}/send", body)) == (400, "validation_error")
    for _ in range(2):
        assert post(f"credentials/{draft}/send", mail).status_code == 200
    [one] = certifier.credentials(live=True)
    assert (one["mailed"], one["own_ref"], one["attributes"]) == (2, "confer-1", {})


def test_issuing_takes_no_body_but_an_empty_list(post: Call, draft: str) -> None:
    assert code(post(f"credentials/{draft}/issue", {"colour": "red"})) == (400, "validation_error")
    assert post(f"credentials/{draft}/issue", []).status_code == 200


def test_without_an_address_nothing_is_mailed(post: Call, certifier: PlatformControl) -> None:
    nobody = {**NEW, "recipient": {"name": "Ada", "id": None}}
    ref = post("credentials", nobody).json()["id"]
    post(f"credentials/{ref}/issue")
    assert code(post(f"credentials/{ref}/send", {"deliveryMethod": "email"})) == (400, "validation_error")
    assert code(post("credentials/create-issue-send", nobody)) == (400, "validation_error")
    made = post("credentials/create-issue-send", NEW)
    assert (made.status_code, made.json()["status"]) == (201, "issued")
    assert [one["mailed"] for one in certifier.credentials(live=True)] == [0, 1]


def test_a_scheduled_one_is_issued_by_nobody(post: Call, draft: str) -> None:
    when = {"issueAt": "2099-01-01T00:00:00Z", "sendAtIssuance": True}
    assert post(f"credentials/{draft}/schedule", when).json()["status"] == "scheduled"
    assert code(post(f"credentials/{draft}/schedule", when)) == (409, "conflict")
    assert code(post(f"credentials/{draft}/issue")) == (409, "conflict")


def test_answers_may_show_a_draft_as_the_samples_do(post: Call, call: Call, draft: str, certifier: Any) -> None:
    certifier.set(samples=True)
    assert post(f"credentials/{draft}/issue").json()["status"] == "draft"
    assert call("GET", f"v1/credentials/{draft}").json()["status"] == "issued"


def test_a_change_names_the_recipient_by_its_id(call: Call, draft: str) -> None:
    path = f"v1/credentials/{draft}"
    who = call("GET", path).json()["recipient"]
    for wrong in ({"name": "Ada"}, {"id": who["id"]}, {"id": "another", "name": "Ada"}, {**who, "phone": "1"}):
        assert code(call("PATCH", path, json={"recipient": wrong})) == (400, "validation_error")
    changed = call("PATCH", path, json={"recipient": {"id": who["id"], "name": "Ada B."}, "expiryDate": None}).json()
    assert changed["recipient"] == {**who, "name": "Ada B."}
    assert (changed["expiryDate"], changed["customAttributes"]) == (None, NEW["customAttributes"])
    assert call("PATCH", path, json={"customAttributes": {}}).json()["customAttributes"] == {}
    assert code(call("PATCH", path, json={"groupId": GROUP})) == (400, "validation_error")


def test_it_expires_by_its_date(post: Call, call: Call, draft: str, certifier: PlatformControl) -> None:
    post(f"credentials/{draft}/issue")
    assert call("PATCH", f"v1/credentials/{draft}", json={"expiryDate": "2020-01-01"}).json()["status"] == "expired"
    assert code(post(f"credentials/{draft}/send", {"deliveryMethod": "email"})) == (409, "conflict")
    assert certifier.credentials(live=True) == []
    assert call("PATCH", f"v1/credentials/{draft}", json={"expiryDate": None}).json()["status"] == "issued"


@pytest.mark.parametrize("status", [204, 200])
def test_what_is_deleted_is_gone(call: Call, draft: str, certifier: PlatformControl, status: int) -> None:
    certifier.set(delete_status=status)
    gone = call("DELETE", f"v1/credentials/{draft}")
    assert (gone.status_code, gone.content) == (status, b"")
    for method in ("DELETE", "GET"):
        assert code(call(method, f"v1/credentials/{draft}")) == (404, "not_found")
    assert call("GET", "v1/credentials").json()["data"] == []
    assert [one["state"] for one in certifier.credentials()] == ["deleted"]


def test_what_does_not_exist_is_told_in_the_vendor_s_form(call: Call) -> None:
    assert code(call("GET", "v1/groups/nothing")) == (404, "not_found")
    assert code(call("GET", "v1/credentials/nothing")) == (404, "not_found")


def test_lists_come_in_pages_of_twenty_with_cursors(call: Call, certifier: PlatformControl) -> None:
    for number in range(25):
        certifier.add_template(f"01kzdem0grp{100 + number:0>15}", name=f"Group {number}")
    first = call("GET", "v1/groups").json()
    assert (len(first["data"]), first["pagination"]["prev"]) == (20, None)
    cursor = first["pagination"]["next"]
    second = call("GET", f"v1/groups?cursor={cursor}&limit=100").json()
    assert (len(second["data"]), second["pagination"]["next"]) == (7, None)
    for query in ("limit=101", "limit=0", "limit=x", "cursor=x", "page=2"):
        assert code(call("GET", f"v1/groups?{query}")) == (400, "validation_error")
    certifier.set(page_cap=3)
    assert len(call("GET", "v1/groups?limit=100").json()["data"]) == 3


def test_groups_and_attributes_have_their_forms(call: Call, certifier: PlatformControl) -> None:
    group = call("GET", f"v1/groups/{GROUP}").json()
    assert set(group) == {
        *("id", "name", "learningEventUrl", "designIds", "certificateDesignId", "badgeDesignId"),
        *("createdAt", "updatedAt"),
    }
    assert (group["designIds"], group["badgeDesignId"]) == ([group["certificateDesignId"]], None)
    certifier.set(legacy_designs=False, attributes=["mentor"])
    assert "badgeDesignId" not in call("GET", f"v1/groups/{GROUP}").json()
    attributes = call("GET", "v1/attributes").json()
    assert [one["tag"] for one in attributes if not one["isDefault"]] == ["mentor"]
    assert any(one["isDefault"] for one in attributes)


# searching


@pytest.fixture
def people(certifier: PlatformControl) -> dict[str, str]:
    return {
        name: certifier.add_credential(GROUP, name=name, email=f"{name.lower()}@x.example", status=status)["id"]
        for name, status in (("Ada", "issued"), ("Bea", "draft"), ("Cem", "issued"))
    }


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"recipient": {"email": {"equals": "ada@x.example"}}}, ["Ada"]),
        ({"recipient": {"email": {"equals": "ADA@x.example"}}}, []),
        ({"recipient": {"name": {"startsWith": "B"}}}, ["Bea"]),
        ({"recipient": {"name": {"contains": "e"}}}, ["Bea", "Cem"]),
        ({"recipient": {"email": {"endsWith": "@x.example"}}}, ["Ada", "Bea", "Cem"]),
        ({"recipient": {"name": {"in": ["Ada", "Cem", "Dan"]}}}, ["Ada", "Cem"]),
        ({"status": {"equals": "draft"}}, ["Bea"]),
        ({"status": {"in": ["draft", "issued"]}}, ["Ada", "Bea", "Cem"]),
        ({"groupId": {"equals": GROUP}}, ["Ada", "Bea", "Cem"]),
        ({"AND": [{"status": {"equals": "issued"}}, {"recipient": {"name": {"contains": "e"}}}]}, ["Cem"]),
        ({"OR": [{"recipient": {"name": {"equals": "Ada"}}}, {"status": {"equals": "draft"}}]}, ["Ada", "Bea"]),
        ({"NOT": [{"status": {"equals": "issued"}}]}, ["Bea"]),
        ({"AND": [{"NOT": [{"status": {"equals": "draft"}}]}]}, ["Ada", "Cem"]),
    ],
)
def test_a_search_follows_the_grammar(post: Call, people: Any, condition: Any, expected: list[str]) -> None:
    found = post("credentials/search", {"filter": condition}).json()["data"]
    assert sorted(one["recipient"]["name"] for one in found) == expected


@pytest.mark.parametrize(
    "body",
    [
        {"filter": {}},
        {"filter": []},
        {"filter": {"customAttributes": {"custom.confer_ref": {"equals": "x"}}}},
        {"filter": {"colour": {"equals": "red"}}},
        {"filter": {"status": {"equals": "revoked"}}},
        {"filter": {"status": {"contains": "draft"}}},
        {"filter": {"recipient": {"phone": {"equals": "1"}}}},
        {"filter": {"recipient": {"email": "ada@x.example"}}},
        {"filter": {"recipient": {"email": {"equals": 7}}}},
        {"filter": {"recipient": {"email": {"in": "ada"}}}},
        {"filter": {"recipient": {"email": {"like": "ada"}}}},
        {"filter": {"AND": {"status": {"equals": "draft"}}}},
        {"filter": {"AND": []}},
        {"filter": {"status": {"equals": "draft"}, "groupId": {"equals": GROUP}}},
        {"sort": {"property": "createdAt"}},
        {"sort": {"property": "name", "order": "asc"}},
        {"sort": {"property": "createdAt", "order": "down"}},
        {"limit": "20"},
        {"limit": 101},
        {"cursor": None},
        {"page": 2},
        [],
    ],
)
def test_a_search_of_another_shape_is_refused(post: Call, people: Any, body: Any) -> None:
    assert code(post("credentials/search", body)) == (400, "validation_error")


def test_a_search_sorts_and_pages(post: Call, people: dict[str, str], certifier: PlatformControl) -> None:
    certifier.set(page_cap=2)
    wanted: dict[str, Any] = {"sort": {"property": "createdAt", "order": "desc"}, "limit": 100}
    first = post("credentials/search", wanted).json()
    second = post("credentials/search", {**wanted, "cursor": first["pagination"]["next"]}).json()
    assert [one["id"] for one in first["data"] + second["data"]] == list(people.values())[::-1]
    assert second["pagination"]["next"] is None
    certifier.set(groups_searchable=False)
    assert code(post("credentials/search", {"filter": {"groupId": {"equals": GROUP}}})) == (400, "validation_error")


def test_a_search_that_lags_knows_what_was(post: Call, call: Call, people: Any, certifier: PlatformControl) -> None:
    certifier.set(search_lag_ms=60_000)
    assert post("credentials/search", {}).json()["data"] == []
    assert len(call("GET", "v1/credentials").json()["data"]) == 3


# claims


def test_interactions_are_listed_newest_first_and_can_be_inserted(post: Call, call: Call, people: Any) -> None:
    made = {"eventType": "credential_downloaded", "triggeredBy": "guest", "triggeredAt": "2026-02-01T10:00:00Z"}
    for ref in (people["Ada"], people["Cem"]):
        assert post("credential-interactions", {**made, "credentialId": ref}).status_code == 201
    listed = call("GET", "v1/credential-interactions").json()["data"]
    assert [one["credentialId"] for one in listed] == [people["Cem"], people["Ada"]]
    [one] = call("GET", f"v1/credential-interactions?credentialId={people['Ada']}").json()["data"]
    assert {key: value for key, value in one.items() if key != "id"} == {**made, "credentialId": people["Ada"]}
    for change in ({"eventType": "credential_eaten"}, {"triggeredBy": "robot"}, {"colour": "red"}):
        refused = post("credential-interactions", {**made, "credentialId": people["Ada"], **change})
        assert code(refused) == (400, "validation_error")
    assert code(post("credential-interactions", {**made, "credentialId": "nothing"})) == (404, "not_found")


def test_the_public_page_tells_recipient_from_guest(call: Call, people: Any, certifier: PlatformControl) -> None:
    public = {one["name"]: one["public_id"] for one in certifier.credentials()}
    for query in ("", "?recipient=true"):
        assert "Ada" in call("GET", f"credentials/{public['Ada']}{query}", headers={}).text
    assert call("GET", f"credentials/{public['Bea']}", headers={}).status_code == 404  # a draft
    listed = call("GET", "v1/credential-interactions").json()["data"]
    assert [one["triggeredBy"] for one in listed] == ["recipient", "guest"]


def test_a_webhook_is_signed_over_its_very_text(people: Any, certifier: PlatformControl) -> None:
    report = certifier.change(people["Ada"], claim="claimed", send=SEND)
    proof = hmac.new(b"s", report["raw"].encode(), hashlib.sha256).hexdigest()
    assert report["headers"]["X-Webhook-Signature"] == proof
    assert (report["payload"]["type"], set(report["payload"]["data"])) == ("credential.viewed", {"resource"})
    full = certifier.change(people["Ada"], claim="claimed", send={**SEND, "form": "full", "event_id": "e"})
    data = full["payload"]["data"]
    assert set(data) == {"resource", "credential", "credentialInteraction"}
    assert (data["credentialInteraction"]["triggeredBy"], full["payload"]["id"]) == ("recipient", "e")
    unsigned = certifier.change(people["Ada"], viewed_by_guest=True, send={"url": SEND["url"], "dry": True})
    assert "X-Webhook-Signature" not in unsigned["headers"]


def test_a_change_by_hand_is_announced_by_its_kind(people: Any, certifier: PlatformControl) -> None:
    kinds = [
        certifier.change(people["Ada"], **change, send=SEND)["payload"]["type"]
        for change in ({"name": "Ada B."}, {"withdrawn": True}, {"deleted": True})
    ]
    assert kinds == ["credential.updated", "credential.updated", "credential.deleted"]


@pytest.mark.parametrize(
    ("verb", "body"),
    [
        ("change", {"claim": "declined"}),
        ("change", {"colour": "red"}),
        ("set", {"token": ""}),
        ("set", {"page_size": 3}),
        ("add_template", {"usable": False}),
        ("add_credential", {"status": "revoked"}),
    ],
)
def test_wishes_that_it_does_not_know_are_refused(
    people: Any, certifier: PlatformControl, verb: str, body: dict[str, Any]
) -> None:
    first: dict[str, tuple[Any, ...]] = {"change": (people["Ada"],), "set": ()}
    needed = {"add_template": {"name": "x"}, "add_credential": {"name": "x", "email": "x@x.example"}}.get(verb, {})
    with pytest.raises(ControlError):
        getattr(certifier, verb)(*first.get(verb, (GROUP,)), **{**needed, **body})


def test_what_is_not_there_cannot_be_changed_or_given(certifier: PlatformControl) -> None:
    with pytest.raises(ControlError):
        certifier.change("nothing", name="x")
    with pytest.raises(ControlError):
        certifier.add_credential("nothing", name="x", email="x@x.example")


def test_it_counts_and_starts_anew(control: SandboxControl, people: Any) -> None:
    assert control.state()["certifier"] == {"templates": 2, "credentials": 2, "interactions": 0}
    control.reset()
    assert control.state()["certifier"] == {"templates": 2, "credentials": 0, "interactions": 0}


def test_limits_and_failures_have_the_vendor_s_form(control: SandboxControl, call: Call) -> None:
    control.set_rate("certifier", 1, 60.0, retry_after=True)
    call("GET", "v1/groups")
    limited = call("GET", "v1/groups")
    assert code(limited) == (429, "rate_limited")
    assert 0 < int(limited.headers["Retry-After"]) <= 60
    control.set_rate("certifier", None)
    control.fault("certifier", "status", status=500)
    assert code(call("GET", "v1/groups")) == (500, "internal_server_error")
