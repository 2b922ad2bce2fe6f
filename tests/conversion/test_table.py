"""The table of all sources and targets is that of the last measurement, and names all there are."""

import json

import pytest

from faceserver.conversion.convert_any import TARGETS
from faceserver.conversion.readers.kinds import Kind
from faceserver.conversion.readers.source import OPENERS
from tests.conversion.table import COLUMNS, DATA, NO_PRELU, PAGE, Row, render, shown

ROWS: list[Row] = json.loads(DATA.read_text())
NOT_A_SOURCE = {Kind.FOLDER, Kind.MODEL_FOLDER, Kind.UNKNOWN}
"""What is opened only to say what is in it."""

MOST = {"coreml": 0.0, "coreml_run": 1e-3}


def test_the_page_shows_the_last_measurement() -> None:
    assert shown(PAGE.read_text()) == render(ROWS), "python -m tests.conversion.table writes it"


def test_every_source_has_a_row_and_every_target_a_column() -> None:
    assert {row["kind"] for row in ROWS} == {kind.name for kind in set(OPENERS) - NOT_A_SOURCE}
    assert set(TARGETS) <= set(COLUMNS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["source"])
def test_every_figure_is_there_and_small(row: Row) -> None:
    assert row["judge"]
    for name in COLUMNS:
        apart = row["differences"][name]
        if name == "coreml_run" and apart == NO_PRELU:
            continue
        assert 0 <= apart <= MOST.get(name, 1e-5), name
