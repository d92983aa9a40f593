"""The channels to staff against the sandbox's chats and mail server: shapes, limits, escapes and every refusal."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from marshmallow import ValidationError

from pipeline.alerts import CHANNELS
from pipeline.alerts.alert import Alert, Channel, Digest, Severity
from pipeline.errors import Failure, Misconfigured, Outage, Rejected, Throttled, Unsure
from pipeline.settings import settings
from sandbox.chat.reading import ChatControl
from sandbox.control import SandboxControl
from sandbox.server import Sandbox

AT = datetime(2026, 3, 9, 8, 30, tzinfo=UTC)
QUEUE = "https://credentials.academy.example/api/reviews"
HELD = Alert(
    key="case_01:held",
    severity=Severity.WARNING,
    title="Decision needed",
    summary="doubt about the record",
    facts=(("Case", "case_01"), ("Program", "first-aid"), ("Error", "")),
    url=f"{QUEUE}/case_01",
)
STAFF = "registrars@academy.example"


@pytest.fixture
def chat(control: SandboxControl, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatControl]:
    monkeypatch.setenv("CONFER_SMTP_URL", sandbox.smtp)
    monkeypatch.setenv("CONFER_MAIL_FROM", "Confer <confer@academy.example>")
    settings.cache_clear()
    found = ChatControl(control)
    found.set(pace=False)
    yield found
    settings.cache_clear()


@pytest.fixture
def channels(chat: ChatControl, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, Channel]:
    """Every channel, set up as `staff.yaml` does it."""
    monkeypatch.setenv("SLACK_WEBHOOK", chat.slack_url)
    monkeypatch.setenv("TEAMS_WEBHOOK", chat.teams_url)
    written = {
        "slack": {"webhook": "env:SLACK_WEBHOOK"},
        "teams": {"webhook": "env:TEAMS_WEBHOOK"},
        "mail": {"to": STAFF},
    }
    return {name: kind(kind.options().load(written[name])) for name, kind in CHANNELS.items()}


def digest(*alerts: Alert, more: int = 0) -> Digest:
    return Digest(alerts=alerts or (HELD,), made_at=AT, queue=QUEUE, more=more)


def many(number: int, **changes: Any) -> Digest:
    made = {"severity": Severity.WARNING, "title": "Decision needed", "summary": "doubt", **changes}
    return digest(*(Alert(key=f"case_{one}", facts=(("Case", f"case_{one}"),), **made) for one in range(number)))


def arrived(chat: ChatControl, control: SandboxControl, name: str) -> list[str]:
    """The messages of a channel as text."""
    if name == "mail":
        return [mail["subject"] + "\n" + mail["text"] for mail in control.mails(to=STAFF)]
    return [json.dumps(one["body"], ensure_ascii=False) for one in chat.messages(name)]


def test_slack_gets_text_and_blocks(channels: Mapping[str, Channel], chat: ChatControl) -> None:
    channels["slack"].send(digest())
    [post] = chat.messages("slack")
    assert post["body"] == {
        "text": "Decision needed (warning)",
        "blocks": [
            {
                "type": "header",
                "text": {"type": "plain_text", "text": "Decision needed (warning)", "emoji": False},
            },
            {
                "type": "section",
                "text": {
                    "type": "mrkdwn",
                    "text": f"*Decision needed* (warning)\ndoubt about the record\n<{QUEUE}/case_01|Open>",
                },
                "fields": [
                    {"type": "mrkdwn", "text": "*Case*\ncase_01"},
                    {"type": "mrkdwn", "text": "*Program*\nfirst-aid"},
                ],
            },
            {"type": "context", "elements": [{"type": "mrkdwn", "text": f"<{QUEUE}|The queue>"}]},
        ],
    }


def test_teams_gets_an_adaptive_card(channels: Mapping[str, Channel], chat: ChatControl) -> None:
    channels["teams"].send(digest())
    [post] = chat.messages("teams")
    [attachment] = post["body"]["attachments"]
    card = attachment["content"]
    assert [part.get("text") or part["facts"] for part in card["body"]] == [
        "Decision needed (warning)",
        "Decision needed (warning)",
        "doubt about the record",
        [{"title": "Case", "value": "case_01"}, {"title": "Program", "value": "first-aid"}],
    ]
    assert [action["url"] for action in card["actions"]] == [f"{QUEUE}/case_01", QUEUE]


def test_a_mail_says_the_same_and_a_repeat_shows_once(
    channels: Mapping[str, Channel], control: SandboxControl
) -> None:
    for _ in range(2):
        channels["mail"].send(digest())
    [first] = control.mails(to=STAFF)
    assert first["receipts"] == 2
    assert first["subject"] == "[Confer] Decision needed (warning)"
    assert "doubt about the record\n  Case: case_01\n  Program: first-aid\n" in first["text"].replace("\r\n", "\n")
    assert f"The queue: {QUEUE}" in first["text"]
    assert ["Auto-Submitted", "auto-generated"] in first["headers"]


@pytest.mark.parametrize("name", sorted(CHANNELS))
def test_a_digest_is_one_message_the_most_severe_first(
    channels: Mapping[str, Channel], chat: ChatControl, control: SandboxControl, name: str
) -> None:
    urgent = Alert(key="late", severity=Severity.CRITICAL, title="Decision overdue", summary="nobody decided")
    channels[name].send(digest(HELD, urgent))
    [text] = arrived(chat, control, name)
    assert "2 alerts: 1 critical, 1 warning" in text
    assert text.index("Decision overdue") < text.index("Decision needed")


@pytest.mark.parametrize("name", sorted(CHANNELS))
def test_a_long_digest_says_how_many_it_leaves_out_and_where_they_are(
    channels: Mapping[str, Channel], chat: ChatControl, control: SandboxControl, name: str
) -> None:
    channels[name].send(many(130))
    [text] = arrived(chat, control, name)
    assert "130 alerts: 130 warning" in text
    assert "110 more not listed here" in text
    assert QUEUE in text
    assert "case_19" in text
    assert "case_20" not in text


def test_what_waits_for_the_next_digest_is_counted_too(channels: Mapping[str, Channel], chat: ChatControl) -> None:
    channels["slack"].send(digest(more=700))
    [post] = chat.messages("slack")
    assert post["body"]["text"] == "701 alerts: 1 warning"
    assert "700 more not listed here" in json.dumps(post["body"])


@pytest.mark.parametrize("name", sorted(CHANNELS))
@pytest.mark.parametrize("sign", ["x", "&", "<", "ü", "\U0001f600"])
def test_texts_of_any_length_keep_within_the_limits(
    channels: Mapping[str, Channel], chat: ChatControl, control: SandboxControl, name: str, sign: str
) -> None:
    long = sign * 5000
    facts = tuple((f"{number}{long}", long) for number in range(30))
    one = Alert(
        key="long", severity=Severity.FAILURE, title=long, summary=long, facts=facts, url=f"{QUEUE}/{'a' * 90}"
    )
    channels[name].send(digest(*[one] * 60))
    assert len(arrived(chat, control, name)) == 1
    assert chat.refused() == []


HOSTILE = (
    "<!channel> <!here|x> <@U012AB3CD> @everyone @channel <https://evil.example|Open> "
    "[Open](https://evil.example) <at>everyone</at> &lt;!channel&gt;\n*Decision*\r\n\u202eneeded"
)


@pytest.mark.parametrize("name", ["slack", "teams"])
def test_no_text_rings_anybody_up_or_hides_a_link(
    channels: Mapping[str, Channel], chat: ChatControl, name: str
) -> None:
    one = Alert(key="hostile", severity=Severity.WARNING, title=HOSTILE, summary=HOSTILE, facts=((HOSTILE, HOSTILE),))
    for sent in (digest(one), digest(one, HELD)):
        channels[name].send(sent)
    assert chat.refused() == []
    for post in chat.messages(name):
        assert post["calls"] == []
        text = json.dumps(post["body"], ensure_ascii=False)
        assert "<https://evil" not in text or name == "teams"
        assert "](https://evil" not in text or name == "slack"
        assert "\u202e" not in text
    assert len(chat.messages(name)) == 2


def test_a_line_break_in_a_text_forges_no_header_of_a_mail(
    channels: Mapping[str, Channel], control: SandboxControl
) -> None:
    one = Alert(key="x", severity=Severity.INFO, title="Held\r\nBcc: a@evil.example", summary="y")
    channels["mail"].send(digest(one))
    [mail] = control.mails(to=STAFF)
    assert "Held Bcc: a@evil.example" in mail["subject"]
    assert control.mails(to="a@evil.example") == []


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("user_not_found", Misconfigured),
        ("action_prohibited", Misconfigured),
        ("invalid_token", Misconfigured),
        ("posting_to_general_channel_denied", Misconfigured),
        ("channel_not_found", Misconfigured),
        ("no_service", Misconfigured),
        ("no_team", Misconfigured),
        ("channel_is_archived", Misconfigured),
        ("rollup_error", Unsure),
    ],
)
def test_the_words_of_slack_become_failures(
    channels: Mapping[str, Channel], chat: ChatControl, state: str, kind: type[Failure]
) -> None:
    chat.set(slack=state)
    with pytest.raises(kind) as failed:
        channels["slack"].send(digest())
    assert kind is Unsure or state in failed.value.detail
    assert chat.messages() == []


@pytest.mark.parametrize(("state", "status"), [("off", 404), ("rotated", 401), ("broken", 400)])
def test_the_errors_of_teams_become_failures(
    channels: Mapping[str, Channel], chat: ChatControl, state: str, status: int
) -> None:
    chat.set(teams=state)
    with pytest.raises(Rejected if status == 400 else Misconfigured, match=str(status)):
        channels["teams"].send(digest())


@pytest.mark.parametrize("name", ["slack", "teams"])
def test_a_chat_over_its_pace_names_the_time_to_wait(
    channels: Mapping[str, Channel], control: SandboxControl, name: str
) -> None:
    control.fault("chat", "throttle", path=f"/{name}", retry_after=30, times=1)
    with pytest.raises(Throttled) as failed:
        channels[name].send(digest())
    assert failed.value.until > datetime.now(UTC)
    channels[name].send(digest())


@pytest.mark.parametrize(
    ("fault", "more", "kind"),
    [
        ("status", {"status": 500}, Unsure),
        ("status", {"status": 503}, Unsure),
        ("drop_after", {}, Unsure),
        ("html", {}, Unsure),
        ("empty_200", {}, Unsure),
        ("redirect", {}, Unsure),
        ("status", {"status": 400, "body": "invalid_blocks"}, Rejected),
        ("status", {"status": 400, "body": "something new"}, Rejected),
        ("status", {"status": 403}, Misconfigured),
    ],
)
def test_what_is_not_slacks_ok_is_no_success(
    channels: Mapping[str, Channel], control: SandboxControl, fault: str, more: dict[str, Any], kind: type[Failure]
) -> None:
    control.fault("chat", fault, times=1, **more)
    with pytest.raises(kind) as failed:
        channels["slack"].send(digest())
    assert "something new" not in failed.value.detail, "a body from outside is not repeated"


@pytest.mark.parametrize(
    ("fault", "more", "kind"),
    [
        ("status", {"status": 503}, Unsure),
        ("drop_after", {}, Unsure),
        ("redirect", {}, Unsure),
        ("status", {"status": 413}, Rejected),
    ],
)
def test_what_teams_does_not_accept_is_no_success(
    channels: Mapping[str, Channel], control: SandboxControl, fault: str, more: dict[str, Any], kind: type[Failure]
) -> None:
    control.fault("chat", fault, times=1, **more)
    with pytest.raises(kind):
        channels["teams"].send(digest())


@pytest.mark.parametrize("name", ["slack", "teams"])
@pytest.mark.parametrize("fault", ["status", "throttle", "drop_after", "drop_before", "html", "redirect"])
def test_no_failure_and_no_log_holds_the_address(
    channels: Mapping[str, Channel], control: SandboxControl, caplog: pytest.LogCaptureFixture, name: str, fault: str
) -> None:
    """At the level of the shipped logging: the connections of urllib3 say nothing below a warning."""
    caplog.set_level(logging.INFO)
    control.fault("chat", fault, times=1)
    try:
        channels[name].send(digest())
    except Failure as failure:
        said = "".join(traceback.format_exception(failure)) + repr(failure) + failure.detail
    else:
        said = ""
    for text in (said, caplog.text, repr(channels[name])):
        assert "slack-secret" not in text
        assert "teams-secret" not in text


@pytest.mark.parametrize("name", ["slack", "teams"])
def test_a_chat_that_is_not_there_is_an_outage_that_hides_the_address(
    chat: ChatControl, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("GONE", "http://127.0.0.1:1/services/a-secret?sig=a-secret")
    kind = CHANNELS[name]
    with pytest.raises(Outage) as failed:
        kind(kind.options().load({"webhook": "env:GONE"})).send(digest())
    assert "a-secret" not in "".join(traceback.format_exception(failed.value))


@pytest.mark.parametrize("name", ["slack", "teams"])
@pytest.mark.parametrize("secret", ["a-secret", "ftp://host/a-secret", "https:///a-secret", "https://[a-secret"])
def test_a_secret_that_is_no_address_is_a_fault_that_does_not_show_it(
    monkeypatch: pytest.MonkeyPatch, name: str, secret: str
) -> None:
    monkeypatch.setenv("WRONG", secret)
    with pytest.raises(ValidationError) as failed:
        CHANNELS[name].options().load({"webhook": "env:WRONG"})
    assert "a-secret" not in str(failed.value)


@pytest.mark.parametrize("name", ["slack", "teams"])
def test_an_address_in_the_file_itself_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="does not belong into a file"):
        CHANNELS[name].options().load({"webhook": "https://hooks.slack.com/services/T/B/x"})


def test_a_mail_server_that_is_away_is_an_outage(channels: Mapping[str, Channel], control: SandboxControl) -> None:
    control.fault("mail", "status", status=421, at="rcpt", times=1)
    with pytest.raises(Outage):
        channels["mail"].send(digest())
