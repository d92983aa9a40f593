"""Sertifier's API: the envelope is read in one place, because a failure comes under HTTP 200 too (contract 1)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from marshmallow import Schema, fields

from pipeline.errors import Failure, Misconfigured, Outage, Unsure
from pipeline.platforms.sertifier.refusals import gone, refusal
from pipeline.reading import Lenient, loaded, parsed
from pipeline.transport import Answer, Client, refuse

#: how many rows a search is asked for (contract 4); one that gives fewer than asked is paged all the same
LENGTH = 50
_WORKED = {200, 201}


class _EnvelopeSchema(Lenient):
    """What every answer is wrapped into (contract 1)."""

    failed = fields.Boolean(data_key="hasError", required=True)
    message = fields.Raw(load_default=None, allow_none=True)
    faults = fields.Raw(data_key="validationErrors", load_default=None, allow_none=True)
    purchase = fields.Raw(data_key="showPurchaseSheet", load_default=False, allow_none=True)
    upgrade = fields.Raw(data_key="upgradePlan", load_default=None, allow_none=True)
    data = fields.Raw(load_default=None, allow_none=True)


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What is in an envelope. `there` is false where Sertifier has nothing of the id in the path."""

    there: bool
    data: Any = None


class Rest:
    """The API of one account. Paths are templates; failures name these, and not what is put in."""

    def __init__(self, client: Client, not_found: Collection[str]) -> None:
        self._client, self._not_found = client, not_found

    def get(self, path: str, **places: str) -> Any | None:
        """Read one object; None where there is none.

        Raises:
            Misconfigured, Rejected, Outage, Throttled: see `pipeline.errors`.
        """
        return self._reply(self._client.read(_at(path, places)), path, Outage).data

    def change(self, method: str, path: str, body: Mapping[str, Any] | None = None, **places: str) -> Reply:
        """Make a call that changes something.

        Raises:
            Unsure: it may have done so. Misconfigured, Rejected, Outage, Throttled: it did not.
        """
        sent: dict[str, Any] = {} if body is None else {"json": dict(body)}
        return self._reply(self._client.call(method, _at(path, places), **sent), path, Unsure)

    def every(self, schema: Schema, path: str, body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Search, page after page until one is empty: a page may be smaller than was asked for.

        Raises:
            Misconfigured, Rejected, Outage, Throttled: see `pipeline.errors`.
        """
        seen: set[str] = set()
        start = 0
        while True:
            answer = self._client.read(path, method="POST", json={"startIndex": start, "length": LENGTH, **body})
            page = self._rows(self._reply(answer, path, Outage), path)
            if not page:
                return
            rows = [loaded(schema, row, system=self._client.system, what=path) for row in page]
            new = [row for row in rows if row["id"] not in seen]
            if not new:  # it passes over `startIndex`, so that what is behind this page cannot be seen
                raise Outage(f"Sertifier's pages of {path} come to no end")
            yield from new
            seen |= {row["id"] for row in new}
            start += len(page)

    def _rows(self, reply: Reply, path: str) -> list[Any]:
        """The list in an answer: `data` itself, or the one list in it. Where it stands is not known (contract 4)."""
        lists = [reply.data]
        if isinstance(reply.data, dict):
            lists = [value for value in reply.data.values() if isinstance(value, list)]
        if len(lists) != 1 or not isinstance(lists[0], list):
            raise Outage(f"{self._client.system} answered {path} without a list")
        return lists[0]

    def _reply(self, answer: Answer, path: str, otherwise: Callable[[str], Failure]) -> Reply:
        """Open the envelope. A 404 without a body, or with JSON of another kind, is taken for "not there"."""
        system, status = self._client.system, answer.status
        if status in {401, 402, 403}:
            raise Misconfigured(f"{system} answered {status}: check the key and the plan", whole_account=True)
        if status < 400 and status not in _WORKED:
            raise otherwise(f"{system} answered {status} to {path}")
        if status == 404 and not answer.body.strip():
            return Reply(there=False)
        document = parsed(answer, system=system, what=path, otherwise=otherwise)
        try:
            envelope = loaded(_EnvelopeSchema(), document, system=system, what=path)
        except Outage as unclear:
            if status in _WORKED:
                raise otherwise(unclear.detail) from None
            if status != 404:
                refuse(answer, system=system)
            return Reply(there=False)
        if status == 404 or (envelope["failed"] and gone(envelope, self._not_found)):
            return Reply(there=False)
        if envelope["failed"] or status not in _WORKED:
            raise refusal(envelope, system=system, path=path, unclear=otherwise)
        return Reply(there=True, data=envelope["data"])


def _at(path: str, places: Mapping[str, str]) -> str:
    return path.format_map({name: quote(value, safe="") for name, value in places.items()})
