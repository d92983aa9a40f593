"""One person, one credential: whatever becomes of address, name and spelling between one event and the next."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select

from pipeline.errors import Unsure
from pipeline.platforms.accredible import Accredible
from pipeline.steps import issue
from pipeline.store.credentials import CredentialRow
from pipeline.store.learners import LearnerRow
from pipeline.values import Issued, Order
from tests.driver import COMPLIANCE, FIRST_AID, Driver
from tests.withdrawing import again, approved, correct, issued, states

#: the same LMS id, with what may be another address and spelling of it
OTHERS = [
    {"email": "ADA.307@LEARNERS.EXAMPLE"},
    {"email": "ada.king@elsewhere.example"},
    {"email": "ada.307+work@learners.example"},
    {"email": "ada.307@learners.example", "name": "ADA LOVELACE"},
    {"email": "ada.king@elsewhere.example", "name": "Ada King", "idnumber": "S-9"},
]


@pytest.mark.parametrize("other", OTHERS, ids=lambda one: "-".join(one.values()))
@pytest.mark.parametrize("course", [FIRST_AID, COMPLIANCE], ids=["badges", "accredible"])
@pytest.mark.parametrize("before", ["gather", "verify", "issue", "notify", "downstream", "done"])
def test_the_same_lms_id_is_the_same_learner_whenever_the_rest_changes(
    confer: Driver, other: dict[str, str], course: int, before: str
) -> None:
    confer.learner()
    event = confer.event(course=course)
    if course == COMPLIANCE:
        confer.control.complete(307, 11, score="88")
    confer.deliver(json.dumps(event))
    if before == "done":
        confer.settle()
    else:
        confer.until(before)
    confer.learner(307, **other)
    confer.deliver(json.dumps({**event, "objectid": int(event["objectid"]) + 1}))
    confer.settle()
    assert confer.case().stage == "done"
    assert len(confer.rows(select(LearnerRow))) == 1
    assert [row.state for row in confer.rows(select(CredentialRow))] == ["confirmed"]
    if course == COMPLIANCE:
        assert confer.creations() == 1


@pytest.mark.parametrize("other", OTHERS, ids=lambda one: "-".join(one.values()))
def test_what_was_lost_under_one_address_is_found_under_another(
    confer: Driver, monkeypatch: pytest.MonkeyPatch, other: dict[str, str]
) -> None:
    """The order keeps what the platform was asked for, so the look-up asks for the same."""
    confer.learner()
    confer.complete_at_accredible()
    confer.until("issue")
    real = Accredible.issue

    def lost(self: Accredible, order: Order) -> Issued:
        real(self, order)
        raise Unsure("no answer")

    with monkeypatch.context() as patched:
        patched.setattr(Accredible, "issue", lost)
        issue.pump("accredible", lambda _: None)
    confer.learner(307, **other)
    confer.waiting.clear()
    confer.settle()
    assert (confer.case().stage, confer.creations()) == ("done", 1)


@pytest.mark.parametrize("other", OTHERS, ids=lambda one: "-".join(one.values()))
def test_a_correction_and_another_award_are_still_of_the_same_person(confer: Driver, other: dict[str, str]) -> None:
    case = issued(confer)
    confer.learner(307, **other)
    correct(confer, case, from_lms=True)
    confer.settle()
    live = [row.state for row in confer.rows(select(CredentialRow))].count("confirmed")
    assert live == 1
    approved(confer, case)
    confer.settle()
    new = again(confer, case).get_json()["case"]
    confer.settle()
    assert len(confer.rows(select(LearnerRow))) == 1
    assert states(confer, new) == ["confirmed"]
    assert [row.state for row in confer.rows(select(CredentialRow))].count("confirmed") == 1


def test_another_letter_case_alone_is_no_correction(confer: Driver) -> None:
    case = issued(confer)
    confer.learner(307, email="ADA.307@LEARNERS.EXAMPLE")
    assert correct(confer, case, from_lms=True).status_code == 422
    assert states(confer, case) == ["confirmed"]
