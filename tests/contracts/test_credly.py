"""Credly bound to the suite for platforms; and what is its own: names, earners, duplicates, pages, states, events."""

from __future__ import annotations

import base64
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
from pipeline.errors import Duplicate, Failure, Misconfigured, Outage, Rejected, Unsure
from pipeline.platforms.credly import Credly, CredlySchema
from pipeline.settings import Settings
from pipeline.values import ClaimState, Format, Hint, Issued, Standing, Template
from pipeline.webhook import Invalid, Request, Unauthenticated, Unreadable
from sandbox.control import SandboxControl
from tests.contracts.platform_bench import Bench, Trait
from tests.contracts.platform_suite import PlatformSuite

ORGANIZATION = "0c0c0000-0000-4000-8000-000000000001"
OTHER_ORGANIZATION = "0c0c0000-0000-4000-8000-000000000002"
HOME = f"/v1/organizations/{ORGANIZATION}"
MISSING = "5f0f4a52-0000-4000-8000-00000000ffff"
BADGE = "0a1b2c3d-0000-4000-8000-000000000001"
HAS_IT = '{"data":{"message":"Ada Learner already has this badge, Ada!"}}'


class CredlyBench(Bench):
    """An organization with pages of five."""

    adapter = Credly
    system = "credly"
    templates = ("5f0f4a52-0000-4000-8000-00000000aa01", "5f0f4a52-0000-4000-8000-00000000aa02")
    past_three_pages = 16
    past_three_template_pages = 16
    formats = (Format.BADGE,)
    secrets = ("credly-token", "Y3JlZGx5LXRva2Vu")
    issuing = f"{HOME}/badges"
    lacks: ClassVar[Mapping[Trait, str]] = {
        Trait.BULK: "the batch call is known from one client only, and not what it answers (contract 3)",
        Trait.OWN_REF: "Credly keeps the id of a person, and nothing of ours for a badge (contract 5)",
        Trait.LAG: "nothing is said or seen of a list that lags behind the issuing",
        Trait.CORRECTS: "no update of an issued badge is known (contract 6)",
        Trait.SIGNATURE: "no signature is described; the event is read back with our own token (contract 7)",
        Trait.ATTRIBUTES: "a badge has what its template has, and no attributes of ours (contract 2)",
        Trait.RENEWAL: "the token is rotated by a person; OAuth is too uncertain to be used (contract 1)",
    }

    def options(self) -> dict[str, Any]:
        token = self.env("CREDLY_TOKEN", self.secrets[0])
        return {"url": self.url, "organization": ORGANIZATION, "token": token}

    def make(self) -> None:
        self.twin.set(page_size=5)
        for template, name in zip(self.templates, ("First Aid", "Fire Safety"), strict=True):
            self.twin.add_template(template, name=name)

    def spoil(self) -> None:
        self.twin.add_template(self.templates[0], name="First Aid", state="archived")

    def by_hand(self, number: int = 1, **more: Any) -> str:
        """Somebody issues the first badge in Credly's own pages; its id."""
        told = {"name": f"Ada Learner {number}", "email": f"learner{number}@learners.example", **more}
        return str(self.twin.add_credential(self.templates[0], **told)["id"])

    def says(self, status: int, body: str = "", **more: Any) -> str:
        """Have Credly answer so."""
        kind = {"kind": "status", "status": status} if status >= 400 else {"kind": "empty_200"}
        return self.control.fault(self.system, **kind, body=body, content_type="application/json", **more)

    def calls(self) -> list[tuple[str, str]]:
        """What Credly was asked for."""
        return [(one["method"], one["path"].removeprefix(HOME)) for one in self.control.calls(self.system)]


class TestCredly(PlatformSuite):
    bench_type = CredlyBench

    def template_ref(self, number: int) -> int | str:
        return f"5f0f4a52-0000-4000-8000-{9000 + number:012}"

    def missing_template(self) -> str:
        return MISSING


@pytest.fixture
def bench(confer_env: Settings, control: SandboxControl, monkeypatch: pytest.MonkeyPatch) -> CredlyBench:
    return CredlyBench(control, monkeypatch, f"{control.base_url}/credly")


Seen = list[tuple[str, str, dict[str, str], Any]]


