"""The API of the review queue: who may read and decide, what is refused, and how the run goes on afterwards."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from sqlalchemy import select

from pipeline.store.ledger import LedgerEntry
from pipeline.store.reviews import Review
from tests.driver import Driver

DOUBTFUL = "80.5"  # within 2 % of the threshold of 80
FAILING = "60"


@pytest.fixture
def doubtful(confer: Driver) -> Driver:
    """A case that is held because its score lies near the threshold."""
    confer.learner()
    confer.complete(score=DOUBTFUL)
    confer.drain()
    assert confer.case().stage == "held"
    return confer


@pytest.fixture
def failed(confer: Driver) -> Driver:
    """A case that failed by its score."""
    confer.learner()
    confer.complete(score=FAILING)
    confer.drain()
    assert confer.case().stage == "failed"
    return confer


# reading


def test_the_queue_tells_reason_error_class_deadline_and_assignee(doubtful: Driver) -> None:
    answer = doubtful.api("GET", "reviews")
    assert answer.headers["Cache-Control"] == "no-store"
    [case] = answer.get_json()["cases"]
    assert case["case"] == doubtful.case().id
    assert (case["stage"], case["error"], case["program"]) == ("held", "doubt", "first-aid")
    assert case["error_class"] == "doubt about the record"
    assert "score" in case["reason"]
    assert case["overdue"] is False
    assert case["assignee"] is None
    assert case["decide_by"] > case["since"]


def test_a_case_holds_everything_that_a_reviewer_needs(doubtful: Driver) -> None:
    case = doubtful.waiting_case()
    assert case["learner"]["name"] == "Ada Lovelace"
    assert case["program_title"] == "First Aid at Work"
    [score] = [check for check in case["decision"]["checks"] if check["criterion"] == "score"]
    assert (score["outcome"], score["threshold"]) == ("hold", "80 %")
    assert score["seen"].startswith("80.5")
    assert score["where"]
    assert score["read_at"]
    assert case["record"]["scores"]
    assert [event["swept"] for event in case["events"]] == [False]
    assert case["history"][0]["kind"] == "case.opened"
    assert case["actions"]["approve"] == {"possible": True, "why_not": ""}
    assert case["actions"]["override"]["possible"] is False
    assert "administrator" in case["actions"]["override"]["why_not"]


def test_pages_of_the_queue_follow_each_other_without_gap_or_repeat(confer: Driver) -> None:
    for number in range(301, 308):
        confer.learner(number)
        confer.complete(number, score=DOUBTFUL)
    confer.drain()
    seen: list[str] = []
    after = ""
    while True:
        answer = confer.api("GET", f"reviews?limit=3{after}").get_json()
        assert answer["total"] == 7
        seen += [case["case"] for case in answer["cases"]]
        if answer["after"] is None:
            break
        after = f"&after={answer['after']}"
    assert len(seen) == 7
    assert sorted(seen) == sorted(case.id for case in confer.cases())


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("stage=held", 1), ("stage=failed", 0), ("program=first-aid", 1), ("program=other", 0), ("error=doubt", 1),
        ("error=rejected", 0), ("assignee=nobody", 1), ("assignee=registrar", 0), ("overdue=true", 0),
    ],
)  # fmt: skip
def test_the_queue_is_filtered(doubtful: Driver, query: str, found: int) -> None:
    assert doubtful.api("GET", f"reviews?{query}").get_json()["total"] == found


@pytest.mark.parametrize("query", ["stage=done", "limit=0", "limit=many", "oops=1", "before=yesterday"])
def test_a_filter_that_nobody_understands_is_refused(doubtful: Driver, query: str) -> None:
    assert doubtful.api("GET", f"reviews?{query}").status_code == 422


# who may


@pytest.mark.parametrize("token", ["", "wrong", "the-token-of-registrar-in-test", "ü" * 30])
def test_without_a_token_of_staff_nothing_is_told(doubtful: Driver, token: str) -> None:
    case = doubtful.case().id
    for path in ("reviews", f"reviews/{case}", "attestations?source=campus&learner=307"):
        answer = doubtful.web.get(
            f"/api/{path}", headers=[("Authorization", f"Bearer {token}".encode().decode("latin-1"))]
        )
        assert answer.status_code == 401
        assert "Ada" not in answer.get_data(as_text=True)


@pytest.mark.parametrize("path", ["reviews", "reviews/bulk/preview"])
def test_an_outside_system_cannot_read_or_decide(doubtful: Driver, path: str) -> None:
    method = "GET" if path == "reviews" else "POST"
    assert doubtful.api(method, path, {} if method == "POST" else None, by="proctoring").status_code == 403


def test_a_browser_cannot_be_made_to_decide(doubtful: Driver) -> None:
    """A form or a script of another site sends neither a Bearer header nor, unasked, a JSON content type."""
    case = doubtful.waiting_case()
    body = '{"action": "approve", "reason": "x", "version": "' + case["version"] + '"}'
    path = f"/api/reviews/{case['case']}/decision"
    assert doubtful.web.post(path, data=body, content_type="text/plain").status_code == 401
    bearer = {"Authorization": "Bearer the-token-of-registrar-in-tests"}
    assert doubtful.web.post(path, data=body, content_type="text/plain", headers=bearer).status_code == 415
    assert "Access-Control-Allow-Origin" not in doubtful.web.options(path).headers
    assert doubtful.case().stage == "held"


# deciding


def test_an_approval_resumes_the_run_and_keeps_person_reason_and_what_was_overridden(doubtful: Driver) -> None:
    answer = doubtful.decide("approve", reason="paper copy seen")
    assert answer.status_code == 200
    assert answer.get_json()["stage"] == "issue"
    doubtful.drain()
    doubtful.settle()
    assert doubtful.case().stage == "done"
    assert doubtful.credential().state == "confirmed"
    [row] = doubtful.rows(select(Review))
    assert (row.person, row.role, row.reason, row.action) == (
        "person:registrar", "reviewer", "paper copy seen", "approve",
    )  # fmt: skip
    read = doubtful.waiting_case()
    [score] = [check for check in read["decision"]["checks"] if check["criterion"] == "score"]
    assert score["outcome"] == "pass"
    assert score["override"]["person"] == "person:registrar"
    assert score["override"]["was"] == "hold"
    ledger = doubtful.rows(select(LedgerEntry).filter_by(kind="case.reviewed"))
    assert [entry.actor for entry in ledger] == ["person:registrar"]
    assert "paper copy" not in str(ledger[0].facts), "reasons of persons may hold personal data"


def test_a_reviewer_cannot_approve_what_failed_and_an_administrator_can_override_it(failed: Driver) -> None:
    assert failed.decide("approve").status_code == 422
    assert failed.decide("override", checks=["score"]).status_code == 403
    assert failed.decide("override", by="head-registrar").status_code == 422, "nothing named"
    assert failed.decide("override", by="head-registrar", checks=["score", "modules"]).status_code == 422
    assert failed.case().stage == "failed"
    assert failed.rows(select(Review)) == []
    answer = failed.decide("override", by="head-registrar", checks=["score"], reason="re-marked: 82 %")
    assert answer.status_code == 200
    failed.settle()
    assert failed.case().stage == "done"
    assert failed.credential().state == "confirmed"


def test_a_rejection_closes_the_case_and_nothing_is_issued(doubtful: Driver) -> None:
    assert doubtful.decide("reject").get_json()["stage"] == "closed"
    doubtful.settle()
    assert doubtful.history().count("credential.planned") == 0
    assert doubtful.api("GET", "reviews").get_json()["total"] == 0


def test_a_rejected_learner_who_completes_anew_is_judged_anew(doubtful: Driver) -> None:
    doubtful.decide("reject")
    doubtful.clock.forward(86_400)
    event = doubtful.event(score="95")
    doubtful.deliver(json.dumps({**event, "timecreated": int(doubtful.clock.now.timestamp())}))
    doubtful.settle()
    assert doubtful.case().stage == "done"


def test_another_look_reads_the_record_anew(doubtful: Driver) -> None:
    doubtful.control.progress(307, 12, score="95")
    assert doubtful.decide("look_again").status_code == 200
    doubtful.settle()
    assert doubtful.case().stage == "done"


@pytest.mark.parametrize(
    "body",
    [
        {}, {"action": "approve"}, {"action": "approve", "reason": "", "version": "v"},
        {"action": "approve", "reason": "   ", "version": "v"}, {"action": "grant", "reason": "x", "version": "v"},
        {"action": "approve", "reason": "x", "version": "v", "person": "somebody"}, {"reason": "x", "version": "v"},
        {"action": "approve", "reason": "x" * 2001, "version": "v"}, {"action": 1, "reason": 1, "version": 1},
    ],
)  # fmt: skip
def test_a_decision_needs_action_reason_and_version(doubtful: Driver, body: dict[str, Any]) -> None:
    answer = doubtful.api("POST", f"reviews/{doubtful.case().id}/decision", body)
    assert answer.status_code in {409, 422}
    assert doubtful.case().stage == "held"


@pytest.mark.parametrize("body", ["", "[]", "{", '"x"', "null", "NaN", "[" * 5000])
def test_a_body_that_is_no_json_object_is_refused(doubtful: Driver, body: str) -> None:
    answer = doubtful.web.post(
        f"/api/reviews/{doubtful.case().id}/decision", data=body, content_type="application/json",
        headers={"Authorization": "Bearer the-token-of-registrar-in-tests"},
    )  # fmt: skip
    assert answer.status_code == 400


def test_a_case_that_there_is_not_is_not_found(confer: Driver) -> None:
    assert confer.api("GET", "reviews/case_none").status_code == 404
    wish = {"action": "approve", "reason": "x", "version": "v"}
    assert confer.api("POST", "reviews/case_none/decision", wish).status_code == 404


def test_a_decision_about_a_case_that_changed_since_it_was_read_is_refused(doubtful: Driver) -> None:
    read = doubtful.waiting_case()
    stated = {
        "source": "campus", "learner": "307", "kind": "appeal", "about": "score", "reason": "the learner contests it",
    }  # fmt: skip
    assert doubtful.api("POST", "attestations", stated).status_code == 201
    doubtful.drain()
    wish = {"action": "approve", "reason": "x", "version": read["version"]}
    answer = doubtful.api("POST", f"reviews/{read['case']}/decision", wish)
    assert answer.status_code == 409
    assert answer.content_type == "application/problem+json"
    assert doubtful.history().count("case.reviewed") == 0


def test_an_assignment_or_an_escalation_does_not_spoil_a_decision(doubtful: Driver) -> None:
    read = doubtful.waiting_case()
    path = f"reviews/{read['case']}"
    assert doubtful.api("PUT", f"{path}/assignee", {"assignee": "registrar"}).status_code == 200
    doubtful.clock.forward(25 * 3600)
    doubtful.settle()
    assert doubtful.case().escalated_at is not None
    wish = {"action": "approve", "reason": "x", "version": read["version"]}
    assert doubtful.api("POST", f"{path}/decision", wish).status_code == 200


def test_only_a_reviewer_of_staff_can_be_assigned(doubtful: Driver) -> None:
    path = f"reviews/{doubtful.case().id}/assignee"
    for nobody in ("somebody", "proctoring", ""):
        assert doubtful.api("PUT", path, {"assignee": nobody}).status_code == 422
    assert doubtful.api("PUT", path, {"assignee": "head-registrar"}).get_json()["assignee"] == "head-registrar"
    assert doubtful.api("GET", "reviews?assignee=head-registrar").get_json()["total"] == 1
    assert doubtful.api("PUT", path, {"assignee": None}).get_json()["assignee"] is None


def test_of_two_who_decide_at_once_one_wins_and_the_other_is_told(doubtful: Driver) -> None:
    read = doubtful.waiting_case()
    path = f"/api/reviews/{read['case']}/decision"
    statuses: list[int] = []
    ready = threading.Barrier(2)

    def decide(action: str) -> None:
        wish = {"action": action, "reason": "x", "version": read["version"]}
        bearer = {"Authorization": "Bearer the-token-of-registrar-in-tests"}
        client = doubtful.web.application.test_client()
        ready.wait()
        statuses.append(client.post(path, json=wish, headers=bearer).status_code)

    threads = [threading.Thread(target=decide, args=[action]) for action in ("approve", "reject")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 409]
    assert len(doubtful.rows(select(Review))) == 1


# many at once


def cohort(confer: Driver, count: int = 4) -> list[str]:
    for number in range(401, 401 + count):
        confer.learner(number)
        confer.complete(number, score=DOUBTFUL)
    confer.drain()
    return sorted(case.id for case in confer.cases())


def test_a_bulk_decision_is_about_exactly_what_its_preview_showed(confer: Driver) -> None:
    cases = cohort(confer)
    wish = {"action": "approve", "filter": {"program": "first-aid", "error": "doubt"}}
    preview = confer.api("POST", "reviews/bulk/preview", wish).get_json()
    assert sorted(case["case"] for case in preview["page"]["cases"]) == cases
    assert confer.history().count("case.reviewed") == 0, "a preview decides nothing"
    confer.learner(499)
    confer.complete(499, score=DOUBTFUL)
    confer.drain()
    rejected = confer.api(
        "POST", f"reviews/{cases[0]}/decision",
        {"action": "reject", "reason": "x", "version": confer.waiting_case(401)["version"]},
    )  # fmt: skip
    assert rejected.status_code == 200
    answer = confer.api("POST", "reviews/bulk", {"preview": preview["token"], "reason": "register checked"})
    assert sorted(answer.get_json()["decided"]) == cases[1:]
    assert [one["case"] for one in answer.get_json()["refused"]] == cases[:1]
    confer.settle()
    stages = {case.id: case.stage for case in confer.cases()}
    assert [stages[case] for case in cases] == ["closed", "done", "done", "done"]
    assert confer.case(499).stage == "held", "it came after the preview"


def test_a_preview_is_for_the_person_who_made_it_and_for_fifteen_minutes(confer: Driver) -> None:
    cohort(confer, 1)
    wish = {"action": "approve", "filter": {}}
    token = confer.api("POST", "reviews/bulk/preview", wish).get_json()["token"]
    body = {"preview": token, "reason": "x"}
    assert confer.api("POST", "reviews/bulk", body, by="head-registrar").status_code == 422
    assert confer.api("POST", "reviews/bulk", {**body, "preview": token[:-2] + "xx"}).status_code == 422
    assert confer.history().count("case.reviewed") == 0


def test_failed_checks_are_never_overridden_in_bulk(failed: Driver) -> None:
    wish = {"action": "override", "filter": {}}
    assert failed.api("POST", "reviews/bulk/preview", wish, by="head-registrar").status_code == 403
