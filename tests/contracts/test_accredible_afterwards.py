"""Accredible after and around issuing: publishing, correcting, withdrawing and awarding again, reading, groups."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from marshmallow import ValidationError

from pipeline import clock
from pipeline.errors import Misconfigured, Outage, Rejected, Unsure
from pipeline.platforms.accredible import AccredibleSchema
from pipeline.values import ClaimState, Format, Issued, Standing
from sandbox.control import PlatformControl, SandboxControl
from tests.contracts.accredible_bench import ORDER, Make, Sent, make, sent, twin

__all__ = ["make", "sent", "twin"]  # fixtures

AGAIN = replace(ORDER, ref="confer-second")
ONE = {"id": "7", "approve": True, "url": "https://c.example/7", "group_id": 4712}


def calls(control: SandboxControl) -> int:
    return len(control.calls("accredible"))


def duplicates_allowed(twin: PlatformControl) -> None:
    twin.add_template(4712, name="HC", course_name="HC", course_description="D", allow_duplicate_credentials=True)


# what is told about the account


def test_hosts(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCREDIBLE_KEY", "k")
    hosts = {
        "production-us": ("https://api.accredible.com", False),
        "production-eu": ("https://eu.api.accredible.com", False),
        "sandbox": ("https://sandbox.api.accredible.com", True),
    }
    for host, (url, sandbox) in hosts.items():
        loaded = AccredibleSchema().load({"host": host, "key": "env:ACCREDIBLE_KEY"})
        assert (loaded["url"], loaded["sandbox"]) == (url, sandbox)
        assert (loaded["withdrawal"], loaded["replaces_withdrawn"], loaded["checks_attributes"]) == (
            "unpublish", True, True,
        )  # fmt: skip
    with pytest.raises(ValidationError):
        AccredibleSchema().load({"host": "sandbox", "key": "env:ACCREDIBLE_KEY", "withdrawal": "revoke"})


# publishing


def test_publishing_asks_for_nothing_else_and_once(make: Make, twin: PlatformControl, sent: Sent) -> None:
    twin.set(credits=0)
    issued = make().issue(ORDER)
    assert not issued.live
    twin.set(credits=1)
    sent.clear()
    for _ in range(2):
        published = make().publish(ORDER, issued.platform_ref)
        assert published == replace(issued, live=True)
    assert sent == [("PUT", f"v1/credentials/{issued.platform_ref}", {"credential": {"approve": True}})]
    assert twin.credentials()[0]["mailed"] == 1


@pytest.mark.parametrize(
    ("settings", "said"), [({"credits": 0}, "no credits left"), ({"sandbox_mode": True}, "sandbox mode")]
)
def test_what_stays_unpublished_is_about_the_account(
    make: Make, twin: PlatformControl, settings: dict[str, Any], said: str
) -> None:
    twin.set(**settings)
    issued = make().issue(ORDER)
    with pytest.raises(Misconfigured, match=said) as caught:
        make().publish(ORDER, issued.platform_ref)
    assert caught.value.whole_account
    assert len(twin.credentials()) == 1


def test_what_was_withdrawn_or_is_gone_is_not_published_or_corrected(make: Make, twin: PlatformControl) -> None:
    platform = make()
    issued = platform.issue(ORDER)
    platform.withdraw(issued.platform_ref, "integrity")
    for act in (platform.publish, platform.correct):
        with pytest.raises(Rejected, match="withdrawn"):
            act(ORDER, issued.platform_ref)
        with pytest.raises(Rejected, match="no such credential"):
            act(ORDER, "987654321")
        with pytest.raises(Rejected, match="no such credential"):
            act(ORDER, "../groups")
    assert [one["live"] for one in twin.credentials()] == [False]


def test_in_a_sandbox_account_what_is_kept_unpublished_is_live(make: Make, twin: PlatformControl) -> None:
    twin.set(sandbox_mode=True)
    platform = make(sandbox=True)
    issued = platform.issue(ORDER)
    assert issued.live
    assert platform.find(ORDER) == issued == platform.publish(ORDER, issued.platform_ref)
    [bulk] = platform.issue_many([replace(AGAIN, ref="confer-third", email="b@learners.example")])
    assert isinstance(bulk, Issued)
    assert bulk.live
    held = platform.read(issued.platform_ref)
    assert held is not None
    assert held.standing is Standing.LIVE
    platform.withdraw(issued.platform_ref, "integrity")
    assert platform.find(ORDER) is None
    again = platform.issue(AGAIN)
    assert again.platform_ref != issued.platform_ref


# correcting


def test_the_golden_correction(make: Make, sent: Sent) -> None:
    platform = make()
    issued = platform.issue(ORDER)
    sent.clear()
    right = replace(ORDER, name="Ada Byron", email=" ADA.B@learners.example", title="HC", attributes={"Score": "92"})
    assert platform.correct(right, issued.platform_ref) == issued
    told = {
        "recipient": {"name": "Ada Byron", "email": "ada.b@learners.example", "id": "307"},
        "name": "HC",
        "description": "Done.",
        "issued_on": "2026-03-07",
        "expired_on": "2099-03-06",
        "custom_attributes": {"Score": "92"},
    }
    assert sent == [("PUT", f"v1/credentials/{issued.platform_ref}", {"credential": told})]


def test_a_correction_leaves_alone_what_the_order_does_not_have(
    make: Make, twin: PlatformControl, sent: Sent
) -> None:
    platform = make()
    issued = platform.issue(ORDER)
    sent.clear()
    platform.correct(replace(ORDER, expires_on=None, attributes={}), issued.platform_ref)
    assert {"expired_on", "custom_attributes", "approve", "meta_data"}.isdisjoint(sent[0][2]["credential"])
    [made] = twin.credentials()
    assert (made["expired_on"], made["custom_attributes"], made["own_ref"]) == (
        "2099-03-06", {"Score": "91.5"}, ORDER.ref,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (422, '{"errors":{"credential":["The email address is already taken"]}}', Rejected),
        (422, '{"errors":{"custom_attributes":["no"]}}', Misconfigured),
        (404, '{"errors":"Doesn\'t exist"}', Rejected),
        (404, "<html>not found", Unsure),
        (200, "{}", Unsure),
        (200, "<html>", Unsure),
        (202, json.dumps({"credential": ONE}), Unsure),
        (500, "", Unsure),
        (401, "HTTP Token: Access denied.", Misconfigured),
    ],
)
@pytest.mark.parametrize("act", ["correct", "publish", "withdraw"])
def test_every_answer_to_a_change(
    make: Make, control: SandboxControl, act: str, status: int, body: str, *, kind: type[Exception]
) -> None:
    control.platform("accredible").set(credits=0 if act == "publish" else 9)
    platform = make()
    issued = platform.issue(ORDER)
    control.fault("accredible", "status", status=status, body=body, method="PUT")
    if act == "withdraw" and (status, kind) == (404, Rejected):
        platform.withdraw(issued.platform_ref, "integrity")
        return
    arguments = (issued.platform_ref, "integrity") if act == "withdraw" else (ORDER, issued.platform_ref)
    with pytest.raises(kind):
        getattr(platform, act)(*arguments)


# withdrawing


def test_the_golden_withdrawal_keeps_what_the_meta_data_held(make: Make, twin: PlatformControl, sent: Sent) -> None:
    made = twin.add_credential(4712, name="A", email="a@learners.example", meta_data={"k": "v"})
    sent.clear()
    for _ in range(2):
        make().withdraw(made["id"], "integrity")
    told = {"approve": False, "meta_data": {"k": "v", "confer_withdrawn": "integrity"}}
    assert sent == [("PUT", f"v1/credentials/{made['id']}", {"credential": told})]
    [kept] = twin.credentials()
    assert (kept["live"], kept["deleted"]) == (False, False)
    held = make().read(made["id"])
    assert held is not None
    assert held.standing is Standing.WITHDRAWN


def test_the_golden_withdrawal_by_its_end(make: Make, twin: PlatformControl, sent: Sent) -> None:
    platform = make(withdrawal="expire")
    issued = platform.issue(ORDER)
    sent.clear()
    platform.withdraw(issued.platform_ref, "integrity")
    yesterday = (clock.now() - timedelta(days=1)).date().isoformat()
    told = {
        "expired_on": yesterday,
        "meta_data": {"confer_ref": ORDER.ref, "confer_withdrawn": "integrity"},
    }
    assert sent == [("PUT", f"v1/credentials/{issued.platform_ref}", {"credential": told})]
    [kept] = twin.credentials()
    assert (kept["approve"], kept["live"]) == (True, False)
    held = platform.read(issued.platform_ref)
    assert held is not None
    assert held.standing is Standing.WITHDRAWN
    assert platform.find(ORDER) is None


def test_what_has_ended_keeps_its_end(make: Make, twin: PlatformControl) -> None:
    platform = make(withdrawal="expire")
    issued = platform.issue(replace(ORDER, expires_on=date(2026, 4, 1)))
    platform.withdraw(issued.platform_ref, "integrity")
    assert twin.credentials()[0]["expired_on"] == "2026-04-01"
    held = platform.read(issued.platform_ref)
    assert held is not None
    assert held.standing is Standing.WITHDRAWN


def test_the_golden_withdrawal_by_deletion(make: Make, twin: PlatformControl, sent: Sent) -> None:
    platform = make(withdrawal="delete")
    issued = platform.issue(ORDER)
    sent.clear()
    for _ in range(2):
        platform.withdraw(issued.platform_ref, "integrity")
    assert sent == [("DELETE", f"v1/credentials/{issued.platform_ref}", None)]
    assert [one["deleted"] for one in twin.credentials()] == [True]
    assert platform.read(issued.platform_ref) is None


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, "<html>", Unsure),
        (200, "{}", Unsure),
        (202, json.dumps({"credential": ONE}), Unsure),
        (404, "<html>", Unsure),
        (403, '{"errors":"x"}', Misconfigured),
        (500, "", Unsure),
    ],
)
def test_every_answer_to_a_deletion(
    make: Make, control: SandboxControl, status: int, body: str, kind: type[Exception]
) -> None:
    platform = make(withdrawal="delete")
    issued = platform.issue(ORDER)
    control.fault("accredible", "status", status=status, body=body, method="DELETE")
    with pytest.raises(kind):
        platform.withdraw(issued.platform_ref, "integrity")


@pytest.mark.parametrize(("status", "body"), [(204, ""), (404, '{"error":"Not found"}')])
def test_a_deletion_that_is_done(make: Make, control: SandboxControl, status: int, body: str) -> None:
    platform = make(withdrawal="delete")
    issued = platform.issue(ORDER)
    control.fault("accredible", "status", status=status, body=body, method="DELETE")
    platform.withdraw(issued.platform_ref, "integrity")


def test_a_withdrawal_that_changes_nothing_goes_to_a_person(make: Make, control: SandboxControl) -> None:
    platform = make()
    issued = platform.issue(ORDER)
    body = json.dumps({"credential": {**ONE, "id": issued.platform_ref}})
    control.fault("accredible", "status", status=200, body=body, method="PUT", content_type="application/json")
    with pytest.raises(Rejected, match="by hand"):
        platform.withdraw(issued.platform_ref, "integrity")


@pytest.mark.parametrize("ref", ["", ".", "..", "../issuer", "a/b", "a b", "é", "x" * 256, "-", "%2e%2e", "7?x=1"])
def test_an_id_that_cannot_be_one_is_not_there_and_is_not_asked_for(
    make: Make, control: SandboxControl, ref: str
) -> None:
    before = calls(control)
    assert make().read(ref) is None
    for how in ("unpublish", "expire", "delete"):
        make(withdrawal=how).withdraw(ref, "integrity")
    assert make().template(ref) is None
    assert list(make().held(ref)) == []
    assert calls(control) == before


def test_another_credential_than_was_asked_for_is_not_touched(make: Make, control: SandboxControl) -> None:
    """Numbers and references share one place in the path, and somebody's reference may be a number."""
    control.platform("accredible").add_credential(4712, name="B", email="b@learners.example", id="123")
    for how in ("unpublish", "expire", "delete"):
        with pytest.raises(Outage, match="another credential"):
            make(withdrawal=how).withdraw("123", "integrity")
    assert [one["live"] for one in control.credentials()] == [True]


