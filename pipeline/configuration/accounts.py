"""`accounts.yaml` and `targets.yaml`: the LMS, platform and downstream accounts, each with its adapter's options."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates

from pipeline.adapters import LMSS, PLATFORMS, TARGETS
from pipeline.configuration.documents import Document, Fault
from pipeline.configuration.templates import ChoiceSchema, choices_from
from pipeline.contracts import Account, Adapter, Lms, Platform
from pipeline.options import Duration, Network, Secrets
from pipeline.values import Rate
from pipeline.webhook import Entrance

NAME_PATTERN = r"^[a-z][a-z0-9-]{0,39}$"
NAME_HINT = "use lower-case letters, digits and dashes, such as `campus-2`"
#: a name becomes part of a queue name, of a URL and of references, so it is plain
NAME = validate.Regexp(
    r"^[a-z][a-z0-9-]{0,39}$", error="use lower-case letters, digits and dashes, such as `campus-2`"
)


class RateSchema(Schema):
    """`rate: {calls: 100, per_seconds: 60}`"""

    calls = fields.Integer(required=True, strict=True, validate=validate.Range(min=1, max=100_000))
    per_seconds = fields.Decimal(required=True, validate=validate.Range(min=0, min_inclusive=False, max=86_400))


class EntranceSchema(Schema):
    """What a request has to show before the adapter is asked about it: every part that is set."""

    networks = fields.List(Network(), validate=validate.Length(min=1))
    path = Secrets()
    basic = Secrets()
    bearer = Secrets()


class TrafficSchema(Schema):
    """What every platform account may say beside its adapter's own options."""

    rate = fields.Nested(RateSchema)
    in_flight = fields.Integer(strict=True, validate=validate.Range(min=1, max=32))
    #: 1 switches bulk calls off
    bulk = fields.Integer(strict=True, validate=validate.Range(min=1, max=1000))
    settles_seconds = fields.Decimal(validate=validate.Range(min=0, max=86_400))
    #: the templates for awards that name none, by course type and formats
    templates = fields.List(fields.Nested(ChoiceSchema), load_default=list)
    #: only of a platform that announces claims: what its webhook has to show at `/claims/<account>`
    entrance = fields.Nested(EntranceSchema)


class HearingSchema(Schema):
    """What every LMS account may say beside its adapter's own options."""

    entrance = fields.Nested(EntranceSchema)
    #: 200 for a sender that takes nothing else (tool_trigger and logstore_xapi compare exactly)
    success_status = fields.Integer(load_default=202, validate=validate.OneOf([200, 202]))
    #: how often completions are swept that no webhook announced; `never` switches it off
    sweep_every = fields.Raw()
    #: courses that are meant to have no program: their completions are taken and forgotten, and nobody is told
    without_program = fields.List(fields.String(validate=validate.Length(min=1, max=64)), load_default=list)

    @validates("sweep_every")
    def _span(self, value: Any, data_key: str) -> None:
        del data_key
        if value != "never" and Duration().deserialize(value) < timedelta(seconds=10):
            raise ValidationError("write at least `10 s`, or `never`")


def read_accounts(document: Document, section: str | None, faults: list[Fault]) -> dict[str, Account]:
    """The accounts of one section (`lms`, `platforms`), or of the whole file where `section` is None."""
    registry: Mapping[str, type[Adapter]] = {"lms": LMSS, "platforms": PLATFORMS}.get(section or "", TARGETS)
    at = (section,) if section else ()
    entries = document.data.get(section, {}) if section else document.data
    if not isinstance(entries, Mapping):
        faults.append(document.fault(at, "expected accounts by name"))
        return {}
    accounts = {}
    for name in entries:
        if not isinstance(name, str):
            faults.append(document.fault(at, f"{name}: {NAME_HINT}"))
            continue
        account = _read_account(document, (*at, name), registry, faults)
        if account:
            accounts[account.name] = account
    return accounts


def _read_account(
    document: Document, at: tuple[str, ...], registry: Mapping[str, type[Adapter]], faults: list[Fault]
) -> Account | None:
    name = at[-1]
    entry: Any = document.data
    for step in at:
        entry = entry[step]
    if not re.match(NAME_PATTERN, name):
        faults.append(document.fault(at, NAME_HINT))
        return None
    system = str(entry.get("system")) if isinstance(entry, Mapping) else ""
    if system not in registry:
        faults.append(document.fault((*at, "system"), f"write one of: {', '.join(sorted(registry))}"))
        return None
    adapter = registry[system]
    options = document.load(_account_schema(adapter), at=at, faults=faults)
    if options is None:
        return None
    options.pop("system")
    if issubclass(adapter, Lms):
        return _lms_account(document, at, adapter, options, faults)
    if issubclass(adapter, Platform) and "entrance" in options and not adapter.hears:
        faults.append(document.fault((*at, "entrance"), f"{adapter.label} announces nothing; leave it out"))
        return None
    return _account(name, adapter, options, where=f"{document.file}:{document.line(at)}")


def _account_schema(adapter: type[Adapter]) -> Schema:
    own: dict[str, Any] = {"system": fields.String(required=True)}
    beside: type[Schema] = Schema
    if issubclass(adapter, Platform):
        beside = TrafficSchema
    elif issubclass(adapter, Lms):
        beside = HearingSchema
    made: Schema = type("AccountSchema", (adapter.options, beside), own)()
    return made


def _lms_account(
    document: Document, at: tuple[str, ...], adapter: type[Lms], options: dict[str, Any], faults: list[Fault]
) -> Account | None:
    entrance, every = Entrance(**_tuples(options.pop("entrance", {}))), options.pop("sweep_every", None)
    without_program = frozenset(options.pop("without_program"))
    wanted = adapter.needs_entrance(options)
    if wanted and not wanted & entrance.parts:
        problem = f"{adapter.label} does not prove where its events come from: set {' or '.join(sorted(wanted))}"
        faults.append(document.fault((*at, "entrance"), problem))
        return None
    return Account(
        name=at[-1],
        adapter=adapter.name,
        options=options,
        where=f"{document.file}:{document.line(at)}",
        entrance=entrance,
        sweep_every=adapter.sweep_every if every is None else _span(every),
        without_program=without_program,
    )


def _tuples(parts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) for name, value in parts.items()}


def _span(every: object) -> timedelta | None:
    return None if every == "never" else Duration().deserialize(every)


def _account(name: str, adapter: type[Adapter], options: dict[str, Any], *, where: str) -> Account:
    if not issubclass(adapter, Platform):
        return Account(name=name, adapter=adapter.name, options=options, where=where)
    rate, settles = options.pop("rate", None), options.pop("settles_seconds", None)
    return Account(
        name=name,
        adapter=adapter.name,
        where=where,
        in_flight=options.pop("in_flight", None),
        bulk=options.pop("bulk", None),
        rate=Rate(calls=rate["calls"], window=timedelta(seconds=float(rate["per_seconds"])))
        if rate
        else adapter.rate,
        entrance=Entrance(**_tuples(options.pop("entrance", {}))),
        templates=choices_from(options.pop("templates")),
        settles_within=adapter.settles_within if settles is None else timedelta(seconds=float(settles)),
        options=options,
    )
