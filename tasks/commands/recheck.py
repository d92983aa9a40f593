"""`celery -A tasks recheck`: what was issued, held against what the platforms have."""

from __future__ import annotations

import json

import click
from tqdm import tqdm

from pipeline.configuration.loading import configuration
from pipeline.store.decisions import as_json
from pipeline.watch.holdings import Finding
from pipeline.watch.recheck import recheck as find
from pipeline.watch.rechecks import rechecked


@click.command()
@click.option("--account", "only", help="Compare only this platform account.")
@click.option("--template", help="Compare only this template; name its account too.")
@click.option("--json", "as_document", is_flag=True, help="Print JSON.")
def recheck(only: str | None, template: str | None, as_document: bool) -> None:
    """Find credentials that are missing, revoked, renamed or doubled at their platforms, and some that are not ours.

    Changes nothing at the platforms and tells nobody; what is learnt about claims is written down. Exit status 1 if
    something was found. The same is done every night, and staff is told.

    \b
    Examples:
      celery -A tasks recheck
      celery -A tasks recheck --account accredible --template 4712 --json
    """
    config = configuration()
    if template and not only:
        raise click.UsageError("name the account of the template with --account")
    asked = [account for account in rechecked(config) if only in {None, account.name}]
    if not asked:
        known = ", ".join(account.name for account in rechecked(config))
        raise click.UsageError(f"there is no platform account {only} at which a program issues; known: {known}")
    findings = compared = 0
    if as_document:  # written piece by piece: there may be many
        click.echo("[", nl=False)
    with tqdm(unit=" credentials", disable=None, leave=False) as bar:

        def told(number: int) -> None:
            nonlocal compared
            compared += number
            bar.update(number)

        for account in asked:
            for finding in find(config, account, template=template, told=told):
                tqdm.write(_line(finding, as_document, first=not findings))
                findings += 1
    if as_document:
        click.echo("]")
    else:
        click.echo(f"{compared} credentials compared, {findings} finding{'' if findings == 1 else 's'}.")
    raise SystemExit(1 if findings else 0)


def _line(finding: Finding, as_document: bool, *, first: bool) -> str:
    if as_document:
        return ("" if first else ",") + json.dumps(as_json(finding), ensure_ascii=False)
    case = f"{finding.case}: " if finding.case else ""
    return f"{finding.account}: {case}{finding.detail} [{finding.kind}]"
