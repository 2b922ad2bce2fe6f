import os
from pathlib import Path

import pytest

from faceserver.conversion.files import write_together, write_whole


def test_a_file_and_its_folder_appear(tmp_path: Path) -> None:
    path = tmp_path / "new" / "net.caffemodel"
    write_whole(path, b"first")
    write_whole(path, b"second")
    assert path.read_bytes() == b"second"
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(path.parent.iterdir()) == [path]


def test_a_write_that_fails_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "net.caffemodel"
    path.write_bytes(b"first")

    def no_space(_source: str, _target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", no_space)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, b"second")
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_is_never_replaced_by_a_file(tmp_path: Path) -> None:
    (tmp_path / "net.prototxt").write_bytes(b"first")
    (tmp_path / "net.onnx").mkdir()
    (tmp_path / "net.onnx" / "letter.txt").write_text("mine")
    contents = {"net.caffemodel": b"second", "net.prototxt": b"second", "net.onnx": b"second"}
    with pytest.raises(IsADirectoryError):
        write_together(tmp_path, contents)
    assert (tmp_path / "net.prototxt").read_bytes() == b"first"
    assert (tmp_path / "net.onnx" / "letter.txt").read_text() == "mine"
    assert {path.name for path in tmp_path.iterdir()} == {"net.prototxt", "net.onnx"}
