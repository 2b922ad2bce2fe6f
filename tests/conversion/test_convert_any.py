"""One command from any source to any form; here the forms that need nothing installed."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from click.testing import CliRunner
from onnx import TensorProto, helper, numpy_helper

from faceserver.cli.main import main
from faceserver.conversion import caffe2onnx, convert_any
from faceserver.conversion.caffe.prototxt import read_prototxt
from faceserver.conversion.checks import judge
from faceserver.conversion.checks.judge import run_opencv, run_openvino
from faceserver.conversion.checks.report import Report
from faceserver.conversion.network import read_network
from faceserver.conversion.readers.source import open_source
from faceserver.errors import ModelError
from faceserver.models.spec import EmbedderSpec, load_spec
from faceserver.types import Floats
from tests.conversion.graphs import Graph, run_everywhere

SIDE = 28


def noise(*shape: int) -> Floats:
    return np.random.default_rng(shape).standard_normal(shape, np.float32)


def arcface(folder: Path, *, unit: bool = True, open_size: bool = False) -> Path:
    """A network of ArcFace's kind as PyTorch exports it: norms first, residual sums, a product."""
    tensors: dict[str, Floats] = {}
    nodes = []

    def node(op: str, inputs: list[str], output: str, **attributes: object) -> str:
        nodes.append(helper.make_node(op, inputs, [output], name=f"/{output}/{op}", **attributes))
        return output

    def norm(source: str, name: str, channels: int) -> str:
        parts = {"g": noise(channels), "b": noise(channels, 2)[:, 0], "m": noise(channels, 3)[:, 0]}
        parts["v"] = np.abs(noise(channels, 4)[:, 0]) + np.float32(0.1)
        names = [f"{name}.{key}" for key in parts]
        tensors.update(zip(names, parts.values(), strict=True))
        return node("BatchNormalization", [source, *names], name, epsilon=1e-5)

    def conv(
        source: str, name: str, sizes: tuple[int, ...], stride: int = 1, groups: int = 1
    ) -> str:
        tensors[f"{name}.w"] = noise(*sizes) / np.float32(np.sqrt(np.prod(sizes[1:])))
        pad = [sizes[2] // 2] * 4
        return node(
            "Conv", [source, f"{name}.w"], name, pads=pad, strides=[stride] * 2, group=groups,
            kernel_shape=list(sizes[2:]),
        )  # fmt: skip

    def prelu(source: str, name: str, channels: int) -> str:
        tensors[f"{name}.s"] = noise(channels, 1, 1)
        return node("PRelu", [source, f"{name}.s"], name)

    x = prelu(norm(conv("input", "c1", (8, 3, 3, 3)), "n1", 8), "p1", 8)
    y = prelu(conv(norm(x, "n2", 8), "c2", (8, 1, 3, 3), 2, 8), "p2", 8)
    y = norm(conv(y, "c3", (12, 8, 3, 3)), "n3", 12)
    short = norm(conv(x, "c4", (12, 8, 1, 1), 2), "n4", 12)
    total = node("Add", [y, short], "sum")
    gate = node("Sigmoid", [node("GlobalAveragePool", [total], "mean")], "gate")
    total = node("Mul", [total, gate], "gated")
    total = node("MaxPool", [total], "sub", kernel_shape=[1, 1], strides=[2, 2])
    total = node(
        "AveragePool", [total], "avg", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]
    )
    row = node("Flatten", [norm(total, "n5", 12)], "flat")
    tensors["fc.w"], tensors["fc.b"] = noise(64, 12 * 4 * 4) / np.float32(14), noise(64)
    row = norm(node("Gemm", [row, "fc.w", "fc.b"], "fc", transB=1), "features", 64)
    if unit:
        length = node("ReduceL2", [row], "length", axes=[1], keepdims=1)
        row = node("Div", [row, length], "output")
    sizes = ["batch", 3, "rows", "columns"] if open_size else ["batch", 3, SIDE, SIDE]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, sizes)],
        [helper.make_tensor_value_info(row, TensorProto.FLOAT, None)],
        [numpy_helper.from_array(values, name) for name, values in tensors.items()],
    )
    path = folder / "arcface.onnx"
    opsets = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    return path


SAID = ("--normalization", "signed", "--channels", "rgb")


def run(source: Path, out: Path, *options: str) -> dict[str, object]:
    convert_any.main([str(source), str(out), *options])
    report: dict[str, object] = json.loads((out / "report.json").read_bytes())
    return report


