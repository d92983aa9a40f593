"""Badgr bound to the suite for platforms; and what is its own: earlier awards, bulk calls, roles, tokens."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest
from marshmallow import ValidationError

from pipeline import clock
from pipeline.errors import Duplicate, Failure, Misconfigured, Outage, Rejected, Throttled, Unsure
from pipeline.oauth import forget_tokens
from pipeline.platforms.badgr import Badgr
from pipeline.platforms.badgr.access import BadgrSchema
from pipeline.settings import Settings
from pipeline.values import ClaimState, Format, Issued, Standing
from sandbox.control import Json, SandboxControl
from tests.contracts.platform_bench import Bench, Trait
from tests.contracts.platform_suite import PlatformSuite

FIRST, SECOND = "Zmlyc3QtYWlkLWJhZGdlMDE", "ZmlyZS1zYWZldHktYmFkZ2U"
PASSWORD = "badgr-password"


class BadgrBench(Bench):
    """An account with a user's name and password."""

    adapter = Badgr
    system = "badgr"
    templates = (FIRST, SECOND)
    past_three_pages = 16
    past_three_template_pages = 16
    formats = (Format.BADGE,)
    secrets = (PASSWORD, "badgr-client-secret", "badgr-token-")
    issuing = r"^/v2/badgeclasses/[^/]+/(assertions|issue)$"
    lacks: ClassVar[Mapping[Trait, str]] = {
        Trait.OWN_REF: "an award has no field for an id of ours (contract 4); the second of its date tells it",
        Trait.LEARNER_REF: "an award knows an address and nothing else of the learner (contract 4)",
        Trait.LAG: "the list is read from the table that awards are written to (contract 6)",
        Trait.CORRECTS: "an award holds no name that could be corrected (contract 4)",
        Trait.NAMES_IT: "an award holds no name (contract 4)",
        Trait.WEBHOOK: "there is none in the source of the server, nor in the vendor's pages (contract 9)",
        Trait.SIGNATURE: "there is no webhook that could be signed (contract 9)",
        Trait.ATTRIBUTES: "an award has no attributes (contract 4)",
    }

    def options(self) -> dict[str, Any]:
        password = self.env("BADGR_PASSWORD", PASSWORD)
        return {"url": self.url, "username": "confer@academy.example", "password": password}

    def make(self) -> None:
        forget_tokens()  # the twin has forgotten them too
        self.twin.set(page_cap=5)
        for template, name in zip(self.templates, ("First Aid at Work", "Fire Safety"), strict=True):
            self.twin.add_template(template, name=name)
        assert self.platform().template(FIRST)  # with a token in hand, as on any day but the first

    def spoil(self) -> None:
        self.twin.add_template(FIRST, name="First Aid at Work", usable=False)

    def expire_token(self) -> None:
        self.twin.set(expire_tokens=True)


class TestBadgr(PlatformSuite):
    bench_type = BadgrBench

    def test_one_is_issued_and_is_live(self, bench: Bench) -> None:
        """Badgr is told no name, so that the twin has none to show; all else as in the suite."""
        issued = bench.issued()
        [made] = bench.there()
        assert issued == Issued(platform_ref=made["id"], url=f"{bench.url}/public/assertions/{made['id']}")
        assert (made["template"], made["email"], made["name"]) == (FIRST, "learner1@learners.example", "")
        assert bench.twin.ignored_fields() == []

    def test_a_name_may_hold_any_script(self, bench: Bench) -> None:
        """Whatever the name, none is sent."""
        bench.issued(name="Zoë Nguyễn-O’Brien 李 \U0001f600", given_name=None, family_name=None)
        assert bench.there()[0]["name"] == ""

    def template_ref(self, number: int) -> str:
        return f"badge-{number}"

    def missing_template(self) -> str:
        return "bm8tc3VjaC1iYWRnZWNsYXM"


@pytest.fixture
def bench(confer_env: Settings, control: SandboxControl, monkeypatch: pytest.MonkeyPatch) -> Iterator[BadgrBench]:
    yield BadgrBench(control, monkeypatch, f"{control.base_url}/badgr")
    forget_tokens()


def badgr(bench: Bench, **more: Any) -> Badgr:
    return Badgr(bench.account(**more), bench.platform().gate)


def asked(bench: Bench, path: str, method: str = "POST") -> int:
    """How often the twin was asked this."""
    return sum(one["path"] == path and one["method"] == method for one in bench.control.calls("badgr"))


