"""The guide's four example programs, as they are shipped, each from the LMS's event to the credential."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from pipeline.store.credentials import CredentialRow
from tests.driver import Driver

EIGHT_HOURS_AND_A_BIT = 8 * 3600 + 60


def at_canvas(confer: Driver, course: int, **more: Any) -> None:
    """Complete a course at the college's Canvas, and deliver the signed event that Canvas would send."""
    canvas = confer.control.lms("canvas")
    canvas.add_learner(7, name="Grace Hopper", email="grace@learners.example")
    send = {"url": "http://receiver.example/webhooks/college", "dry": True, "signed": True}
    sent = canvas.complete(7, course, send=send, **more)
    answer = confer.web.post("/webhooks/college", data=sent["raw"], headers=sent["headers"])
    assert answer.status_code == 202, answer.get_data(as_text=True)
    confer.drain()


def states(
    confer: Driver, learner: str, about: str, source: str = "college", *, by: str = "registrar", **more: Any
) -> None:
    """Somebody states an approval, and the learner's cases go on."""
    said = {
        "source": source, "learner": learner, "kind": "approval", "about": about, "approved": True, "reason": "seen",
        **more,
    }  # fmt: skip
    answer = confer.api("POST", "attestations", said, by=by)
    assert answer.status_code == 201, answer.get_data(as_text=True)
    confer.settle()


def outcome(confer: Driver, learner: int = 7) -> tuple[str, str]:
    case = confer.case(learner)
    return case.stage, case.error or ""


@pytest.mark.parametrize(
    ("score", "seconds", "stage"),
    [
        (95, EIGHT_HOURS_AND_A_BIT, "done"),
        (95, 8 * 3600, "held"),
        (95, 7 * 3600, "held"),
        (60, EIGHT_HOURS_AND_A_BIT, "failed"),
    ],
)
def test_healthcare_compliance(confer: Driver, score: int, seconds: int, stage: str) -> None:
    at_canvas(confer, 101, score=score, time_spent_seconds=seconds)
    confer.settle()
    assert outcome(confer)[0] == stage
    assert len(confer.rows(select(CredentialRow))) == (stage == "done")


def test_project_management_waits_for_portfolio_and_peer_review(confer: Driver) -> None:
    at_canvas(confer, 102, score=90, time_spent_seconds=41 * 3600)
    assert outcome(confer)[0] == "held"
    assert "nobody has decided about portfolio" in outcome(confer)[1]
    states(confer, "7", "portfolio")
    assert "nobody has decided about peer review" in outcome(confer)[1]
    states(confer, "7", "peer_review")
    assert outcome(confer)[0] == "done"


def test_a_rejected_portfolio_is_no_credential_and_the_learner_is_told(confer: Driver) -> None:
    at_canvas(confer, 102, score=90, time_spent_seconds=41 * 3600)
    states(confer, "7", "peer_review")
    states(confer, "7", "portfolio", approved=False)
    assert outcome(confer)[0] == "failed"
    [mail] = confer.control.mails(to="grace@learners.example")
    assert "Approval: portfolio" in mail["text"]


@pytest.mark.parametrize(("points", "stage"), [("4", "done"), ("3.5", "held"), ("3", "failed")])
def test_leadership_is_judged_by_the_rubric(confer: Driver, points: str, stage: str) -> None:
    states(confer, "7", "feedback_360")
    at_canvas(confer, 103, assignments={"Leadership rubric": float(points)}, time_spent_seconds=21 * 3600)
    confer.settle()
    assert outcome(confer)[0] == stage


def test_financial_regulations_waits_for_the_proctoring_service(confer: Driver) -> None:
    confer.learner(308, name="Grace Hopper")
    confer.complete(308, course=14, score="95")
    confer.drain()
    assert outcome(confer, 308)[0] == "held"
    states(confer, "308", "proctoring", "campus", by="proctoring")
    assert outcome(confer, 308)[0] == "held"
    states(confer, "308", "identity_check", "campus", by="proctoring", name="HOPPER, Grace")
    assert outcome(confer, 308)[0] == "done"


def test_somebody_elses_document_is_for_a_person(confer: Driver) -> None:
    confer.learner(308, name="Grace Hopper")
    confer.complete(308, course=14, score="95")
    states(confer, "308", "proctoring", "campus", by="proctoring")
    states(confer, "308", "identity_check", "campus", by="proctoring", name="Ada Lovelace")
    assert outcome(confer, 308)[0] == "held"
    assert "characters, more than 2" in outcome(confer, 308)[1]
    assert "Lovelace" not in outcome(confer, 308)[1]
