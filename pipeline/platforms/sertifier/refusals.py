"""What a refusal means: Sertifier documents none of their texts, so only the words that matter are looked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any

from pipeline import clock
from pipeline.errors import Failure, Misconfigured, Rejected, Throttled
from pipeline.transport import DEFAULT_PAUSE

#: members of a request that a refusal may name; anything else it says may be personal and is not repeated
_MEMBERS = ("name", "email", "issueDate", "expireDate", "campaignId", "externalId", "attributes", "id", "ids")
_ABOUT_PERSON = {"name", "email"}
_ADDRESS = re.compile(r"\S+@\S+")
_KEY = re.compile(r"\b(secret ?key|api ?key|unauthori[sz]ed|not authori[sz]ed|forbidden|permissions?)\b")
_PLAN = re.compile(r"\b(quota|credits?|upgrade|subscription|plan|recipient limit|limit (exceeded|reached))\b")
_PACE = re.compile(r"\b(too many requests|rate limit)\b")
_UNCLEAR = re.compile(r"\b(internal|unexpected|exception|unhandled|time[d ]?-?out|try again)\b")


def gone(envelope: dict[str, Any], phrases: Collection[str]) -> bool:
    """Whether the refusal says that what the path names is not there."""
    said = _said(envelope)
    return not _KEY.search(said) and any(phrase.lower() in said for phrase in phrases)


def refusal(envelope: dict[str, Any], *, system: str, path: str, unclear: Callable[[str], Failure]) -> Failure:
    """What an envelope with `hasError` means. A text that says nothing known is about the row: a person looks.

    Args:
        unclear: the failure for an accident inside Sertifier, which leaves open what was done.
    """
    named = sorted(_named(envelope))
    said = _said(envelope)
    if envelope["purchase"] or envelope["upgrade"]:
        return Misconfigured(f"{system} refuses {path}: the plan does not cover it", whole_account=True)
    if _PACE.search(said):
        return Throttled(f"{system} asks for a slower pace", until=clock.now() + DEFAULT_PAUSE)
    if not _ABOUT_PERSON & set(named):  # such a text repeats the person's data, in which any word may stand
        if _KEY.search(said):
            return Misconfigured(f"{system} refuses {path}: check the key and its rights", whole_account=True)
        if _PLAN.search(said):
            return Misconfigured(f"{system} refuses {path}: the plan does not cover it", whole_account=True)
        if _UNCLEAR.search(said):
            return unclear(f"{system} had an accident over {path}")
    return Rejected(f"{system} refuses {path}" + (f", and names {', '.join(named)}" if named else ""))


def _said(envelope: dict[str, Any]) -> str:
    """All the words of a refusal, in small letters and without addresses, in which any word may stand."""
    words = [envelope["message"], *map(_words, _faults(envelope))]
    return _ADDRESS.sub(" ", " ".join(str(word) for word in words if word).lower())


def _words(fault: Any) -> str:
    return " ".join(map(str, fault.values())) if isinstance(fault, dict) else str(fault)


def _named(envelope: dict[str, Any]) -> set[str]:
    """The members of our request that it names: as the key of an object, or among the words of a text."""
    said = set()
    for fault in _faults(envelope):
        key = fault.get("key") if isinstance(fault, dict) else fault
        words = re.findall(r"[a-z]+", str(key).lower())
        said |= {member for member in _MEMBERS if member.lower() in words}
    return said


def _faults(envelope: dict[str, Any]) -> list[Any]:
    """`validationErrors`: texts in one source, objects of `key` and `value` in another (contract 1)."""
    faults = envelope["faults"]
    return faults if isinstance(faults, list) else []
