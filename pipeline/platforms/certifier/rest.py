"""Certifier's REST API: one way to ask, one to change, and pages to the end (contract 1 and 5)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from marshmallow import Schema, fields

from pipeline.errors import Misconfigured, Outage, Unsure
from pipeline.platforms.certifier.refusals import SYSTEM, missing, refuse
from pipeline.reading import Lenient, loaded, parsed
from pipeline.transport import Answer, Client

#: the most in a page, as documented for groups
_PAGE_SIZE = 100


class _PageSchema(Lenient):
    """A page. Without a word about the next one, nobody could say whether this is the last."""

    class _Pages(Lenient):
        next = fields.String(required=True, allow_none=True)

    data = fields.List(fields.Dict(), required=True)
    pagination = fields.Nested(_Pages, required=True)


class Rest:
    """The API of one workspace. Paths are templates; failures name these, and not what is put in."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def one(self, schema: Schema, path: str, **places: str) -> dict[str, Any] | None:
        """Read one object; None where there is none.

        Raises:
            Misconfigured, Outage, Throttled: see `pipeline.errors`.
        """
        answer = self._client.read(_filled(path, places))
        return None if missing(answer) else loaded(schema, _told(answer, path), system=SYSTEM, what=path)

    def array(self, schema: Schema, path: str) -> list[dict[str, Any]] | None:
        """Read a list that comes without pages; None where there is none.

        Raises:
            As for `one`.
        """
        answer = self._client.read(path)
        if answer.status == 404:
            return None
        rows = _told(answer, path)
        if not isinstance(rows, list):
            raise Outage(f"{SYSTEM} answered {path} with no list")
        return [loaded(schema, row, system=SYSTEM, what=path) for row in rows]

    def every(
        self,
        schema: Schema,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        search: Mapping[str, Any] | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Read a list, page after page; each is asked for when it is needed. With `search`, by a POST of it.

        Raises:
            As for `one`.
        """
        cursor: str | None = None
        known = set[str]()
        while True:
            more = {"limit": _PAGE_SIZE, **({"cursor": cursor} if cursor else {})}
            if search is None:
                answer = self._client.read(path, params={**(query or {}), **more})
            else:
                answer = self._client.read(path, method="POST", json={**search, **more})
            page = loaded(_PageSchema(), _told(answer, path), system=SYSTEM, what=path)
            yield from (loaded(schema, row, system=SYSTEM, what=path) for row in page["data"])
            cursor = page["pagination"]["next"]
            if not cursor:
                return
            if cursor in known:
                raise Outage(f"{SYSTEM}'s pages of {path} lead in a circle")
            known.add(cursor)

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None, **places: str) -> Answer:
        """Make a call that changes something. An answer of 200, 201, 204 or a 4xx is given back.

        Raises:
            Unsure: it may have happened. Outage, Throttled: it did not.
        """
        answer = self._client.call(method, _filled(path, places), json=body)
        refused = answer.status >= 400 and answer.status != 408 and (answer.status != 404 or missing(answer))
        if answer.status not in {200, 201, 204} and not refused:
            raise Unsure(f"{SYSTEM} answered {answer.status} to {path}")
        return answer


def made(schema: Schema, answer: Answer, path: str) -> dict[str, Any]:
    """The object that a call has made or changed.

    Raises:
        Unsure: the answer does not say.
    """
    try:
        return loaded(schema, _told(answer, path), system=SYSTEM, what=path)
    except Outage as unclear:
        raise Unsure(unclear.detail) from None


def _told(answer: Answer, path: str) -> Any:
    refuse(answer, path, otherwise=Outage if answer.status in {404, 408} else Misconfigured)
    if answer.status not in {200, 201}:
        raise Outage(f"{SYSTEM} answered {answer.status} to {path}")
    return parsed(answer, system=SYSTEM, what=path)


def _filled(path: str, places: Mapping[str, str]) -> str:
    return path.format_map({name: quote(value, safe="") for name, value in places.items()})
