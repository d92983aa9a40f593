"""Sertifier bound to the suite for platforms; and what is its own: refusals under 200, reading back, numbers."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest
from marshmallow import ValidationError

from pipeline import clock
from pipeline.errors import Failure, Misconfigured, Outage, Rejected, Throttled, Unsure
from pipeline.platforms.sertifier import Sertifier
from pipeline.platforms.sertifier.options import SertifierSchema
from pipeline.settings import Settings
from pipeline.values import ClaimState, Format, Issued, Standing
from pipeline.webhook import Request, Unreadable
from sandbox.control import SandboxControl
from tests.contracts.platform_bench import Bench, Trait
from tests.contracts.platform_suite import PlatformSuite

CAMPAIGN = "11111111-0000-4000-8000-000000000001"
OTHER = "11111111-0000-4000-8000-000000000002"
ADD = "/campaign/addCredentials"
KEY = "sertifier-key"


class SertifierBench(Bench):
    """An account that says from which number on its learners have taken their credential."""

    adapter = Sertifier
    system = "sertifier"
    templates = (CAMPAIGN, OTHER)
    past_three_pages = 16
    past_three_template_pages = 16
    formats = (Format.CERTIFICATE, Format.BADGE)
    attributes: ClassVar[Mapping[str, str]] = {"Score": "91.5", "Hours": "12"}
    secrets = (KEY,)
    issuing = ADD
    lacks: ClassVar[Mapping[Trait, str]] = {
        Trait.BULK: "whether a list is made as a whole or in part is not known (contract 3)",
        Trait.OWN_REF: "our reference is sent and no answer is known to show it (contract 4)",
        Trait.LEARNER_REF: "a credential holds a name and an address, and no id of the learner (contract 2)",
        Trait.REFUSES: "no duplicate is refused (contract 5)",
        Trait.WITHDRAWN_SHOWN: "a deleted credential is gone; there is no revocation (contract 6)",
        Trait.DECLINES: "there is no step of accepting or declining (contract 7)",
        Trait.WEBHOOK: "no webhook is documented (contract 7)",
        Trait.SIGNATURE: "no webhook is documented, so nothing is signed (contract 7)",
        Trait.RENEWAL: "a key is shown, and no token that could expire (contract 1)",
    }

    def options(self) -> dict[str, Any]:
        return {"url": self.url, "key": self.env("SERTIFIER_KEY", KEY), "claimed_from": 3}

    def make(self) -> None:
        self.twin.set(page_cap=5)
        for ref, title in zip(self.templates, ("First Aid at Work", "Fire Safety"), strict=True):
            self.twin.add_template(ref, name=title, badge=True, attributes=list(self.attributes))

    def spoil(self) -> None:
        self.twin.add_template(CAMPAIGN, name="First Aid at Work", usable=False, attributes=list(self.attributes))

    def lag(self, milliseconds: int) -> None:
        self.twin.set(search_lag_ms=milliseconds)

    def revoke_key(self) -> None:
        self.twin.set(key="another-key")


class TestSertifier(PlatformSuite):
    bench_type = SertifierBench

    def template_ref(self, number: int) -> str:
        return f"22222222-0000-4000-8000-{number:012}"


@pytest.fixture
def bench(confer_env: Settings, control: SandboxControl, monkeypatch: pytest.MonkeyPatch) -> SertifierBench:
    return SertifierBench(control, monkeypatch, f"{control.base_url}/sertifier")


def said(**members: Any) -> str:
    """An envelope that says a failure."""
    return json.dumps({"message": None, "hasError": True, "validationErrors": [], "data": None, **members})


def worked(data: Any) -> str:
    """An envelope that says a success."""
    return json.dumps({"message": None, "hasError": False, "validationErrors": [], "data": data})


def answers(bench: SertifierBench, body: str, path: str, status: int = 200, **more: Any) -> str:
    """Have one path answer so."""
    return bench.control.fault("sertifier", "status", status=status, body=body, path=path, **more)


def asked(bench: SertifierBench, path: str, method: str = "POST") -> int:
    return sum((one["path"], one["method"]) == (path, method) for one in bench.control.calls("sertifier"))


# what is sent


class Recorder:
    """A server that writes down what it is sent, and answers as a credential's whole life would."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, Any]] = []
        self.headers: Mapping[str, str] = {}
        self.shown: dict[str, Any] = {}


