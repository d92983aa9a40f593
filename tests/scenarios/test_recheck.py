"""The recheck: every way in which rows and platform can differ is told, verified, kept with the case, and undone by
nobody."""

from __future__ import annotations

import json
import resource
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import func, insert, select

from pipeline.audit.trail import change
from pipeline.configuration.loading import configuration
from pipeline.errors import Misconfigured, Outage, Rejected, Throttled
from pipeline.stages import CredentialState
from pipeline.steps.turn import WakeUp
from pipeline.store.alerts import AlertRow
from pipeline.store.credentials import CredentialRow
from pipeline.store.database import reading, transaction
from pipeline.store.lanes import Lane
from pipeline.store.rechecks import Recheck
from pipeline.values import ClaimState, Standing
from pipeline.watch import recheck as rechecking
from pipeline.watch.holdings import Difference, Finding
from pipeline.watch.recheck import recheck
from pipeline.watch.rechecks import LEASE, due_rechecks, nightly_recheck
from tasks.commands.explain import explain
from tasks.commands.recheck import recheck as command
from tests.driver import Driver
from tests.vendor import TEMPLATE, VENDOR, TestbedPlatform, installed

Confer = Driver


@pytest.fixture
def confer(make_driver: Callable[..., Driver], monkeypatch: pytest.MonkeyPatch) -> Driver:
    made = installed(monkeypatch, make_driver)
    made.learner()
    made.complete()
    made.settle()
    made.clock.forward(3600)
    VENDOR.calls.clear()
    return made


def look(confer: Driver, **more: Any) -> list[Finding]:
    return list(recheck(configuration(), configuration().platforms["vendor"], **more))


def kinds(confer: Driver) -> list[Difference]:
    return [one.kind for one in look(confer)]


def become(confer: Driver, state: CredentialState, **columns: Any) -> None:
    """Put the credential into a state by the moves there are."""
    ways = {
        CredentialState.WITHDRAWN: [CredentialState.WITHDRAWN],
        CredentialState.WITHDRAWING: [CredentialState.WITHDRAWING],
        CredentialState.CORRECTING: [CredentialState.CORRECTING],
    }
    with transaction() as session:
        row = session.scalars(select(CredentialRow)).one()
        for step in ways[state]:
            change(session, row, step, kind="credential.withdrawn", actor="person:test", **columns)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command, [*arguments], catch_exceptions=False)


# what is fine


def test_what_agrees_is_stamped_and_nothing_is_told(confer: Driver) -> None:
    assert look(confer) == []
    assert confer.credential().checked_at == confer.clock.now
    assert VENDOR.calls == ["list"]
    done = run()
    assert (done.exit_code, done.output) == (0, "1 credentials compared, 0 findings.\n")


def test_claims_are_learnt_by_the_way_and_noted_once(confer: Driver) -> None:
    VENDOR.claim("v1")
    assert look(confer) == look(confer) == []
    assert confer.credential().claim_state == "claimed"
    assert [kind for kind in confer.history() if "claimed" in kind] == ["credential.claimed"]
    VENDOR.claim("v1", ClaimState.OPEN)
    assert kinds(confer) == [Difference.CLAIM_LOST]
    assert confer.credential().claim_state == "claimed"


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "  ADA   lovelace "},
        {"name": "Ａda Lovelace"},
        {"name": None},
        {"standing": Standing.EXPIRED},
    ],
)
def test_what_only_looks_different_is_fine(confer: Driver, changes: dict[str, Any]) -> None:
    with transaction() as session:
        row = session.scalars(select(CredentialRow)).one()
        change(
            session, row, None, kind="credential.planned", actor="person:test",
            order={**row.order, "expires_on": confer.clock.now.date().isoformat()},
        )  # fmt: skip
    VENDOR.put("v1", **changes)
    assert look(confer) == []


def test_the_parts_of_a_name_are_its_name_too(confer: Driver) -> None:
    with transaction() as session:
        row = session.scalars(select(CredentialRow)).one()
        order = {**row.order, "name": "Ada K. Lovelace", "given_name": "Ada", "family_name": "Lovelace"}
        change(session, row, None, kind="credential.planned", actor="person:test", order=order)
    VENDOR.put("v1", name="Ada Lovelace")
    assert look(confer) == []


