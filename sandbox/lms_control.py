"""The control API of the LMSs: one set of routes; each hands the body to the twin, which knows its shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flask import Blueprint, request

from sandbox.control_body import NoSuch
from sandbox.lms.twin import Twin
from sandbox.shapes import Problem, Refused
from sandbox.stand_in import Json
from sandbox.world import world

blueprint = Blueprint("lms_control", __name__, url_prefix="/_sandbox/lms")

_VERBS: Mapping[str, Callable[[Twin, Json], Json]] = {
    "learners": lambda twin, body: twin.add_learner(body),
    "courses": lambda twin, body: twin.add_course(body),
    "enrolments": lambda twin, body: twin.enrol(body),
    "progress": lambda twin, body: twin.progress(body),
    "complete": lambda twin, body: twin.complete(body),
    "settings": lambda twin, body: twin.configure(body),
}


@blueprint.post("/<system>/<verb>")
def control(system: str, verb: str) -> Json:
    """Make or change something in an LMS."""
    twin = world().lms.get(system)
    if twin is None:
        raise NoSuch(f"LMS {system}: there are {', '.join(world().lms)}")
    if verb not in _VERBS:
        raise NoSuch(f"verb {verb}: there are {', '.join(_VERBS)}")
    body = request.get_json(force=True, silent=True)
    if not isinstance(body, dict):
        raise Refused([Problem("(body)", "must be a JSON object")])
    return _VERBS[verb](twin, body)