@pytest.fixture
def recorder(bench: SertifierBench) -> Iterator[Recorder]:
    kept = Recorder()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            kept.seen.append((self.command, self.path, json.loads(self.rfile.read(size)) if size else None))
            kept.headers = dict(self.headers)
            data: Any = True
            if self.path == ADD:
                data = {CAMPAIGN: [{"id": "5b0e"}]}
            elif self.path == "/attribute/search":
                data = [{"id": "a1", "title": "Score"}] if kept.seen[-1][2]["startIndex"] == 0 else []
            elif self.path.endswith("/search"):
                data = []
            elif self.command == "GET":
                data = kept.shown
            elif self.command == "PUT":
                kept.shown |= kept.seen[-1][2]
            elif self.path == "/credential/publish":
                kept.shown["status"] = 1
            text = worked(data).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def do_GET(self) -> None:
            self.answer()

        def do_POST(self) -> None:
            self.answer()

        def do_PUT(self) -> None:
            self.answer()

        def do_DELETE(self) -> None:
            self.answer()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    bench.url = f"http://127.0.0.1:{server.server_port}"
    kept.shown = {
        "id": "5b0e", "campaignId": CAMPAIGN, "name": "Ada Byron", "email": "ada@learners.example", "status": 1,
        "issueDate": "2026-01-31", "expireDate": "2099-01-31", "verificationLink": "https://verified.example/5b0e",
    }  # fmt: skip
    yield kept
    server.shutdown()
    thread.join()
    server.server_close()


GOLDEN: Mapping[str, Any] = {
    "name": " Ada Byron ",
    "email": " Ada@Learners.Example ",
    "issued_on": date(2026, 1, 31),
    "expires_on": date(2099, 1, 31),
    "attributes": {"Score": "91.5"},
}


def test_the_golden_payload_of_an_issue(bench: SertifierBench, recorder: Recorder) -> None:
    order = bench.order(**GOLDEN)
    url = "https://verified.example/5b0e"
    assert bench.platform().issue(order) == Issued(platform_ref="5b0e", url=url, live=True, ours=True)
    item = {
        "campaignId": CAMPAIGN,
        "name": "Ada Byron",
        "email": "ada@learners.example",
        "issueDate": "2026-01-31",
        "expireDate": "2099-01-31",
        "externalId": order.ref,
        "quickPublish": True,
        "dontSendEmail": False,
        "attributes": [{"id": "a1", "value": "91.5"}],
    }
    assert recorder.seen == [
        ("POST", "/attribute/search", {"startIndex": 0, "length": 50}),
        ("POST", "/attribute/search", {"startIndex": 1, "length": 50}),
        ("POST", ADD, {"credentials": [item]}),
        ("GET", "/credential/5b0e", None),
    ]
    assert (recorder.headers["secretKey"], recorder.headers["api-version"]) == (KEY, "3.3")


def test_the_golden_payload_with_nothing_that_may_be_left_out(bench: SertifierBench, recorder: Recorder) -> None:
    order = bench.order(**{**GOLDEN, "expires_on": None, "attributes": {}})
    bench.platform(mail="confer", send_reference=False, api_version="3.4").issue(order)
    [(_, _, body), _] = recorder.seen
    assert body["credentials"] == [
        {
            "campaignId": CAMPAIGN,
            "name": "Ada Byron",
            "email": "ada@learners.example",
            "issueDate": "2026-01-31",
            "quickPublish": True,
            "dontSendEmail": True,
        }
    ]
    assert recorder.headers["api-version"] == "3.4"


def test_the_golden_payload_of_a_look_up(bench: SertifierBench, recorder: Recorder) -> None:
    assert bench.platform().find(bench.order(**GOLDEN)) is None
    page = {"startIndex": 0, "length": 50, "campaignIds": [CAMPAIGN]}
    assert recorder.seen == [
        ("POST", "/credential/search", {**page, "searchTerm": "ada@learners.example"}),
        ("POST", "/credential/search", page),
    ]


def test_the_golden_payloads_of_publishing_correcting_and_withdrawing(
    bench: SertifierBench, recorder: Recorder
) -> None:
    order = bench.order(**GOLDEN)
    recorder.shown["status"] = 0
    assert bench.platform().publish(order, "5b0e").live
    bench.platform().correct(replace(order, name="Ada King", expires_on=None), "5b0e")
    with pytest.raises(Unsure):  # this server shows it for ever
        bench.platform().withdraw("5b0e", "integrity")
    assert [one for one in recorder.seen if one[0] != "GET"] == [
        ("POST", "/credential/publish", {"ids": ["5b0e"], "credentialIds": ["5b0e"]}),
        ("PUT", "/credential/5b0e", {"name": "Ada King", "issueDate": "2026-01-31", "expireDate": None}),
        ("DELETE", "/credential/5b0e", None),
    ]


def test_the_golden_payload_of_a_withdrawal_by_expiry(bench: SertifierBench, recorder: Recorder) -> None:
    bench.platform(withdrawal="expire").withdraw("5b0e", "integrity")
    yesterday = (clock.now().date() - timedelta(days=1)).isoformat()
    body = {"name": "Ada Byron", "issueDate": "2026-01-31", "expireDate": yesterday}
    assert [one for one in recorder.seen if one[0] != "GET"] == [("PUT", "/credential/5b0e", body)]


# refusals under 200