@pytest.fixture
def recorder() -> Iterator[tuple[str, Seen]]:
    """A server that writes down what it is sent, and answers as to an issued or a revoked badge."""
    seen: Seen = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            seen.append((self.command, self.path, dict(self.headers), body))
            said = {"id": BADGE, "state": "pending" if self.command == "POST" else "revoked"}
            answer = json.dumps({"data": said}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def do_PUT(self) -> None:
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


# what goes out


def test_the_golden_request_to_issue(bench: CredlyBench, recorder: tuple[str, Seen]) -> None:
    bench.url, seen = recorder
    order = bench.order(
        template=bench.templates[0].upper(), email=" Ada@Learners.Example ", issued_on=date(2026, 1, 31),
        given_name=" Ada ", family_name="King  Noel", expires_on=date(2028, 1, 30), learner_ref="lms-user-88",
    )  # fmt: skip
    assert bench.platform().issue(order) == Issued(platform_ref=BADGE, url="", live=True, ours=True)
    [(method, path, headers, body)] = seen
    assert (method, path) == ("POST", f"{HOME}/badges")
    assert headers["Authorization"] == "Basic " + base64.b64encode(b"credly-token:").decode()
    assert (headers["Content-Type"], headers["Accept"]) == ("application/json", "application/json")
    assert body == {
        "recipient_email": "ada@learners.example",
        "badge_template_id": bench.templates[0],
        "issued_at": "2026-01-31 00:00:00 +0000",
        "issued_to_first_name": "Ada",
        "issued_to_last_name": "King Noel",
        "issuer_earner_id": "lms-user-88",
        "expires_at": "2028-01-30 23:59:59 +0000",
        "suppress_badge_notification_email": False,
    }


def test_what_the_account_says_goes_out(bench: CredlyBench, recorder: tuple[str, Seen]) -> None:
    bench.url, seen = recorder
    platform = bench.platform(notify="confer", locale="fr-CA", earner_prefix="campus-")
    platform.issue(bench.order(expires_on=None))
    body = seen[0][3]
    assert (body["suppress_badge_notification_email"], body["locale"]) == (True, "fr-CA")
    assert body["issuer_earner_id"] == "campus-301"
    assert body["expires_at"] is False  # null would be the template's own expiry


@pytest.mark.parametrize("notify", ["platform", "confer"])
def test_the_golden_request_to_revoke(bench: CredlyBench, recorder: tuple[str, Seen], notify: str) -> None:
    bench.url, seen = recorder
    bench.platform(notify=notify).withdraw(BADGE, "integrity")
    [(method, path, _, body)] = seen
    assert (method, path) == ("PUT", f"{HOME}/badges/{BADGE}/revoke")
    assert body == {"reason": "integrity", "suppress_revoke_notification_email": notify == "confer"}


def test_a_token_that_was_copied_with_its_colon_is_the_same(bench: CredlyBench) -> None:
    token = bench.env("CREDLY_TOKEN_COLON", "credly-token:")
    assert bench.platform(token=token).issue(bench.order()).live


def test_our_reference_goes_nowhere(bench: CredlyBench, recorder: tuple[str, Seen]) -> None:
    bench.url, seen = recorder
    bench.issued()
    assert bench.order().ref not in json.dumps(seen[0][3])


# the account


@pytest.mark.parametrize(
    ("host", "url", "for_trying"),
    [("production", "https://api.credly.com", False), ("sandbox", "https://sandbox-api.credly.com", True)],
)
def test_a_host_is_named(bench: CredlyBench, host: str, url: str, for_trying: bool) -> None:
    given = {name: value for name, value in bench.options().items() if name != "url"}
    loaded = CredlySchema().load({**given, "host": host})
    assert (loaded["url"], loaded["sandbox"]) == (url, for_trying)
    assert (loaded["single_name"], loaded["notify"], loaded["locale"]) == ("hold", "platform", None)
    assert (loaded["earner_prefix"], loaded["read_by"]) == ("", "id")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("organization", "academy"),
        ("token", "the-token-itself"),
        ("single_name", "guess"),
        ("notify", "nobody"),
        ("locale", "tlh"),
        ("read_by", "name"),
        ("host", "europe"),
    ],
)
def test_a_wrong_option_is_refused(bench: CredlyBench, name: str, value: str) -> None:
    with pytest.raises(ValidationError) as caught:
        CredlySchema().load({**bench.options(), name: value})
    assert name in caught.value.normalized_messages()


def test_an_organization_in_capitals_is_the_same(bench: CredlyBench) -> None:
    assert bench.platform(organization=ORGANIZATION.upper()).issue(bench.order()).live


# names and addresses


@pytest.mark.parametrize(
    ("changes", "first", "last"),
    [
        ({"given_name": "Ada", "family_name": "King Noel"}, "Ada", "King Noel"),
        ({"given_name": None, "family_name": None, "name": " Ada  King Noel "}, "Ada King", "Noel"),
        ({"given_name": "Ada", "family_name": " ", "name": "Ada Noel"}, "Ada", "Noel"),
        ({"given_name": "", "family_name": "Noel", "name": "Ada Noel"}, "Ada", "Noel"),
    ],
)
def test_first_and_last_name(
    bench: CredlyBench, recorder: tuple[str, Seen], changes: dict[str, Any], first: str, last: str
) -> None:
    bench.url, seen = recorder
    bench.issued(**changes)
    assert (seen[0][3]["issued_to_first_name"], seen[0][3]["issued_to_last_name"]) == (first, last)


