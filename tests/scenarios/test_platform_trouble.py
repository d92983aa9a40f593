"""Whatever the platform does in the moment of issuing, there is one credential in the end, or a person knows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from pipeline.steps.replay import replay
from pipeline.steps.sweep import sweep
from pipeline.store.credentials import CredentialRow
from pipeline.store.lanes import Lane
from tests.driver import Driver

MakeDriver = Callable[..., Driver]
CREATE = {"method": "POST", "path": "/v1/credentials"}


def ends_with_one_credential(confer: Driver, email: str) -> None:
    assert confer.case().stage == "done", confer.case().error
    assert confer.creations() == 1
    [mail] = confer.control.mails(to=email)
    assert mail["receipts"] == 1
    [completion] = confer.control.completions()
    assert completion["writes"] == 1
    [known] = confer.control.credentials()
    assert confer.credential().platform_ref == str(known["id"])


def test_an_answer_lost_after_creating_is_found_and_never_created_again(confer: Driver) -> None:
    email = confer.learner()
    confer.control.fault("accredible", "drop_after", **CREATE, times=1)
    confer.complete_at_accredible()
    confer.settle()
    ends_with_one_credential(confer, email)
    assert "credential.found" in confer.history()
    posts = [call for call in confer.control.calls("accredible") if call["path"] == "/v1/credentials"]
    assert len(posts) == 1, "it was looked up, not called again"


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("kind", ["garbage", "html", "empty_200"])
@pytest.mark.parametrize("after", [True, False])
def test_an_answer_that_says_nothing_is_doubt_and_ends_in_one_credential(
    confer: Driver, kind: str, after: bool, times: int
) -> None:
    email = confer.learner()
    confer.control.fault("accredible", kind, **CREATE, after=after, times=times)
    confer.complete_at_accredible()
    confer.settle()
    ends_with_one_credential(confer, email)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("after", [True, False])
def test_a_5xx_before_or_after_creating_ends_in_one_credential(confer: Driver, status: int, after: bool) -> None:
    email = confer.learner()
    confer.control.fault("accredible", "status", status=status, **CREATE, after=after, times=1)
    confer.complete_at_accredible()
    confer.settle()
    ends_with_one_credential(confer, email)


def test_a_connection_cut_before_creating_ends_in_one_credential(confer: Driver) -> None:
    email = confer.learner()
    confer.control.fault("accredible", "drop_before", **CREATE, times=2)
    confer.complete_at_accredible()
    confer.settle()
    ends_with_one_credential(confer, email)


@pytest.mark.parametrize("after", [True, False])
def test_a_call_that_hangs_ends_at_the_time_out_and_in_one_credential(make_driver: MakeDriver, after: bool) -> None:
    confer = make_driver(CONFER_CALL_TIMEOUT_SECONDS="0.5")
    email = confer.learner()
    confer.control.fault("accredible", "hang", **CREATE, after=after, times=1, seconds=3)
    confer.complete_at_accredible()
    confer.settle()
    ends_with_one_credential(confer, email)


@pytest.mark.parametrize("retry_after", [None, 120])
def test_a_429_pauses_the_account_and_costs_no_attempt(confer: Driver, retry_after: int | None) -> None:
    email = confer.learner()
    named = {} if retry_after is None else {"retry_after": retry_after}
    confer.control.fault("accredible", "throttle", **CREATE, times=1, **named)
    confer.complete_at_accredible()
    began = confer.clock.now
    confer.drain()
    [lane] = confer.rows(select(Lane).filter_by(account="accredible"))
    assert lane.blocked_until is not None
    assert lane.blocked_until - began >= timedelta(seconds=retry_after or 30)
    assert confer.credential().attempts == 0

    calls = len(confer.control.calls("accredible"))
    confer.clock.go_to(lane.blocked_until - timedelta(seconds=11))
    confer.drain(sweep())
    assert len(confer.control.calls("accredible")) == calls, "called before the pause ended"
    confer.settle()
    ends_with_one_credential(confer, email)


def test_an_outage_costs_no_attempts_and_few_calls_and_everybody_is_issued_once_afterwards(confer: Driver) -> None:
    for number in range(400, 412):
        confer.learner(number)
        confer.complete_at_accredible(number)
    confer.control.fault("accredible", "status", status=503)
    confer.drain()
    before = len(confer.control.calls("accredible"))
    for _ in range(20):
        confer.clock.forward(180)
        confer.drain(sweep())
    calls = len(confer.control.calls("accredible")) - before
    assert calls <= 80, "an hour of outage is probed, not hammered"
    assert {row.attempts for row in confer.rows(select(CredentialRow))} == {0}
    assert {case.stage for case in confer.cases()} == {"issue"}

    confer.control.clear_faults()
    confer.settle()
    assert {case.stage for case in confer.cases()} == {"done"}
    assert confer.creations() == 12
    assert [mail["receipts"] for mail in confer.control.mails()] == [1] * 12


def test_a_revoked_platform_key_stops_the_account_not_each_row(confer: Driver) -> None:
    for number in (401, 402, 403):
        confer.learner(number)
        confer.complete_at_accredible(number)
    confer.control.platform("accredible").set(key="another-key")
    confer.drain()
    [lane] = confer.rows(select(Lane).filter_by(account="accredible"))
    assert lane.down_since is not None
    assert {case.stage for case in confer.cases()} == {"issue"}
    confer.control.platform("accredible").set(key="accredible-key")
    confer.settle()
    assert {case.stage for case in confer.cases()} == {"done"}
    assert confer.creations() == 3


def test_a_slow_or_dead_platform_never_holds_back_the_other_one(confer: Driver) -> None:
    confer.control.fault("accredible", "drop_before")
    confer.learner(401)
    confer.complete_at_accredible(401)
    confer.learner(402)
    confer.complete(402)
    confer.drain()
    assert confer.case(402).stage == "done"
    assert confer.case(401).stage == "issue"


def test_a_group_that_does_not_exist_is_held_for_the_administrator_and_a_replay_finishes(confer: Driver) -> None:
    email = confer.learner()
    confer.control.platform("accredible").add_template(4712, name="HC", removed=True)
    confer.complete_at_accredible()
    confer.settle()
    assert (confer.case().stage, confer.case().error_kind, confer.case().resume) == ("held", "misconfigured", "issue")
    assert confer.control.mails(to=email) == []

    confer.control.platform("accredible").add_template(
        4712, name="Healthcare Compliance 101", course_name="HC", course_description="Done."
    )
    confer.drain(replay(confer.case().id, actor="person:admin"))
    confer.settle()
    ends_with_one_credential(confer, email)


def test_without_credits_the_account_waits_and_the_unpublished_credential_is_published_afterwards(
    confer: Driver,
) -> None:
    email = confer.learner()
    confer.control.platform("accredible").set(credits=0)
    confer.complete_at_accredible()
    confer.drain()
    confer.clock.forward(180)
    confer.drain(sweep())
    assert confer.case().stage == "issue"
    [lane] = confer.rows(select(Lane).filter_by(account="accredible"))
    assert lane.down_since is not None
    assert confer.control.mails(to=email) == []
    assert confer.creations() == 1

    confer.control.platform("accredible").set(credits=10)
    confer.settle()
    ends_with_one_credential(confer, email)
    assert confer.control.credentials()[0]["live"]


def test_one_that_staff_publishes_meanwhile_goes_on(confer: Driver) -> None:
    email = confer.learner()
    confer.control.platform("accredible").set(credits=0)
    confer.complete_at_accredible()
    confer.drain()
    _publish_all(confer)
    confer.settle()
    ends_with_one_credential(confer, email)
    assert confer.control.credentials()[0]["mailed"] == 1


def test_a_credential_that_staff_made_by_hand_is_adopted(confer: Driver) -> None:
    email = confer.learner()
    _by_hand(confer, email)
    confer.complete_at_accredible()
    confer.settle()
    ends_with_one_credential(confer, email)
    assert "credential.duplicate_blocked" in confer.history()


def test_a_duplicate_that_the_lagging_search_shows_late_is_adopted(confer: Driver) -> None:
    email = confer.learner()
    _by_hand(confer, email)
    nothing = '{"credentials":[],"meta":{"count":0}}'
    lag = confer.control.fault("accredible", "status", status=200, path="/v2/credentials/search", body=nothing)
    confer.complete_at_accredible()
    confer.drain()
    confer.control.clear_fault(lag)
    confer.settle()
    ends_with_one_credential(confer, email)


def test_a_duplicate_that_cannot_be_found_goes_to_a_person_instead_of_round_for_ever(confer: Driver) -> None:
    """Staff typed the address in capitals: the platform counts it as the same, its search does not."""
    email = confer.learner()
    _by_hand(confer, email.upper())
    confer.complete_at_accredible()
    confer.settle()
    assert (confer.case().stage, confer.case().error_kind) == ("held", "duplicate")
    assert confer.control.mails(to=email) == []


def test_the_credential_of_another_learner_with_the_same_address_is_not_taken_for_this_one(confer: Driver) -> None:
    """A family shares one mailbox: the second learner must not be sent the first one's credential."""
    confer.learner(401, name="Ada Lovelace", email="family@learners.example")
    confer.learner(402, name="Ralph Lovelace", email="family@learners.example")
    confer.complete_at_accredible(401)
    confer.settle()
    confer.complete_at_accredible(402)
    confer.settle()
    assert confer.case(401).stage == "done"
    assert confer.case(402).stage == "held"
    assert confer.credential(402).platform_ref is None