WHOLE = [
    said(message="Secret key is not valid."),
    said(message="You do not have permission to do this."),
    said(message="Anything.", showPurchaseSheet=True),
    said(message="Anything.", upgradePlan={"name": "Pro"}),
    said(message="Your quota of this year is used up."),
    said(message="The recipient limit of your plan is reached."),
]
ROW = [
    said(message="Some text that nobody has seen before."),
    said(message=None, validationErrors=["The email field is not valid: plan@upgrade.example"]),
    said(message=None, validationErrors=[{"key": "email", "value": "permission denied for upgrade plan"}]),
    said(message="Validation failed for quota@plan.example", validationErrors=None),
    said(message=["odd"], validationErrors="odd"),
    said(message=7, validationErrors=7),
    said(validationErrors=[{"key": "issueDate", "value": "must not be in the future"}, 7, None, {}]),
]
ACCIDENTS = [said(message="An unexpected error occurred."), said(message="Operation timed out, try again.")]


@pytest.mark.parametrize("text", WHOLE)
def test_a_refusal_about_the_account_stops_all_of_it(bench: SertifierBench, text: str) -> None:
    answers(bench, text, ADD)
    with pytest.raises(Misconfigured) as caught:
        bench.issued()
    assert caught.value.whole_account


@pytest.mark.parametrize("text", ROW)
def test_any_other_refusal_is_about_the_row_and_never_a_success(bench: SertifierBench, text: str) -> None:
    answers(bench, text, ADD)
    with pytest.raises(Rejected) as caught:
        bench.issued()
    assert "@" not in caught.value.detail
    assert "nobody" not in caught.value.detail


def test_a_refusal_names_the_members_of_our_request(bench: SertifierBench) -> None:
    answers(bench, ROW[2], ADD, times=1)
    with pytest.raises(Rejected, match=r"addCredentials, and names email$"):
        bench.issued()
    answers(bench, ROW[-1], ADD, times=1)
    with pytest.raises(Rejected, match=r"names issueDate$"):
        bench.issued()


@pytest.mark.parametrize("text", ACCIDENTS)
def test_an_accident_over_there_leaves_doubt(bench: SertifierBench, text: str) -> None:
    answers(bench, text, ADD)
    with pytest.raises(Unsure):
        bench.issued()
    answers(bench, text, "/credential/search")
    with pytest.raises(Outage):
        bench.platform().find(bench.order())


def test_a_refusal_for_the_pace_is_waited_for(bench: SertifierBench) -> None:
    answers(bench, said(message="Too many requests."), ADD)
    with pytest.raises(Throttled) as caught:
        bench.issued()
    assert timedelta(0) < caught.value.until - clock.now() <= timedelta(minutes=1)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, Rejected), (401, Misconfigured), (402, Misconfigured), (403, Misconfigured), (409, Rejected)],
)
@pytest.mark.parametrize("body", [said(message="No."), "{}", "[]"])
def test_a_refusal_by_status_is_one_too(bench: SertifierBench, status: int, kind: type[Failure], body: str) -> None:
    answers(bench, body, ADD, status=status)
    with pytest.raises(kind):
        bench.issued()
    assert bench.there() == []


def test_a_success_by_its_envelope_under_a_status_of_refusal_is_none(bench: SertifierBench) -> None:
    answers(bench, worked({CAMPAIGN: [{"id": "5b0e"}]}), ADD, status=400)
    with pytest.raises(Rejected):
        bench.issued()


@pytest.mark.parametrize("body", ["[]", "{}", "7", "null", '{"hasError":null}', '{"data":{}}', '{"hasError":"x"}'])
def test_what_is_no_envelope_says_nothing(bench: SertifierBench, body: str) -> None:
    answers(bench, body, "/")
    with pytest.raises(Unsure):
        bench.issued(attributes={})
    for ask in (bench.platform().templates, lambda: bench.platform().held(CAMPAIGN)):
        with pytest.raises(Outage):
            list(ask())


@pytest.mark.parametrize(
    "data",
    [None, True, {}, [], {CAMPAIGN: []}, {CAMPAIGN: None}, {CAMPAIGN: [{}]}, {CAMPAIGN: ["5b0e"]}, [{"id": ""}],
     {OTHER: [{"id": "5b0e"}]}, {CAMPAIGN: [{"id": "5b0e"}, {"id": "5b0f"}]}, [{"id": "../5b0e"}]],
)  # fmt: skip
def test_a_success_that_does_not_say_what_was_made_leaves_doubt(bench: SertifierBench, data: Any) -> None:
    one = bench.twin.add_credential(CAMPAIGN, name="Ada Learner 1", email="learner1@learners.example")
    answers(bench, worked(data).replace("5b0e", one["id"]), ADD)
    with pytest.raises(Unsure):
        bench.issued()


@pytest.mark.parametrize("form", ["list", "capitals"])
def test_a_success_may_be_a_plain_list_or_spell_the_campaign_in_capitals(bench: SertifierBench, form: str) -> None:
    campaign = "aaaaaaaa-0000-4000-8000-00000000000a"
    bench.twin.add_template(campaign, name="Letters")
    made = bench.twin.add_credential(campaign, name="Ada Learner 1", email="learner1@learners.example")
    row = [{"id": made["id"]}]
    answers(bench, worked(row if form == "list" else {campaign.upper(): row}), ADD)
    assert bench.issued(template=campaign, attributes={}).platform_ref == made["id"]


