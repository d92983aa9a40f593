"""One program, two platforms: each lane goes its own way, and the learner is told when both have issued."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from pipeline.steps.sweep import sweep
from pipeline.store.badges import Badge
from pipeline.store.credentials import CredentialRow
from tests.driver import Driver

DOWN = {"method": "POST", "path": "/v1/credentials"}


@pytest.fixture
def confer(make_driver: Callable[..., Driver]) -> Driver:
    """Infection Control is a certificate at Accredible and a badge with us."""
    made = make_driver()
    file = made.config / "programs" / "infection-control.yaml"
    more = "    - account: badges\n      template: infection-control\n      formats: [badge]\n"
    text = file.read_text().replace("formats: [certificate, badge]", "formats: [certificate]")
    file.write_text(text.replace("\nnotify:", f"{more}\nnotify:"))
    made.reload()
    return made


def states(confer: Driver) -> dict[str, str]:
    return {row.account: row.state for row in confer.rows(select(CredentialRow))}


def test_both_issue_under_keys_of_their_own(confer: Driver) -> None:
    email = confer.learner()
    confer.complete_at_accredible()
    confer.settle()
    assert states(confer) == {"accredible": "confirmed", "badges": "confirmed"}
    refs = [row.ref for row in confer.rows(select(CredentialRow))]
    assert len(set(refs)) == 2
    assert confer.creations() == 1
    assert len(confer.rows(select(Badge))) == 1
    [mail] = confer.control.mails(to=email)
    assert mail["receipts"] == 1
    assert confer.case().stage == "done"


@pytest.mark.parametrize("kind", ["refuse", "drop_after", "drop_before"])
def test_while_one_is_down_the_other_issues_the_case_waits_and_nothing_happens_twice(
    confer: Driver, kind: str
) -> None:
    email = confer.learner()
    fault = (
        confer.control.fault("accredible", "status", status=503)
        if kind == "refuse"
        else confer.control.fault("accredible", kind)
    )
    confer.complete_at_accredible()
    confer.drain()
    for _ in range(20):
        confer.clock.forward(60)
        confer.drain(sweep())
    assert states(confer)["badges"] == "confirmed"
    assert states(confer)["accredible"] != "confirmed"
    assert confer.case().stage == "issue", "it waits for the other one"
    assert confer.control.mails(to=email) == []
    confer.control.clear_fault(fault)
    confer.settle(within=timedelta(hours=2))
    assert states(confer) == {"accredible": "confirmed", "badges": "confirmed"}
    assert (confer.creations(), len(confer.rows(select(Badge)))) == (1, 1)
    [mail] = confer.control.mails(to=email)
    assert (mail["receipts"], confer.case().stage) == (1, "done")
    assert len({row.ref for row in confer.rows(select(CredentialRow))}) == 2