# awarding again


def test_what_was_withdrawn_makes_way_for_the_same_learner(make: Make, twin: PlatformControl, sent: Sent) -> None:
    twin.set(search_lag_ms=0)
    platform = make()
    first = platform.issue(ORDER)
    twin.set(search_lag_ms=60_000)  # the search has it as it was before
    platform.withdraw(first.platform_ref, "integrity")
    sent.clear()
    second = platform.issue(AGAIN)
    assert [(method, path) for method, path, _ in sent] == [
        ("POST", "v1/credentials"), ("DELETE", f"v1/credentials/{first.platform_ref}"), ("POST", "v1/credentials"),
    ]  # fmt: skip
    assert sent[0][2] == sent[2][2]
    assert [one["id"] for one in twin.credentials() if not one["deleted"]] == [second.platform_ref]
    assert platform.find(AGAIN) == second
    assert platform.find(ORDER) is None


def test_the_same_order_again_after_a_withdrawal(make: Make, twin: PlatformControl) -> None:
    duplicates_allowed(twin)
    platform = make()
    platform.withdraw(platform.issue(ORDER).platform_ref, "integrity")
    assert platform.issue(replace(ORDER, email="new@learners.example")).live
    assert len([one for one in twin.credentials() if not one["deleted"]]) == 1


