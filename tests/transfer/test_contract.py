from pathlib import Path

import pytest

from faceserver.transfer.contract import check_contract, find_contracts

ROOT = Path(__file__).resolve().parents[2]


def test_the_embedding_models_are_found_by_name(tmp_path: Path) -> None:
    found = find_contracts(ROOT / "models")
    assert "20180408-102900" in found
    assert not any("mtcnn" in name for name in found)
    for name, text in {"a": 'kind = "embedder"\nname = "x"', "b": "= =", "c": ""}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.toml").write_text(text)
    assert list(find_contracts(tmp_path)) == ["x"]


@pytest.mark.parametrize("theirs", [None, 'dims = 5\nnetworks = "odd"'])
def test_what_is_unknown_here_or_came_without_a_contract_passes(theirs: str | None) -> None:
    check_contract("x", theirs, {})
    check_contract("x", None, {"x": "dims = 4"})
