"""The Badgr stand-in over HTTP: what the server's source takes, refuses, hides, and lets slip through."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from sandbox.control import ControlError, PlatformControl, SandboxControl

FIRST, SECOND = "Zmlyc3QtYWlkLWJhZGdlMDE", "ZmlyZS1zYWZldHktYmFkZ2U"
ISSUER = "ZGVtby1pc3N1ZXItMDAwMQ"
USER = {"username": "confer@academy.example", "password": "badgr-password"}
APPLICATION = {"grant_type": "client_credentials", "client_id": "confer", "client_secret": "badgr-client-secret"}
AWARDS, BATCH = f"v2/badgeclasses/{FIRST}/assertions", f"v2/badgeclasses/{FIRST}/issue"
ADA = {"recipient": {"identity": "ada@learners.example"}}
BEFORE = "A previous award of this badge already exists for this recipient."
PAST = "2026-01-31T09:41:00Z"

Call = Callable[..., requests.Response]


def to(name: str, **more: Any) -> dict[str, Any]:
    return {"recipient": {"identity": f"{name}@learners.example"}, **more}


@pytest.fixture
def badgr(control: SandboxControl) -> PlatformControl:
    return control.platform("badgr")


@pytest.fixture
def call(control: SandboxControl, badgr: PlatformControl, http: requests.Session) -> Call:
    def ask(method: str, path: str, **more: Any) -> requests.Response:
        address = path if path.startswith("http") else f"{control.base_url}/badgr/{path}"
        return http.request(method, address, timeout=30, **more)

    return ask


@pytest.fixture
def api(call: Call) -> Call:
    token = call("POST", "o/token", data=USER).json()["access_token"]

    def ask(path: str, method: str = "GET", **more: Any) -> requests.Response:
        return call(method, path, headers={"Authorization": f"Bearer {token}"}, **more)

    return ask


def award(api: Call, item: Any, path: str = AWARDS) -> requests.Response:
    return api(path, "POST", json=item)


def rows(response: requests.Response) -> list[Any]:
    document = response.json()
    assert document["status"] == {"success": True, "description": "ok"}
    found: list[Any] = document["result"]
    return found


# tokens


@pytest.mark.parametrize(
    ("form", "status", "kind"),
    [
        ({**USER, "password": "another"}, 401, "invalid_grant"),
        ({}, 401, "invalid_grant"),
        ({**USER, "client_id": "nobody"}, 400, "invalid client_id"),
        ({**USER, "client_id": "confer", "scope": "rw:serverAdmin"}, 400, "invalid scope requested"),
        ({**APPLICATION, "client_secret": "another"}, 401, "invalid_client"),
        ({**APPLICATION, "scope": "rw:issuer rw:backpack"}, 400, "invalid scope requested"),
        ({"grant_type": "refresh_token", "refresh_token": "none"}, 401, "invalid_grant"),
        ({"grant_type": "magic"}, 400, "unsupported_grant_type"),
    ],
)
def test_a_token_is_not_given_to_everybody(call: Call, form: dict[str, str], status: int, kind: str) -> None:
    refused = call("POST", "o/token", data=form)
    assert (refused.status_code, refused.json()["error"]) == (status, kind)


def test_a_token_is_asked_for_in_the_body_and_lasts_a_day(call: Call) -> None:
    assert call("POST", "o/token", params=USER).status_code == 400
    given = call("POST", "o/token", data={**USER, "grant_type": "password", "client_id": "public"}).json()
    assert (given["expires_in"], given["token_type"]) == (86400, "Bearer")
    assert "rw:issuer" in given["scope"]
    form = {"grant_type": "refresh_token", "refresh_token": given["refresh_token"]}
    assert call("POST", "o/token", data=form).status_code == 200
    of_application = call("POST", "o/token", data={**APPLICATION, "scope": "rw:issuer"}).json()
    assert "refresh_token" not in of_application
    basic = call("POST", "o/token", data={"grant_type": "client_credentials"}, auth=("confer", "badgr-client-secret"))
    assert basic.json()["scope"] == "r:profile"
    assert call("POST", "o/token", data=form).status_code == 401  # a refresh token is good for once
    refused = call("POST", "o/token", data=USER, auth=("confer", "x"))
    assert refused.json() == {"error": "invalid client_secret"}


def test_failed_logins_are_paused_longer_and_longer(call: Call) -> None:
    wrong = {**USER, "password": "another"}
    assert call("POST", "o/token", data=wrong).status_code == 401
    paused = [call("POST", "o/token", data=form) for form in (wrong, USER)]
    assert [one.status_code for one in paused] == [429, 429]
    assert paused[0].json()["error"] == "login attempts throttled"
    assert paused[1].json()["expires"] == 2
    assert "Retry-After" not in paused[0].headers
    assert call("POST", "o/token", data={**USER, "username": "somebody@else.example"}).status_code == 401


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer nobody's", "Basic Y29uZmVyOng="])
def test_without_a_token_nothing_is_told(call: Call, header: str) -> None:
    refused = call("GET", "v2/badgeclasses", headers={"Authorization": header})
    assert refused.status_code == 401
    assert refused.json() == {
        "status": {"success": False, "description": "no valid auth token found"},
        "result": [],
        "fieldErrors": {},
        "validationErrors": [],
    }


def test_a_token_ends(api: Call, badgr: PlatformControl) -> None:
    assert api("v2/badgeclasses").status_code == 200
    badgr.set(expire_tokens=True)
    assert api("v2/badgeclasses").status_code == 401


def test_scopes_and_roles_that_lack_look_like_nothing_there(api: Call, call: Call, badgr: PlatformControl) -> None:
    narrow = call("POST", "o/token", data={**APPLICATION, "scope": "r:profile"}).json()["access_token"]
    shown = {"Authorization": f"Bearer {narrow}"}
    assert call("GET", "v2/users/self", headers=shown).status_code == 200
    assert call("GET", "v2/badgeclasses", headers=shown).status_code == 404
    made = rows(award(api, ADA))[0]["entityId"]
    for role, statuses in (("staff", (200, 201, 404)), ("none", (404, 404, 404)), ("editor", (200, 201, 200))):
        badgr.set(role=role)
        told = (
            api(f"v2/assertions/{made}").status_code,
            award(api, ADA).status_code,
            api(f"v2/assertions/{made}", "DELETE", json={"revocation_reason": "x"}).status_code,
        )
        assert told == statuses


# awarding


def test_an_award_is_told_as_a_list_of_one(api: Call, badgr: PlatformControl) -> None:
    answer = award(api, {"recipient": {"identity": "Ada@Learners.Example"}, "issuedOn": "2026-01-31T09:41:00.123Z"})
    assert answer.status_code == 201
    [made] = rows(answer)
    recipient = made["recipient"]
    assert (recipient["plaintextIdentity"], recipient["type"], recipient["hashed"]) == (
        "ada@learners.example",
        "email",
        True,
    )
    assert recipient["identity"].startswith("sha256$")
    assert (made["entityType"], made["badgeclass"], made["issuedOn"]) == (
        "Assertion",
        FIRST,
        "2026-01-31T09:41:00.123000Z",
    )
    assert (made["revoked"], made["acceptance"], made["expires"]) == (False, "Unaccepted", None)
    assert made["openBadgeId"].endswith(f"/badgr/public/assertions/{made['entityId']}")
    assert made["createdBy"] == rows(api("v2/users/self"))[0]["entityId"]
    assert [one["mailed"] for one in badgr.credentials()] == [0]


@pytest.mark.parametrize(
    ("item", "named"),
    [
        ({}, "recipient"),
        ({"recipient": "ada@learners.example"}, "recipient"),
        ({"recipient": {}}, "recipient"),
        ({"recipient": {"identity": " "}}, "recipient"),
        ({"recipient": {"identity": "nowhere"}}, "recipient"),
        ({"recipient": {"identity": "ada@learners.example", "type": "name"}}, "recipient"),
        ({"recipient": {"identity": "ada@learners.example", "type": "url"}}, "recipient"),
        ({"recipient": {"identity": "0", "type": "telephone"}}, "recipient"),
        ({"recipient": {"identity": "ada@learners.example", "hashed": "yes"}}, "recipient"),
        ({**ADA, "issuedOn": "2026-01-31"}, "issuedOn"),
        ({**ADA, "issuedOn": 1512151153620}, "issuedOn"),
        ({**ADA, "issuedOn": "1492-01-01T13:00:00Z"}, "issuedOn"),
        ({**ADA, "expires": "some day"}, "expires"),
        ({**ADA, "narrative": ""}, "narrative"),
        ({**ADA, "narrative": 7}, "narrative"),
        ({**ADA, "narrative": "![image](x)"}, "narrative"),
        ({**ADA, "evidence": [{}]}, "evidence"),
        ({**ADA, "evidence": {}}, "evidence"),
        ({**ADA, "notify": "perhaps"}, "notify"),
        ({**ADA, "allowDuplicateAwards": None}, "allowDuplicateAwards"),
        ({**ADA, "extensions": {"extensions:ours": {"ref": "1"}}}, "extensions"),
        ({**ADA, "extensions": []}, "extensions"),
    ],
)
def test_an_award_of_another_shape_is_refused(
    api: Call, badgr: PlatformControl, item: dict[str, Any], named: str
) -> None:
    refused = award(api, item)
    assert (refused.status_code, list(refused.json()["fieldErrors"])) == (400, [named])
    assert refused.json()["status"] == {"success": False, "description": "bad request"}
    assert badgr.credentials() == []


def test_the_future_is_refused_in_the_vendor_s_words(api: Call) -> None:
    ahead = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
    refused = award(api, {**ADA, "issuedOn": ahead}).json()
    assert refused["fieldErrors"]["issuedOn"] == ["Only issuedOn dates in the past are acceptable."]


def test_what_is_not_json_is_refused(api: Call) -> None:
    assert api(AWARDS, "POST", data="{").status_code == 400
    assert award(api, [ADA]).status_code == 400


def test_fields_that_it_does_not_know_are_passed_over_and_told(api: Call, badgr: PlatformControl) -> None:
    recipient = {**ADA["recipient"], "name": "Ada", "plaintextIdentity": "Ada"}
    assert award(api, {"recipient": recipient, "externalId": "1"}).status_code == 201
    api(f"{AWARDS}?colour=red")
    assert badgr.ignored_fields() == ["colour", "externalId", "recipient.name", "recipient.plaintextIdentity"]


def test_narratives_lose_their_tags_and_flags_may_be_words(api: Call, badgr: PlatformControl) -> None:
    award(api, {**ADA, "narrative": "<b>All</b> modules", "notify": "on", "evidence": [{"url": "https://x.example"}]})
    [made] = badgr.credentials()
    assert (made["narrative"], made["mailed"]) == ("All modules", 1)


def test_a_blocked_address_is_awarded_nothing(api: Call, badgr: PlatformControl) -> None:
    badgr.set(blocked=["ada@learners.example"])
    refused = award(api, ADA).json()
    assert refused["validationErrors"] == ["You may not award this badge to this recipient."]


def test_an_issuer_awards_what_the_body_names_once(api: Call) -> None:
    path = f"v2/issuers/{ISSUER}/assertions"
    public = rows(api(f"v2/badgeclasses/{FIRST}"))[0]["openBadgeId"]
    for names in ({"badgeclass": FIRST}, {"badgeclassOpenBadgeId": public}, {"badgeclassName": "First Aid at Work"}):
        assert rows(award(api, {**ADA, **names}, path))[0]["badgeclass"] == FIRST
    assert award(api, ADA, path).json()["fieldErrors"] == {"badgeclass": ["This field is required"]}
    for item, where in (
        ({**ADA, "badgeclass": FIRST, "badgeclassName": "x"}, path),
        ({**ADA, "badgeclass": FIRST}, AWARDS),
    ):
        assert "Multiple badge class identifiers" in award(api, item, where).json()["validationErrors"][0]
    assert len(rows(api(f"{path}?recipient=ada@learners.example"))) == 3
    assert award(api, ADA, "v2/issuers/another/assertions").status_code == 404


# duplicates, and the holes in their refusal


def test_a_second_award_is_made_unless_it_is_asked_not_to(api: Call) -> None:
    assert [award(api, ADA).status_code for _ in range(2)] == [201, 201]
    refused = award(api, {**ADA, "allowDuplicateAwards": False})
    assert (refused.status_code, refused.json()["validationErrors"], refused.json()["fieldErrors"]) == (
        400,
        [BEFORE],
        {},
    )
    other = award(api, {**ADA, "allowDuplicateAwards": False}, f"v2/badgeclasses/{SECOND}/assertions")
    assert other.status_code == 201


def test_capitals_slip_through(api: Call) -> None:
    award(api, ADA)
    item = {"recipient": {"identity": "Ada@learners.example"}, "allowDuplicateAwards": False}
    assert award(api, item).status_code == 201


def test_two_at_once_slip_through(api: Call, badgr: PlatformControl) -> None:
    badgr.set(race_milliseconds=400)
    item = {**ADA, "allowDuplicateAwards": False}
    threads = [threading.Thread(target=award, args=(api, item)) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(badgr.credentials(live=True)) == 2


@pytest.mark.parametrize("end", [{"withdrawn": True}, {"expires": PAST}])
def test_after_its_end_an_award_can_be_made_again(api: Call, badgr: PlatformControl, end: dict[str, Any]) -> None:
    made = rows(award(api, ADA))[0]["entityId"]
    badgr.change(made, **end)
    assert award(api, {**ADA, "allowDuplicateAwards": False}).status_code == 201


# several by one call


def test_several_are_awarded_in_their_order(api: Call, badgr: PlatformControl) -> None:
    body = {"create_notification": True, "assertions": [to("b"), to("a", notify=True), to("c")]}
    answer = award(api, body, BATCH)
    told = [one["recipient"]["plaintextIdentity"][0] for one in rows(answer)]
    assert (answer.status_code, told) == (201, ["b", "a", "c"])
    assert [one["mailed"] for one in badgr.credentials()] == [0, 1, 0]
    assert badgr.ignored_fields() == []


def test_a_bare_list_is_refused(api: Call) -> None:
    assert award(api, [ADA], BATCH).status_code == 400
    assert award(api, {}, BATCH).status_code == 500
    assert award(api, {"assertions": [ADA]}, "v2/badgeclasses/none/issue").status_code == 404


def test_one_at_fault_keeps_all_from_being_made_and_is_told_by_its_place(api: Call, badgr: PlatformControl) -> None:
    award(api, ADA)
    again = {**ADA, "allowDuplicateAwards": False}
    refused = award(api, {"assertions": [to("b"), again, to("c", narrative="![")]}, BATCH)
    assert (refused.status_code, refused.json()["validationErrors"]) == (400, [])
    errors = refused.json()["fieldErrors"]
    assert errors == [{}, {"non_field_errors": [BEFORE]}, {"narrative": ["Images not supported in markdown"]}]
    assert len(badgr.credentials()) == 1


def test_an_address_twice_in_a_call_slips_through(api: Call, badgr: PlatformControl) -> None:
    item = {**ADA, "allowDuplicateAwards": False}
    assert award(api, {"assertions": [item, item]}, BATCH).status_code == 201
    assert len(badgr.credentials()) == 2


@pytest.mark.parametrize(
    ("settings", "status"), [({"crash_after": 2}, 500), ({"blocked": ["c@learners.example"]}, 400)]
)
def test_what_breaks_a_call_off_leaves_those_before(
    api: Call, badgr: PlatformControl, settings: dict[str, Any], status: int
) -> None:
    badgr.set(**settings)
    body = {"assertions": [to("a"), to("b"), to("c"), to("d")]}
    assert award(api, body, BATCH).status_code == status
    assert [one["email"][0] for one in badgr.credentials()] == ["a", "b"]


# finding


def test_lists_leave_out_what_is_over_unless_they_are_asked_not_to(api: Call, badgr: PlatformControl) -> None:
    live, revoked, expired = (
        badgr.add_credential(FIRST, name="", email="ada@learners.example")["id"] for _ in range(3)
    )
    badgr.change(revoked, withdrawn=True)
    badgr.change(expired, expires=PAST)
    badgr.add_credential(SECOND, name="", email="ada@learners.example")
    told = {
        query: [one["entityId"] for one in rows(api(f"{AWARDS}?{query}"))]
        for query in ("", "include_revoked=1", "include_expired=true", "include_expired=1&include_revoked=1")
    }
    assert list(told.values()) == [[live], [revoked, live], [expired, live], [expired, revoked, live]]


def test_addresses_are_compared_exactly(api: Call) -> None:
    for name in ("ada", "bob", "eve"):
        award(api, to(name))
    path = f"{AWARDS}?recipient="
    assert rows(api(f"{path}Ada@learners.example")) == []
    assert len(rows(api(f"{path}ada@learners.example"))) == 1
    assert len(rows(api(f"{path}ada@learners.example&recipient=bob@learners.example"))) == 2


def test_pages_come_with_links_and_only_when_asked_for(api: Call, badgr: PlatformControl) -> None:
    for number in range(7):
        award(api, to(f"a{number}"))
    whole = [one["entityId"] for one in rows(api(AWARDS))]
    assert (len(whole), "Link" in api(AWARDS).headers, "Link" in api(f"{AWARDS}?num=x").headers) == (7, False, False)
    page, seen = api(f"{AWARDS}?num=3"), list[str]()
    while True:
        seen += [one["entityId"] for one in rows(page)]
        if "next" not in page.links:
            break
        award(api, to("late"))  # what is new comes before the first page, and shifts nothing
        page = api(page.links["next"]["url"])
    assert seen == whole
    assert [one["entityId"] for one in rows(api(page.links["prev"]["url"]))] == whole[3:6]
    badgr.set(page_cap=2, link_base="http://elsewhere.example")
    page = api(f"{AWARDS}?num=500")
    assert (len(rows(page)), page.links["next"]["url"][:24]) == (2, "http://elsewhere.example")


def test_the_feed_tells_what_changed_since(api: Call, badgr: PlatformControl) -> None:
    first = rows(award(api, to("a")))[0]["entityId"]
    second = rows(award(api, to("b")))[0]["entityId"]
    told = api("v2/assertions/changed").json()
    assert [one["entityId"] for one in told["result"]] == [first, second]
    badgr.change(first, claim="claimed")
    later = api("v2/assertions/changed", params={"since": told["timestamp"]}).json()
    assert [(one["entityId"], one["acceptance"]) for one in later["result"]] == [(first, "Accepted")]
    assert api("v2/assertions/changed?since=yesterday").status_code == 400
    page = api("v2/assertions/changed?num=1").json()
    assert (len(page["result"]), page["pagination"]["hasNext"], page["pagination"]["hasPrevious"]) == (1, True, False)
    last = api(page["pagination"]["nextResults"]).json()
    assert ([one["entityId"] for one in last["result"]], last["pagination"]["hasNext"]) == ([first], False)
    assert len(api("v2/badgeclasses/changed").json()["result"]) == 2


# afterwards


def test_an_award_is_revoked_once_and_for_a_reason(api: Call) -> None:
    made = rows(award(api, ADA))[0]["entityId"]
    path = f"v2/assertions/{made}"
    assert api(path, "DELETE").json()["fieldErrors"] == {"revocation_reason": "This field is required"}
    [revoked] = rows(api(path, "DELETE", json={"revocation_reason": "integrity"}))
    assert (revoked["revoked"], revoked["revocationReason"], revoked["image"]) == (True, "integrity", None)
    again = api(path, "DELETE", json={"revocation_reason": "integrity"})
    assert (again.status_code, again.json()["validationErrors"]) == (400, ["Assertion is already revoked"])
    assert rows(api(path))[0]["revoked"]
    assert api("v2/assertions/none", "DELETE", json={"revocation_reason": "x"}).status_code == 404


def test_several_are_revoked_each_for_itself(api: Call) -> None:
    made = rows(award(api, ADA))[0]["entityId"]
    wishes = [
        {"entityId": made, "revocationReason": "x"},
        {"entityId": made, "revocationReason": "x"},
        {"entityId": "no"},
    ]
    told = rows(api("v2/assertions/revoke", "POST", json=wishes))
    assert [one["revoked"] for one in told] == [True, False, False]
    assert [one.get("reason") for one in told[1:]] == [
        "Assertion is already revoked",
        "permission denied or object not found",
    ]


def test_an_award_is_changed_in_place(api: Call, badgr: PlatformControl) -> None:
    made = rows(award(api, ADA))[0]["entityId"]
    wish = {
        "narrative": "Again",
        "expires": "2099-03-06T23:59:59Z",
        "recipient": {"identity": "eve@learners.example"},
    }
    [changed] = rows(api(f"v2/assertions/{made}", "PUT", json=wish))
    assert (changed["narrative"], changed["expires"]) == ("Again", "2099-03-06T23:59:59Z")
    assert badgr.credentials()[0]["email"] == "eve@learners.example"
    assert api(f"v2/assertions/{made}", "PUT", json={"issuedOn": "2099-01-01T00:00:00Z"}).status_code == 400
    assert api("v2/assertions/none", "PUT", json=wish).status_code == 404


def test_the_public_sees_an_award_and_that_it_was_revoked(api: Call, call: Call, badgr: PlatformControl) -> None:
    [made] = rows(award(api, ADA))
    page = made["openBadgeId"]
    told = call("GET", f"{page}.json").json()
    assert (told["type"], told["badge"]) == ("Assertion", made["badgeclassOpenBadgeId"])
    assert "ada@" not in str(told)
    assert "html" in call("GET", page, headers={"Accept": "text/html"}).headers["Content-Type"]
    badgr.change(made["entityId"], withdrawn=True)
    told = call("GET", page).json()
    assert (told["revoked"], told["revocationReason"], "recipient" in told) == (True, "by hand", False)
    badgr.change(made["entityId"], deleted=True)
    assert call("GET", page).status_code == 404
    assert api(f"v2/assertions/{made['entityId']}").status_code == 404


def test_badge_classes_are_there_archived_or_not_at_all(api: Call, badgr: PlatformControl) -> None:
    assert {one["entityId"] for one in rows(api("v2/badgeclasses"))} == {FIRST, SECOND}
    badgr.add_template(FIRST, name="First Aid", usable=False)
    assert [one["entityId"] for one in rows(api(f"v2/issuers/{ISSUER}/badgeclasses"))] == [SECOND]
    assert len(rows(api("v2/badgeclasses?include_archived=true"))) == 2
    assert api(f"v2/badgeclasses/{FIRST}").status_code == 404
    assert rows(api(f"v2/badgeclasses/{FIRST}?include_archived=true"))[0]["name"] == "First Aid"
    assert award(api, ADA).status_code == 404
    assert api("v2/issuers/another/badgeclasses").status_code == 404
    assert rows(api("v2/issuers"))[0]["entityId"] == ISSUER


def test_a_hosted_server_has_a_second_id_and_asks_for_no_reason(api: Call, badgr: PlatformControl) -> None:
    badgr.set(hosted=True)
    [made] = rows(award(api, ADA))
    assert len(made["id"]) == 24
    assert rows(api(f"v2/assertions/{made['id']}"))[0]["entityId"] == made["entityId"]
    [named] = rows(api(f"v2/badgeclasses/{FIRST}"))
    assert len(rows(api(f"v2/badgeclasses/{named['id']}/assertions"))) == 1
    assert "timestamp" in api("v2/badgeclasses").json()
    assert rows(api(f"v2/assertions/{made['entityId']}", "DELETE"))[0]["revoked"]


@pytest.mark.parametrize("path", ["nothing", "v2/nothing", "v2/assertions/none", "v2/badgeclasses/none/assertions"])
def test_what_is_not_there_is_told_in_the_vendor_s_form(api: Call, path: str) -> None:
    refused = api(path)
    assert refused.status_code == 404
    assert refused.json()["status"]["description"] == "entity not found or insufficient privileges"


@pytest.mark.parametrize(
    "wish",
    [
        lambda badgr: badgr.add_template("x", name=""),
        lambda badgr: badgr.add_template("x", name="X", colour="red"),
        lambda badgr: badgr.add_credential("none", name="", email="ada@learners.example"),
        lambda badgr: badgr.add_credential(FIRST, name="", email="nowhere"),
        lambda badgr: badgr.add_credential(FIRST, name="", email="ada@learners.example", issued_on="yesterday"),
        lambda badgr: badgr.change("none", withdrawn=True),
        lambda badgr: badgr.change("none", send={"url": "http://receiver.example"}),
        lambda badgr: badgr.set(colour="red"),
        lambda badgr: badgr.set(role="owner of all"),
    ],
)
def test_wishes_that_it_does_not_know_are_refused(
    badgr: PlatformControl, wish: Callable[[PlatformControl], object]
) -> None:
    with pytest.raises(ControlError):
        wish(badgr)


def test_it_counts_what_there_is(control: SandboxControl, badgr: PlatformControl) -> None:
    made = [badgr.add_credential(FIRST, name="", email="ada@learners.example")["id"] for _ in range(2)]
    badgr.change(made[0], withdrawn=True)
    states = {one["id"]: (one["live"], one["state"]) for one in badgr.credentials()}
    assert states == {made[0]: (False, "revoked"), made[1]: (True, "issued")}
    assert control.state()["badgr"] == {"templates": 2, "credentials": 1}
