"""`celery -A tasks drift`: what the LMSs and platforms have, held against the programs."""

from __future__ import annotations

import json

import click
from tqdm import tqdm

from pipeline.configuration.loading import configuration
from pipeline.store.decisions import as_json
from pipeline.watch.drift import Finding, accounts, examine


@click.command()
@click.option("--account", "only", help="Ask only this account.")
@click.option("--json", "as_document", is_flag=True, help="Print JSON.")
def drift(only: str | None, as_document: bool) -> None:
    """Find courses without a program, and programs whose course or template is gone or cannot be completed.

    Asks every LMS and platform, changes nothing and tells nobody; exit status 1 if something was found. The same is
    done every night, and staff is told.

    \b
    Examples:
      celery -A tasks drift
      celery -A tasks drift --account campus --json
    """
    config = configuration()
    asked = [account for account in accounts(config) if only in {None, account.name}]
    if not asked:
        known = ", ".join(account.name for account in accounts(config))
        raise click.UsageError(f"there is no account {only}; known: {known}")
    found: list[Finding] = []
    for account in tqdm(asked, unit=" accounts", disable=None, leave=False):
        found += examine(config, account)
    if as_document:
        click.echo(json.dumps(as_json(found), indent=2, ensure_ascii=False))
    else:
        for one in found:
            click.echo(f"{one.account}: {f'{one.program}: ' if one.program else ''}{one.detail} [{one.kind}]")
        click.echo(f"{len(asked)} accounts asked, {len(found)} finding{'' if len(found) == 1 else 's'}.")
    raise SystemExit(1 if found else 0)
