"""What the environment decides: addresses, secrets, limits. Read once, checked as a whole, never changed.

The table `SETTINGS` is the only place that knows a setting; the reference page is generated from it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


class SettingsFault(Exception):
    """The environment does not make a runnable whole. Holds every fault at once."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The checked settings; `SETTINGS` says what each means."""

    database_url: str = field(repr=False)  # may hold a password, like the next one
    redis_url: str = field(repr=False)
    config: Path
    data: Path
    public_url: str
    secret_key: str = field(repr=False)
    smtp_url: str = field(repr=False)
    mail_from: str
    mail_reply_to: str
    organization: str
    linkedin_organization_id: str
    issuer_id: str
    issuer_url: str
    metrics_token: str = field(repr=False)
    trusted_hosts: tuple[str, ...]
    trusted_proxies: int
    max_body_bytes: int
    call_timeout: float
    lease: timedelta
    retry_interval: timedelta
    reannounce: timedelta
    tick: float
    slice: float
    mail_settles: timedelta
    log_level: str


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One row of the reference: the variable, its default, how it is read, what it means."""

    field: str
    variable: str
    default: str
    read: Callable[[str], Any]
    meaning: str
    secret: bool = False
    required: bool = False


def _url(*schemes: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text and urlsplit(text).scheme.split("+")[0] not in schemes:
            raise ValueError(f"must start with {' or '.join(scheme + '://' for scheme in schemes)}")
        return text.rstrip("/") if "http" in schemes else text

    return read


def _number(low: float, high: float, make: Callable[[float], Any] = float) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        try:
            value = float(text)
        except ValueError:
            raise ValueError("must be a number") from None
        if not low <= value <= high:
            raise ValueError(f"must be between {low:g} and {high:g}")
        return make(value)

    return read


def _seconds(low: float, high: float) -> Callable[[str], timedelta]:
    return _number(low, high, lambda value: timedelta(seconds=value))


def _long_secret(text: str) -> str:
    if len(text) < 32:
        raise ValueError("must have at least 32 characters; make one with: openssl rand -hex 32")
    return text


def _one_of(*allowed: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}")
        return text

    return read


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


SETTINGS: tuple[Setting, ...] = (
    Setting(field="database_url", variable="DATABASE_URL", default="", read=_url("postgresql", "sqlite"), secret=True,
            meaning="Where the work is kept: `postgresql+psycopg://…`. Empty: a SQLite file in `CONFER_DATA`."),
    Setting(field="redis_url", variable="REDIS_URL", default="", read=_url("redis", "rediss"), secret=True,
            meaning="The broker for wake-ups. Empty: files in `CONFER_DATA`."),
    Setting(field="config", variable="CONFER_CONFIG", default="config", read=Path,
            meaning="Directory of `accounts.yaml`, `targets.yaml` and `programs/`."),
    Setting(field="data", variable="CONFER_DATA", default="var", read=Path,
            meaning="Directory for what Confer keeps as files: the issuer's key and, without servers, "
            "database and broker."),
    Setting(field="public_url", variable="CONFER_PUBLIC_URL", default="http://localhost:8080",
            read=_url("http", "https"),
            meaning="Address under which the public reaches the verification pages; part of every credential "
            "that we issue ourselves, so choose it for years."),
    Setting(field="secret_key", variable="CONFER_SECRET_KEY", default="", read=_long_secret, secret=True,
            required=True,
            meaning="Signs status links and derives the references under which platforms know our credentials. "
            "At least 32 characters. Keep it with the database: it does not rotate."),
    Setting(field="smtp_url", variable="CONFER_SMTP_URL", default="smtp://localhost:25",
            read=_url("smtp", "smtps"), secret=True,
            meaning="Mail server: `smtp://user:password@host:587?starttls=1`, or `smtps://…:465`."),
    Setting(field="mail_from", variable="CONFER_MAIL_FROM", default="Credentials <credentials@localhost>", read=str,
            meaning="Sender of the mails to learners."),
    Setting(field="mail_reply_to", variable="CONFER_MAIL_REPLY_TO", default="", read=str,
            meaning="Where a learner's answer goes; empty: to the sender."),
    Setting(field="organization", variable="CONFER_ORGANIZATION", default="Example Academy", read=str,
            meaning="Name of the issuing organization on pages, mails and certificates."),
    Setting(field="linkedin_organization_id", variable="CONFER_LINKEDIN_ORGANIZATION_ID", default="", read=str,
            meaning="Numeric id of the LinkedIn company page, shown with its logo on a profile; empty: the name "
            "is used."),
    Setting(field="issuer_id", variable="CONFER_ISSUER_ID", default="", read=str,
            meaning="Identifier in the credentials that we sign. Empty: the did:web of `CONFER_PUBLIC_URL`."),
    Setting(field="issuer_url", variable="CONFER_ISSUER_URL", default="", read=_url("http", "https"),
            meaning="Home page of the issuer in the credentials that we sign. Empty: `CONFER_PUBLIC_URL`."),
    Setting(field="metrics_token", variable="CONFER_METRICS_TOKEN", default="", read=str, secret=True,
            meaning="Bearer token that `/metrics` asks for. Empty: only callers on the same machine are answered."),
    Setting(field="trusted_hosts", variable="CONFER_TRUSTED_HOSTS", default="localhost,127.0.0.1", read=_names,
            meaning="Host names under which the web process answers, comma-separated; the host of "
            "`CONFER_PUBLIC_URL` is always among them."),
    Setting(field="trusted_proxies", variable="CONFER_TRUSTED_PROXIES", default="0", read=_number(0, 8, int),
            meaning="How many reverse proxies in front add themselves to X-Forwarded-For."),
    Setting(field="max_body_bytes", variable="CONFER_MAX_BODY_BYTES", default="262144",
            read=_number(1024, 64 * 1024 * 1024, int), meaning="Largest webhook body that is read."),
    Setting(field="call_timeout", variable="CONFER_CALL_TIMEOUT_SECONDS", default="20", read=_number(0.5, 60),
            meaning="Bound on one whole call to an outside system."),
    Setting(field="lease", variable="CONFER_LEASE_SECONDS", default="90", read=_seconds(2, 600),
            meaning="How long a worker may keep a row before another one takes it over. At least three times "
            "the call timeout."),
    Setting(field="retry_interval", variable="CONFER_RETRY_SECONDS", default="300", read=_seconds(0.1, 86400),
            meaning="Between the three attempts after a failure that is about one row (guide, step 6)."),
    Setting(field="reannounce", variable="CONFER_REANNOUNCE_SECONDS", default="15", read=_seconds(0.5, 600),
            meaning="How long a due row waits for its wake-up before the tick sends another."),
    Setting(field="tick", variable="CONFER_TICK_SECONDS", default="5", read=_number(0.5, 60),
            meaning="How often beat sends the tick."),
    Setting(field="slice", variable="CONFER_SLICE_SECONDS", default="10", read=_number(0.5, 60),
            meaning="How long a lane pump works before it hands over, so that a deploy never waits longer."),
    Setting(field="mail_settles", variable="CONFER_MAIL_SETTLES_SECONDS", default="300", read=_seconds(0.5, 86400),
            meaning="How long after an unclear hand-over a mail is sent once more, with the same Message-ID."),
    Setting(field="log_level", variable="CONFER_LOG_LEVEL", default="INFO",
            read=_one_of("DEBUG", "INFO", "WARNING", "ERROR"), meaning="Least important log line that is written."),
)  # fmt: skip


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Read and check the environment. A variable `NAME_FILE` names a file that holds the value of `NAME`.

    Raises:
        SettingsFault: with every fault found, each naming variable, fault and mend.
    """
    faults: list[str] = []
    values: dict[str, Any] = {}
    for setting in SETTINGS:
        try:
            text = _text(setting, environ)
            if setting.required and not text:
                raise ValueError("is not set")
            values[setting.field] = setting.read(text) if text or setting.default or setting.required else text
        except (ValueError, OSError) as fault:
            faults.append(f"{setting.variable}: {fault}. {setting.meaning}")
    if isinstance(values.get("trusted_hosts"), str):
        values["trusted_hosts"] = ()
    if not faults:
        faults += _contradictions(values)
    if faults:
        raise SettingsFault(faults)
    return Settings(**_completed(values))