def answers(bench: Bench, status: int, document: Any, path: str | None = None, **more: Any) -> str:
    body = document if isinstance(document, str) else json.dumps(document)
    fault = {
        "path": path or bench.issuing,
        "status": status,
        "body": body,
        "content_type": "application/json",
        **more,
    }
    return bench.control.fault("badgr", "status", **fault)


def refusal(fields: Any = None, *validation: str, **more: Any) -> Json:
    told = {"success": False, "description": "bad request"}
    return {"status": told, "result": [], "fieldErrors": fields or {}, "validationErrors": [*validation], **more}


def envelope(*rows: Json, success: bool = True) -> Json:
    return {"status": {"success": success, "description": "ok"}, "result": [*rows]}


def award(**changes: Any) -> Json:
    made = {
        "entityId": "ZGVtby1hc3NlcnRpb24tMQ",
        "openBadgeId": "https://api.badgr.io/public/assertions/ZGVtby1hc3NlcnRpb24tMQ",
        "badgeclass": FIRST,
        "createdBy": "ZGVtby11c2VyLTAwMDAwMQ",
        "recipient": {"identity": "sha256$x", "hashed": True, "plaintextIdentity": "learner1@learners.example"},
        "issuedOn": "2026-01-31T09:41:00Z",
        "expires": None,
        "revoked": False,
        "acceptance": "Unaccepted",
    }
    return {**made, **changes}


# what is sent, to the letter


