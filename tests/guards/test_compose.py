"""docker-compose.yml without an engine: schema, commands, variables, ports, users, passwords, queues."""

from __future__ import annotations

import importlib
import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from pipeline.configuration.loading import configuration, load_configuration
from pipeline.settings import SETTINGS, read_settings, settings
from sandbox.__main__ import main as sandbox_main
from sandbox.processes import BEAT, LANES, MIGRATE, WORKER, flower, web
from tests import compose

ROOT = compose.ROOT
BIN = Path(sys.executable).parent
DEMO = compose.read_env(compose.DEMO_ENV)
EXAMPLE = compose.read_env(compose.EXAMPLE_ENV)
SECRET = re.compile(r"PASSWORD|SECRET|TOKEN|KEY|AUTH")
#: variables that belong to the images, to Flower, to Celery or to compose itself
OF_OTHERS = {
    "POSTGRES_DB", "POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_INITDB_ARGS", "REDIS_PASSWORD", "REDISCLI_AUTH",
    "FLOWER_BASIC_AUTH", "REMAP_SIGTERM", "COMPOSE_PROFILES",
}  # fmt: skip
#: variables that only docker-compose.yml itself reads
OF_THE_FILE = {"CONFER_ENV_FILE", "CONFER_VERSION", "CONFER_PORT", "FLOWER_PORT", "SANDBOX_PORT"}
OURS = ("migrate", "web", "worker", "lanes", "beat", "flower", "sandbox")


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    return compose.services(DEMO)


@pytest.fixture(scope="module")
def known_variables() -> set[str]:
    names = {setting.variable for setting in SETTINGS}
    names |= {f"{name}_FILE" for name in names}
    return names | configured_variables() | OF_OTHERS


@pytest.fixture
def demo_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The accounts' variables as in the demo, so that the shipped configuration loads."""
    for name in configured_variables() & set(DEMO):
        monkeypatch.setenv(name, DEMO[name])
    monkeypatch.setenv("CONFER_CONFIG", str(ROOT / "config"))
    settings.cache_clear()
    configuration.cache_clear()
    yield
    settings.cache_clear()
    configuration.cache_clear()


def configured_variables() -> set[str]:
    """The variables that the shipped configuration refers to."""
    texts = (file.read_text(encoding="utf-8") for file in (ROOT / "config").rglob("*.yaml"))
    return {name for text in texts for name in re.findall(r"env:([A-Z][A-Z0-9_]*)", re.sub(r"#.*", "", text))}


