"""Moodle's web services: one call form, errors under HTTP 200, told in the one vocabulary (contract 2.1, 2.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from pipeline.errors import Failure, Misconfigured, Outage, Rejected
from pipeline.transport import Client, refuse

#: contract 2.2: decide on the error code, never on the (translated) message
_FAILURES: Mapping[str, Callable[[str], Failure]] = {
    "invalidtoken": partial(Misconfigured, whole_account=True),
    "accessexception": partial(Misconfigured, whole_account=True),
    "invalidrecordunknown": Rejected,
    "usernotenroled": Rejected,
}
_DETAILS: Mapping[str, str] = {
    "invalidtoken": "Moodle refuses the web service token",
    "accessexception": "Moodle's web service lacks a function, or our address",
    "nopermissions": "Moodle's service account lacks a capability",
    "accessdenied": "Moodle's service account lacks a capability",
    "requireloginerror": "Moodle's service account cannot enter the course",
    "nocriteriaset": "the course has no completion criteria in Moodle",
    "cannotviewreport": "completion is switched off for the course, or hidden from us",
    "invalidrecordunknown": "Moodle knows no such course or learner",
    "usernotenroled": "Moodle says the learner is not actively enrolled: never, no longer, or suspended",
}


class Services:
    """The web services of one site, called with one token."""

    def __init__(self, client: Client, token: str) -> None:
        self.client, self.token = client, token

    def ask(self, function: str, **parameters: Any) -> Any:
        """Call a web service function. The token goes into the form, never into an address or a log."""
        form = {"wstoken": self.token, "wsfunction": function, "moodlewsrestformat": "json"}
        answer = self.client.read("webservice/rest/server.php", method="POST", data=form | parameters)
        refuse(answer, system=self.client.system)
        try:
            document = answer.json(as_object=partial(_Answer, function))
        except (ValueError, RecursionError):
            raise Outage(f"Moodle answered {function} with something that is no JSON") from None
        if isinstance(document, dict) and "exception" in document:
            code = str(document.get("errorcode", ""))[:60]
            raise _FAILURES.get(code, Misconfigured)(_DETAILS.get(code, f"Moodle refuses {function}: {code}"))
        if not isinstance(document, dict | list):
            raise Outage(f"Moodle answered {function} with neither an object nor a list")
        return document


class _Answer(dict[str, Any]):
    """An object in an answer; a member that the contract promises and that is missing is told as such."""

    def __init__(self, function: str, document: dict[str, Any]) -> None:
        super().__init__(document)
        self.function = function

    def __missing__(self, member: str) -> Any:
        raise Outage(f"Moodle's answer to {self.function} lacks {member}")
