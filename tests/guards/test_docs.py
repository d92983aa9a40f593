"""The documentation says what the code does: generated pages, names of settings, commands and metrics, links."""

from __future__ import annotations

import re
import textwrap
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from docs import generate
from pipeline.configuration.loading import load_configuration
from pipeline.settings import SETTINGS
from tests import compose

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
WRITTEN = [page for page in PAGES if page.parent.name != "reference"]


@pytest.mark.parametrize("name", generate.PAGES)
def test_generated_pages_are_fresh(name: str) -> None:
    page = generate.REFERENCE / name
    assert page.read_text(encoding="utf-8") == generate.PAGES[name](), f"{name} is stale: make docs"


def test_the_reference_holds_nothing_but_generated_pages() -> None:
    assert {page.name for page in generate.REFERENCE.iterdir()} == set(generate.PAGES)


def test_every_setting_is_documented() -> None:
    reference = (generate.REFERENCE / "settings.md").read_text(encoding="utf-8")
    for setting in SETTINGS:
        assert f"| `{setting.variable}` |" in reference
        assert setting.meaning.endswith("."), setting.variable


def test_no_page_names_a_setting_that_does_not_exist() -> None:
    known = {setting.variable for setting in SETTINGS} | {f"{setting.variable}_FILE" for setting in SETTINGS}
    for page in PAGES:
        named = set(re.findall(r"\bCONFER_(?!TEST_)[A-Z_]+\b", page.read_text(encoding="utf-8")))
        assert named <= known, f"{page.name}: {named - known}"


def test_every_command_is_documented() -> None:
    texts = "\n".join(page.read_text(encoding="utf-8") for page in WRITTEN)
    for entry in entry_points(group="celery.commands"):
        if entry.value.startswith("tasks."):
            assert f"celery -A tasks {entry.name}" in texts, entry.name
    targets = re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    for target in set(targets) - {"help"}:
        assert f"make {target}" in texts, target


def test_commands_without_containers_are_those_of_the_compose_file() -> None:
    text = " ".join((ROOT / "docs" / "operations.md").read_text(encoding="utf-8").replace("\\\n", " ").split())
    services = compose.services(compose.read_env(compose.DEMO_ENV))
    for name in ("migrate", "web", "worker", "lanes", "beat", "flower"):
        command = " ".join(services[name]["command"]).replace("0.0.0.0", "127.0.0.1")
        assert command.replace("web:create_app()", "'web:create_app()'") in text, name


def test_every_metric_is_documented() -> None:
    metrics = set(re.findall(r'"(confer_\w+)"', (ROOT / "web" / "metrics.py").read_text(encoding="utf-8")))
    documented = set(re.findall(r"\| `(confer_\w+)`", (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")))
    assert metrics == documented


def test_logged_events_in_the_documentation_exist() -> None:
    code = "\n".join(
        file.read_text(encoding="utf-8")
        for package in ("pipeline", "tasks", "web")
        for file in (ROOT / package).rglob("*.py")
    )
    logged = set(re.findall(r'log\.\w+\(\s*"(\w+)"', code)) | {"delivery_stored", "delivery_repeated"}
    section = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    section = section.partition("\n## Logs")[2].partition("\n## ")[0]
    for line in re.findall(r"^\| (`.*?) \|", section, re.MULTILINE):
        assert set(re.findall(r"`(\w+)`", line)) <= logged, line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"https?://", link):
            continue
        place, _, anchor = link.partition("#")
        target = (page.parent / place).resolve() if place else page
        assert target.exists(), link
        if anchor:
            assert anchor in _anchors(target), link


def test_every_page_is_found_from_the_readme() -> None:
    linked, waiting = {ROOT / "README.md"}, [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        for link in re.findall(r"\]\(([^)#\s]+\.md)", page.read_text(encoding="utf-8")):
            target = (page.parent / link).resolve()
            if target not in linked:
                linked.add(target)
                waiting.append(target)
    assert set(PAGES) <= linked, sorted(str(page) for page in set(PAGES) - linked)


def test_decisions_are_numbered_and_of_one_form() -> None:
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert text.startswith(f"# {int(page.name[:4])}. ")
        headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
        assert headings[:3] == ["Context", "Decision", "Consequences"], page.name


def test_pages_hold_no_path_of_a_machine() -> None:
    for page in PAGES:
        assert not re.search(r"(/work/|/root/|/home/\w)", page.read_text(encoding="utf-8")), page.name


def test_the_configuration_in_the_readme_has_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    accounts, program = map(textwrap.dedent, re.findall(r"```yaml\n(.*?)```", text, re.DOTALL))
    (tmp_path / "programs").mkdir()
    (tmp_path / "accounts.yaml").write_text(accounts, encoding="utf-8")
    (tmp_path / "programs" / "first-aid.yaml").write_text(program, encoding="utf-8")
    (tmp_path / "targets.yaml").write_text("{}\n", encoding="utf-8")
    for name in re.findall(r"env:(\w+)", accounts):
        monkeypatch.setenv(name, "https://lms.example.org")
    found = load_configuration(tmp_path)
    assert set(found.programs) == {"first-aid"}


def _anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
