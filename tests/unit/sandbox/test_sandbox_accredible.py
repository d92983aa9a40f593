"""The Accredible stand-in over HTTP: who may call, what is refused, what is found again."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from sandbox.control import ControlError, PlatformControl, SandboxControl
from sandbox.server import Sandbox


class Api:
    """Calls the stand-in with the right key."""

    def __init__(self, base: str, session: requests.Session) -> None:
        self.base = f"{base}/accredible"
        self.session = session
        self.headers = {"Authorization": "Token token=accredible-key"}

    def __call__(self, method: str, path: str, body: Any = None) -> requests.Response:
        return self.session.request(method, self.base + path, json=body, headers=self.headers, timeout=10)

    def create(self, email: str = "ada@example.org", **more: Any) -> requests.Response:
        credential = {"group_id": 4711, "recipient": {"name": "Ada Byron", "email": email}, **more}
        return self("POST", "/v1/credentials", {"credential": credential})

    def search(self, **body: Any) -> Any:
        return self("POST", "/v2/credentials/search", body).json()


@pytest.fixture
def api(sandbox: Sandbox, http: requests.Session) -> Api:
    return Api(sandbox.http, http)


@pytest.mark.parametrize(
    "value",
    ["Token token=accredible-key", 'Token token="accredible-key"', "Token accredible-key", "Bearer accredible-key"],
)
def test_spellings_of_the_key(api: Api, value: str) -> None:
    api.headers = {"Authorization": value}
    assert api("GET", "/v1/issuer/details").json()["issuer"]["certificate_left"] > 0


@pytest.mark.parametrize("value", ["", "Token token=other", "accredible-key", "Basic accredible-key", "Bearer \xe9"])
def test_a_wrong_key_is_refused_in_plain_text(api: Api, value: str) -> None:
    api.headers = {"Authorization": value}
    response = api("GET", "/v1/issuer/details")
    assert response.status_code == 401
    assert response.headers["Content-Type"].startswith("text/plain")
    assert response.text.strip() == "HTTP Token: Access denied."


def test_a_credential_is_issued(api: Api, http: requests.Session) -> None:
    response = api.create(
        id="case-1.1",
        name="First Aid",
        issued_on="2026-01-31",
        custom_attributes={"Score": "91"},
        meta_data={"issuance_key": "k1"},
    )
    credential = response.json()["credential"]
    assert response.status_code == 200
    assert isinstance(credential["id"], str)
    assert (credential["approve"], credential["group_id"], credential["name"]) == (True, 4711, "First Aid")
    page = http.get(credential["url"], timeout=10)
    assert page.status_code == 200
    assert '<html lang="en">' in page.text
    assert "<h1>First Aid</h1>" in page.text
    assert "Ada Byron" in page.text


@pytest.mark.parametrize(
    ("credential", "errors"),
    [
        ({"group_id": 4711}, "Can not create credential without recipient data"),
        ({"group_id": 99, "recipient": {"name": "A", "email": "a@example.org"}}, "Invalid Group"),
        ({"group_id": "4711", "recipient": {"name": "A", "email": "a@example.org"}}, "Invalid Group"),
        ({"recipient": {"name": "A", "email": "a@example.org"}}, "Invalid Group"),
        (
            {"group_id": 4711, "recipient": {"name": " "}},
            {"recipient.name": ["can't be blank"], "recipient.email": ["can't be blank"]},
        ),
        (
            {"group_id": 4711, "recipient": {"name": "A", "email": "a@example.org"}, "issued_on": "31/01/2026"},
            {"issued_on": ["is invalid"]},
        ),
        (
            {"group_id": 4711, "recipient": {"name": "A", "email": "a@b", "id": 8}, "meta_data": {"k": 1}, "id": 5},
            {"id": ["is invalid"], "meta_data": ["is invalid"], "recipient.id": ["is invalid"]},
        ),
    ],
)
def test_what_a_create_needs(api: Api, credential: dict[str, Any], errors: Any) -> None:
    response = api("POST", "/v1/credentials", {"credential": credential})
    assert (response.status_code, response.json()) == (422, {"errors": errors})


def test_a_body_that_is_no_credential(api: Api) -> None:
    assert api("POST", "/v1/credentials", {"recipient": {}}).status_code == 422
    as_form = api.session.post(f"{api.base}/v1/credentials", data="{}", headers=api.headers, timeout=10)
    assert as_form.status_code == 422


def test_a_group_without_a_course_name_needs_a_name(api: Api, control: SandboxControl) -> None:
    control.platform("accredible").add_template(5000, name="Bare")
    credential = {"group_id": 5000, "recipient": {"name": "A", "email": "a@example.org"}}
    refused = api("POST", "/v1/credentials", {"credential": credential}).json()
    assert set(refused["errors"]) == {"course_name", "course_description"}
    named = {**credential, "name": "Bare", "description": "Done"}
    assert api("POST", "/v1/credentials", {"credential": named}).status_code == 200


def test_unknown_fields_are_passed_over_and_noted(api: Api, control: SandboxControl) -> None:
    api.create(colour="red", recipient={"name": "Ada", "email": "ada@example.org", "shoe": "38"})
    assert control.ignored_fields() == ["colour", "recipient.shoe"]


def test_one_credential_per_group_and_address(api: Api, control: SandboxControl) -> None:
    assert api.create("ada@example.org").status_code == 200
    refused = api.create("ADA@example.org")
    assert refused.status_code == 422
    assert "already taken" in refused.json()["errors"]["credential"][0]
    assert api.create("ada@example.org", group_id=4712).status_code == 200
    control.platform("accredible").add_template(
        4711, name="First Aid", course_name="x", course_description="y", allow_duplicate_credentials=True
    )
    assert api.create("ada@example.org").status_code == 200
    assert len(control.credentials("ada@example.org")) == 3
    assert control.state()["accredible"]["duplicates_refused"] == 1


def test_an_own_id_is_unique_and_found(api: Api) -> None:
    number = api.create(id="case-1").json()["credential"]["id"]
    assert api.create("bob@example.org", id="case-1").json() == {"errors": {"id": ["has already been taken"]}}
    assert api("GET", "/v1/credentials/case-1").json()["credential"]["id"] == number
    (found,) = api.search(query={"license_id": "case-1"})["credentials"]
    assert found["id"] == int(number)
    assert "url" not in found
    missing = api("GET", "/v1/credentials/case-2")
    assert (missing.status_code, missing.json()) == (404, {"errors": "Doesn't exist"})


def test_without_credits_nothing_is_published(api: Api, control: SandboxControl, http: requests.Session) -> None:
    control.platform("accredible").set(credits=1)
    assert api.create("a@example.org").json()["credential"]["approve"] is True
    second = api.create("b@example.org")
    assert (second.status_code, second.json()["credential"]["approve"]) == (200, False)
    assert http.get(second.json()["credential"]["url"], timeout=10).status_code == 404


def test_sandbox_mode_overrides_approve(api: Api, control: SandboxControl) -> None:
    control.platform("accredible").set(sandbox_mode=True)
    assert api.create(approve=True).json()["credential"]["approve"] is False


def test_change_and_delete(api: Api, control: SandboxControl) -> None:
    api.create(id="case-1", approve=False)
    changed = api("PUT", "/v1/credentials/case-1", {"credential": {"expired_on": "2026-02-01", "approve": True}})
    assert changed.json()["credential"]["expired_on"] == "2026-02-01"
    assert changed.json()["credential"]["approve"] is True
    assert api("PUT", "/v1/credentials/case-1", {"credential": {"approve": "no"}}).status_code == 422
    assert api("PUT", "/v1/credentials/case-1", {"credential": {"group_id": 1}}).status_code == 422
    moved = {"group_id": 4712, "approve": False, "recipient": {"name": "Ada King"}, "colour": "red"}
    again = api("PUT", "/v1/credentials/case-1", {"credential": moved}).json()["credential"]
    assert (again["group_name"], again["approve"]) == ("Healthcare Compliance 101", False)
    assert again["recipient"]["name"] == "Ada King"
    assert control.ignored_fields() == ["colour"]
    assert api("DELETE", "/v1/credentials/case-1").json()["credential"]["group_id"] == 4712
    assert api("DELETE", "/v1/credentials/case-1").status_code == 404
    assert control.credentials() == []
    assert len(control.credentials(deleted=True)) == 1
    assert api.create(id="case-1").status_code == 200


def test_a_group_can_set_the_end(api: Api, control: SandboxControl) -> None:
    control.platform("accredible").add_template(
        4711, name="First Aid", course_name="x", course_description="y", auto_expiry=1
    )
    assert api.create(issued_on="2028-02-29").json()["credential"]["expired_on"] == "2029-02-28"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"query": []},
        {"query": {"colour": "red"}},
        {"query": {"recipient.email": "a@example.org"}},
        {"query": {"group.id": "4711"}},
        {"query": {"group.id[gte]": 4711}},
        {"query": {"approve[in]": [True]}},
        {"query": {"approve": "true"}},
        {"query": {"meta_data[eq]": {"k": "v"}}},
        {"query": {"meta_data": "k"}},
        {"query": {"issued_on": "31/01/2026"}},
        {"query": {"license_id[in]": "case-1"}},
        {"query": {}, "sort": {"colour": "asc"}},
        {"query": {}, "sort": {"id": "up"}},
        {"query": {}, "page": {"from": 0, "cursor": "x"}},
        {"query": {}, "page": {"from": 9_990, "size": 11}},
        {"query": {}, "page": {"cursor": "nonsense"}},
        {"query": {}, "page": {"size": 0}},
        {"query": {}, "pages": {}},
    ],
)
def test_a_search_that_is_not_understood(api: Api, body: dict[str, Any]) -> None:
    response = api("POST", "/v2/credentials/search", body)
    assert response.status_code == 400
    assert set(response.json()) == {"code", "message", "status", "errors"}
    assert response.json()["status"] == "invalid_search_query"


@pytest.fixture
def five(api: Api) -> list[int]:
    return [
        int(
            api.create(
                f"l{n}@example.org",
                id=f"case-{n}",
                issued_on=f"2026-01-0{n}",
                meta_data={"k": str(n % 2), "all": "1"},
                approve=n != 3,
            ).json()["credential"]["id"]
        )
        for n in range(1, 6)
    ]


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ({}, [0, 1, 2, 3, 4]),
        ({"group.id": 4711}, [0, 1, 2, 3, 4]),
        ({"group.id[in]": [4712]}, []),
        ({"recipient_email": "l2@example.org"}, [1]),
        ({"recipient_email[in]": ["l2@example.org", "l4@example.org"]}, [1, 3]),
        ({"license_id[eq]": "case-5"}, [4]),
        ({"approve": False}, [2]),
        ({"issued_on": "2026-01-01"}, [0]),
        ({"issued_on[lt]": "2026-01-02"}, [0]),
        ({"issued_on[lte]": "2026-01-02"}, [0, 1]),
        ({"issued_on[gt]": "2026-01-04"}, [4]),
        ({"issued_on[gte]": "2026-01-04", "approve": True}, [3, 4]),
        ({"expired_on[lt]": "2030-01-01"}, []),
        ({"meta_data": {"k": "0"}}, [1, 3]),
        ({"meta_data": {"k": "0", "x": "y"}}, []),
    ],
)
def test_search_conditions(api: Api, five: list[int], query: dict[str, Any], places: list[int]) -> None:
    answer = api.search(query=query)
    assert [one["id"] for one in answer["credentials"]] == [five[place] for place in places]
    assert answer["meta"]["count"] == len(places)


def test_search_pages_and_order(api: Api, five: list[int]) -> None:
    second = api.search(query={}, sort={"issued_on": "desc"}, page={"from": 2, "size": 2})
    assert [one["id"] for one in second["credentials"]] == [five[2], five[1]]
    seen: list[int] = []
    cursor = None
    while True:
        page = {"size": 2} if cursor is None else {"size": 2, "cursor": cursor}
        answer = api.search(query={}, sort={"recipient_name": "asc"}, page=page)
        if not answer["credentials"]:
            break
        seen += [one["id"] for one in answer["credentials"]]
        cursor = answer["meta"]["cursor"]
    assert seen == five
    assert answer["meta"]["cursor"] is None


def test_the_search_trails_and_the_read_does_not(api: Api, control: SandboxControl) -> None:
    control.platform("accredible").set(search_lag_ms=60_000)
    api.create(id="case-1")
    assert api.search(query={"license_id": "case-1"})["credentials"] == []
    assert api("GET", "/v1/credentials/case-1").status_code == 200


def test_opening_the_page_is_noted(api: Api, http: requests.Session) -> None:
    http.get(api.create().json()["credential"]["url"], timeout=10)
    assert api.search(query={})["credentials"][0]["recipient_opened"] is True


def _item(number: int, **more: Any) -> dict[str, Any]:
    return {"group_id": 4711, "recipient": {"name": "A", "email": f"l{number}@example.org"}, **more}


def test_bulk(api: Api, control: SandboxControl) -> None:
    def bulk(items: list[Any]) -> requests.Response:
        return api("POST", "/v2/credentials/bulk_create", {"credentials": items})

    good = bulk([_item(1, id="c1"), _item(2, group_id=4712)])
    assert good.status_code == 200
    assert [one["credential"]["recipient"]["email"] for one in good.json()["results"]] == [
        "l1@example.org",
        "l2@example.org",
    ]
    assert isinstance(good.json()["results"][0]["credential"]["id"], int)
    mixed = bulk([_item(1), _item(3), _item(3), {"group_id": 1, "recipient": {}}])
    assert mixed.status_code == 207
    first, second, third, fourth = mixed.json()["results"]
    assert first["error"]["code"] == "credential_invalid"
    assert first["error"]["details"][0]["property"] == "recipient.email"
    assert "credential" in second
    assert "error" in third
    assert fourth["error"]["details"][0] == {"property": "group_id", "reason": "Invalid Group"}
    assert bulk([_item(1)]).status_code == 422
    assert bulk([_item(n) for n in range(10, 41)]).status_code == 422
    control.platform("accredible").set(credits=0, bulk_spelling="errors")
    (poor,) = bulk([_item(9)]).json()["results"]
    assert poor["credential"]["approve"] is False
    assert poor["errors"]["code"] == "insufficient_credits"
    (refused,) = bulk([_item(9)]).json()["results"]
    assert set(refused["errors"]["details"][0]) == {"property", "message"}


def test_groups(api: Api, control: SandboxControl) -> None:
    def groups(**wish: Any) -> Any:
        return api("POST", "/v1/issuer/groups/search", wish).json()

    assert [one["id"] for one in groups()["groups"]] == [4711, 4712]
    assert [one["id"] for one in groups(name="compl")["groups"]] == [4712]
    assert [one["id"] for one in groups(ids=[4711])["groups"]] == [4711]
    second = groups(page=2, page_size=1)
    assert [one["id"] for one in second["groups"]] == [4712]
    assert second["meta"] == {
        "current_page": 2,
        "next_page": None,
        "prev_page": 1,
        "total_pages": 2,
        "total_count": 2,
    }
    assert api("GET", "/v1/issuer/groups/4711").json()["group"]["name"] == "First Aid at Work"
    assert "allow_duplicate_credentials" not in api("GET", "/v1/issuer/groups/4711").json()["group"]
    control.platform("accredible").add_template(4711, name="x", removed=True)
    assert api("GET", "/v1/issuer/groups/4711").status_code == 404


def test_an_unknown_path(api: Api) -> None:
    response = api("GET", "/v1/nothing")
    assert (response.status_code, response.json()) == (404, {"error": "Not found"})


# as a platform like the others


@pytest.fixture
def twin(control: SandboxControl) -> PlatformControl:
    return control.platform("accredible")


def test_the_older_bulk_call(api: Api) -> None:
    def bulk(items: list[Any]) -> requests.Response:
        return api("POST", "/v1/credentials/bulk_create", {"credentials": items})

    answer = bulk([_item(n) for n in range(1, 101)])
    assert (answer.status_code, len(answer.json()["results"])) == (200, 100)
    assert bulk([_item(n) for n in range(101, 202)]).status_code == 422
    assert bulk([_item(1)]).status_code == 200


def test_the_two_spellings_of_a_missing_name(api: Api, twin: PlatformControl) -> None:
    def properties() -> set[str]:
        (result,) = api("POST", "/v2/credentials/bulk_create", {"credentials": [nameless]}).json()["results"]
        return {one["property"] for one in (result.get("error") or result["errors"])["details"]}

    nameless = {"group_id": 4711, "recipient": {"name": "", "email": "a@example.org"}}
    assert properties() == {"recipient_name"}
    twin.set(bulk_spelling="errors")
    assert properties() == {"recipient.name"}


def test_attribute_keys(api: Api, twin: PlatformControl) -> None:
    def keys(**wish: Any) -> Any:
        return api("POST", "/v1/attribute_keys/search", wish).json()

    assert [one["name"] for one in keys()["attribute_keys"]] == ["Completed", "Day", "Score"]
    assert set(keys()["attribute_keys"][0]) == {"id", "name", "kind", "department_id"}
    assert keys(kind="date")["attribute_keys"] == []
    assert "errors" in keys(kind="colour")
    twin.set(attribute_keys=[f"K{n}" for n in range(60)])
    assert [len(keys(page=n)["attribute_keys"]) for n in (1, 2, 3)] == [50, 10, 0]
    assert (keys()["meta"]["next_page"], keys(page=2)["meta"]["next_page"]) == (2, None)


@pytest.mark.parametrize(
    ("setting", "status", "kept"), [("refuse", 422, None), ("drop", 200, {}), ("keep", 200, {"Shoe": "38"})]
)
def test_an_unknown_attribute(api: Api, twin: PlatformControl, setting: str, status: int, kept: Any) -> None:
    twin.set(unknown_attributes=setting)
    answer = api.create(custom_attributes={"Shoe": "38"})
    assert answer.status_code == status
    if kept is not None:
        assert answer.json()["credential"]["custom_attributes"] == kept
        again = api(
            "PUT", "/v1/credentials/20417731", {"credential": {"custom_attributes": {"Hat": "7", "Day": "1"}}}
        )
        assert set(again.json()["credential"]["custom_attributes"]) == ({"Day"} if kept == {} else {"Hat", "Day"})


def test_a_change_takes_the_place_of_the_meta_data(api: Api) -> None:
    api.create(id="case-1", meta_data={"k": "v", "l": "w"})
    changed = api("PUT", "/v1/credentials/case-1", {"credential": {"meta_data": {"k": "x"}}})
    assert changed.json()["credential"]["meta_data"] == {"k": "x"}


def test_an_unpublished_one_blocks_or_does_not(api: Api, twin: PlatformControl) -> None:
    api.create(approve=False)
    assert api.create().status_code == 422
    twin.set(unpublished_blocks=False)
    assert api.create().status_code == 200
    assert api.create().status_code == 422


def test_own_ids_may_not_be_kept(api: Api, twin: PlatformControl) -> None:
    twin.set(keeps_own_id=False)
    assert api.create(id="case-1").status_code == 200
    assert api("GET", "/v1/credentials/case-1").status_code == 404


def test_what_staff_does(api: Api, twin: PlatformControl) -> None:
    made = twin.add_credential("4712", name="Ada", email="Ada@example.org", learner="7", id="x-1", approve=False)
    assert (made["template"], made["name"], made["email"], made["live"], made["state"], made["own_ref"]) == (
        "4712", "Ada", "Ada@example.org", False, "unpublished", "x-1",
    )  # fmt: skip
    assert made["mailed"] == 0
    published = twin.change(made["id"], approve=True, name="Ada Byron", email="b@example.org")
    assert (published["name"], published["email"], published["live"], published["mailed"]) == (
        "Ada Byron", "b@example.org", True, 1,
    )  # fmt: skip
    twin.change(made["id"], claim="claimed")
    (found,) = api.search(query={"recipient_id": "7"})["credentials"]
    assert (found["recipient_opened"], found["recipient_engaged"], bool(found["published_on"])) == (True, False, True)
    withdrawn = twin.change(made["id"], withdrawn=True)
    assert (withdrawn["live"], withdrawn["published_on"]) == (False, found["published_on"])
    assert twin.change(made["id"], approve=True, expired_on="2026-01-01")["live"] is False
    assert twin.change(made["id"], deleted=True)["state"] == "deleted"
    assert [one["state"] for one in twin.credentials()] == ["deleted"]


@pytest.mark.parametrize(
    "wish",
    [
        lambda twin: twin.add_credential(4712, name="A", email="no-address"),
        lambda twin: twin.add_credential("first-aid", name="A", email="a@example.org"),
        lambda twin: twin.add_credential(99, name="A", email="a@example.org"),
        lambda twin: twin.add_credential(4712, name="A", email="a@example.org", colour="red"),
        lambda twin: twin.change("99", withdrawn=True),
        lambda twin: twin.add_template(5000, name="A", colour="red"),
        lambda twin: twin.set(colour="red"),
    ],
)
def test_a_wish_that_is_not_understood(twin: PlatformControl, wish: Any) -> None:
    with pytest.raises(ControlError):
        wish(twin)


def test_a_claim_is_nothing_else_than_opening(api: Api, twin: PlatformControl) -> None:
    made = twin.add_credential(4712, name="A", email="a@example.org")
    with pytest.raises(ControlError):
        twin.change(made["id"], claim="declined")


def test_a_group_without_designs_and_one_that_is_gone(api: Api, twin: PlatformControl) -> None:
    twin.add_template(5000, name="Bare", usable=False)
    shown = api("GET", "/v1/issuer/groups/5000").json()["group"]
    assert (shown["certificate_design_id"], shown["badge_design_id"], shown["primary_design_id"]) == (None,) * 3
    twin.add_template(5000, name="Bare", removed=True)
    gone = api("GET", "/v1/issuer/groups/5000")
    assert (gone.status_code, gone.json()) == (404, {"errors": "Doesn't exist"})


def test_counts(api: Api, control: SandboxControl) -> None:
    api.create("a@example.org")
    api.create("b@example.org", approve=False)
    api.create("b@example.org")
    counts = control.state()["accredible"]
    assert {name: counts[name] for name in ("templates", "credentials", "unpublished", "created")} == {
        "templates": 2, "credentials": 1, "unpublished": 1, "created": 2,
    }  # fmt: skip
    assert counts["duplicates_refused"] == 1


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (401, "HTTP Token: Access denied.\n"),
        (404, '{"error": "Not found"}'),
        (500, '{"errors": "Internal server error"}'),
        (418, '{"errors": "Error 418"}'),
    ],
)
def test_a_failure_in_the_vendors_form(api: Api, control: SandboxControl, status: int, text: str) -> None:
    control.fault("accredible", "status", status=status)
    assert (api("GET", "/v1/issuer/details").status_code, api("GET", "/v1/issuer/details").text) == (status, text)
