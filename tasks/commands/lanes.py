"""`celery -A tasks lanes`: what waits at each platform account and until when; pause, resume, change the rate."""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import click

from pipeline.errors import Misconfigured
from pipeline.steps.lane.operating import LaneStanding, pause_lane, rate_lane, resume_lane
from pipeline.steps.lane.operating import lanes as standings
from pipeline.store.decisions import as_json
from pipeline.values import Rate
from tasks.announce import announce


def _by(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--reason", required=True, help="Why; kept in the ledger."),
        click.option("--by", "person", default=getpass.getuser, help="Who, for the ledger. Default: the login name."),
        click.argument("account"),
    ):
        command = option(command)
    return command


@click.group(invoke_without_command=True)
@click.option("--json", "as_document", is_flag=True, help="Print JSON.")
@click.pass_context
def lanes(context: click.Context, as_document: bool) -> None:
    """Show the lane of every platform account: what waits, the pace, when it will be done.

    \b
    Examples:
      celery -A tasks lanes
      celery -A tasks lanes --json
      celery -A tasks lanes pause credly --reason "maintenance until 18:00"
      celery -A tasks lanes resume credly --reason "maintenance is over"
      celery -A tasks lanes rate credly 30/60 --reason "support asked for half the speed"
      celery -A tasks lanes rate credly default --reason "back to accounts.yaml"
    """
    if context.invoked_subcommand:
        return
    found = standings()
    if as_document:
        click.echo(json.dumps(as_json(found), indent=2))
        return
    for lane in found:
        for line in _lines(lane):
            click.echo(line)


@lanes.command()
@_by
def pause(account: str, person: str, reason: str) -> None:
    """Have nobody call ACCOUNT until it is resumed; what is due waits."""
    with _told():
        pause_lane(account, actor=f"person:{person}", reason=reason)
    click.echo(f"{account} is paused. Go on with: celery -A tasks lanes resume {account} --reason …")


@lanes.command()
@_by
def resume(account: str, person: str, reason: str) -> None:
    """Have ACCOUNT go on; try it at once where it is down or asked for a pause."""
    with _told():
        announce(resume_lane(account, actor=f"person:{person}", reason=reason))
    click.echo(f"{account} goes on.")


@lanes.command()
@_by
@click.argument("limit", metavar="CALLS/SECONDS")
def rate(account: str, limit: str, person: str, reason: str) -> None:
    """Call ACCOUNT at most CALLS times in any SECONDS from now on; `default`: as accounts.yaml says."""
    with _told():
        rate_lane(account, _rate(limit), actor=f"person:{person}", reason=reason)
    click.echo(f"{account}: {'the limit of accounts.yaml' if limit == 'default' else limit}, from the next call on.")


def _rate(limit: str) -> Rate | None:
    if limit == "default":
        return None
    calls, _, seconds = limit.partition("/")
    try:
        made = Rate(calls=int(calls), window=timedelta(seconds=float(seconds)))
    except (ValueError, OverflowError):
        made = None
    if made is None or not 1 <= made.calls <= 100_000 or not 0 < made.window.total_seconds() <= 86_400:
        raise click.BadParameter("write calls and seconds, such as 60/60, or `default`", param_hint="CALLS/SECONDS")
    return made


def _lines(lane: LaneStanding) -> Iterator[str]:
    pace = f"{lane.calls} calls in {lane.per_seconds:g} s" if lane.calls else "no limit"
    pace += f", {lane.at_once} credentials a call" if lane.at_once > 1 else ""
    source = f" ({lane.limit_from})" if lane.calls and lane.limit_from != "accounts.yaml" else ""
    yield f"{lane.account} ({lane.platform}): {_waiting(lane)}; {pace}{source}"
    if lane.paused_at:
        yield f"  paused since {lane.paused_at:%Y-%m-%d %H:%M} UTC by {lane.paused_by}: {lane.pause_reason}"
    if lane.down_since:
        yield f"  down since {lane.down_since:%Y-%m-%d %H:%M} UTC: {lane.down_reason}"
    if lane.blocked_until:
        yield f"  asked for a pause until {lane.blocked_until:%Y-%m-%d %H:%M:%S} UTC"


def _waiting(lane: LaneStanding) -> str:
    later = f", {lane.later:,} due later" if lane.later else ""
    if not lane.waiting:
        return f"nothing waits{later}"
    done = f", done about {lane.done_about:%Y-%m-%d %H:%M} UTC" if lane.done_about else ""
    return f"{lane.waiting:,} waiting{done}{later}"


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except Misconfigured as fault:
        raise click.ClickException(fault.detail) from None
