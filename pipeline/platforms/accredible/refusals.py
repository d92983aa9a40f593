"""What Accredible's refusals mean: their shapes differ from call to call, so they are known by a few words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.errors import Duplicate, Failure, Misconfigured, Rejected
from pipeline.transport import Answer

#: where the reasons of a refusal stand, depending on the call (contract 10); anything else may be an echo of ours
_MEMBERS = ("errors", "error", "message", "data", "details", "property", "reason", "code", "status")


def refuse(answer: Answer, what: str) -> None:
    """Turn a refusal into a failure (contract 10).

    Raises:
        Misconfigured: a key, a right. Rejected: any other.
    """
    if answer.status == 401:
        raise Misconfigured(
            f"Accredible answered 401 to {what}: check the key, and that it is of this host", whole_account=True
        )
    if answer.status == 403:
        raise Misconfigured(f"Accredible answered 403 to {what}: the key lacks a right", whole_account=True)
    if answer.status >= 300:
        raise Rejected(f"Accredible answered {answer.status} to {what}")


def refuse_change(answer: Answer, what: str) -> None:
    """Turn the refusal of a call that would have changed something into a failure.

    Raises:
        Misconfigured: a group, an attribute, the credits, too. Duplicate: it exists. Others: see `refuse`.
    """
    if answer.status == 422:
        raise meaning(_told(answer), f"{what} (422)")
    refuse(answer, what)


def meaning(refusal: Any, what: str) -> Failure:
    """The failure that the reasons of a refusal speak of; a refused duplicate has no documented form (contract 5)."""
    text = " ".join(_words(refusal)).lower()
    if "already" in text or "taken" in text or "duplicate" in text:
        return Duplicate("Accredible says that this credential exists")
    if "invalid group" in text or "group_id" in text:
        return Misconfigured("Accredible knows no such group; map the program to one that exists")
    if "custom_attribute" in text or "custom attribute" in text:
        return Misconfigured("Accredible refuses the attributes; the program has to name keys that exist there")
    if "credits" in text:
        return Misconfigured("Accredible's account has no credits left", whole_account=True)
    return Rejected(f"Accredible refuses {what}: the recipient or the group's settings")


def says_not_there(answer: Answer) -> bool:
    """Whether a 404 is Accredible's own word for "there is none", and not that of something in front of it."""
    told = _told(answer)
    return isinstance(told, Mapping) and bool({"errors", "error", "data"} & set(told))


def _told(answer: Answer) -> Any:
    try:
        return answer.json()
    except (ValueError, ArithmeticError, RecursionError):
        return answer.body.decode("utf-8", "replace")


def _words(refusal: Any, deep: int = 0) -> Iterator[str]:
    """Every word of the reasons, with the names of the fields they are about."""
    if isinstance(refusal, str):
        yield refusal
    elif isinstance(refusal, list) and deep < 9:
        for one in refusal:
            yield from _words(one, deep + 1)
    elif isinstance(refusal, Mapping) and deep < 9:
        for name, one in refusal.items():
            if deep or name in _MEMBERS:
                yield str(name)
                yield from _words(one, deep + 1)
