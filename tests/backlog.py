"""Credentials that wait at an account, as rows: for tests of the lane that need many of them and no LMS."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Engine, insert, text
from sqlalchemy.orm import Session

from pipeline import clock
from pipeline.audit.trail import open_case
from pipeline.store.cases import Case
from pipeline.store.credentials import CredentialRow
from pipeline.store.decisions import as_json
from pipeline.store.deliveries import Delivery, DeliveryState
from pipeline.store.learners import LearnerRow
from pipeline.values import Format, Order


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A planned credential of the learner `number`, which is unique among all."""

    number: int
    program: str
    due: datetime
    account: str = "a"
    template: str = "4712"
    formats: tuple[Format, ...] = (Format.CERTIFICATE,)
    attributes: Mapping[str, str] | None = None

    @property
    def email(self) -> str:
        """The learner's address."""
        return f"learner{self.number}@learners.example"

    def rows(self) -> dict[type[Any], dict[str, Any]]:
        """What of it stands in which table, in the order of their references."""
        name, now = f"{self.number:09}", clock.now()
        order = Order(
            ref=f"confer-{name}", template=self.template, title="First Aid", description="Done.",
            learner_ref=str(self.number), name=f"Ada Learner {self.number}", email=self.email,
            issued_on=date(2026, 3, 7), formats=self.formats, attributes=dict(self.attributes or {}),
        )  # fmt: skip
        case_id, learner_id, delivery_id = f"case_{name}", f"learner_{name}", f"delivery_{name}"
        return {
            LearnerRow: {
                "id": learner_id, "source": "campus", "ref": str(self.number), "name": order.name,
                "email": self.email,
            },
            Delivery: {
                "id": delivery_id, "source": "campus", "key": name, "received_at": now, "sha256": "", "body": b"{}",
                "events": [], "scores": [], "state": DeliveryState.STORED.value, "attempts": 0,
            },
            Case: {
                "id": case_id, "source": "campus", "course": "12", "program": self.program, "generation": 1,
                "learner_id": learner_id, "delivery_id": delivery_id, "event_key": name, "occurred_at": now,
                "opened_at": now, "changed_at": now, "entered_at": now, "stage": "issue", "attempts": 0, "waits": 0,
                "crashes": 0, "version": 1,
            },
            CredentialRow: {
                "id": f"credential_{name}", "case_id": case_id, "learner_id": learner_id, "program": self.program,
                "generation": 1, "account": self.account, "ref": order.ref, "rule_version": "v",
                "order": as_json(order), "state": "planned", "due_at": self.due, "rank_at": self.due,
                "attempts": 0, "crashes": 0,
            },
        }  # fmt: skip


def waiting_credential(session: Session, number: int, *, program: str, due: datetime) -> CredentialRow:
    """A planned credential with its case; the caller adds it by `trail.plan`."""
    rows = Waiting(number=number, program=program, due=due).rows()
    session.add_all([LearnerRow(**rows[LearnerRow]), Delivery(**rows[Delivery])])
    session.flush()
    open_case(session, Case(**rows[Case]), actor="tests", facts={})
    session.flush()
    return CredentialRow(**rows[CredentialRow])


def fill(engine: Engine, waiting: Iterable[Waiting], *, at_once: int = 1000) -> int:
    """Write many of them straight into the tables; returns how many."""
    count, batch = 0, []
    for one in waiting:
        batch.append(one.rows())
        count += 1
        if len(batch) == at_once:
            _write(engine, batch)
            batch = []
    if batch:
        _write(engine, batch)
    return count


def multiply(engine: Engine, one: Waiting, count: int) -> None:
    """As many more like `one`, which is written too: by the database itself, so that 100,000 take seconds.

    For PostgreSQL. Each has an address and a reference of its own.
    """
    own = {
        LearnerRow: {"id", "ref", "email"},
        Delivery: {"id", "key"},
        Case: {"id", "learner_id", "delivery_id", "event_key"},
        CredentialRow: {"id", "case_id", "learner_id", "ref"},
    }
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        _insert(connection, [one.rows()])  # nobody may take it before it was copied
        for table, distinct in own.items():
            columns = [column.name for column in table.__table__.columns]
            values = [
                f"\"{name}\" || '-' || n" if name in distinct else f'"{name}"' for name in columns if name != "order"
            ]
            names = [f'"{name}"' for name in columns if name != "order"]
            if "order" in columns:
                names.append('"order"')
                order = "jsonb_set(\"order\"::jsonb, '{ref}', to_jsonb(ref || '-' || n))"
                values.append(f"jsonb_set({order}, '{{email}}', to_jsonb(n || '.{one.email}'))::json")
            key = next(iter(table.__table__.primary_key)).name
            source = one.rows()[table][key]
            connection.execute(
                text(
                    f"INSERT INTO {table.__tablename__} ({', '.join(names)})"  # noqa: S608 - our own column names
                    f" SELECT {', '.join(values)} FROM {table.__tablename__}, generate_series(1, :count) AS n"
                    f" WHERE {key} = :source"
                ),
                {"count": count, "source": source},
            )


def _write(engine: Engine, batch: list[dict[type[Any], dict[str, Any]]]) -> None:
    with engine.begin() as connection:
        _insert(connection, batch)


def _insert(connection: Connection, batch: list[dict[type[Any], dict[str, Any]]]) -> None:
    for table in batch[0]:
        connection.execute(insert(table), [rows[table] for rows in batch])
