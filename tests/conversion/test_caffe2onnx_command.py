"""The command line of caffe2onnx: what it says, checks and refuses."""

from pathlib import Path

import pytest

from faceserver.conversion import caffe2onnx
from faceserver.conversion.checks import judge
from faceserver.conversion.command import run
from faceserver.errors import ModelError
from tests.conversion.caffenets import Net, data, layer, noise

CONV = layer("Convolution", "convolution_param { num_output: 4 kernel_size: 3 }")
WEIGHTS = {"it": [noise(4, 6, 3, 3) * 100, noise(4)]}


def arguments(net: Net, folder: Path) -> list[str]:
    return [*map(str, net.save(folder)), str(folder / "out" / "net.onnx")]


def test_it_says_what_the_model_takes_and_gives(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    caffe2onnx.main(arguments(Net(data() + CONV, WEIGHTS), tmp_path))
    path = tmp_path / "out" / "net.onnx"
    assert capsys.readouterr().out.startswith(
        f"{path}: data (batch, 6, rows, columns) -> it (batch, 4, ?, ?)\nchecked against "
    )
    assert path.stat().st_size > 4 * WEIGHTS["it"][0].size


def test_it_checks_what_it_makes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    caffe2onnx.main(arguments(Net(data() + CONV, WEIGHTS), tmp_path))
    _model, checked = capsys.readouterr().out.splitlines()
    assert checked.startswith(f"checked against {tmp_path / 'net.caffemodel'}: differs by at most ")
    assert float(checked.rpartition(" ")[2]) < 1e-5


def test_nothing_is_written_when_the_check_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judge, "TOLERANCE", -1.0)
    with pytest.raises(ModelError, match="the outputs differ by"):
        caffe2onnx.main(arguments(Net(data() + CONV, WEIGHTS), tmp_path))
    assert not (tmp_path / "out").exists()


def test_a_difference_is_written_by_the_users_word_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judge, "TOLERANCE", -1.0)
    caffe2onnx.main([*arguments(Net(data() + CONV, WEIGHTS), tmp_path), "--no-check"])
    assert (tmp_path / "out" / "net.onnx").exists()


def test_a_network_with_two_inputs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    net = Net(data(name="a") + data(name="b") + layer("Eltwise", bottoms="a b"))
    caffe2onnx.main(arguments(net, tmp_path))
    assert "differs by at most" in capsys.readouterr().out


def test_what_is_in_the_way_is_said(tmp_path: Path) -> None:
    prototxt, caffemodel, _out = arguments(Net(data() + CONV, WEIGHTS), tmp_path)
    with pytest.raises(ModelError, match="is a folder: say the file"):
        caffe2onnx.main([prototxt, caffemodel, str(tmp_path)])
    with pytest.raises(ModelError, match=r"the file .*net\.prototxt is in the way"):
        caffe2onnx.main([prototxt, caffemodel, f"{prototxt}/net.onnx"])
    with pytest.raises(ModelError, match=r"net\.caffemodel is a caffemodel, where a prototxt"):
        caffe2onnx.main([caffemodel, prototxt, str(tmp_path / "net.onnx")])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (layer("LSTM"), "layer 'it' has the unknown type 'LSTM'"),
        ("layer {", "is not a prototxt"),
        (layer("ReLU", bottoms="nothing"), "layer 'it' reads 'nothing', which no layer makes"),
    ],
)
def test_an_error_is_one_line_and_nothing_is_written(
    tmp_path: Path, text: str, message: str
) -> None:
    given = arguments(Net(data()), tmp_path)
    Path(given[0]).write_text(data() + text)
    with pytest.raises(SystemExit) as caught:
        run(lambda: caffe2onnx.main(given))
    assert str(caught.value).startswith("error: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    prototxt, caffemodel, out = arguments(Net(data() + CONV, WEIGHTS), tmp_path)
    content = Path(caffemodel).read_bytes()
    Path(caffemodel).write_bytes(content[: len(content) // 2])
    with pytest.raises(ModelError, match=r"net\.caffemodel is truncated, or not a caffemodel"):
        caffe2onnx.main([prototxt, caffemodel, out])
    with pytest.raises(ModelError, match=r"none\.prototxt cannot be read: No such file"):
        caffe2onnx.main([str(tmp_path / "none.prototxt"), caffemodel, out])


def test_help_names_the_types(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        caffe2onnx.main(["--help"])
    said = capsys.readouterr().out
    assert "Turns a Caffe network into the ONNX file" in said
    assert "Normalize" in said
