"""By when a person has to have decided: the guide's matrix of errors, read by the kind of error of a case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, kw_only=True)
class ErrorClass:
    """A row of the guide's matrix (step 8): its name for people, the time there is, how loudly staff is told."""

    label: str
    sla: timedelta
    severity: str = "warning"


_UNANSWERED = ErrorClass(label="no clear answer after several attempts", sla=timedelta(hours=4), severity="failure")
_MISSING = ErrorClass(label="template or setting missing", sla=timedelta(hours=4), severity="failure")
_DATA = ErrorClass(label="learner data refused", sla=timedelta(hours=24))
_DEFECT = ErrorClass(label="failed inside Confer", sla=timedelta(hours=4), severity="failure")

#: by the `error_kind` of a held or failed case
ERROR_CLASSES: Mapping[str, ErrorClass] = {
    "retryable": _UNANSWERED,
    "unsure": _UNANSWERED,
    "outage": _UNANSWERED,
    "notready": ErrorClass(label="the LMS does not show the completion", sla=timedelta(hours=24)),
    "misconfigured": _MISSING,
    "unpublished": _MISSING,
    "rejected": _DATA,
    "duplicate": _UNANSWERED,
    "doubt": ErrorClass(label="doubt about the record", sla=timedelta(hours=24)),
    "criteria": ErrorClass(label="criteria not met", sla=timedelta(hours=24), severity="info"),
    "withdrawn": ErrorClass(label="completed anew after a withdrawal", sla=timedelta(hours=24)),
    "poison": _DEFECT,
    "defect": _DEFECT,
}


def error_class(kind: str | None) -> ErrorClass:
    """The class of an error; what no table names is treated as our own defect."""
    return ERROR_CLASSES.get(kind or "", _DEFECT)
