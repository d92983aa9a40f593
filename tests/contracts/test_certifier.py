"""Certifier bound to the suite for platforms; and what is its own: drafts, our attribute, mails, two withdrawals."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest
import requests
from marshmallow import ValidationError

from pipeline import clock
from pipeline.errors import Duplicate, Failure, Misconfigured, Outage, Rejected, Throttled, Unsure
from pipeline.platforms.certifier import Certifier, CertifierSchema
from pipeline.settings import Settings
from pipeline.values import ClaimState, Format, Hint, Order, Standing
from pipeline.webhook import Invalid, Request, Unauthenticated
from sandbox.control import SandboxControl
from tests.contracts.platform_bench import Bench, Trait
from tests.contracts.platform_suite import PlatformSuite

FIRST, SECOND = "01kzdem0grp000000000000001", "01kzdem0grp000000000000002"
CRED = "01kzdem0cred00000000000001"
MISSING = "01kzdem0grp999999999999999"
SECRET = "certifier-webhook-secret"
ISSUING = r"^/v1/credentials/[^/]+/issue$"
SENDING = r"^/v1/credentials/[^/]+/send$"
DRAFTING = r"^/v1/credentials$"
NO_IDS = [
    "",
    ".",
    "..",
    "987654321",
    "01kzdem0grp00000000000/..",
    "01kzdem0grp0000000000000\n1",
    f"{CRED}\n",
    "é" * 26,
]


class CertifierBench(Bench):
    """A workspace in which Confer deletes what it withdraws; what goes wrong goes wrong after the draft."""

    adapter = Certifier
    system = "certifier"
    templates = (FIRST, SECOND)
    past_three_pages = 16
    past_three_template_pages = 16
    formats = (Format.CERTIFICATE,)
    attributes: ClassVar = {"mentor": "Grace H.", "hours": "12"}
    secrets = ("certifier-token", SECRET)
    issuing = ISSUING
    lacks: ClassVar = {
        Trait.BULK: "no call of the API issues several (contract 4)",
        Trait.LEARNER_REF: "a credential has no id of ours; our reference stands in an attribute (contract 6)",
        Trait.REFUSES: "nothing refuses a second credential of a group (contract 6)",
        Trait.WITHDRAWN_SHOWN: "Certifier has no revocation; what is deleted is gone (contract 7)",
        Trait.DECLINES: "there is no claim step that could be declined (contract 8)",
        Trait.UNUSABLE: "a group is there or it is not; no state keeps it from being issued (contract 9)",
        Trait.RENEWAL: "an access token has no end (contract 1)",
    }

    def options(self) -> dict[str, Any]:
        return {
            "url": self.url,
            "token": self.env("CERTIFIER_TOKEN", "certifier-token"),
            "webhook_secrets": [self.env("CERTIFIER_WEBHOOK", SECRET)],
            "list_claims": True,
        }

    def make(self) -> None:
        self.twin.set(page_cap=5, attributes=["confer_ref", *self.attributes])

    def lag(self, milliseconds: int) -> None:
        self.twin.set(search_lag_ms=milliseconds)


class Expiring(CertifierBench):
    """A workspace in which Confer lets expire what it withdraws; what goes wrong goes wrong with the draft."""

    issuing = DRAFTING

    lacks: ClassVar = {trait: why for trait, why in CertifierBench.lacks.items() if trait != Trait.WITHDRAWN_SHOWN}

    def options(self) -> dict[str, Any]:
        return {**super().options(), "withdrawal": "expire"}


class OwnTemplates:
    """Ids are ULIDs."""

    def template_ref(self, number: int) -> str:
        return f"01kzdem0grp{9000 + number:0>15}"

    def missing_template(self) -> str:
        return MISSING

    def sending(self) -> dict[str, Any]:
        return {"url": "http://127.0.0.1:9/claims/x", "secret": SECRET}


class TestCertifier(OwnTemplates, PlatformSuite):
    bench_type = CertifierBench


class TestExpiring(OwnTemplates, PlatformSuite):
    bench_type = Expiring

    def test_a_lagging_search_finds_it_in_the_end(self, bench: Bench) -> None:
        """A lost answer to the first of the calls leaves a draft: found in the end, and live once published."""
        bench.lag(150)
        bench.control.fault(bench.system, "drop_after", path=bench.issuing, times=1)
        with pytest.raises(Unsure):
            bench.issued()
        found = None
        for _ in range(40):
            found = found or bench.platform().find(bench.order())
            clock.sleep(0.02)
        assert found is not None
        assert not found.live
        bench.platform().publish(bench.order(), found.platform_ref)
        assert [one["id"] for one in bench.there()] == [found.platform_ref]


class Scripted:
    """A server that gives one prepared answer after the other, and writes down what it is asked."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, Any]] = []
        self.asked: list[tuple[str, str, Any]] = []
        self.headers: list[dict[str, str]] = []
        scripted = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                scripted.asked.append((self.command, self.path, json.loads(body) if body else None))
                scripted.headers.append({name.lower(): text for name, text in self.headers.items()})
                status, document = scripted.answers.pop(0)
                said = b"" if document is None else b"null" if document == "null" else json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            do_GET = do_PATCH = do_DELETE = do_POST  # noqa: N815 - names that http.server looks for

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    made = Scripted()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def bench(confer_env: Settings, control: SandboxControl, monkeypatch: pytest.MonkeyPatch) -> CertifierBench:
    return CertifierBench(control, monkeypatch, f"{control.base_url}/certifier")


