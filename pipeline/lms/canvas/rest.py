"""Canvas's REST API: one way to ask, pages to the end, refusals in the one vocabulary (contract 2.1, 2.2)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

from marshmallow import Schema, ValidationError

from pipeline.errors import Misconfigured, Outage, Rejected, Throttled, Unsure
from pipeline.transport import Answer, Client, json_object, pause_until

API = "/api/v1/"
#: most items that Canvas gives in a page (contract 2.2)
_PAGE = ("per_page", "100")
_NEXT = re.compile(r'<([^<>]*)>\s*;[^,<]*\brel="?next\b')

Query = Sequence[tuple[str, str]]
Token = Callable[[], str]


class Rest:
    """The API of one site. Paths are templates below `/api/v1/`; failures name these, and not what is put in."""

    def __init__(self, client: Client, token: Token, renew: Callable[[str], bool]) -> None:
        """`renew` replaces a token that was refused; it answers False where there is no way to."""
        self.client, self._token, self._renew = client, token, renew

    def one(self, schema: Schema, path: str, query: Query = (), **places: str) -> dict[str, Any]:
        """Read one object.

        Raises:
            Misconfigured, Rejected, Outage, Throttled: see `pipeline.errors`.
        """
        return _loaded(schema, _document(self._read(_filled(path, places), path, query), path), path)

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
            rows = _document(answer, path)
            if not isinstance(rows, list):
                raise Outage(f"Canvas answered {path} with no list")
            yield from (_loaded(schema, row, path) for row in rows)
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
        answer = self._answered(lambda headers: self.client.call("POST", address, headers=headers, data=form))
        if 300 <= answer.status < 400:
            raise Unsure(f"Canvas answered {path} with a redirect")
        _refuse(answer, path)
        return json_object(answer, otherwise=Unsure, system=self.client.system)

    def _read(self, address: str, path: str, query: Query) -> Answer:
        answer = self._answered(lambda headers: self.client.read(API + address, headers=headers, params=query))
        if 300 <= answer.status < 400:
            raise Outage(f"Canvas answered {path} with a redirect")
        _refuse(answer, path)
        return answer

    def _answered(self, ask: Callable[[Mapping[str, str]], Answer]) -> Answer:
        """The answer under a token that is valid, if there is one: a refused token is replaced once."""
        token = self._token()
        answer = ask({"Authorization": f"Bearer {token}"})
        if _token_refused(answer) and self._renew(token):
            answer = ask({"Authorization": f"Bearer {self._token()}"})
        return answer

    def _next(self, answer: Answer) -> str | None:
        """The next page. Only the link's path is used: the token goes to the configured site and nowhere else."""
        found = _NEXT.search(_header(answer, "link"))
        if not found:
            return None
        link, start = urlsplit(found[1]), urlsplit(self.client.base_url).path.rstrip("/") + API
        if not link.path.startswith(start):
            raise Outage("Canvas's link to the next page does not lead into its API")
        return f"{link.path.removeprefix(start)}?{link.query}"


def _filled(path: str, places: Mapping[str, str]) -> str:
    return path.format_map({name: quote(value, safe=":") for name, value in places.items()})


def _header(answer: Answer, name: str) -> str:
    return {known.lower(): value for known, value in answer.headers.items()}.get(name, "")


def _token_refused(answer: Answer) -> bool:
    """Contract 2.1: with a challenge the token is bad or expired, without one it lacks a right."""
    return answer.status == 401 and bool(_header(answer, "www-authenticate"))


def _refuse(answer: Answer, path: str) -> None:
    """Turn a refusal into a failure; a 403 may be either of two (contract 2.2)."""
    if answer.status < 300:
        return
    if answer.status == 403 and (b"Rate Limit Exceeded" in answer.body or _header(answer, _LEFT) in {"0", "0.0"}):
        raise Throttled("Canvas answered 403, rate limit exceeded", until=pause_until(answer.headers))
    if _token_refused(answer):
        raise Misconfigured("Canvas refuses the access token", whole_account=True)
    if answer.status in {401, 403}:
        raise Misconfigured(f"Canvas answered {answer.status} to {path}: the token's user lacks a right there")
    if answer.status == 404:
        raise Rejected(f"Canvas answered 404 to {path}: there is none, or the token's user may not see it")
    raise Rejected(f"Canvas answered {answer.status} to {path}")


_LEFT = "x-rate-limit-remaining"


def _document(answer: Answer, path: str) -> Any:
    try:
        return answer.json()
    except (ValueError, ArithmeticError, RecursionError):
        raise Outage(f"Canvas answered {path} with something that is no JSON") from None


def _loaded(schema: Schema, document: Any, path: str) -> dict[str, Any]:
    """The members that matter. The failure names them, but not what was in them."""
    try:
        loaded: dict[str, Any] = schema.load(document)
    except ValidationError as fault:
        wrong = fault.messages if isinstance(fault.messages, Mapping) else {}
        named = ", ".join(sorted(map(str, wrong))) or "everything"
        raise Outage(f"Canvas answered {path} with a wrong or missing {named}") from None
    return loaded
