"""Certifier's refusals in the one vocabulary, and of what it writes only codes that are known (contract 10)."""

from __future__ import annotations

from collections.abc import Mapping

from marshmallow import ValidationError, fields

from pipeline.errors import Failure, Misconfigured, Rejected
from pipeline.reading import Lenient
from pipeline.transport import Answer

SYSTEM = "Certifier"
#: the only one there is; every request has to name it (contract 1)
VERSION = "2022-10-26"
#: what every call of the account would meet alike (contract 10)
_OF_ACCOUNT: Mapping[int | str, str] = {
    401: "check the access token",
    402: "the plan or its quota does not allow it",
    403: "the access token lacks a right",
    "missing_version": f"it does not take the API version {VERSION}",
    "invalid_version": f"it does not take the API version {VERSION}",
}
#: the vendor's codes; only these are repeated in a failure's text
_CODES = frozenset(
    {
        *("missing_version", "invalid_version", "invalid_json", "validation_error", "unauthorized"),
        *("payment_required", "forbidden", "not_found", "conflict", "rate_limited", "internal_server_error"),
    }
)


class _ErrorSchema(Lenient):
    """A refusal: `{"error": {"code", "message"}}`. The message is free text and is not read."""

    class _Code(Lenient):
        code = fields.String(required=True)

    error = fields.Nested(_Code, required=True)


def refuse(answer: Answer, path: str, *, otherwise: type[Failure] = Rejected) -> None:
    """Turn a refusal into a failure.

    Raises:
        Misconfigured: about the account. Else what `otherwise` says.
    """
    if answer.status < 300:
        return
    code = _code(answer)
    said = f"{SYSTEM} answered {answer.status}{f' ({code})' if code else ''} to {path}"
    why = _OF_ACCOUNT.get(answer.status) or _OF_ACCOUNT.get(code)
    if why:
        raise Misconfigured(f"{said}: {why}", whole_account=True)
    raise otherwise(said)


def missing(answer: Answer) -> bool:
    """Whether Certifier itself says that there is no such thing; a 404 of somebody in front of it says nothing."""
    return answer.status == 404 and _code(answer) == "not_found"


def _code(answer: Answer) -> str:
    try:
        code: str = _ErrorSchema().load(answer.json())["error"]["code"]
    except (ValueError, ArithmeticError, RecursionError, ValidationError):
        return ""
    return code if code in _CODES else ""
