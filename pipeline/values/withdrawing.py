"""Why a credential is taken back: codes that are fit for the public, because platforms show them."""

from __future__ import annotations

from enum import StrEnum


class Trigger(StrEnum):
    """What a withdrawal is about."""

    INTEGRITY = "integrity"  # an academic integrity violation was found
    CHARGEBACK = "chargeback"  # the payment was taken back
    ACCREDITATION = "accreditation"  # the accreditation of the program changed
    MISTAKE = "mistake"  # it should not have been issued
    REQUEST = "request"  # the learner asked for it


#: what a program may have carried out without a second person, because another system is sure of it
AUTOMATIC = (Trigger.INTEGRITY, Trigger.CHARGEBACK, Trigger.ACCREDITATION)
#: the code of a credential whose place another one takes; no withdrawal of the award
SUPERSEDED = "superseded"
