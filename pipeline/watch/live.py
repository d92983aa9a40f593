"""The part of the configuration check that asks the LMSs and platforms: drift, told as faults of a file and line."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pipeline.configuration.documents import Document, Fault, Path_, read_document
from pipeline.configuration.loading import Configuration
from pipeline.watch.drift import Drift, Finding

_TEMPLATE = {Drift.TEMPLATE_GONE, Drift.TEMPLATE_UNUSABLE}


def faults(config: Configuration, directory: Path, found: Iterable[Finding]) -> list[Fault]:
    """The findings that make a program undeliverable; a course without a program is no fault of the files."""
    return [_fault(config, directory, one) for one in found if one.kind is not Drift.NO_PROGRAM]


def _fault(config: Configuration, directory: Path, one: Finding) -> Fault:
    if one.kind is Drift.NOT_ASKED:
        account = config.lms.get(one.account) or config.platforms[one.account]
        file, _, line = account.where.rpartition(":")
        return Fault(file=file, line=int(line), path=one.account, problem=f"cannot be asked: {one.detail}")
    program = config.programs[one.program]
    document = read_document(directory / "programs" / Path(program.file).name, root=directory)
    return document.fault(_place(document, one), one.detail)


def _place(document: Document, one: Finding) -> Path_:
    if one.kind not in _TEMPLATE:
        return ("course",)
    awards = document.data["credential"]["at"]
    index = next(number for number, award in enumerate(awards) if award["account"] == one.account)
    return ("credential", "at", index, "template")
