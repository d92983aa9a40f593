"""Moodle's web services: one call form, errors under HTTP 200, told in the one vocabulary (contract 2.1, 2.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from typing import Any

from pipeline.errors import Failure, Misconfigured, Outage, Rejected, Unsure
from pipeline.transport import Answer, Client, refuse


class NotEnrolled(Rejected):
    """Not actively enrolled: never, no longer, or suspended. The error code does not say which."""


NotEnrolled.kind = Rejected.kind

#: contract 2.2: decide on the error code, never on the (translated) message
_FAILURES: Mapping[str, Callable[[str], Failure]] = {
    "invalidtoken": partial(Misconfigured, whole_account=True),
    "accessexception": partial(Misconfigured, whole_account=True),
    "invalidrecordunknown": Rejected,
    "usernotenroled": NotEnrolled,
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
    "wsusercannotassign": "Moodle's service account may not assign the role of a learner",
    "wsnoinstance": "the course has no manual enrolment in Moodle",
    "wscannotenrol": "Moodle's service account may not enrol by hand",
}


class Services:
    """The web services of one site, called with one token."""

    def __init__(self, client: Client, token: str) -> None:
        self.client, self.token = client, token

    def ask(self, function: str, **parameters: Any) -> Mapping[str, Any]:
        """Call a function that has no effect and answers with an object.

        Raises:
            Misconfigured, Rejected, Outage, Throttled: see `pipeline.errors`.
        """
        document = self._asked(function, parameters)
        if not isinstance(document, dict):
            raise Outage(f"Moodle answered {function} with no object")
        return document

    def listing(self, function: str, **parameters: Any) -> list[Any]:
        """Call a function that has no effect and answers with a list. An empty object is none, and not nobody.

        Raises:
            Misconfigured, Rejected, Outage, Throttled: see `pipeline.errors`.
        """
        document = self._asked(function, parameters)
        if not isinstance(document, list):
            raise Outage(f"Moodle answered {function} with no list")
        return document

    def _asked(self, function: str, parameters: Mapping[str, Any]) -> Any:
        answer = self.client.read("webservice/rest/server.php", method="POST", data=self._form(function, parameters))
        return self._read(function, answer, Outage)

    def change(self, function: str, **parameters: Any) -> None:
        """Call a function that has an effect and answers null (contract 3).

        Raises:
            Unsure: it may have had it. Misconfigured, Rejected, Outage, Throttled: it had none.
        """
        answer = self.client.call("POST", "webservice/rest/server.php", data=self._form(function, parameters))
        if self._read(function, answer, Unsure) is not None:
            raise Unsure(f"Moodle answered {function} with something else than null")

    def _form(self, function: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The token goes into the form, never into an address or a log."""
        return {"wstoken": self.token, "wsfunction": function, "moodlewsrestformat": "json", **parameters}

    def _read(self, function: str, answer: Answer, otherwise: Callable[[str], Failure]) -> Any:
        refuse(answer, system=self.client.system)
        try:
            document = answer.json(as_object=partial(_Answer, function))
        except (ValueError, RecursionError):
            raise otherwise(f"Moodle answered {function} with something that is no JSON") from None
        if isinstance(document, dict) and "exception" in document:
            code = str(document.get("errorcode", ""))[:60]
            raise _FAILURES.get(code, Misconfigured)(_DETAILS.get(code, f"Moodle refuses {function}: {code}"))
        return document


class _Answer(dict[str, Any]):
    """An object in an answer; a member that the contract promises and that is missing is told as such."""

    def __init__(self, function: str, document: dict[str, Any]) -> None:
        super().__init__(document)
        self.function = function

    def __missing__(self, member: str) -> Any:
        raise Outage(f"Moodle's answer to {self.function} lacks {member}")


@contextmanager
def understood() -> Iterator[None]:
    """Reading answers: JSON of another shape than the contract's is trouble at Moodle, and no verdict or defect.

    Raises:
        Outage: a member was no list, no object or no number where one is promised.
    """
    try:
        yield
    except (TypeError, ValueError, AttributeError, LookupError, ArithmeticError, OSError) as fault:
        raise Outage(f"Moodle answered with JSON of another shape ({type(fault).__name__})") from fault


def number(value: Any) -> Decimal | None:
    """A number of an answer, also where it is written as text; None where there is none."""
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise Outage("Moodle answered with a grade that is no number")
    try:
        return Decimal(value)
    except ArithmeticError:
        raise Outage("Moodle answered with a grade that is no number") from None