ORDER = Order(
    ref="confer-abcdefghijklmnopqrstuvwxyz",
    template=FIRST,
    title="First Aid at Work",
    description="Has completed First Aid at Work.",
    learner_ref="307",
    name=" Ada Byron ",
    email=" Ada@Learners.Example ",
    issued_on=date(2026, 1, 31),
    expires_on=date(2099, 1, 31),
    attributes={"mentor": "Grace H."},
)


def shown(**changes: Any) -> dict[str, Any]:
    """A credential as the contract shows it."""
    return {
        "id": CRED,
        "publicId": "6d1f3c58-0000-4000-8000-00000000c0de",
        "groupId": FIRST,
        "status": "issued",
        "recipient": {"id": "01kzdem0rcpt00000000000003", "name": "Ada Byron", "email": "ada@learners.example"},
        "issueDate": "2026-01-31",
        "expiryDate": "2099-01-31",
        "attributes": {"recipient.name": "Ada Byron"},
        "customAttributes": {"custom.mentor": "Grace H.", "custom.confer_ref": ORDER.ref},
        "createdAt": "2026-01-31T09:00:00.000Z",
        "updatedAt": "2026-01-31T09:00:00.000Z",
        **changes,
    }


def listed(*rows: Any, following: str | None = None) -> tuple[int, Any]:
    return 200, {"data": list(rows), "pagination": {"prev": None, "next": following}}


def refusal(status: int, code: str = "") -> tuple[int, Any]:
    return status, {"error": {"code": code, "message": "Ada Byron ada@learners.example certifier-token"}}


def at(bench: CertifierBench, scripted: Scripted, *answers: tuple[int, Any], **more: Any) -> Certifier:
    """The adapter in front of the script."""
    bench.url, scripted.answers = scripted.url, list(answers)
    return Certifier(bench.account(**more), bench.platform().gate)


# what is sent, to the letter


def test_drafting_issuing_and_sending_to_the_letter(bench: CertifierBench, scripted: Scripted) -> None:
    answers = ((201, shown(status="draft")), (200, shown()), (200, shown()))
    issued = at(bench, scripted, *answers, mail="certifier").issue(ORDER)
    assert issued.url == "https://credsverse.com/credentials/6d1f3c58-0000-4000-8000-00000000c0de"
    assert (issued.platform_ref, issued.live, issued.ours) == (CRED, True, True)
    draft = {
        "groupId": FIRST,
        "recipient": {"name": "Ada Byron", "email": "ada@learners.example"},
        "issueDate": "2026-01-31",
        "expiryDate": "2099-01-31",
        "customAttributes": {"custom.mentor": "Grace H.", "custom.confer_ref": ORDER.ref},
    }
    assert scripted.asked == [
        ("POST", "/v1/credentials", draft),
        ("POST", f"/v1/credentials/{CRED}/issue", None),
        ("POST", f"/v1/credentials/{CRED}/send", {"deliveryMethod": "email"}),
    ]
    for headers in scripted.headers:
        assert headers["authorization"] == "Bearer certifier-token"
        assert headers["certifier-version"] == "2022-10-26"
    assert scripted.headers[0]["content-type"] == "application/json"


def test_without_a_date_of_expiry_none_is_sent(bench: CertifierBench, scripted: Scripted) -> None:
    at(bench, scripted, (201, shown()), (200, shown())).issue(replace(ORDER, expires_on=None))
    assert "expiryDate" not in scripted.asked[0][2]


def test_looking_to_the_letter(bench: CertifierBench, scripted: Scripted) -> None:
    assert at(bench, scripted, listed(), listed()).find(ORDER) is None
    sort = {"property": "createdAt", "order": "desc"}
    assert scripted.asked == [
        (
            "POST",
            "/v1/credentials/search",
            {"filter": {"recipient": {"email": {"equals": "ada@learners.example"}}}, "sort": sort, "limit": 100},
        ),
        ("POST", "/v1/credentials/search", {"filter": {"groupId": {"equals": FIRST}}, "sort": sort, "limit": 100}),
    ]


def test_correcting_to_the_letter(bench: CertifierBench, scripted: Scripted) -> None:
    there = shown(customAttributes={"custom.room": "4", "custom.mentor": "?"})
    at(bench, scripted, (200, there), (200, shown())).correct(replace(ORDER, name="Ada Lovelace"), CRED)
    who = {"id": "01kzdem0rcpt00000000000003", "name": "Ada Lovelace", "email": "ada@learners.example"}
    attributes = {"custom.room": "4", "custom.mentor": "Grace H.", "custom.confer_ref": ORDER.ref}
    assert scripted.asked == [
        ("GET", f"/v1/credentials/{CRED}", None),
        ("PATCH", f"/v1/credentials/{CRED}", {"recipient": who, "customAttributes": attributes}),
    ]


@pytest.mark.parametrize("status", [200, 204])
def test_withdrawing_to_the_letter(bench: CertifierBench, scripted: Scripted, status: int) -> None:
    at(bench, scripted, (status, None)).withdraw(CRED, "integrity")
    assert scripted.asked == [("DELETE", f"/v1/credentials/{CRED}", None)]


