"""The environment: read as a whole, every fault told at once, and no secret ever shown."""

from __future__ import annotations

import contextlib
import dataclasses
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.contracts import Account
from pipeline.settings import SETTINGS, Settings, SettingsFault, read_settings
from pipeline.transport import Client, OpenGate

SECRET = "0123456789abcdef0123456789abcdef"
LEAST = {"CONFER_SECRET_KEY": SECRET}


def faults(**environ: str) -> list[str]:
    with pytest.raises(SettingsFault) as caught:
        read_settings({**LEAST, **environ})
    return caught.value.faults


def test_one_secret_is_all_that_has_to_be_set() -> None:
    found = read_settings(LEAST)
    assert found.secret_key == SECRET
    assert found.database_url == f"sqlite:///{Path('var/confer.db').absolute()}"
    assert found.redis_url == ""
    assert found.retry_interval == timedelta(minutes=5)
    assert found.issuer_id == "did:web:localhost%3A8080"
    assert found.issuer_url == found.public_url == "http://localhost:8080"
    assert found.trusted_hosts == ("localhost", "127.0.0.1")


def test_all_faults_are_told_at_once_each_with_its_variable_and_its_meaning() -> None:
    told = faults(
        CONFER_SECRET_KEY="short",
        REDIS_URL="http://x",
        DATABASE_URL="mysql://x",
        CONFER_TICK_SECONDS="soon",
        CONFER_TRUSTED_PROXIES="9",
        CONFER_LOG_LEVEL="loud",
        CONFER_SMTP_URL="http://mail",
        CONFER_PUBLIC_URL="ftp://x",
        CONFER_MAX_BODY_BYTES="-1",
        CONFER_LEASE_SECONDS="nan",
    )
    named = [fault.partition(":")[0] for fault in told]
    assert sorted(named) == sorted(
        [
            "CONFER_SECRET_KEY", "REDIS_URL", "DATABASE_URL", "CONFER_TICK_SECONDS", "CONFER_TRUSTED_PROXIES",
            "CONFER_LOG_LEVEL", "CONFER_SMTP_URL", "CONFER_PUBLIC_URL", "CONFER_MAX_BODY_BYTES",
            "CONFER_LEASE_SECONDS",
        ]
    )  # fmt: skip
    meanings = {setting.variable: setting.meaning for setting in SETTINGS}
    for fault in told:
        assert fault.endswith(meanings[fault.partition(":")[0]])


@pytest.mark.parametrize("value", [None, "", "x" * 31])
def test_a_missing_or_short_secret_is_refused_and_not_shown(value: str | None) -> None:
    environ = {} if value is None else {"CONFER_SECRET_KEY": value}
    with pytest.raises(SettingsFault) as caught:
        read_settings(environ)
    assert "CONFER_SECRET_KEY" in str(caught.value)
    assert not value or value not in str(caught.value)


def test_a_fault_never_quotes_what_was_written() -> None:
    told = faults(
        CONFER_SMTP_URL="imap://user:hunter2@mail", DATABASE_URL="oracle://u:hunter2@db", REDIS_URL="x://:hunter2@r"
    )
    assert "hunter2" not in "".join(told)


def test_a_variable_may_name_a_file_that_holds_its_value(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"{SECRET}-from-file\n")
    assert read_settings({"CONFER_SECRET_KEY_FILE": str(file)}).secret_key == f"{SECRET}-from-file"


@pytest.mark.parametrize("how", ["missing", "empty", "directory", "not text"])
def test_a_file_that_cannot_be_read_is_a_fault_like_any_other(tmp_path: Path, how: str) -> None:
    file = tmp_path / "key"
    if how == "empty":
        file.write_text(" \n")
    elif how == "directory":
        file.mkdir()
    elif how == "not text":
        file.write_bytes(b"\xff\xfe" * 40)
    with pytest.raises(SettingsFault) as caught:
        read_settings({"CONFER_SECRET_KEY_FILE": str(file), "CONFER_TICK_SECONDS": "x"})
    assert [fault.partition(":")[0] for fault in caught.value.faults] == ["CONFER_SECRET_KEY", "CONFER_TICK_SECONDS"]


@pytest.mark.parametrize(("lease", "fine"), [("59.9", False), ("60", True)])
def test_a_lease_shorter_than_three_calls_is_a_contradiction(lease: str, fine: bool) -> None:
    environ = {**LEAST, "CONFER_LEASE_SECONDS": lease, "CONFER_CALL_TIMEOUT_SECONDS": "20"}
    if fine:
        assert read_settings(environ).lease == timedelta(seconds=60)
    else:
        with pytest.raises(SettingsFault, match="three times"):
            read_settings(environ)


@pytest.mark.parametrize(
    ("url", "issuer"),
    [
        ("https://credentials.academy.example", "did:web:credentials.academy.example"),
        ("https://academy.example/credentials/", "did:web:academy.example:credentials"),
        ("https://academy.example:8443/a/b", "did:web:academy.example%3A8443:a:b"),
    ],
)
def test_the_issuer_is_the_did_of_the_public_address(url: str, issuer: str) -> None:
    assert read_settings({**LEAST, "CONFER_PUBLIC_URL": url}).issuer_id == issuer


def test_the_public_host_is_always_trusted() -> None:
    found = read_settings(
        {**LEAST, "CONFER_TRUSTED_HOSTS": " a.example, b.example ,", "CONFER_PUBLIC_URL": "https://c.example"}
    )
    assert found.trusted_hosts == ("a.example", "b.example", "c.example")


def test_every_setting_has_its_row_and_every_row_its_setting() -> None:
    assert {setting.field for setting in SETTINGS} == {field.name for field in dataclasses.fields(Settings)}
    assert all(setting.meaning.endswith(".") for setting in SETTINGS)


def test_secrets_are_not_in_the_representation() -> None:
    found = read_settings(
        {
            **LEAST,
            "CONFER_SMTP_URL": "smtp://user:hunter2@mail",
            "DATABASE_URL": "postgresql://user:hunter2@db/confer",
            "REDIS_URL": "redis://:hunter2@redis/0",
            "CONFER_METRICS_TOKEN": "hunter2",
        }
    )
    assert SECRET not in repr(found)
    assert "hunter2" not in repr(found)
    account = Account(name="a", adapter="sis", options={"token": "hunter2"})
    client = Client(system="x", base_url="http://x", headers={"Authorization": "hunter2"}, timeout=1, gate=OpenGate())
    assert "hunter2" not in repr(account) + repr(client)


@given(
    variable=st.sampled_from([setting.variable for setting in SETTINGS]),
    value=st.text(st.characters(exclude_characters="\x00"), max_size=30),
)
def test_any_value_of_any_variable_is_read_or_is_a_told_fault(variable: str, value: str) -> None:
    with contextlib.suppress(SettingsFault):
        read_settings({**LEAST, variable: value})
