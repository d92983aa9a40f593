"""The learner spent the time that the program asks for.

At the minimum exactly a person decides (guide, step 5), and so they do below it (step 10: "meets requirements except
time threshold: held for review"), unless the program says that too little time fails.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import ROUND_FLOOR, Decimal

from marshmallow import Schema, fields, validate

from pipeline.attestation import Attestation, AttestationKind
from pipeline.attested import attested, cited, temper
from pipeline.contracts import Criterion
from pipeline.values import Check, Fact, Outcome, Record

_MICROSECONDS_PER_HOUR = 3_600_000_000
_MOST = Decimal(10_000)


class TimeSpentSchema(Schema):
    """`time_spent: {hours: 8}`"""

    hours = fields.Decimal(
        required=True, as_string=True, validate=validate.Range(min=0, min_inclusive=False, max=_MOST)
    )
    #: what too little time is: `hold`, a person decides, or `fail`, the learner is told
    below = fields.String(load_default="hold", validate=validate.OneOf(["hold", "fail"]))
    #: persons attest all of it, because the LMS does not measure time
    attested = fields.Boolean(load_default=False)


class TimeSpent(Criterion):
    """What the LMS measured and what was attested beside it, such as a day of practice, add up to the minimum."""

    name = "time_spent"
    label = "time spent"
    options = TimeSpentSchema
    needs = frozenset({Fact.TIME})

    def judge(self, record: Record) -> Check:
        alone: bool = self.values["attested"]
        stated = _with_hours(record, AttestationKind.TIME)
        eased = _with_hours(record, AttestationKind.ACCOMMODATION)[-1:]
        least = _stated(eased[0]) if eased else self.values["hours"]
        measured = None if alone else record.time_spent
        spent = sum(map(_stated, stated), _measured(measured))
        known = bool(stated) or measured is not None
        outcome, reason = self._outcome(spent, least) if known else self._unknown()
        places = [] if alone else [record.sources.get(Fact.TIME, "not read")]
        places += [f"attestation {said.id}" for said in stated]
        check = self.check(
            record, outcome, seen=f"{_shown(spent)} h" if known else "none",
            where=", ".join(places) or "attestations",
            threshold=("at least" if alone else "more than") + f" {_shown(least)} h"
            + (f" (accommodated, {cited(eased)})" if eased else ""),
            reason=reason + (f"; with {cited(stated)}" if stated else ""),
        )  # fmt: skip
        return temper(check, record, about=self.name, adapted=bool(eased))

    def _unknown(self) -> tuple[Outcome, str]:
        who = "nobody attested" if self.values["attested"] else "the LMS does not report"
        return Outcome.HOLD, f"{who} the time spent"

    def _outcome(self, spent: Decimal, least: Decimal) -> tuple[Outcome, str]:
        if spent > least:
            return Outcome.PASS, "above the minimum"
        if spent < least:
            return Outcome(self.values["below"]), "below the minimum"
        return Outcome.PASS if self.values["attested"] else Outcome.HOLD, "exactly the minimum"


def _with_hours(record: Record, kind: AttestationKind) -> tuple[Attestation, ...]:
    return tuple(said for said in attested(record, kind, TimeSpent.name) if _stated(said) > 0)


def _stated(said: Attestation) -> Decimal:
    hours = said.hours
    return hours if hours is not None and hours.is_finite() and 0 < hours <= _MOST else Decimal(0)


def _measured(spent: timedelta | None) -> Decimal:
    """Hours. A whole number of them is exact, and nothing else is rounded to it: equality is told."""
    return Decimal((spent or timedelta(0)) // timedelta(microseconds=1)) / _MICROSECONDS_PER_HOUR


def _shown(hours: Decimal) -> str:
    """Rounded down: what is too little never looks like enough."""
    return f"{hours.quantize(Decimal('0.0001'), ROUND_FLOOR).normalize():f}"
