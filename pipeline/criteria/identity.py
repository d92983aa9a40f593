"""The person in the record is the one whom the event, and every identity check, named. Always checked.

The guide (step 5): "name mismatch > 2 characters" is for a person. Two characters are most of a name such as 王伟 or
Li Na, so that of a short name at most a quarter may differ. Names and addresses stay out of the evidence's texts.
"""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from pipeline.attestation import AttestationKind
from pipeline.attested import attested, cited
from pipeline.contracts import Criterion
from pipeline.names import distance, letters
from pipeline.values import Check, Fact, Outcome, Record

_SHARE = 4


class IdentitySchema(Schema):
    """`identity: {characters: 2}`; without it, it is checked as far as the events say who was meant."""

    #: how many characters two spellings of the name may differ; never more than a quarter of the shorter one
    characters = fields.Integer(strict=True, load_default=2, validate=validate.Range(min=0, max=10))
    #: somebody has to have attested the name on a document
    attested = fields.Boolean(load_default=False)


class Identity(Criterion):
    """Every name agrees with the profile's to a few characters, and every address agrees with the profile's."""

    name = "identity"
    label = "identity"
    options = IdentitySchema
    needs = frozenset({Fact.CLAIM})
    always = True

    def judge(self, record: Record) -> Check:
        names = [(claim.where, claim.name) for claim in record.claims if claim.name and claim.name.strip()]
        seen_on_paper = [said for said in record.attestations if said.name and said.name.strip()]
        names += [(f"attestation {said.id}", said.name) for said in seen_on_paper if said.name]
        addresses = [(claim.where, claim.email) for claim in record.claims if claim.email and claim.email.strip()]
        faults = [fault for where, name in names if (fault := self._fault(record.learner.name, name, where))]
        faults += [
            f"the address in {where} is another one"
            for where, address in addresses
            if _address(address) != _address(record.learner.email)
        ]
        if self.values.get("attested") and not seen_on_paper:
            faults.append("nobody has attested the name on a document")
        return self._tempered(record, faults, [where for where, _ in (*names, *addresses)])

    def _tempered(self, record: Record, faults: list[str], places: list[str]) -> Check:
        """A person who has looked, and approved `identity`, settles what differs."""
        outcome = Outcome.HOLD if faults else Outcome.PASS
        reason = "; ".join(dict.fromkeys(faults)) or ("all agree" if places else "no other place names the person")
        words = attested(record, AttestationKind.APPROVAL, self.name)
        if words and words[-1].approved is not None:
            said = f"{'approved' if words[-1].approved else 'not approved'} ({cited(words[-1:])})"
            outcome = Outcome.PASS if words[-1].approved else Outcome.FAIL
            reason = f"{said}; {reason}"
        return self.check(
            record, outcome, threshold=f"names at most {self.values['characters']} characters apart, same address",
            seen=f"{len(set(places))} places compared" if places else "one source", reason=reason,
            where=", ".join(dict.fromkeys([record.sources.get(Fact.PROFILE, "not read"), *places])),
        )  # fmt: skip

    def _fault(self, known: str, name: str, where: str) -> str:
        allowed = min(self.values["characters"], min(letters(known), letters(name)) // _SHARE)
        apart = distance(known, name, most=max(allowed, 10))
        if apart <= allowed:
            return ""
        many = f"{apart} characters" if apart <= max(allowed, 10) else "more than 10 characters"
        return f"the name in {where} differs by {many}, more than {allowed}"


def _address(address: str) -> str:
    return address.strip().casefold()
