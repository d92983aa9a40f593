"""The words of a digest, the same in every channel: its headline, its order, and how much of it is listed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

from pipeline.alerts.alert import Alert, Digest, Severity

#: alerts that one message lists; whoever has more to read reads them in the queue
LISTED = 20

#: what a chat may take for a call to everybody, a mention or a link; a joiner behind the sign leaves it readable
_CALLS = re.compile(r"(@(?=channel|here|everyone|all\b|team\b)|<(?=[a-z/!@#]))", re.IGNORECASE)
_JOINER = "\u2060"
_SEVERITIES = tuple(Severity)
#: characters of a text that are looked at; more than any channel shows
_MOST = 4000


def plain(text: str) -> str:
    """A text on one line, in which no character steers its display and no chat sees a call or a mention."""
    line = " ".join(text[:_MOST].split())
    return _CALLS.sub(rf"\1{_JOINER}", "".join(sign for sign in line if sign.isprintable()))


def fitted(text: str, most: int, escape: Callable[[str], str] = str) -> str:
    """A text that has at most `most` characters after escaping, cut between characters and never in an escape."""
    whole = escape(text)
    if len(whole) <= most:
        return whole
    kept, room = [], most - 1
    for sign in text:
        piece = escape(sign)
        if len(piece) > room:
            break
        kept.append(piece)
        room -= len(piece)
    return "".join(kept) + "…"


def by_weight(alerts: Sequence[Alert]) -> list[Alert]:
    """The most severe first; those alike in the order in which they came."""
    return sorted(alerts, key=lambda one: -_SEVERITIES.index(one.severity))


def headline(digest: Digest) -> str:
    """The digest in one line: the title of a single alert, or how many there are and how severe."""
    if len(digest.alerts) == 1 and not digest.more:
        only = digest.alerts[0]
        return plain(f"{only.title} ({only.severity})")
    counted = Counter(one.severity for one in digest.alerts)
    parts = [f"{counted[severity]} {severity}" for severity in reversed(_SEVERITIES) if counted[severity]]
    return f"{len(digest.alerts) + digest.more} alerts: {', '.join(parts)}"


def left_out(digest: Digest, listed: int) -> str:
    """How many alerts a message does not list; empty when it lists all."""
    missing = len(digest.alerts) + digest.more - listed
    return f"{missing} more not listed here" if missing > 0 else ""


def facts_of(alert: Alert) -> list[tuple[str, str]]:
    """The facts that say something."""
    return [(plain(label), plain(value)) for label, value in alert.facts if value.strip()]
