"""The limit that all tools of a school share, 100 calls a minute: how long to wait, and how not to have to (2.1)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from pipeline import clock
from pipeline.transport import pause_until

#: calls that a long list leaves to others: to records, and to the school's other tools
_ROOM = 20
#: seconds; nobody waits longer between two pages
_LONGEST = 5.0


def pause(headers: Mapping[str, str]) -> datetime:
    """Until when a 429 has us wait: `RateLimit-Reset` tells the seconds, and it is never less than one."""
    told = _told(headers, "ratelimit-reset")
    if not told:
        return pause_until(headers)
    return max(pause_until({"Retry-After": told}), clock.now() + timedelta(seconds=1))


def spread(headers: Mapping[str, str]) -> None:
    """Have a long list take its time: what is left of the limit is spread over the seconds until it begins anew.

    A list that meets the limit is read from its first page again, and a longer one would never come to its end.
    """
    left, seconds = _told(headers, "ratelimit-remaining"), _told(headers, "ratelimit-reset")
    if not (_is_number(left) and _is_number(seconds)) or int(left) >= _ROOM:
        return
    clock.sleep(min(int(seconds) / max(int(left), 1), _LONGEST))


def _told(headers: Mapping[str, str], name: str) -> str:
    return {known.lower(): text.strip() for known, text in headers.items()}.get(name, "")


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10