@pytest.mark.parametrize("missing", ["refusal", "empty_404", "null"])
def test_what_is_not_there_may_be_told_in_three_ways(bench: SertifierBench, missing: str) -> None:
    issued = bench.issued()
    bench.twin.set(missing=missing)
    platform = bench.platform()
    bench.twin.change(issued.platform_ref, deleted=True)
    assert platform.read(issued.platform_ref) is None
    assert platform.template("33333333-0000-4000-8000-000000000003") is None
    platform.withdraw(issued.platform_ref, "integrity")
    with pytest.raises(Rejected):
        platform.publish(bench.order(), issued.platform_ref)
    with pytest.raises(Rejected):
        platform.correct(bench.order(), issued.platform_ref)


def test_a_404_with_json_of_another_kind_is_not_there_and_a_page_says_nothing(bench: SertifierBench) -> None:
    for body in ('{"title":"Not Found","status":404}', said(message="No."), worked(None)):
        fault = answers(bench, body, "/credential/", status=404)
        assert bench.platform().read("5b0e") is None
        bench.control.clear_fault(fault)
    answers(bench, "<html>no such site</html>", "/credential/", status=404)
    with pytest.raises(Outage):
        bench.platform().read("5b0e")
    with pytest.raises(Unsure):
        bench.platform().withdraw("5b0e", "integrity")


def test_how_a_refusal_says_that_something_is_not_there_can_be_told(bench: SertifierBench) -> None:
    answers(bench, said(message="Kayıt bulunamadı"), "/credential/")
    with pytest.raises(Rejected):
        bench.platform().read("5b0e")
    assert bench.platform(not_found=["bulunamad"]).read("5b0e") is None


def test_a_key_that_is_not_found_is_no_credential_that_is_not_found(bench: SertifierBench) -> None:
    answers(bench, said(message="Secret key not found."), "/credential/")
    with pytest.raises(Misconfigured):
        bench.platform().read("5b0e")


def test_a_refused_issue_is_put_down_to_the_campaign_only_where_that_can_be_seen(bench: SertifierBench) -> None:
    answers(bench, ROW[0], ADD)
    bench.control.fault("sertifier", "status", status=503, path="/campaign/1")
    with pytest.raises(Rejected):
        bench.issued()


# reading back


def test_one_whose_quick_publish_was_passed_over_is_not_live_until_it_is_published(bench: SertifierBench) -> None:
    bench.twin.set(quick_publish=False)
    other = bench.twin.add_credential(CAMPAIGN, name="Bob", email="bob@learners.example", published=False)
    issued = bench.issued()
    assert not issued.live
    assert bench.held(issued.platform_ref).standing is Standing.UNPUBLISHED
    assert bench.platform().find(bench.order()) == issued
    for _ in range(2):
        assert bench.platform().publish(bench.order(), issued.platform_ref) == replace(issued, live=True)
    assert [(one["id"], one["mailed"]) for one in bench.there()] == [(issued.platform_ref, 1)]
    assert other["id"] not in {one["id"] for one in bench.there()}
    assert asked(bench, "/credential/publish") == 1
    assert asked(bench, "/campaign/send") == 0


@pytest.mark.parametrize(
    "wrong",
    [{"name": "Grace Hopper"}, {"campaignId": OTHER}, {"email": "grace@learners.example"}, {"verificationLink": None},
     {"status": 0}],
)  # fmt: skip
def test_one_that_is_not_as_ordered_is_there_and_not_live(
    bench: SertifierBench, recorder: Recorder, wrong: Mapping[str, Any]
) -> None:
    recorder.shown |= wrong
    issued = bench.platform().issue(bench.order(**GOLDEN))
    assert (issued.platform_ref, issued.live) == ("5b0e", False)


def test_one_that_bears_another_name_is_not_live_by_being_published(
    bench: SertifierBench, recorder: Recorder
) -> None:
    recorder.shown |= {"name": "Grace Hopper"}
    assert not bench.platform().publish(bench.order(**GOLDEN), "5b0e").live
    assert [one[0] for one in recorder.seen] == ["GET"]


@pytest.mark.parametrize("wrong", [{"status": None}, {"status": 7}, {"id": "another"}, {"expireDate": "soon"}])
def test_one_that_cannot_be_read_back_leaves_doubt(
    bench: SertifierBench, recorder: Recorder, wrong: Mapping[str, Any]
) -> None:
    recorder.shown |= wrong
    with pytest.raises(Unsure):
        bench.platform().issue(bench.order(**GOLDEN))


@pytest.mark.parametrize("kind", ["html", "drop_before", "throttle"])
def test_a_read_back_that_fails_leaves_doubt_whatever_it_fails_with(bench: SertifierBench, kind: str) -> None:
    bench.control.fault("sertifier", kind, method="GET", path="/credential/")
    with pytest.raises(Unsure):
        bench.issued()
    bench.control.clear_faults()
    assert bench.platform().find(bench.order()) is not None


def test_one_that_is_not_shown_when_read_back_leaves_doubt(bench: SertifierBench) -> None:
    answers(bench, worked(None), "/credential/", method="GET")
    with pytest.raises(Unsure):
        bench.issued()


