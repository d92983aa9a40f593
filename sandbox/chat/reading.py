"""A client for what the chats took, for tests, rehearsals and the demo."""

from __future__ import annotations

from typing import Any, cast

import requests

from sandbox.chat.slack import WEBHOOK
from sandbox.chat.teams import FLOW, PATH, QUERY
from sandbox.control import Json, SandboxControl


class ChatControl:
    """The chats of one running sandbox: their addresses, their settings and their messages."""

    def __init__(self, control: SandboxControl) -> None:
        self._control = control

    @property
    def slack_url(self) -> str:
        """The address of the Slack webhook; a secret, as at Slack."""
        return f"{self._control.base_url}/chat/slack/services/{WEBHOOK}"

    @property
    def teams_url(self) -> str:
        """The address of the flow, with its signature."""
        return f"{self._control.base_url}/chat/teams{PATH.replace('<flow>', FLOW)}?{QUERY}"

    def set(self, **settings: Any) -> Json:
        """Change what works: slack and teams, `working` or a refusal; pace, whether the limits are kept."""
        return self._control.configure("chat", **settings)

    def messages(self, chat: str | None = None) -> list[Json]:
        """The messages taken, oldest first: chat, number, body, calls."""
        return [one for one in self._shown()["messages"] if chat in (None, one["chat"])]

    def refused(self) -> list[Json]:
        """What was wrong with the messages that had not the right shape."""
        return cast(list[Json], self._shown()["refused"])

    def _shown(self) -> Json:
        with requests.Session() as session:
            session.trust_env = False  # the sandbox is never behind the environment's proxy
            answer = session.get(f"{self._control.base_url}/_sandbox/chat/messages", timeout=30)
        answer.raise_for_status()
        return cast(Json, answer.json())
