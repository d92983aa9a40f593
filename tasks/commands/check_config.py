"""`celery -A tasks check-config`: every fault of settings and configuration at once, with file and line."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click
from tqdm import tqdm

from pipeline.configuration.documents import ConfigurationFault, Fault
from pipeline.configuration.loading import Configuration, load_configuration
from pipeline.settings import settings
from pipeline.watch.drift import accounts, examine
from pipeline.watch.live import faults as live_faults


@click.command(name="check-config")
@click.option(
    "--config",
    "directory",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Directory to check; default: CONFER_CONFIG.",
)
@click.option("--live", is_flag=True, help="Also ask LMSs and platforms whether courses and templates exist.")
@click.option("--json", "as_json", is_flag=True, help="Print the faults as JSON.")
def check_config(directory: Path | None, live: bool, as_json: bool) -> None:
    """Check accounts, targets and programs; exit status 1 if there are faults.

    \b
    Examples:
      celery -A tasks check-config --config config
      celery -A tasks check-config --live
    """
    directory = directory or settings().config
    faults = []
    found = None
    try:
        found = load_configuration(directory)
    except ConfigurationFault as refused:
        faults = refused.faults
    if found and live:
        faults = _live(found, directory)
    if as_json:
        click.echo(json.dumps([asdict(fault) for fault in faults], indent=2))
    elif found and not faults:
        click.echo(
            f"{len(found.lms)} LMS, {len(found.platforms)} platform and {len(found.targets)} downstream accounts"
        )
        for program in found.programs.values():
            where = ", ".join(award.account for award in program.awards)
            click.echo(f"{program.name}: course {program.course} of {program.source}, issued at {where}")
        click.echo(f"No faults; {len(accounts(found))} accounts were asked." if live else "No faults.")
    else:
        for fault in faults:
            click.echo(str(fault))
        click.echo(f"{len(faults)} fault{'s' if len(faults) != 1 else ''}.", err=True)
    raise SystemExit(1 if faults else 0)


def _live(config: Configuration, directory: Path) -> list[Fault]:
    """What the systems say. They are asked only when the files themselves have no fault."""
    asked = tqdm(accounts(config), unit=" accounts", disable=None, leave=False)
    found = [finding for account in asked for finding in examine(config, account)]
    return sorted(live_faults(config, directory, found))