def test_letting_expire_to_the_letter(bench: CertifierBench, scripted: Scripted) -> None:
    yesterday = (clock.now().date() - timedelta(days=1)).isoformat()
    answers = ((200, shown()), (200, shown(expiryDate=yesterday)))
    at(bench, scripted, *answers, withdrawal="expire").withdraw(CRED, "integrity")
    assert scripted.asked[1:] == [("PATCH", f"/v1/credentials/{CRED}", {"expiryDate": yesterday})]


# refusals


@pytest.mark.parametrize(
    ("answered", "expected", "whole"),
    [
        ((400, "missing_version"), Misconfigured, True),
        ((400, "invalid_version"), Misconfigured, True),
        ((401, "unauthorized"), Misconfigured, True),
        ((402, "payment_required"), Misconfigured, True),
        ((403, "forbidden"), Misconfigured, True),
        ((409, "conflict"), Duplicate, False),
        ((408, ""), Unsure, True),
        ((413, "somebody's own"), Rejected, False),
        ((500, "internal_server_error"), Unsure, True),
    ],
)
def test_a_refused_draft(
    bench: CertifierBench, scripted: Scripted, answered: tuple[int, str], expected: type[Failure], whole: bool
) -> None:
    status, code = answered
    with pytest.raises(expected) as caught:
        at(bench, scripted, refusal(status, code)).issue(ORDER)
    assert caught.value.whole_account is whole
    assert "Ada" not in caught.value.detail
    assert "somebody" not in caught.value.detail
    assert (f"({code})" in caught.value.detail) == (code != "" and status not in {413, 500})


@pytest.mark.parametrize("body", [None, [], {}, {"error": 7}, {"error": {"code": 7}}, {"error": {"code": {}}}])
def test_a_refusal_of_any_shape_is_one(bench: CertifierBench, scripted: Scripted, body: Any) -> None:
    with pytest.raises(Misconfigured) as caught:
        at(bench, scripted, (401, body)).issue(ORDER)
    assert caught.value.detail == "Certifier answered 401 to v1/credentials: check the access token"


def test_a_limit_says_until_when(bench: CertifierBench) -> None:
    bench.control.fault("certifier", "throttle", retry_after=17)
    with pytest.raises(Throttled) as caught:
        bench.issued()
    assert timedelta(10) < caught.value.until - clock.now() + timedelta(10) <= timedelta(10, seconds=17)


def test_a_limit_after_the_draft_leaves_doubt(bench: CertifierBench) -> None:
    bench.control.fault("certifier", "throttle", path=ISSUING)
    with pytest.raises(Unsure, match="a draft was made and not issued"):
        bench.issued()


@pytest.mark.parametrize("status", [404, 400])
def test_a_group_that_is_not_there_is_named(bench: CertifierBench, status: int) -> None:
    bench.twin.set(missing_group=status)
    with pytest.raises(Misconfigured, match=f"has no group {MISSING}") as caught:
        bench.issued(template=MISSING)
    assert not caught.value.whole_account


@pytest.mark.parametrize("mode", ["refuse", "ignore"])
def test_an_attribute_that_is_not_there_is_named_and_nothing_is_left(bench: CertifierBench, mode: str) -> None:
    bench.twin.set(unknown_attributes=mode)
    with pytest.raises(Misconfigured, match=r"no attribute .*colour") as caught:
        bench.issued(attributes={"mentor": "Grace H.", "colour": "red"})
    assert not caught.value.whole_account
    assert [one for one in bench.there(live=None) if one["state"] != "deleted"] == []


def test_an_attribute_is_named_where_the_workspace_has_none(bench: CertifierBench) -> None:
    bench.twin.set(attributes=["confer_ref"])
    with pytest.raises(Misconfigured, match="no attribute hours, mentor"):
        bench.issued()


@pytest.mark.parametrize("mode", ["refuse", "ignore"])
def test_without_the_attribute_for_our_reference_nothing_is_issued(bench: CertifierBench, mode: str) -> None:
    bench.twin.set(unknown_attributes=mode, attributes=list(bench.attributes))
    template = bench.platform().template(FIRST)
    assert template is not None
    assert not template.usable
    assert "custom.confer_ref" in template.reason
    with pytest.raises(Misconfigured, match="confer_ref") as caught:
        bench.issued()
    assert caught.value.whole_account
    assert [one for one in bench.there(live=None) if one["state"] != "deleted"] == []


def test_a_draft_that_cannot_be_undone_is_told(bench: CertifierBench) -> None:
    bench.twin.set(unknown_attributes="ignore")
    bench.control.fault("certifier", "drop_before", method="DELETE")
    with pytest.raises(Misconfigured, match="a draft without it is left there"):
        bench.issued(attributes={"colour": "red"})
    assert bench.there() == []


def test_a_refusal_that_nothing_explains_is_about_the_row(bench: CertifierBench) -> None:
    bench.control.fault("certifier", "status", status=400, path=DRAFTING)
    with pytest.raises(Rejected, match="validation_error"):
        bench.issued()


def test_what_cannot_be_told_when_a_refusal_is_looked_into_did_not_happen(bench: CertifierBench) -> None:
    bench.control.fault("certifier", "status", status=400, path=DRAFTING)
    bench.control.fault("certifier", "status", status=503, path="/v1/groups")
    with pytest.raises(Outage):
        bench.issued()


