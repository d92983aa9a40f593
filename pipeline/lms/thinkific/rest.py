"""Thinkific's REST API: one way to ask, pages to the end, refusals in the one vocabulary (contract 2.1, 2.2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from marshmallow import Schema, fields

from pipeline import clock
from pipeline.errors import Misconfigured, Outage, Rejected, Unsure
from pipeline.reading import Lenient, loaded, parsed
from pipeline.transport import LONGEST_PAUSE, Answer, Client, json_object, pause_until

API = "/api/public/v1/"
#: most items that Thinkific gives in a page (contract 2.2)
_LIMIT = ("limit", "250")
#: as digits: an instant in milliseconds of this century and the next few
_MILLISECONDS = range(12, 15)

Query = Sequence[tuple[str, str]]


class _PaginationSchema(Lenient):
    next_page = fields.Integer(required=True, allow_none=True, strict=True)


class _MetaSchema(Lenient):
    pagination = fields.Nested(_PaginationSchema, required=True)


class _PageSchema(Lenient):
    items = fields.List(fields.Raw(), required=True)
    meta = fields.Nested(_MetaSchema, required=True)


class Rest:
    """The API of one site. Paths are templates; failures name these, and not what is put in."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def one(self, schema: Schema, path: str, **places: str) -> dict[str, Any]:
        """Read one object.

        Raises:
            Misconfigured, Rejected, Outage, Throttled: see `pipeline.errors`.
        """
        filled = path.format_map({name: quote(value, safe="") for name, value in places.items()})
        return loaded(schema, self._read(filled, path, ()), system=self.client.system, what=path)

    def every(self, schema: Schema, path: str, query: Query = ()) -> Iterator[dict[str, Any]]:
        """Read a list, page after page; each is asked for when it is needed.

        Raises:
            Misconfigured, Rejected, Outage, Throttled: see `pipeline.errors`.
        """
        system, page = self.client.system, 1
        while True:
            document = self._read(path, path, [*query, ("page", str(page)), _LIMIT])
            found = loaded(_PageSchema(), document, system=system, what=path)
            yield from (loaded(schema, row, system=system, what=path) for row in found["items"])
            following: int | None = found["meta"]["pagination"]["next_page"]
            if following is None:
                return
            if following <= page:
                raise Outage(f"{system}'s pages of {path} lead in a circle")
            page = following

    def post(self, path: str, document: Mapping[str, Any]) -> dict[str, Any]:
        """Make a call that changes something.

        Raises:
            Unsure: it may have done so.
            Misconfigured, Rejected, Outage, Throttled: it did not.
        """
        answer = self.client.call("POST", API + path, json=document)
        self._refuse(answer, path)
        return json_object(answer, otherwise=Unsure, system=self.client.system)

    def _read(self, filled: str, path: str, query: Query) -> Any:
        answer = self.client.read(API + filled, params=query)
        self._refuse(answer, path)
        return parsed(answer, system=self.client.system, what=path)

    def _refuse(self, answer: Answer, path: str) -> None:
        """A bad key and a plan without the API look the same: 401 (contract 2.1)."""
        said = f"{self.client.system} answered {answer.status}"
        if answer.status == 401:
            raise Misconfigured(f"{said}: check the API key, the subdomain and the site's plan", whole_account=True)
        if answer.status == 403:
            raise Misconfigured(f"{said} to {path}: the site's plan or the key's rights do not reach so far")
        if answer.status == 404:
            raise Rejected(f"{said} to {path}: there is none")
        if answer.status >= 300:
            raise Rejected(f"{said} to {path}")


def number(ref: str) -> int:
    """A learner's or a course's id as Thinkific wants it in JSON.

    Raises:
        Rejected: it is none of Thinkific's.
    """
    if not (ref.isascii() and ref.isdigit() and len(ref) <= 19):
        raise Rejected("Thinkific's ids are whole numbers, and this is none")
    return int(ref)


def pause(headers: Mapping[str, str]) -> datetime:
    """When a 429 lets us call again: RateLimit-Reset is an instant in milliseconds (contract 2.2)."""
    value = {name.lower(): text for name, text in headers.items()}.get("ratelimit-reset", "").strip()
    if not (value.isascii() and value.isdigit() and len(value) in _MILLISECONDS):
        return pause_until(headers)
    return not_now(datetime.fromtimestamp(int(value) // 1000, UTC) + timedelta(seconds=1))


def not_now(named: datetime) -> datetime:
    """The instant that Thinkific named for the end of a pause, within what is reasonable."""
    now = clock.now()
    return min(max(named, now + timedelta(seconds=1)), now + LONGEST_PAUSE)