@pytest.mark.parametrize("unit", [True, False])
def test_an_onnx_file_becomes_caffe_and_onnx(tmp_path: Path, unit: bool) -> None:
    source, out = arcface(tmp_path, unit=unit), tmp_path / "out"
    report = run(source, out, *SAID, "--name", "face")
    assert report["judge"] in ("ONNX Runtime", "ONNX's reference implementation")
    embedding = report["embedding"]
    assert isinstance(embedding, dict)
    assert max(value for forms in embedding.values() for value in forms.values()) < 1e-6
    layers = report["layers"]
    assert isinstance(layers, list)
    assert len(layers) > 10
    spec = load_spec(out, EmbedderSpec)
    assert (spec.dims, spec.crop.size, spec.licence) == (64, SIDE, "unknown")
    assert sorted(path.name for path in out.iterdir()) == [
        "face.caffemodel",
        "face.onnx",
        "face.prototxt",
        "model.toml",
        "report.json",
    ]
    types = [layer.type for layer in read_prototxt(out / "face.prototxt").layer]
    assert {"PReLU", "InnerProduct", "Scale", "Eltwise"} <= set(types)


def test_each_form_keeps_to_its_own_limit() -> None:
    """Rounding the weights of one form loosens nothing of the others."""

    def report(**apart: float) -> Report:
        return Report("net", "judge", 0, 0.0, {"random": apart}, (), limits={"TFLite": 1e-1})

    report(Caffe=9e-5, TFLite=5e-2).check()
    with pytest.raises(ModelError, match=r"in Caffe differs by 2\.0e-04, more than 1e-04"):
        report(Caffe=2e-4, TFLite=5e-2).check()
    with pytest.raises(ModelError, match=r"the embedding in TFLite differs by nan"):
        report(Caffe=0.0, TFLite=float("nan")).check()


@pytest.mark.parametrize("name", ["net.onnx", "net.caffemodel", "model.toml"])
def test_a_folder_in_the_way_is_said_before_any_work(tmp_path: Path, name: str) -> None:
    mine = tmp_path / "out" / name / "letter.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    with pytest.raises(ModelError, match=rf"{name} cannot be written: a folder of that name"):
        run(tmp_path / "none.onnx", tmp_path / "out", *SAID, "--name", "net")
    assert mine.read_text() == "mine"


def test_an_error_names_the_users_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Caffe's files lie in a folder of ours while they are compared."""

    def refuse(*_arguments: object) -> None:
        raise ModelError("layer 'x': no")

    monkeypatch.setattr(caffe2onnx, "to_onnx", refuse)
    source = arcface(tmp_path)
    with pytest.raises(ModelError) as caught:
        run(source, tmp_path / "out", *SAID)
    assert str(caught.value) == f"{source}: layer 'x': no"
    monkeypatch.undo()
    monkeypatch.setattr(judge, "run_opencv", refuse)
    with pytest.raises(ModelError) as caught:
        run(source, tmp_path / "out", *SAID)
    assert str(caught.value) == f"{source} cannot be compared: layer 'x': no"


def test_a_layer_named_as_a_step_inside_another(tmp_path: Path) -> None:
    """As what was written here names them, which is a source again."""
    nodes = [
        helper.make_node("Mul", ["x", "two"], ["a:scaled"], name="a:scaled"),
        helper.make_node("Add", ["a:scaled", "two"], ["a"], name="a"),
        helper.make_node("Relu", ["a"], ["end"], name="end"),
    ]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 6])],
        [helper.make_tensor_value_info("end", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(noise(1, 3, 1, 1), "two")],
    )
    path = tmp_path / "net.onnx"
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path
    )
    run(path, tmp_path / "out", *SAID)