@pytest.mark.parametrize("email", ["", "ada", "@example.org", "ada@", "a da@example.org", "ada@example.org x"])
def test_without_an_address_nothing_is_asked(bench: CertifierBench, email: str) -> None:
    for ask in (bench.platform().issue, bench.platform().find, lambda order: bench.platform().correct(order, CRED)):
        with pytest.raises(Rejected):
            ask(bench.order(email=email))
    assert bench.control.calls("certifier") == []


@pytest.mark.parametrize("ref", NO_IDS)
def test_what_can_be_no_id_is_not_there_and_nothing_is_asked(bench: CertifierBench, ref: str) -> None:
    platform = bench.platform()
    platform.withdraw(ref, "integrity")
    assert platform.read(ref) is None
    assert platform.template(ref) is None
    assert list(platform.held(ref)) == []
    assert platform.find(bench.order(template=ref)) is None
    for ask in (lambda: platform.publish(ORDER, ref), lambda: platform.correct(ORDER, ref)):
        with pytest.raises(Rejected):
            ask()
    with pytest.raises(Misconfigured):
        platform.issue(bench.order(template=ref))
    assert bench.control.calls("certifier") == []


@pytest.mark.parametrize("missing", ["id", "publicId", "groupId", "recipient", "status", "createdAt"])
def test_a_201_that_does_not_say_what_was_made_leaves_doubt(
    bench: CertifierBench, scripted: Scripted, missing: str
) -> None:
    half = {name: value for name, value in shown().items() if name != missing}
    with pytest.raises(Unsure):
        at(bench, scripted, (201, half)).issue(ORDER)


@pytest.mark.parametrize("answer", [(202, shown()), (204, None), (206, shown()), (200, [shown()])])
def test_an_answer_of_another_kind_leaves_doubt(bench: CertifierBench, scripted: Scripted, answer: Any) -> None:
    with pytest.raises(Unsure):
        at(bench, scripted, answer).issue(ORDER)
    with pytest.raises(Unsure):
        at(bench, scripted, answer).publish(ORDER, CRED)
    with pytest.raises(Unsure):
        at(bench, scripted, (200, shown()), answer).correct(ORDER, CRED)


# drafts


def drafted(bench: CertifierBench, **more: Any) -> str:
    """A draft that was left when issuing failed; its id."""
    fault = bench.control.fault("certifier", "drop_before", path=ISSUING)
    with pytest.raises(Unsure):
        bench.platform(**more).issue(bench.order())
    bench.control.clear_fault(fault)
    [one] = bench.there(live=None)
    assert one["state"] == "draft"
    return str(one["id"])


def test_a_draft_is_found_and_published_once(bench: CertifierBench) -> None:
    ref = drafted(bench)
    found = bench.platform().find(bench.order())
    assert found is not None
    assert (found.platform_ref, found.live, found.ours) == (ref, False, True)
    assert bench.held(ref).standing is Standing.UNPUBLISHED
    published = [bench.platform().publish(bench.order(), ref) for _ in range(2)]
    assert published[0] == published[1] == bench.platform().find(bench.order())
    assert published[0].live


@pytest.mark.parametrize("status", [400, 402, 403, 404, 409])
def test_a_refusal_after_the_draft_leaves_doubt(bench: CertifierBench, status: int) -> None:
    bench.control.fault("certifier", "status", status=status, path=ISSUING)
    with pytest.raises(Unsure, match="a draft was made and not issued"):
        bench.issued()


@pytest.mark.parametrize(("status", "expected"), [(400, Rejected), (402, Misconfigured), (404, Rejected)])
def test_a_refused_publication_is_what_it_is(bench: CertifierBench, status: int, expected: type[Failure]) -> None:
    ref = drafted(bench)
    bench.control.fault("certifier", "status", status=status, path=ISSUING)
    with pytest.raises(expected):
        bench.platform().publish(bench.order(), ref)


def test_what_is_scheduled_or_gone_is_not_published(bench: CertifierBench) -> None:
    ref = drafted(bench)
    bench.twin.change(ref, status="scheduled")
    found = bench.platform().find(bench.order())
    assert found is not None
    assert not found.live
    with pytest.raises(Rejected, match="its status there is scheduled"):
        bench.platform().publish(bench.order(), ref)
    bench.twin.change(ref, deleted=True)
    with pytest.raises(Rejected, match="no such draft"):
        bench.platform().publish(bench.order(), ref)


def test_answers_that_show_a_draft_as_the_samples_do_are_looked_behind(bench: CertifierBench) -> None:
    bench.twin.set(samples=True)
    assert bench.issued().live
    assert len(bench.there()) == 1


def test_an_issue_that_did_nothing_leaves_doubt(bench: CertifierBench, scripted: Scripted) -> None:
    draft = shown(status="draft")
    with pytest.raises(Unsure):
        at(bench, scripted, (200, draft), (200, draft)).publish(ORDER, CRED)
    with pytest.raises(Unsure):
        at(bench, scripted, (200, shown(id=CRED.replace("1", "2")))).publish(ORDER, CRED)


# who mails


def test_confer_mails_unless_told_otherwise(bench: CertifierBench) -> None:
    bench.issued()
    assert bench.there()[0]["mailed"] == 0


