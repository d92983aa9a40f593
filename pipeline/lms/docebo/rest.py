"""Docebo's REST API: one way to ask, its envelope taken off, pages to the end, refusals in the one vocabulary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from marshmallow import Schema, fields

from pipeline.errors import Misconfigured, Outage, Rejected, Unsure
from pipeline.oauth import Tokens
from pipeline.reading import Lenient, loaded, parsed
from pipeline.transport import Answer, Client

#: the most items in a page (contract 2.2)
_PAGE_SIZE = "200"

Query = Sequence[tuple[str, str]]


class _EnvelopeSchema(Lenient):
    """What every answer is wrapped into (contract 2.2)."""

    data = fields.Dict(required=True)


class _PageSchema(Lenient):
    items = fields.List(fields.Dict(), required=True)
    has_more_data = fields.Boolean(required=True)


class Rest:
    """The API of one platform. Paths are templates; failures name these, and not what is put in."""

    def __init__(self, client: Client, tokens: Tokens) -> None:
        self._client, self._tokens = client, tokens

    def one(self, schema: Schema, path: str, **places: str) -> dict[str, Any] | None:
        """Read one object; None where there is none.

        Raises:
            Misconfigured, Rejected, Outage, Throttled: see `pipeline.errors`.
        """
        answer = self._read(path, (), places)
        if answer.status == 404:
            return None
        self._refuse(answer, path)
        return self._loaded(schema, self._data(answer, path), path)

    def every(self, schema: Schema, path: str, query: Query = ()) -> Iterator[dict[str, Any]]:
        """Read a list, page after page from 1 on; each is asked for when it is needed.

        Raises:
            Misconfigured, Rejected, Outage, Throttled: see `pipeline.errors`.
        """
        number, before = 1, None
        while True:
            answer = self._read(path, [*query, ("page", str(number)), ("page_size", _PAGE_SIZE)], {})
            self._refuse(answer, path)
            page = self._loaded(_PageSchema(), self._data(answer, path), path)
            yield from (self._loaded(schema, row, path) for row in page["items"])
            if not page["has_more_data"]:
                return
            if not page["items"] or page["items"] == before:  # it would go on like this for ever
                raise Outage(f"Docebo's pages of {path} come to no end")
            number, before = number + 1, page["items"]

    def post(self, schema: Schema, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Make a call that changes something.

        Raises:
            Unsure: it may have done so. Misconfigured, Rejected, Outage, Throttled: it did not.
        """
        answer = self._tokens.answered(
            lambda headers: self._client.call("POST", path, headers=headers, json=dict(body))
        )
        self._refuse(answer, path)
        try:
            return self._loaded(schema, self._data(answer, path), path)
        except Outage as unclear:
            raise Unsure(unclear.detail) from None

    def _read(self, path: str, query: Query, places: Mapping[str, str]) -> Answer:
        address = path.format_map({name: quote(value, safe="") for name, value in places.items()})
        return self._tokens.answered(lambda headers: self._client.read(address, headers=headers, params=list(query)))

    def _refuse(self, answer: Answer, path: str) -> None:
        """Turn a refusal into a failure. What Docebo writes into it is not documented (contract 2.2)."""
        if answer.status == 401:
            raise Misconfigured("Docebo refuses a token that it has just given", whole_account=True)
        if answer.status == 403:
            raise Misconfigured(f"Docebo answered 403 to {path}: the token's user lacks a right there")
        if answer.status == 404:
            raise Rejected(f"Docebo answered 404 to {path}: there is none, or the token's user may not see it")
        if answer.status >= 300:
            raise Rejected(f"Docebo answered {answer.status} to {path}")

    def _data(self, answer: Answer, path: str) -> dict[str, Any]:
        document = parsed(answer, system=self._client.system, what=path)
        data: dict[str, Any] = self._loaded(_EnvelopeSchema(), document, path)["data"]
        return data

    def _loaded(self, schema: Schema, document: Any, path: str) -> dict[str, Any]:
        return loaded(schema, document, system=self._client.system, what=path)
