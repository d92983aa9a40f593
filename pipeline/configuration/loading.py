"""The whole configuration, checked against itself: what refers to what, and whether it can be delivered."""

from __future__ import annotations

import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import NamedTuple

from pipeline.adapters import LMSS, PLATFORMS
from pipeline.configuration.accounts import read_accounts
from pipeline.configuration.documents import ConfigurationFault, Document, Fault, read_document
from pipeline.configuration.programs import PLACEHOLDERS, Award, Program, read_program
from pipeline.configuration.staff import Staff, read_staff
from pipeline.contracts import Account
from pipeline.settings import settings


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """Everything in `config/`, by name. `issue_queues` are the queues that need a worker for the lanes."""

    lms: Mapping[str, Account]
    platforms: Mapping[str, Account]
    targets: Mapping[str, Account]
    programs: Mapping[str, Program]
    staff: Staff = field(default_factory=Staff)

    def program_for(self, *, source: str, course: str) -> Program | None:
        """The program that covers a course, if one does."""
        for program in self.programs.values():
            if (program.source, program.course) == (source, course):
                return program
        return None

    @property
    def issue_queues(self) -> tuple[str, ...]:
        """One queue per platform account."""
        return tuple(f"issue.{account}" for account in sorted(self.platforms))


def load_configuration(directory: Path) -> Configuration:
    """Read and check the whole directory.

    Raises:
        ConfigurationFault: with every fault found, each with file and line.
    """
    faults: list[Fault] = []
    lms: dict[str, Account] = {}
    platforms: dict[str, Account] = {}
    targets: dict[str, Account] = {}
    accounts = _read(directory / "accounts.yaml", directory, faults)
    if accounts:
        faults += [
            accounts.fault((key,), "is not known; write `lms` or `platforms`")
            for key in accounts.data
            if key not in {"lms", "platforms"}
        ]
        lms = read_accounts(accounts, "lms", faults)
        platforms = read_accounts(accounts, "platforms", faults)
    receivers = _read(directory / "targets.yaml", directory, faults)
    if receivers:
        targets = read_accounts(receivers, None, faults)
    programs = _programs(directory, Accounts(accounts, receivers, lms, platforms), faults)
    staff = _staff(directory, faults)
    if accounts and not programs and not faults:
        faults.append(Fault(file=f"{directory}/programs", line=1, path="", problem="there is no program"))
    if faults:
        raise ConfigurationFault(faults)
    return Configuration(lms=lms, platforms=platforms, targets=targets, programs=programs, staff=staff)


@cache
def configuration() -> Configuration:
    """The configuration of this process, read on first use.

    Raises:
        ConfigurationFault: see `load_configuration`.
    """
    return load_configuration(settings().config)


def _programs(directory: Path, accounts: Accounts, faults: list[Fault]) -> dict[str, Program]:
    read: list[tuple[Document, Program]] = []
    documents = [_read(file, directory, faults) for file in sorted((directory / "programs").glob("*.yaml"))]
    for document in filter(None, documents):
        program = read_program(document, faults, accounts.platforms)
        if program:
            faults += _clashes(document, program, [other for _, other in read])
            faults += _dangling(document, program, accounts)
            read.append((document, program))
    written = {str(document.data.get("program")) for document in documents if document}
    for document, program in read:
        faults += _unheld(document, program, written)
    return {program.name: program for _, program in read}


def _staff(directory: Path, faults: list[Fault]) -> Staff:
    """Who decides and who is told; without the file, nobody but by command."""
    file = directory / "staff.yaml"
    document = _read(file, directory, faults) if file.exists() else None
    return read_staff(document, faults) if document else Staff()


def _read(file: Path, directory: Path, faults: list[Fault]) -> Document | None:
    try:
        return read_document(file, root=directory)
    except ConfigurationFault as fault:
        faults += fault.faults
        return None