def test_certifier_mails_once_when_it_is_to(bench: CertifierBench) -> None:
    platform = bench.platform(mail="certifier")
    issued = platform.issue(bench.order())
    assert platform.publish(bench.order(), issued.platform_ref) == issued
    assert bench.there()[0]["mailed"] == 1
    assert "recipient=" not in issued.url


def test_what_is_published_later_is_mailed_then(bench: CertifierBench) -> None:
    ref = drafted(bench, mail="certifier")
    for _ in range(2):
        bench.platform(mail="certifier").publish(bench.order(), ref)
    assert bench.there()[0]["mailed"] == 1


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "status"])
def test_a_mail_in_doubt_is_not_asked_for_again(bench: CertifierBench, kind: str) -> None:
    platform = bench.platform(mail="certifier")
    fault = bench.control.fault("certifier", kind, path=SENDING, **({"status": 409} if kind == "status" else {}))
    with pytest.raises(Unsure, match="perhaps not mailed"):
        platform.issue(bench.order())
    bench.control.clear_fault(fault)
    found = platform.find(bench.order())
    assert found is not None
    assert found.live
    platform.publish(bench.order(), found.platform_ref)
    assert bench.there()[0]["mailed"] == (1 if kind == "drop_after" else 0)


def test_links_say_that_the_recipient_follows_them(bench: CertifierBench) -> None:
    pages = f"{bench.url}/credentials"
    platform = bench.platform(pages=f"{pages}/")
    issued = platform.issue(bench.order())
    [made] = bench.there()
    assert issued.url == f"{pages}/{made['public_id']}?recipient=true"
    plain = bench.platform(pages=pages, recipient_link=False).find(bench.order())
    assert plain is not None
    assert plain.url == f"{pages}/{made['public_id']}"
    requests.get(plain.url, timeout=30)
    assert bench.held(issued.platform_ref).claim is ClaimState.OPEN
    requests.get(issued.url, timeout=30)
    assert bench.held(issued.platform_ref).claim is ClaimState.CLAIMED


# finding


def test_another_learner_s_at_the_same_address_is_not_found(bench: CertifierBench) -> None:
    bench.issued(1, ref="confer-somebody-else")
    assert bench.platform().find(bench.order(1)) is None


def test_ours_goes_before_one_by_hand_and_what_is_live_before_what_waits(bench: CertifierBench) -> None:
    own = {"attributes": {"confer_ref": bench.order().ref}}
    by_hand = [
        bench.twin.add_credential(FIRST, name="Ada", email="learner1@learners.example", status=status)["id"]
        for status in ("issued", "draft")
    ]
    assert _found(bench) == (by_hand[0], True, False)
    draft = bench.twin.add_credential(FIRST, name="Ada", email="married@x.example", status="draft", **own)["id"]
    assert _found(bench) == (draft, False, True)
    live = bench.twin.add_credential(FIRST, name="Ada", email="learner1@learners.example", **own)["id"]
    bench.twin.add_credential(FIRST, name="Ada", email="learner1@learners.example", status="draft", **own)
    assert _found(bench) == (live, True, True)


def _found(bench: CertifierBench) -> tuple[str, bool, bool] | None:
    found = bench.platform().find(bench.order())
    return found and (found.platform_ref, found.live, found.ours)


def test_the_group_is_looked_through_back_to_the_order_s_day(bench: CertifierBench) -> None:
    old = (clock.now() - timedelta(days=5)).isoformat()
    for number in range(12):
        bench.twin.add_credential(FIRST, name="Ada", email=f"old{number}@x.example", created_at=old)
    bench.twin.add_credential(
        FIRST, name="Ada", email="married@x.example", attributes={"confer_ref": bench.order().ref},
        created_at=(clock.now() - timedelta(days=1)).isoformat(),
    )  # fmt: skip
    assert bench.platform().find(bench.order()) is not None
    before = len(bench.control.calls("certifier"))
    assert bench.platform().find(bench.order(ref="confer-other")) is None
    assert len(bench.control.calls("certifier")) == before + 2  # one page by address, one of three of the group


def test_what_has_expired_or_is_of_another_group_is_not_found(bench: CertifierBench) -> None:
    bench.twin.add_credential(FIRST, name="Ada", email="learner1@learners.example", expires_on="2020-01-01")
    bench.twin.add_credential(SECOND, name="Ada", email="learner1@learners.example")
    assert bench.platform().find(bench.order()) is None


def test_a_hit_is_read_anew(bench: CertifierBench, scripted: Scripted) -> None:
    stale = listed(shown(status="draft"))
    found = at(bench, scripted, stale, (200, shown())).find(ORDER)
    assert found is not None
    assert found.live
    assert at(bench, scripted, stale, refusal(404, "not_found"), stale, refusal(404, "not_found")).find(ORDER) is None


def test_an_attribute_that_is_empty_is_no_reference(bench: CertifierBench) -> None:
    mine = {"name": "Ada", "email": "learner1@learners.example", "attributes": {"confer_ref": ""}}
    made = bench.twin.add_credential(FIRST, **mine)
    assert _found(bench) == (made["id"], True, False)


