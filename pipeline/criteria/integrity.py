"""Nothing speaks against issuing: no hold at the LMS, no investigation, no appeal. Always checked.

An investigation is never a fail: nobody has been found guilty of anything, and nothing is issued meanwhile.
"""

from __future__ import annotations

from marshmallow import Schema, fields

from pipeline.attestation import AttestationKind
from pipeline.attested import approval, cited, same
from pipeline.contracts import Criterion
from pipeline.values import Check, Fact, Outcome, Record

#: appeals about one of these are for the check of that name; every other stops the case as a whole
_HAVE_THEIR_OWN = frozenset({"score", "modules", "time_spent", "prerequisites", "approval"})


class IntegritySchema(Schema):
    """`integrity: {}`; without it, it is checked as far as the LMS can tell."""

    #: a person attests that there is no investigation (an approval about `integrity`), because the LMS cannot tell
    attested = fields.Boolean(load_default=False)


class Integrity(Criterion):
    """The LMS reports no hold, and nobody has attested an investigation or appeal that is still open."""

    name = "integrity"
    label = "academic integrity"
    options = IntegritySchema
    needs = frozenset({Fact.HOLDS})
    always = True

    def judge(self, record: Record) -> Check:
        doubts = [f"{hold.kind}: {hold.reason}" for hold in record.holds]
        places = [record.sources.get(Fact.HOLDS, "the LMS is not asked"), "attestations"]
        places += [hold.where for hold in record.holds if hold.where]
        said = [one for one in record.attestations if one.kind is AttestationKind.INVESTIGATION]
        doubts += [f"investigation ({cited(said)})"] if said else []
        contested = [
            one
            for one in record.attestations
            if one.kind is AttestationKind.APPEAL and same(one.about) not in _HAVE_THEIR_OWN
        ]
        doubts += [f"appeal ({cited(contested)})"] if contested else []
        if self.values.get("attested"):
            word = approval(self, record, self.name)
            doubts += [word.reason] if word.outcome is not Outcome.PASS else []
        return self.check(
            record, Outcome.HOLD if doubts else Outcome.PASS, threshold="no hold, no investigation, no appeal",
            seen=f"{len(doubts)} open" if doubts else "none", reason="; ".join(doubts) or "nothing is open",
            where=", ".join(dict.fromkeys(places)),
        )  # fmt: skip
