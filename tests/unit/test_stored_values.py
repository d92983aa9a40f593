"""Values that were stored by earlier releases: a member that is new since is not there, and they load."""

from __future__ import annotations

from datetime import UTC, date, datetime

from pipeline.store.decisions import as_json, order_from, record_from
from pipeline.values import Format, Learner, Order, Record

AT = datetime(2026, 11, 1, 10, tzinfo=UTC)


def test_a_record_and_an_order_from_before_given_and_family_names_load() -> None:
    ada = Learner(ref="307", name="Ada Lovelace", email="ada@learners.example")
    record = Record(
        learner=ada, course="12", course_code="FA", course_title="First Aid", completed_at=AT, read_at=AT, sources={}
    )
    stored = as_json(record)
    for name in ("given_name", "family_name"):
        del stored["learner"][name]
    assert record_from(stored) == record
    order = Order(
        ref="confer-1", template="7", title="First Aid", description="…", learner_ref="307", name=ada.name,
        email=ada.email, issued_on=date(2026, 11, 1), formats=(Format.BADGE,),
    )  # fmt: skip
    stored = as_json(order)
    for name in ("given_name", "family_name"):
        del stored[name]
    assert order_from(stored) == order