def test_dates_and_names_may_come_back_written_otherwise(bench: SertifierBench, recorder: Recorder) -> None:
    recorder.shown |= {"name": "ADA  BYRON", "issueDate": "2026-01-30T21:00:00", "email": None, "isPublic": False}
    recorder.shown |= {"expireDate": "0001-01-01T00:00:00"}
    assert bench.platform().issue(bench.order(**{**GOLDEN, "expires_on": None})).live


def test_a_status_without_a_meaning_stops_and_is_named(bench: SertifierBench) -> None:
    bench.twin.set(published_status=4)
    with pytest.raises(Unsure, match="status 4"):
        bench.issued()
    for ask in (lambda: bench.platform().find(bench.order()), lambda: list(bench.platform().held(CAMPAIGN))):
        with pytest.raises(Outage, match="status 4"):
            ask()
    told = bench.platform(live_statuses=[4], unpublished_statuses=[1, 2])
    found = told.find(bench.order())
    assert found is not None
    assert found.live


# finding


def test_two_learners_with_one_address_are_told_apart_by_name(bench: SertifierBench) -> None:
    first, second = bench.order(1), bench.order(2, email="learner1@learners.example")
    bench.platform().issue(first)
    assert bench.platform().find(second) is None
    issued = bench.platform().issue(second)
    found = bench.platform().find(second)
    assert found == issued
    assert bench.platform().find(first) != issued
    assert len(bench.there()) == 2


@pytest.mark.parametrize(
    ("there", "same"),
    [("ADA LEARNER 1", True), (" Ada  Learner-1.", True), ("Ａda Learner 1", True), ("Ada Learner", False),
     ("Bob Learner 1", False)],
)  # fmt: skip
def test_a_name_is_the_same_but_for_case_spaces_and_signs(bench: SertifierBench, there: str, same: bool) -> None:
    bench.twin.add_credential(CAMPAIGN, name=there, email="learner1@learners.example")
    assert (bench.platform().find(bench.order()) is not None) is same


def test_marks_on_letters_make_another_name(bench: SertifierBench) -> None:
    bench.twin.add_credential(CAMPAIGN, name="राम", email="learner1@learners.example")
    assert bench.platform().find(bench.order(name="रमा")) is None
    assert bench.platform().find(bench.order(name="राम")) is not None
    bench.twin.add_credential(CAMPAIGN, name="★", email="learner2@learners.example")
    assert bench.platform().find(bench.order(2, name="☂")) is None


def test_our_reference_decides_where_it_is_shown(bench: SertifierBench) -> None:
    bench.twin.set(external_id_on_read=True)
    first = bench.issued()
    assert bench.held(first.platform_ref).ref == bench.order().ref
    assert bench.platform().find(bench.order(ref="confer-another")) is None
    found = bench.platform().find(bench.order(name="Ada King"))
    assert found == first


def test_another_id_that_staff_gave_is_not_taken_for_one_of_ours(bench: SertifierBench) -> None:
    bench.twin.set(external_id_on_read=True)
    made = bench.twin.add_credential(
        CAMPAIGN, name="Ada Learner 1", email="learner1@learners.example", external_id="student-17"
    )
    found = bench.platform().find(bench.order())
    assert found is not None
    assert (found.platform_ref, found.ours) == (made["id"], False)


def test_one_of_an_earlier_day_is_for_an_earlier_completion(bench: SertifierBench) -> None:
    today = clock.now().date()
    earlier = (today - timedelta(days=400)).isoformat()
    learner = {"name": "Ada Learner 1", "email": "learner1@learners.example"}
    bench.twin.add_credential(CAMPAIGN, **learner, issued_on=earlier, made_on=earlier)
    assert bench.platform().find(bench.order(issued_on=today)) is None
    issued = bench.issued(issued_on=today)
    assert bench.platform().find(bench.order(issued_on=today)) == issued


def test_ours_is_taken_before_one_by_hand_and_a_live_one_before_another(bench: SertifierBench) -> None:
    learner = {"name": "Ada Learner 1", "email": "learner1@learners.example"}
    bench.twin.add_credential(CAMPAIGN, **learner, published=False)
    by_hand = bench.twin.add_credential(CAMPAIGN, **learner)
    bench.twin.add_credential(CAMPAIGN, **learner, published=False)
    found = bench.platform().find(bench.order())
    assert found is not None
    assert (found.platform_ref, found.live, found.ours) == (by_hand["id"], True, False)
    issued = bench.issued()
    assert bench.platform().find(bench.order()) == issued


def test_a_search_that_does_not_cover_addresses_hides_nothing(bench: SertifierBench) -> None:
    bench.crowd(6)
    issued = bench.issued()
    bench.crowd(6)
    bench.twin.set(search_covers=["name"])
    platform = bench.platform()
    assert platform.find(bench.order()) == issued
    # the address, three pages of the campaign and the empty one behind them, and one try with another's address
    assert asked(bench, "/credential/search") == 6
    assert platform.find(bench.order(2)) is None
    assert platform.find(bench.order()) == issued


