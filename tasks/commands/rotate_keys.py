"""`celery -A tasks rotate-keys`: new keys for our own issuer; what the old ones signed goes on to verify."""

from __future__ import annotations

import json

import click

from pipeline.badges.keys import all_keys, proof_keys, rotate
from pipeline.errors import Misconfigured


@click.command(name="rotate-keys")
@click.option("--dry-run", is_flag=True, help="Show the keys that there are; change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def rotate_keys(dry_run: bool, as_json: bool) -> None:
    """Make new keys for our own issuer. They sign from now on, in every running process, without a restart.

    The public halves of the old keys stay published for ever, so that old credentials go on to verify. Their private
    halves are destroyed: delete them from backups too. Not for a key that was stolen: see docs/openbadges.md.

    \b
    Examples:
      celery -A tasks rotate-keys --dry-run
      celery -A tasks rotate-keys
    """
    try:
        if not dry_run:
            rotate()
        signing = [(key.kid, bool(key.private)) for key in all_keys()]
        proving = [(str(key.method["id"]), bool(key.private)) for key in proof_keys()]
    except Misconfigured as failure:
        raise click.ClickException(failure.detail) from None
    found = [
        {"key": name, "form": form, "state": "signs" if number == 0 else "old" if private else "retired"}
        for form, keys in (("jwt", signing), ("data-integrity", proving))
        for number, (name, private) in enumerate(keys)
    ]
    if as_json:
        click.echo(json.dumps({"rotated": not dry_run, "keys": found}, indent=2))
        return
    for one in found:
        click.echo(f"{one['state']:8} {one['form']:15} {one['key']}")
    click.echo("Nothing was changed." if dry_run else "Keep the directory `keys` in the backup, as it is now.")
