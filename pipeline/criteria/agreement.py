"""What several places say of one result agrees: the event, the record, and results attested from other systems.

The guide's error matrix (step 8): "score difference > 5 % between systems: hold for review". The base is the LMS's
own result, so that at 80 anything beyond 4 points differs. Always checked.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple

from marshmallow import Schema, fields, validate

from pipeline.attestation import AttestationKind
from pipeline.attested import same
from pipeline.contracts import Criterion
from pipeline.marks import TOTAL, attested_share, of_percent, shown
from pipeline.values import Check, Fact, Outcome, Record


class AgreementSchema(Schema):
    """`agreement: {tolerance: 5}`"""

    #: in percent of what the LMS's record says, or of the first that was attested where it says nothing
    tolerance = fields.Decimal(load_default=Decimal(5), as_string=True, validate=validate.Range(min=0, max=100))


class Result(NamedTuple):
    """What one place says of one item. `by` keeps the later word of an author from contradicting the earlier."""

    item: str
    share: Fraction
    where: str
    by: str


class Agreement(Criterion):
    """No two places differ by more than the tolerance about the same graded item."""

    name = "agreement"
    label = "agreement between systems"
    options = AgreementSchema
    needs = frozenset({Fact.SCORES})
    always = True

    @property
    def asks(self) -> frozenset[Fact]:
        return frozenset()  # what an LMS cannot tell, it cannot contradict

    @cached_property
    def _tolerance(self) -> Fraction:
        return Fraction(self.values["tolerance"]) / 100

    def judge(self, record: Record) -> Check:
        compared = 0
        differing: list[str] = []
        places: dict[str, None] = {}
        for base, *others in _by_item(record).values():
            compared += len(others)
            for other in others:
                places |= dict.fromkeys((base.where, other.where))
                if abs(other.share - base.share) > abs(base.share) * self._tolerance:
                    differing.append(
                        f"{base.item}: {shown(base.share)} ({base.where}), {shown(other.share)} ({other.where})"
                    )
        reason = f"differ: {'; '.join(differing)}" if differing else "no two places differ"
        return self.check(
            record, Outcome.HOLD if differing else Outcome.PASS, reason=reason if compared else "nothing to compare",
            threshold=f"at most {self.values['tolerance']} % apart",
            seen=f"{len(differing)} of {compared} differ" if compared else "one source",
            where=", ".join(places) or record.sources.get(Fact.SCORES, "not read"),
        )  # fmt: skip


def _by_item(record: Record) -> dict[str, list[Result]]:
    """Of each item that somebody else than the record names: every place's last word, the record's first."""
    found: dict[str, dict[str, Result]] = {}
    for result in _reported(record):
        found.setdefault(same(result.item), {})[result.by] = result
    return {name: [*_recorded(record, name), *results.values()] for name, results in found.items()}


def _recorded(record: Record, name: str) -> Iterator[Result]:
    where = record.sources.get(Fact.SCORES, "not read")
    for score in record.scores:
        item = TOTAL if score.total else score.item
        share = of_percent(score.percent) if same(item) == name and not score.excused else None
        if share is not None:
            yield Result(item, share, where, "record")


def _reported(record: Record) -> Iterator[Result]:
    for claim in record.claims:
        share = of_percent(claim.score)
        if share is not None:
            yield Result(TOTAL, share, claim.where, f"claim {claim.where}")
    for said in record.attestations:
        share = attested_share(said) if said.kind is AttestationKind.SCORE else None
        if share is not None and not said.author.startswith("lms:"):  # the LMS's attempts differ by their nature
            about = said.item or said.about
            yield Result(
                TOTAL if same(about) in {"", "score"} else about, share, f"attestation {said.id}", said.author
            )
