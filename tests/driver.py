"""Confer without processes: the real code, one step after the other, against the running sandbox.

Wake-ups are kept in a list instead of a broker, and time only moves when a test moves it, so that five minutes
or seven days pass at once. What a worker does, `drain` does: it calls the steps, the pump and the sweep.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from pipeline.configuration.loading import configuration
from pipeline.stages import Stage
from pipeline.steps.claim import claim
from pipeline.steps.correct import correct
from pipeline.steps.downstream import downstream
from pipeline.steps.gather import gather
from pipeline.steps.inform import inform
from pipeline.steps.issue import pump
from pipeline.steps.notify import notify
from pipeline.steps.poll import poll
from pipeline.steps.receive import receive
from pipeline.steps.sweep import sweep
from pipeline.steps.telling.digest import tell_staff
from pipeline.steps.turn import WakeUp, Work, take_turn
from pipeline.steps.verify import verify
from pipeline.steps.withdraw import withdraw
from pipeline.store.cases import Case
from pipeline.store.credentials import CredentialRow
from pipeline.store.database import reading
from pipeline.store.deliveries import Delivery
from pipeline.store.lanes import Lane
from pipeline.store.learners import LearnerRow
from pipeline.store.ledger import LedgerEntry
from pipeline.store.outbox import Message, Update
from sandbox.control import SandboxControl, send_to

WEBHOOK_SECRET = "the-webhook-secret-of-campus"
#: the people and systems of the shipped staff.yaml
TOKENS = {name: f"the-token-of-{name}-in-tests" for name in ("registrar", "head-registrar", "proctoring")}
#: courses of the sandbox's Moodle: the shipped programs issue the first with us, the second at Accredible
SAFETY, FIRST_AID, COMPLIANCE = 11, 12, 13

_WORK: dict[str, tuple[Stage, Work]] = {
    "gather": (Stage.GATHER, gather),
    "verify": (Stage.VERIFY, verify),
    "inform": (Stage.INFORM, inform),
    "notify": (Stage.NOTIFY, notify),
    "downstream": (Stage.DOWNSTREAM, downstream),
    "correct": (Stage.CORRECT, correct),
    "withdraw": (Stage.WITHDRAW, withdraw),
}


class Clock:
    """The time as a test sets it. Waiting costs nothing: whoever sleeps moves it on."""

    def __init__(self, set_to: Callable[[datetime], object], now: datetime) -> None:
        self._set_to, self.now = set_to, now

    def go_to(self, at: datetime) -> None:
        """Set the time, never backwards."""
        self.now = max(self.now, at)
        self._set_to(self.now)

    def forward(self, seconds: float) -> None:
        """Let time pass."""
        self.go_to(self.now + timedelta(seconds=seconds))

    def set_back(self, seconds: float) -> None:
        """Begin so much earlier, before anything has happened."""
        self.now -= timedelta(seconds=seconds)
        self._set_to(self.now)

    def sleep(self, seconds: float) -> None:
        """Stands in for `pipeline.clock.sleep`."""
        self.forward(max(0.0, seconds))


@dataclass
class Driver:
    """One installation: its clock, its receiver, its sandbox and the wake-ups that are under way."""

    clock: Clock
    web: FlaskClient
    control: SandboxControl
    config: Path
    waiting: deque[WakeUp] = field(default_factory=deque)
    #: sweep the LMSs as well; most tests count calls or set faults for what a webhook starts
    polls: bool = False

    # what arrives

    def learner(self, number: int = 307, name: str = "Ada Lovelace", **more: Any) -> str:
        """Add a learner to Moodle; returns the e-mail address."""
        known = {
            "email": f"ada.{number}@learners.example",
            "idnumber": f"S-{number}",
            "supervisor_email": "boss@learners.example",
            **more,
        }
        self.control.add_learner(number, name=name, **known)
        return str(known["email"])

    def complete(self, learner: int = 307, course: int = FIRST_AID, score: str = "91.5", **more: Any) -> str:
        """Complete a course and deliver the event; returns the id of the delivery."""
        sent = self.control.complete(learner, course, score=score, send=self._dry(), **more)
        return self.deliver(sent["raw"])

    def deliver(self, raw: str | bytes, source: str = "campus") -> str:
        """Deliver a body that Moodle wrote; returns the id of the delivery."""
        answer = self.post(raw, source)
        assert answer.status_code == 202, answer.get_data(as_text=True)
        return str(answer.get_json()["delivery"])

    def post(self, raw: str | bytes, source: str = "campus", **more: Any) -> TestResponse:
        """Send any body to the receiver."""
        return self.web.post(f"/webhooks/{source}", data=raw, content_type="application/json", **more)

    def complete_at_accredible(self, learner: int = 307, **more: Any) -> str:
        """Complete the course whose program issues at Accredible, with its prerequisite met."""
        self.control.complete(learner, SAFETY, score="88")
        return self.complete(learner, COMPLIANCE, **more)

    def event(self, learner: int = 307, course: int = FIRST_AID, score: str = "91.5", **more: Any) -> dict[str, Any]:
        """Complete a course without sending; returns the body that local_webhooks would send."""
        sent = self.control.complete(learner, course, score=score, send=self._dry(), **more)
        return dict(sent["payload"])

    @staticmethod
    def _dry() -> dict[str, Any]:
        return send_to("http://receiver.example/webhooks/campus", WEBHOOK_SECRET, dry=True)

    def api(self, method: str, path: str, body: Any = None, *, by: str = "registrar", **more: Any) -> TestResponse:
        """Ask the API for staff, as one of the people or systems of staff.yaml."""
        headers = {"Authorization": f"Bearer {TOKENS[by]}"} if by else {}
        return self.web.open(f"/api/{path}", method=method, json=body, headers=headers, **more)

    def waiting_case(self, learner: int = 307, *, by: str = "registrar") -> dict[str, Any]:
        """A learner's case, compiled as a reviewer reads it."""
        answer = self.api("GET", f"reviews/{self.case(learner).id}", by=by)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return dict(answer.get_json())

    def decide(self, action: str, learner: int = 307, *, by: str = "registrar", **more: Any) -> TestResponse:
        """Read a learner's case and decide about it."""
        read = self.waiting_case(learner, by=by)
        wish = {"action": action, "reason": "seen by a test", "version": read["version"], **more}
        return self.api("POST", f"reviews/{read['case']}/decision", wish, by=by)

    # what workers do

    def step(self, wakeup: WakeUp) -> list[WakeUp]:
        """Do what one wake-up asks for; returns what it announces."""
        if wakeup.task == "receive":
            return receive(wakeup.id)
        if wakeup.task == "poll":
            return poll(wakeup.id) if self.polls else []
        if wakeup.task == "claim":
            return claim(wakeup.id)
        if wakeup.task == "tell-staff":
            return tell_staff(wakeup.id)
        if wakeup.task == "issue":
            announced: list[WakeUp] = []
            if pump(wakeup.id, announced.extend):
                announced.append(wakeup)
            return announced
        stage, work = _WORK[wakeup.task]
        return take_turn(wakeup.id, stage, work)

    def drain(self, wakeups: Iterable[WakeUp] = ()) -> None:
        """Work until nothing is announced any more, at the present moment."""
        self.waiting.extend(wakeups)
        for _ in range(5000):
            if not self.waiting:
                return
            self.waiting.extend(self.step(self.waiting.popleft()))
        raise AssertionError("the wake-ups never end")

    def until(self, stage: str) -> None:
        """Work until some case is about to do `stage`, and leave its wake-up waiting."""
        while self.waiting and not any(wakeup.task == stage for wakeup in self.waiting):
            self.waiting.extend(self.step(self.waiting.popleft()))
        assert any(wakeup.task == stage for wakeup in self.waiting), f"nothing came to {stage}"

    def settle(self, *, within: timedelta = timedelta(days=2)) -> None:
        """Let time pass, with ticks, until nothing is due any more."""
        ends = self.clock.now + within
        for _ in range(600):
            self.drain(sweep())
            due = self._next_due()
            if due is None:
                return
            if self.clock.now > ends:
                raise AssertionError(f"not settled within {within}: {self.history()}")
            self.clock.go_to(max(due, self.clock.now + timedelta(seconds=1)))
        raise AssertionError(f"not settled after 600 ticks: {self.history()[-12:]}")

    def settle_for(self, span: timedelta) -> None:
        """Let so much time pass, with ticks, whatever is still due at its end."""
        ends = self.clock.now + span
        while self.clock.now < ends:
            self.drain(sweep())
            self.clock.go_to(min(ends, max(self._next_due() or ends, self.clock.now + timedelta(seconds=1))))
        self.drain(sweep())

    def _next_due(self) -> datetime | None:
        with reading() as session:
            due = [
                *session.scalars(select(Delivery.due_at).where(Delivery.due_at.is_not(None))),
                *session.scalars(select(Case.due_at).where(Case.due_at.is_not(None))),
                *session.scalars(select(CredentialRow.due_at).where(CredentialRow.due_at.is_not(None))),
            ]
            probes = session.scalars(select(Lane.probe_at).where(Lane.probe_at.is_not(None))).all()
            pauses = session.scalars(select(Lane.blocked_until).where(Lane.blocked_until.is_not(None))).all()
        if not due:
            return None
        ahead = [at for at in (*due, *probes, *pauses) if at and at > self.clock.now]
        return self.clock.now if any(at and at <= self.clock.now for at in due) else min(ahead)

    def reload(self) -> None:
        """Read the configuration again, as restarted processes do."""
        configuration.cache_clear()

    # what is there

    def case(self, learner: int = 307) -> Case:
        """The only case of a learner."""
        [found] = self.cases(learner)
        return found

    def cases(self, learner: int | None = None) -> list[Case]:
        """All cases, or those of one learner."""
        query = select(Case).join(LearnerRow, LearnerRow.id == Case.learner_id).order_by(Case.id)
        if learner is not None:
            query = query.where(LearnerRow.ref == str(learner))
        return self.rows(query)

    def rows(self, query: Any) -> list[Any]:
        """What a query finds."""
        with reading() as session:
            return list(session.scalars(query))

    def credential(self, learner: int = 307) -> CredentialRow:
        """The only credential of a learner."""
        [found] = self.rows(select(CredentialRow).filter_by(case_id=self.case(learner).id))
        return found

    def message(self, kind: str = "learner") -> Message:
        """The only mail of a kind."""
        [found] = self.rows(select(Message).filter_by(kind=kind))
        return found

    def update(self, target: str = "sis") -> Update:
        """The only update of a target."""
        [found] = self.rows(select(Update).filter_by(target=target))
        return found

    def history(self, subject: str | None = None) -> list[str]:
        """The kinds of the ledger's entries, in their order."""
        query = select(LedgerEntry.kind).order_by(LedgerEntry.at, LedgerEntry.id)
        return self.rows(query.filter_by(subject=subject) if subject else query)

    def creations(self) -> int:
        """How many credentials Accredible ever made."""
        return len(self.control.credentials(deleted=True))