def test_a_look_up_of_several_calls_ends_also_at_a_slow_pace(confer: Driver) -> None:
    accounts = confer.config / "accounts.yaml"
    accounts.write_text(accounts.read_text().replace("calls: 100, per_seconds: 60", "calls: 4, per_seconds: 60"))
    confer.reload()
    email = confer.learner()
    confer.control.fault("accredible", "drop_before", **CREATE, times=1)
    confer.complete_at_accredible()
    confer.settle(within=timedelta(minutes=15))
    ends_with_one_credential(confer, email)


def test_a_refused_recipient_is_held_and_does_not_stop_the_others(confer: Driver) -> None:
    refusal = '{"errors":{"recipient":["is not valid"]}}'
    confer.control.fault("accredible", "status", status=422, **CREATE, times=1, body=refusal)
    for number in (401, 402):
        confer.learner(number)
        confer.complete_at_accredible(number)
        confer.drain()
    confer.settle()
    assert sorted(case.stage for case in confer.cases()) == ["done", "held"]


def test_a_failure_about_one_row_takes_three_attempts_five_minutes_apart_and_then_a_person(confer: Driver) -> None:
    """Only one learner's call breaks, while others are served: then it is not the platform."""
    confer.learner(401)
    confer.complete_at_accredible(401)
    confer.control.fault("accredible", "status", status=500, **CREATE, times=1)
    confer.drain()
    for number in range(402, 407):
        confer.learner(number)
        confer.complete_at_accredible(number)
    confer.settle()
    assert {case.stage for case in confer.cases()} == {"done"}
    assert confer.creations() == 6