@pytest.mark.parametrize(
    ("side", "options", "expected"),
    [
        (112, [], ("arcface", "aligned", 1.2)),
        (SIDE, [], ("facenet", "square", 0.9)),
        (SIDE, ["--crop", "aligned"], ("arcface", "aligned", 1.2)),
        (112, ["--crop", "square", "--threshold", "0.5"], ("facenet", "square", 0.5)),
    ],
)
def test_the_crop_is_as_said_or_as_the_size_tells(
    tmp_path: Path, side: int, options: list[str], expected: tuple[str, str, float]
) -> None:
    graph = Graph((1, side, side, 3))
    conv = graph.conv("a", "input", graph.noise(3, 3, 3, 4), (4, 4))
    mean = graph.pool("AvgPool", conv, (side // 4, side // 4), (1, 1), "VALID")
    graph.dense("fc", graph.reshape("flat", mean, [-1, 4]), graph.noise(4, 64))
    run(graph.save(tmp_path), tmp_path / "out", *SAID, *options)
    spec = load_spec(tmp_path / "out", EmbedderSpec)
    assert (spec.architecture, spec.crop.kind, spec.distances.threshold) == expected
    assert spec.crop.size == side


def test_onnx_alone(tmp_path: Path) -> None:
    run(arcface(tmp_path), tmp_path / "out", *SAID, "--to", "onnx")
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"network.onnx", "model.toml", "report.json"}
    assert load_spec(tmp_path / "out", EmbedderSpec).networks["embedder"].caffemodel is None


def test_a_size_that_is_left_open_must_be_said(tmp_path: Path) -> None:
    source = arcface(tmp_path, open_size=True)
    with pytest.raises(ModelError, match=r"arcface\.onnx: it does not fix the size"):
        run(source, tmp_path / "out", *SAID)
    run(source, tmp_path / "out", *SAID, "--input-size", f"{SIDE}x{SIDE}")


def test_a_rectangle_has_no_model_toml(tmp_path: Path) -> None:
    graph = Graph((1, 16, 12, 3))
    conv = graph.conv("a", "input", graph.noise(3, 3, 3, 4), (4, 4))
    graph.dense("fc", graph.reshape("flat", conv, [-1, 48]), graph.noise(48, 9))
    run(graph.save(tmp_path), tmp_path / "out", *SAID)
    assert not (tmp_path / "out" / "model.toml").exists()


def test_several_outputs(tmp_path: Path) -> None:
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "w"], ["c"], name="c"),
            helper.make_node("Relu", ["c"], ["boxes"], name="a"),
            helper.make_node("Softmax", ["boxes"], ["scores"], name="b", axis=1),
        ],
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 6])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
            for name in ("boxes", "scores")
        ],
        [numpy_helper.from_array(noise(5, 3, 1, 1), "w")],
    )
    path = tmp_path / "two.onnx"
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path
    )
    run(path, tmp_path / "out", *SAID)
    blob = noise(1, 3, 8, 6)
    made = run_openvino(tmp_path / "out" / "network.onnx", blob)
    assert set(made) == {"boxes", "scores"}
    caffe = tmp_path / "out" / "network.prototxt", tmp_path / "out" / "network.caffemodel"
    for name, values in run_opencv(*caffe, blob, ["boxes", "scores"]).items():
        assert np.abs(values - made[name]).max() < 1e-6
    assert set(read_network(open_source(path)).outputs) == {"boxes", "scores"}


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding"),
    [((8, 8), 3, 1, "SAME"), ((9, 8), 3, 2, "SAME"), ((7, 5), 5, 1, "SAME")],
)
def test_an_average_at_the_edge_counts_what_lies_inside(
    tmp_path: Path, size: tuple[int, int], kernel: int, stride: int, padding: str
) -> None:
    """As Inception-ResNet-v2 has it; Caffe counts the padding, which a fixed factor takes back."""
    graph = Graph((1, *size, 3))
    graph.pool("AvgPool", "input", (kernel, kernel), (stride, stride), padding)
    expected, opencv, openvino = run_everywhere(graph, tmp_path)
    for found in (opencv, openvino):
        assert np.abs(found - expected).max() < 1e-6
    kinds = [layer.type for layer in read_prototxt(tmp_path / "net.prototxt").layer]
    assert "Scale" in kinds


def test_what_is_in_the_way_is_said(tmp_path: Path) -> None:
    source = arcface(tmp_path)
    with pytest.raises(ModelError, match=r"cannot be made: the file .*arcface\.onnx is in the way"):
        run(source, source / "out", *SAID)


def test_the_command_line_has_it(tmp_path: Path) -> None:
    arguments = ["models", "convert", str(arcface(tmp_path)), str(tmp_path / "out"), *SAID]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    shown = CliRunner().invoke(main, ["models", "convert", "--help"])
    assert "--to FORM" in shown.output
    wrong = CliRunner().invoke(main, [*arguments, "--to", "tensorrt"])
    assert wrong.exit_code == 2
