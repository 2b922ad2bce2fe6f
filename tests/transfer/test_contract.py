from pathlib import Path

import pytest

from faceserver.errors import StoreMismatch
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


NOW = """
kind = "embedder"
name = "x"
dims = 4
[input]
channels = "rgb"
normalization = { kind = "fixed", mean = 127.5, scale = 0.0078125 }
[crop]
kind = "square"
side = 1.15
lowered = 0.1
size = 160
[networks.embedder]
sha256 = { "x.caffemodel" = "abc" }
"""

BEFORE = """
kind = "embedder"
name = "x"
dims = 4
normalization = { kind = "fixed", mean = 127.5, scale = 0.0078125 }
[crop]
kind = "square"
side = 1.15
lowered = 0.1
size = 160
[networks.embedder]
sha256 = "abc"
"""


def test_a_description_of_the_first_form_promises_the_same() -> None:
    check_contract("x", BEFORE, {"x": NOW})
    check_contract("x", NOW, {"x": NOW})


@pytest.mark.parametrize(
    ("now", "then", "part"),
    [
        ("side = 1.15", "side = 1.38", "crop"),
        ("mean = 127.5", "mean = 0.0", "input"),
        ('channels = "rgb"', 'channels = "bgr"', "input"),
        ('"abc"', '"def"', "weights"),
        ("dims = 4", "dims = 4\noptions = { mirror = true }", "options"),
    ],
)
def test_what_changes_the_vectors_is_another_model(now: str, then: str, part: str) -> None:
    with pytest.raises(StoreMismatch, match=f"differ in {part}"):
        check_contract("x", NOW.replace(now, then), {"x": NOW})