def test_a_single_name_is_for_a_person_or_said_twice(bench: CredlyBench) -> None:
    single = bench.order(name="Suharto", given_name="Suharto", family_name="")
    with pytest.raises(Rejected, match="last name") as caught:
        bench.platform().issue(single)
    assert "Suharto" not in caught.value.detail
    assert bench.calls() == []
    bench.platform(single_name="repeat").issue(single)
    assert bench.there()[0]["name"] == "Suharto Suharto"
    found = bench.platform().find(replace(single, email="another@learners.example"))
    assert found is not None  # the same learner, with a name as it was told


@pytest.mark.parametrize(
    "changes",
    [
        {"email": ""},
        {"email": "no-address"},
        {"email": "two@signs@learners.example"},
        {"email": "a b@learners.example"},
        {"email": "a|state::revoked@learners.example"},
        {"email": "a,b@learners.example"},
        {"learner_ref": ""},
        {"learner_ref": " "},
        {"learner_ref": "7|state::revoked"},
        {"learner_ref": "7,8"},
        {"learner_ref": "7::8"},
        {"learner_ref": ":7"},
        {"learner_ref": "7:"},
    ],
)
def test_who_cannot_be_looked_up_again_is_not_issued_to(bench: CredlyBench, changes: dict[str, Any]) -> None:
    for ask in (bench.platform().issue, bench.platform().find):
        with pytest.raises(Rejected) as caught:
            ask(bench.order(**changes))
        assert not any(value in caught.value.detail for value in changes.values() if value.strip())
    assert bench.calls() == []


@pytest.mark.parametrize("name", ["", "  "])
def test_no_name_is_rejected_whatever_its_parts(bench: CredlyBench, name: str) -> None:
    with pytest.raises(Rejected, match="no name"):
        bench.issued(name=name)
    assert bench.calls() == []


def test_an_address_with_a_plus_is_found_again(bench: CredlyBench) -> None:
    issued = bench.issued(email="ada+badges&x=1@learners.example")
    order = bench.order(email="ada+badges&x=1@learners.example", learner_ref="another")
    bench.twin.add_credential(bench.templates[1], name="A B", email="ada+badges&x=1@learners.example")
    assert bench.platform().find(order) is None  # under another learner's id
    found = bench.platform().find(replace(order, learner_ref="301"))
    assert found is not None
    assert found.platform_ref == issued.platform_ref


# what a refusal to issue is about


@pytest.mark.parametrize("status", [400, 422, 403])
def test_that_the_learner_has_it_is_a_duplicate_under_any_refusal(bench: CredlyBench, status: int) -> None:
    bench.says(status, HAS_IT)
    with pytest.raises(Duplicate) as caught:
        bench.issued()
    assert "Ada" not in caught.value.detail
    assert caught.value.existing is None
    assert len(bench.calls()) == 1


def test_a_conflict_is_a_duplicate(bench: CredlyBench) -> None:
    bench.says(409, "{}")
    with pytest.raises(Duplicate):
        bench.issued()


def test_the_words_of_a_duplicate_under_success_are_none(bench: CredlyBench) -> None:
    bench.says(200, HAS_IT)
    with pytest.raises(Unsure):
        bench.issued()


@pytest.mark.parametrize("status", [400, 404, 410, 422])
@pytest.mark.parametrize("body", ['{"data":{"message":"Ada is wrong"}}', '{"errors":["Ada"]}', "Ada", "[]", ""])
def test_any_other_refusal_is_about_the_learner_where_the_template_is_fine(
    bench: CredlyBench, status: int, body: str
) -> None:
    bench.says(status, body, method="POST")
    with pytest.raises(Rejected) as caught:
        bench.issued()
    assert str(status) in caught.value.detail
    assert "Ada" not in caught.value.detail
    assert bench.calls() == [("POST", "/badges"), ("GET", f"/badge_templates/{bench.templates[0]}")]


@pytest.mark.parametrize("state", ["archived", "draft"])
def test_a_template_that_is_not_active_is_for_an_administrator(bench: CredlyBench, state: str) -> None:
    bench.twin.add_template(bench.templates[0], name="First Aid", state=state)
    with pytest.raises(Misconfigured, match=state) as caught:
        bench.issued()
    assert not caught.value.whole_account


def test_a_template_that_cannot_be_read_after_a_refusal_leaves_no_doubt(bench: CredlyBench) -> None:
    bench.says(422, "{}", method="POST")
    bench.says(500, "{}", method="GET")
    with pytest.raises(Outage):
        bench.issued()