def test_what_was_withdrawn_stays_where_nothing_makes_it_go(make: Make, twin: PlatformControl) -> None:
    platform = make()
    first = platform.issue(ORDER)
    platform.withdraw(first.platform_ref, "integrity")
    with pytest.raises(Rejected, match="was withdrawn is still"):
        make(replaces_withdrawn=False).issue(AGAIN)
    duplicates_allowed(twin)
    platform.issue(AGAIN)
    assert [(one["live"], one["deleted"]) for one in twin.credentials()] == [(False, False), (True, False)]


def test_what_is_not_ours_to_take_away_stays_in_the_way(make: Make, twin: PlatformControl) -> None:
    platform = make()
    other = replace(ORDER, ref="confer-other", learner_ref="308", name="Ralph")
    issued = platform.issue(other)
    with pytest.raises(Rejected, match="another credential"):  # live, of somebody who shares the address
        platform.issue(AGAIN)
    platform.withdraw(issued.platform_ref, "integrity")
    with pytest.raises(Rejected, match="another credential"):  # withdrawn, but from somebody else
        platform.issue(AGAIN)
    twin.change(issued.platform_ref, approve=True)
    with pytest.raises(Rejected, match="another credential"):  # and published by hand since
        platform.issue(replace(other, ref="confer-other-2"))
    twin.change(issued.platform_ref, expired_on="2026-01-01", deleted=True)
    own = platform.issue(ORDER)
    twin.change(own.platform_ref, expired_on="2026-01-01")
    with pytest.raises(Rejected, match="another credential"):  # it has ended, and was not withdrawn
        platform.issue(AGAIN)
    assert [one["deleted"] for one in twin.credentials() if one["id"] == own.platform_ref] == [False]