def _text(setting: Setting, environ: Mapping[str, str]) -> str:
    file = environ.get(f"{setting.variable}_FILE")
    if file:
        return Path(file).read_text(encoding="utf-8").strip()
    return environ.get(setting.variable) or setting.default


def _contradictions(values: Mapping[str, Any]) -> list[str]:
    if values["lease"].total_seconds() < 3 * values["call_timeout"]:
        return [
            "CONFER_LEASE_SECONDS: must be at least three times CONFER_CALL_TIMEOUT_SECONDS, or a row is taken "
            "over while its call still runs"
        ]
    return []


def _completed(values: dict[str, Any]) -> dict[str, Any]:
    public = urlsplit(values["public_url"])
    if not values["database_url"]:
        values["database_url"] = f"sqlite:///{(values['data'] / 'confer.db').absolute()}"
    if not values["issuer_id"]:
        authority = (public.netloc.rpartition("@")[2]).replace(":", "%3A")
        path = public.path.strip("/").replace("/", ":")
        values["issuer_id"] = f"did:web:{authority}" + (f":{path}" if path else "")
    values["issuer_url"] = values["issuer_url"] or values["public_url"]
    values["trusted_hosts"] = tuple(dict.fromkeys((*values["trusted_hosts"], public.hostname or "localhost")))
    assert set(values) == {one.name for one in fields(Settings)}  # noqa: S101 - SETTINGS and Settings agree
    return values


@cache
def settings() -> Settings:
    """The settings of this process, read from the environment on first use.

    Raises:
        SettingsFault: see `read_settings`.
    """
    return read_settings(os.environ)
