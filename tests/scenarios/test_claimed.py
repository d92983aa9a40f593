"""Claims: what a platform announces is read back, whatever the order, and the ledger tells of each change once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from pipeline import clock
from pipeline.errors import Misconfigured, Outage, Throttled, Unsure
from pipeline.stages import CredentialState
from pipeline.steps import claim as claiming
from pipeline.steps.claim import claim
from pipeline.steps.sweep import sweep
from pipeline.steps.turn import WakeUp
from pipeline.store.alerts import AlertRow
from pipeline.store.credentials import CredentialRow
from pipeline.store.database import transaction
from pipeline.store.hints import HintRow
from pipeline.store.lanes import Lane
from pipeline.values import ClaimState
from tests.driver import Driver
from tests.vendor import VENDOR, announce, installed

CLAIMED_AT = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)


@pytest.fixture
def confer(make_driver: Callable[..., Driver], monkeypatch: pytest.MonkeyPatch) -> Driver:
    return installed(monkeypatch, make_driver)


@pytest.fixture
def issued(confer: Driver) -> str:
    """A learner's credential at the vendor."""
    confer.learner()
    confer.complete()
    confer.settle()
    [ref] = VENDOR.holds
    assert confer.credential().platform_ref == ref
    return ref


def hint(confer: Driver) -> HintRow:
    [row] = confer.rows(select(HintRow))
    return row


def hear(confer: Driver, ref: str, key: str = "e1") -> None:
    assert announce(confer, ref, key).status_code == 200
    confer.drain()


def state(confer: Driver) -> tuple[str | None, datetime | None]:
    row = confer.credential()
    return row.claim_state, row.claimed_at


def entries(confer: Driver) -> list[str]:
    return [kind for kind in confer.history() if "claim" in kind or "declined" in kind]


def test_a_claim_is_read_back_and_written_down_once(confer: Driver, issued: str) -> None:
    VENDOR.claim(issued, at=CLAIMED_AT)
    hear(confer, issued)
    assert state(confer) == ("claimed", CLAIMED_AT)
    assert (hint(confer).came, hint(confer).due_at) == ("changed", None)
    for key in ("e1", "e1", "e2", "e3"):
        hear(confer, issued, key)
    assert entries(confer) == ["credential.claimed"]
    assert [row.came for row in confer.rows(select(HintRow).order_by(HintRow.key))] == [
        "changed", "unchanged", "unchanged",
    ]  # fmt: skip


def test_the_hint_itself_says_nothing(confer: Driver, issued: str) -> None:
    hear(confer, issued)
    assert state(confer) == ("open", None)
    assert entries(confer) == ["credential.unclaimed"]


def test_a_platform_that_tells_no_time_leaves_ours(confer: Driver, issued: str) -> None:
    VENDOR.claim(issued)
    hear(confer, issued)
    assert state(confer) == ("claimed", confer.clock.now)


def test_what_was_declined_can_be_claimed_after_all_and_the_other_way_round(confer: Driver, issued: str) -> None:
    VENDOR.claim(issued, ClaimState.DECLINED)
    hear(confer, issued, "e1")
    assert state(confer) == ("declined", None)
    VENDOR.claim(issued, at=CLAIMED_AT)
    hear(confer, issued, "e2")
    assert state(confer) == ("claimed", CLAIMED_AT)
    VENDOR.claim(issued, ClaimState.DECLINED)
    hear(confer, issued, "e3")
    assert state(confer) == ("declined", None)
    assert entries(confer) == ["credential.declined", "credential.claimed", "credential.declined"]


@pytest.mark.parametrize("first", [ClaimState.CLAIMED, ClaimState.DECLINED])
def test_an_older_answer_that_comes_later_opens_nothing_again(confer: Driver, issued: str, first: ClaimState) -> None:
    VENDOR.claim(issued, first, at=CLAIMED_AT)
    hear(confer, issued, "e1")
    before = state(confer)
    VENDOR.claim(issued, ClaimState.OPEN)
    hear(confer, issued, "e2")
    assert state(confer) == before
    assert len(entries(confer)) == 1


def test_a_withdrawn_credential_is_claimed_by_nobody(confer: Driver, issued: str) -> None:
    from pipeline.audit.trail import change

    with transaction() as session:
        row = session.scalars(select(CredentialRow)).one()
        change(session, row, CredentialState.WITHDRAWN, kind="credential.withdrawn", actor="person:test")
    VENDOR.claim(issued)
    hear(confer, issued)
    assert state(confer)[0] is None
    assert hint(confer).came == "unchanged"


def test_a_hint_that_is_quicker_than_our_commit_finds_its_credential_later(confer: Driver) -> None:
    VENDOR.put("v1", claim=ClaimState.CLAIMED, claimed_at=CLAIMED_AT)
    hear(confer, "v1")
    assert (hint(confer).came, hint(confer).platform_ref) == (None, "v1")
    asked = VENDOR.calls.count("read")
    confer.clock.forward(20)
    confer.drain(sweep())
    assert VENDOR.calls.count("read") == asked, "it is not asked for again while we do not know it"
    VENDOR.holds.clear()
    confer.learner()
    confer.complete()
    confer.settle()
    VENDOR.claim("v1", at=CLAIMED_AT)
    confer.clock.forward(600)
    confer.drain(sweep())
    assert state(confer) == ("claimed", CLAIMED_AT)
    assert hint(confer).came == "changed"


def test_a_credential_that_stays_unknown_is_done_after_some_minutes(confer: Driver) -> None:
    VENDOR.put("v9", claim=ClaimState.CLAIMED)
    hear(confer, "v9")
    for _ in range(12):
        confer.clock.forward(60)
        confer.drain(sweep())
    assert (hint(confer).came, hint(confer).due_at) == ("unknown", None)
    assert VENDOR.calls.count("read") == 1
    assert confer.rows(select(AlertRow)) == []