def test_a_search_is_believed_once_it_has_found_the_address_of_another(bench: SertifierBench) -> None:
    bench.crowd(12)
    platform = bench.platform()
    assert platform.find(bench.order(1)) is None
    assert asked(bench, "/credential/search") == 3  # the address, the first page of the campaign, another's address
    assert platform.find(bench.order(2)) is None
    assert asked(bench, "/credential/search") == 4


def test_a_search_that_answers_another_address_with_somebody_else_is_not_believed(bench: SertifierBench) -> None:
    issued = bench.issued()
    row = {"campaignId": CAMPAIGN, "name": "Bob", "status": 1, "email": "bob@learners.example"}
    ours = {**row, "id": issued.platform_ref, "email": "learner1@learners.example"}
    for page in ([], [{**row, "id": "bob"}, ours], [{**row, "id": "somebody-else"}]):
        answers(bench, worked(page), "/credential/search", times=1)
    answers(bench, worked([]), "/credential/search")
    assert bench.platform().find(bench.order()) == issued


def test_one_that_the_search_did_not_find_and_the_list_holds_is_found(bench: SertifierBench) -> None:
    issued = bench.issued()
    bench.crowd(1)
    answers(bench, worked([]), "/credential/search", times=1)
    assert bench.platform().find(bench.order()) == issued


@pytest.mark.parametrize(("days", "ours"), [(0, True), (1, True), (2, False)])
def test_what_bears_our_dates_is_ours_give_or_take_a_day(bench: SertifierBench, days: int, ours: bool) -> None:
    order = bench.order()
    assert order.expires_on
    bench.twin.add_credential(
        CAMPAIGN,
        name=order.name,
        email=order.email,
        issued_on=(order.issued_on - timedelta(days=days)).isoformat(),
        expires_on=(order.expires_on + timedelta(days=days)).isoformat(),
    )
    found = bench.platform().find(order)
    assert found is not None
    assert found.ours is ours


def test_it_is_looked_for_before_it_is_issued_because_nothing_there_prevents_a_second_one() -> None:
    assert Sertifier.looks_first


@pytest.mark.parametrize("place", ["data", "items", "name"])
def test_the_list_may_stand_in_several_places(bench: SertifierBench, place: str) -> None:
    bench.twin.set(list_at=place)
    issued = bench.issued()
    assert bench.platform().find(bench.order()) == issued
    assert {one.ref for one in bench.platform().templates()} >= {CAMPAIGN, OTHER}


@pytest.mark.parametrize("data", [None, True, {}, {"a": [], "b": []}, [7], [{}], {"items": None}, "x"])
def test_a_search_without_a_list_shows_nothing(bench: SertifierBench, data: Any) -> None:
    answers(bench, worked(data), "/credential/search")
    with pytest.raises(Outage):
        bench.platform().find(bench.order())


def test_a_search_that_passes_over_where_to_start_is_not_believed(bench: SertifierBench) -> None:
    bench.crowd(6)
    bench.twin.set(start_ignored=True, search_covers=["name"])
    for ask in (lambda: bench.platform().find(bench.order()), lambda: list(bench.platform().held(CAMPAIGN))):
        with pytest.raises(Outage, match="come to no end"):
            ask()


def test_one_that_is_listed_and_not_shown_is_no_none(bench: SertifierBench) -> None:
    bench.issued()
    answers(bench, worked(None), "/credential/", method="GET")
    with pytest.raises(Outage):
        bench.platform().find(bench.order())


def test_what_the_search_lists_of_other_campaigns_and_addresses_is_passed_over(bench: SertifierBench) -> None:
    row = {"id": "5b0e", "name": "Ada Learner 1", "email": "learner1@learners.example", "status": 1}
    rows = [{**row, "campaignId": OTHER}, {**row, "id": "5b0f", "campaignId": CAMPAIGN, "email": None}]
    answers(bench, worked(rows), "/credential/search", times=1)
    answers(bench, worked([]), "/credential/search")
    assert bench.platform().find(bench.order()) is None
    assert asked(bench, "/credential/5b0e", "GET") == 0


def test_a_credential_that_does_not_tell_its_campaign_is_looked_up_in_the_search(bench: SertifierBench) -> None:
    bench.twin.set(campaign_on_read=False)
    other = bench.issued(template=OTHER, ref="confer-other")
    issued = bench.issued()
    assert issued.live
    assert bench.held(other.platform_ref).template == OTHER
    assert bench.held(issued.platform_ref).template == CAMPAIGN
    assert bench.platform().find(bench.order()) == issued
    answers(bench, worked([]), "/credential/search")
    with pytest.raises(Outage, match="campaign"):
        bench.platform().read(issued.platform_ref)


@pytest.mark.parametrize("changes", [{"email": ""}, {"email": "no-address"}, {"template": "../x"}, {"template": ""}])
def test_what_could_never_be_issued_is_not_looked_for(bench: SertifierBench, changes: Mapping[str, str]) -> None:
    assert bench.platform().find(bench.order(**changes)) is None
    assert bench.control.calls("sertifier") == []


# campaigns and attributes