@pytest.mark.parametrize("template", ["987654321", "", "../badges", f"{MISSING}x"])
def test_a_template_of_impossible_form_is_misconfigured_without_a_call(bench: CredlyBench, template: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        bench.issued(template=template)
    assert not caught.value.whole_account
    assert bench.platform().template(template) is None
    assert bench.calls() == []


def test_attributes_are_refused_before_any_call(bench: CredlyBench) -> None:
    with pytest.raises(Misconfigured, match="attributes") as caught:
        bench.issued(attributes={"Score": "91.5"})
    assert not caught.value.whole_account
    assert bench.calls() == []


@pytest.mark.parametrize(
    ("status", "failure"),
    [(401, Misconfigured), (403, Misconfigured), (402, Rejected), (405, Rejected), (413, Rejected)],
)
def test_other_refusals(bench: CredlyBench, status: int, failure: type[Failure]) -> None:
    bench.says(status, '{"data":{"message":"Ada"}}')
    for ask in (bench.issued, lambda: bench.platform().withdraw(BADGE, "integrity")):
        with pytest.raises(failure) as caught:
            ask()
        assert caught.value.whole_account is (failure is Misconfigured)
        assert "Ada" not in caught.value.detail


def test_a_wrong_organization_is_about_the_whole_account(bench: CredlyBench) -> None:
    platform = bench.platform(organization=OTHER_ORGANIZATION)
    for ask in (
        lambda: platform.issue(bench.order()),
        lambda: platform.find(bench.order()),
        lambda: platform.read(BADGE),
        lambda: platform.template(bench.templates[0]),
        lambda: list(platform.templates()),
        lambda: list(platform.held(bench.templates[0])),
        lambda: platform.withdraw(BADGE, "integrity"),
        lambda: platform.hinted(Hint(key=BADGE, ref=BADGE)),
    ):
        with pytest.raises(Misconfigured, match="organization") as caught:
            ask()
        assert caught.value.whole_account


@pytest.mark.parametrize("status", [200, 201])
def test_created_or_ok_are_both_success(bench: CredlyBench, status: int) -> None:
    bench.twin.set(issue_status=status)
    assert bench.issued().live


@pytest.mark.parametrize(
    "body",
    [
        "{}",
        "[]",
        '{"data":null}',
        '{"data":{}}',
        '{"data":{"id":"0a1b2c3d-0000-4000-8000-000000000001"}}',
        '{"data":{"state":"pending"}}',
        '{"data":{"id":"7","state":"pending"}}',
        '{"data":{"id":7,"state":"pending"}}',
        '{"data":{"id":"0a1b2c3d-0000-4000-8000-000000000001","state":"minted"}}',
    ],
)
def test_an_answer_that_does_not_say_what_was_made_leaves_doubt(bench: CredlyBench, body: str) -> None:
    bench.says(200, body)
    with pytest.raises(Unsure):
        bench.issued()
    with pytest.raises(Unsure):
        bench.platform().withdraw(BADGE, "integrity")


def test_a_badge_that_is_revoked_as_it_is_issued_is_not_live(bench: CredlyBench) -> None:
    bench.says(200, json.dumps({"data": {"id": BADGE, "state": "revoked"}}))
    assert not bench.issued().live


def test_a_badge_that_is_accepted_at_once_is_live(bench: CredlyBench) -> None:
    bench.twin.set(auto_accept=True)
    issued = bench.issued()
    assert issued.live
    assert bench.held(issued.platform_ref).claim is ClaimState.CLAIMED


# whose it is


def test_the_same_address_under_another_learners_id_is_somebody_elses(bench: CredlyBench) -> None:
    bench.issued(1)
    family = bench.order(2, email="learner1@learners.example")
    assert bench.platform().find(family) is None
    with pytest.raises(Duplicate) as caught:
        bench.platform().issue(family)
    assert caught.value.existing is None
    assert bench.platform().find(family) is None


def test_the_same_id_with_another_name_and_address_is_for_a_person(bench: CredlyBench) -> None:
    bench.issued(1)
    stranger = bench.order(1, name="Bob Byron", given_name="Bob", family_name="Byron", email="bob@learners.example")
    with pytest.raises(Rejected, match="earner_prefix") as caught:
        bench.platform().find(stranger)
    assert "Ada" not in caught.value.detail
    assert "bob" not in caught.value.detail.lower()
    assert bench.platform(earner_prefix="college-").find(stranger) is None
    assert bench.platform(earner_prefix="college-").issue(stranger).live


def test_the_same_learner_under_another_name_is_found_by_the_address(bench: CredlyBench) -> None:
    issued = bench.issued(1)
    married = bench.order(1, name="Ada Noel", given_name="Ada", family_name="Noel")
    assert bench.platform().find(married) == issued


def test_the_name_is_compared_whatever_its_letters_and_spaces(bench: CredlyBench) -> None:
    issued = bench.issued(1)
    written = bench.order(1, email="a@b.example", name="ADA  learner 1", given_name=None, family_name=None)
    assert bench.platform().find(written) == issued


def test_it_is_found_whatever_the_letters_of_the_templates_id(bench: CredlyBench) -> None:
    issued = bench.issued()
    assert bench.platform().find(bench.order(template=bench.templates[0].upper())) == issued


def test_given_and_family_name_are_a_spelling_too(bench: CredlyBench) -> None:
    issued = bench.issued(name="Learner, Ada", given_name="Ada", family_name="Learner")
    order = bench.order(name="Learner, Ada", given_name="Ada", family_name="Learner", email="a@b.example")
    assert bench.platform().find(order) == issued


def test_one_by_hand_is_found_under_the_main_address_of_its_user(bench: CredlyBench) -> None:
    made = bench.by_hand(email="private@home.example")
    assert bench.platform().find(bench.order()) is None
    bench.twin.change(made, user_email="learner1@learners.example")
    found = bench.platform().find(bench.order())
    assert found is not None
    assert (found.platform_ref, found.ours) == (made, False)


def test_one_by_hand_that_bears_the_learners_id_counts_as_ours(bench: CredlyBench) -> None:
    made = bench.by_hand(issuer_earner_id="301")
    found = bench.platform().find(bench.order())
    assert found is not None
    assert (found.platform_ref, found.ours) == (made, True)


def test_a_filter_that_filters_nothing_makes_nobody_elses_badge_ours(bench: CredlyBench) -> None:
    other = {"id": BADGE, "state": "accepted", "badge_url": "https://x.example/1",
             "badge_template": {"id": bench.templates[0]}, "issued_to": "Somebody Else",
             "recipient_email": "else@learners.example", "issuer_earner_id": None,
             "user": {"email": "else@learners.example"}}  # fmt: skip
    rows = [other, {**other, "user": None}, {**other, "issuer_earner_id": "3010"}, {**other, "issuer_earner_id": ""}]
    bench.says(200, json.dumps({"data": rows, "metadata": {"next_page_url": None}}))
    assert bench.platform().find(bench.order()) is None
    assert len(bench.calls()) == 3


def test_what_is_looked_for_and_how(bench: CredlyBench) -> None:
    bench.platform().find(bench.order())
    assert bench.calls() == [("GET", "/badges")] * 3
    assert bench.twin.ignored_fields() == []  # every filter and sorting is one that is known


@pytest.mark.parametrize("change", ["withdrawn", "deleted"])
def test_what_was_taken_back_is_not_found(bench: CredlyBench, change: str) -> None:
    issued = bench.issued()
    bench.twin.change(issued.platform_ref, **{change: True})
    assert bench.platform().find(bench.order()) is None


def test_a_declined_badge_exists_and_is_not_issued_again(bench: CredlyBench) -> None:
    issued = bench.issued()
    bench.claim(issued.platform_ref, "declined")
    assert bench.platform().find(bench.order()) == issued
    held = bench.held(issued.platform_ref)
    assert (held.standing, held.claim, held.claimed_at) == (Standing.LIVE, ClaimState.DECLINED, None)


def test_an_expired_badge_is_not_the_one_that_is_looked_for(bench: CredlyBench) -> None:
    made = bench.by_hand(issued_at="2020-01-01 00:00:00 +0000", expires_at="2021-01-01 00:00:00 +0000")
    assert bench.platform().find(bench.order()) is None
    assert bench.held(made).standing is Standing.EXPIRED


def test_of_several_that_a_template_allows_the_one_of_the_day_is_found(bench: CredlyBench) -> None:
    bench.twin.add_template(bench.templates[0], name="First Aid", allow_duplicate_badges=True)
    earlier = bench.order(issued_on=clock.now().date() - timedelta(days=400))
    first = bench.platform().issue(earlier)
    assert bench.platform().find(bench.order()) is None
    second = bench.platform().issue(bench.order())
    assert bench.platform().find(bench.order()) == second
    assert bench.platform().find(earlier) == first


def test_where_a_template_allows_one_it_is_found_whenever_it_was_issued(bench: CredlyBench) -> None:
    made = bench.by_hand(issued_at="2024-01-01 00:00:00 +0000", issuer_earner_id="301")
    found = bench.platform().find(bench.order())
    assert found is not None
    assert found.platform_ref == made


@pytest.mark.parametrize(
    ("issued_at", "found"),
    [
        ("2026-01-29T23:59:59Z", False),
        ("2026-01-30T00:00:00Z", True),
        ("2026-01-31T12:00:00Z", True),
        ("2026-02-01T23:59:59Z", True),
        ("2026-02-02T00:00:00Z", False),
        (None, True),
    ],
)
def test_the_day_may_be_that_of_another_zone(bench: CredlyBench, issued_at: str | None, found: bool) -> None:
    template = {"id": bench.templates[0], "allow_duplicate_badges": True}
    only = row(issuer_earner_id="301", issued_to="Ada Learner 1", issued_at=issued_at, badge_template=template)
    bench.says(200, json.dumps({"data": [only], "metadata": {"next_page_url": None}}))
    assert (bench.platform().find(bench.order(issued_on=date(2026, 1, 31))) is not None) == found


# templates


@pytest.mark.parametrize("repeatable", [True, False])
def test_a_template_tells_what_it_allows(bench: CredlyBench, repeatable: bool) -> None:
    bench.twin.add_template(bench.templates[0], name="First Aid", allow_duplicate_badges=repeatable)
    assert bench.platform().template(bench.templates[0].upper()) == Template(
        ref=bench.templates[0], name="First Aid", usable=True, formats=frozenset({Format.BADGE}),
        attributes=frozenset(), repeatable=repeatable,
    )  # fmt: skip


def test_all_templates_are_listed_in_whatever_state(bench: CredlyBench) -> None:
    for number, state in enumerate(("active", "archived", "draft")):
        bench.twin.add_template(f"5f0f4a52-0000-4000-8000-00000000bb0{number}", name=state, state=state)
    found = {one.name: one for one in bench.platform().templates()}
    assert [found[state].usable for state in ("active", "archived", "draft")] == [True, False, False]
    assert all(state in found[state].reason for state in ("archived", "draft"))
    assert bench.twin.ignored_fields() == []


@pytest.mark.parametrize("spoilt", [{"state": "minted"}, {"id": "7"}, {"name": None}])
def test_a_template_of_another_shape_is_an_outage(bench: CredlyBench, spoilt: dict[str, Any]) -> None:
    whole = {"id": bench.templates[0], "name": "First Aid", "state": "active"}
    assert bench.platform().template(bench.templates[0]) is not None
    bench.says(200, json.dumps({"data": {**whole, **spoilt}}))
    with pytest.raises(Outage):
        bench.platform().template(bench.templates[0])


# reading


def row(**changes: Any) -> dict[str, Any]:
    """A badge with the members that are certain."""
    return {"id": BADGE, "state": "pending", "badge_template": {"id": CredlyBench.templates[0]}, **changes}


@pytest.mark.parametrize(
    ("state", "standing", "claim"),
    [
        ("pending", Standing.LIVE, ClaimState.OPEN),
        ("accepted", Standing.LIVE, ClaimState.CLAIMED),
        ("rejected", Standing.LIVE, ClaimState.DECLINED),
        ("revoked", Standing.WITHDRAWN, None),
    ],
)
def test_states_become_standings_and_claims(
    bench: CredlyBench, state: str, standing: Standing, claim: ClaimState | None
) -> None:
    bench.says(200, json.dumps({"data": row(state=state, state_updated_at="2026-02-01T10:00:00.000Z")}))
    held = bench.held(BADGE)
    assert (held.standing, held.claim) == (standing, claim)
    claimed = datetime(2026, 2, 1, 10, tzinfo=UTC) if claim is ClaimState.CLAIMED else None
    assert held.claimed_at == claimed


@pytest.mark.parametrize("state", ["pending", "accepted", "rejected", "revoked"])
def test_only_what_stands_expires(bench: CredlyBench, state: str) -> None:
    bench.says(200, json.dumps({"data": row(state=state, expires_at="2021-01-01T00:00:00.000Z")}))
    wanted = Standing.WITHDRAWN if state == "revoked" else Standing.EXPIRED
    assert bench.held(BADGE).standing is wanted


def test_what_credly_does_not_tell_is_none(bench: CredlyBench) -> None:
    bench.says(200, json.dumps({"data": row()}))
    held = bench.held(BADGE)
    assert (held.url, held.ref, held.learner_ref, held.name, held.email) == ("", None, None, None, None)


def test_the_learners_id_is_told_without_the_accounts_prefix(bench: CredlyBench) -> None:
    ref = bench.platform(earner_prefix="campus-").issue(bench.order()).platform_ref
    for prefix, told in (("campus-", "301"), ("", "campus-301"), ("college-", None)):
        held = bench.platform(earner_prefix=prefix).read(ref)
        assert held is not None
        assert held.learner_ref == told


@pytest.mark.parametrize(
    "spoilt",
    [
        {"state": "minted"},
        {"state": None},
        {"id": "x"},
        {"badge_template": None},
        {"badge_template": {"id": 7}},
        {"expires_at": "soon"},
        {"recipient_email": 7},
    ],
)
def test_a_badge_of_another_shape_is_an_outage(bench: CredlyBench, spoilt: dict[str, Any]) -> None:
    bench.says(200, json.dumps({"data": row(**spoilt)}))
    with pytest.raises(Outage) as caught:
        bench.platform().read(BADGE)
    assert next(iter(spoilt)) in caught.value.detail
    bench.control.clear_faults()
    bench.says(200, json.dumps({"data": [row(**spoilt)], "metadata": {"next_page_url": None}}))
    with pytest.raises(Outage):
        bench.platform().find(bench.order())


@pytest.mark.parametrize("status", [404, 410])
def test_what_is_gone_is_none(bench: CredlyBench, status: int) -> None:
    bench.says(status, "{}", path=f"{HOME}/badges/")
    assert bench.platform().read(BADGE) is None


def test_where_no_single_badge_can_be_read_it_is_looked_for_in_the_list(bench: CredlyBench) -> None:
    bench.twin.set(single_read=False)
    bench.crowd(7)
    issued = bench.issued()
    bench.twin.change(issued.platform_ref, withdrawn=True)
    assert bench.platform().read(issued.platform_ref) is None
    by_list = bench.platform(read_by="list")
    held = by_list.read(issued.platform_ref.upper())
    assert held is not None
    assert held.standing is Standing.WITHDRAWN
    assert by_list.read(BADGE) is None
    by_list.withdraw(issued.platform_ref, "integrity")  # again, and Credly refuses it


def test_held_lists_revoked_ones_too(bench: CredlyBench) -> None:
    issued, other = bench.issued(1), bench.issued(2)
    bench.platform().withdraw(issued.platform_ref, "integrity")
    found = {one.platform_ref: one.standing for one in bench.platform().held(bench.templates[0].upper())}
    assert found == {issued.platform_ref: Standing.WITHDRAWN, other.platform_ref: Standing.LIVE}
    assert bench.twin.ignored_fields() == []


# pages


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/v1/organizations",
        "//evil.example/v1",
        "{host}.evil.example/credly/v1",
        "{base}.evil.example/v1",
        "{base}",
        "/v1/organizations",
        "",
    ],
)
def test_a_next_page_elsewhere_is_an_outage_and_is_not_asked_for(bench: CredlyBench, address: str) -> None:
    host = bench.url.removesuffix("/credly")
    told = address.format(host=host, base=bench.url)
    bench.says(200, json.dumps({"data": [], "metadata": {"next_page_url": told}}))
    with pytest.raises(Outage, match="not at the configured address"):
        bench.platform().find(bench.order())
    assert len(bench.calls()) == 1