@pytest.fixture
def recorder() -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    """A server that writes down what it is sent, gives tokens, and answers as to awards for both learners."""
    seen: list[tuple[str, str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            seen.append((self.command, self.path, body))
            rows = [award(revoked=self.command == "DELETE")]
            if self.path.endswith("/issue"):
                rows.append(award(recipient={"plaintextIdentity": "learner2@learners.example"}))
            document = {"access_token": "a-token"} if self.path == "/o/token" else envelope(*rows)
            told = json.dumps(document).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        def do_DELETE(self) -> None:
            self.do_POST()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", seen
    server.shutdown()
    thread.join()
    server.server_close()


def sent(number: int, issued_on: str) -> Json:
    return {
        "recipient": {"identity": f"learner{number}@learners.example", "type": "email", "hashed": True},
        "issuedOn": issued_on,
        "expires": "2099-03-06T23:59:59.000Z",
        "narrative": "All modules completed.",
        "notify": False,
        "allowDuplicateAwards": False,
    }


def test_the_golden_payloads(bench: BadgrBench, recorder: tuple[str, list[tuple[str, str, str]]]) -> None:
    bench.url, seen = recorder
    past, today = date(2026, 3, 1), date(2026, 3, 7)
    with clock.frozen(datetime(2026, 3, 7, 9, 30, 40, tzinfo=UTC)):
        platform = bench.platform()
        platform.issue(bench.order(1, issued_on=today, email=" Learner1@Learners.EXAMPLE"))
        platform.issue_many([bench.order(number, issued_on=past) for number in (1, 2)])
        platform.withdraw("ZGVtby1hc3NlcnRpb24tMQ", "integrity")
    first, second = "28:03.159Z", "00:53.170Z"
    assert [(method, path, json.loads(body)) for method, path, body in seen[1:]] == [
        ("POST", f"/v2/badgeclasses/{FIRST}/assertions", sent(1, f"2026-03-07T09:{first}")),
        (
            "POST",
            f"/v2/badgeclasses/{FIRST}/issue",
            {"assertions": [sent(1, f"2026-03-01T12:00:{first[3:]}"), sent(2, f"2026-03-01T12:{second}")]},
        ),
        ("DELETE", "/v2/assertions/ZGVtby1hc3NlcnRpb24tMQ", {"revocation_reason": "integrity"}),
    ]


@pytest.mark.parametrize(
    ("options", "form"),
    [
        ({}, "grant_type=password&username=confer%40academy.example&password=badgr-password"),
        (
            {"client_id": "mine", "scope": "rw:issuer"},
            "grant_type=password&username=confer%40academy.example&password=badgr-password&client_id=mine"
            "&scope=rw%3Aissuer",
        ),
        (
            {"grant": "client_credentials", "client_id": "confer", "client_secret": "env:BADGR_SECRET"},
            "grant_type=client_credentials&client_id=confer&client_secret=badgr-client-secret"
            "&scope=rw%3Aissuer+r%3Aprofile",
        ),
    ],
)
def test_tokens_are_asked_for_by_a_form(
    bench: BadgrBench, recorder: tuple[str, list[tuple[str, str, str]]], options: dict[str, str], form: str
) -> None:
    bench.url, seen = recorder
    bench.env("BADGR_SECRET", "badgr-client-secret")
    if "grant" in options:
        options = {**options, "username": None, "password": None}
    account = {key: value for key, value in {**bench.options(), **options}.items() if value is not None}
    made = replace(bench.account(), options=BadgrSchema().load(account))
    Badgr(made, bench.platform().gate).issue(bench.order())
    assert seen[0] == ("POST", "/o/token", form)


def test_nothing_is_sent_that_an_order_does_not_hold(
    bench: BadgrBench, recorder: tuple[str, list[tuple[str, str, str]]]
) -> None:
    bench.url, seen = recorder
    bench.issued(expires_on=None, criteria="", description="")
    assert {"expires", "narrative"} & set(json.loads(seen[-1][2])) == set()
    bench.issued(criteria="")
    assert json.loads(seen[-1][2])["narrative"] == "Has completed First Aid at Work."


@pytest.mark.parametrize(
    ("mail", "first", "mailed"), [("confer", False, 0), ("badgr", False, 1), ("confer", True, 1)]
)
def test_who_writes_to_the_learner(bench: BadgrBench, mail: str, first: bool, mailed: int) -> None:
    bench.twin.set(notify_first=first)
    bench.platform(mail=mail).issue(bench.order())
    bench.platform(mail=mail).issue_many([bench.order(2), bench.order(3)])
    assert [one["mailed"] for one in bench.there()] == [mailed] * 3


# dates


@pytest.mark.parametrize("ago", [0, 1, 400])
def test_the_date_is_that_of_the_order_and_never_to_come(bench: BadgrBench, ago: int) -> None:
    day = (datetime.now(UTC) - timedelta(days=ago)).date()
    for number in range(1, 20):
        bench.issued(number, issued_on=day)
    dates = [datetime.fromisoformat(one["issued_on"]) for one in bench.there()]
    assert all(at < datetime.now(UTC) - timedelta(minutes=1) for at in dates)
    assert len({(at.second, at.microsecond) for at in dates}) == 19
    if ago:
        assert {(at.date(), at.hour) for at in dates} == {(day, 12)}


def test_a_server_that_keeps_whole_seconds_tells_ours_as_well(bench: BadgrBench) -> None:
    bench.twin.set(keeps_fractions=False)
    issued = bench.issued()
    assert bench.platform().find(bench.order()) == issued
    assert bench.platform().find(bench.order(ref="confer-another")) is None


@pytest.mark.parametrize(
    ("moved_by", "ours"),
    [
        ({"days": 0}, True),
        ({"days": -1}, True),  # what is issued just after midnight is dated just before it
        ({"hours": 1, "minutes": 7}, True),
        ({"days": -2}, False),
        ({"days": 1}, False),
        ({"days": -365}, False),
        ({"seconds": 1}, False),
        ({"milliseconds": 1}, False),
        ({"milliseconds": -159}, True),  # as it is where fractions are dropped
    ],
)
def test_second_and_day_have_to_be_those_of_the_order(
    bench: BadgrBench, moved_by: dict[str, int], ours: bool
) -> None:
    issued = bench.issued()
    [made] = bench.there()
    moved = datetime.fromisoformat(made["issued_on"]) + timedelta(**moved_by)
    bench.twin.change(issued.platform_ref, issued_on=moved.isoformat())
    assert (bench.platform().find(bench.order()) is not None) is ours


def test_a_clock_that_is_ahead_is_a_matter_of_the_whole_account(bench: BadgrBench) -> None:
    with clock.frozen(datetime.now(UTC) + timedelta(days=1)), pytest.raises(Misconfigured, match="clock") as caught:
        bench.issued(issued_on=clock.now().date())
    assert caught.value.whole_account


# whose an earlier award is


def test_another_learner_at_the_same_address_never_gets_the_first_ones_award(bench: BadgrBench) -> None:
    first = bench.issued(1)
    other = bench.order(2, email="learner1@learners.example")
    assert bench.platform().find(other) is None
    with pytest.raises(Rejected, match="another learner may share"):
        bench.platform().issue(other)
    assert bench.platform().find(bench.order(1)) == first
    results = bench.platform().issue_many([other, bench.order(3)])
    assert isinstance(results[0], Duplicate)
    assert results[0].existing is None
    assert len(bench.there()) == 1


def test_the_same_order_again_is_the_award_it_made(bench: BadgrBench) -> None:
    first = bench.issued()
    with pytest.raises(Duplicate) as caught:
        bench.issued()
    assert caught.value.existing == first


def test_one_by_hand_is_a_duplicate_and_not_ours(bench: BadgrBench) -> None:
    made = bench.twin.add_credential(FIRST, name="Ada", email="learner1@learners.example")
    with pytest.raises(Duplicate) as caught:
        bench.issued()
    assert caught.value.existing is not None
    assert (caught.value.existing.platform_ref, caught.value.existing.ours) == (made["id"], False)


def test_one_that_has_expired_holds_nobody_back_and_ours_is_found_all_the_same(bench: BadgrBench) -> None:
    past = "2026-01-31T00:00:00Z"
    bench.twin.add_credential(FIRST, name="Ada", email="learner1@learners.example", expires=past)
    assert bench.platform().find(bench.order()) is None
    issued = bench.issued()
    bench.twin.change(issued.platform_ref, expires=past)
    assert bench.platform().find(bench.order()) == issued
    assert bench.held(issued.platform_ref).standing is Standing.EXPIRED
    assert bench.issued(ref="confer-renewed").platform_ref != issued.platform_ref


@pytest.mark.parametrize("by", ["by_us", "by_nobody"])
def test_one_of_which_nobody_knows_whose_it_is_goes_to_a_person(bench: BadgrBench, by: str) -> None:
    bench.twin.add_credential(FIRST, name="Ada", email="learner1@learners.example", **{by: True})
    assert bench.platform().find(bench.order()) is None
    with pytest.raises(Rejected):
        bench.issued()


def test_ours_is_found_beside_one_by_hand(bench: BadgrBench) -> None:
    issued = bench.issued()
    bench.twin.add_credential(FIRST, name="Ada", email="learner1@learners.example")
    assert bench.platform().find(bench.order()) == issued


def test_a_duplicate_that_the_list_does_not_show_yet_is_looked_up_again(bench: BadgrBench) -> None:
    answers(bench, 400, refusal(None, "A previous award of this badge already exists for this recipient."), times=1)
    with pytest.raises(Duplicate) as caught:
        bench.issued()
    assert caught.value.existing is None


def test_a_list_that_is_not_filtered_is_read_to_the_end(bench: BadgrBench) -> None:
    rows = [
        award(recipient={"plaintextIdentity": "other@learners.example"}),
        award(recipient={"plaintextIdentity": None}),
    ]
    answers(bench, 200, envelope(rows[0]), times=1)
    assert bench.platform().find(bench.order()) is None
    answers(bench, 200, envelope(rows[1]), times=1)
    with pytest.raises(Outage, match="whose"):
        bench.platform().find(bench.order())


def test_a_server_that_keeps_capitals_tells_the_same_address(bench: BadgrBench) -> None:
    answers(bench, 200, envelope(award(recipient={"plaintextIdentity": "Learner1@Learners.Example"})))
    found = bench.platform().find(bench.order())
    assert found is not None
    assert not found.ours


def test_who_we_are_has_to_be_told_before_an_award_is_taken_for_somebody_elses(bench: BadgrBench) -> None:
    bench.twin.add_credential(FIRST, name="Ada", email="learner1@learners.example")
    narrow = bench.platform(scope="rw:issuer")
    with pytest.raises(Misconfigured, match="r:profile") as caught:
        narrow.find(bench.order())
    assert not caught.value.whole_account  # others, of which there is no other award, can be issued
    assert narrow.find(bench.order(2)) is None


# refusals


@pytest.mark.parametrize(
    ("status", "document", "kind", "whole", "says"),
    [
        (400, refusal({"issuedOn": ["Only issuedOn dates in the past"]}), Misconfigured, True, "clock"),
        (400, refusal(None, "You may not award this badge to this recipient."), Rejected, None, "let this address"),
        (400, refusal({"recipient": {"identity": ["ada@x.y"]}}), Rejected, None, "400 and refuses recipient$"),
        (400, refusal({"narrative": ["No images"], "ada@x.y": ["no"]}), Rejected, None, "refuses narrative$"),
        (400, refusal({}, nonFieldErrors=["ada@x.y has already got it"]), Duplicate, None, "before"),
        (400, refusal([{"ada@x.y": 1}]), Rejected, None, "the award$"),
        (400, "<html>ada@x.y", Rejected, None, "the award$"),
        (400, "[1]", Rejected, None, "the award$"),
        (422, "{}", Rejected, None, "422"),
        (403, "{}", Misconfigured, True, "lacks a right"),
        (401, "{}", Misconfigured, True, "refuses a token"),
        (404, "{}", Misconfigured, False, "no such badge class, or the token's user has no role"),
        (204, "", Unsure, None, "204"),
        (202, envelope(award()), Unsure, None, "202"),
        (201, envelope(), Unsure, None, "other awards"),
        (201, envelope(award(), award()), Unsure, None, "other awards"),
        (201, envelope(award(), success=False), Unsure, None, "without success"),
        (201, envelope(award(recipient={"plaintextIdentity": "ada@x.y"})), Unsure, None, "other awards"),
        (201, envelope(award(recipient={"plaintextIdentity": None})), Unsure, None, "whose"),
        (201, envelope(award(entityId="")), Unsure, None, "entityId"),
        (201, envelope(award(openBadgeId="javascript:1")), Unsure, None, "openBadgeId"),
        (201, {"result": [award()]}, Unsure, None, "status"),
    ],
)  # fmt: skip
def test_each_answer_is_the_failure_it_means(
    bench: BadgrBench, *, status: int, document: Any, kind: type[Failure], whole: bool | None, says: str
) -> None:
    answers(bench, status, document, f"^/v2/badgeclasses/{FIRST}/assertions$", method="POST")
    with pytest.raises(kind, match=says) as caught:
        bench.issued()
    assert type(caught.value) is kind
    assert not isinstance(caught.value, Misconfigured) or caught.value.whole_account is whole
    assert "ada@x.y" not in caught.value.detail


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"email": "ada at learners.example"}, Rejected),
        ({"email": "ada@learners"}, Rejected),
        ({"email": "a b@learners.example"}, Rejected),
        ({"name": " "}, Rejected),
        ({"template": "../issuers"}, Misconfigured),
        ({"template": ""}, Misconfigured),
        ({"attributes": {"Score": "91"}}, Misconfigured),
    ],
)
def test_what_cannot_be_awarded_is_refused_before_any_call(
    bench: BadgrBench, changes: dict[str, Any], kind: type[Failure]
) -> None:
    before = len(bench.control.calls("badgr"))
    with pytest.raises(kind):
        bench.issued(**changes)
    [result, other] = bench.platform().issue_many([bench.order(1, **changes), bench.order(2)])
    assert isinstance(result, kind)
    assert isinstance(other, Issued)
    assert len(bench.control.calls("badgr")) == before + 1


