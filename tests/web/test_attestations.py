"""What persons and outside systems state over the API: who may state what, repeats, and the cases that go on."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from pipeline.store.attestations import AttestationRow
from pipeline.store.ledger import LedgerEntry
from tests.driver import Driver


def said(**more: Any) -> dict[str, Any]:
    """A proctoring result, with changes."""
    return {
        "source": "campus", "learner": "307", "program": "first-aid", "kind": "approval", "about": "proctoring",
        "approved": True, "reason": "session P-9 without findings", "key": "P-9", **more,
    }  # fmt: skip


def test_an_outside_system_states_what_staff_yaml_lets_it(confer: Driver) -> None:
    answer = confer.api("POST", "attestations", said(), by="proctoring")
    assert answer.status_code == 201
    [row] = confer.rows(select(AttestationRow))
    assert (row.author, row.kind, row.about) == ("system:proctoring", "approval", "proctoring")
    [entry] = confer.rows(select(LedgerEntry).filter_by(kind="attestation.made"))
    assert entry.actor == "system:proctoring"
    assert "P-9" not in str(entry.facts), "the reason stays with the attestation"


@pytest.mark.parametrize(
    "more",
    [{"about": "portfolio"}, {"kind": "exemption", "approved": None}, {"kind": "investigation", "approved": None},
     {"kind": "score", "approved": None, "points": "3", "out_of": "5", "about": "Final exam"}],
)  # fmt: skip
def test_and_nothing_else(confer: Driver, more: dict[str, Any]) -> None:
    assert confer.api("POST", "attestations", said(**more), by="proctoring").status_code == 403
    assert confer.rows(select(AttestationRow)) == []


def test_a_repeat_with_the_same_key_is_kept_once(confer: Driver) -> None:
    first = confer.api("POST", "attestations", said(), by="proctoring")
    again = confer.api("POST", "attestations", said(), by="proctoring")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.get_json() == again.get_json()
    by_somebody_else = confer.api("POST", "attestations", said())
    assert by_somebody_else.status_code == 201, "keys belong to their author"
    assert len(confer.rows(select(AttestationRow))) == 2


@pytest.mark.parametrize(
    ("more", "faulty"),
    [
        ({"approved": None}, "approved"), ({"approved": "yes"}, "approved"), ({"points": "3"}, "points"),
        ({"kind": "score", "approved": None, "points": "3"}, "out_of"), ({"kind": "time", "approved": None}, "hours"),
        ({"kind": "score", "approved": None, "points": "-1", "out_of": "5"}, "points"),
        ({"kind": "score", "approved": None, "points": "1", "out_of": "0"}, "out_of"),
        ({"kind": "score", "approved": None, "points": "NaN", "out_of": "5"}, "points"),
        ({"reason": ""}, "reason"), ({"about": ""}, "about"), ({"learner": ""}, "learner"), ({"kind": "wish"},
        "kind"),
        ({"kind": "accommodation", "approved": None, "about": "score", "points": "70"}, "out_of"),
        ({"kind": "accommodation", "about": "score"}, "approved"),
        ({"valid_until": "2027-01-01"}, "valid_until"), ({"person": "x"}, "person"),
        ({"valid_from": "2027-01-02T00:00:00Z", "valid_until": "2027-01-01T00:00:00Z"}, "valid_until"),
    ],
)  # fmt: skip
def test_what_is_not_whole_is_refused_by_name(confer: Driver, more: dict[str, Any], faulty: str) -> None:
    answer = confer.api("POST", "attestations", said(**more))
    assert answer.status_code == 422
    assert faulty in answer.get_json()["errors"]
    assert confer.rows(select(AttestationRow)) == []


@pytest.mark.parametrize("more", [{"source": "nowhere"}, {"program": "nothing"}])
def test_what_refers_to_nothing_is_refused(confer: Driver, more: dict[str, Any]) -> None:
    assert confer.api("POST", "attestations", said(**more)).status_code == 422


def test_an_attestation_made_before_the_completion_counts(confer: Driver) -> None:
    confer.api("POST", "attestations", said(kind="investigation", approved=None, about="", reason="report 14"))
    confer.learner()
    confer.complete(score="95")
    confer.drain()
    assert confer.case().stage == "held"
    assert "investigation" in (confer.case().error or "")


def test_a_withdrawn_attestation_lets_the_run_go_on_and_stays_to_be_seen(confer: Driver) -> None:
    stated = said(kind="investigation", approved=None, about="", reason="report 14", program=None)
    made = confer.api("POST", "attestations", stated).get_json()["attestation"]
    confer.learner()
    confer.complete(score="95")
    confer.drain()
    path = f"attestations/{made}/withdrawal"
    assert confer.api("POST", path, {"reason": ""}).status_code == 422
    assert confer.api("POST", path, {"reason": "x"}, by="proctoring").status_code == 403
    assert confer.api("POST", path, {"reason": "unfounded"}, by="head-registrar").status_code == 200
    confer.settle()
    assert confer.case().stage == "done"
    [one] = confer.api("GET", "attestations?source=campus&learner=307").get_json()["attestations"]
    assert (one["valid"], one["withdrawn_by"], one["withdrawn_reason"]) == (
        False, "person:head-registrar", "unfounded",
    )  # fmt: skip


def test_an_investigation_that_begins_in_the_review_window_stops_the_credential(confer: Driver) -> None:
    """What is planned and not yet called is taken out of its lane, and planned again once the doubt is gone."""
    file = confer.config / "programs" / "first-aid.yaml"
    file.write_text(file.read_text() + "\ntiming: {issue_after: 2 days}\n")
    confer.reload()
    confer.learner()
    confer.complete(score="95")
    confer.drain()
    assert (confer.case().stage, confer.credential().state) == ("issue", "planned")
    stated = said(kind="investigation", approved=None, about="", reason="report 14", program=None)
    made = confer.api("POST", "attestations", stated).get_json()["attestation"]
    confer.drain()
    assert confer.case().stage == "held"
    confer.clock.forward(3 * 86_400)
    confer.settle()
    assert confer.credential().state == "planned", "nothing is issued meanwhile"
    confer.api("POST", f"attestations/{made}/withdrawal", {"reason": "unfounded"})
    confer.settle(within=confer.clock.now - confer.case().opened_at)
    assert (confer.case().stage, confer.credential().state) == ("done", "confirmed")


def test_an_investigation_after_the_credential_changes_nothing_by_itself(confer: Driver) -> None:
    confer.learner()
    confer.complete(score="95")
    confer.settle()
    confer.api("POST", "attestations", said(kind="investigation", approved=None, about="", reason="late"))
    confer.settle()
    assert confer.case().stage == "done"
    assert "attestation.made" in confer.history(confer.case().id), "and it is told in the case's history"


def test_a_decision_never_overlooks_what_is_stated_while_it_is_made(confer: Driver) -> None:
    """The attestation comes between gather, which does not see it, and verify."""
    confer.learner()
    confer.complete(score="95")
    confer.until("verify")
    confer.api("POST", "attestations", said(kind="investigation", approved=None, about="", reason="report 14"))
    confer.drain()
    assert confer.case().stage == "held"
    assert "record.outdated" in confer.history(confer.case().id)


def test_an_accommodation_sets_another_threshold_for_one_learner(confer: Driver) -> None:
    eased = said(kind="accommodation", about="score", approved=None, points="60", out_of="100", reason="plan 7")
    assert confer.api("POST", "attestations", eased).status_code == 201
    confer.learner()
    confer.complete(score="70")
    confer.settle()
    assert confer.case().stage == "done"
