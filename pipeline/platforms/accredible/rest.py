"""Accredible's REST API, call by call: what was answered, or a failure that says whether it had an effect."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from marshmallow import fields

from pipeline.errors import Duplicate, Failure, Outage, Rejected, Unsure
from pipeline.platforms.accredible.documents import SYSTEM, shown
from pipeline.platforms.accredible.refusals import refuse, refuse_change, says_not_there
from pipeline.platforms.accredible.seen import Seen
from pipeline.reading import Lenient, loaded, parsed
from pipeline.transport import Answer, Client

CREDENTIALS = "v1/credentials"
BULK = "v2/credentials/bulk_create"
#: what can be an id in a path: a number, or a reference such as ours
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,254}")

Fields = Mapping[str, Any]


class _OneSchema(Lenient):
    credential = fields.Raw(required=True)


class Rest:
    """The API of one account, as far as its key sees."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def credential(self, ref: str) -> Seen | None:
        """A credential by Accredible's id or by our own reference, as it is at this moment; None: there is none.

        Raises:
            Misconfigured, Rejected, Outage, Throttled: see `pipeline.errors`.
        """
        if not _ID.fullmatch(ref):
            return None
        document = self.read("GET", _address(ref), "a credential")
        if document is None:
            return None
        seen = shown(_credential(document))
        if ref.isdigit() and seen.id != ref:  # to change or delete somebody else's could not be undone
            raise Outage("Accredible answered with another credential than was asked for")
        return seen

    def read(self, method: str, path: str, what: str, body: Fields | None = None) -> Any:
        """The document that a call without effect is answered with; None: there is none.

        Raises:
            Misconfigured, Rejected, Outage, Throttled: see `pipeline.errors`.
        """
        answer = self._client.read(path, method=method, **({} if body is None else {"json": body}))
        if answer.status == 404 and method == "GET":
            _require_own_words(answer, what, Outage)
            return None
        refuse(answer, what)
        return parsed(answer, system=SYSTEM, what=what)

    def create(self, told: Fields) -> Seen:
        """Issue one (contract 2).

        Raises:
            Unsure: it may have happened. Duplicate, Rejected, Misconfigured, Outage, Throttled: it did not.
        """
        answer = self._client.call("POST", CREDENTIALS, json={"credential": told})
        refuse_change(answer, "a new credential")
        return _result(answer)

    def create_many(self, told: Sequence[Fields]) -> Answer:
        """Issue up to 30 (contract 3); an answer of 200, 207 or 422 tells of each.

        Raises:
            Unsure: it may have happened. Outage, Throttled: it did not.
        """
        return self._client.call("POST", BULK, json={"credentials": told})

    def change(self, ref: str, told: Fields) -> Seen | None:
        """Change these fields (contract 6); None: there is no such credential. Fails as `create` does, but
        that there is none of a `Duplicate`.
        """
        answer = self._client.call("PUT", _address(ref), json={"credential": told})
        if answer.status == 404:
            _require_own_words(answer, "a change", Unsure)
            return None
        try:
            refuse_change(answer, "a change")
        except Duplicate:
            raise Rejected("Accredible has another credential with what this one is to be changed to") from None
        return _result(answer)

    def delete(self, ref: str) -> None:
        """Delete it for good (contract 6); one that is gone is deleted. Fails as `create` does."""
        answer = self._client.call("DELETE", _address(ref))
        if answer.status == 404:
            _require_own_words(answer, "a deletion", Unsure)
            return
        refuse(answer, "a deletion")
        if answer.status != 204:
            _result(answer)


def _address(ref: str) -> str:
    return f"{CREDENTIALS}/{quote(ref, safe='')}"


def _credential(document: Any) -> Any:
    return loaded(_OneSchema(), document, system=SYSTEM, what="a credential")["credential"]


def _require_own_words(answer: Answer, what: str, otherwise: Callable[[str], Failure]) -> None:
    if not says_not_there(answer):
        raise otherwise(f"Accredible answered 404 to {what}, but not in its own words")


def _result(answer: Answer) -> Seen:
    """The credential as a call with an effect left it."""
    if answer.status not in {200, 201}:
        raise Unsure(f"Accredible answered {answer.status} to a call that changes something")
    try:
        return shown(_credential(parsed(answer, system=SYSTEM, what="a call that changes something")))
    except Outage as unclear:
        raise Unsure(unclear.detail) from None