def test_roles_that_lack_are_no_absence(bench: BadgrBench) -> None:
    """Badgr answers 404 where a right lacks: nothing may be taken for gone that the public still sees."""
    issued = bench.issued()
    bench.twin.set(role="none")
    platform = bench.platform()
    for ask in (
        lambda: platform.read(issued.platform_ref),
        lambda: platform.withdraw(issued.platform_ref, "integrity"),
        lambda: platform.find(bench.order()),
        lambda: list(platform.held(FIRST)),
        lambda: platform.issue(bench.order(2)),
    ):
        with pytest.raises(Misconfigured, match="role"):
            ask()
    assert list(platform.templates()) == []
    bench.twin.set(role="staff")
    with pytest.raises(Misconfigured, match="editor"):
        platform.withdraw(issued.platform_ref, "integrity")
    assert platform.issue(bench.order(2)).live
    assert len(bench.there()) == 2


def test_a_public_page_that_is_no_answer_is_an_outage(bench: BadgrBench) -> None:
    bench.control.fault("badgr", "status", path="/public", status=410)
    with pytest.raises(Outage, match="410"):
        bench.platform().read("bm9ib2R5cy1hd2FyZC0wMQ")


# several at once


def test_orders_of_several_classes_are_one_call_each(bench: BadgrBench) -> None:
    orders = [bench.order(number, template=(FIRST, SECOND)[number % 2]) for number in range(1, 7)]
    results = bench.platform().issue_many(orders)
    by_id = {one["id"]: (one["template"], one["email"]) for one in bench.there()}
    told = [by_id[result.platform_ref] for result in results if isinstance(result, Issued)]
    assert told == [(order.template, order.email) for order in orders]
    assert [asked(bench, f"/v2/badgeclasses/{template}/issue") for template in (FIRST, SECOND)] == [1, 1]


