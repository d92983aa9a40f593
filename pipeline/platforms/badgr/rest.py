"""Badgr's REST API: one way to ask, its envelope taken off, pages to the end, refusals in the one vocabulary."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

from marshmallow import Schema, fields

from pipeline.errors import Misconfigured, Outage, Rejected
from pipeline.oauth import Tokens
from pipeline.reading import Lenient, header, loaded, parsed
from pipeline.transport import Answer, Client

#: assumed: a size of page that hosted servers take as well; the source allows 500 (contract 6)
PAGE = ("num", "100")
_API = "/v2/"
_NEXT = re.compile(r'<([^<>]*)>\s*;[^,<]*\brel="?next\b')

Query = Sequence[tuple[str, str]]


class _StatusSchema(Lenient):
    success = fields.Boolean(required=True)


class _EnvelopeSchema(Lenient):
    """What every answer is wrapped into: a list, also around a single object (contract 3)."""

    status = fields.Nested(_StatusSchema, required=True)
    result = fields.List(fields.Dict(), required=True)


class Rest:
    """The API of one server. Paths are templates; failures name these, and not what is put in."""

    def __init__(self, client: Client, tokens: Tokens) -> None:
        self._client, self._tokens = client, tokens

    def one(self, schema: Schema, path: str, query: Query = (), **places: str) -> dict[str, Any] | None:
        """Read one object; None where there is none, or none that the token's user may see (contract 11).

        Raises:
            Misconfigured, Rejected, Outage, Throttled: see `pipeline.errors`.
        """
        answer = self._read(_filled(path, places), query)
        if answer.status == 404:
            return None
        refuse(answer, path)
        rows = self.rows(schema, answer, path)
        if len(rows) != 1:
            raise Outage(f"Badgr answered {path} with {len(rows)} objects instead of one")
        return rows[0]

    def every(self, schema: Schema, path: str, query: Query = (), **places: str) -> Iterator[dict[str, Any]]:
        """Read a list, page after page; each is asked for when it is needed.

        Raises:
            Misconfigured: there is no such list, or the token's user may not see it.
            Rejected, Outage, Throttled: see `pipeline.errors`.
        """
        address: str | None = _filled(path, places)
        query, asked = [*query, PAGE], set[str]()
        while address is not None:
            asked.add(address)
            answer = self._read(address, query)
            if answer.status == 404:
                raise Misconfigured(f"Badgr answered 404 to {path}: there is none, or the token's user has no role")
            refuse(answer, path)
            yield from self.rows(schema, answer, path)
            address, query = self._next(answer, path), []
            if address in asked:
                raise Outage(f"Badgr's pages of {path} lead in a circle")

    def call(self, method: str, path: str, body: Mapping[str, Any], **places: str) -> Answer:
        """Make a call that changes something; a refusal of the account is raised, any other answer given.

        Raises:
            Unsure: it may have done so. Misconfigured, Outage, Throttled: it did not.
        """
        address = _filled(path, places)
        answer = self._tokens.answered(
            lambda shown: self._client.call(method, address, headers=shown, json=body), gate=self._client.gate
        )
        if answer.status in {401, 403}:
            refuse(answer, path)
        return answer

    def is_public(self, path: str, **places: str) -> bool:
        """Whether the public sees something there, asked without a token.

        Raises:
            Outage, Throttled: nothing is known.
        """
        answer = self._client.read(_filled(path, places))
        if answer.status not in {200, 404}:
            raise Outage(f"Badgr answered {answer.status} to {path}")
        return answer.status == 200

    def rows(self, schema: Schema, answer: Answer, path: str) -> list[dict[str, Any]]:
        """The objects of an answer.

        Raises:
            Outage: it is none in Badgr's form.
        """
        system = self._client.system
        envelope = loaded(_EnvelopeSchema(), parsed(answer, system=system, what=path), system=system, what=path)
        if not envelope["status"]["success"]:
            raise Outage(f"Badgr answered {answer.status} to {path} without success")
        return [loaded(schema, row, system=system, what=path) for row in envelope["result"]]

    def _read(self, address: str, query: Query) -> Answer:
        return self._tokens.answered(
            lambda shown: self._client.read(address, headers=shown, params=list(query)), gate=self._client.gate
        )

    def _next(self, answer: Answer, path: str) -> str | None:
        """The next page. Only the link's path is used: the token goes to the configured host and nowhere else."""
        found = _NEXT.search(header(answer, "link"))
        if not found:
            return None
        link, start = urlsplit(found[1]), urlsplit(self._client.base_url).path.rstrip("/")
        if not link.path.startswith(start + _API) or ".." in link.path:
            raise Outage(f"Badgr's link to the next page of {path} does not lead into its API")
        return f"{link.path.removeprefix(start)}?{link.query}"


def refuse(answer: Answer, path: str) -> None:
    """Turn a refusal that nobody has a better reading of into a failure."""
    if answer.status == 401:
        raise Misconfigured("Badgr refuses a token that it has just given", whole_account=True)
    if answer.status == 403:
        raise Misconfigured(f"Badgr answered 403 to {path}: the token's user lacks a right", whole_account=True)
    if answer.status >= 300:
        raise Rejected(f"Badgr answered {answer.status} to {path}")


def _filled(path: str, places: Mapping[str, str]) -> str:
    return path.format_map({name: quote(value, safe="") for name, value in places.items()})
