"""The Sertifier stand-in over HTTP: failures under 200, unknown members passed over, and every open question."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import requests

from sandbox.control import ControlError, PlatformControl, SandboxControl

CAMPAIGN = "c0ffee00-0000-4000-8000-000000000001"
OTHER = "c0ffee00-0000-4000-8000-000000000002"
ADD = "campaign/addCredentials"
ITEM = {"campaignId": CAMPAIGN, "name": "Ada Byron", "email": "ada@example.org", "issueDate": "2026-01-31"}
MEMBERS = {
    "message", "hasError", "validationErrors", "data", "content", "isUpgraded", "showPurchaseSheet", "upgradePlan",
}  # fmt: skip

Call = Callable[..., requests.Response]


@pytest.fixture
def sertifier(control: SandboxControl) -> PlatformControl:
    return control.platform("sertifier")


@pytest.fixture
def raw(control: SandboxControl, http: requests.Session) -> Call:
    def ask(method: str, path: str, **more: Any) -> requests.Response:
        return http.request(method, f"{control.base_url}/sertifier/{path}", timeout=30, **more)

    return ask


@pytest.fixture
def call(raw: Call) -> Callable[..., Any]:
    """Calls with the key and gives what is in the envelope, which has to be whole and without a failure."""

    def ask(method: str, path: str, body: Any = None, *, fails: bool = False) -> Any:
        more = {} if body is None else {"json": body}
        answer = raw(method, path, headers={"secretKey": "sertifier-key", "api-version": "3.3"}, **more)
        assert answer.status_code == 200
        document = answer.json()
        assert set(document) == MEMBERS
        assert document["hasError"] is fails
        return document if fails else document["data"]

    return ask


def made(call: Callable[..., Any], **changes: Any) -> dict[str, Any]:
    [one] = call("POST", ADD, {"credentials": [{**ITEM, **changes}]})[changes.get("campaignId", CAMPAIGN)]
    return dict(one)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"api-version": "3.3"}, 401),
        ({"secretKey": "another", "api-version": "3.3"}, 401),
        ({"Authorization": "Bearer sertifier-key", "api-version": "3.3"}, 401),
        ({"secretKey": "Bearer sertifier-key", "api-version": "3.3"}, 401),
        ({"secretKey": "sertifier-key"}, 404),
        ({"secretKey": "sertifier-key", "api-version": "2.1"}, 404),
        ({"secretKey": "sertifier-key", "api-version": "3.3"}, 200),
    ],
)
def test_key_and_version_come_first(raw: Call, headers: dict[str, str], status: int) -> None:
    for method, path in (("GET", "Test"), ("GET", f"campaign/{CAMPAIGN}"), ("GET", f"campaign/{OTHER}")):
        answer = raw(method, path, headers=headers)
        assert answer.status_code == status
        assert answer.json()["hasError"] is (status != 200)


def test_a_credential_is_made_under_its_campaign_and_is_unpublished_until_told(
    call: Callable[..., Any], sertifier: PlatformControl
) -> None:
    data = call("POST", ADD, {"credentials": [ITEM, {**ITEM, "campaignId": OTHER, "quickPublish": True}]})
    assert set(data) == {CAMPAIGN, OTHER}
    [first], [second] = data[CAMPAIGN], data[OTHER]
    assert (first["status"], second["status"]) == (0, 1)
    assert first["verificationLink"].startswith("http")
    shown = {one["id"]: (one["state"], one["mailed"]) for one in sertifier.credentials()}
    assert shown == {first["id"]: ("unpublished", 0), second["id"]: ("published", 1)}


def test_no_duplicate_is_refused(call: Callable[..., Any], sertifier: PlatformControl) -> None:
    assert made(call, externalId="one")["id"] != made(call, externalId="one")["id"]
    assert len(sertifier.credentials()) == 2


def test_unknown_members_are_passed_over_in_silence(call: Callable[..., Any], sertifier: PlatformControl) -> None:
    sertifier.add_template(CAMPAIGN, name="First Aid", attributes=["Score"])
    sertifier.add_template(OTHER, name="Fire Safety", attributes=["Level"])
    ids = {one["title"]: one["id"] for one in call("POST", "attribute/search", {})}
    item = {**ITEM, "quickpublish": True, "attributes": {"Score": "91"}}
    [one] = call("POST", ADD, {"campaignId": CAMPAIGN, "credentials": [item]})[CAMPAIGN]
    assert one["status"] == 0
    assert sertifier.ignored_fields() == ["campaignId", "credentials[].attributes", "credentials[].quickpublish"]
    made(call, attributes=[{"id": ids["Score"], "value": "91"}, {"id": ids["Level"], "value": "3"}])
    assert [one["attributes"] for one in sertifier.credentials()] == [{}, {"Score": "91"}]


@pytest.mark.parametrize(
    ("item", "field"),
    [
        ({**ITEM, "name": ""}, "credentials[0].name"),
        ({**ITEM, "email": "no-address"}, "credentials[0].email"),
        ({**ITEM, "issueDate": "31.01.2026"}, "credentials[0].issueDate"),
        ({**ITEM, "quickPublish": "yes"}, "credentials[0].quickPublish"),
        ({key: value for key, value in ITEM.items() if key != "campaignId"}, "credentials[0].campaignId"),
        ("Ada", "credentials[0]"),
    ],
)
def test_a_wrong_credential_is_refused_under_200_in_two_forms(
    call: Callable[..., Any], sertifier: PlatformControl, item: Any, field: str
) -> None:
    [fault] = call("POST", ADD, {"credentials": [item]}, fails=True)["validationErrors"]
    assert fault["key"] == field
    sertifier.set(faults_as_objects=False)
    [fault] = call("POST", ADD, {"credentials": [item]}, fails=True)["validationErrors"]
    assert fault.startswith(field)
    assert sertifier.credentials() == []


@pytest.mark.parametrize("body", [{}, {"credentials": []}, {"credentials": {}}, {"credentials": "x"}])
def test_nothing_to_make_is_refused(call: Callable[..., Any], body: Any) -> None:
    assert call("POST", ADD, body, fails=True)["validationErrors"][0]["key"] == "credentials"


def test_a_body_has_to_be_an_object(call: Callable[..., Any], raw: Call) -> None:
    call("POST", ADD, [], fails=True)
    headers = {"secretKey": "sertifier-key", "api-version": "3.3", "Content-Type": "application/json"}
    assert raw("POST", ADD, headers=headers, data="{").json()["hasError"]


def test_campaigns_that_are_not_there_or_take_nothing_make_nothing(
    call: Callable[..., Any], sertifier: PlatformControl
) -> None:
    sertifier.add_template(OTHER, name="Fire Safety", usable=False)
    for campaign in ("c0ffee00-0000-4000-8000-00000000000f", OTHER):
        assert call("POST", ADD, {"credentials": [ITEM, {**ITEM, "campaignId": campaign}]}, fails=True)["message"]
    assert sertifier.credentials() == []
    assert call("GET", f"campaign/{OTHER}")["status"] == 2


def test_the_plan_ends(call: Callable[..., Any], sertifier: PlatformControl) -> None:
    sertifier.set(recipients_left=1)
    made(call)
    assert call("POST", ADD, {"credentials": [ITEM]}, fails=True)["showPurchaseSheet"] is True


@pytest.mark.parametrize("key", ["id", "campaignId"])
def test_sending_publishes_the_whole_campaign_by_either_key(
    call: Callable[..., Any], sertifier: PlatformControl, key: str
) -> None:
    for email in ("ada@example.org", "bob@example.org"):
        made(call, email=email)
    made(call, campaignId=OTHER)
    assert call("POST", "campaign/send", {key: CAMPAIGN}) is True
    assert [one["template"] for one in sertifier.credentials(live=True)] == [CAMPAIGN, CAMPAIGN]
    assert call("POST", "campaign/send", {}, fails=True)["message"]


@pytest.mark.parametrize("key", ["ids", "credentialIds"])
def test_publishing_takes_either_key_and_is_once(
    call: Callable[..., Any], sertifier: PlatformControl, key: str
) -> None:
    first, second = made(call), made(call, dontSendEmail=True)
    for _ in range(2):
        assert call("POST", "credential/publish", {key: [first["id"], second["id"]]}) is True
    assert [one["mailed"] for one in sertifier.credentials(live=True)] == [1, 0]
    for refs in ([], ["nothing"], "nothing"):
        call("POST", "credential/publish", {key: refs}, fails=True)


def test_a_search_gives_ten_unless_told(call: Callable[..., Any], sertifier: PlatformControl) -> None:
    for number in range(12):
        made(call, email=f"learner{number}@example.org")
    assert len(call("POST", "credential/search", {})) == 10
    assert len(call("POST", "credential/search", {"startIndex": 10})) == 2
    assert len(call("POST", "credential/search", {"length": 50})) == 12
    assert call("POST", "credential/search", {"startIndex": 12, "length": 50}) == []
    sertifier.set(page_cap=5)
    assert len(call("POST", "credential/search", {"length": 50})) == 5
    call("POST", "credential/search", {"length": "50"}, fails=True)


def test_a_search_filters_and_shows_neither_link_nor_our_id(
    call: Callable[..., Any], sertifier: PlatformControl
) -> None:
    first = made(call, externalId="issuance-9b1d")
    other = made(call, campaignId=OTHER, email="Bob@Example.org", quickPublish=True)
    for wish, ids in (
        ({"searchTerm": "ADA@example"}, [first["id"]]),
        ({"campaignIds": [OTHER]}, [other["id"]]),
        ({"recipientIds": [first["recipientId"]]}, [first["id"]]),
        ({"status": 1}, [other["id"]]),
        ({"searchTerm": "issuance-9b1d"}, []),
    ):
        found = call("POST", "credential/search", wish)
        assert [one["id"] for one in found] == ids
        assert not any({"verificationLink", "externalId"} & set(one) for one in found)
    assert "externalId" not in call("GET", f"credential/{first['id']}")
    sertifier.set(external_id_on_read=True, campaign_on_read=False, search_covers=["name"])
    shown = call("GET", f"credential/{first['id']}")
    assert (shown["externalId"], "campaignId" in shown) == ("issuance-9b1d", False)
    assert call("POST", "credential/search", {"searchTerm": "ada@example"}) == []


@pytest.mark.parametrize("place", ["items", "name"])
def test_the_list_stands_where_it_was_set_to(
    call: Callable[..., Any], sertifier: PlatformControl, place: str
) -> None:
    sertifier.set(list_at=place)
    found = call("POST", "campaign/search", {"searchTerm": "fire"})
    assert [one["id"] for one in found["campaigns" if place == "name" else place]] == [OTHER]


def test_the_search_lags_when_told(call: Callable[..., Any], sertifier: PlatformControl) -> None:
    sertifier.set(search_lag_ms=200)
    ref = made(call)["id"]
    assert call("POST", "credential/search", {}) == []
    assert call("GET", f"credential/{ref}")["id"] == ref
    ends = time.monotonic() + 5
    while not call("POST", "credential/search", {}) and time.monotonic() < ends:
        time.sleep(0.02)
    assert len(call("POST", "credential/search", {})) == 1


def test_a_credential_is_changed_and_deleted(call: Callable[..., Any], sertifier: PlatformControl) -> None:
    path = f"credential/{made(call)['id']}"
    assert call("PUT", path, {"name": "Ada King", "expireDate": "2020-01-31", "email": "x@example.org"}) is True
    shown = call("GET", path)
    assert (shown["name"], shown["expireDate"], shown["email"]) == ("Ada King", "2020-01-31", "ada@example.org")
    assert sertifier.credentials()[0]["state"] == "expired"
    call("PUT", path, {"expireDate": None})
    assert sertifier.credentials()[0]["state"] == "unpublished"
    call("PUT", path, {"name": ""}, fails=True)
    assert call("DELETE", path) is True
    for method, body in (("GET", None), ("PUT", {"name": "x"}), ("DELETE", None)):
        assert call(method, path, body, fails=True)["message"] == "Credential not found."
    assert sertifier.credentials()[0]["state"] == "deleted"


def test_what_is_not_there_is_told_as_set(call: Callable[..., Any], sertifier: PlatformControl, raw: Call) -> None:
    sertifier.set(missing="null")
    assert call("GET", "credential/nothing") is None
    sertifier.set(missing="empty_404")
    answer = raw("GET", "credential/nothing", headers={"secretKey": "sertifier-key", "api-version": "3.3"})
    assert (answer.status_code, answer.content) == (404, b"")


def test_the_pdf_is_found_by_id_or_number(call: Callable[..., Any]) -> None:
    one = made(call)
    for ref in (one["id"], one["certificateNO"]):
        assert call("GET", f"credential/generatePDFLink/{ref}")["link"].startswith("http")
    call("GET", "credential/generatePDFLink/nothing", fails=True)


def test_recipients_are_found(call: Callable[..., Any]) -> None:
    made(call, externalId="issuance-9b1d")
    [one] = call("POST", "recipient/search", {"searchTerm": "ada"})
    assert (one["name"], one["email"], one["externalID"]) == ("Ada Byron", "ada@example.org", None)


def test_the_settings_that_have_it_misbehave(call: Callable[..., Any], sertifier: PlatformControl) -> None:
    sertifier.set(quick_publish=False, changes_ignored=True, unpublished_status=7, start_ignored=True)
    one = made(call, quickPublish=True)
    assert one["status"] == 7
    call("PUT", f"credential/{one['id']}", {"name": "Ada King"})
    call("DELETE", f"credential/{one['id']}")
    assert call("GET", f"credential/{one['id']}")["name"] == "Ada Byron"
    assert len(call("POST", "credential/search", {"startIndex": 10})) == 1
    with pytest.raises(ControlError, match="search_covers"):
        sertifier.set(search_covers=["shoe size"])


def test_by_hand(sertifier: PlatformControl, control: SandboxControl) -> None:
    one = sertifier.add_credential(CAMPAIGN, name="Ada", email="ada@example.org")
    assert (one["live"], one["mailed"], one["tracking"]) == (True, 1, 1)
    assert sertifier.change(one["id"], claim="claimed")["tracking"] == 3
    assert not sertifier.change(one["id"], published=False)["live"]
    assert sertifier.change(one["id"], published=True, withdrawn=True)["state"] == "expired"
    assert control.state()["sertifier"] == {"templates": 2, "credentials": 0}
    assert sertifier.change(one["id"], deleted=True)["state"] == "deleted"
    for body in ({"claim": "declined"}, {"send": {}}, {"revoked": True}, {"deleted": True}):
        with pytest.raises(ControlError):
            sertifier.change(one["id"], **body)
    with pytest.raises(ControlError, match="template"):
        sertifier.add_credential("nothing", name="Ada", email="ada@example.org")
    with pytest.raises(ControlError, match="colour"):
        sertifier.add_template(CAMPAIGN, name="x", colour="red")


def test_limits_and_errors_have_an_envelope(raw: Call, control: SandboxControl) -> None:
    headers = {"secretKey": "sertifier-key", "api-version": "3.3"}
    control.set_rate("sertifier", 1, 60, retry_after=True)
    assert raw("GET", "Test", headers=headers).status_code == 200
    answer = raw("GET", "Test", headers=headers)
    assert (answer.status_code, answer.json()["hasError"]) == (429, True)
    assert int(answer.headers["Retry-After"]) > 0
    control.set_rate("sertifier", None)
    control.fault("sertifier", "status", status=500)
    assert raw("GET", "Test", headers=headers).json()["hasError"]
