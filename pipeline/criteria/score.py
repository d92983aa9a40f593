"""The assessment score meets the program's threshold; near it, a person looks.

All arithmetic is exact, in fractions: 79.995 is not 80, and 3.5 of 5.0 is met by 7 of 10. The margin is a percentage
of the threshold (guide, step 5: "score within 2 % of threshold"), so at 80 it is 1.6 points to either side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

from pipeline.attestation import AttestationKind
from pipeline.attested import attested, cited, temper
from pipeline.contracts import Criterion
from pipeline.marks import TOTAL, Mark, amount, attested_share, mark_of, shown
from pipeline.values import Check, Fact, Outcome, Record

_POSITIVE = validate.Range(min=0, min_inclusive=False, max=100_000)


class ScoreSchema(Schema):
    """`score: {threshold: 80, item: Final quiz}`, or a list of such; without an item, the course total."""

    threshold = fields.Decimal(required=True, as_string=True, validate=validate.Range(min=0, max=100_000))
    #: what the threshold is counted in: percent, or the points of a rubric, such as 5.0
    out_of = fields.Decimal(load_default=Decimal(100), as_string=True, validate=_POSITIVE)
    #: which graded item
    item = fields.String(load_default=None, allow_none=True)
    #: several graded items with their weights, instead of one: `{Project: 40, Final exam: 60}`
    items = fields.Dict(
        keys=fields.String(), values=fields.Decimal(as_string=True, validate=_POSITIVE), load_default=dict
    )
    #: which attempt counts; without it, what the LMS counts
    attempt = fields.String(load_default=None, allow_none=True, validate=validate.OneOf(["best", "last", "first"]))
    #: in percent of the threshold; 2, but 0 for what persons attest
    margin = fields.Decimal(
        load_default=None, allow_none=True, as_string=True, validate=validate.Range(min=0, max=100)
    )
    #: persons or outside systems attest the result, because the LMS cannot tell
    attested = fields.Boolean(load_default=False)

    @validates_schema(skip_on_field_errors=True)
    def _whole(self, data: dict[str, Any], **_: Any) -> None:
        """What the schema cannot say of one member alone.

        Raises:
            ValidationError: naming the member that does not fit.
        """
        if data["threshold"] > data["out_of"]:
            raise ValidationError({"threshold": [f"is more than {data['out_of']}, of which it is counted"]})
        if data["item"] and data["items"]:
            raise ValidationError({"items": ["write `item` or `items`, not both"]})
        if data["attested"] and not data["item"] and not data["items"]:
            raise ValidationError({"item": ["name what is attested, such as `Capstone`"]})

    @post_load
    def _margin(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        if data["margin"] is None:
            data["margin"] = Decimal(0) if data["attested"] else Decimal(2)
        return data


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A threshold and its margin as shares of 1, and in words."""

    share: Fraction
    margin: Fraction
    text: str
    near: str

    def outcome(self, share: Fraction) -> tuple[Outcome, str]:
        """What a mark is against it."""
        if self.margin and abs(share - self.share) <= self.margin:
            return Outcome.HOLD, self.near
        if share >= self.share:
            return Outcome.PASS, "meets the threshold"
        return Outcome.FAIL, "below the threshold"


class AssessmentScore(Criterion):
    """Above the margin passes, below it fails, within it a person decides: a hair's breadth either way is doubt."""

    name = "score"
    label = "assessment score"
    options = ScoreSchema
    needs = frozenset({Fact.SCORES})

    @property
    def title(self) -> str:
        items = [self.values["item"]] if self.values["item"] else sorted(self.values["items"])
        return f"{self.name}:{' + '.join(items)}" if items else self.name

    @property
    def asks(self) -> frozenset[Fact]:
        if self.values["attested"]:
            return frozenset()
        return self.needs | {Fact.ATTEMPTS} if self.values["attempt"] else self.needs

    def judge(self, record: Record) -> Check:
        marks = {item: mark_of(record, item, attempt=self.values["attempt"], attested_only=self.values["attested"])
                 for item in self._weights}  # fmt: skip
        bar, eased = self._bar, ""
        said = attested(record, AttestationKind.ACCOMMODATION, self.name, marks)
        for one in said:
            share = attested_share(one)
            if share is not None:
                bar, eased = self._bar_at(share), cited([one])
        outcome, seen, reason = self._compare(marks, bar)
        check = self.check(
            record, outcome, seen=seen, reason=reason, where=", ".join({mark.where: None for mark in marks.values()}),
            threshold=bar.text + (f" (accommodated, {eased})" if eased else ""),
        )  # fmt: skip
        return temper(check, record, about=self.name, items=[item or TOTAL for item in marks], adapted=bool(eased))

    def _compare(self, marks: Mapping[str, Mark], bar: Bar) -> tuple[Outcome, str, str]:
        unknown = [mark for mark in marks.values() if mark.share is None and not mark.waived]
        if unknown:
            return Outcome.HOLD, unknown[0].seen, "; ".join(mark.reason for mark in unknown)
        counted = [(self._weights[item], mark.share) for item, mark in marks.items() if mark.share is not None]
        notes = [mark.reason for mark in marks.values() if mark.reason]
        if not counted:
            return Outcome.PASS, "exempt", "; ".join(notes)
        if len(marks) == 1:
            share, seen = counted[0][1], next(iter(marks.values())).seen
        else:
            share = sum((weight * one for weight, one in counted), Fraction(0)) / sum(weight for weight, _ in counted)
            seen = shown(share, self.values["out_of"])
        outcome, reason = bar.outcome(share)
        return outcome, seen, "; ".join([reason, *notes])

    @cached_property
    def _bar(self) -> Bar:
        return self._bar_at(Fraction(self.values["threshold"]) / Fraction(self.values["out_of"]))

    def _bar_at(self, share: Fraction) -> Bar:
        margin, out_of = share * Fraction(self.values["margin"]) / 100, self.values["out_of"]
        near = f"within {amount(margin, out_of)} points of the threshold"
        return Bar(share=share, margin=margin, text=shown(share, out_of), near=near)

    @cached_property
    def _weights(self) -> Mapping[str, Fraction]:
        weights: Mapping[str, Decimal] = self.values["items"] or {self.values["item"] or "": Decimal(1)}
        return {item: Fraction(weight) for item, weight in weights.items()}
