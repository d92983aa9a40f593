"""What several places say of one result agrees: the event, the record, and results attested from other systems.

The guide's error matrix (step 8): "score difference > 5 % between systems: hold for review". The base is the LMS's
own result, so that at 80 anything beyond 4 points differs. Always checked.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from marshmallow import Schema, fields, validate

from pipeline.attestation import AttestationKind
from pipeline.attested import same
from pipeline.contracts import Criterion
from pipeline.marks import TOTAL, attested_share, exact, shown
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

    def judge(self, record: Record) -> Check:
        tolerance = Fraction(self.values["tolerance"]) / 100
        compared = 0
        differing: list[str] = []
        places: dict[str, None] = {}
        for item, results in _by_item(record).items():
            base, *others = results
            compared += len(others)
            for other in others:
                places |= dict.fromkeys((base.where, other.where))
                if abs(other.share - base.share) > abs(base.share) * tolerance:
                    differing.append(
                        f"{item}: {shown(base.share)} ({base.where}), {shown(other.share)} ({other.where})"
                    )
        reason = f"differ: {'; '.join(differing)}" if differing else "no two places differ"
        return self.check(
            record, Outcome.HOLD if differing else Outcome.PASS, reason=reason if compared else "nothing to compare",
            threshold=f"at most {self.values['tolerance']} % apart",
            seen=f"{len(differing)} of {compared} differ" if compared else "one source",
            where=", ".join(places) or record.sources.get(Fact.SCORES, "not read"),
        )  # fmt: skip


def _by_item(record: Record) -> dict[str, list[Result]]:
    """Of each item every place's last word, the LMS's own first."""
    found: dict[str, dict[str, Result]] = {}
    for result in _results(record):
        found.setdefault(same(result.item), {})[result.by] = result
    return {results[next(iter(results))].item: list(results.values()) for results in found.values()}


def _results(record: Record) -> Iterator[Result]:
    where = record.sources.get(Fact.SCORES, "not read")
    for score in record.scores:
        share = exact(score.percent)
        if share is not None and not score.excused:
            yield Result(TOTAL if score.total else score.item, share / 100, where, f"record {score.item}")
    for claim in record.claims:
        share = exact(claim.score)
        if share is not None:
            yield Result(TOTAL, share / 100, claim.where, f"claim {claim.where}")
    for said in record.attestations:
        share = attested_share(said) if said.kind is AttestationKind.SCORE else None
        if share is not None and not said.author.startswith("lms:"):  # the LMS's attempts differ by their nature
            about = said.item or said.about
            yield Result(
                TOTAL if same(about) in {"", "score"} else about, share, f"attestation {said.id}", said.author
            )