def test_pages_that_come_to_no_end_are_an_outage(bench: CredlyBench) -> None:
    told = {"data": [], "metadata": {"next_page_url": f"{bench.url}{HOME}/badges?page=2"}}
    bench.says(200, json.dumps(told))
    with pytest.raises(Outage, match="no end"):
        bench.platform().find(bench.order())


def test_an_empty_page_before_the_last_is_no_end(bench: CredlyBench) -> None:
    issued = bench.issued()
    told = {"data": [], "metadata": {"next_page_url": f"{bench.url}{HOME}/badges?page=1"}}
    bench.says(200, json.dumps(told), times=1)
    assert bench.platform().find(bench.order()) == issued


@pytest.mark.parametrize(
    "body", ["{}", '{"data":[]}', '{"data":[],"metadata":{}}', '{"data":{},"metadata":{"next_page_url":null}}', "[]"]
)
def test_a_page_that_does_not_say_whether_it_is_the_last_is_an_outage(bench: CredlyBench, body: str) -> None:
    bench.says(200, body)
    with pytest.raises(Outage):
        bench.platform().find(bench.order())


@pytest.mark.parametrize(
    ("status", "failure"), [(500, Outage), (404, Outage), (410, Outage), (401, Misconfigured), (422, Rejected)]
)
def test_a_later_page_that_fails_is_no_end(bench: CredlyBench, status: int, failure: type[Failure]) -> None:
    bench.crowd(7)
    bench.says(status, "{}", method="GET", skip=1)
    with pytest.raises(failure):
        list(bench.platform().held(bench.templates[0]))