def test_an_address_comes_only_once_in_a_call(bench: BadgrBench) -> None:
    """Badgr would award both: it checks all of a call before it makes any."""
    orders = [bench.order(1), bench.order(2), bench.order(3, email="LEARNER1@learners.example")]
    results = bench.platform().issue_many(orders)
    assert [type(result) for result in results] == [Issued, Issued, Rejected]
    assert len(bench.there()) == 2


def test_more_than_fit_into_one_call_are_two(bench: BadgrBench) -> None:
    results = bench.platform().issue_many([bench.order(number) for number in range(1, 53)])
    assert all(isinstance(result, Issued) for result in results)
    assert asked(bench, f"/v2/badgeclasses/{FIRST}/issue") == 2


def test_a_class_that_is_not_there_is_about_its_orders_alone(bench: BadgrBench) -> None:
    orders = [bench.order(number, template="bm9uZQ" if number < 3 else FIRST) for number in range(1, 5)]
    results = bench.platform().issue_many(orders)
    assert [type(result) for result in results] == [Misconfigured, Misconfigured, Issued, Issued]
    with pytest.raises(Misconfigured):
        bench.platform().issue_many(orders[:2])


def test_the_one_at_fault_is_told_and_the_others_go_back_without_an_attempt(bench: BadgrBench) -> None:
    orders = [bench.order(1), bench.order(2, criteria="![x](y)"), bench.order(3)]
    results = bench.platform().issue_many(orders)
    assert [type(result) for result in results] == [Throttled, Rejected, Throttled]
    assert all(result.until <= clock.now() for result in results if isinstance(result, Throttled))
    assert bench.there() == []