def test_a_search_that_takes_addresses_broadly_finds_nobody_else(bench: CertifierBench, scripted: Scripted) -> None:
    other = shown(recipient={"name": "Eve", "email": "xada@learners.example"}, customAttributes=None)
    assert at(bench, scripted, listed(other), listed()).find(ORDER) is None


def test_a_search_that_cannot_name_the_group_is_told_and_got_around(bench: CertifierBench) -> None:
    issued = bench.issued()
    bench.issued(2, template=SECOND)
    bench.twin.set(groups_searchable=False)
    with pytest.raises(Misconfigured):
        list(bench.platform().held(FIRST))
    around = bench.platform(search_by_group=False)
    assert [one.platform_ref for one in around.held(FIRST)] == [issued.platform_ref]
    assert around.find(bench.order(email="married@learners.example")) == issued


# reading


@pytest.mark.parametrize(
    "page",
    [
        {"data": []},
        {"data": [], "pagination": {}},
        {"data": None, "pagination": {"next": None}},
        {"data": [7], "pagination": {"next": None}},
        {"data": [shown(status="revoked")], "pagination": {"next": None}},
        {"data": [shown(createdAt="yesterday")], "pagination": {"next": None}},
        [],
    ],
)
def test_a_page_of_another_shape_is_an_outage(bench: CertifierBench, scripted: Scripted, page: Any) -> None:
    with pytest.raises(Outage):
        at(bench, scripted, (200, page), listed()).find(ORDER)
    assert len(scripted.asked) == 1


@pytest.mark.parametrize("body", ["null", [], {}, 7])
def test_an_answer_that_is_no_credential_does_not_say_that_there_is_none(
    bench: CertifierBench, scripted: Scripted, body: Any
) -> None:
    for ask in (lambda one: one.read(CRED), lambda one: one.template(FIRST)):
        with pytest.raises(Outage):
            ask(at(bench, scripted, (200, body)))


def test_a_404_from_in_front_of_it_says_nothing(bench: CertifierBench, scripted: Scripted) -> None:
    elsewhere = (404, "<h1>No such host</h1>")
    for ask in (lambda one: one.read(CRED), lambda one: one.template(FIRST), lambda one: one.find(ORDER)):
        with pytest.raises(Outage):
            ask(at(bench, scripted, elsewhere))
    for effect in (
        lambda one: one.withdraw(CRED, "integrity"),
        lambda one: one.publish(ORDER, CRED),
        lambda one: one.issue(ORDER),
    ):
        with pytest.raises(Unsure):
            effect(at(bench, scripted, elsewhere))


def test_pages_that_lead_in_a_circle_are_an_outage(bench: CertifierBench, scripted: Scripted) -> None:
    with pytest.raises(Outage, match="circle"):
        at(bench, scripted, listed(following="a"), listed(following="a")).find(ORDER)
    assert scripted.asked[1][2]["cursor"] == "a"


@pytest.mark.parametrize("by", ["robot", None])
def test_an_interaction_by_nobody_known_is_an_outage(bench: CertifierBench, scripted: Scripted, by: Any) -> None:
    one = {"credentialId": CRED, "triggeredBy": by, "triggeredAt": "2026-02-01T10:00:00Z"}
    with pytest.raises(Outage):
        at(bench, scripted, (200, shown()), listed(one)).read(CRED)


@pytest.mark.parametrize("status", [202, 203, 206])
def test_an_answer_of_another_kind_says_nothing(bench: CertifierBench, scripted: Scripted, status: int) -> None:
    page = listed()[1]
    with pytest.raises(Outage, match=str(status)):
        at(bench, scripted, (status, page), (status, page)).find(ORDER)
    with pytest.raises(Outage, match=str(status)):
        at(bench, scripted, (status, shown())).read(CRED)


@pytest.mark.parametrize(("status", "expected"), [(408, Outage), (400, Misconfigured), (204, Outage)])
def test_a_question_that_is_refused_says_nothing(
    bench: CertifierBench, scripted: Scripted, status: int, expected: type[Failure]
) -> None:
    with pytest.raises(expected):
        at(bench, scripted, refusal(status)).find(ORDER)
    with pytest.raises(expected):
        at(bench, scripted, refusal(status)).read(CRED)


def test_the_first_opening_by_the_recipient_is_the_claim(bench: CertifierBench, scripted: Scripted) -> None:
    rows = [
        {"credentialId": ref, "triggeredBy": by, "triggeredAt": f"2026-02-{day}T10:00:00Z"}
        for ref, by, day in (
            (CRED, "recipient", "05"),
            (CRED, "recipient", "03"),
            (CRED, "guest", "01"),
            (CRED.replace("1", "2"), "recipient", "02"),
        )
    ]  # fmt: skip
    held = at(bench, scripted, (200, shown()), listed(*rows)).read(CRED)
    assert held is not None
    assert (held.claim, held.claimed_at) == (ClaimState.CLAIMED, datetime(2026, 2, 3, 10, tzinfo=UTC))
    assert scripted.asked[1][1] == f"/v1/credential-interactions?credentialId={CRED}&limit=100"
    assert (held.ref, held.email, held.name) == (ORDER.ref, "ada@learners.example", "Ada Byron")


def test_a_guest_claims_nothing(bench: CertifierBench) -> None:
    issued = bench.issued()
    bench.twin.change(issued.platform_ref, viewed_by_guest=True)
    assert bench.held(issued.platform_ref).claim is ClaimState.OPEN


