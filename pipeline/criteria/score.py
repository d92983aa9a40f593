"""The assessment score meets the program's threshold; near it, a person looks."""

from __future__ import annotations

from decimal import Decimal

from marshmallow import Schema, fields, validate

from pipeline.contracts import Criterion
from pipeline.values import Check, Fact, Outcome, Record, Score


class ScoreSchema(Schema):
    """`score: {threshold: 80, item: Final quiz, margin: 2}`"""

    threshold = fields.Decimal(required=True, as_string=True, validate=validate.Range(min=0, max=100))
    #: which graded item; without it the course total
    item = fields.String(load_default=None, allow_none=True)
    #: in percent of the threshold (guide, step 5: "within 2 % of threshold")
    margin = fields.Decimal(load_default=Decimal(2), as_string=True, validate=validate.Range(min=0, max=100))


class AssessmentScore(Criterion):
    """Above the margin passes, below it fails, within it a person decides: a hair's breadth either way is doubt."""

    name = "score"
    label = "assessment score"
    options = ScoreSchema
    needs = frozenset({Fact.SCORES})

    def judge(self, record: Record) -> Check:
        threshold: Decimal = self.values["threshold"]
        margin = threshold * self.values["margin"] / 100
        named, item = self._score(record), self.values["item"] or "course total"
        if len(named) != 1:
            reason = f"the LMS reports no score for {item}" if not named else f"{item} names {len(named)} scores"
            return self._check(record, Outcome.HOLD, "none" if not named else "several", reason)
        percent = named[0].percent
        if percent is None:
            return self._check(record, Outcome.HOLD, "not graded", f"{item} is not graded")
        if abs(percent - threshold) <= margin and margin > 0:
            reason = f"within {margin.normalize():f} points of the threshold"
            return self._check(record, Outcome.HOLD, f"{percent} %", reason)
        if percent >= threshold:
            return self._check(record, Outcome.PASS, f"{percent} %", "meets the threshold")
        return self._check(record, Outcome.FAIL, f"{percent} %", "below the threshold")

    def _score(self, record: Record) -> list[Score]:
        item = self.values["item"]
        return [score for score in record.scores if (score.total if item is None else score.item == item)]

    def _check(self, record: Record, outcome: Outcome, seen: str, reason: str) -> Check:
        return Check(
            criterion=self.name,
            outcome=outcome,
            threshold=f"{self.values['threshold']} %",
            seen=seen,
            where=record.sources.get(Fact.SCORES, "not read"),
            read_at=record.read_at,
            reason=reason,
        )
