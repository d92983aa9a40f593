"""kill -9 while a mail's text is on its way: the learner gets the mail, and their mailbox shows it once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.rig import AT_BADGES, running, until

pytestmark = pytest.mark.servers


def test_a_mail_whose_answer_was_lost_is_repeated_once_under_the_same_message_id(tmp_path: Path) -> None:
    with running(tmp_path, "files") as rig:
        held = rig.control.fault("mail", "hang", seconds=30, at="data", after=True)
        rig.complete(1, AT_BADGES)
        until(lambda: next(one["hits"] for one in rig.control.faults() if one["id"] == held), what="the text sent")
        rig.kill_workers()
        rig.control.clear_faults()
        rig.start_workers()
        rig.wait_all(1)
        [mail] = rig.control.mails()
        assert mail["receipts"] == 2
        rig.assert_exactly_once(1)