def test_a_listing_tells_claims_only_where_it_is_to(bench: CertifierBench) -> None:
    bench.claim(bench.issued().platform_ref)
    [one] = bench.platform(list_claims=False).held(FIRST)
    assert (one.claim, one.standing) == (None, Standing.LIVE)
    assert not any("interactions" in call["path"] for call in bench.control.calls("certifier"))
    [one] = bench.platform().held(FIRST)
    assert one.claim is ClaimState.CLAIMED
    assert one.claimed_at is not None


def test_a_date_of_expiry_that_has_passed_counts_before_the_status_follows(
    bench: CertifierBench, scripted: Scripted
) -> None:
    today = clock.now().date()
    for expiry, expected in ((today - timedelta(days=1), Standing.EXPIRED), (today, Standing.LIVE)):
        held = at(bench, scripted, (200, shown(expiryDate=expiry.isoformat())), listed()).read(CRED)
        assert held is not None
        assert held.standing is expected


# templates


def test_a_template_tells_formats_attributes_and_that_it_repeats(bench: CertifierBench) -> None:
    both, badge = "01kzdem0grp000000000000008", "01kzdem0grp000000000000009"
    bench.twin.add_template(both, name="Both", badge=True)
    bench.twin.add_template(badge, name="Badge", badge=True, certificate=False)
    known = {one.ref: one for one in bench.platform().templates()}
    assert known[both].formats == {Format.CERTIFICATE, Format.BADGE}
    assert known[badge].formats == {Format.BADGE}
    assert known[FIRST].formats == {Format.CERTIFICATE}
    assert known[FIRST].attributes == {"mentor", "hours"}
    assert known[FIRST].repeatable
    assert bench.platform().template(both) == known[both]


def test_a_group_that_tells_designs_without_their_kind_tells_no_format(bench: CertifierBench) -> None:
    bench.twin.set(legacy_designs=False)
    template = bench.platform().template(FIRST)
    assert template is not None
    assert (template.formats, template.usable) == (None, True)


def test_attributes_that_are_not_told_are_not_held_against_a_template(bench: CertifierBench) -> None:
    bench.control.fault("certifier", "status", status=404, path="/v1/attributes")
    template = bench.platform().template(FIRST)
    assert template is not None
    assert (template.attributes, template.usable) == (None, True)
    bench.twin.set(attributes=["confer_ref"])
    with pytest.raises(Rejected):
        bench.issued()


@pytest.mark.parametrize("body", ["{}", "[7]", '[{"name": "x"}]', "null"])
def test_attributes_of_another_shape_are_an_outage(bench: CertifierBench, body: str) -> None:
    bench.control.fault("certifier", "status", status=200, path="/v1/attributes", body=body)
    with pytest.raises(Outage):
        bench.platform().template(FIRST)


def test_the_attribute_for_our_reference_has_any_name(bench: CertifierBench) -> None:
    bench.twin.set(attributes=["issuance-key"])
    platform = bench.platform(reference_attribute="issuance-key")
    issued = platform.issue(bench.order(attributes={}))
    held = platform.read(issued.platform_ref)
    assert held is not None
    assert held.ref == bench.order().ref
    assert platform.find(bench.order()) == issued


# afterwards


def test_a_correction_leaves_the_dates_and_what_others_wrote(bench: CertifierBench) -> None:
    own = {"confer_ref": bench.order().ref, "hours": "11"}
    made = bench.twin.add_credential(
        FIRST, name="Ada", email="learner1@learners.example", issued_on="2020-01-01", attributes=own
    )
    order = bench.order(email=" New@Learners.example", attributes={"mentor": "Mary"})
    corrected = bench.platform().correct(order, made["id"])
    [one] = bench.there()
    assert (one["email"], one["attributes"]) == ("new@learners.example", {"hours": "11", "mentor": "Mary"})
    assert (one["issued_on"], one["expires_on"], one["own_ref"]) == ("2020-01-01", None, order.ref)
    assert corrected == bench.platform().find(order)


def test_a_correction_brings_nothing_back(bench: CertifierBench) -> None:
    issued = bench.issued()
    bench.platform(withdrawal="expire").withdraw(issued.platform_ref, "integrity")
    assert not bench.platform().correct(bench.order(), issued.platform_ref).live
    assert bench.there() == []
    bench.twin.change(issued.platform_ref, deleted=True)
    with pytest.raises(Rejected):
        bench.platform().correct(bench.order(), issued.platform_ref)


def test_a_correction_of_another_is_in_doubt(bench: CertifierBench, scripted: Scripted) -> None:
    other = shown(id=CRED.replace("1", "2"))
    with pytest.raises(Unsure):
        at(bench, scripted, (200, shown()), (200, other)).correct(ORDER, CRED)


