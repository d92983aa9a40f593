"""The chats' stand-in over HTTP: only what the vendors take is taken, and everything else is told apart."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import requests

from sandbox.chat.reading import ChatControl
from sandbox.control import ControlError, SandboxControl

SLACK: dict[str, Any] = {
    "text": "Case case-0192 needs a decision: score below threshold",
    "blocks": [
        {"type": "header", "text": {"type": "plain_text", "text": "Decision needed", "emoji": True}},
        {"type": "section", "fields": [{"type": "mrkdwn", "text": "*Case*\ncase-0192"}]},
        {"type": "section", "text": {"type": "mrkdwn", "text": "Reason: score 64 &lt; 70"}},
        {
            "type": "actions",
            "elements": [
                {
                    "type": "button",
                    "text": {"type": "plain_text", "text": "Open case"},
                    "url": "https://academy.example/cases/case-0192",
                }
            ],
        },
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "severity: warning"}]},
    ],
}
TEAMS: dict[str, Any] = {
    "type": "message",
    "attachments": [
        {
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": None,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "msteams": {"width": "full"},
                "body": [
                    {"type": "TextBlock", "size": "Large", "weight": "Bolder", "text": "Held", "wrap": True},
                    {"type": "FactSet", "facts": [{"title": "Case", "value": "case-0192"}]},
                    {"type": "TextBlock", "text": "score 64 < 70", "wrap": True},
                ],
                "actions": [{"type": "Action.OpenUrl", "title": "Open case", "url": "https://academy.example/1"}],
            },
        }
    ],
}


@pytest.fixture
def chat(control: SandboxControl) -> ChatControl:
    found = ChatControl(control)
    found.set(pace=False)
    return found


def changed(body: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A body with one member set, or with `...` left out."""
    result = copy.deepcopy(body)
    *way, last = [int(part) if part.isdigit() else part for part in path.split("/")]
    at: Any = result
    for part in way:
        at = at[part]
    if value is ...:
        del at[last]
    else:
        at[last] = value
    return result


def test_slack_takes_the_documented_message_and_says_ok(chat: ChatControl, http: requests.Session) -> None:
    answer = http.post(chat.slack_url, json=SLACK, timeout=10)
    assert (answer.status_code, answer.text, answer.headers["Content-Type"].split(";")[0]) == (
        200,
        "ok",
        "text/plain",
    )
    [post] = chat.messages("slack")
    assert (post["chat"], post["number"], post["body"], post["calls"]) == ("slack", 1, SLACK, [])


@pytest.mark.parametrize(
    ("path", "value", "word"),
    [
        ("text", ..., "no_text"),
        ("text", " ", "no_text"),
        ("channel", "#general", "invalid_payload"),
        ("blocks/0/type", "heading", "invalid_blocks"),
        ("blocks/0/text/text", "x" * 151, "invalid_blocks"),
        ("blocks/0/text/type", "mrkdwn", "invalid_blocks"),
        ("blocks/1/fields", [{"type": "mrkdwn", "text": "x"}] * 11, "invalid_blocks"),
        ("blocks/1/fields/0/text", "x" * 2001, "invalid_blocks"),
        ("blocks/1/fields", ..., "invalid_blocks"),
        ("blocks/2/text/text", "x" * 3001, "invalid_blocks"),
        ("blocks/2/text/text", "score 64 < 70", "invalid_blocks"),
        ("blocks/2/text/text", "R&D", "invalid_blocks"),
        ("blocks/3/elements/0/url", "academy.example", "invalid_blocks"),
        ("blocks", [SLACK["blocks"][0]] * 51, "invalid_blocks"),
    ],
)
def test_slack_refuses_what_has_not_the_shape(
    chat: ChatControl, http: requests.Session, path: str, value: Any, word: str
) -> None:
    answer = http.post(chat.slack_url, json=changed(SLACK, path, value), timeout=10)
    assert (answer.status_code, answer.text) == (400, word)
    assert chat.messages() == []
    [refused] = chat.refused()
    assert refused["problems"]


def test_slack_tells_whom_a_message_rings_up(chat: ChatControl, http: requests.Session) -> None:
    http.post(chat.slack_url, json={"text": "<!channel> <@U012AB3CD> see @here"}, timeout=10)
    assert chat.messages()[0]["calls"] == ["!channel", "@U012AB3CD", "@here"]


