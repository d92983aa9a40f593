"""Every cell of the fault matrix, in process; tests/faults repeats a sample of it with processes that really die."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.adapters import PLATFORMS
from tests.driver import Driver
from tests.matrix.cells import Cell, cells
from tests.matrix.document import note, told
from tests.matrix.rig import OWN, MatrixRig

CELLS = tuple(cells({name: kind.bulk for name, kind in PLATFORMS.items()}, frozenset({OWN})))


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_there_is_exactly_one_live_credential(confer: Driver, monkeypatch: pytest.MonkeyPatch, cell: Cell) -> None:
    rig = MatrixRig(confer, cell, monkeypatch)
    rig.complete()
    rig.strike()
    confer.settle()
    assert rig.live() == dict.fromkeys(rig.learners, 1), confer.history()
    assert [case.stage for case in confer.cases()] == ["done"] * cell.learners
    rows = rig.credentials()
    assert [row.state for row in rows] == ["confirmed"] * cell.learners
    assert [row.attempts for row in rows] == [0] * cell.learners, "no fault of theirs, no attempt of theirs"
    for learner in rig.learners:
        [mail] = confer.control.mails(to=learner)
        assert mail["receipts"] == 1
    note(cell, rig.how())


def test_the_page_tells_of_every_cell_and_of_no_other() -> None:
    page = Path(__file__).parents[2] / "docs" / "fault-matrix.md"
    assert set(told(page.read_text(encoding="utf-8"))) == {(cell.row, cell.fault.name, cell.moment) for cell in CELLS}
