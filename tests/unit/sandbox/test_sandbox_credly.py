"""The Credly stand-in over HTTP: only what the vendor takes is taken, in the vendor's forms."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
import requests

from sandbox.control import ControlError, PlatformControl, SandboxControl

ORGANIZATION = "0c0c0000-0000-4000-8000-000000000001"
TEMPLATE = "5f0f4a52-0000-4000-8000-000000000001"
OTHER = "5f0f4a52-0000-4000-8000-000000000002"
MISSING = "5f0f4a52-0000-4000-8000-00000000ffff"
ORDER = {
    "recipient_email": "ada@example.org",
    "badge_template_id": TEMPLATE,
    "issued_at": "2026-01-31 09:41:00 -0500",
    "issued_to_first_name": "Ada",
    "issued_to_last_name": "Byron",
}
DRY = {"url": "http://receiver.example/claims", "dry": True}

Call = Callable[..., requests.Response]


def shown(token: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(token.encode()).decode()}


@pytest.fixture
def credly(control: SandboxControl) -> PlatformControl:
    return control.platform("credly")


@pytest.fixture
def call(control: SandboxControl, http: requests.Session) -> Call:
    def ask(method: str, path: str, headers: dict[str, str] | None = None, **more: Any) -> requests.Response:
        home = f"{control.base_url}/credly/v1/organizations"
        more_headers = shown("credly-token:") if headers is None else headers
        return http.request(method, f"{home}{path}", headers=more_headers, timeout=30, **more)

    return ask


@pytest.fixture
def org(call: Call) -> Call:
    def ask(method: str, path: str, **more: Any) -> requests.Response:
        return call(method, f"/{ORGANIZATION}/{path}", **more)

    return ask


@pytest.fixture
def issue(org: Call) -> Call:
    def ask(**changes: Any) -> requests.Response:
        return org("POST", "badges", json={**ORDER, **changes})

    return ask


def listed(org: Call, wanted: str = "", **query: str) -> list[str]:
    answer = org("GET", "badges", params={"filter": wanted, **query})
    return [one["id"] for one in answer.json()["data"]]


# who may ask


@pytest.mark.parametrize(
    "headers",
    [{}, shown("credly-token"), shown("another:"), shown(":credly-token"), {"Authorization": "Bearer credly-token"}],
)
def test_a_token_with_an_empty_password_is_asked_for(call: Call, headers: dict[str, str]) -> None:
    for path in ("", f"/{ORGANIZATION}/badges", f"/{ORGANIZATION}/badge_templates/{TEMPLATE}"):
        refused = call("GET", path, headers=headers)
        assert refused.status_code == 401
        assert refused.json()["data"]["message"]


def test_the_organizations_of_a_token(call: Call) -> None:
    assert [one["id"] for one in call("GET", "").json()["data"]] == [ORGANIZATION]
    assert call("GET", f"/{MISSING}/badges").status_code == 404


def test_the_old_token_is_dead_once_it_is_rotated(call: Call, org: Call) -> None:
    assert org("GET", "authorization_tokens").json()["data"] == [{"token": "credly-token"}]
    fresh = org("POST", "authorization_tokens/rotate").json()["data"]["token"]
    assert org("GET", "badges").status_code == 401
    assert call("GET", f"/{ORGANIZATION}/badges", headers=shown(f"{fresh}:")).status_code == 200


# issuing


def test_a_badge_in_the_vendors_form(issue: Call, org: Call) -> None:
    answer = issue(issuer_earner_id="lms-user-88", locale="fr-CA")
    made = answer.json()["data"]
    assert answer.status_code == 201
    assert (made["state"], made["issued_to"], made["locale"]) == ("pending", "Ada Byron", "fr-CA")
    assert (made["recipient_email"], made["issuer_earner_id"]) == ("ada@example.org", "lms-user-88")
    assert (made["issued_at"], made["issued_at_date"]) == ("2026-01-31T14:41:00.000Z", "2026-01-31")
    assert (made["expires_at"], made["expires_at_date"], made["revocation_reason"]) == (None, None, None)
    assert made["badge_template"]["id"] == TEMPLATE
    assert made["badge_template"]["allow_duplicate_badges"] is False
    assert made["user"]["email"] == "ada@example.org"
    assert made["badge_url"].endswith(f"/credly/badges/{made['id']}")
    assert org("GET", f"badges/{made['id']}").json()["data"] == made


@pytest.mark.parametrize("member", sorted(ORDER))
def test_five_members_are_asked_for(org: Call, credly: PlatformControl, member: str) -> None:
    for body in ({name: value for name, value in ORDER.items() if name != member}, {**ORDER, member: None}):
        refused = org("POST", "badges", json=body)
        assert refused.status_code == 422
        assert member in refused.json()["data"]["message"]
    assert credly.credentials() == []


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("recipient_email", "ada"),
        ("badge_template_id", MISSING),
        ("badge_template_id", "7"),
        ("issued_to_last_name", " "),
        ("issued_at", "2026-01-31"),
        ("issued_at", "2026-01-31 09:41:00"),
        ("issued_at", "2026-01-31T09:41:00"),
        ("issued_at", "2099-01-31 09:41:00 +0000"),
        ("issued_at", 7),
        ("expires_at", True),
        ("expires_at", "2027-01-31"),
        ("locale", "en-GB"),
        ("issuer_earner_id", 88),
        ("issuer_earner_id", ""),
        ("suppress_badge_notification_email", "true"),
        ("evidence", [{"type": "UrlEvidence"}]),
    ],
)
def test_a_wrong_member_is_refused(issue: Call, credly: PlatformControl, member: str, value: Any) -> None:
    refused = issue(**{member: value})
    assert refused.status_code == 422
    assert member in refused.json()["data"]["message"]
    assert credly.credentials() == []


@pytest.mark.parametrize("body", [None, [], "x", 7])
def test_only_an_object_is_taken(org: Call, body: Any) -> None:
    assert org("POST", "badges", json=body).status_code in {415, 422}


def test_only_json_is_taken(org: Call) -> None:
    assert org("POST", "badges", data=ORDER).status_code == 415


def test_what_is_not_known_is_passed_over_and_noted(issue: Call, org: Call, credly: PlatformControl) -> None:
    assert issue(confer_ref="x").status_code == 201
    org("GET", "badges", params={"filter": f"badge_template_id::{MISSING}|colour::red", "sort": "age", "per": "9"})
    noted = ["confer_ref", "filter badge_template_id", "filter colour", "query per", "sort age"]
    assert credly.ignored_fields() == noted


@pytest.mark.parametrize(
    "written", ["2026-01-31 14:41:00 +0000", "2026-01-31T14:41:00Z", "2026-01-31T09:41:00-05:00"]
)
def test_the_day_may_be_written_in_two_ways(issue: Call, written: str) -> None:
    assert issue(issued_at=written).json()["data"]["issued_at"] == "2026-01-31T14:41:00.000Z"


@pytest.mark.parametrize(
    ("wish", "ends"),
    [
        ({}, "2026-02-10T14:41:00.000Z"),
        ({"expires_at": None}, "2026-02-10T14:41:00.000Z"),
        ({"expires_at": False}, None),
        ({"expires_at": "2030-01-01 00:00:00 +0000"}, "2030-01-01T00:00:00.000Z"),
    ],
)
def test_null_is_the_templates_expiry_and_false_is_none(
    issue: Call, credly: PlatformControl, wish: dict[str, Any], ends: str | None
) -> None:
    credly.add_template(TEMPLATE, name="Healthcare Compliance", expires_in_days=10)
    assert issue(**wish).json()["data"]["expires_at"] == ends


@pytest.mark.parametrize("state", ["archived", "draft"])
def test_only_an_active_template_issues(issue: Call, credly: PlatformControl, state: str) -> None:
    credly.add_template(TEMPLATE, name="Healthcare Compliance", state=state)
    refused = issue()
    assert refused.status_code == 422
    assert state in refused.json()["data"]["message"]
    assert credly.credentials() == []


def test_mails_are_sent_unless_they_are_suppressed(issue: Call, credly: PlatformControl, org: Call) -> None:
    made = [
        issue(recipient_email=f"{quiet}@example.org", suppress_badge_notification_email=quiet).json()["data"]["id"]
        for quiet in (False, True)
    ]
    for badge, quiet in zip(made, (False, True), strict=True):
        body = {"reason": "integrity", "suppress_revoke_notification_email": quiet}
        org("PUT", f"badges/{badge}/revoke", json=body)
    assert [one["mailed"] for one in credly.credentials()] == [2, 0]


# duplicates


@pytest.mark.parametrize(
    "changes",
    [
        {"recipient_email": "ADA@example.org", "issuer_earner_id": "another"},
        {"recipient_email": "another@example.org"},
        {"recipient_email": "home@example.org", "issuer_earner_id": "another"},
    ],
    ids=["address", "earner", "user"],
)
def test_the_same_address_user_or_earner_is_a_duplicate(
    issue: Call, credly: PlatformControl, changes: dict[str, str]
) -> None:
    first = issue(issuer_earner_id="88").json()["data"]["id"]
    credly.change(first, user_email="home@example.org")
    refused = issue(**{"issuer_earner_id": "88", **changes})
    assert refused.status_code == 422
    assert "already has this badge" in refused.json()["data"]["message"]
    assert issue(**{"issuer_earner_id": "88", "badge_template_id": OTHER, **changes}).status_code == 201
    credly.add_template(TEMPLATE, name="Healthcare Compliance", allow_duplicate_badges=True)
    assert issue(**{"issuer_earner_id": "88", **changes}).status_code == 201


def test_two_without_an_earner_are_no_duplicates(issue: Call) -> None:
    assert issue().status_code == 201
    assert issue(recipient_email="bob@example.org").status_code == 201


@pytest.mark.parametrize(
    ("change", "setting"),
    [({"withdrawn": True}, "revoked_blocks"), ({"claim": "declined"}, "declined_blocks")],
)
@pytest.mark.parametrize("blocks", [True, False])
def test_what_else_blocks_is_a_setting(
    issue: Call, credly: PlatformControl, change: dict[str, Any], setting: str, blocks: bool
) -> None:
    credly.change(issue().json()["data"]["id"], **change)
    credly.set(**{setting: blocks})
    assert issue().status_code == (422 if blocks else 201)


def test_a_deleted_badge_is_forgotten(issue: Call, org: Call, credly: PlatformControl) -> None:
    made = issue().json()["data"]["id"]
    credly.change(made, deleted=True)
    assert org("GET", f"badges/{made}").status_code == 404
    assert listed(org) == []
    assert issue().status_code == 201


# lists


def test_filters_are_joined_and_hold_lists(issue: Call, org: Call, credly: PlatformControl) -> None:
    one = issue(issuer_earner_id="1").json()["data"]["id"]
    two = issue(issuer_earner_id="2", recipient_email="Bob@example.org").json()["data"]["id"]
    credly.change(two, claim="claimed", user_email="bob@home.example")
    assert listed(org, "issuer_earner_id::1") == [one]
    assert listed(org, "issuer_earner_id::1,2") == [one, two]
    assert listed(org, "issuer_earner_id::1,2|state::accepted") == [two]
    assert listed(org, "state::pending,accepted") == [one, two]
    assert listed(org, "state::revoked") == []
    assert listed(org, "recipient_email::bob@example.org") == [two]
    assert listed(org, "recipient_email::bob@home.example") == []
    assert listed(org, "recipient_email_all::bob@home.example") == [two]
    assert listed(org, "recipient_email_all::nobody@home.example") == []


def test_an_unknown_filter_filters_nothing(issue: Call, org: Call) -> None:
    made = issue().json()["data"]["id"]
    assert listed(org, f"badge_templates[id]::{OTHER}") == [made]


def test_lists_are_sorted(issue: Call, org: Call) -> None:
    one = issue(issued_at="2026-01-02T00:00:00Z").json()["data"]["id"]
    two = issue(issued_at="2026-01-01T00:00:00Z", recipient_email="bob@example.org").json()["data"]["id"]
    assert listed(org, sort="created_at") == [one, two]
    assert listed(org, sort="-created_at") == [two, one]
    assert listed(org, sort="issued_at") == [two, one]
    assert listed(org, sort="badge_templates[name]|-issued_at") == [one, two]


def test_a_page_holds_fifty_and_names_the_next(
    org: Call, credly: PlatformControl, http: requests.Session, control: SandboxControl
) -> None:
    for number in range(101):
        credly.add_credential(TEMPLATE, name=f"Crowd {number}", email=f"crowd+{number}@example.org")
    first = org("GET", "badges", params={"filter": "state::pending", "sort": "created_at"}).json()
    assert first["metadata"] == {
        "count": 50,
        "current_page": 1,
        "total_count": 101,
        "total_pages": 3,
        "per": 50,
        "previous_page_url": None,
        "next_page_url": f"{control.base_url}/credly/v1/organizations/{ORGANIZATION}/badges"
        "?filter=state%3A%3Apending&sort=created_at&page=2",
    }
    found = [one["id"] for one in first["data"]]
    following = first["metadata"]["next_page_url"]
    while following:
        page = http.get(following, headers=shown("credly-token:"), timeout=30).json()
        found += [one["id"] for one in page["data"]]
        following = page["metadata"]["next_page_url"]
    assert len(set(found)) == 101


@pytest.mark.parametrize("page", ["0", "-1", "x", "²"])
def test_an_impossible_page_is_refused(org: Call, page: str) -> None:
    assert org("GET", "badges", params={"page": page}).status_code == 422


def test_templates_are_listed_filtered_and_read(org: Call, credly: PlatformControl) -> None:
    credly.add_template(MISSING, name="Archery", usable=False)
    names = [one["name"] for one in org("GET", "badge_templates", params={"sort": "name"}).json()["data"]]
    assert names == ["Archery", "Healthcare Compliance", "Project Management"]
    for wanted, count in (("state::active", 2), ("state::archived,draft", 1), ("query::project", 1)):
        assert len(org("GET", "badge_templates", params={"filter": wanted}).json()["data"]) == count
    read = org("GET", f"badge_templates/{MISSING}").json()["data"]
    assert (read["state"], read["allow_duplicate_badges"], read["owner"]["id"]) == ("archived", False, ORGANIZATION)
    assert org("GET", "badge_templates/7").status_code == 404


# afterwards


def test_a_badge_is_revoked_once(issue: Call, org: Call, credly: PlatformControl) -> None:
    made = issue().json()["data"]["id"]
    answer = org("PUT", f"badges/{made}/revoke", json={"reason": "integrity"})
    assert answer.status_code == 200
    assert (answer.json()["data"]["state"], answer.json()["data"]["revocation_reason"]) == ("revoked", "integrity")
    assert org("PUT", f"badges/{made}/revoke", json={"reason": "integrity"}).status_code == 422
    credly.set(revoke_again=True)
    assert org("PUT", f"badges/{made}/revoke", json={"reason": "integrity"}).status_code == 200
    assert credly.credentials()[0]["live"] is False


def test_a_revocation_needs_a_reason_and_a_badge(issue: Call, org: Call) -> None:
    made = issue().json()["data"]["id"]
    for body in ({}, {"reason": " "}, {"reason": 7}, []):
        assert org("PUT", f"badges/{made}/revoke", json=body).status_code == 422
    assert org("PUT", f"badges/{MISSING}/revoke", json={"reason": "integrity"}).status_code == 404
    assert org("GET", f"badges/{made}").json()["data"]["state"] == "pending"


@pytest.mark.parametrize(("claim", "state"), [("claimed", "accepted"), ("declined", "rejected")])
def test_a_claim_makes_an_event_and_a_thin_pointer(
    issue: Call, org: Call, credly: PlatformControl, claim: str, state: str
) -> None:
    made = issue().json()["data"]["id"]
    report = credly.change(made, claim=claim, send=DRY)
    pointer = report["payload"]
    assert set(pointer) == {"id", "organization_id", "event_type", "occurred_at"}
    assert (pointer["organization_id"], pointer["event_type"]) == (ORGANIZATION, "badge.state.changed")
    assert report["headers"] == {"Content-Type": "application/json"}  # nothing is signed
    event = org("GET", f"events/{pointer['id']}").json()["data"]
    assert (event["event_type"], event["badge"]["id"], event["badge"]["state"]) == (
        "badge.state.changed",
        made,
        state,
    )
    assert org("GET", f"events/{MISSING}").status_code == 404


def test_without_single_reading_a_badge_is_only_listed(issue: Call, org: Call, credly: PlatformControl) -> None:
    made = issue().json()["data"]["id"]
    credly.set(single_read=False)
    assert org("GET", f"badges/{made}").status_code == 404
    assert listed(org) == [made]


# what staff does by hand


@pytest.mark.parametrize(
    ("verb", "body"),
    [
        ("add_template", {"template": "7", "name": "Archery"}),
        ("add_template", {"template": MISSING, "name": "Archery", "colour": "red"}),
        ("add_credential", {"template": MISSING, "name": "Ada Byron", "email": "ada@example.org"}),
        ("add_credential", {"template": TEMPLATE, "name": "Ada Byron", "email": "ada"}),
        ("change", {"credential": MISSING, "withdrawn": True}),
        ("set", {"page_size": "many"}),
        ("set", {"colour": "red"}),
    ],
)
def test_a_wrong_wish_is_refused(credly: PlatformControl, verb: str, body: dict[str, Any]) -> None:
    with pytest.raises(ControlError, match="422"):
        getattr(credly, verb)(**body)


def test_nothing_is_announced_where_nothing_happened(credly: PlatformControl) -> None:
    made = credly.add_credential(TEMPLATE, name="Ada Byron", email="ada@example.org")["id"]
    with pytest.raises(ControlError, match="nothing happened"):
        credly.change(made, name="Ada Noel", send=DRY)


def test_errors_have_the_vendors_form(org: Call, control: SandboxControl) -> None:
    control.fault("credly", "throttle", retry_after=17, times=1)
    limited = org("GET", "badges")
    assert (limited.status_code, limited.headers["Retry-After"]) == (429, "17")
    assert limited.json()["data"]["message"]
    control.fault("credly", "status", status=500, times=1)
    assert org("GET", "badges").json()["data"]["message"]
    assert org("GET", "nothing").status_code == 404


def test_everything_is_counted_and_forgotten(issue: Call, credly: PlatformControl, control: SandboxControl) -> None:
    credly.change(issue().json()["data"]["id"], claim="claimed")
    issue(recipient_email="bob@example.org")
    assert control.state()["credly"] == {"templates": 2, "credentials": 2, "accepted": 1}
    control.reset()
    assert credly.credentials() == []