@pytest.mark.parametrize("fields", [[], [{}], [{}, {}], [{"recipient": ["no"]}], {"recipient": ["no"]}, None])
def test_a_refusal_that_names_nobody_is_settled_from_the_first_on(bench: BadgrBench, fields: Any) -> None:
    answers(bench, 400, refusal(fields), f"/v2/badgeclasses/{FIRST}/issue", times=1)
    results = bench.platform().issue_many([bench.order(1), bench.order(2)])
    assert [type(result) for result in results] == [Issued, Unsure]
    assert [one["email"] for one in bench.there()] == ["learner1@learners.example"]


def test_a_blocked_address_breaks_a_call_off_and_is_met_in_the_end(bench: BadgrBench) -> None:
    bench.twin.set(blocked=["learner2@learners.example"])
    orders = [bench.order(number) for number in (1, 2, 3)]
    results = bench.platform().issue_many(orders)
    assert [type(result) for result in results] == [Duplicate, Unsure, Unsure]
    assert isinstance(results[0], Duplicate)
    assert results[0].existing == bench.platform().find(orders[0])
    assert [bench.platform().find(order) for order in orders[1:]] == [None, None]
    assert [type(result) for result in bench.platform().issue_many(orders[1:])] == [Rejected, Unsure]
    assert isinstance(bench.platform().issue(orders[2]), Issued)


def test_a_server_that_breaks_down_half_way_leaves_a_part_that_is_found(bench: BadgrBench) -> None:
    bench.twin.set(crash_after=2)
    orders = [bench.order(number) for number in range(1, 5)]
    with pytest.raises(Unsure):
        bench.platform().issue_many(orders)
    assert [bench.platform().find(order) is not None for order in orders] == [True, True, False, False]


@pytest.mark.parametrize(
    ("fault", "first", "second"),
    [
        ({"kind": "drop_after"}, Unsure, Throttled),
        ({"kind": "status", "status": 500}, Unsure, Throttled),
        ({"kind": "throttle"}, Throttled, Throttled),
        ({"kind": "status", "status": 403}, Misconfigured, Misconfigured),
    ],
)
def test_when_badgr_gives_out_nothing_more_is_asked(
    bench: BadgrBench, fault: Json, first: type[Failure], second: type[Failure]
) -> None:
    bench.control.fault("badgr", path=f"/v2/badgeclasses/{FIRST}/issue", **fault)
    orders = [bench.order(number, template=SECOND if number > 2 else FIRST) for number in range(1, 5)]
    try:
        results = bench.platform().issue_many(orders)
        assert [type(result) for result in results] == [first, first, second, second]
    except Failure as failure:  # one and the same for all of them
        assert type(failure) is first is second  # noqa: PT017 - what matters is which of the two it is
    assert asked(bench, f"/v2/badgeclasses/{SECOND}/issue") == 0


# reading


def test_claims_and_standings_have_no_unknown_words(bench: BadgrBench) -> None:
    issued = bench.issued()
    path = f"/v2/assertions/{issued.platform_ref}"
    for changes in ({"acceptance": "Perhaps"}, {"revoked": "perhaps"}, {"expires": "some day"}, {"issuedOn": 7}):
        fault = answers(bench, 200, envelope(award(**changes)), path)
        with pytest.raises(Outage):
            bench.held(issued.platform_ref)
        bench.control.clear_fault(fault)
    answers(bench, 200, envelope(award(acceptance=None, expires="2026-01-31T00:00:00Z", revoked=True)), path)
    held = bench.held(issued.platform_ref)
    assert (held.claim, held.standing) == (None, Standing.WITHDRAWN)
    assert bench.platform().template(FIRST) is not None


