"""What was read, by which rule it was judged, and what came out: the evidence behind every credential."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, get_args, get_origin

from cattrs import Converter
from sqlalchemy import ForeignKey, String
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from pipeline import clock
from pipeline.attestation import Attestation, Claim
from pipeline.store.database import Row
from pipeline.store.ids import new_id
from pipeline.values import Check, Event, Order, Record, ReportedScore


class RecordRow(Row):
    """A learner's record as it was read back from the LMS."""

    __tablename__ = "records"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), index=True)
    read_at: Mapped[datetime]
    document: Mapped[dict[str, Any]]
    sha256: Mapped[str] = mapped_column(String(64))


class Rule(Row):
    """A program file's content as it was when first used; never changed, so that a decision stays explained."""

    __tablename__ = "rules"

    version: Mapped[str] = mapped_column(String(64), primary_key=True)
    program: Mapped[str] = mapped_column(String(64))
    document: Mapped[dict[str, Any]]
    first_used_at: Mapped[datetime]


class Decision(Row):
    """The outcome for one case with every check, the value seen, where it was read and when."""

    __tablename__ = "decisions"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), index=True)
    outcome: Mapped[str] = mapped_column(String(16))
    rule_version: Mapped[str] = mapped_column(ForeignKey("rules.version"))
    record_id: Mapped[str] = mapped_column(ForeignKey("records.id"))
    checks: Mapped[list[Any]]
    sha256: Mapped[str] = mapped_column(String(64))
    made_at: Mapped[datetime]


_MICROSECOND = timedelta(microseconds=1)

_converter = Converter(forbid_extra_keys=False, detailed_validation=False)  # what we wrote ourselves
_converter.register_unstructure_hook(datetime, lambda value: value.isoformat())
_converter.register_structure_hook(datetime, lambda value, _: datetime.fromisoformat(value))
_converter.register_unstructure_hook(date, lambda value: value.isoformat())
_converter.register_structure_hook(date, lambda value, _: date.fromisoformat(value))
_converter.register_unstructure_hook(timedelta, lambda value: f"{Decimal(value // _MICROSECOND).scaleb(-6):f}")
_converter.register_structure_hook(timedelta, lambda value, _: int(Decimal(value).scaleb(6)) * _MICROSECOND)
_converter.register_unstructure_hook(Decimal, str)
_converter.register_structure_hook(Decimal, lambda value, _: Decimal(value))


def _is_tuple(kind: Any) -> bool:
    return get_origin(kind) is tuple


@_converter.register_structure_hook_factory(_is_tuple)
def _tuples(kind: Any) -> Callable[[Any, Any], tuple[Any, ...]]:
    """Tuples of one kind, with what makes that kind looked up once: most of a record is such tuples."""
    inner = get_args(kind)[0]
    make = _converter.get_structure_hook(inner)
    return lambda documents, _: tuple([make(document, inner) for document in documents])


def as_json(value: object) -> Any:
    """A frozen value as plain JSON data; decimals as text, so that nothing is rounded."""
    return _converter.unstructure(value)


def record_from(document: Mapping[str, Any]) -> Record:
    """The record that `as_json` made this of."""
    return _converter.structure(document, Record)


def order_from(document: Mapping[str, Any]) -> Order:
    """The order that `as_json` made this of."""
    return _converter.structure(document, Order)


def checks_from(documents: Sequence[Any]) -> tuple[Check, ...]:
    """The checks that `as_json` made these of."""
    return tuple(_converter.structure(document, Check) for document in documents)


def event_from(document: Mapping[str, Any]) -> Event:
    """The event that `as_json` made this of."""
    return _converter.structure(document, Event)


def reported_score_from(document: Mapping[str, Any]) -> ReportedScore:
    """The reported score that `as_json` made this of."""
    return _converter.structure(document, ReportedScore)


def claim_from(document: Mapping[str, Any]) -> Claim:
    """The claim that `as_json` made this of."""
    return _converter.structure(document, Claim)


def attestation_from(document: Mapping[str, Any]) -> Attestation:
    """The attestation that `as_json` made this of."""
    return _converter.structure(document, Attestation)


def content_hash(document: Any) -> str:
    """SHA-256 of JSON data in one canonical spelling (sorted keys, no spaces, UTF-8)."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def keep_record(session: Session, case_id: str, record: Record) -> RecordRow:
    """Store a record."""
    document = as_json(record)
    row = RecordRow(
        id=new_id("record"), case_id=case_id, read_at=record.read_at, document=document,
        sha256=content_hash(document),
    )  # fmt: skip
    session.add(row)
    return row


def keep_rule(session: Session, *, version: str, program: str, document: Mapping[str, Any]) -> None:
    """Store a rule the first time it is used."""
    if session.get(Rule, version):
        return
    with suppress(IntegrityError), session.begin_nested():  # another worker keeps it in the same moment
        session.add(Rule(version=version, program=program, document=dict(document), first_used_at=clock.now()))


def keep_decision(
    session: Session,
    *,
    case_id: str,
    outcome: str,
    rule_version: str,
    record_id: str,
    checks: tuple[Check, ...],
) -> Decision:
    """Store a decision; its hash goes into the ledger."""
    document = [as_json(check) for check in checks]
    row = Decision(
        id=new_id("decision"), case_id=case_id, outcome=outcome, rule_version=rule_version, record_id=record_id,
        checks=document, made_at=clock.now(),
        sha256=content_hash([outcome, rule_version, record_id, document]),
    )  # fmt: skip
    session.add(row)
    return row
