"""The part of the configuration check that asks the LMSs and platforms: drift, told as faults of a file and line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from pipeline.configuration.documents import Document, Fault, Path_, read_document
from pipeline.configuration.loading import Configuration
from pipeline.watch.drift import Drift, Finding

#: what part of an award a finding is about
_PARTS: Mapping[Drift, str] = {
    Drift.TEMPLATE_GONE: "template",
    Drift.TEMPLATE_UNUSABLE: "template",
    Drift.FORMAT_MISSING: "formats",
    Drift.ATTRIBUTE_UNKNOWN: "attributes",
}
#: no fault of the files: a course without a program, and a guard of the platform's that is off
_NO_FAULT = {Drift.NO_PROGRAM, Drift.REPEATABLE}


def faults(config: Configuration, directory: Path, found: Iterable[Finding]) -> list[Fault]:
    """The findings that make a program undeliverable."""
    return [_fault(config, directory, one) for one in found if one.kind not in _NO_FAULT]


def _fault(config: Configuration, directory: Path, one: Finding) -> Fault:
    if one.kind is Drift.NOT_ASKED:
        account = config.lms.get(one.account) or config.platforms[one.account]
        file, _, line = account.where.rpartition(":")
        return Fault(file=file, line=int(line), path=one.account, problem=f"cannot be asked: {one.detail}")
    program = config.programs[one.program]
    document = read_document(directory / "programs" / Path(program.file).name, root=directory)
    return document.fault(_place(document, one), one.detail)


def _place(document: Document, one: Finding) -> Path_:
    if one.kind not in _PARTS:
        return ("course",)
    awards = document.data["credential"]["at"]
    index = next(number for number, award in enumerate(awards) if award["account"] == one.account)
    place = ("credential", "at", index, _PARTS[one.kind])
    return (*place, one.subject) if one.kind is Drift.ATTRIBUTE_UNKNOWN else place