@pytest.mark.parametrize("withdrawal", ["delete", "expire"])
@pytest.mark.parametrize("status", ["draft", "scheduled"])
def test_a_withdrawn_draft_is_deleted(bench: CertifierBench, withdrawal: str, status: str) -> None:
    made = bench.twin.add_credential(FIRST, name="Ada", email="ada@x.example", status=status)
    bench.platform(withdrawal=withdrawal).withdraw(made["id"], "integrity")
    assert bench.there(live=None)[0]["state"] == "deleted"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [(refusal(409, "conflict"), Rejected), (refusal(403, "forbidden"), Misconfigured), ((202, None), Unsure)],
)
def test_a_refused_withdrawal(
    bench: CertifierBench, scripted: Scripted, answer: tuple[int, Any], expected: type[Failure]
) -> None:
    with pytest.raises(expected):
        at(bench, scripted, answer).withdraw(CRED, "integrity")
    with pytest.raises(expected):
        at(bench, scripted, (200, shown()), answer, withdrawal="expire").withdraw(CRED, "integrity")


def test_a_date_that_does_not_end_it_leaves_doubt(bench: CertifierBench, scripted: Scripted) -> None:
    with pytest.raises(Unsure):
        at(bench, scripted, (200, shown()), (200, shown()), withdrawal="expire").withdraw(CRED, "integrity")
    at(bench, scripted, (200, shown()), refusal(404, "not_found"), withdrawal="expire").withdraw(CRED, "integrity")


# the webhook


def signed(document: Any, secret: str = SECRET, **headers: str) -> Request:
    body = json.dumps(document).encode()
    proof = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return Request(body=body, headers={"x-webhook-signature": proof, **headers})


def event(**changes: Any) -> dict[str, Any]:
    """As the vendor's page shows it."""
    resource = {"id": CRED, "type": "credential"}
    return {
        "id": "01kzdem0evnt00000000000004",
        "type": "credential.viewed",
        "createdAt": "2026-02-01T10:00:00.000Z",
        "data": {"resource": resource},
        **changes,
    }


def test_the_bare_and_the_full_form_say_the_same(bench: CertifierBench) -> None:
    hint = Hint(key="01kzdem0evnt00000000000004", ref=CRED)
    full = {"resource": event()["data"]["resource"], "credential": shown()}
    full["credentialInteraction"] = {"id": "x", "credentialId": CRED, "triggeredBy": "recipient"}
    for document in (event(), event(data=full), event(type="credential.shared"), event(type="credential.deleted")):
        assert bench.platform().hear(signed(document)) == (hint,)


def test_a_guest_and_what_we_did_ourselves_are_passed_over(bench: CertifierBench) -> None:
    resource = event()["data"]["resource"]
    guest = {"resource": resource, "credentialInteraction": {"triggeredBy": "guest"}}
    group = {"resource": {**resource, "type": "group"}}
    for document in (
        event(data=guest),
        event(data=group),
        event(type="credential.created"),
        event(type="credential.issued"),
    ):
        assert bench.platform().hear(signed(document)) == ()


def test_either_secret_signs_and_without_one_nothing_is_heard(bench: CertifierBench) -> None:
    both = bench.platform(webhook_secrets=[bench.env("ONE", "one-secret"), bench.env("TWO", "two-secret")])
    for secret in ("one-secret", "two-secret"):
        assert len(both.hear(signed(event(), secret))) == 1
    with pytest.raises(Unauthenticated):
        both.hear(signed(event()))
    options = {name: value for name, value in bench.options().items() if name != "webhook_secrets"}
    account = replace(bench.account(), options=CertifierSchema().load(options))
    with pytest.raises(Unauthenticated):
        Certifier(account, both.gate).hear(signed(event(), ""))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"id": ""}, "id"),
        ({"id": "a b"}, "id"),
        ({"id": 7}, "id"),
        ({"type": None}, "type"),
        ({"data": {}}, "data"),
        ({"data": {"resource": {"type": "credential"}}}, "data"),
        ({"data": {"resource": {"id": "../x", "type": "credential"}}}, "data"),
    ],
)
def test_a_webhook_of_another_shape_is_refused(bench: CertifierBench, change: dict[str, Any], named: str) -> None:
    with pytest.raises(Invalid) as caught:
        bench.platform().hear(signed(event(**change)))
    assert set(caught.value.fields) == {named}


def test_a_hint_about_what_is_gone_is_about_nothing(bench: CertifierBench) -> None:
    issued = bench.issued()
    send = {"url": "http://127.0.0.1:9/claims/x", "dry": True, "secret": SECRET}
    report = bench.twin.change(issued.platform_ref, deleted=True, send=send)
    [hint] = bench.platform().hear(bench.request(report))
    assert bench.platform().hinted(hint) is None


# options


def test_the_vendor_s_host_is_one_word(bench: CertifierBench) -> None:
    token = bench.env("CERTIFIER_TOKEN", "certifier-token")
    loaded = CertifierSchema().load({"host": "production", "token": token})
    assert (loaded["url"], loaded["sandbox"], loaded["webhook_secrets"]) == ("https://api.certifier.io", False, ())
    assert (loaded["withdrawal"], loaded["mail"], loaded["reference_attribute"]) == ("delete", "confer", "confer_ref")


@pytest.mark.parametrize(
    "change",
    [
        {"token": "certifier-token"},
        {"reference_attribute": "a b"},
        {"mail": "nobody"},
        {"withdrawal": "revoke"},
        {"pages": "credsverse.com"},
        {"colour": "red"},
    ],
)
def test_options_that_cannot_be_meant_are_refused(bench: CertifierBench, change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        CertifierSchema().load({**bench.options(), **change})
    assert set(caught.value.messages_dict) == set(change)
