"""Channels by which staff is told, by the word under which `staff.yaml` names them."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.alerts.alert import Channel
from pipeline.alerts.mail import Mail
from pipeline.alerts.slack import Slack
from pipeline.alerts.teams import Teams

CHANNELS: Mapping[str, type[Channel]] = {kind.name: kind for kind in (Mail, Slack, Teams)}