@pytest.mark.parametrize("ref", ["", ".", "..", "a/b", "00000000-0000-0000-0000-000000000000", "0", "ü", "a" * 65])
def test_an_id_of_impossible_form_is_not_asked_for(bench: SertifierBench, ref: str) -> None:
    assert bench.platform().read(ref) is None
    assert bench.platform().template(ref) is None
    bench.platform().withdraw(ref, "integrity")
    with pytest.raises(Misconfigured) as caught:
        bench.issued(template=ref, attributes={})
    assert not caught.value.whole_account
    assert bench.control.calls("sertifier") == []


def test_formats_are_those_that_the_campaign_has(bench: SertifierBench) -> None:
    for certificate, badge, formats in (
        (True, False, {Format.CERTIFICATE}),
        (False, True, {Format.BADGE}),
        (True, True, {Format.CERTIFICATE, Format.BADGE}),
        (False, False, set[Format]()),
    ):
        bench.twin.add_template(CAMPAIGN, name="x", certificate=certificate, badge=badge)
        found = bench.platform().template(CAMPAIGN)
        assert found is not None
        assert (found.formats, found.repeatable) == (formats, True)


def test_which_numbers_make_a_campaign_usable_can_be_told(bench: SertifierBench) -> None:
    bench.twin.add_template(CAMPAIGN, name="x", status=3)
    usable = {one.ref: one.usable for one in bench.platform().templates()}
    assert usable[CAMPAIGN]
    found = bench.platform(usable_statuses=[1]).template(CAMPAIGN)
    assert found is not None
    assert (found.usable, found.reason) == (False, "the campaign's status is 3, which is not usable")


def test_a_campaign_other_than_the_one_asked_for_is_not_taken(bench: SertifierBench) -> None:
    answers(bench, worked({"id": OTHER, "title": "x", "status": 1}), "/campaign/1")
    with pytest.raises(Outage):
        bench.platform().template(CAMPAIGN)


def test_attributes_are_sent_by_id_because_names_are_passed_over_in_silence(bench: SertifierBench) -> None:
    for wrong in ({"Score": "1", "Level": "2"}, {"score": "1"}):
        with pytest.raises(Misconfigured) as caught:
            bench.issued(attributes=wrong)
        assert not caught.value.whole_account
    with pytest.raises(Misconfigured, match=r"called Level$"):
        bench.issued(attributes={"Score": "1", "Level": "2"})
    assert asked(bench, ADD) == 0


def test_two_attributes_of_one_name_are_for_an_administrator(bench: SertifierBench) -> None:
    rows = [{"id": "a1", "title": "Score"}, {"id": "a2", "title": "Score"}]
    answers(bench, worked(rows), "/attribute/search", times=1)
    answers(bench, worked([]), "/attribute/search")
    with pytest.raises(Misconfigured, match="exactly one attribute called Score"):
        bench.issued(attributes={"Score": "1"})


def test_attributes_are_read_once_and_not_at_all_where_there_are_none(bench: SertifierBench) -> None:
    platform = bench.platform()
    platform.issue(bench.order(1, attributes={}))
    assert asked(bench, "/attribute/search") == 0
    for number in (2, 3):
        platform.issue(bench.order(number))
    assert asked(bench, "/attribute/search") == 2  # the page, and the empty one behind it


# afterwards


def test_a_correction_that_is_not_shown_leaves_doubt(bench: SertifierBench) -> None:
    issued = bench.issued()
    bench.twin.set(changes_ignored=True)
    with pytest.raises(Unsure):
        bench.platform().correct(bench.order(name="Ada King"), issued.platform_ref)
    with pytest.raises(Unsure):
        bench.platform().correct(bench.order(expires_on=date(2099, 5, 6)), issued.platform_ref)
    with pytest.raises(Unsure):
        bench.platform().correct(bench.order(expires_on=None), issued.platform_ref)


def test_dates_are_corrected_too_also_by_a_day(bench: SertifierBench) -> None:
    issued = bench.issued()
    today = clock.now().date()
    for issued_on, expires_on in ((today, None), (today, date(2099, 3, 6)), (today, date(2099, 3, 7))):
        order = bench.order(issued_on=issued_on, expires_on=expires_on)
        assert bench.platform().correct(order, issued.platform_ref) == issued
        [made] = bench.there()
        told = expires_on.isoformat() if expires_on else None
        assert (made["issued_on"], made["expires_on"]) == (issued_on.isoformat(), told)


@pytest.mark.parametrize("changes", [{"email": "married@learners.example"}, {"template": OTHER}, {"name": " "}])
def test_what_cannot_be_corrected_in_place_is_refused_without_harm(
    bench: SertifierBench, changes: Mapping[str, str]
) -> None:
    issued = bench.issued()
    with pytest.raises(Rejected):
        bench.platform().correct(bench.order(**changes), issued.platform_ref)
    assert asked(bench, f"/credential/{issued.platform_ref}", "PUT") == 0


