"""Credentials that wait at an account, as rows: for tests of the lane that need many of them and no LMS."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy.orm import Session

from pipeline import clock
from pipeline.audit.trail import open_case
from pipeline.store.cases import Case
from pipeline.store.credentials import CredentialRow
from pipeline.store.decisions import as_json
from pipeline.store.deliveries import Delivery, DeliveryState
from pipeline.store.learners import LearnerRow
from pipeline.values import Order


def waiting_credential(
    session: Session, number: int, *, program: str, due: datetime, account: str = "a", template: str = "4712"
) -> CredentialRow:
    """A planned credential of the learner `number`, with its case; the caller adds it by `trail.plan`."""
    name, now = f"{number:09}", clock.now()
    learner = LearnerRow(id=f"learner_{name}", source="campus", ref=str(number), name="Ada", email="a@b.example")
    delivery = Delivery(
        id=f"delivery_{name}", source="campus", key=name, received_at=now, sha256="", body=b"{}",
        events=[], scores=[], state=DeliveryState.STORED.value, attempts=0,
    )  # fmt: skip
    case = Case(
        id=f"case_{name}", source="campus", course="12", program=program, learner_id=learner.id,
        delivery_id=delivery.id, event_key=name, occurred_at=now, opened_at=now, changed_at=now, entered_at=now,
        stage="issue",
    )  # fmt: skip
    order = Order(
        ref=f"confer-{name}", template=template, title="First Aid", description="Done.", learner_ref=str(number),
        name=f"Ada Learner {number}", email=f"learner{number}@learners.example", issued_on=date(2026, 3, 7),
    )  # fmt: skip
    session.add_all([learner, delivery])
    session.flush()
    open_case(session, case, actor="tests", facts={})
    session.flush()
    return CredentialRow(
        id=f"credential_{name}", case_id=case.id, learner_id=learner.id, program=program, generation=1,
        account=account, ref=order.ref, rule_version="v", order=as_json(order), due_at=due,
    )  # fmt: skip