def test_an_acceptance_that_is_not_known_holds_no_award_back(bench: BadgrBench) -> None:
    answers(bench, 201, envelope(award(acceptance="Perhaps")), times=1)
    assert bench.issued().platform_ref == award()["entityId"]


@pytest.mark.parametrize("rows", [[], [award(), award()]])
def test_one_object_is_one(bench: BadgrBench, rows: list[Json]) -> None:
    answers(bench, 200, envelope(*rows), "/v2/assertions/")
    with pytest.raises(Outage, match="instead of one"):
        bench.held("ZGVtby1hc3NlcnRpb24tMQ")


def test_withdrawn_and_expired_ones_are_listed_too(bench: BadgrBench) -> None:
    first, second, third = (bench.issued(number) for number in (1, 2, 3))
    bench.platform().withdraw(first.platform_ref, "integrity")
    bench.twin.change(second.platform_ref, expires="2026-01-31T00:00:00Z")
    bench.claim(third.platform_ref, "declined")
    listed = {one.platform_ref: (one.standing, one.claim) for one in bench.platform().held(FIRST)}
    assert listed == {
        first.platform_ref: (Standing.WITHDRAWN, ClaimState.OPEN),
        second.platform_ref: (Standing.EXPIRED, ClaimState.OPEN),
        third.platform_ref: (Standing.LIVE, ClaimState.DECLINED),
    }


def test_pages_are_asked_of_the_configured_host_alone(bench: BadgrBench) -> None:
    bench.crowd(11)
    bench.twin.set(link_base="http://elsewhere.example")
    assert len(list(bench.platform().held(FIRST))) == 11
    assert asked(bench, f"/v2/badgeclasses/{FIRST}/assertions", "GET") == 3  # in pages, and not all in one answer


@pytest.mark.parametrize(
    ("link", "says"),
    [
        ("https://elsewhere.example/v2/badgeclasses", "does not lead into"),
        ("/badgr/v2/../../_sandbox", "does not lead into"),
        ("/badgr/o/token", "does not lead into"),
        (f"/badgr/v2/badgeclasses/{FIRST}/assertions?", "circle"),
    ],
)
def test_links_that_lead_astray_are_an_outage(bench: BadgrBench, link: str, says: str) -> None:
    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told = json.dumps(envelope(award())).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(told)))
            self.send_header("Link", f'</badgr/v2/before>; rel="prev", <{link}>; rel="next"')
            self.end_headers()
            self.wfile.write(told)

        def do_POST(self) -> None:
            told = b'{"access_token": "a-token"}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        bench.url = f"http://127.0.0.1:{server.server_port}/badgr"
        with pytest.raises(Outage, match=says):
            list(bench.platform().held(FIRST))
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_template_says_what_can_be_done_with_it(bench: BadgrBench) -> None:
    found = bench.platform().template(FIRST)
    assert found is not None
    assert (found.formats, found.attributes, found.repeatable) == ({Format.BADGE}, frozenset(), False)
    bench.spoil()
    assert FIRST not in {one.ref for one in bench.platform().templates()}


def test_a_hosted_server_is_read_by_entity_ids_alone(bench: BadgrBench) -> None:
    """An id of the other form leads to a badge class too, but no award tells it again."""
    bench.twin.set(hosted=True)
    issued = bench.issued()
    assert bench.held(issued.platform_ref).template == FIRST
    rows = bench.control.calls("badgr")
    assert bench.platform().template("0" * 24) is None
    assert len(bench.control.calls("badgr")) == len(rows) + 2
    answers(bench, 200, envelope({"entityId": FIRST, "name": "First Aid at Work"}), "/v2/badgeclasses/")
    assert bench.platform().template("5d1f" * 6) is None


# withdrawing


def test_a_withdrawal_tells_its_reason(bench: BadgrBench) -> None:
    first, second = bench.issued(1), bench.issued(2)
    bench.platform().withdraw(first.platform_ref, "integrity")
    bench.platform().withdraw(second.platform_ref, "")
    assert {one["reason"] for one in bench.there(live=False)} == {"integrity", "withdrawn"}