# withdrawing


@pytest.mark.parametrize("again", [True, False])
def test_a_second_revocation_is_a_success_whatever_credly_says(bench: CredlyBench, again: bool) -> None:
    bench.twin.set(revoke_again=again)
    issued = bench.issued()
    for _ in range(2):
        bench.platform().withdraw(issued.platform_ref.upper(), "integrity")
    [made] = bench.there(live=None)
    assert (made["state"], made["reason"]) == ("revoked", "integrity")


@pytest.mark.parametrize("kind", ["drop_after", "drop_before", "html", "redirect"])
def test_a_lost_answer_to_a_revocation_is_repeated(bench: CredlyBench, kind: str) -> None:
    issued = bench.issued()
    bench.control.fault(bench.system, kind, method="PUT", times=1)
    with pytest.raises(Unsure):
        bench.platform().withdraw(issued.platform_ref, "integrity")
    bench.platform().withdraw(issued.platform_ref, "integrity")
    assert bench.there() == []


@pytest.mark.parametrize("status", [400, 404, 409, 422])
def test_a_refused_revocation_of_a_badge_that_stands_is_for_a_person(bench: CredlyBench, status: int) -> None:
    issued = bench.issued()
    bench.says(status, '{"data":{"message":"Ada"}}', method="PUT")
    with pytest.raises(Rejected, match=str(status)) as caught:
        bench.platform().withdraw(issued.platform_ref, "integrity")
    assert "Ada" not in caught.value.detail


