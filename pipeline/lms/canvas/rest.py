"""Canvas's REST API: one way to ask, pages to the end, refusals in the one vocabulary (contract 2.1, 2.2)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

from marshmallow import Schema

from pipeline.errors import Misconfigured, Outage, Rejected, Unsure
from pipeline.lms.canvas.access import Access, token_refused
from pipeline.reading import header, loaded, parsed
from pipeline.transport import Answer, Client, json_object

API = "/api/v1/"
SYSTEM = "Canvas"
#: most items that Canvas gives in a page (contract 2.2)
_PAGE = ("per_page", "100")
_NEXT = re.compile(r'<([^<>]*)>\s*;[^,<]*\brel="?next\b')

Query = Sequence[tuple[str, str]]


class Rest:
    """The API of one site. Paths are templates below `/api/v1/`; failures name these, and not what is put in."""

    def __init__(self, client: Client, access: Access) -> None:
        self._client, self._access = client, access

    def one(self, schema: Schema, path: str, query: Query = (), **places: str) -> dict[str, Any]:
        """Read one object.

        Raises:
            Misconfigured, Rejected, Outage, Throttled: see `pipeline.errors`.
        """
        answer = self._read(_filled(path, places), path, query)
        return loaded(schema, parsed(answer, system=SYSTEM, what=path), system=SYSTEM, what=path)

    def every(self, schema: Schema, path: str, query: Query = (), **places: str) -> Iterator[dict[str, Any]]:
        """Read a list, page after page; each is asked for when it is needed.

        Raises:
            Misconfigured, Rejected, Outage, Throttled: see `pipeline.errors`.
        """
        address: str | None = _filled(path, places)
        query, asked = [*query, _PAGE], set[str]()
        while address is not None:
            asked.add(address)
            answer = self._read(address, path, query)
            rows = parsed(answer, system=SYSTEM, what=path)
            if not isinstance(rows, list):
                raise Outage(f"Canvas answered {path} with no list")
            yield from (loaded(schema, row, system=SYSTEM, what=path) for row in rows)
            address, query = self._next(answer), []
            if address in asked:
                raise Outage(f"Canvas's pages of {path} lead in a circle")

    def post(self, path: str, form: Mapping[str, str], **places: str) -> dict[str, Any]:
        """Make a call that changes something.

        Raises:
            Unsure: it may have done so.
            Misconfigured, Rejected, Outage, Throttled: it did not.
        """
        address = API + _filled(path, places)
        answer = self._access(lambda shown: self._client.call("POST", address, headers=shown, data=form))
        _refuse(answer, path)
        return json_object(answer, otherwise=Unsure, system=SYSTEM)

    def _read(self, address: str, path: str, query: Query) -> Answer:
        answer = self._access(lambda shown: self._client.read(API + address, headers=shown, params=query))
        _refuse(answer, path)
        return answer

    def _next(self, answer: Answer) -> str | None:
        """The next page. Only the link's path is used: the token goes to the configured site and nowhere else."""
        found = _NEXT.search(header(answer, "link"))
        if not found:
            return None
        link, start = urlsplit(found[1]), urlsplit(self._client.base_url).path.rstrip("/") + API
        if not link.path.startswith(start) or ".." in link.path:
            raise Outage("Canvas's link to the next page does not lead into its API")
        return f"{link.path.removeprefix(start)}?{link.query}"


def _filled(path: str, places: Mapping[str, str]) -> str:
    return path.format_map({name: quote(value, safe=":") for name, value in places.items()})


def _refuse(answer: Answer, path: str) -> None:
    """Turn a refusal into a failure; a limit that was exceeded did not come this far."""
    if answer.status < 300:
        return
    if token_refused(answer):
        raise Misconfigured("Canvas refuses the access token", whole_account=True)
    if answer.status in {401, 403}:
        raise Misconfigured(f"Canvas answered {answer.status} to {path}: the token's user lacks a right there")
    if answer.status == 404:
        raise Rejected(f"Canvas answered 404 to {path}: there is none, or the token's user may not see it")
    raise Rejected(f"Canvas answered {answer.status} to {path}")
