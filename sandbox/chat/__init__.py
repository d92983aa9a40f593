"""The chats in which staff is told: Slack's incoming webhooks and the webhooks of Microsoft Teams' Workflows."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

from flask import Blueprint, jsonify, request
from werkzeug.wrappers import Response

from sandbox.chat import slack, teams
from sandbox.shapes import flag, may, one_of, require, structure
from sandbox.stand_in import Json, StandIn

_SETTINGS = structure(
    {
        "slack": may(one_of(("working", *slack.REFUSALS))),
        "teams": may(one_of(("working", *teams.REFUSALS))),
        "pace": may(flag),
    }
)
#: messages a second that a webhook takes (contract downstream/staff-alerts, 1 and 2)
_PER_SECOND = {"slack": 1, "teams": 4}


@dataclass(frozen=True, kw_only=True)
class Post:
    """A message that a chat took. `calls` are the members of the chat that it rings up."""

    chat: str
    number: int
    body: Json
    calls: tuple[str, ...]


class Chat(StandIn):
    """One Slack webhook and one flow of Teams."""

    name = "chat"
    label = "Slack and Microsoft Teams"

    def reset(self) -> None:
        with self.lock:
            self.posts: list[Post] = []
            self.refused: list[Json] = []
            self.settings: Json = {"slack": "working", "teams": "working", "pace": True}
            self._taken: dict[str, deque[float]] = {chat: deque() for chat in _PER_SECOND}

    def blueprint(self) -> Blueprint:
        api = Blueprint("chat", __name__)
        api.add_url_rule("/chat/slack/services/<path:token>", view_func=self.to_slack, methods=["POST"])
        api.add_url_rule("/chat/teams" + teams.PATH, view_func=self.to_teams, methods=["POST"])
        api.add_url_rule("/_sandbox/chat/messages", view_func=self.shown, methods=["GET"])
        api.add_url_rule("/_sandbox/chat/settings", view_func=self.set, methods=["POST"])
        return api

    def to_slack(self, token: str) -> Response:
        """Take a message as Slack does: 200 and `ok`, or a word."""
        with self.lock:
            refusal = slack.refusal_of(token, self.settings["slack"])
            if refusal is None and not self._in_time("slack"):
                return slack.word(429, "rate_limited", retry_after=1)
            problems = [] if refusal else slack.problems_of(request)
            if problems:
                self.refused.append({"chat": "slack", "problems": [problem._asdict() for problem in problems]})
                refusal = slack.unfit(problems)
            return refusal or self._take("slack", slack.calls_in(request.get_json()), slack.word(200, "ok"))

    def to_teams(self, flow: str) -> Response:
        """Take a card as a flow does: 202 without a body, or an error as JSON."""
        with self.lock:
            refusal = teams.refusal_of(flow, request.args, self.settings["teams"])
            if refusal is None and not self._in_time("teams"):
                return teams.error(429, "TooManyRequests", retry_after=1)
            problems = [] if refusal else teams.problems_of(request)
            if problems:
                self.refused.append({"chat": "teams", "problems": [problem._asdict() for problem in problems]})
                refusal = teams.unfit(problems)
            return refusal or self._take("teams", teams.calls_in(request.get_json()), Response(status=202))

    def shown(self) -> Response:
        """Every message that was taken, oldest first, and what was wrong with those that were not."""
        with self.lock:
            return jsonify(messages=[asdict(one) for one in self.posts], refused=self.refused)

    def set(self) -> Json:
        """Change settings."""
        return self.configure(request.get_json(force=True, silent=True))

    def counts(self) -> dict[str, int]:
        with self.lock:
            return {"messages": len(self.posts), "refused": len(self.refused)}

    def configure(self, body: Any) -> Json:
        require(body, _SETTINGS)
        with self.lock:
            self.settings |= body
            return dict(self.settings)

    def _in_time(self, chat: str) -> bool:
        """Whether a webhook takes one more message in this second."""
        now, taken = time.monotonic(), self._taken[chat]
        while taken and taken[0] <= now - 1:
            taken.popleft()
        if self.settings["pace"] and len(taken) >= _PER_SECOND[chat]:
            return False
        taken.append(now)
        return True

    def _take(self, chat: str, calls: tuple[str, ...], answer: Response) -> Response:
        self.posts.append(Post(chat=chat, number=len(self.posts) + 1, body=request.get_json(), calls=calls))
        return answer
