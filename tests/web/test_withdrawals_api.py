"""The API for withdrawals, corrections and awards: who may, what is refused, and many at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from pipeline.store.alerts import AlertRow
from pipeline.store.cases import Case
from pipeline.store.credentials import CredentialRow
from pipeline.store.database import engine
from pipeline.store.withdrawals import Withdrawal
from tests.driver import TOKENS, Driver
from tests.withdrawing import approved, ask, decide, issued, states

BILLING = "the-token-of-billing-in-tests"


@pytest.fixture
def billed(make_driver: Callable[..., Driver], monkeypatch: pytest.MonkeyPatch) -> Driver:
    """An installation whose billing system may ask for withdrawals because of chargebacks."""
    monkeypatch.setenv("BILLING_TOKEN", BILLING)
    monkeypatch.setitem(TOKENS, "billing", BILLING)
    driver = make_driver()
    file = driver.config / "staff.yaml"
    billing = "systems:\n  billing:\n    tokens: env:BILLING_TOKEN\n    withdraws: [chargeback]\n"
    file.write_text(file.read_text().replace("systems:\n", billing))
    driver.reload()
    return driver


WHOSE = {"source": "campus", "learner": "307", "program": "first-aid"}


# machines


def test_a_system_names_the_learner_and_a_repeat_of_its_request_is_one(billed: Driver) -> None:
    case = issued(billed)
    wish = {**WHOSE, "trigger": "chargeback", "reason": "dispute dp_1", "key": "dp_1"}
    first = billed.api("POST", "withdrawals", wish, by="billing")
    assert (first.status_code, first.get_json()["case"]) == (201, case)
    assert first.headers["Cache-Control"] == "no-store"
    again = billed.api("POST", "withdrawals", wish, by="billing")
    assert (again.status_code, again.get_json()["withdrawal"]) == (200, first.get_json()["withdrawal"])
    [row] = billed.rows(select(Withdrawal))
    assert (row.requested_by, row.trigger, row.state) == ("system:billing", "chargeback", "requested")
    assert decide(billed, row.id, "refuse").status_code == 200
    again = billed.api("POST", "withdrawals", wish, by="billing")
    assert (again.status_code, again.get_json()["state"]) == (200, "refused"), "a person has said no to exactly this"


@pytest.mark.parametrize("trigger", ["integrity", "mistake"])
def test_a_system_may_ask_only_for_what_is_named_for_it(billed: Driver, trigger: str) -> None:
    issued(billed)
    wish = {**WHOSE, "trigger": trigger, "reason": "x"}
    assert billed.api("POST", "withdrawals", wish, by="billing").status_code == 403
    assert billed.api("POST", "withdrawals", {**wish, "trigger": "chargeback"}, by="proctoring").status_code == 403


def test_a_system_can_read_and_decide_nothing(billed: Driver) -> None:
    case = issued(billed)
    wish = {"case": case, "trigger": "chargeback", "reason": "x"}
    number = billed.api("POST", "withdrawals", wish, by="billing").get_json()["withdrawal"]
    for method, path, body in (
        ("GET", "withdrawals", None),
        ("POST", f"withdrawals/{number}/decision", {"action": "approve", "reason": "x"}),
        ("POST", "withdrawals/decisions", {"action": "approve", "reason": "x", "withdrawals": [number]}),
        ("POST", "withdrawals/bulk/preview", {"program": "first-aid"}),
        ("POST", "withdrawals/bulk", {"preview": "x", "trigger": "chargeback", "reason": "x"}),
        ("POST", f"cases/{case}/corrections", {"name": "X", "reason": "x"}),
        ("POST", f"cases/{case}/awards", {"reason": "x"}),
    ):
        assert billed.api(method, path, body, by="billing").status_code == 403, path
    assert billed.rows(select(Withdrawal))[0].state == "requested"


# what is refused


@pytest.mark.parametrize(
    "wish",
    [
        {}, {"case": "x"}, {"case": "x", "trigger": "integrity"}, {"case": "x", "trigger": "theft", "reason": "x"},
        {"case": "x", "trigger": "superseded", "reason": "x"}, {"case": "x", "trigger": "integrity", "reason": ""},
        {**WHOSE, "case": "x", "trigger": "integrity", "reason": "x"}, {"trigger": "integrity", "reason": "x"},
        {"source": "campus", "learner": "307", "trigger": "integrity", "reason": "x"},
        {"case": "x", "trigger": "integrity", "reason": "x" * 2001},
        {"case": "x", "trigger": "integrity", "reason": "x", "by": "somebody"},
        {"case": 1, "trigger": 1, "reason": 1},
    ],
)  # fmt: skip
def test_a_request_of_another_form_is_refused(confer: Driver, wish: dict[str, Any]) -> None:
    issued(confer)
    assert confer.api("POST", "withdrawals", wish).status_code == 422
    assert confer.rows(select(Withdrawal)) == []


def test_what_there_is_not_is_not_found(confer: Driver) -> None:
    assert ask(confer, "case_0").status_code == 404
    wish = {**WHOSE, "trigger": "integrity", "reason": "x"}
    assert confer.api("POST", "withdrawals", wish).status_code == 404
    assert decide(confer, "withdrawal_0").status_code == 404
    assert confer.api("POST", "cases/case_0/awards", {"reason": "x"}).status_code == 404


@pytest.mark.parametrize("path", ["withdrawals", "withdrawals/x/decision", "withdrawals/bulk", "cases/x/awards"])
def test_without_a_token_or_without_json_nothing_is_done(confer: Driver, path: str) -> None:
    assert confer.api("POST", path, {}, by="").status_code == 401
    bearer = {"Authorization": f"Bearer {TOKENS['registrar']}"}
    answer = confer.web.post(f"/api/{path}", data="{}", content_type="text/plain", headers=bearer)
    assert answer.status_code == 415


def test_a_reason_of_nothing_but_spaces_is_none(confer: Driver) -> None:
    case = issued(confer)
    assert ask(confer, case, reason="   ").status_code == 422
    number = ask(confer, case).get_json()["withdrawal"]
    wish = {"action": "approve", "reason": "  "}
    assert confer.api("POST", f"withdrawals/{number}/decision", wish, by="head-registrar").status_code == 422
    assert confer.case().stage == "done"


def test_who_covers_other_programs_only_sees_and_does_nothing(confer: Driver) -> None:
    case = issued(confer)
    number = ask(confer, case).get_json()["withdrawal"]
    file = confer.config / "staff.yaml"
    file.write_text(
        file.read_text().replace("role: administrator", "role: administrator\n    programs: [leadership]")
    )
    confer.reload()
    head = {"by": "head-registrar"}
    assert confer.api("GET", "withdrawals", **head).get_json()["total"] == 0
    assert decide(confer, number).status_code == 404
    assert ask(confer, case, **head).status_code == 404
    assert confer.api("POST", "withdrawals/bulk/preview", {"program": "first-aid"}, **head).status_code == 404
    assert confer.api("POST", f"cases/{case}/corrections", {"name": "X", "reason": "x"}, **head).status_code == 404


# reading


def test_the_list_says_who_asked_why_and_until_when(confer: Driver) -> None:
    case = issued(confer)
    ask(confer, case)
    answer = confer.api("GET", "withdrawals?state=requested")
    assert answer.headers["Cache-Control"] == "no-store"
    [one] = answer.get_json()["withdrawals"]
    assert (one["case"], one["program"], one["trigger"], one["state"]) == (
        case,
        "first-aid",
        "integrity",
        "requested",
    )
    assert (one["requested_by"], one["reason"]) == ("person:registrar", "report 2026-14 about Ada")
    assert one["overdue"] is False
    assert one["decide_by"] is not None
    for query, total in (("state=done", 0), ("program=first-aid", 1), ("program=x", 0), ("trigger=integrity", 1),
                         (f"case={case}", 1), ("overdue=true", 0), ("scope=case", 1)):  # fmt: skip
        assert confer.api("GET", f"withdrawals?{query}").get_json()["total"] == total, query
    for query in ("state=gone", "limit=0", "oops=1", "trigger=theft"):
        assert confer.api("GET", f"withdrawals?{query}").status_code == 422


def test_a_case_tells_its_withdrawals_and_corrections(confer: Driver) -> None:
    case = issued(confer)
    wish = {"name": "Augusta Ada King", "reason": "married"}
    assert confer.api("POST", f"cases/{case}/corrections", wish).status_code == 201
    confer.settle()
    approved(confer, case)
    read = confer.api("GET", f"reviews/{case}").get_json()
    assert [one["name"] for one in read["corrections"]] == ["Augusta Ada King"]
    assert [one["state"] for one in read["withdrawals"]] == ["approved"]
    assert [one["withdraw_reason"] for one in read["credentials"]] == ["superseded", "integrity"]
    assert read["credentials"][1]["replaces"] == read["credentials"][0]["id"]


# many at once


def test_a_bulk_request_is_about_what_was_issued_in_the_span_and_is_told_once(confer: Driver) -> None:
    first = issued(confer, 401)
    confer.clock.forward(86_400)
    since = confer.clock.now
    cases = [issued(confer, number) for number in (402, 403)]
    until = confer.clock.now + timedelta(seconds=1)
    confer.clock.forward(86_400)
    issued(confer, 404)
    span = {"program": "first-aid", "since": since.isoformat(), "until": until.isoformat()}
    preview = confer.api("POST", "withdrawals/bulk/preview", span).get_json()
    assert sorted(one["case"] for one in preview["cases"]) == sorted(cases)
    assert confer.rows(select(Withdrawal)) == [], "a preview asks for nothing"
    wish = {"preview": preview["token"], "trigger": "accreditation", "reason": "ended on 1 March"}
    made = confer.api("POST", "withdrawals/bulk", wish).get_json()
    assert sorted(one["case"] for one in made["done"]) == sorted(cases)
    [told] = confer.rows(select(AlertRow).filter_by(title="Withdrawal requested"))
    assert "2 to be approved" in told.summary
    [scope] = {row.scope for row in confer.rows(select(Withdrawal))}

    decision = {"scope": scope, "action": "approve", "reason": "letter seen"}
    own = confer.api("POST", "withdrawals/decisions", decision).get_json()
    assert (own["done"], len(own["refused"])) == ([], 2), "who asked does not decide"
    done = confer.api("POST", "withdrawals/decisions", decision, by="head-registrar").get_json()
    assert (len(done["done"]), done["refused"]) == (2, [])
    confer.settle()
    assert [confer.case(number).stage for number in (401, 402, 403, 404)] == [
        "done",
        "withdrawn",
        "withdrawn",
        "done",
    ]
    assert states(confer, first) == ["confirmed"]


def test_what_is_on_its_way_to_be_issued_belongs_to_a_span_without_an_end(confer: Driver) -> None:
    confer.learner()
    confer.complete()
    confer.until("issue")
    confer.waiting.clear()
    span: dict[str, Any] = {"program": "first-aid"}
    assert confer.api("POST", "withdrawals/bulk/preview", span).get_json()["total"] == 1
    span["until"] = (confer.clock.now - timedelta(days=1)).isoformat()
    assert confer.api("POST", "withdrawals/bulk/preview", span).get_json()["total"] == 0


def test_a_preview_is_for_the_person_who_made_it(confer: Driver) -> None:
    issued(confer)
    token = confer.api("POST", "withdrawals/bulk/preview", {"program": "first-aid"}).get_json()["token"]
    wish = {"preview": token, "trigger": "accreditation", "reason": "x"}
    assert confer.api("POST", "withdrawals/bulk", wish, by="head-registrar").status_code == 422
    assert confer.api("POST", "withdrawals/bulk", {**wish, "preview": token[:-2] + "xx"}).status_code == 422
    assert confer.rows(select(Withdrawal)) == []


def cohort(confer: Driver, count: int) -> list[str]:
    """Cases like one that is done, as rows: to issue so many by the run would only cost time."""
    case = issued(confer)
    with engine().begin() as connection:
        one = dict(connection.execute(select(Case.__table__).filter_by(id=case)).mappings().one())
        credential = connection.execute(select(CredentialRow.__table__).filter_by(case_id=case)).mappings().one()
        made = []
        for number in range(2, count + 1):
            new = f"{case[:-4]}{number:04}"
            connection.execute(Case.__table__.insert().values({**one, "id": new, "generation": number}))
            connection.execute(
                CredentialRow.__table__.insert().values(
                    {
                        **credential,
                        "id": f"credential_{number:04}",
                        "case_id": new,
                        "generation": number,
                        "ref": f"confer-{number}",
                        "platform_ref": f"{number:022}",
                    }
                )
            )
            made.append(new)
    return [case, *made]


def test_one_broken_row_of_three_hundred_holds_up_no_other(confer: Driver) -> None:
    file = confer.config / "programs" / "first-aid.yaml"
    text = file.read_text().replace("  learner: true", "  learner: false").replace("downstream: [sis]", "")
    file.write_text(text + "\nwithdrawal: {automatic: [accreditation]}\n")
    confer.reload()
    cases = cohort(confer, 300)
    with engine().begin() as connection:
        broken = Case.__table__.update().where(Case.__table__.c.id == cases[150])
        connection.execute(broken.values(stage="nowhere"))
        lost = Case.__table__.update().where(Case.__table__.c.id == cases[200])
        connection.execute(lost.values(record_id="record_0"))
    preview = confer.api("POST", "withdrawals/bulk/preview", {"program": "first-aid"}).get_json()
    assert preview["total"] == 300
    wish = {"preview": preview["token"], "trigger": "accreditation", "reason": "ended on 1 March"}
    made = confer.api("POST", "withdrawals/bulk", wish).get_json()
    assert (len(made["done"]), {one["state"] for one in made["done"]}) == (299, {"approved"})
    assert made["refused"] == [{"case": cases[150], "reason": "failed inside Confer: ValueError"}]
    confer.settle()
    stages = {case.id: case.stage for case in confer.rows(select(Case))}
    assert [case for case in cases if stages[case] != "withdrawn"] == [cases[150], cases[200]]
    assert (stages[cases[150]], stages[cases[200]]) == ("nowhere", "held")
    assert sum(row.state == "withdrawn" for row in confer.rows(select(CredentialRow))) == 299
