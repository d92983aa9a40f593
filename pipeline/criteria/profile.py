"""The person can be issued to: named, reachable, and not locked out. Always checked, whatever a program says."""

from __future__ import annotations

import re

from pipeline.contracts import Criterion
from pipeline.options import NoOptions
from pipeline.values import Check, Fact, Outcome, Record

_ADDRESS = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+\.[^@\s<>,;.]+")


class Profile(Criterion):
    """What the LMS says of the person is enough for a credential; anything else is for a person to mend."""

    name = "profile"
    label = "learner profile"
    options = NoOptions
    needs = frozenset({Fact.PROFILE})
    always = True

    def judge(self, record: Record) -> Check:
        learner, faults = record.learner, []
        if not learner.name.strip():
            faults.append("no name")
        if not _ADDRESS.fullmatch(learner.email):
            faults.append("no usable e-mail address")
        if learner.suspended:
            faults.append("the account is suspended at the LMS")
        said = "; ".join(faults) or "complete"
        return self.check(
            record, Outcome.HOLD if faults else Outcome.PASS, threshold="name, e-mail address, active account",
            seen=said, reason=said, where=record.sources.get(Fact.PROFILE, "not read"),
        )  # fmt: skip