@pytest.mark.parametrize(("kind", "more"), [("drop_after", {}), ("html", {}), ("status", {"status": 500})])
@pytest.mark.parametrize("method", ["DELETE", "POST"])
def test_a_lost_answer_while_making_way_is_doubt_and_ends_in_one(
    make: Make, control: SandboxControl, kind: str, more: dict[str, Any], method: str
) -> None:
    platform = make()
    platform.withdraw(platform.issue(ORDER).platform_ref, "integrity")
    skip = 1 if method == "POST" else 0
    control.fault("accredible", kind, method=method, path="/v1/credentials", skip=skip, times=1, **more)
    with pytest.raises(Unsure):
        platform.issue(AGAIN)
    found = platform.find(AGAIN) or platform.issue(AGAIN)
    assert found.live
    assert [one["id"] for one in control.credentials() if one["live"]] == [found.platform_ref]


def test_published_again_by_hand_is_live_again(make: Make, twin: PlatformControl) -> None:
    platform = make()
    issued = platform.issue(ORDER)
    platform.withdraw(issued.platform_ref, "integrity")
    twin.change(issued.platform_ref, approve=True)
    assert platform.find(ORDER) == issued
    held = platform.read(issued.platform_ref)
    assert held is not None
    assert held.standing is Standing.LIVE
    platform.withdraw(issued.platform_ref, "integrity")
    assert not twin.credentials()[0]["live"]


# finding


