"""Teachable's API: one way to ask, pages to the end, refusals in the one vocabulary (contract 2.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import quote

from marshmallow import Schema, fields, pre_load

from pipeline.errors import Misconfigured, Outage, Rejected, Unsure
from pipeline.lms.teachable.limits import spread
from pipeline.reading import Lenient, loaded, parsed
from pipeline.transport import Answer, Client

API = "/v1/"
#: the size of a page (contract 2.1)
PER = 20

Query = Sequence[tuple[str, str]]


class _MetaSchema(Lenient):
    total = fields.Integer(load_default=0, allow_none=True)
    number_of_pages = fields.Integer(load_default=0, allow_none=True)


class PageSchema(Lenient):
    """An answer that may go on in another page."""

    meta = fields.Nested(_MetaSchema, load_default=dict, allow_none=True)


class WrappedSchema(Lenient):
    """An object that Teachable shows bare or as the member `wrapper` of another one (contract 2.2, 2.5)."""

    wrapper: ClassVar[str]

    @pre_load
    def _unwrap(self, data: Any, **_: Any) -> Any:
        inner = data.get(self.wrapper) if isinstance(data, Mapping) and "id" not in data else None
        return inner if isinstance(inner, Mapping) else data


class Rest:
    """The API of one school. Paths are templates below `/v1/`; failures name these, and not what is put in."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def maybe(self, schema: Schema, path: str, query: Query = (), **places: str) -> dict[str, Any] | None:
        """Read one object; None where Teachable says that there is none.

        Raises:
            Misconfigured, Rejected, Outage, Throttled: see `pipeline.errors`.
        """
        answer = self._ask(path, query, places)
        return None if answer.status == 404 else _read(schema, answer, path)

    def one(self, schema: Schema, path: str, query: Query = (), **places: str) -> dict[str, Any]:
        """Read one object that has to be there.

        Raises:
            Rejected: it is not. Misconfigured, Outage, Throttled: see `pipeline.errors`.
        """
        return _read(schema, self._ask(path, query, places), path)

    def pages(
        self,
        schema: PageSchema,
        path: str,
        rows: Callable[[dict[str, Any]], list[Any]],
        query: Query = (),
        **places: str,
    ) -> Iterator[dict[str, Any]]:
        """Read an answer page after page, up to an empty or a short one; each is asked for when it is needed.

        What `meta` says cannot be counted on (contract 2.1): it makes us go on, but never ends the reading.

        Raises:
            Misconfigured, Rejected, Outage, Throttled: see `pipeline.errors`.
        """
        page, seen, before = 1, 0, list[Any]()
        while True:
            answer = self._ask(path, [*query, ("page", str(page)), ("per", str(PER))], places)
            document = _read(schema, answer, path)
            found = rows(document)
            if found and found == before:
                raise Outage(f"Teachable answered {path} with the same page twice")
            yield document
            seen += len(found)
            meta = document["meta"] or {}
            more = seen < (meta.get("total") or 0) or page < (meta.get("number_of_pages") or 0)
            if not found or (len(found) < PER and not more):
                return
            spread(answer.headers)
            page, before = page + 1, found

    def every(self, schema: PageSchema, member: str, path: str, query: Query = (), **places: str) -> Iterator[Any]:
        """The rows in `member` of all pages.

        Raises:
            Misconfigured, Rejected, Outage, Throttled: see `pipeline.errors`.
        """
        for document in self.pages(schema, path, lambda found: list(found[member]), query, **places):
            yield from document[member]

    def post(self, path: str, document: Mapping[str, Any]) -> None:
        """Make a call that changes something and is answered with 204 (contract 3).

        Raises:
            Unsure: it may have done so.
            Misconfigured, Rejected, Outage, Throttled: it did not.
        """
        answer = self.client.call("POST", API + path, json=document)
        if answer.status != 204 and answer.status < 400:
            raise Unsure(f"Teachable answered {answer.status} to {path} instead of 204")
        _refuse(answer, path)

    def _ask(self, path: str, query: Query, places: Mapping[str, str]) -> Answer:
        return self.client.read(API + _filled(path, places), params=query)


def _filled(path: str, places: Mapping[str, str]) -> str:
    return path.format_map({name: quote(value, safe="") for name, value in places.items()})


def _read(schema: Schema, answer: Answer, path: str) -> dict[str, Any]:
    _refuse(answer, path)
    return loaded(schema, parsed(answer, system="Teachable", what=path), system="Teachable", what=path)


def _refuse(answer: Answer, path: str) -> None:
    """Turn a refusal into a failure. Key and plan are the whole school's (contract 2.1)."""
    if answer.status == 401:
        raise Misconfigured("Teachable refuses the API key", whole_account=True)
    if answer.status == 403:
        raise Misconfigured("Teachable answered 403: the school's plan has no API", whole_account=True)
    if answer.status >= 400:
        raise Rejected(f"Teachable answered {answer.status} to {path}")
