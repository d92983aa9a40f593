"""Accredible's bulk call: one answer, in both of its spellings, becomes what came of each order."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from pipeline.errors import Duplicate, Failure, Misconfigured, Outage, Rejected, Throttled, Unsure
from pipeline.platforms.accredible import Accredible
from pipeline.values import Issued, Order
from sandbox.control import SandboxControl
from tests.contracts.accredible_bench import ORDER, Make, Sent, make, sent

__all__ = ["make", "sent"]  # fixtures

BULK = "/v2/credentials/bulk_create"


def orders(*numbers: int) -> list[Order]:
    return [replace(ORDER, ref=f"confer-{n}", email=f"l{n}@learners.example", name=f"L {n}") for n in numbers]


@pytest.fixture
def platform(make: Make) -> Accredible:
    return make()


def kinds(results: tuple[Issued | Failure, ...]) -> list[type]:
    return [type(one) for one in results]


def test_the_golden_payload(platform: Accredible, sent: Sent, control: SandboxControl) -> None:
    one, two = orders(1, 2)
    platform.issue_many([one, replace(two, template="4711", expires_on=None, attributes={})])
    [(method, path, body)] = sent
    assert (method, path) == ("POST", "v2/credentials/bulk_create")
    first = {
        "id": "confer-1",
        "group_id": 4712,
        "recipient": {"name": "L 1", "email": "l1@learners.example", "id": "307"},
        "name": "Healthcare Compliance 101",
        "description": "Done.",
        "issued_on": "2026-03-07",
        "expired_on": "2099-03-06",
        "complete": True,
        "approve": True,
        "custom_attributes": {"Score": "91.5"},
        "meta_data": {"confer_ref": "confer-1"},
    }
    second = {key: value for key, value in first.items() if key != "expired_on"} | {
        "id": "confer-2",
        "group_id": 4711,
        "recipient": {"name": "L 2", "email": "l2@learners.example", "id": "307"},
        "custom_attributes": {},
        "meta_data": {"confer_ref": "confer-2"},
    }
    assert body == {"credentials": [first, second]}
    assert control.ignored_fields() == []


@pytest.mark.parametrize("spelling", ["error", "errors"])
def test_each_has_its_own_outcome_in_both_spellings(
    platform: Accredible, control: SandboxControl, spelling: str
) -> None:
    twin = control.platform("accredible")
    twin.set(bulk_spelling=spelling)
    platform.issue(orders(2)[0])
    twin.set(credits=1)
    one, two, three, four, five = orders(1, 2, 3, 4, 5)
    three = replace(three, template="999")
    four = replace(four, attributes={"Shoe": "38"})
    results = platform.issue_many([one, two, three, four, five])
    assert kinds(results) == [Issued, Duplicate, Misconfigured, Misconfigured, Issued]
    first, last = results[0], results[-1]
    assert isinstance(first, Issued)
    assert isinstance(last, Issued)
    assert (first.live, last.live) == (True, False)
    made = {one["email"]: one["id"] for one in control.credentials()}
    assert (made["l1@learners.example"], made["l5@learners.example"]) == (first.platform_ref, last.platform_ref)
    assert not any(isinstance(one, Misconfigured) and one.whole_account for one in results)


def test_when_all_fail_each_has_its_own_reason(platform: Accredible, control: SandboxControl) -> None:
    platform.issue_many(orders(1))
    results = platform.issue_many([*orders(1), replace(orders(2)[0], template="999")])
    assert kinds(results) == [Duplicate, Misconfigured]
    assert [call["status"] for call in control.calls("accredible")] == [200, 422]


def test_who_cannot_be_issued_to_is_not_asked_about(platform: Accredible, control: SandboxControl) -> None:
    one, two, three, four = orders(1, 2, 3, 4)
    two, three, four = replace(two, name=" "), replace(three, email="none"), replace(four, template="x")
    assert kinds(platform.issue_many([two, one, three, four])) == [Rejected, Issued, Rejected, Misconfigured]
    assert [made["email"] for made in control.credentials()] == ["l1@learners.example"]
    before = len(control.calls("accredible"))
    assert kinds(platform.issue_many([two, three])) == [Rejected, Rejected]
    assert len(control.calls("accredible")) == before


def made(number: int, **more: Any) -> dict[str, Any]:
    recipient = {"name": "L", "email": f"l{number}@learners.example"}
    return {"id": number, "approve": True, "url": "https://c.example/1", "recipient": recipient, **more}


def results(*items: Any) -> str:
    return json.dumps({"results": list(items)})


GOOD = {"credential": made(1)}


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, results(GOOD), Unsure),
        (200, results(GOOD, GOOD, GOOD), Unsure),
        (200, results({"credential": made(2)}, {"credential": made(1)}), Unsure),
        (
            207,
            results({"credential": made(1, meta_data={"confer_ref": "confer-2"})}, {"credential": made(2)}),
            Unsure,
        ),
        (200, results(GOOD, {"credential": {"id": 2}}), Unsure),
        (200, results(GOOD, 7), Unsure),
        (200, "{}", Unsure),
        (200, "[]", Unsure),
        (200, "<html>", Unsure),
        (207, '{"results":null}', Unsure),
        (202, results(GOOD, {"credential": made(2)}), Unsure),
        (201, results(GOOD, {"credential": made(2)}), Unsure),
        (422, '{"errors":"At most 30 credentials can be created at once"}', Rejected),
        (422, '{"errors":{"credential":["already taken"]}}', Rejected),
        (422, "<html>", Rejected),
        (422, results(GOOD), Unsure),
        (422, results({"error": {"code": "credential_invalid"}}, {"credential": {"id": 2}}), Unsure),
        (400, "{}", Rejected),
        (401, "HTTP Token: Access denied.", Misconfigured),
        (403, '{"errors":"x"}', Misconfigured),
        (500, "", Unsure),
    ],
)
def test_an_answer_about_all(
    platform: Accredible, control: SandboxControl, status: int, body: str, kind: type[Failure]
) -> None:
    control.fault("accredible", "status", status=status, body=body, path=BULK, content_type="application/json")
    with pytest.raises(kind) as caught:
        platform.issue_many(orders(1, 2))
    assert "learners.example" not in caught.value.detail
    if isinstance(caught.value, Misconfigured):
        assert caught.value.whole_account


@pytest.mark.parametrize(
    ("item", "kind"),
    [
        ({}, Unsure),
        ({"error": {"code": "insufficient_credits"}}, Unsure),
        ({"error": {"code": "on_fire"}}, Unsure),
        ({"error": "no"}, Unsure),
        ({"error": {"code": "credential_invalid"}}, Rejected),
        ({"errors": {"code": "credential_invalid", "details": [{"property": "recipient_name"}]}}, Rejected),
        ({"errors": {"code": "credential_invalid", "details": [{"message": "is already taken"}]}}, Duplicate),
        ({"error": {"code": "credential_invalid", "details": [{"reason": "is already taken"}]}}, Duplicate),
        ({"credential": made(2), "error": {"code": "insufficient_credits"}}, Issued),
    ],
)
def test_an_answer_about_one(platform: Accredible, control: SandboxControl, item: Any, kind: type) -> None:
    body = results(GOOD, item)
    control.fault("accredible", "status", status=207, body=body, path=BULK, content_type="application/json")
    assert kinds(platform.issue_many(orders(1, 2))) == [Issued, kind]


def test_the_pace_and_the_connection(platform: Accredible, control: SandboxControl, make: Make) -> None:
    control.fault("accredible", "throttle", path=BULK, retry_after=9)
    with pytest.raises(Throttled):
        platform.issue_many(orders(1))
    with pytest.raises(Outage):
        make(url="http://127.0.0.1:9").issue_many(orders(1))