def test_unpublished_for_want_of_credits_is_found_and_taken_down_by_hand_is_not(
    make: Make, twin: PlatformControl
) -> None:
    platform = make()
    twin.set(credits=0)
    issued = platform.issue(ORDER)
    assert platform.find(ORDER) == issued
    held = platform.read(issued.platform_ref)
    assert held is not None
    assert held.standing is Standing.UNPUBLISHED
    twin.set(credits=1)
    twin.change(issued.platform_ref, approve=True)
    twin.change(issued.platform_ref, withdrawn=True)
    assert platform.find(ORDER) is None


def test_a_live_one_is_found_before_an_unpublished_one(make: Make, twin: PlatformControl) -> None:
    duplicates_allowed(twin)
    who = {"name": "Ada", "email": ORDER.email}
    draft = twin.add_credential(4712, **who, approve=False)
    assert make().find(ORDER) == Issued(platform_ref=draft["id"], url=draft["url"], live=False, ours=False)
    live = twin.add_credential(4712, **who)
    assert make().find(ORDER) == Issued(platform_ref=live["id"], url=live["url"], live=True, ours=False)


def test_one_of_another_case_is_passed_over_without_a_call_and_also_where_the_search_trails(
    make: Make, twin: PlatformControl, control: SandboxControl
) -> None:
    platform = make()
    platform.issue(replace(ORDER, ref="confer-other"))
    before = calls(control)
    assert platform.find(ORDER) is None
    assert calls(control) == before + 3
    made = twin.add_credential(4711, name="Ada", email=ORDER.email)
    twin.set(search_lag_ms=60_000)  # from here on the search does not see whose it is
    platform.rest.change(made["id"], {"meta_data": {"confer_ref": "confer-another"}})
    assert platform.find(replace(ORDER, template="4711")) is None


def test_it_is_found_also_where_our_id_was_not_kept(make: Make, twin: PlatformControl) -> None:
    twin.set(keeps_own_id=False)
    issued = make().issue(ORDER)
    assert make().find(replace(ORDER, email="married@learners.example")) == issued


def test_one_that_ended_is_found_where_it_was_to_end_then(make: Make, twin: PlatformControl) -> None:
    past = replace(ORDER, expires_on=date(2026, 4, 1))
    issued = make().issue(past)
    assert make().find(past) == issued
    held = make().read(issued.platform_ref)
    assert held is not None
    assert held.standing is Standing.EXPIRED
    twin.change(issued.platform_ref, expired_on="2026-05-01")
    assert make().find(past) is None


def test_its_last_day_still_counts(make: Make) -> None:
    issued = make().issue(replace(ORDER, expires_on=clock.now().date()))
    held = make().read(issued.platform_ref)
    assert held is not None
    assert held.standing is Standing.LIVE


@pytest.mark.parametrize("template", ["first-aid", "", "0", "4712.0", "-4712", "４７１２"])
def test_a_template_that_is_no_number_is_for_the_administrator(make: Make, template: str) -> None:
    for ask in (make().find, make().issue):
        with pytest.raises(Misconfigured, match="number") as caught:
            ask(replace(ORDER, template=template))
        assert not caught.value.whole_account


def hits(count: int, **meta: Any) -> str:
    row = {"id": 9, "approve": True, "group": {"id": 4712}, "meta_data": {"confer_ref": "confer-other"}}
    return json.dumps({"credentials": [row] * count, "meta": {"count": count, "from": 0, "size": 50, **meta}})


@pytest.mark.parametrize(
    "body",
    [
        hits(50),
        hits(50, cursor=None),
        hits(50, cursor="again"),
        hits(10, size=10),
        '{"credentials":[{"id":9}]}',
        '{"credentials":[7]}',
        '{"credentials":[],"meta":7}',
    ],
)
def test_a_search_that_does_not_end_is_an_outage(make: Make, control: SandboxControl, body: str) -> None:
    control.fault("accredible", "status", status=200, body=body, path="/v2", content_type="application/json")
    with pytest.raises(Outage):
        make().find(ORDER)
    with pytest.raises(Outage):
        list(make().held("4712"))


@pytest.mark.parametrize("body", ["<html>", "", "[]", "{}", '"no"'])
def test_a_404_of_somebody_in_front_is_no_nothing(make: Make, control: SandboxControl, body: str) -> None:
    control.fault("accredible", "status", status=404, body=body)
    for ask in (
        lambda: make().find(ORDER),
        lambda: make().read("9"),
        lambda: make(checks_attributes=False).template("9"),
    ):
        with pytest.raises(Outage):
            ask()