@pytest.mark.parametrize(("body", "kind"), [(b"{", "application/json"), (b"payload=x", "text/plain"), (b"[]", "")])
def test_slack_refuses_what_is_no_json(chat: ChatControl, http: requests.Session, body: bytes, kind: str) -> None:
    answer = http.post(chat.slack_url, data=body, headers={"Content-Type": kind or "application/json"}, timeout=10)
    assert (answer.status_code, answer.text) == (400, "invalid_payload")


def test_an_address_that_slack_did_not_give_out_has_no_service(chat: ChatControl, http: requests.Session) -> None:
    answer = http.post(chat.slack_url + "x", json=SLACK, timeout=10)
    assert (answer.status_code, answer.text) == (404, "no_service")


def test_teams_takes_the_documented_card_and_answers_that_the_flow_began(
    chat: ChatControl, http: requests.Session
) -> None:
    answer = http.post(chat.teams_url, json=TEAMS, timeout=10)
    assert (answer.status_code, answer.content) == (202, b"")
    assert [post["body"] for post in chat.messages("teams")] == [TEAMS]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("type", "MessageCard"),
        ("attachments", []),
        ("attachments/0/contentType", "application/json"),
        ("attachments/0/contentUrl", ...),
        ("attachments/0/content/version", "9"),
        ("attachments/0/content/body/0/type", "Heading"),
        ("attachments/0/content/body/0/text", "<b>Held</b>"),
        ("attachments/0/content/body/0/colour", "red"),
        ("attachments/0/content/body/1/facts/0/value", 7),
        ("attachments/0/content/actions/0/type", "Action.Submit"),
    ],
)
def test_teams_refuses_what_has_not_the_shape(
    chat: ChatControl, http: requests.Session, path: str, value: Any
) -> None:
    answer = http.post(chat.teams_url, json=changed(TEAMS, path, value), timeout=10)
    assert (answer.status_code, set(answer.json()["error"])) == (400, {"code", "message"})
    assert chat.messages() == []


def test_teams_refuses_what_is_too_large(chat: ChatControl, http: requests.Session) -> None:
    large = changed(TEAMS, "attachments/0/content/body/2/text", "x" * 28 * 1024)
    assert http.post(chat.teams_url, json=large, timeout=10).status_code == 413


@pytest.mark.parametrize(
    ("old", "new", "status"),
    [("sig=teams-secret", "sig=other", 401), ("&sig=teams-secret", "", 400), ("flow-1", "flow-2", 404)],
)
def test_an_address_of_a_flow_that_was_changed_is_refused(
    chat: ChatControl, http: requests.Session, old: str, new: str, status: int
) -> None:
    answer = http.post(chat.teams_url.replace(old, new), json=TEAMS, timeout=10)
    assert (answer.status_code, set(answer.json()["error"])) == (status, {"code", "message"})


@pytest.mark.parametrize(("name", "taken"), [("slack", 1), ("teams", 4)])
def test_a_webhook_takes_so_many_messages_a_second(
    chat: ChatControl, http: requests.Session, name: str, taken: int
) -> None:
    chat.set(pace=True)
    url, body = (chat.slack_url, SLACK) if name == "slack" else (chat.teams_url, TEAMS)
    answers = [http.post(url, json=body, timeout=10) for _ in range(30)]
    refused = [one for one in answers if one.status_code == 429]
    assert refused
    assert {one.headers["Retry-After"] for one in refused} == {"1"}
    assert taken <= len(chat.messages(name)) == len(answers) - len(refused)


def test_settings_are_checked_and_forgotten_at_a_reset(
    chat: ChatControl, control: SandboxControl, http: requests.Session
) -> None:
    with pytest.raises(ControlError, match="slack"):
        chat.set(slack="asleep")
    chat.set(slack="channel_is_archived")
    assert http.post(chat.slack_url, json=SLACK, timeout=10).status_code == 410
    control.reset()
    assert http.post(chat.slack_url, json=SLACK, timeout=10).status_code == 200
    assert control.state()["chat"] == {"messages": 1, "refused": 0}
