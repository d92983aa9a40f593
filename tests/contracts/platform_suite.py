"""What every platform has to stand, over its HTTP twin: one suite, so that no adapter is held to less than another.

A binding is a `Bench` (see `platform_bench`) and a class `TestX(PlatformSuite)` that names it. What a platform does
not have stands in `Bench.lacks`, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

import pytest

from pipeline import clock
from pipeline.errors import Duplicate, Failure, Misconfigured, Outage, Rejected, Throttled, Unsure
from pipeline.settings import Settings
from pipeline.values import ClaimState, Issued, Standing
from pipeline.webhook import Invalid, Unauthenticated, Unreadable
from sandbox.control import SandboxControl
from tests.contracts.platform_bench import Bench, Trait

#: what a call may meet that says nothing of what it did
UNCLEAR = ("html", "garbage", "empty_200", "drop_before", "drop_after", "redirect")
NOT_HEARD = (Unauthenticated, Unreadable, Invalid)


def wants(*traits: Trait) -> Callable[[Any], Any]:
    """A test for platforms that have these traits; a binding that lacks one of them says so in `lacks`."""

    def mark(test: Any) -> Any:
        test.wants = frozenset(traits)
        return test

    return mark


class PlatformSuite:
    """Issuing, finding, templates, correcting, withdrawing, claims, and every kind of trouble."""

    bench_type: ClassVar[type[Bench]]

    def __init_subclass__(cls) -> None:
        """A test whose trait the bench lacks is no part of the subclass."""
        for name in dir(cls) if hasattr(cls, "bench_type") else ():
            wanted: frozenset[Trait] = getattr(getattr(cls, name), "wants", frozenset())
            if wanted & set(cls.bench_type.lacks):
                setattr(cls, name, None)  # pytest takes what is no function for no test

    @pytest.fixture
    def bench(self, confer_env: Settings, control: SandboxControl, monkeypatch: pytest.MonkeyPatch) -> Bench:
        del confer_env
        return self.bench_type(control, monkeypatch, f"{control.base_url}/{self.bench_type.system}")

    def test_what_is_lacking_has_a_reason_and_is_lacking(self, bench: Bench) -> None:
        assert all(len(reason) > 20 for reason in bench.lacks.values())
        assert (Trait.BULK in bench.lacks) == (bench.adapter.bulk == 1)
        assert (Trait.CORRECTS in bench.lacks) == (not bench.adapter.corrects)
        assert (Trait.WEBHOOK in bench.lacks) == (not bench.adapter.hears)

    # issuing

    def test_one_is_issued_and_is_live(self, bench: Bench) -> None:
        issued = bench.issued()
        [made] = bench.there()
        assert issued == Issued(platform_ref=made["id"], url=issued.url, live=True, ours=True)
        assert issued.url.startswith("http")
        assert (made["template"], made["email"]) == (bench.templates[0], "learner1@learners.example")
        assert made["name"] == "Ada Learner 1"
        assert bench.twin.ignored_fields() == []

    def test_the_address_is_told_in_small_letters_and_without_spaces(self, bench: Bench) -> None:
        bench.issued(email=" Learner1@Learners.EXAMPLE ")
        assert bench.there()[0]["email"] == "learner1@learners.example"

    @wants(Trait.ATTRIBUTES)
    def test_attributes_arrive(self, bench: Bench) -> None:
        bench.issued()
        assert bench.there()[0]["attributes"] == dict(bench.attributes)

    def test_a_name_may_hold_any_script(self, bench: Bench) -> None:
        name = "Zoë Nguyễn-O’Brien 李 \U0001f600"
        bench.issued(name=name, given_name=None, family_name=None)
        assert bench.there()[0]["name"] == name

    def test_two_learners_and_two_templates_are_four_credentials(self, bench: Bench) -> None:
        for template in bench.templates:
            for number in (1, 2):
                order = bench.order(number, template=template, ref=f"confer-{template[-8:]}-{number}")
                bench.platform().issue(order)
        assert len({(one["template"], one["email"]) for one in bench.there()}) == 4

    @wants(Trait.REFUSES)
    def test_a_second_one_is_refused_and_the_first_found(self, bench: Bench) -> None:
        first = bench.issued()
        with pytest.raises(Duplicate) as caught:
            bench.issued()
        found = caught.value.existing or bench.platform().find(bench.order())
        assert found is not None
        assert found.platform_ref == first.platform_ref
        assert len(bench.there()) == 1

    # finding

    def test_nothing_is_found_before_and_the_same_one_after(self, bench: Bench) -> None:
        assert bench.platform().find(bench.order()) is None
        issued = bench.issued()
        assert bench.platform().find(bench.order()) == issued

    def test_it_is_found_whatever_the_letters_of_the_address(self, bench: Bench) -> None:
        issued = bench.issued()
        found = bench.platform().find(bench.order(email=" LEARNER1@learners.example"))
        assert found is not None
        assert found.platform_ref == issued.platform_ref

    def test_somebody_elses_is_not_found(self, bench: Bench) -> None:
        bench.issued(2)
        bench.issued(1, template=bench.templates[1], ref="confer-other")
        assert bench.platform().find(bench.order(1)) is None

    @wants(Trait.OWN_REF)
    def test_it_is_found_under_an_address_that_has_changed_since(self, bench: Bench) -> None:
        issued = bench.issued()
        found = bench.platform().find(bench.order(email="married@learners.example"))
        assert found is not None
        assert (found.platform_ref, found.ours) == (issued.platform_ref, True)

    @wants(Trait.LEARNER_REF)
    def test_the_same_learner_is_found_under_an_address_that_has_changed_since(self, bench: Bench) -> None:
        issued = bench.issued()
        found = bench.platform().find(bench.order(email="married@learners.example"))
        assert found is not None
        assert found.platform_ref == issued.platform_ref

    def test_one_that_staff_issued_by_hand_is_found_and_is_not_ours(self, bench: Bench) -> None:
        made = bench.twin.add_credential(bench.templates[0], name="Ada Learner 1", email="learner1@learners.example")
        found = bench.platform().find(bench.order())
        assert found is not None
        assert (found.platform_ref, found.ours) == (made["id"], False)

    def test_it_is_found_among_many(self, bench: Bench) -> None:
        issued = bench.issued()
        bench.crowd(bench.past_three_pages)
        found = bench.platform().find(bench.order())
        assert found is not None
        assert found.platform_ref == issued.platform_ref

    def test_a_withdrawn_one_is_not_found_and_another_can_be_issued(self, bench: Bench) -> None:
        issued = bench.issued()
        bench.platform().withdraw(issued.platform_ref, "integrity")
        assert bench.platform().find(bench.order()) is None
        again = bench.platform().issue(bench.order(ref="confer-second"))
        assert again.platform_ref != issued.platform_ref
        assert [one["id"] for one in bench.there()] == [again.platform_ref]

    @wants(Trait.LAG)
    def test_a_lagging_search_finds_it_in_the_end(self, bench: Bench) -> None:
        bench.lag(150)
        bench.control.fault(bench.system, "drop_after", path=bench.issuing, times=1)
        with pytest.raises(Unsure):
            bench.issued()
        for _ in range(40):
            if bench.platform().find(bench.order()):
                break
            clock.sleep(0.02)
        assert bench.platform().find(bench.order()) is not None
        assert len(bench.there()) == 1

    # reading and listing

    def test_one_is_read_as_it_stands(self, bench: Bench) -> None:
        issued = bench.issued()
        held = bench.held(issued.platform_ref)
        assert (held.platform_ref, held.template, held.standing) == (
            issued.platform_ref,
            bench.templates[0],
            Standing.LIVE,
        )
        assert held.url == issued.url
        if Trait.NAMES_IT not in bench.lacks:
            assert held.name == "Ada Learner 1"
        assert held.email in {"learner1@learners.example", None}
        assert held.ref == (None if Trait.OWN_REF in bench.lacks else bench.order().ref)
        assert "Ada" not in repr(held)

    @pytest.mark.parametrize("ref", ["987654321", "no-such-credential", "../../issuer/details", "a b?c#d", ""])
    def test_what_is_not_there_is_none(self, bench: Bench, ref: str) -> None:
        assert bench.platform().read(ref) is None

    def test_all_of_a_template_are_listed_to_the_last_page(self, bench: Bench) -> None:
        bench.issued(1, template=bench.templates[1], ref="confer-other")
        bench.crowd(bench.past_three_pages)
        found = list(bench.platform().held(bench.templates[0]))
        assert sorted(one.platform_ref for one in found) == sorted(
            one["id"] for one in bench.there() if one["template"] == bench.templates[0]
        )
        assert {one.template for one in found} == {bench.templates[0]}

    # templates

    def test_a_template_is_there_or_not(self, bench: Bench) -> None:
        found = bench.platform().template(bench.templates[0])
        assert found is not None
        assert (found.ref, found.usable) == (bench.templates[0], True)
        assert found.name
        for ref in ("987654321", "no-such-template", "../../issuer/details", "a b?c#d"):
            assert bench.platform().template(ref) is None

    def test_templates_are_listed_to_the_last_page(self, bench: Bench) -> None:
        known = {one.ref for one in bench.platform().templates()}
        assert known >= set(bench.templates)
        for number in range(bench.past_three_template_pages):
            bench.twin.add_template(self.template_ref(number), name=f"Template {number}")
        found = [one.ref for one in bench.platform().templates()]
        assert len(found) == len(set(found)) == len(known) + bench.past_three_template_pages

    def template_ref(self, number: int) -> int | str:
        """The id of a further template, as this platform writes them."""
        return 9000 + number

    @wants(Trait.UNUSABLE)
    def test_a_template_that_cannot_be_used_says_why_and_issues_nothing(self, bench: Bench) -> None:
        bench.spoil()
        found = bench.platform().template(bench.templates[0])
        assert found is not None
        assert not found.usable
        assert found.reason
        with pytest.raises(Misconfigured):
            bench.issued()
        assert bench.there() == []

    def test_a_template_that_is_not_there_is_for_an_administrator(self, bench: Bench) -> None:
        with pytest.raises(Misconfigured) as caught:
            bench.issued(template=self.missing_template())
        assert not caught.value.whole_account
        assert bench.there() == []

    def missing_template(self) -> str:
        """The id of a template that is not there, well-formed."""
        return "987654321"

    @wants(Trait.ATTRIBUTES)
    def test_the_attributes_of_a_template_are_told(self, bench: Bench) -> None:
        found = bench.platform().template(bench.templates[0])
        assert found is not None
        assert found.attributes is not None
        assert set(bench.attributes) <= found.attributes
        assert "no-such-attribute" not in found.attributes

    # correcting and withdrawing

    @wants(Trait.CORRECTS)
    def test_a_name_is_corrected_in_place_and_twice_is_once(self, bench: Bench) -> None:
        issued = bench.issued()
        right = bench.order(name="Ada Byron", given_name="Ada", family_name="Byron")
        for _ in range(2):
            assert bench.platform().correct(right, issued.platform_ref).platform_ref == issued.platform_ref
        [made] = bench.there()
        assert (made["id"], made["name"]) == (issued.platform_ref, "Ada Byron")
        assert bench.platform().find(right) is not None

    def test_a_withdrawn_one_is_live_no_more_and_twice_is_once(self, bench: Bench) -> None:
        issued, other = bench.issued(1), bench.issued(2)
        for _ in range(2):
            bench.platform().withdraw(issued.platform_ref, "integrity")
        assert [one["id"] for one in bench.there()] == [other.platform_ref]
        held = bench.platform().read(issued.platform_ref)
        if Trait.WITHDRAWN_SHOWN in bench.lacks:
            assert held is None
        else:
            assert held is not None
            assert held.standing in {Standing.WITHDRAWN, Standing.EXPIRED}

    def test_withdrawing_what_is_gone_is_done(self, bench: Bench) -> None:
        issued = bench.issued()
        bench.twin.change(issued.platform_ref, deleted=True)
        bench.platform().withdraw(issued.platform_ref, "integrity")

    def test_what_was_withdrawn_there_by_hand_is_seen(self, bench: Bench) -> None:
        issued = bench.issued()
        bench.twin.change(issued.platform_ref, withdrawn=True)
        held = bench.platform().read(issued.platform_ref)
        assert held is None or held.standing is not Standing.LIVE
        assert bench.platform().find(bench.order()) is None

    # several at once

    @wants(Trait.BULK)
    def test_many_are_issued_by_one_call_in_their_order(self, bench: Bench) -> None:
        orders = [bench.order(number) for number in range(1, bench.adapter.bulk + 1)]
        results = bench.platform().issue_many(orders)
        assert len(results) == len(orders)
        by_id = {one["id"]: one["email"] for one in bench.there()}
        for order, issued in zip(orders, results, strict=True):
            assert isinstance(issued, Issued)
            assert by_id[issued.platform_ref] == order.email
            assert issued.live

    @wants(Trait.BULK, Trait.REFUSES)
    def test_one_that_exists_does_not_hold_back_the_others(self, bench: Bench) -> None:
        first = bench.issued(2)
        orders = [bench.order(number) for number in (1, 2, 3)]
        results = list(bench.platform().issue_many(orders))
        # a platform that checks all before it makes any says which one, and the others are asked for again
        assert isinstance(results[1], Duplicate)
        for index in (0, 2):
            if not isinstance(results[index], Issued):
                assert isinstance(results[index], Failure)
                assert not isinstance(results[index], Rejected | Misconfigured | Duplicate)
                results[index] = bench.platform().issue(orders[index])
        assert len(bench.there()) == 3
        assert first.platform_ref in {one["id"] for one in bench.there()}

    @wants(Trait.BULK)
    @pytest.mark.parametrize("kind", UNCLEAR)
    def test_a_bulk_answer_that_is_lost_leaves_doubt_about_each(self, bench: Bench, kind: str) -> None:
        bench.control.fault(bench.system, kind, times=1)
        orders = [bench.order(number) for number in (1, 2, 3)]
        with pytest.raises(Unsure):
            bench.platform().issue_many(orders)
        found = [bench.platform().find(order) for order in orders]
        assert sum(one is not None for one in found) == len(bench.there())

    # claims

    @wants(Trait.CLAIMS)
    def test_a_claim_is_seen(self, bench: Bench) -> None:
        issued, other = bench.issued(1), bench.issued(2)
        assert bench.held(issued.platform_ref).claim is ClaimState.OPEN
        bench.claim(issued.platform_ref)
        assert bench.held(issued.platform_ref).claim is ClaimState.CLAIMED
        listed = {one.platform_ref: one.claim for one in bench.platform().held(bench.templates[0])}
        assert listed == {issued.platform_ref: ClaimState.CLAIMED, other.platform_ref: ClaimState.OPEN}

    @wants(Trait.DECLINES)
    def test_a_declined_one_is_seen(self, bench: Bench) -> None:
        issued = bench.issued()
        bench.claim(issued.platform_ref, "declined")
        assert bench.held(issued.platform_ref).claim is ClaimState.DECLINED

    @wants(Trait.WEBHOOK)
    def test_a_claim_is_heard_and_read_back(self, bench: Bench) -> None:
        issued = bench.issued()
        report = bench.claim(issued.platform_ref, dry=True, **self.sending())
        request = bench.request(report)
        [hint] = bench.platform().hear(request)
        assert bench.platform().hear(request) == (hint,)
        held = bench.platform().hinted(hint)
        assert held is not None
        assert (held.platform_ref, held.claim) == (issued.platform_ref, ClaimState.CLAIMED)

    def sending(self) -> dict[str, Any]:
        """What the twin's `send` needs beside `dry`: the address, and the secret where it signs."""
        return {"url": "http://127.0.0.1:9/claims/x"}

    @wants(Trait.WEBHOOK, Trait.SIGNATURE)
    def test_a_claim_is_heard_by_its_raw_bytes_alone(self, bench: Bench) -> None:
        issued = bench.issued()
        request = bench.request(bench.claim(issued.platform_ref, dry=True, **self.sending()))
        for body in (request.body + b" ", request.body.replace(b":", b": ", 1), b"", request.body[:-1]):
            with pytest.raises(NOT_HEARD):
                bench.platform().hear(replace(request, body=body))
        for name in request.headers:
            if "signature" in name:
                for value in ("", "0" * 64, "ä", request.headers[name][:-1], f"sha256={request.headers[name]}x"):
                    with pytest.raises(NOT_HEARD):
                        bench.platform().hear(replace(request, headers={**request.headers, name: value}))

    @wants(Trait.WEBHOOK)
    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"7", b"{}", b'{"a":NaN}', b"\xff", b"[" * 100_000])
    def test_a_body_that_is_no_claim_is_refused_or_says_nothing(self, bench: Bench, body: bytes) -> None:
        issued = bench.issued()
        request = bench.request(bench.claim(issued.platform_ref, dry=True, **self.sending()))
        with suppress(*NOT_HEARD):
            assert bench.platform().hear(replace(request, body=body)) == ()

    # trouble

    @pytest.mark.parametrize("kind", UNCLEAR)
    def test_an_unclear_answer_leaves_doubt_and_the_look_up_settles_it(self, bench: Bench, kind: str) -> None:
        fault = bench.control.fault(bench.system, kind, path=bench.issuing)
        with pytest.raises(Unsure):
            bench.issued()
        bench.control.clear_fault(fault)
        found = bench.platform().find(bench.order())
        made = [one for one in bench.there(live=None) if one["state"] != "deleted"]
        assert len(made) <= 1
        if found is None:
            assert [one for one in made if one["live"]] == []
        else:
            settled = found if found.live else bench.platform().publish(bench.order(), found.platform_ref)
            assert [one["id"] for one in bench.there()] == [settled.platform_ref]

    @pytest.mark.parametrize("status", [500, 502, 503, 504])
    @pytest.mark.parametrize("after", [False, True])
    def test_a_5xx_leaves_doubt(self, bench: Bench, status: int, after: bool) -> None:
        bench.control.fault(bench.system, "status", status=status, after=after, path=bench.issuing)
        with pytest.raises(Unsure):
            bench.issued()

    def test_a_202_is_no_credential(self, bench: Bench) -> None:
        bench.control.fault(bench.system, "status", status=202, path=bench.issuing)
        with pytest.raises(Unsure):
            bench.issued()

    def reading(self, bench: Bench) -> Iterator[Callable[[], object]]:
        """Each way of asking the platform without an effect."""
        platform, template = bench.platform(), bench.templates[0]
        yield lambda: platform.find(bench.order())
        yield lambda: platform.read("1" if bench.templates[0].isdigit() else bench.templates[0])
        yield lambda: list(platform.held(template))
        yield lambda: list(platform.templates())
        yield lambda: platform.template(template)

    @pytest.mark.parametrize("kind", UNCLEAR)
    def test_asking_in_vain_is_an_outage_and_no_none(self, bench: Bench, kind: str) -> None:
        bench.control.fault(bench.system, kind)
        for ask in self.reading(bench):
            with pytest.raises(Outage):
                ask()

    def test_a_limit_is_waited_for(self, bench: Bench) -> None:
        bench.control.fault(bench.system, "throttle", retry_after=17)
        for ask in (*self.reading(bench), bench.issued):
            with pytest.raises(Throttled) as caught:
                ask()
            assert timedelta(0) < caught.value.until - clock.now() <= timedelta(hours=24)
        assert bench.there() == []

    def test_no_connection_is_an_outage_and_nothing_happened(self, bench: Bench) -> None:
        bench.url = "http://127.0.0.1:9"
        for ask in (*self.reading(bench), bench.issued):
            with pytest.raises(Outage):
                ask()

    def test_a_revoked_key_is_about_the_whole_account_and_no_failure_tells_it(self, bench: Bench) -> None:
        bench.issued()
        bench.revoke_key()
        for ask in (*self.reading(bench), lambda: bench.issued(2)):
            with pytest.raises(Misconfigured) as caught:
                ask()
            assert caught.value.whole_account
            assert not any(secret in caught.value.detail for secret in bench.secrets)

    @wants(Trait.RENEWAL)
    def test_an_expired_token_is_renewed(self, bench: Bench) -> None:
        bench.issued(1)
        bench.expire_token()
        assert bench.issued(2).live
        assert len(bench.there()) == 2

    def test_a_refusal_tells_nothing_personal(self, bench: Bench) -> None:
        for changes in ({"email": "no-address"}, {"name": ""}, {"email": ""}):
            with pytest.raises(Rejected) as caught:  # about this row: a person has to look
                bench.issued(**changes)
            assert "no-address" not in caught.value.detail
            assert "Ada" not in caught.value.detail
        assert bench.there() == []

    def test_the_account_never_shows_its_keys(self, bench: Bench) -> None:
        shown = f"{bench.account()!r} {bench.platform().__dict__!r}"
        assert not any(secret in shown for secret in bench.secrets)