def test_an_expired_one_is_neither_published_nor_corrected(bench: SertifierBench) -> None:
    issued = bench.issued()
    bench.twin.change(issued.platform_ref, withdrawn=True)
    for ask in (bench.platform().publish, bench.platform().correct):
        with pytest.raises(Rejected, match="expired"):
            ask(bench.order(), issued.platform_ref)
    assert bench.there() == []


def test_a_correction_of_what_goes_meanwhile_is_refused(bench: SertifierBench) -> None:
    issued = bench.issued()
    answers(bench, said(message="Credential not found."), "/credential/", method="PUT")
    with pytest.raises(Rejected):
        bench.platform().correct(bench.order(name="Ada King"), issued.platform_ref)


def test_a_withdrawal_that_shows_no_effect_leaves_doubt(bench: SertifierBench) -> None:
    issued = bench.issued()
    bench.twin.set(changes_ignored=True)
    for way in ("delete", "expire"):
        with pytest.raises(Unsure):
            bench.platform(withdrawal=way).withdraw(issued.platform_ref, "integrity")


@pytest.mark.parametrize("way", ["delete", "expire"])
@pytest.mark.parametrize("kind", ["drop_after", "drop_before", "html"])
def test_a_withdrawal_whose_answer_is_lost_can_be_repeated(bench: SertifierBench, way: str, kind: str) -> None:
    issued = bench.issued()
    platform = bench.platform(withdrawal=way)
    bench.control.fault(
        "sertifier", kind, method="DELETE" if way == "delete" else "PUT", path="/credential/", times=1
    )
    with pytest.raises(Unsure):
        platform.withdraw(issued.platform_ref, "integrity")
    for _ in range(2):
        platform.withdraw(issued.platform_ref, "integrity")
    assert bench.there() == []


def test_a_withdrawal_by_expiry_stays_to_be_seen(bench: SertifierBench) -> None:
    issued = bench.issued()
    platform = bench.platform(withdrawal="expire")
    for _ in range(2):
        platform.withdraw(issued.platform_ref, "integrity")
    assert bench.held(issued.platform_ref).standing is Standing.EXPIRED
    assert platform.find(bench.order()) is None
    assert [(one["state"], one["name"]) for one in bench.there(live=None)] == [("expired", "Ada Learner 1")]
    assert asked(bench, f"/credential/{issued.platform_ref}", "PUT") == 1


def test_the_last_day_of_a_credential_is_a_good_day(bench: SertifierBench) -> None:
    issued = bench.issued(expires_on=clock.now().date())
    assert issued.live
    assert bench.held(issued.platform_ref).standing is Standing.LIVE


def test_a_claim_is_what_the_account_takes_for_one(bench: SertifierBench) -> None:
    issued = bench.issued()
    assert bench.platform(claimed_from=None).read(issued.platform_ref) == replace(
        bench.held(issued.platform_ref), claim=None
    )
    for number, claim in ((1, ClaimState.CLAIMED), (2, ClaimState.OPEN)):  # it was mailed, which is 1
        held = bench.platform(claimed_from=number).read(issued.platform_ref)
        assert held is not None
        assert held.claim is claim


def test_confer_may_write_the_mail_itself(bench: SertifierBench) -> None:
    bench.platform(mail="confer").issue(bench.order(1))
    bench.platform(mail="sertifier").issue(bench.order(2))
    assert [one["mailed"] for one in bench.there()] == [0, 1]


def test_nothing_is_heard(bench: SertifierBench) -> None:
    with pytest.raises(Unreadable):
        bench.platform().hear(Request(body=b"{}", headers={}))


# the account


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"host": "sandbox"}, "host"),
        ({"host": "production", "url": "https://a.example"}, "host"),
        ({"host": "production", "mail": "both"}, "mail"),
        ({"host": "production", "withdrawal": "revoke"}, "withdrawal"),
        ({"host": "production", "live_statuses": []}, "live_statuses"),
        ({"host": "production", "live_statuses": [1], "unpublished_statuses": [1]}, "live_statuses"),
        ({"host": "production", "claimed_from": 0}, "claimed_from"),
        ({"host": "production", "not_found": []}, "not_found"),
        ({"host": "production", "not_found": [""]}, "not_found"),
        ({"host": "production", "webhook": "x"}, "webhook"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    monkeypatch: pytest.MonkeyPatch, options: Mapping[str, Any], named: str
) -> None:
    monkeypatch.setenv("KEY", KEY)
    with pytest.raises(ValidationError) as caught:
        SertifierSchema().load({"key": "env:KEY", **options})
    assert named in caught.value.normalized_messages()


def test_the_vendors_host_and_what_is_assumed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", KEY)
    assert SertifierSchema().load({"key": "env:KEY", "host": "production"}) == {
        "url": "https://b2b.sertifier.com",
        "sandbox": False,
        "key": KEY,
        "api_version": "3.3",
        "mail": "sertifier",
        "send_reference": True,
        "usable_statuses": [1, 3],
        "live_statuses": [1],
        "unpublished_statuses": [0],
        "claimed_from": None,
        "withdrawal": "delete",
        "not_found": ["not found", "not exist", "no such", "could not be found", "cannot be found"],
    }
