"""How a twin announces a completion or a claim: the members of every `send`, and the report of what was sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.posting import Outgoing, post
from sandbox.shapes import Check, Field, count, flag, may, need, not_negative, structure, url

#: the members that mean the same for every system; `repeat` sends the same bytes so many times more
_SHARED: Mapping[str, Field] = {
    "url": need(url),
    "dry": may(flag),
    "repeat": may(count),
    "timeout_seconds": may(not_negative),
}


def send_shape(**own: Field) -> Check:
    """The shape of a twin's `send`: the shared members and its own, such as the secret."""
    return structure({**_SHARED, **own})


def deliver(outgoing: Outgoing, send: Mapping[str, Any]) -> dict[str, Any]:
    """Send as asked to, or with `dry` not at all; `answer` is the last one, `answers` are all.

    Call it without holding the twin's lock: the receiver may well read from the twin before it answers.
    """
    times = 0 if send.get("dry") else 1 + send.get("repeat", 0)
    timeout = send.get("timeout_seconds", 60.0)
    # a redirect is reported, not followed: some senders take it for success, and the event is lost
    answers = [post(outgoing, url=send["url"], timeout_seconds=timeout, follow=False) for _ in range(times)]
    return {
        "raw": outgoing.raw,
        "headers": outgoing.headers,
        "payload": outgoing.payload,
        "answer": answers[-1] if answers else None,
        "answers": answers,
    }


#: the report of something that nobody was told of
NOT_SENT: Mapping[str, Any] = {"raw": None, "headers": None, "payload": None, "answer": None, "answers": []}
