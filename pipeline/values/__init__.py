"""The values that travel between LMS, criteria and platforms: frozen, typed, and the same for every vendor."""

from __future__ import annotations

from pipeline.values.deciding import (
    Check,
    Outcome,
    Override,
)
from pipeline.values.issuing import (
    ClaimState,
    Completion,
    Credential,
    Format,
    Held,
    Hint,
    Issued,
    Order,
    Rate,
    Standing,
    Template,
)
from pipeline.values.learning import (
    Attempt,
    Event,
    Fact,
    Hold,
    Learner,
    Module,
    ModuleState,
    Prerequisite,
    PrerequisiteState,
    Record,
    ReportedScore,
    Score,
)
from pipeline.values.withdrawing import AUTOMATIC, SUPERSEDED, Trigger

__all__ = [
    "AUTOMATIC",
    "SUPERSEDED",
    "Attempt",
    "Check",
    "ClaimState",
    "Completion",
    "Credential",
    "Event",
    "Fact",
    "Format",
    "Held",
    "Hint",
    "Hold",
    "Issued",
    "Learner",
    "Module",
    "ModuleState",
    "Order",
    "Outcome",
    "Override",
    "Prerequisite",
    "PrerequisiteState",
    "Rate",
    "Record",
    "ReportedScore",
    "Score",
    "Standing",
    "Template",
    "Trigger",
]