class Accounts(NamedTuple):
    """What a program may refer to. The documents also know the accounts that have faults of their own."""

    document: Document | None
    targets: Document | None
    lms: Mapping[str, Account]
    platforms: Mapping[str, Account]

    def named(self, section: str) -> Mapping[str, object]:
        """Every name in a section of accounts.yaml, faulty or not."""
        entries = self.document.data.get(section) if self.document else None
        return entries if isinstance(entries, Mapping) else {}


def _clashes(document: Document, program: Program, programs: Iterable[Program]) -> list[Fault]:
    faults = []
    for other in programs:
        if other.name == program.name:
            faults.append(document.fault(("program",), f"the name is taken by {other.file}"))
        if (other.source, other.course) == (program.source, program.course):
            faults.append(document.fault(("course",), f"this course is covered by {other.file} already"))
    return faults


def _dangling(document: Document, program: Program, accounts: Accounts) -> list[Fault]:
    """What one program names that is not there, or cannot do what it asks."""
    if accounts.document is None:
        return []
    faults = []
    if program.source in accounts.named("lms"):
        faults += _unanswerable(document, program, accounts.lms)
    else:
        faults.append(document.fault(("source",), _unknown(program.source, accounts.named("lms"), "accounts.yaml")))
    known = accounts.named("platforms")
    for index, award in enumerate(program.awards):
        at = ("credential", "at", index)
        if award.account not in known:
            faults.append(document.fault((*at, "account"), _unknown(award.account, known, "accounts.yaml")))
        elif award.account in accounts.platforms:
            faults += _undeliverable(document, at, award, accounts.platforms[award.account])
        if award.account in [earlier.account for earlier in program.awards[:index]]:
            faults.append(document.fault((*at, "account"), "issues it already; one credential per account"))
    receivers = accounts.targets.data if accounts.targets else program.downstream
    for index, target in enumerate(program.downstream):
        if target not in receivers:
            faults.append(document.fault(("downstream", index), _unknown(target, receivers, "targets.yaml")))
    return faults


def _unknown(name: str, known: Iterable[object], file: str) -> str:
    return f"`{name}` is not in {file}; known: {', '.join(sorted(map(str, known))) or 'none'}"


def _unanswerable(document: Document, program: Program, lms: Mapping[str, Account]) -> list[Fault]:
    if program.source not in lms:
        return []  # its own fault is reported where it stands
    account = lms[program.source]
    adapter = LMSS[account.adapter]
    supplied = adapter.supplies(account.options)
    named = document.data["criteria"]
    return [
        document.fault(
            ("criteria", criterion.name),
            f"{adapter.label} cannot supply {', '.join(sorted(criterion.asks - supplied))}"
            + ("; write `attested: true` if a person is to attest it" if "attested" in criterion.values else ""),
        )
        for criterion in program.criteria
        if criterion.name in named and not criterion.asks <= supplied
    ]


def _unheld(document: Document, program: Program, programs: Iterable[str]) -> list[Fault]:
    """Credentials that are asked for and that no program issues, or only this one."""
    return [
        document.fault(
            ("criteria", "prerequisites", "credentials"),
            "is the program itself" if name == program.name else _unknown(name, programs, "programs"),
        )
        for name in program.required_credentials
        if name == program.name or name not in programs
    ]


def _undeliverable(document: Document, at: tuple[str | int, ...], award: Award, account: Account) -> list[Fault]:
    adapter, faults = PLATFORMS[account.adapter], []
    unsupported = sorted(set(award.formats) - adapter.formats)
    if unsupported:
        can = ", ".join(sorted(adapter.formats))
        faults.append(document.fault((*at, "formats"), f"{adapter.label} issues {can}, not {', '.join(unsupported)}"))
    for name, text in award.attributes.items():
        try:
            parts = [part[1:] for part in string.Formatter().parse(text) if part[1] is not None]
            used = {field if not (spec or conversion) else text for field, spec, conversion in parts}
        except ValueError:
            used = {text}
        if not used <= set(PLACEHOLDERS):
            known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
            faults.append(document.fault((*at, "attributes", name), f"may use {known}"))
    return faults