def test_a_hint_about_nothing_is_done(confer: Driver) -> None:
    hear(confer, "v404")
    assert hint(confer).came == "nothing"


# trouble


@pytest.mark.parametrize(
    "failure",
    [Outage("down"), Unsure("who knows"), Misconfigured("a key", whole_account=True)],
    ids=lambda one: one.kind,
)
def test_while_the_platform_does_not_answer_it_waits_and_loses_no_attempt(
    confer: Driver, issued: str, failure: Outage
) -> None:
    VENDOR.claim(issued, at=CLAIMED_AT)
    VENDOR.failing = failure
    hear(confer, issued)
    for _ in range(30):
        confer.clock.forward(600)
        confer.drain(sweep())
    row = hint(confer)
    assert (row.attempts, row.came, row.error_kind) == (0, None, failure.kind)
    assert row.waits > 10
    VENDOR.failing = None
    confer.clock.forward(600)
    confer.drain(sweep())
    assert state(confer) == ("claimed", CLAIMED_AT)
    assert (hint(confer).error, hint(confer).error_kind) == (None, None)


def test_a_platform_that_is_down_is_left_to_the_probes_of_its_lane(confer: Driver, issued: str) -> None:
    with transaction() as session:
        session.get_one(Lane, "vendor").down_since = clock.now()
    asked = len(VENDOR.calls)
    hear(confer, issued)
    assert len(VENDOR.calls) == asked
    assert hint(confer).error_kind == "outage"


def test_a_pause_that_the_platform_asks_for_is_kept_by_its_lane_too(confer: Driver, issued: str) -> None:
    until = confer.clock.now + timedelta(minutes=7)
    VENDOR.failing = Throttled("Vendor answered 429", until=until)
    hear(confer, issued)
    assert confer.rows(select(Lane).filter_by(account="vendor"))[0].blocked_until == until
    assert (hint(confer).due_at, hint(confer).attempts) == (until, 0)
    VENDOR.failing, asked = None, len(VENDOR.calls)
    hear(confer, issued, "e2")
    assert len(VENDOR.calls) == asked, "nobody calls before"


def test_our_own_pace_is_no_pause_of_the_account(
    confer: Driver, issued: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claiming, "_PATIENCE", 0.0)
    with transaction() as session:
        session.get_one(Lane, "vendor").next_start = confer.clock.now + timedelta(seconds=40)
    hear(confer, issued)
    assert confer.rows(select(Lane).filter_by(account="vendor"))[0].blocked_until is None
    due = hint(confer).due_at
    assert due is not None
    assert confer.clock.now + timedelta(seconds=5) <= due <= confer.clock.now + timedelta(seconds=40)


def test_a_refusal_costs_attempts_and_staff_is_told_once_a_day(confer: Driver, issued: str) -> None:
    for key in ("e1", "e2"):
        assert announce(confer, "refused", key).status_code == 200
    confer.drain()
    for _ in range(4):
        confer.clock.forward(400)
        confer.drain(sweep())
    assert {(row.came, row.attempts) for row in confer.rows(select(HintRow))} == {("failed", 3)}
    [told] = confer.rows(select(AlertRow))
    assert (told.title, told.severity) == ("Claims cannot be read", "warning")
    assert "Vendor answered 400" in told.summary


def test_a_defect_counts_as_an_attempt(confer: Driver, issued: str) -> None:
    VENDOR.meanwhile = lambda: 1 / 0
    hear(confer, issued)
    assert (hint(confer).attempts, hint(confer).error) == (1, "defect: ZeroDivisionError")


def test_an_account_that_is_gone_ends_with_an_alert(confer: Driver, issued: str) -> None:
    announce(confer, issued)
    confer.waiting.clear()
    with transaction() as session:
        session.scalars(select(HintRow)).one().account = "gone"
    for _ in range(4):
        confer.drain(sweep())
        confer.clock.forward(400)
    assert hint(confer).came == "failed"


def test_losing_the_wake_up_costs_a_tick(confer: Driver, issued: str) -> None:
    VENDOR.claim(issued)
    announce(confer, issued)
    confer.waiting.clear()
    confer.clock.forward(120)
    announced = sweep()
    assert WakeUp(task="claim", id=hint(confer).id) in announced
    confer.drain(announced)
    assert state(confer)[0] == "claimed"


def test_a_worker_that_dies_leaves_it_to_the_next_one_and_a_late_one_is_dropped(confer: Driver, issued: str) -> None:
    VENDOR.claim(issued)
    announce(confer, issued)
    confer.waiting.clear()
    row = hint(confer)

    def overtaken() -> None:
        VENDOR.meanwhile = None
        confer.clock.forward(3600)  # the lease is over, and somebody else does it
        claim(row.id)

    VENDOR.meanwhile = overtaken
    claim(row.id)
    assert (hint(confer).came, hint(confer).attempts) == ("changed", 1)
    assert entries(confer) == ["credential.claimed"]


def test_a_hint_over_which_workers_die_ends(confer: Driver, issued: str) -> None:
    announce(confer, issued)
    confer.waiting.clear()
    for _ in range(4):
        with transaction() as session:
            row = session.scalars(select(HintRow)).one()
            if row.due_at:
                row.owner, row.due_at = "somebody-who-died", confer.clock.now
        VENDOR.meanwhile = lambda: (_ for _ in ()).throw(KeyboardInterrupt)
        try:
            claim(row.id)
        except KeyboardInterrupt:
            continue
    assert hint(confer).came == "failed"
