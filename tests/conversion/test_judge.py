from pathlib import Path

import numpy as np
import pytest

from faceserver.conversion.checks.judge import difference, run_opencv, sample, unit
from faceserver.errors import ModelError


def test_the_largest_difference_of_all_outputs() -> None:
    expected = {"a": np.zeros((2, 3), np.float32), "b": np.ones(4, np.float32)}
    found = {"a": np.full((2, 3), 2e-5, np.float32), "b": np.full(4, 1.00005, np.float32)}
    assert difference("net", expected, found) == pytest.approx(5e-5, rel=0.01)


@pytest.mark.parametrize("value", [1.001, np.nan, np.inf])
def test_too_large_a_difference_is_an_error(value: float) -> None:
    expected, found = {"a": np.ones(2, np.float32)}, {"a": np.array([1, value], np.float32)}
    with pytest.raises(ModelError, match="net in ONNX: the outputs differ by"):
        difference("net in ONNX", expected, found)


def test_other_outputs_are_an_error() -> None:
    one, three = {"a": np.ones(1, np.float32)}, {"a": np.ones(3, np.float32)}
    with pytest.raises(ModelError, match=r"should be \{'a': \(1,\)\}, but are \{'a': \(3,\)\}"):
        difference("net", one, three)


def test_unit_length() -> None:
    scaled = unit({"a": np.array([[3, 4], [0, 2]], np.float32)})["a"]
    assert np.allclose(scaled, np.array([[0.6, 0.8], [0, 1]]))


def test_the_sample_is_always_the_same() -> None:
    first, again = sample((2, 3, 5, 7)), sample((2, 3, 5, 7))
    assert np.array_equal(first, again)
    assert first.dtype == np.float32
    assert np.abs(first).max() <= 1
    assert not np.array_equal(first[0], first[1])


def test_files_that_opencv_cannot_run_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "net.prototxt").write_text('layer { name: "x" type: "Nonsense" }')
    (tmp_path / "net.caffemodel").write_bytes(b"")
    with pytest.raises(ModelError, match="OpenCV cannot run"):
        run_opencv(
            tmp_path / "net.prototxt", tmp_path / "net.caffemodel", sample((1, 3, 4, 4)), ["x"]
        )
