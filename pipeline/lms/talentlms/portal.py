"""TalentLMS's API, version 1: calls whose arguments are pairs in the path, and errors in two forms (contract 2.2)."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any, NoReturn
from urllib.parse import quote

from marshmallow import Schema, fields

from pipeline import clock
from pipeline.errors import Failure, Misconfigured, Outage, Rejected, Throttled, Unsure
from pipeline.lms.talentlms.notation import Stamp, Stringy
from pipeline.reading import loaded, parsed
from pipeline.settings import settings
from pipeline.transport import LONGEST_PAUSE, Answer, Client, OpenGate

API = "/api/v1/"
_SYSTEM = "TalentLMS"


class _QuotaSchema(Stringy):
    #: a number here, although the limit itself is text
    remaining = fields.Integer(load_default=None)
    reset = Stamp(load_default=None)


class Portal:
    """One portal. Failures name the call and never what was put into it."""

    def __init__(self, site: str, key: str) -> None:
        proof = base64.b64encode(f"{key}:".encode()).decode()
        headers = {"Authorization": f"Basic {proof}", "Accept": "application/json"}
        timeout = settings().call_timeout
        self.client = Client(system=_SYSTEM, base_url=site, headers=headers, timeout=timeout, gate=OpenGate())

    def one(self, schema: Schema, call: str, **arguments: str) -> dict[str, Any]:
        """Read one object.

        Raises:
            Misconfigured, Rejected, Outage, Throttled: see `pipeline.errors`.
        """
        return loaded(schema, self._read(call, arguments), system=_SYSTEM, what=call)

    def every(self, schema: Schema, call: str) -> list[dict[str, Any]]:
        """Read a list; they come whole.

        Raises:
            Misconfigured, Rejected, Outage, Throttled: see `pipeline.errors`.
        """
        rows = self._read(call, {})
        if not isinstance(rows, list):
            raise Outage(f"{_SYSTEM} answered {call} with no list")
        return [loaded(schema, row, system=_SYSTEM, what=call) for row in rows]

    def change(self, call: str, **form: str) -> None:
        """Make a call that changes something.

        Raises:
            Unsure: it may have done so. Misconfigured, Rejected, Outage, Throttled: it did not.
        """
        answer = self.client.call("POST", API + call, data=form)
        if answer.status >= 400:
            _refuse(answer, call)
        parsed(answer, system=_SYSTEM, what=call, otherwise=Unsure)

    def _read(self, call: str, arguments: dict[str, str]) -> Any:
        pairs = ",".join(f"{name}:{quote(value, safe='')}" for name, value in arguments.items())
        try:
            answer = self.client.read(f"{API}{call}/{pairs}" if pairs else API + call)
        except Throttled as failure:
            raise Throttled(failure.detail, until=self._free_again() or failure.until) from None
        if answer.status >= 400:
            _refuse(answer, call)
        return parsed(answer, system=_SYSTEM, what=call)

    def _free_again(self) -> datetime | None:
        """When the hour's calls start anew, where these are used up: asking that is not counted (contract 2.2)."""
        try:
            answer = self.client.read(f"{API}ratelimit")
            quota = loaded(
                _QuotaSchema(), parsed(answer, system=_SYSTEM, what="ratelimit"), system=_SYSTEM, what="ratelimit"
            )
        except Failure:
            return None  # it is the limit of a few seconds, for which nothing says when it ends
        if quota["remaining"] != 0 or quota["reset"] is None:
            return None
        reset: datetime = quota["reset"]
        return min(max(reset, clock.now()), clock.now() + LONGEST_PAUSE)


def _refuse(answer: Answer, call: str) -> NoReturn:
    """Turn a refusal into a failure: without credentials, and for a portal that is not there, it is a page."""
    if answer.status == 401:
        raise Misconfigured("TalentLMS refuses the API key, or knows no such portal", whole_account=True)
    if answer.status == 403:
        raise Misconfigured("TalentLMS says that its API is switched off or the portal inactive", whole_account=True)
    try:
        document = parsed(answer, system=_SYSTEM, what=call)
    except Outage:
        raise Outage(f"{_SYSTEM} answered {answer.status} to {call} with a page instead of an error") from None
    if not isinstance(document, dict) or not isinstance(document.get("error"), dict):
        raise Outage(f"{_SYSTEM} answered {answer.status} to {call} with no error in it")
    raise Rejected(f"{_SYSTEM} answered {answer.status} to {call}: there is none, or it does not allow that")
