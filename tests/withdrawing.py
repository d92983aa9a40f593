"""What the tests of withdrawals, corrections and awards after them do again and again."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import select
from werkzeug.test import TestResponse

from pipeline.store.credentials import CredentialRow
from pipeline.store.withdrawals import Withdrawal
from tests.driver import FIRST_AID, Driver


def issued(confer: Driver, learner: int = 307, *, accredible: bool = False) -> str:
    """A learner whose credential is issued and told everywhere; returns the case."""
    confer.learner(learner)
    if accredible:
        confer.complete_at_accredible(learner)
    else:
        confer.complete(learner)
    confer.settle()
    assert confer.cases(learner)[-1].stage == "done"
    return str(confer.cases(learner)[-1].id)


def ask(confer: Driver, case: str, *, by: str = "registrar", trigger: str = "integrity", **more: Any) -> TestResponse:
    """Ask for a withdrawal."""
    wish = {"case": case, "trigger": trigger, "reason": "report 2026-14 about Ada", **more}
    return confer.api("POST", "withdrawals", wish, by=by)


def decide(confer: Driver, withdrawal: str, action: str = "approve", *, by: str = "head-registrar") -> TestResponse:
    """Decide about a withdrawal."""
    wish = {"action": action, "reason": "report seen"}
    return confer.api("POST", f"withdrawals/{withdrawal}/decision", wish, by=by)


def approved(confer: Driver, case: str, **more: Any) -> str:
    """Ask for a withdrawal and have it approved by somebody else; returns its id."""
    made = ask(confer, case, **more)
    assert made.status_code == 201, made.get_data(as_text=True)
    withdrawal = str(made.get_json()["withdrawal"])
    answer = decide(confer, withdrawal)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return withdrawal


def correct(confer: Driver, case: str, **wish: Any) -> TestResponse:
    """Ask for a correction."""
    return confer.api("POST", f"cases/{case}/corrections", {"reason": "misspelt", **wish})


def again(confer: Driver, case: str) -> TestResponse:
    """Ask for another award."""
    return confer.api("POST", f"cases/{case}/awards", {"reason": "cleared by the committee"})


def credentials(confer: Driver, case: str) -> list[CredentialRow]:
    """The credentials of a case, in the order in which they were planned."""
    return confer.rows(select(CredentialRow).filter_by(case_id=case).order_by(CredentialRow.id))


def states(confer: Driver, case: str) -> list[str]:
    """The states of the credentials of a case."""
    return [row.state for row in credentials(confer, case)]


def withdrawal(confer: Driver, number: str) -> Withdrawal:
    """A withdrawal as it stands."""
    [row] = confer.rows(select(Withdrawal).filter_by(id=number))
    return row  # type: ignore[no-any-return]


def subjects(confer: Driver, email: str) -> list[str]:
    """The subjects of the mails to somebody, in their order."""
    return [str(mail["subject"]) for mail in confer.control.mails(to=email)]


def complete_later(confer: Driver, learner: int = 307, *, score: str = "91.5") -> None:
    """Complete the course once more, a day later."""
    confer.clock.forward(86_400)
    event = confer.event(learner, FIRST_AID, score)
    confer.deliver(json.dumps({**event, "timecreated": int(confer.clock.now.timestamp())}))
