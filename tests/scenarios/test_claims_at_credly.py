"""Claims at a vendor's stand-in: the badge is issued, accepted there, announced here, and rechecked at night."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select

from pipeline.configuration.loading import configuration
from pipeline.steps.turn import WakeUp
from pipeline.store.hints import HintRow
from pipeline.watch.holdings import Difference
from pipeline.watch.recheck import recheck
from sandbox.server import Sandbox
from tests.driver import Driver
from web import claims

ORGANIZATION = "0c0c0000-0000-4000-8000-000000000001"
TEMPLATE = "5f0f4a52-0000-4000-8000-00000000aa01"
SECRET = "a-secret-in-the-address-of-the-hook"


class _Collector:
    """Stands in for the thread that sends wake-ups to the broker."""

    def __init__(self, confer: Driver) -> None:
        self._confer = confer

    def send(self, wakeup: WakeUp) -> None:
        self._confer.waiting.append(wakeup)


@pytest.fixture
def confer(make_driver: Callable[..., Driver], sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Driver:
    """First Aid is issued as a badge at Credly."""
    monkeypatch.setenv("CREDLY_TOKEN", "credly-token")
    monkeypatch.setenv("CREDLY_HOOK", SECRET)
    made = make_driver()
    monkeypatch.setattr(claims, "herald", _Collector(made))
    accounts, program = made.config / "accounts.yaml", made.config / "programs" / "first-aid.yaml"
    entry = (
        f"  credly:\n    system: credly\n    url: {sandbox.http}/credly\n    organization: {ORGANIZATION}\n"
        "    token: env:CREDLY_TOKEN\n    entrance: {path: [env:CREDLY_HOOK]}\n"
        f'    templates: [{{type: workshop, formats: [badge], template: "{TEMPLATE}"}}]\n'
    )
    accounts.write_text(accounts.read_text().replace("platforms:\n", f"platforms:\n{entry}"))
    text = (
        program.read_text().replace("account: badges", "account: credly").replace("      template: first-aid\n", "")
    )
    text = text.replace("[certificate, badge]", "[badge]").replace("source: campus", "type: workshop\nsource: campus")
    program.write_text(text)
    made.reload()
    made.control.platform("credly").add_template(TEMPLATE, name="First Aid")
    made.learner()
    made.complete()
    made.settle()
    assert made.case().stage == "done"
    return made


def announced(confer: Driver, claim: str, path: str = f"/claims/credly/{SECRET}") -> int:
    """The learner decides at Credly, and Credly's webhook is delivered; the status of the answer."""
    send = {"url": f"https://credentials.academy.example{path}", "dry": True}
    ref = confer.credential().platform_ref
    told = confer.control.platform("credly").change(ref, claim=claim, send=send)
    answer = confer.web.post(path, data=told["raw"], headers=told["headers"])
    confer.drain()
    return int(answer.status_code)


@pytest.mark.parametrize("claim", ["claimed", "declined"])
def test_a_badge_that_is_accepted_or_rejected_there_is_known_here(confer: Driver, claim: str) -> None:
    assert announced(confer, claim, "/claims/credly/a-wrong-secret") == 401
    assert confer.rows(select(HintRow)) == []
    assert announced(confer, claim) == 200
    assert confer.credential().claim_state == claim
    assert confer.history().count(f"credential.{claim}") == 1


def test_a_lost_announcement_is_made_up_for_by_the_recheck_which_finds_nothing_else(confer: Driver) -> None:
    ref = str(confer.credential().platform_ref)
    confer.control.platform("credly").change(ref, claim="claimed")
    account = configuration().platforms["credly"]
    assert list(recheck(configuration(), account)) == []
    assert confer.credential().claim_state == "claimed"
    confer.clock.forward(60)
    confer.control.platform("credly").change(ref, withdrawn=True)
    assert [one.kind for one in recheck(configuration(), account)] == [Difference.REVOKED]
