"""Generates docs/reference from the code: `make docs`, or `python -m docs.generate --check` to compare only.

What the code says of itself (settings, data-sheets, docstrings, tables of moves) is taken from there. What it
cannot say stands in `docs.meanings`, and a name that the code has and a table lacks, or the other way round,
ends the run.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from marshmallow import Schema, missing

from docs.meanings import EFFECTS, ENTRIES, SENDERS
from pipeline import stages
from pipeline.adapters import CRITERIA, LMSS, PLATFORMS, TARGETS
from pipeline.configuration.accounts import HearingSchema, TrafficSchema
from pipeline.contracts import Lms
from pipeline.errors import Failure
from pipeline.settings import SETTINGS
from pipeline.stages import CredentialState, MessageState, Stage, UpdateState, WithdrawalState
from pipeline.values import Fact, Rate

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "docs" / "reference"
NOTICE = "<!-- Generated from the code by `make docs`. Do not edit: change the code, or docs/meanings.py. -->"


class Incomplete(Exception):
    """The code and the tables of this module do not name the same things."""


def settings_page() -> str:
    """Every setting, from `pipeline.settings.SETTINGS`."""
    rows = []
    for setting in SETTINGS:
        marks = [mark for mark, on in (("required", setting.required), ("secret", setting.secret)) if on]
        default = f"`{setting.default}`" if setting.default else "–"
        meaning = setting.meaning + (f" **{', '.join(marks).capitalize()}.**" if marks else "")
        rows.append((f"`{setting.variable}`", default, meaning))
    return _page(
        "Settings",
        "Read from the environment once, at the start, and checked as a whole. For every variable there is one more "
        "that names a file with the value: `CONFER_SECRET_KEY_FILE` for `CONFER_SECRET_KEY`.",
        _table(("variable", "default", "meaning"), rows),
        "Accounts are configured in files: see [adapters](adapters.md) for what `accounts.yaml` and `targets.yaml` "
        "may say. `docker-compose.yml` reads a few more variables of its own; `.env.example` explains them.",
    )


def failures_page() -> str:
    """The error vocabulary, from `pipeline.errors`."""
    kinds = {kind.kind: kind for kind in Failure.__subclasses__()}
    _same(kinds, EFFECTS, "failures")
    rows = [(f"`{name}`", _sentences(kinds[name]), *EFFECTS[name]) for name in EFFECTS]
    return _page(
        "Failures",
        "Whatever goes wrong at another system is told in one of these words. The word decides what happens; the "
        "text beside it is for people and holds no personal data.",
        _table(("kind", "meaning", "a case in gather or verify", "a credential in its lane"), rows),
        "## Mails and updates\n\n"
        "A mail that is refused for good (`rejected`) does not stop the updates downstream: the case goes on and is "
        "held at its end. An unclear mail (`unsure`) is sent once more after `CONFER_MAIL_SETTLES_SECONDS` under "
        "the same Message-ID; after a second unclear end the case is held. A mail server that is down costs no "
        "attempt.\n\n"
        "An update may be repeated without harm, so an unclear one is sent again like one that met an outage.",
        "## Further reasons\n\n"
        "Held and failed cases also carry these kinds, which no adapter raises:\n\n"
        + _table(
            ("kind", "meaning"),
            [
                ("`criteria`", "A criterion is not met: no credential. The case is failed, not held."),
                ("`doubt`", "A check could not decide: see [criteria](../criteria.md)."),
                ("`withdrawn`", "The learner completed anew after a credential of the program was withdrawn."),
                ("`unpublished`", "The platform created the credential but did not publish it."),
                ("`poison`", "Several workers died over the case."),
                ("`defect`", "An error of Confer's own. The log has it under the event `defect`."),
            ],
        ),
    )


def adapters_page() -> str:
    """What each adapter can do and may be told, from the data-sheets."""
    lms = [
        (f"`{one.name}`", one.label, one.hears or "nothing: it is only swept", _entrance(one), _span(one.sweep_every))
        for one in LMSS.values()
    ]
    facts = [
        (f"`{fact.value}`", *("yes" if fact in one.provides else "–" for one in LMSS.values()))
        for fact in Fact
        if fact is not Fact.CREDENTIALS
    ]
    platforms = [
        (
            f"`{one.name}`", one.label, _rate(one.rate), _names(sorted(one.formats)), str(one.bulk),
            one.prevents_duplicates, one.finds_by, _span(one.settles_within),
        )
        for one in PLATFORMS.values()
    ]  # fmt: skip
    afterwards = [
        (f"`{one.name}`", one.corrects or "nothing: it is issued anew", one.withdraws, one.claims, one.hears or "–")
        for one in PLATFORMS.values()
    ]
    targets = [(f"`{one.name}`", one.label, one.idempotent_by, one.withdraws) for one in TARGETS.values()]
    criteria = [
        (f"`{one.name}`", one.label, _sentences(one), _names(sorted(one.needs)), _options(one.options))
        for one in CRITERIA.values()
    ]
    return _page(
        "Adapters",
        "Each is one file, and this page is made of their data-sheets. `system` in `accounts.yaml` or `targets.yaml` "
        "names the adapter. Options marked * are required.",
        "## Learning management systems\n\n"
        + _table(("system", "name", "announces completions by", "of `entrance`, one of", "swept every"), lms)
        + "\n\nWhat a record can hold; a fact may take an option or a right, see the page of the LMS:\n\n"
        + _table(("fact", *LMSS), facts)
        + _option_lists(LMSS)
        + "\n\nEvery LMS account may also say: "
        + _options(HearingSchema)
        + ".",
        "## Credential platforms\n\n"
        + _table(
            ("system", "name", "rate", "issues", "bulk", "prevents duplicates", "finds by", "settles within"),
            platforms,
        )
        + "\n\nAfter issuing:\n\n"
        + _table(("system", "corrected in place", "a withdrawal", "claims", "announces claims by"), afterwards)
        + "\n\nThe rate is the default. Every platform account may also say: "
        + _options(TrafficSchema)
        + ".\nBulk is the most credentials in one call; see [lanes](../lanes.md)."
        + _option_lists(PLATFORMS),
        "## Downstream systems\n\n"
        + _table(("system", "name", "sending twice is harmless by", "a withdrawal"), targets)
        + _option_lists(TARGETS),
        "## Criteria\n\n" + _table(("name", "label", "rule", "needs", "values"), criteria),
    )


def stages_page() -> str:
    """The states and what may follow each, from `pipeline.stages`."""
    tables: list[tuple[str, str, type[StrEnum], Mapping[Any, Iterable[StrEnum]]]] = [
        ("A case", "The stage names the step that has to be done next.", Stage, stages.STAGE_MOVES),
        ("A credential", "One row per case and platform account.", CredentialState, stages.CREDENTIAL_MOVES),
        ("A message", "One row per case and recipient.", MessageState, stages.MESSAGE_MOVES),
        ("An update", "One row per case, downstream system and occasion.", UpdateState, stages.UPDATE_MOVES),
        ("A withdrawal", "At most one of a case is open.", WithdrawalState, stages.WITHDRAWAL_MOVES),
    ]
    parts = []
    for title, text, kind, moves in tables:
        notes = _member_notes(kind)
        rows = [
            (f"`{state.value}`", notes.get(state.name, ""), _names(_in_order(moves[state], kind)) or "nothing")
            for state in kind
        ]
        parts.append(f"## {title}\n\n{text}\n\n" + _table(("state", "meaning", "may be followed by"), rows))
    return _page("Stages and states", "A move that is not in these tables raises `IllegalMove`.", *parts)


def ledger_page() -> str:
    """The kinds of ledger entries, found in the code."""
    _same(_entry_kinds(), ENTRIES, "ledger entries")
    rows = [(f"`{kind}`", meaning) for kind, meaning in sorted(ENTRIES.items())]
    return _page(
        "Ledger entries",
        "Every change of a case writes one entry, in the same transaction. An entry says when (`at`), about which "
        "case or delivery (`subject`), what happened (`kind`), who did it (`actor`: a step such as `confer.verify`, "
        "or `person:name`), what was seen (`facts`) and by which rule (`rule_version`). Entries hold no personal "
        "data and are never changed.",
        _table(("kind", "meaning"), rows),
    )


def tasks_page() -> str:
    """The Celery tasks, from the application."""
    from pipeline.stages import STEPS  # noqa: PLC0415 - the environment is prepared first
    from tasks import STEPS_QUEUE, TICK_QUEUE, app  # noqa: PLC0415

    app.loader.import_default_modules()
    ours = {name: task for name, task in app.tasks.items() if name.startswith("confer.")}
    _same(ours, SENDERS, "tasks")
    queues = {"confer.issue": "`issue.<account>`", "confer.tick": f"`{TICK_QUEUE}`"}
    rows = []
    for name in SENDERS:
        parameter = next(iter(inspect.signature(ours[name].run).parameters), "")
        takes = f"`{parameter}`" if parameter not in {"", "_"} else "nothing"
        queue = queues.get(name, f"`{STEPS_QUEUE}`")
        rows.append((f"`{name}`", takes, queue, _sentences(ours[name].run), SENDERS[name]))
    order = " ▸ ".join(["receive", *(step.value for step in STEPS)])
    return _page(
        "Tasks",
        f"The names that Flower shows, in their order: {order}. A task takes an id and nothing else. It is a "
        "wake-up: the row says what is to be done, and a task that comes twice or too late finds nothing to do. "
        "Whatever is due and was not announced is announced again by the tick.",
        _table(("task", "takes", "queue", "does", "sent by"), rows),
        "The process `worker` consumes `steps` and `tick`; `lanes` consumes all other queues.",
    )


def commands_page() -> str:
    """The sub-commands of `celery -A tasks`, from their own help."""
    from importlib.metadata import entry_points  # noqa: PLC0415

    import click  # noqa: PLC0415

    parts = []
    found = [entry for entry in entry_points(group="celery.commands") if entry.value.startswith("tasks.")]
    for entry in sorted(found, key=lambda one: one.name):
        command: click.Command = entry.load()
        context = click.Context(command, info_name=f"celery -A tasks {entry.name}", terminal_width=90)
        parts.append(f"## {entry.name}\n\n```text\n{command.get_help(context)}\n```")
    return _page(
        "Commands",
        "Sub-commands of `celery -A tasks`, run where Confer's environment is set, for example "
        "`docker compose exec worker celery -A tasks replay --list`.",
        *parts,
    )


PAGES: Mapping[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "failures.md": failures_page,
    "adapters.md": adapters_page,
    "stages.md": stages_page,
    "ledger.md": ledger_page,
    "tasks.md": tasks_page,
    "commands.md": commands_page,
}


def stale() -> list[str]:
    """The pages that are not what the code says now."""
    return [
        name
        for name, make in PAGES.items()
        if not (REFERENCE / name).is_file() or (REFERENCE / name).read_text(encoding="utf-8") != make()
    ]


def main() -> int:
    """Write the pages, or with --check only compare."""
    parser = argparse.ArgumentParser(prog="python -m docs.generate", description="Generate docs/reference.")
    parser.add_argument("--check", action="store_true", help="change nothing; exit status 1 if a page is stale")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as data:
        # the tasks cannot be imported without these; none of them reaches a page
        os.environ.update(CONFER_DATA=data, CONFER_SECRET_KEY="not-a-secret-" * 3)
        if arguments.check:
            for name in (found := stale()):
                print(f"docs/reference/{name} is stale: make docs", file=sys.stderr)
            return 1 if found else 0
        REFERENCE.mkdir(exist_ok=True)
        for name, make in PAGES.items():
            (REFERENCE / name).write_text(make(), encoding="utf-8")
    return 0


def _page(title: str, *parts: str) -> str:
    return "\n\n".join((NOTICE, f"# {title}", *parts)) + "\n"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _names(values: Iterable[str]) -> str:
    return ", ".join(f"`{value}`" for value in values)


def _in_order(states: Iterable[StrEnum], kind: type[StrEnum]) -> list[str]:
    return [state.value for state in kind if state in states]


def _sentences(thing: Any) -> str:
    """A docstring's first paragraph as one line."""
    return " ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split())