def test_a_single_name_that_a_platform_wants_twice_is_the_same_name(confer: Driver) -> None:
    with transaction() as session:
        row = session.scalars(select(CredentialRow)).one()
        order = {**row.order, "name": "Prince", "given_name": None, "family_name": None}
        change(session, row, None, kind="credential.planned", actor="person:test", order=order)
    VENDOR.put("v1", name="Prince Prince")
    assert look(confer) == []
    VENDOR.put("v1", name="Prince Charles")
    assert kinds(confer) == [Difference.WRONG_NAME]


# what differs


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"standing": Standing.WITHDRAWN}, Difference.REVOKED),
        ({"standing": Standing.EXPIRED}, Difference.REVOKED),
        ({"standing": Standing.UNPUBLISHED}, Difference.UNPUBLISHED),
        ({"name": "Charles Babbage"}, Difference.WRONG_NAME),
    ],
)
def test_a_difference_is_told_kept_and_forgotten_when_it_is_gone(
    confer: Driver, changes: dict[str, Any], kind: Difference
) -> None:
    right = VENDOR.holds["v1"]
    VENDOR.put("v1", **changes)
    [found] = look(confer)
    assert (found.kind, found.subject, found.case) == (kind, "v1", confer.case().id)
    assert f"credential v1 of template {TEMPLATE}" in found.detail
    assert "Babbage" not in repr(found)
    assert "Ada" not in repr(found)
    assert kinds(confer) == [kind], "told again, and not noted again"
    row = confer.credential()
    assert (row.differs, row.state) == (kind.value, "confirmed"), "a person decides"
    assert confer.history().count("credential.differs") == 1
    told = CliRunner().invoke(explain, [confer.case().id]).output
    assert f"differs: {kind.value}" in told
    VENDOR.holds["v1"] = right
    assert look(confer) == []
    assert confer.credential().differs is None
    assert confer.history().count("credential.agrees") == 1
    assert "as it should be" in CliRunner().invoke(explain, [confer.case().id]).output


def test_several_differences_are_told_together(confer: Driver) -> None:
    VENDOR.put("v1", name="Charles Babbage", standing=Standing.UNPUBLISHED)
    assert kinds(confer) == [Difference.UNPUBLISHED, Difference.WRONG_NAME]
    assert confer.credential().differs == "unpublished,wrong-name"


def test_one_that_stands_under_another_template_is_told_wherever_it_is_listed(confer: Driver) -> None:
    VENDOR.put("v1", template="vt-2")
    assert kinds(confer) == [Difference.WRONG_TEMPLATE], "read by itself"
    program = confer.config / "programs" / "infection-control.yaml"
    text = program.read_text().replace("account: accredible", "account: vendor").replace('"4712"', "vt-2")
    program.write_text(text)
    confer.reload()
    assert kinds(confer) == [Difference.WRONG_TEMPLATE], "listed under the other one, and told once"


def test_one_that_is_gone_is_read_by_itself_before_it_is_told(confer: Driver) -> None:
    VENDOR.unlisted.add("v1")
    assert look(confer) == [], "the list only lags"
    assert VENDOR.calls == ["list", "read"]
    confer.clock.forward(60)
    VENDOR.holds.clear()
    assert kinds(confer) == [Difference.MISSING]
    assert confer.credential().differs == "missing"


