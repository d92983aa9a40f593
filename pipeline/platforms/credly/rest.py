"""Credly's web service: one organization, envelopes taken off, pages to the end, refusals in the one vocabulary."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any

from marshmallow import Schema, fields

from pipeline.errors import Misconfigured, Outage, Unsure
from pipeline.reading import Lenient, loaded, parsed
from pipeline.settings import settings
from pipeline.transport import Answer, Client, Gate, refuse

_GONE = {404, 410}


class _OneSchema(Lenient):
    """What every single object is wrapped into (contract 1)."""

    data = fields.Dict(required=True)


class _MetadataSchema(Lenient):
    next_page_url = fields.String(required=True, allow_none=True)


class _PageSchema(Lenient):
    """A list: 50 items, and the whole address of what follows (contract 4)."""

    data = fields.List(fields.Dict(), required=True)
    metadata = fields.Nested(_MetadataSchema, required=True)


class Rest:
    """The calls of one organization; paths are those below it."""

    def __init__(self, options: Mapping[str, Any], gate: Gate, *, system: str) -> None:
        # HTTP Basic with an empty password; a token copied together with its colon is the same token (contract 1)
        shown = base64.b64encode(f"{options['token'].removesuffix(':')}:".encode()).decode()
        self._system, self._home = system, f"v1/organizations/{options['organization']}"
        self._client = Client(
            system=system,
            base_url=options["url"],
            headers={"Authorization": f"Basic {shown}", "Accept": "application/json"},
            timeout=settings().call_timeout,
            gate=gate,
        )

    def one(self, path: str, schema: Schema, *, what: str) -> dict[str, Any] | None:
        """Read one object; None where the organization has none of that id.

        Raises:
            Misconfigured, Rejected, Outage, Throttled: see `pipeline.errors`.
        """
        answer = self._client.read(f"{self._home}/{path}")
        if answer.status in _GONE:
            self._require_organization()
            return None
        refuse(answer, system=self._system)
        return self._read(answer, schema, what)

    def every(self, path: str, schema: Schema, *, what: str, **query: str) -> Iterator[dict[str, Any]]:
        """Read a list to its last page; each page is asked for when it is needed.

        Raises:
            Misconfigured, Rejected, Outage, Throttled: see `pipeline.errors`.
        """
        address, seen = f"{self._home}/{path}", set[str]()
        answer = self._client.read(address, params=query)
        while True:
            if answer.status in _GONE and not seen:
                raise Misconfigured(f"{self._system} knows no such organization", whole_account=True)
            if answer.status in _GONE:
                raise Outage(f"{self._system} answered {answer.status} to the next page of {what}")
            refuse(answer, system=self._system)
            page = loaded(_PageSchema(), self._document(answer, what), system=self._system, what=what)
            yield from (loaded(schema, row, system=self._system, what=what) for row in page["data"])
            following = page["metadata"]["next_page_url"]
            if following is None:
                return
            if following in seen:
                raise Outage(f"{self._system}'s pages of {what} come to no end")
            seen.add(following)
            answer = self._client.read(self._on_this_host(following, what))

    def send(self, method: str, path: str, body: Mapping[str, Any]) -> Answer:
        """Make a call that changes something.

        Raises:
            Unsure, Outage, Throttled: see `pipeline.transport.Client.call`.
        """
        return self._client.call(method, f"{self._home}/{path}", json=dict(body))

    def done(self, answer: Answer, schema: Schema, *, what: str) -> dict[str, Any]:
        """The object in the answer to a call that changed something. Clients see 200 and 201 (contract 2).

        Raises:
            Unsure: it does not say what was done. Misconfigured, Rejected: it was refused.
        """
        refuse(answer, system=self._system)
        if answer.status not in {200, 201}:
            raise Unsure(f"{self._system} answered {answer.status} to {what}")
        try:
            return self._read(answer, schema, what)
        except Outage as unclear:
            raise Unsure(unclear.detail) from None

    def _read(self, answer: Answer, schema: Schema, what: str) -> dict[str, Any]:
        data = loaded(_OneSchema(), self._document(answer, what), system=self._system, what=what)["data"]
        return loaded(schema, data, system=self._system, what=what)

    def _document(self, answer: Answer, what: str) -> Any:
        return parsed(answer, system=self._system, what=what)

    def _on_this_host(self, address: str, what: str) -> str:
        """The path of a page's address; the token is shown to no other host.

        Raises:
            Outage: it is another.
        """
        base = f"{self._client.base_url.rstrip('/')}/"
        if not address.startswith(base):
            raise Outage(f"{self._system} names a next page of {what} that is not at the configured address")
        return address.removeprefix(base)

    def _require_organization(self) -> None:
        """A 404 about an object looks the same as one about the organization, and means something else.

        Raises:
            Misconfigured: there is no such organization for this token.
        """
        answer = self._client.read(f"{self._home}/badge_templates")
        if answer.status in _GONE:
            raise Misconfigured(f"{self._system} knows no such organization", whole_account=True)
        refuse(answer, system=self._system)