def test_a_refused_look_up_is_no_duplicate(make: Make, control: SandboxControl) -> None:
    control.fault("accredible", "status", status=422, body='{"errors":"already taken"}')
    with pytest.raises(Rejected):
        make().find(ORDER)


# reading and listing


def test_what_the_learner_did_is_not_told_while_the_search_trails(make: Make, twin: PlatformControl) -> None:
    twin.set(search_lag_ms=60_000)
    issued = make().issue(ORDER)
    held = make().read(issued.platform_ref)
    assert held is not None
    assert (held.claim, held.learner_ref, held.ref) == (None, "307", ORDER.ref)
    assert list(make().held("4712")) == []


def test_a_listing_tells_what_the_search_tells(make: Make, twin: PlatformControl) -> None:
    issued = make().issue(ORDER)
    twin.change(issued.platform_ref, claim="claimed")
    [held] = make().held("4712")
    assert (held.platform_ref, held.url, held.claim, held.standing) == (
        issued.platform_ref, "", ClaimState.CLAIMED, Standing.LIVE,
    )  # fmt: skip
    assert (held.ref, held.learner_ref, held.name, held.email) == (
        ORDER.ref, "307", "Ada Lovelace", "ada@learners.example",
    )  # fmt: skip
    make().withdraw(issued.platform_ref, "integrity")
    assert [one.standing for one in make().held("4712")] == [Standing.WITHDRAWN]


# groups


def test_a_group_issues_in_the_forms_it_has_a_design_for(make: Make, twin: PlatformControl) -> None:
    twin.add_template(5001, name="Badge", certificate_design_id=None)
    twin.add_template(5002, name="Certificate", badge_design_id=None)
    twin.add_template(5003, name="Neither", usable=False)
    found = {one.ref: one for one in make().templates()}
    assert found["5001"].formats == {Format.BADGE}
    assert found["5002"].formats == {Format.CERTIFICATE}
    assert (found["5003"].usable, found["5003"].formats) == (False, frozenset())
    assert "design" in found["5003"].reason
    assert found["4711"].repeatable is None
    assert found["5003"] == make().template("5003")


def test_attributes_are_those_of_the_account_to_the_last_page(
    make: Make, twin: PlatformControl, control: SandboxControl
) -> None:
    names = [f"Key {number:03}" for number in range(120)]
    twin.set(attribute_keys=names)
    platform = make()
    found = platform.template("4711")
    assert found is not None
    assert found.attributes == set(names)
    before = calls(control)
    platform.template("4712")
    assert calls(control) == before + 1, "the names are asked for once"
    unchecked = make(checks_attributes=False)
    before = calls(control)
    found = unchecked.template("4711")
    assert found is not None
    assert found.attributes is None
    assert calls(control) == before + 1


@pytest.mark.parametrize(
    "body",
    [
        '{"groups":[],"meta":{"next_page":2}}',
        '{"groups":[{"id":1,"certificate_design_id":1,"badge_design_id":1}],"meta":{"next_page":1}}',
        '{"groups":[{"id":1,"certificate_design_id":1,"badge_design_id":1}],"meta":{}}',
        '{"groups":[{"id":1}],"meta":{"next_page":null}}',
        '{"groups":[]}',
    ],
)
def test_a_list_of_groups_that_does_not_end_is_an_outage(make: Make, control: SandboxControl, body: str) -> None:
    path = "/v1/issuer/groups/search"
    control.fault("accredible", "status", status=200, body=body, path=path, content_type="application/json")
    with pytest.raises(Outage):
        list(make().templates())


def test_another_group_than_was_asked_for_is_an_outage(make: Make, control: SandboxControl) -> None:
    body = '{"group":{"id":4711,"certificate_design_id":1,"badge_design_id":null}}'
    path = "/v1/issuer/groups/4712"
    control.fault("accredible", "status", status=200, body=body, path=path, content_type="application/json")
    with pytest.raises(Outage, match="another group"):
        make().template("4712")


def test_an_attribute_that_the_account_does_not_know(make: Make, twin: PlatformControl) -> None:
    with pytest.raises(Misconfigured, match="attributes") as caught:
        make().issue(replace(ORDER, attributes={"Shoe": "38"}))
    assert not caught.value.whole_account
    assert twin.credentials() == []
