"""Staff is told what waits for a person: once, together, louder when overdue, and never at the cost of a case."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from pipeline.alerts.alert import Digest
from pipeline.alerts.slack import Slack
from pipeline.steps.sweep import sweep
from pipeline.steps.telling.alerting import GATHERING
from pipeline.steps.telling.digest import tell_staff
from pipeline.store.alerts import AlertRow, ChannelRow, Telling
from sandbox.chat.reading import ChatControl
from sandbox.control import SandboxControl
from tests.driver import Driver

STAFF = "registrars@academy.example"
#: within 2 % of the threshold of 80: a doubt, which a person decides
CLOSE = "80.5"
CHANNELS = f"""
channels:
  chat:
    channel: slack
    webhook: env:SLACK_WEBHOOK
    severity: info
    digest_every: 15 min
  teams:
    channel: teams
    webhook: env:TEAMS_WEBHOOK
    severity: critical
    programs: [elsewhere]
  duty:
    channel: mail
    to: {STAFF}
    severity: critical
"""


class Staffed(Driver):
    """An installation some time later."""

    def later(self, **span: float) -> None:
        """Let time pass, then do what a tick finds."""
        self.clock.forward(timedelta(**span).total_seconds())
        self.drain(sweep())


@pytest.fixture
def chat(control: SandboxControl) -> ChatControl:
    """The chats without their pace: the time of these tests stands still, that of the chats does not."""
    found = ChatControl(control)
    found.set(pace=False)
    return found


@pytest.fixture
def staffed(make_driver: Callable[..., Driver], chat: ChatControl) -> Staffed:
    confer = make_driver(SLACK_WEBHOOK=chat.slack_url, TEAMS_WEBHOOK=chat.teams_url)
    file = confer.config / "staff.yaml"
    file.write_text(file.read_text() + CHANNELS)
    confer.reload()
    return Staffed(**vars(confer))


def held(confer: Staffed, *learners: int) -> None:
    """Hold a case for each learner."""
    for number in learners:
        confer.learner(number, name=f"Ada Lovelace {number}")
        confer.complete(number, score=CLOSE)
    confer.drain()
    assert [confer.case(number).stage for number in learners] == ["held"] * len(learners)


def texts(chat: ChatControl, name: str = "slack") -> list[str]:
    return [json.dumps(one["body"], ensure_ascii=False) for one in chat.messages(name)]


def channel(confer: Staffed, name: str = "chat") -> ChannelRow:
    found: list[ChannelRow] = confer.rows(select(ChannelRow).filter_by(name=name))
    [row] = found
    return row


def test_held_cases_are_told_once_together_and_without_a_name(staffed: Staffed, chat: ChatControl) -> None:
    held(staffed, 307, 308, 309)
    assert texts(chat) == [], "it waits for others that come with it"
    staffed.later(seconds=GATHERING.total_seconds() + 1)
    [told] = texts(chat)
    for number in (307, 308, 309):
        assert told.count(f"/api/reviews/{staffed.case(number).id}|Open") == 1
    assert "3 alerts: 3 warning" in told
    assert "https://credentials.academy.example/api/reviews|The queue" in told
    for personal in ("Ada", "Lovelace", "learners.example", "S-307", CLOSE):
        assert personal not in told
    for _ in range(3):
        staffed.later(minutes=20)
    assert len(texts(chat)) == 1


def test_what_comes_soon_after_a_digest_waits_for_the_next(staffed: Staffed, chat: ChatControl) -> None:
    held(staffed, 307)
    staffed.later(seconds=21)
    held(staffed, 308, 309)
    staffed.later(minutes=5)
    assert len(texts(chat)) == 1
    staffed.later(minutes=11)
    _, second = texts(chat)
    assert "2 alerts" in second
    assert staffed.case(307).id not in second


def test_a_case_that_is_held_again_is_told_again(staffed: Staffed, chat: ChatControl) -> None:
    held(staffed, 307)
    staffed.later(seconds=21)
    assert staffed.decide("look_again").status_code == 200
    staffed.clock.forward(60)
    staffed.drain(sweep())
    assert staffed.case().stage == "held"
    staffed.later(minutes=16)
    assert [staffed.case().id in told for told in texts(chat)] == [True, True]


def test_criteria_that_are_not_met_are_told_where_information_is_wanted(staffed: Staffed, chat: ChatControl) -> None:
    staffed.learner()
    staffed.complete(score="60")
    staffed.drain()
    staffed.later(seconds=21)
    [told] = texts(chat)
    assert "Criteria not met" in told
    assert staffed.control.mails(to=STAFF) == []


def test_an_overdue_decision_is_told_a_second_time_and_to_more(staffed: Staffed, chat: ChatControl) -> None:
    held(staffed, 307)
    staffed.later(seconds=21)
    by = staffed.case().decide_by
    assert by
    staffed.clock.go_to(by - timedelta(minutes=1))
    staffed.drain(sweep())
    assert len(texts(chat)) == 1
    staffed.later(minutes=2)
    staffed.later(seconds=21)
    _, second = texts(chat)
    assert "Decision overdue (critical)" in second
    assert "*Assigned to*\\nnobody" in second
    [mail] = staffed.control.mails(to=STAFF)
    assert staffed.case().id in mail["text"]
    assert texts(chat, "teams") == [], "it is about another program"
    staffed.later(hours=30)
    assert len(texts(chat)) == 2
    assert staffed.history(staffed.case().id).count("case.escalated") == 1


def test_a_critical_alert_does_not_wait_for_the_end_of_the_span(staffed: Staffed, chat: ChatControl) -> None:
    held(staffed, 307)
    by = staffed.case().decide_by
    assert by
    staffed.clock.go_to(by - timedelta(minutes=1))
    held(staffed, 308)
    staffed.later(seconds=30)
    told = len(texts(chat))
    staffed.later(seconds=60)
    staffed.later(seconds=21)
    assert len(texts(chat)) == told + 1


def test_a_channel_hears_of_its_programs_alone(staffed: Staffed, chat: ChatControl) -> None:
    file = staffed.config / "staff.yaml"
    file.write_text(file.read_text().replace("programs: [elsewhere]", "programs: [elsewhere, first-aid]"))
    staffed.reload()
    held(staffed, 307)
    staffed.later(hours=30)
    staffed.later(seconds=21)
    assert [staffed.case().id in told for told in texts(chat, "teams")] == [True]


def test_a_channel_that_is_down_is_tried_again_and_holds_up_nobody(staffed: Staffed, chat: ChatControl) -> None:
    staffed.control.fault("chat", "status", path="/slack", status=503)
    held(staffed, 307)
    staffed.learner(308)
    staffed.complete(308)
    staffed.drain()
    assert staffed.case(308).stage == "done"
    staffed.later(seconds=21)
    assert texts(chat) == []
    assert channel(staffed).failures == 1
    staffed.later(hours=30)  # the decision is overdue
    staffed.later(seconds=21)
    assert len(staffed.control.mails(to=STAFF)) == 1, "the other channel tells it"
    staffed.control.clear_faults()
    staffed.later(hours=1)
    [told] = texts(chat)
    assert "2 alerts: 1 critical, 1 warning" in told
    assert channel(staffed).failures == 0


def test_a_channel_that_stays_silent_is_told_to_the_others(staffed: Staffed, chat: ChatControl) -> None:
    staffed.control.fault("chat", "status", path="/slack", status=503)
    held(staffed, 307)
    for _ in range(8):
        staffed.later(minutes=10)
    [mail] = staffed.control.mails(to=STAFF)
    assert "Alerts do not arrive" in mail["text"]
    assert "the channel chat takes no messages: Slack answered 503" in mail["text"]


def test_a_webhook_that_was_removed_is_told_to_the_others_and_hardly_called(
    staffed: Staffed, chat: ChatControl
) -> None:
    chat.set(slack="no_service")
    held(staffed, 307)
    for _ in range(20):
        staffed.later(seconds=30)
    assert len([one for one in staffed.control.calls("chat") if one["path"].startswith("/slack")]) == 2
    [mail] = staffed.control.mails(to=STAFF)
    assert "Slack answered 404: no_service" in mail["text"]
    assert "slack-secret" not in mail["text"]
    chat.set(slack="working")
    staffed.later(hours=1)
    assert len(texts(chat)) == 1


def test_a_pause_that_a_chat_asks_for_is_kept_also_when_something_critical_comes(
    staffed: Staffed, chat: ChatControl
) -> None:
    held(staffed, 307)
    by = staffed.case().decide_by
    assert by
    staffed.clock.go_to(by - timedelta(seconds=30))
    staffed.control.fault("chat", "throttle", path="/slack", retry_after=600, times=1)
    staffed.drain(sweep())
    staffed.later(minutes=1)
    staffed.later(minutes=8)
    assert len(staffed.control.calls("chat")) == 1
    staffed.later(minutes=2)
    assert len(texts(chat)) == 1


def test_two_workers_at_once_tell_once(staffed: Staffed, chat: ChatControl) -> None:
    held(staffed, 307)
    staffed.clock.forward(21)
    staffed.control.fault("chat", "latency", seconds=0.3, times=1)
    with ThreadPoolExecutor(2) as workers:
        list(workers.map(tell_staff, ["chat", "chat"]))
    assert len(texts(chat)) == 1


def test_a_worker_that_comes_back_late_does_not_say_it_was_told(
    staffed: Staffed, chat: ChatControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    held(staffed, 307)
    staffed.clock.forward(21)
    send = Slack.send
    late: list[Digest] = []

    def slow(self: Slack, digest: Digest) -> None:
        if not late:
            late.append(digest)
            staffed.clock.forward(100)  # beyond the lease: another worker takes the digest over and tells it
            tell_staff("chat")
        send(self, digest)

    monkeypatch.setattr(Slack, "send", slow)
    tell_staff("chat")
    assert len(texts(chat)) == 2, "at least once"
    assert channel(staffed).owner is None
    assert all(one.told_at for one in staffed.rows(select(Telling)))


def test_what_comes_while_a_digest_is_sent_is_told_in_the_next(
    staffed: Staffed, chat: ChatControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    held(staffed, 307)
    staffed.clock.forward(21)
    send = Slack.send

    def busy(self: Slack, digest: Digest) -> None:
        monkeypatch.setattr(Slack, "send", send)
        held(staffed, 308)
        send(self, digest)

    monkeypatch.setattr(Slack, "send", busy)
    tell_staff("chat")
    staffed.later(minutes=16)
    first, second = texts(chat)
    assert staffed.case(308).id not in first
    assert staffed.case(308).id in second


def test_a_channel_that_was_taken_out_of_the_file_is_left_alone(staffed: Staffed, chat: ChatControl) -> None:
    held(staffed, 307)
    file = staffed.config / "staff.yaml"
    file.write_text(file.read_text().replace(CHANNELS, ""))
    staffed.reload()
    staffed.clock.forward(21)
    assert [one for one in sweep() if one.task == "tell-staff"] == []
    assert texts(chat) == []


def test_without_channels_alerts_are_kept_and_nothing_is_sent(confer: Driver, control: SandboxControl) -> None:
    confer.learner()
    confer.complete(score=CLOSE)
    confer.settle()
    [alert] = confer.rows(select(AlertRow))
    assert alert.case_id == confer.case().id
    assert control.calls("chat") == []


def test_a_course_without_a_program_is_told_once_a_day(staffed: Staffed, chat: ChatControl) -> None:
    for number in (307, 308):
        staffed.learner(number)
        staffed.complete(number, course=11)
    staffed.drain()
    staffed.later(seconds=21)
    [text] = texts(chat)
    assert text.count("No program covers course 11 of campus") == 1
    staffed.later(hours=25)
    staffed.learner(309)
    staffed.complete(309, course=11)
    staffed.drain()
    staffed.later(minutes=16)
    assert len(texts(chat)) == 2
