"""`celery -A tasks explain`: one case in plain words, each check with its evidence."""

from __future__ import annotations

import json

import click

from pipeline.store.database import reading
from pipeline.store.decisions import as_json
from pipeline.watch.explain import explanation, in_words


@click.command()
@click.argument("case")
@click.option("--json", "as_document", is_flag=True, help="Print JSON.")
def explain(case: str, as_document: bool) -> None:
    """Say where a case stands and why it was decided so.

    \b
    Example:
      celery -A tasks explain case_01KAQ7J5T0W8Z6M3
    """
    with reading() as session:
        found = explanation(session, case)
    if found is None:
        raise click.ClickException(
            f"there is no case {case[:60]}; `celery -A tasks review list` shows those that wait"
        )
    if as_document:
        click.echo(json.dumps(as_json(found), indent=2, ensure_ascii=False))
        return
    for line in in_words(found):
        click.echo(line)
