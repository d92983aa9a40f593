"""`celery -A tasks replay`: list what stopped, and put one, some or all of it back into the run."""

from __future__ import annotations

import getpass
import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import click
from marshmallow import ValidationError
from tqdm import tqdm

from pipeline import clock
from pipeline.options import Duration
from pipeline.steps.replay import Filter, Stopped, stopped
from pipeline.steps.replay import replay as put_back
from tasks.announce import announce


class Since(click.ParamType[datetime]):
    """A date, a time, or a span such as `2 h` that counts back from now."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            named = datetime.fromisoformat(value)
        except ValueError:
            try:
                span: timedelta = Duration().deserialize(value)
            except ValidationError:
                self.fail("write a date such as 2026-11-23, or a span such as `2 h`", param, ctx)
            return clock.now() - span
        return named if named.tzinfo else named.replace(tzinfo=UTC)


@click.command()
@click.argument("ids", nargs=-1)
@click.option("--list", "only_list", is_flag=True, help="List what stopped, with reason and age; change nothing.")
@click.option("--all", "everything", is_flag=True, help="Replay everything that matches, without naming ids.")
@click.option("--program", help="Only cases of this program.")
@click.option("--platform", "account", help="Only cases with a credential at this platform account.")
@click.option("--error", help="Only this kind of error (rejected, doubt, …), or a text in the reason.")
@click.option("--since", type=Since(), help="Only what changed since: 2026-11-23, or a span such as `2 h`.")
@click.option("--dry-run", is_flag=True, help="Say what would be replayed; change nothing.")
@click.option("--by", "person", default=getpass.getuser, help="Who does it, for the ledger. Default: the login name.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def replay(
    ids: tuple[str, ...],
    only_list: bool,
    everything: bool,
    program: str | None,
    account: str | None,
    error: str | None,
    since: datetime | None,
    dry_run: bool,
    person: str,
    as_json: bool,
) -> None:
    """Replay failed or stuck cases. A replay can never issue twice: what may exist at a platform is looked up first.

    \b
    Examples:
      celery -A tasks replay --list
      celery -A tasks replay case_01KAQ7J5T0W8Z6M3
      celery -A tasks replay --all --platform accredible --error misconfigured --dry-run
    """
    if not (ids or everything or only_list):
        raise click.UsageError("name ids, or write --all (with --program, --platform, --error, --since), or --list")
    if ids and everything:
        raise click.UsageError("name ids, or write --all, not both")
    found = stopped(Filter(ids=ids, program=program, account=account, error=error, since=since))
    missing = sorted(set(ids) - {one.id for one in found})
    if only_list or dry_run:
        _show(found, as_json=as_json, heading="would be replayed" if dry_run else "stopped")
    else:
        _put_back(found, person=person, as_json=as_json)
    for one in missing:
        click.echo(f"{one}: is not held, failed or stuck; nothing to replay", err=True)
    raise SystemExit(1 if missing else 0)


def _put_back(found: list[Stopped], *, person: str, as_json: bool) -> None:
    """Each one in its own transaction, so that an interruption leaves no half of one."""
    replayed, unannounced = [], 0
    for one in tqdm(found, desc="Replaying", unit="case", disable=None if len(found) > 1 else True):
        wakeups = put_back(one.id, actor=f"person:{person}")
        if wakeups:
            replayed.append(one.id)
            unannounced += len(wakeups) - announce(wakeups)
    if as_json:
        click.echo(json.dumps({"replayed": replayed}))
        return
    click.echo(f"{len(replayed)} replayed.")
    if unannounced:
        click.echo("The broker does not answer; they start with the next tick after it is back.", err=True)


def _show(found: list[Stopped], *, as_json: bool, heading: str) -> None:
    if as_json:
        click.echo(json.dumps([{**asdict(one), "since": one.since.isoformat()} for one in found], indent=2))
        return
    for one in found:
        where = f" (goes on with {one.resume})" if one.resume else ""
        click.echo(f"{one.id}  {one.program or '-'}  {one.state} for {_spell(one.age)}{where}")
        click.echo(f"    {one.error or 'no error'}: {one.reason or 'nobody has taken it; are the workers running?'}")
    click.echo(f"{len(found)} {heading}.")


def _spell(age: timedelta) -> str:
    minutes = int(age.total_seconds() // 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} days"
