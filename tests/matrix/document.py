"""The matrix as a page: `MATRIX_DOCUMENT=docs/fault-matrix.md pytest -n 0 tests/matrix` writes it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from tests.matrix.cells import FAULTS, Cell, Moment

_RESULTS: dict[tuple[str, str, Moment], str] = {}


def note(cell: Cell, how: str) -> None:
    """Remember how a cell was settled; write the page where the environment asks for it."""
    _RESULTS[cell.row, cell.fault.name, cell.moment] = how
    wanted = os.environ.get("MATRIX_DOCUMENT")
    if wanted:
        Path(wanted).write_text(page(_RESULTS), encoding="utf-8")


def page(results: Mapping[tuple[str, str, Moment], str]) -> str:
    """The page in Markdown."""
    platforms = list(dict.fromkeys(row for row, _, _ in results))
    lines = [
        "# The fault matrix",
        "",
        "Every platform, every moment, every fault: exactly one live credential, no case lost, no attempt used, and",
        "one mail. Made by `tests/matrix` over the HTTP stand-ins; `tests/faults` repeats a sample with processes",
        "that are killed. Written by `MATRIX_DOCUMENT=docs/fault-matrix.md pytest -n 0 tests/matrix`.",
        "",
        "- *found*: the look-up found what the platform had made; nothing was called twice.",
        "- *issued after look-up*: the look-up found nothing, and it was issued then.",
        "- *issued again*: the call certainly had no effect, and was made again.",
        "- *adopted*: the platform refused a second one, and the first was found and taken for what it is.",
        "- *issued*: all was committed already.",
        "- —: cannot happen; a 429 says that nothing was done, a body trickles only after the platform has acted,",
        "  and our own issuer is a table and no network.",
    ]
    for moment in Moment:
        lines += ["", f"## {moment.value[0].upper()}{moment.value[1:]}", ""]
        lines += [f"| fault | {' | '.join(platforms)} |", "| --- |" + " --- |" * len(platforms)]
        for fault in FAULTS:
            if moment in fault.moments:
                found = [results.get((platform, fault.name, moment), "—") for platform in platforms]
                lines.append(f"| {fault.name} | {' | '.join(found)} |")
    return "\n".join(lines) + "\n"


def told(text: str) -> dict[tuple[str, str, Moment], str]:
    """What a page tells of each cell."""
    found: dict[tuple[str, str, Moment], str] = {}
    for section in text.split("\n## ")[1:]:
        title, *lines = section.splitlines()
        [moment] = [one for one in Moment if one.value.lower() == title.lower()]
        rows = [[part.strip() for part in line.strip("|").split("|")] for line in lines if line.startswith("|")]
        for name, *cells in rows[2:]:
            found |= {(platform, name, moment): how for platform, how in zip(rows[0][1:], cells, strict=True)}
    return {cell: how for cell, how in found.items() if how != "—"}