@pytest.mark.parametrize("state", ["pending", "accepted", "rejected"])
def test_an_answer_that_does_not_say_revoked_leaves_doubt(bench: CredlyBench, state: str) -> None:
    bench.says(200, json.dumps({"data": row(state=state)}))
    with pytest.raises(Unsure):
        bench.platform().withdraw(BADGE, "integrity")


def test_accepted_for_later_is_no_revocation(bench: CredlyBench) -> None:
    bench.control.fault(bench.system, "status", status=202, body=json.dumps({"data": row(state="revoked")}))
    with pytest.raises(Unsure):
        bench.platform().withdraw(BADGE, "integrity")


@pytest.mark.parametrize("ref", ["", ".", "..", "7", f"{BADGE}/../..", "../badge_templates"])
def test_an_impossible_id_is_not_there_and_nothing_is_called(bench: CredlyBench, ref: str) -> None:
    platform = bench.platform()
    platform.withdraw(ref, "integrity")
    assert platform.read(ref) is None
    assert platform.hinted(Hint(key="1", ref=ref)) is None
    assert bench.calls() == []


# the webhook

EVENT = "0e0e0000-0000-4000-8000-000000000001"


def pointer(**changes: Any) -> Request:
    """The webhook for a badge that was accepted."""
    told = {"id": EVENT, "organization_id": ORGANIZATION, "event_type": "badge.state.changed",
            "occurred_at": "2026-02-01T10:00:00.000Z", **changes}  # fmt: skip
    return Request(body=json.dumps(told).encode(), headers={}, address="192.0.2.7")


