"""Credentials of a release before status lists and embedded proofs, brought to the present."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text

from pipeline.badges.document import credential_url, instant, sign
from pipeline.badges.standing import Standing, prove
from pipeline.contracts import Account
from pipeline.platforms.openbadges import OpenBadges
from pipeline.settings import Settings, settings
from pipeline.store.badges import Badge
from pipeline.store.database import engine, forget_engine, reading
from pipeline.transport import OpenGate
from tests.unit.test_open_badge import ORDER

ROOT = Path(__file__).parents[2]
_ROW = text(
    "INSERT INTO badges (public_id, ref, account, template, title, achievement, shown_name, issued_at, jwt) "
    "VALUES ('old', 'case-7-g1', 'ours', 'safety', 'Workplace Safety 101', 'safety-101', NULL, "
    "'2026-03-07 12:30:15', :jwt)"
)


def old_document() -> dict[str, object]:
    return {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "id": credential_url("old"),
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "name": "Workplace Safety 101",
        "issuer": {"id": settings().issuer_id, "type": ["Profile"], "name": "Academy", "url": "https://a.example"},
        "validFrom": "2026-03-07T12:30:15Z",
        "awardedDate": "2026-03-07T00:00:00Z",
        "credentialSubject": {"id": "urn:uuid:0", "identifier": [], "achievement": {"name": "Workplace Safety 101"}},
    }


@pytest.fixture
def platform(confer_env: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> OpenBadges:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'old.db'}")
    settings.cache_clear()
    forget_engine()
    alembic = Config(toml_file=str(ROOT / "pyproject.toml"))
    command.upgrade(alembic, "0003")
    with engine().begin() as connection:
        connection.execute(_ROW, {"jwt": sign(old_document())})
    command.upgrade(alembic, "0004")
    return OpenBadges(Account(name="ours", adapter="openbadges", options={}), OpenGate())


def test_an_old_credential_is_found_read_listed_and_revoked(platform: OpenBadges) -> None:
    with reading() as session:
        badge = session.get_one(Badge, "old")
    assert badge.issued_at == instant("2026-03-07T12:30:15Z")
    credential = prove(badge)
    assert (credential.secured, credential.revoked_on) == (None, None)
    found = platform.find(ORDER)
    assert found is not None
    assert found.platform_ref == "old"
    platform.withdraw("old", "integrity")
    with reading() as session:
        assert prove(session.get_one(Badge, "old")).standing(datetime.now(UTC)) is Standing.REVOKED
    assert [held.standing.value for held in platform.held("safety")] == ["withdrawn"]


def test_old_ones_do_not_meet_at_a_place(platform: OpenBadges) -> None:
    with engine().begin() as connection:
        connection.execute(
            text("UPDATE badges SET public_id = 'older', ref = 'case-1-g1' WHERE public_id = 'old'"),
        )
        connection.execute(_ROW, {"jwt": sign(old_document())})
    with reading() as session:
        assert session.query(Badge).filter(Badge.status_list.is_(None)).count() == 2