def _entrance(lms: type[Lms]) -> str:
    proves = "nothing: what it sends proves itself" if lms.hears else "–"
    return _names(sorted(lms.entrance)) or proves


def _rate(rate: Rate | None) -> str:
    return f"{rate.calls} in {_span(rate.window)}" if rate else "no limit"


def _span(span: timedelta) -> str:
    return f"{span.total_seconds():g} s" if span else "at once"


def _option_lists(adapters: Mapping[str, Any]) -> str:
    lines = [f"- `{name}`: {_options(one.options) or 'no options'}" for name, one in adapters.items()]
    return "\n\nOptions:\n\n" + "\n".join(lines)


def _options(schema: type[Schema]) -> str:
    """The fields of a schema: name, whether required, default."""
    found = []
    for name, field in schema._declared_fields.items():
        default = field.load_default() if callable(field.load_default) else field.load_default
        shown = "" if default in (missing, None) or default == [] else f" (default `{default}`)"
        found.append(f"`{name}`{'*' if field.required else ''}{shown}")
    return ", ".join(found)


def _member_notes(kind: type[StrEnum]) -> dict[str, str]:
    """The comments beside the members of an enum; the plainest members have none."""
    plain = {"PLANNED": "to be sent", "SENT": "the other side took it", "REJECTED": "refused for good: a person"}
    lines = inspect.getsource(kind).splitlines()
    found = (re.match(r"\s+([A-Z]+) = .*?  # (.+)$", line) for line in lines)
    return plain | {match[1]: match[2] for match in found if match}


def _entry_kinds() -> set[str]:
    """Every `kind=` of a ledger entry that is written anywhere in the pipeline."""
    kinds: set[str] = set()
    for file in (ROOT / "pipeline").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "kind":
                for part in ast.walk(node.value):
                    if isinstance(part, ast.Constant) and re.fullmatch(r"[a-z]+\.[a-z_]+", str(part.value)):
                        kinds.add(part.value)
                    if isinstance(part, ast.Constant) and part.value == ".planned":
                        kinds |= {f"{noun}.planned" for noun in ("credential", "message", "update")}
    return kinds


def _same(code: Iterable[str], table: Iterable[str], what: str) -> None:
    only_code, only_table = sorted(set(code) - set(table)), sorted(set(table) - set(code))
    if only_code or only_table:
        raise Incomplete(
            f"docs/meanings.py, {what}: describe {', '.join(only_code) or 'nothing'}; "
            f"remove {', '.join(only_table) or 'nothing'}"
        )


if __name__ == "__main__":
    sys.exit(main())