def test_one_that_was_just_confirmed_is_not_missed(confer: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    VENDOR.holds.clear()
    monkeypatch.setattr(TestbedPlatform, "settles_within", timedelta(hours=2))
    confer.reload()
    assert look(confer) == []
    confer.clock.forward(2 * 3600)
    assert kinds(confer) == [Difference.MISSING]


def test_a_withdrawn_one_that_is_still_live_is_told(confer: Driver) -> None:
    become(confer, CredentialState.WITHDRAWN)
    assert kinds(confer) == [Difference.STILL_LIVE]
    VENDOR.put("v1", standing=Standing.UNPUBLISHED)
    assert look(confer) == []
    VENDOR.holds.clear()
    assert look(confer) == []


@pytest.mark.parametrize("state", [CredentialState.WITHDRAWING, CredentialState.CORRECTING])
def test_one_that_is_about_to_be_changed_is_left_alone(confer: Driver, state: CredentialState) -> None:
    become(confer, state)
    VENDOR.put("v1", name="Charles Babbage", standing=Standing.WITHDRAWN)
    assert look(confer) == []
    VENDOR.holds.clear()
    assert look(confer) == []


# what we do not know


def test_one_that_staff_issued_by_hand_is_named_by_its_id_alone(confer: Driver) -> None:
    VENDOR.put("x7", name="Grace Hopper", email="grace@learners.example")
    [found] = look(confer)
    assert (found.kind, found.subject, found.case) == (Difference.EXTRA, "x7", "")
    assert "Grace" not in repr(found)
    assert "grace" not in repr(found)
    VENDOR.put("x7", standing=Standing.WITHDRAWN)
    assert look(confer) == []


@pytest.mark.parametrize("state", [CredentialState.PLANNED, CredentialState.UNSURE, CredentialState.REJECTED])
def test_one_that_bears_the_reference_of_a_row_that_is_not_confirmed_is_told(
    confer: Driver, state: CredentialState
) -> None:
    with reading() as session:
        case = session.scalars(select(CredentialRow.case_id)).one()
    _force(state)
    [found] = look(confer)
    assert (found.kind, found.subject, found.case) == (Difference.UNRECORDED, "v1", case)
    assert "replay the case, and it is found and recorded" in found.detail
    assert confer.credential().differs == "unrecorded"


def _force(state: CredentialState) -> None:
    """A row as it was before the platform's answer was written down: no move leads back there."""
    with transaction() as session:
        session.connection().execute(
            CredentialRow.__table__.update().values(state=state.value, platform_ref=None, due_at=None)  # type: ignore[attr-defined]
        )


def test_what_the_lane_is_about_to_write_down_is_not_told(confer: Driver) -> None:
    _force(CredentialState.CALLING)
    assert look(confer) == []
    VENDOR.put("v1", ref=None)
    with transaction() as session:
        session.connection().execute(
            CredentialRow.__table__.update().values(due_at=confer.clock.now + timedelta(minutes=1))  # type: ignore[attr-defined]
        )
    assert look(confer) == []


def test_a_reference_of_ours_that_no_row_has_is_told(confer: Driver) -> None:
    VENDOR.put("v9", ref="confer-aaaaaaaaaaaaaaaaaaaaaaaaaa")
    [found] = look(confer)
    assert found.kind is Difference.UNRECORDED
    assert "restored from a backup?" in found.detail


def test_a_second_one_under_the_same_reference_is_told(confer: Driver) -> None:
    VENDOR.holds["v2"] = replace(VENDOR.holds["v1"], platform_ref="v2")
    [found] = look(confer)
    assert (found.kind, found.subject) == (Difference.TWICE, "v2")
    assert confer.credential().differs is None
    VENDOR.put("v2", standing=Standing.WITHDRAWN)
    assert look(confer) == []


def test_a_second_one_of_a_withdrawn_row_is_still_live(confer: Driver) -> None:
    VENDOR.holds["v2"] = replace(VENDOR.holds["v1"], platform_ref="v2")
    VENDOR.put("v1", standing=Standing.WITHDRAWN)
    become(confer, CredentialState.WITHDRAWN)
    assert [(one.kind, one.subject) for one in look(confer)] == [(Difference.STILL_LIVE, "v2")]


# trouble


@pytest.mark.parametrize(
    ("failure", "passing"),
    [
        (Outage("down"), True),
        (Misconfigured("a key", whole_account=True), False),
        (Rejected("no"), False),
    ],
)
def test_a_platform_that_cannot_be_asked_is_told_and_nothing_is_missed(
    confer: Driver, failure: Exception, passing: bool
) -> None:
    VENDOR.failing = failure  # type: ignore[assignment]
    [found] = look(confer)
    assert (found.kind, found.passing) == (Difference.NOT_ASKED, passing)
    assert confer.credential().differs is None


def test_a_template_that_is_refused_does_not_keep_the_others_from_being_compared(confer: Driver) -> None:
    VENDOR.put("x1", template="old")
    with transaction() as session:
        row = session.scalars(select(CredentialRow)).one()
        change(
            session, row, None, kind="credential.planned", actor="person:test", order={**row.order, "template": "old"}
        )
    VENDOR.put("v1", template="old")
    VENDOR.put("x2")
    VENDOR.failing_templates["old"] = Rejected("Vendor answered 404")
    found = [(one.kind, one.template) for one in look(confer)]
    assert found == [(Difference.NOT_ASKED, "old"), (Difference.EXTRA, TEMPLATE)]
    assert "read" not in VENDOR.calls, "what was not listed there is not taken for missing"


def test_a_pause_is_kept_and_a_busy_lane_comes_first(confer: Driver) -> None:
    until = confer.clock.now + timedelta(minutes=9)
    VENDOR.failing = Throttled("Vendor answered 429", until=until)
    assert [one.passing for one in look(confer)] == [True]
    VENDOR.failing, VENDOR.calls = None, []
    confer.clock.go_to(until)
    with transaction() as session:
        session.connection().execute(CredentialRow.__table__.update().values(due_at=until))  # type: ignore[attr-defined]
    [found] = look(confer)
    assert (found.passing, VENDOR.calls) == (True, [])
    assert "credentials are issued first" in found.detail


def test_an_account_that_a_person_pauses_is_not_asked(confer: Driver) -> None:
    with transaction() as session:
        session.get_one(Lane, "vendor").paused_at = confer.clock.now
        session.connection().execute(CredentialRow.__table__.update().values(due_at=confer.clock.now))  # type: ignore[attr-defined]
    before = confer.clock.now
    [found] = look(confer)
    assert (found.kind, found.passing, found.detail) == (Difference.NOT_ASKED, True, "vendor is paused")
    assert (confer.clock.now, VENDOR.calls) == (before, [])


def test_lists_that_are_wrong_altogether_do_not_take_all_night(
    confer: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rechecking, "_READ_ALONE", 3)
    many(7)
    VENDOR.holds.clear()
    found = look(confer)
    assert [one.kind for one in found] == [Difference.MISSING] * 3 + [Difference.NOT_COMPARED]
    assert "5 further credentials" in found[-1].detail
    first = {one.subject for one in found}
    confer.clock.forward(60)
    second = {one.subject for one in look(confer)}
    assert not (first & second) - {""}, "the next run reads the next ones"


def many(number: int) -> None:
    """So many further credentials, here and there."""
    with transaction() as session:
        row = session.scalars(select(CredentialRow)).first()
        assert row is not None
        columns = {one.key: getattr(row, one.key) for one in CredentialRow.__mapper__.column_attrs}
    rows = [
        {
            **columns, "id": f"credential_{at:09}", "generation": 100 + at, "ref": f"confer-{at:026}",
            "platform_ref": f"m{at}", "due_at": None,
        }
        for at in range(number)
    ]  # fmt: skip
    with transaction() as session:
        for start in range(0, number, 5000):
            session.connection().execute(insert(CredentialRow), rows[start : start + 5000])
    for one in rows:
        VENDOR.put(one["platform_ref"], ref=one["ref"], name="Ada Lovelace", claim=ClaimState.OPEN)


# the night


def test_each_account_is_due_once_a_night_one_after_the_other(confer: Driver) -> None:
    assert due_rechecks() == []  # the first night is still to come
    confer.clock.forward(24 * 3600)
    seen = []
    for _ in range(3):
        [wakeup] = due_rechecks()
        seen.append(wakeup.id)
        nightly_recheck(wakeup.id)
    assert sorted(seen) == ["accredible", "badges", "vendor"]
    assert due_rechecks() == []
    confer.clock.forward(24 * 3600)
    assert len(due_rechecks()) == 1


def test_no_two_accounts_are_rechecked_at_once(confer: Driver) -> None:
    due_rechecks()
    confer.clock.forward(24 * 3600)
    [wakeup] = due_rechecks()
    with transaction() as session:
        row = session.get_one(Recheck, wakeup.id)
        row.owner, row.due_at = "somebody", confer.clock.now + timedelta(minutes=5)
    assert due_rechecks() == []
    confer.clock.forward(301)
    assert len(due_rechecks()) == 1, "whoever did it is gone"


def test_a_lost_wake_up_or_worker_is_made_up_for(confer: Driver) -> None:
    only_vendor(confer)
    assert due_rechecks() == [WakeUp(task="recheck", id="vendor")]
    assert due_rechecks() == []
    confer.clock.forward(LEASE.total_seconds() + 1)
    assert due_rechecks() == [WakeUp(task="recheck", id="vendor")]
    VENDOR.meanwhile = lambda: (_ for _ in ()).throw(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        nightly_recheck("vendor")
    assert due_rechecks() == []
    VENDOR.meanwhile = None
    confer.clock.forward(LEASE.total_seconds() + 1)
    assert due_rechecks() == [WakeUp(task="recheck", id="vendor")]


def only_vendor(confer: Driver) -> None:
    """Have every program issue at the vendor, and the night come."""
    for file in (confer.config / "programs").glob("*.yaml"):
        text = (
            file.read_text()
            .replace("account: badges", "account: vendor")
            .replace("account: accredible", "account: vendor")
        )
        file.write_text(text)
    confer.reload()
    due_rechecks()
    confer.clock.forward(24 * 3600)


def test_differences_are_told_once_a_week_and_strangers_together(confer: Driver) -> None:
    only_vendor(confer)
    VENDOR.put("v1", standing=Standing.WITHDRAWN)
    for number in range(30):
        VENDOR.put(f"x{number}")
    nightly_recheck("vendor")
    told = {row.title: row for row in confer.rows(select(AlertRow))}
    assert set(told) == {"Credential was revoked at the platform", "Credentials that we did not issue"}
    revoked = told["Credential was revoked at the platform"]
    assert (revoked.severity, revoked.case_id) == ("failure", confer.case().id)
    strangers = told["Credentials that we did not issue"]
    assert (strangers.severity, ["Credentials", "30"] in strangers.facts) == ("warning", True)
    assert strangers.summary.endswith("and 20 more")
    again(confer)
    assert len(confer.rows(select(AlertRow))) == 2
    VENDOR.put("x99")
    again(confer)
    assert len(confer.rows(select(AlertRow))) == 3, "another stranger is news"


def again(confer: Driver) -> None:
    """Have the account be due at once, in the same week."""
    with transaction() as session:
        session.get_one(Recheck, "vendor").due_at = confer.clock.now
    nightly_recheck("vendor")


def test_many_differences_of_a_kind_are_told_by_some_and_their_number(confer: Driver) -> None:
    only_vendor(confer)
    many(40)
    VENDOR.holds.clear()
    nightly_recheck("vendor")
    told = confer.rows(select(AlertRow).order_by(AlertRow.id))
    assert len(told) == 21
    assert told[-1].summary.startswith("41 credentials in all; `celery -A tasks recheck --account vendor`")


def test_an_outage_is_put_off_and_not_told(confer: Driver) -> None:
    only_vendor(confer)
    VENDOR.failing = Outage("down")
    nightly_recheck("vendor")
    assert confer.rows(select(AlertRow)) == []
    [row] = confer.rows(select(Recheck).filter_by(account="vendor"))
    assert (row.due_at - confer.clock.now, row.error, row.ended_at) == (timedelta(minutes=30), "down", None)
    VENDOR.failing = None
    confer.clock.forward(1801)
    assert due_rechecks() == [WakeUp(task="recheck", id="vendor")]
    nightly_recheck("vendor")
    [row] = confer.rows(select(Recheck).filter_by(account="vendor"))
    assert (row.error, row.compared, row.ended_at) == (None, 1, confer.clock.now)


def test_a_refused_key_is_told(confer: Driver) -> None:
    only_vendor(confer)
    VENDOR.failing = Misconfigured("check the key", whole_account=True)
    nightly_recheck("vendor")
    [told] = confer.rows(select(AlertRow))
    assert (told.title, told.summary) == ("Platform cannot be compared", "check the key")


# the command


def test_the_command_lists_everything_and_says_so_by_its_status(confer: Driver) -> None:
    VENDOR.put("v1", name="Charles Babbage")
    VENDOR.put("x7")
    done = run("--account", "vendor")
    assert done.exit_code == 1
    assert f"vendor: {confer.case().id}: credential v1 of template vt-1 bears another name" in done.output
    assert "[wrong-name]" in done.output
    assert "vendor: credential x7 of template vt-1 was issued there, not by us [extra]" in done.output
    assert "2 credentials compared, 2 findings." in done.output
    found = json.loads(run("--account", "vendor", "--json").output)
    assert [one["kind"] for one in found] == ["wrong-name", "extra"]
    assert json.loads(run("--account", "vendor", "--template", "vt-9", "--json").output) == []
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(AlertRow)) == 0


@pytest.mark.parametrize("arguments", [["--account", "nobody"], ["--template", "vt-1"]])
def test_what_is_asked_for_has_to_be_there(confer: Driver, arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2


def test_the_memory_does_not_grow_with_the_number_of_credentials(
    confer: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TestbedPlatform, "rate", None)
    confer.reload()
    many(3000)
    tracemalloc.start()
    assert look(confer) == []
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 12 * 2**20, "a page at a time; all of them together are 25 MB"


@pytest.mark.servers  # it takes a minute or two
@pytest.mark.timeout(600)
def test_a_hundred_thousand_credentials_are_compared(confer: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TestbedPlatform, "rate", None)
    confer.reload()
    many(100_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert look(confer) == []
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60 * 1024
    with reading() as session:
        stamped = select(func.count()).select_from(CredentialRow).where(CredentialRow.checked_at.is_not(None))
        assert session.scalar(stamped) == 100_001