@pytest.mark.parametrize(
    ("kind", "heard"),
    [
        ("badge.state.changed", True),
        ("badge.created", True),
        ("badge.deleted", True),
        ("badge.privacy.changed", True),
        ("badge_template.changed", False),
        ("organization.changed", False),
        ("", False),
    ],
)
def test_events_about_badges_are_hints(bench: CredlyBench, kind: str, heard: bool) -> None:
    hints = bench.platform().hear(pointer(event_type=kind))
    assert hints == ((Hint(key=EVENT, ref=EVENT),) if heard else ())
    assert bench.calls() == []


@pytest.mark.parametrize("organization", [OTHER_ORGANIZATION, MISSING])
def test_an_event_of_another_organization_is_not_heard(bench: CredlyBench, organization: str) -> None:
    with pytest.raises(Unauthenticated):
        bench.platform().hear(pointer(organization_id=organization))


def test_ids_are_the_same_in_capitals(bench: CredlyBench) -> None:
    [hint] = bench.platform().hear(pointer(id=EVENT.upper(), organization_id=ORGANIZATION.upper()))
    assert hint == Hint(key=EVENT, ref=EVENT)


@pytest.mark.parametrize(
    "changes", [{"id": "7"}, {"id": None}, {"id": ["x"]}, {"organization_id": 7}, {"event_type": 7}]
)
def test_a_pointer_of_another_shape_is_invalid(bench: CredlyBench, changes: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as caught:
        bench.platform().hear(pointer(**changes))
    assert set(caught.value.fields) == set(changes)


def test_no_json_is_unreadable(bench: CredlyBench) -> None:
    with pytest.raises(Unreadable):
        bench.platform().hear(replace(pointer(), body=b"{"))


def test_the_state_is_the_one_that_is_read_back_and_not_the_events(bench: CredlyBench) -> None:
    issued = bench.issued()
    report = bench.claim(issued.platform_ref, "claimed", url="http://127.0.0.1:9/x", dry=True)
    [hint] = bench.platform().hear(bench.request(report))
    bench.platform().withdraw(issued.platform_ref, "integrity")
    held = bench.platform().hinted(hint)
    assert held is not None
    assert held.standing is Standing.WITHDRAWN


def test_an_event_that_is_not_there_or_whose_badge_is_gone_is_none(bench: CredlyBench) -> None:
    assert bench.platform().hinted(Hint(key=EVENT, ref=EVENT)) is None
    issued = bench.issued()
    report = bench.twin.change(issued.platform_ref, deleted=True, send={"url": "http://127.0.0.1:9/x", "dry": True})
    [hint] = bench.platform().hear(bench.request(report))
    assert bench.platform().hinted(hint) is None


@pytest.mark.parametrize(
    ("event", "failure"),
    [
        ({"event_type": "badge.created"}, Outage),
        ({"event_type": "badge.created", "badge": None}, Outage),
        ({"event_type": "badge.created", "badge": {"id": "7"}}, Outage),
        ({"badge": {"id": BADGE}}, Outage),
        ({"event_type": "badge_template.changed", "badge": {"id": BADGE}}, None),
    ],
)
def test_an_event_of_another_shape_is_an_outage(
    bench: CredlyBench, event: dict[str, Any], failure: type[Failure] | None
) -> None:
    bench.says(200, json.dumps({"data": event}))
    if failure is None:
        assert bench.platform().hinted(Hint(key=EVENT, ref=EVENT)) is None
        return
    with pytest.raises(failure):
        bench.platform().hinted(Hint(key=EVENT, ref=EVENT))