def test_follows_the_compose_specification() -> None:
    """The schema comes with check-jsonschema, so it is renewed with that package."""
    command = [str(BIN / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec", str(compose.FILE)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_has_every_service_of_the_design(services: dict[str, dict[str, Any]]) -> None:
    assert set(services) == {"postgres", "redis", *OURS}
    assert [name for name, service in services.items() if "profiles" in service] == ["sandbox"]
    assert services["sandbox"]["profiles"] == ["demo"] == DEMO["COMPOSE_PROFILES"].split(",")


def test_commands_are_those_of_the_other_ways_to_run(services: dict[str, dict[str, Any]]) -> None:
    assert tuple(services["migrate"]["command"]) == MIGRATE
    assert tuple(services["web"]["command"]) == web("0.0.0.0:8080", workers=2)
    assert tuple(services["worker"]["command"]) == WORKER
    assert tuple(services["lanes"]["command"]) == LANES
    assert tuple(services["beat"]["command"]) == BEAT
    assert tuple(services["flower"]["command"]) == flower("0.0.0.0", 5555)


def test_commands_start_something_that_exists(services: dict[str, dict[str, Any]]) -> None:
    scripts = {entry.name for entry in entry_points(group="console_scripts")} | {"python"}
    for name in OURS:
        program, *arguments = services[name]["command"]
        assert program in scripts, name
        assert (BIN / program).exists(), name
        if program == "gunicorn":
            module, _, factory = arguments[0].partition(":")
            assert callable(getattr(importlib.import_module(module), factory.removesuffix("()")))
        elif program == "celery":
            assert arguments[:2] == ["-A", "tasks"]
            assert arguments[2] in {"worker", "beat"} | {e.name for e in entry_points(group="celery.commands")}
        elif program == "python":
            assert arguments[0] == "-m"
            assert importlib.util.find_spec(f"{arguments[1]}.__main__")


def test_the_sandbox_takes_its_arguments(services: dict[str, dict[str, Any]]) -> None:
    with pytest.raises(SystemExit) as ended:
        sandbox_main([*services["sandbox"]["command"][3:], "--help"])
    assert ended.value.code == 0


def test_every_queue_has_a_service(services: dict[str, dict[str, Any]], demo_environment: None) -> None:
    """`worker` names its queues, `lanes` takes all others: together they are all, and none is taken by both."""
    configured = set(load_configuration(ROOT / "config").issue_queues) | {"steps", "tick"}
    worker, lanes = services["worker"]["command"], services["lanes"]["command"]
    taken = set(worker[worker.index("-Q") + 1].split(","))
    left = set(lanes[lanes.index("-X") + 1].split(","))
    assert taken == left == {"steps", "tick"}
    assert taken | (configured - left) == configured


def test_knows_every_variable(services: dict[str, dict[str, Any]], known_variables: set[str]) -> None:
    for name, service in services.items():
        unknown = set(service.get("environment", {})) - known_variables
        assert not unknown, f"{name}: {unknown}"
    for file in (EXAMPLE, DEMO):
        assert set(file) <= known_variables | OF_THE_FILE
    referred = {use.name for use in compose.uses(compose.raw())}
    assert referred <= known_variables | OF_THE_FILE


def test_the_example_names_all_that_has_to_be_filled_in() -> None:
    demanded = {use.name for use in compose.uses(compose.raw()) if use.rule == ":?"}
    assert demanded | configured_variables() <= set(EXAMPLE)


@pytest.mark.parametrize("name", sorted({use.name for use in compose.uses(compose.raw()) if use.rule == ":?"}))
def test_nothing_starts_while_a_demanded_variable_is_empty(name: str) -> None:
    with pytest.raises(compose.MissingVariable, match=name):
        compose.services(DEMO | {name: ""})


def test_there_is_no_default_password() -> None:
    document = compose.raw()
    for use in compose.uses(document):
        if SECRET.search(use.name):
            assert use.rule == ":?", f"{use.name} has to be demanded"
    for name, service in document["services"].items():
        for variable, value in service.get("environment", {}).items():
            if SECRET.search(variable) or "://" in value:
                assert _is_reference(value), f"{name}: {variable} holds a password in plain text"
    assert not [name for name, value in EXAMPLE.items() if SECRET.search(name) and value]


def test_demo_values_are_read_only_when_they_are_named() -> None:
    assert compose.DEMO_ENV.name != ".env"
    document = compose.FILE.read_text(encoding="utf-8")
    outside_comments = re.sub(r"#.*", "", document)
    assert compose.DEMO_ENV.name not in outside_comments
    assert not [value for name, value in DEMO.items() if SECRET.search(name) and value in outside_comments]


def test_redis_evicts_nothing_and_writes_down_every_second(services: dict[str, dict[str, Any]]) -> None:
    command = " ".join(services["redis"]["command"])
    for option in ("--appendonly yes", "--appendfsync everysec", "--maxmemory-policy noeviction", "requirepass $"):
        assert option in command
    assert DEMO["REDIS_PASSWORD"] not in command


def test_no_container_is_root(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        user = str(service["user"]).partition(":")[0]
        assert user not in {"", "0", "root"}, name
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert not service.get("privileged"), name
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    users = re.findall(r"^USER (\S+)", dockerfile, re.MULTILINE)
    assert users
    assert users[-1] == services["web"]["user"]
    assert f"--uid {users[-1].partition(':')[0]} " in dockerfile


def test_images_are_pinned_by_tag(services: dict[str, dict[str, Any]]) -> None:
    bases = re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    others = [service["image"] for service in services.values() if "build" not in service]
    for image in (*bases, *others):
        assert re.fullmatch(r"[a-z/]+:\d[\w.-]+", image), image


def test_ports_are_open_to_this_machine_only(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        for port in service.get("ports", []):
            address, _, inside = port.split(":")
            assert address == "127.0.0.1", name
            assert inside in " ".join(service["command"]), f"{name} does not listen on {inside}"
    assert "ports" not in services["postgres"]
    assert "ports" not in services["redis"]


def test_addresses_in_the_file_lead_to_a_service(services: dict[str, dict[str, Any]]) -> None:
    ports = {"postgres": 5432, "redis": 6379, "web": 8080, "sandbox": 9000}
    for name in OURS:
        for variable, value in compose.environment(services[name]).items():
            parts = urlsplit(value)
            if parts.hostname in services:
                allowed = {ports[parts.hostname], *([2525] if parts.scheme == "smtp" else [])}
                assert parts.port in allowed, f"{name}: {variable}"


def test_every_service_is_healthy_or_says_why_not(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        check = service["healthcheck"]
        if name == "migrate":
            assert check == {"disable": True}  # it ends; its exit status is waited for
            continue
        assert set(check) == {"test", "interval", "timeout", "start_period"}, name
        words = " ".join(check["test"])
        for code in re.findall(r"(?:import|from) .*", words):
            compile(code, name, "exec")
        for module in re.findall(r"from (\S+) import", words):
            importlib.import_module(module)


def test_health_checks_ask_for_pages_that_exist(services: dict[str, dict[str, Any]], demo_environment: None) -> None:
    from flower.urls import handlers

    from sandbox.server import create_app as create_sandbox
    from sandbox.world import World
    from web import create_app

    known = {
        "web": [str(rule) for rule in create_app().url_map.iter_rules()],
        "sandbox": [str(rule) for rule in create_sandbox(World()).url_map.iter_rules()],
        "flower": [handler[0] if isinstance(handler, tuple) else handler.regex.pattern for handler in handlers],
    }
    asked = {
        name: urlsplit(address)
        for name, service in services.items()
        for address in re.findall(r"http://[^']+", " ".join(service["healthcheck"].get("test", [])))
    }
    assert set(asked) == set(known)
    for name, address in asked.items():
        assert address.path in known[name], name
        assert f":{address.port}" in services[name]["ports"][0], name


def test_volumes_are_declared_and_paths_exist(services: dict[str, dict[str, Any]]) -> None:
    declared = set(compose.raw()["volumes"])
    used = set()
    for name, service in services.items():
        for volume in service.get("volumes", []):
            source, target, *_ = volume.split(":")
            if source.startswith("."):
                assert (ROOT / source).exists(), f"{name}: {source}"
            else:
                used.add(source)
            assert target.startswith("/")
        assert set(service.get("networks", [])) <= set(compose.raw()["networks"])
    assert used == declared


def test_the_issuers_keys_are_where_they_are_needed_only(services: dict[str, dict[str, Any]]) -> None:
    for name in OURS:
        has_keys = "data:/data" in services[name].get("volumes", [])
        assert has_keys == (name in {"web", "lanes"}), name
        assert has_keys or "/data" in services[name]["tmpfs"], name


def test_a_stop_leaves_time_to_end(services: dict[str, dict[str, Any]]) -> None:
    import celeryconfig

    command = services["web"]["command"]
    needed = {"web": int(command[command.index("--graceful-timeout") + 1])}
    needed |= dict.fromkeys(("worker", "lanes"), celeryconfig.worker_soft_shutdown_timeout)
    for name, seconds in needed.items():
        assert int(services[name]["stop_grace_period"].removesuffix("s")) > seconds + 5
    for name in ("worker", "lanes"):
        assert services[name]["environment"]["REMAP_SIGTERM"] == "SIGQUIT"


def test_the_image_holds_what_the_commands_need() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in ignored
    kept = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    assert kept == {"celeryconfig.py", "pipeline", "pyproject.toml", "requirements.txt", "sandbox", "tasks", "web"}
    assert all((ROOT / name).exists() for name in kept)
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    for font in ("fonts-noto-core", "fonts-noto-cjk"):
        assert font in dockerfile


def test_the_file_with_passwords_is_ignored_by_git() -> None:
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert ".env" in ignored


def test_demo_settings_are_valid(services: dict[str, dict[str, Any]]) -> None:
    for name in OURS[:-1]:
        assert read_settings(compose.environment(services[name]))


def _is_reference(value: str) -> bool:
    """Whether all that is secret in a value is a demanded variable."""
    if "://" not in value:
        return bool(re.fullmatch(r"\$\{\w+:\?[^}]*\}", value))
    password = re.search(r"://[^/]*:(\$\{\w+:\?[^}]*\})@", value)
    return password is not None or "@" not in value