@pytest.mark.parametrize("kind", ["drop_after", "drop_before", "html", "empty_200", "garbage", "redirect"])
def test_a_withdrawal_without_a_clear_answer_is_unsure_and_may_be_repeated(bench: BadgrBench, kind: str) -> None:
    issued = bench.issued()
    bench.control.fault("badgr", kind, method="DELETE", times=1)
    with pytest.raises(Unsure):
        bench.platform().withdraw(issued.platform_ref, "integrity")
    bench.platform().withdraw(issued.platform_ref, "integrity")
    assert bench.there() == []


@pytest.mark.parametrize(
    ("status", "document", "kind"),
    [
        (200, envelope(award(revoked=False)), Unsure),
        (200, envelope(), Unsure),
        (202, envelope(award(revoked=True)), Unsure),
        (400, refusal(None, "no"), Rejected),
        (409, "{}", Rejected),
        (403, "{}", Misconfigured),
        (404, "{}", Misconfigured),
    ],
)
def test_a_withdrawal_that_was_not_made_is_no_success(
    bench: BadgrBench, status: int, document: Any, kind: type[Failure]
) -> None:
    issued = bench.issued()
    answers(bench, status, document, "/v2/assertions/", method="DELETE")
    with pytest.raises(kind):
        bench.platform().withdraw(issued.platform_ref, "integrity")


@pytest.mark.parametrize("ref", ["", ".", "..", "a/b", "a b", "ä"])
def test_what_cannot_be_an_id_is_asked_for_nowhere(bench: BadgrBench, ref: str) -> None:
    before = len(bench.control.calls("badgr"))
    bench.platform().withdraw(ref, "integrity")
    assert bench.platform().read(ref) is None
    assert bench.platform().template(ref) is None
    assert list(bench.platform().held(ref)) == []
    assert len(bench.control.calls("badgr")) == before


# the account


def test_an_application_works_as_well(bench: BadgrBench) -> None:
    bench.env("BADGR_SECRET", "badgr-client-secret")
    options = {
        "url": bench.url,
        "grant": "client_credentials",
        "client_id": "confer",
        "client_secret": "env:BADGR_SECRET",
    }
    account = replace(bench.account(), options=BadgrSchema().load(options))
    platform = Badgr(account, bench.platform().gate)
    bench.twin.add_credential(FIRST, name="Ada", email="learner2@learners.example")
    assert platform.issue(bench.order()).live
    found = platform.find(bench.order(2))
    assert found is not None
    assert not found.ours
    assert "badgr-client-secret" not in f"{account!r} {platform.__dict__!r}"


def test_a_password_that_is_refused_is_not_hammered_on(bench: BadgrBench) -> None:
    wrong = {"password": bench.env("BADGR_WRONG", "another")}
    with pytest.raises(Misconfigured) as caught:
        bench.platform(**wrong).issue(bench.order())
    assert caught.value.whole_account
    with pytest.raises(Throttled) as paused:
        bench.platform(**wrong).issue(bench.order())
    assert timedelta(minutes=4) < paused.value.until - clock.now() <= timedelta(minutes=5)
    bench.control.fault("badgr", "throttle", path="/o/token", retry_after=1800)
    with pytest.raises(Throttled) as paused:
        bench.platform(**wrong).issue(bench.order())
    assert paused.value.until - clock.now() > timedelta(minutes=29)


@pytest.mark.parametrize(
    ("more", "fine"),
    [
        ({"host": "eu"}, True),
        ({"host": "sandbox-demo", "mail": "badgr", "client_id": "mine", "scope": "rw:issuer"}, True),
        ({"host": "eu", "url": "https://badges.example.org"}, False),
        ({}, False),
        ({"host": "mars"}, False),
        ({"host": "eu", "grant": "client_credentials"}, False),
        ({"host": "eu", "grant": "implicit"}, False),
        ({"host": "eu", "username": None}, False),
        ({"host": "eu", "client_secret": "env:BADGR_PASSWORD"}, False),
        ({"host": "eu", "password": "written down"}, False),
        ({"host": "eu", "mail": "nobody"}, False),
    ],
)
def test_options_that_do_not_fit_are_refused(bench: BadgrBench, more: dict[str, Any], fine: bool) -> None:
    options = {key: value for key, value in {**bench.options(), "url": None, **more}.items() if value is not None}
    if fine:
        assert BadgrSchema().load(options)["url"].startswith("https://api.")
        return
    with pytest.raises(ValidationError):
        BadgrSchema().load(options)


def test_hosts_for_trying_out_are_known() -> None:
    hosts = BadgrSchema.hosts
    assert len(hosts) == len(set(hosts.values())) == 14
    assert all(("demo" in url or "test" in url) == name.startswith("sandbox") for name, url in hosts.items())