def _by_hand(confer: Driver, email: str) -> None:
    confer.control.platform("accredible").add_credential(4712, name="Ada Lovelace", email=email)


def _publish_all(confer: Driver) -> None:
    confer.control.platform("accredible").set(credits=10)
    for credential in confer.control.credentials():
        confer.control.platform("accredible").change(credential["id"], approve=True)


def test_a_row_whose_look_up_never_answers_does_not_hold_up_the_account(confer: Driver) -> None:
    """It is not every probe: another row shows that the platform is well, and then it is a row's own failure."""
    confer.learner(401)
    confer.complete_at_accredible(401)
    confer.control.fault("accredible", "drop_after", path=CREATE["path"], times=1)
    confer.drain()
    poisoned = confer.credential(401)
    assert poisoned.state == "unsure"
    confer.control.fault("accredible", "garbage", path=f"/v1/credentials/{poisoned.ref}")
    others = range(402, 406)
    for number in others:  # each of them shows once more that the platform is well
        confer.learner(number)
        confer.complete_at_accredible(number)
        confer.settle_for(timedelta(minutes=6))
    assert [confer.case(number).stage for number in others] == ["done"] * len(others)
    assert confer.case(401).stage == "held"
    assert confer.credential(401).attempts == 2, "the third try was the last"
    confer.control.clear_faults()
    confer.drain(replay(confer.case(401).id, actor="person:admin"))
    confer.settle()
    assert confer.case(401).stage == "done"
    assert len(confer.control.credentials()) == 1 + len(others)
