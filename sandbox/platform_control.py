"""The control API of the platforms: one set of routes; each hands the body to the twin, which knows its shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flask import Blueprint, request

from sandbox.control_body import NoSuch
from sandbox.platforms.twin import PlatformTwin
from sandbox.shapes import Problem, Refused
from sandbox.stand_in import Json
from sandbox.world import world

blueprint = Blueprint("platform_control", __name__, url_prefix="/_sandbox/platforms")

_VERBS: Mapping[str, Callable[[PlatformTwin, Json], Json]] = {
    "templates": lambda twin, body: twin.add_template(body),
    "credentials": lambda twin, body: twin.add_credential(body),
    "changes": lambda twin, body: twin.change(body),
    "settings": lambda twin, body: twin.configure(body),
}


@blueprint.get("/<system>/credentials")
def credentials(system: str) -> Json:
    """Everything that was ever issued, and the names of fields that were passed over."""
    twin = _twin(system)
    return {"credentials": twin.credentials(), "ignored_fields": twin.ignored_fields()}


@blueprint.post("/<system>/<verb>")
def control(system: str, verb: str) -> Json:
    """Make or change something at a platform."""
    twin = _twin(system)
    if verb not in _VERBS:
        raise NoSuch(f"verb {verb}: there are {', '.join(_VERBS)}")
    body = request.get_json(force=True, silent=True)
    if not isinstance(body, dict):
        raise Refused([Problem("(body)", "must be a JSON object")])
    return _VERBS[verb](twin, body)


def _twin(system: str) -> PlatformTwin:
    twin = world().platforms.get(system)
    if twin is None:
        raise NoSuch(f"platform {system}: there are {', '.join(world().platforms)}")
    return twin
