"""What the stand-ins of all LMSs share: the verbs, their refusals, and the report of what was sent."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.control import ControlError, SandboxControl
from sandbox.lms.twin import Twin
from sandbox.systems import STAND_INS

TWINS = sorted(name for name, kind in STAND_INS.items() if issubclass(kind, Twin))
VERBS = ("learners", "courses", "enrolments", "progress", "complete", "settings")


def test_every_lms_but_moodle_is_found_by_its_folder() -> None:
    assert TWINS == ["canvas", "docebo", "talentlms", "teachable", "thinkific"]


@pytest.mark.parametrize("system", TWINS)
@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("body", [None, [], "text", {"colour": "red"}])
def test_no_verb_takes_what_it_does_not_know(control: SandboxControl, system: str, verb: str, body: Any) -> None:
    before = control.state()[system]
    with pytest.raises(ControlError, match="422"):
        control._post(f"lms/{system}/{verb}", body)
    assert control.state()[system] == before


@pytest.mark.parametrize("system", TWINS)
@pytest.mark.parametrize("verb", ["enrol", "progress", "complete"])
def test_who_is_not_there_is_named(control: SandboxControl, system: str, verb: str) -> None:
    with pytest.raises(ControlError, match="learner"):
        getattr(control.lms(system), verb)(987654, 987654)


@pytest.mark.parametrize("system", TWINS)
def test_a_reset_forgets_what_was_made_and_set(control: SandboxControl, system: str) -> None:
    before = control.state()[system]
    control.lms(system).add_learner(7, name="Ada Lovelace", email="ada@learners.example")
    assert control.state()[system]["learners"] == before["learners"] + 1
    control.reset()
    assert control.state()[system] == before


@pytest.mark.parametrize(
    ("path", "match"), [("lms/moodel/learners", "there are canvas"), ("lms/canvas/badges", "there are learners")]
)
def test_a_system_or_verb_that_is_not_there_is_told_with_those_that_are(
    control: SandboxControl, path: str, match: str
) -> None:
    with pytest.raises(ControlError, match=match):
        control._post(path, {})
