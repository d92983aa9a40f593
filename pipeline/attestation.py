"""What others than the LMS's record say of a learner: claims of an event, attestations of persons and systems."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What another place than the LMS's record says of the person and the result: a hint to compare with.

    `where` names the place, such as `event` or an attestation's id. `score` is the course's, in percent.
    """

    where: str
    name: str | None = None
    email: str | None = None
    score: Decimal | None = None


class AttestationKind(StrEnum):
    """What a person or an outside system can state about a learner."""

    APPROVAL = "approval"  # a portfolio, a peer review, an identity check … was looked at and decided
    SCORE = "score"  # a result of an assessment outside the LMS, or of a rubric
    TIME = "time"  # time spent that the LMS does not measure
    EXEMPTION = "exemption"  # a requirement is waived
    ACCOMMODATION = "accommodation"  # a requirement is adapted, such as extra time
    APPEAL = "appeal"  # a result is contested: nothing is decided on it meanwhile
    INVESTIGATION = "investigation"  # academic integrity is in doubt: nothing is issued meanwhile


@dataclass(frozen=True, kw_only=True)
class Attestation:
    """One attestation about a learner, with author, reason and validity; see `pipeline.store.attestations`.

    `about` names what it is about: a criterion (`modules`, `time_spent`), an approval (`portfolio`), a graded
    item, a course. Empty: the whole program. `item` narrows that down, for example to one module.
    """

    id: str
    kind: AttestationKind
    about: str
    author: str
    reason: str
    made_at: datetime
    item: str = ""
    #: of an approval: whether it was given
    approved: bool | None = None
    points: Decimal | None = None
    out_of: Decimal | None = None
    hours: Decimal | None = None
    #: of an identity check: the name on the document that was seen
    name: str | None = None
