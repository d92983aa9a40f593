"""The errors of Moodle's web services: an object with exception, errorcode and message, under HTTP 200."""

from __future__ import annotations

from typing import Any

_CLASSES = {
    "invalidparameter": "core\\exception\\invalid_parameter_exception",
    "invalidrecordunknown": "dml_missing_record_exception",
    "codingerror": "core\\exception\\coding_exception",
    "accessexception": "core\\exception\\webservice_access_exception",
}
_MESSAGES = {
    "invalidtoken": "Invalid token - token not found",
    "invalidparameter": "Invalid parameter value detected",
    "invalidrecordunknown": "Can't find data record in database.",
    "accessexception": "Access control exception",
    "codingerror": "Coding error detected, it must be fixed by a programmer",
    "usernotenroled": "User is not enrolled or does not have requested capability",
    "nocriteriaset": "No completion criteria set for this course",
    "cannotviewreport": "You cannot view this report",
}


class Trouble(Exception):
    """An error as Moodle reports it. `detail` is shown only where the site's debugging is on."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class InvalidParameter(Trouble):
    """A parameter that is missing, unknown or of the wrong type."""

    def __init__(self, detail: str) -> None:
        super().__init__("invalidparameter", detail)


class Unknown(Trouble):
    """A course, learner or completion that the site does not have."""

    def __init__(self, detail: str) -> None:
        super().__init__("invalidrecordunknown", detail)


def error_object(trouble: Trouble, *, debug: bool) -> dict[str, Any]:
    """The error as a web service answers it."""
    error = {
        "exception": _CLASSES.get(trouble.code, "core\\exception\\moodle_exception"),
        "errorcode": trouble.code,
        "message": _MESSAGES.get(trouble.code, trouble.code),
    }
    return {**error, "debuginfo": trouble.detail} if debug else error
