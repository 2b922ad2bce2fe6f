"""What a training graph holds, norms in every form, and the command as a whole."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from faceserver.conversion import converting, tf2caffe
from faceserver.conversion.caffe.prototxt import parse_prototxt, read_prototxt
from faceserver.conversion.checks.judge import run_opencv, run_openvino
from faceserver.conversion.checks.report import Runner
from faceserver.conversion.checks.tf_judge import run_source
from faceserver.conversion.command import run
from faceserver.conversion.files import write_together
from faceserver.conversion.readers.graphdef_pb2 import AttrValue
from faceserver.conversion.readers.tf_source import read_source
from faceserver.conversion.tf2caffe import Style
from faceserver.errors import ModelError
from faceserver.models.spec import EmbedderSpec, load_spec
from tests.conversion.graphs import INT32, Graph, assert_close, run_everywhere

BOOL = 10


def spelled_norm(graph: Graph, name: str, source: str, channels: int, *, gamma: bool) -> str:
    """A norm as slim spells it out, with its moments chosen by the training flag."""
    moments = [
        graph.op(
            "Merge",
            f"{name}/cond/{part}/Merge",
            graph.op("Identity", f"{name}/{part}/train", f"{name}/{part}/now:1"),
            graph.op(
                "Switch",
                f"{name}/{part}/now",
                graph.op("Identity", f"{name}/{part}/read", graph.const(f"{name}/{part}", values)),
                "phase_train/read",
            ),
        )
        for part, values in (
            ("moving_mean", graph.noise(channels)),
            ("moving_variance", np.abs(graph.noise(channels)) + np.float32(0.1)),
        )
    ]
    mean, variance = moments
    beta = graph.const(f"{name}/beta", graph.noise(channels))
    epsilon = graph.const(f"{name}/y", 0.001)
    factor = graph.op("Rsqrt", f"{name}/Rsqrt", graph.op("Add", f"{name}/add", variance, epsilon))
    if gamma:
        trained = graph.const(f"{name}/gamma", graph.noise(channels))
        factor = graph.op("Mul", f"{name}/mul", factor, trained)
    product = graph.op("Mul", f"{name}/mul_1", source, factor)
    shift = graph.op("Sub", f"{name}/sub", beta, graph.op("Mul", f"{name}/mul_2", mean, factor))
    return graph.op("Add", f"{name}/add_1", product, shift)


def training_flag(graph: Graph) -> None:
    node = graph.proto.node.add(name="phase_train", op="Placeholder")
    node.attr["dtype"].type = BOOL
    graph.op("Identity", "phase_train/read", "phase_train")


def assert_converts(
    graph: Graph, folder: Path, style: Style | None = None, size: tuple[int, int] = (8, 9)
) -> list[str]:
    """Compare Caffe's files with the graph, and return the layers' types."""
    path = graph.save(folder)
    source = read_source(path)
    tf2caffe.convert(path, "net", style).write(folder, "net")
    prototxt, caffemodel = folder / "net.prototxt", folder / "net.caffemodel"
    blob = graph.noise(1, 3, *size)
    end = source.graph.output().name
    expected = run_source(source, "input", blob, [end])[end]
    found = run_opencv(prototxt, caffemodel, blob, ["embeddings"])["embeddings"]
    assert_close(found.reshape(expected.shape), expected)
    return [layer.type for layer in read_prototxt(prototxt).layer]


@pytest.mark.parametrize("gamma", [False, True])
@pytest.mark.parametrize("keep", [False, True])
def test_a_norm_that_is_spelled_out(tmp_path: Path, gamma: bool, keep: bool) -> None:
    graph = Graph()
    training_flag(graph)
    conv = graph.conv("Net/a", "input", graph.noise(3, 3, 3, 4))
    norm = spelled_norm(graph, "Net/a/BatchNorm", conv, 4, gamma=gamma)
    graph.op("Relu", "Net/a/Relu", norm)
    graph.conv("Net/b", graph.last, graph.noise(1, 1, 4, 2))
    types = assert_converts(graph, tmp_path, Style(keep_batch_norms=keep))
    kept = ["BatchNorm", "Scale"] if keep else []
    assert types == ["Input", "Convolution", *kept, "ReLU", "Convolution"]


@pytest.mark.parametrize("op", ["FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"])
def test_a_norm_that_is_kept(tmp_path: Path, op: str) -> None:
    graph = Graph()
    graph.batch_norm("norm", graph.conv("a", "input", graph.noise(3, 3, 3, 4)), 4)
    graph.proto.node[-1].op = op
    types = assert_converts(graph, tmp_path, Style(keep_batch_norms=True))
    assert types == ["Input", "Convolution", "BatchNorm", "Scale"]


def test_norms_that_no_layer_can_take_in_stay(tmp_path: Path) -> None:
    graph = Graph()
    conv = graph.conv("a", graph.batch_norm("first", "input", 3), graph.noise(1, 1, 3, 3))
    graph.op("Add", "add", graph.batch_norm("second", conv, 3), conv)
    expected, opencv, openvino = run_everywhere(graph, tmp_path)
    assert_close(opencv, expected)
    assert_close(openvino, expected)


def test_pixels_that_the_graph_scales(tmp_path: Path) -> None:
    graph = Graph()
    moved = graph.op("Sub", "sub", "input", graph.const("means", graph.noise(3)))
    scaled = graph.op("RealDiv", "div", moved, graph.const("deviation", 2.0))
    graph.conv("a", scaled, graph.noise(3, 3, 3, 4))
    assert assert_converts(graph, tmp_path) == ["Input", "Scale", "Scale", "Convolution"]


@pytest.mark.parametrize(("size", "kernel", "stride"), [(8, 3, 2), (8, 2, 1), (9, 5, 4)])
def test_a_convolution_padded_unevenly(tmp_path: Path, size: int, kernel: int, stride: int) -> None:
    graph = Graph((1, size, 9, 3))
    graph.conv("a", "input", graph.noise(kernel, kernel, 3, 4), (stride, stride), "SAME")
    assert_converts(graph, tmp_path, size=(size, 9))


def test_a_pad_of_its_own(tmp_path: Path) -> None:
    graph = Graph()
    pads = graph.const("pads", np.array([[0, 0], [1, 2], [3, 0], [0, 0]], np.int32))
    padded = graph.op("Pad", "pad", "input", pads, Tpaddings=INT32)
    graph.conv("a", padded, graph.noise(3, 3, 3, 4), (2, 2), "VALID")
    assert assert_converts(graph, tmp_path) == ["Input", "Convolution"]


@pytest.mark.parametrize("bottleneck", [False, True])
@pytest.mark.parametrize("keeps_axes", [False, True])
def test_a_mean_and_a_bottleneck(tmp_path: Path, bottleneck: bool, keeps_axes: bool) -> None:
    graph = Graph()
    axes = graph.const("axes", np.array([1, 2], np.int32))
    row = graph.op("Mean", "mean", "input", axes, keep_dims=keeps_axes, Tidx=INT32)
    if keeps_axes:
        row = graph.op("Squeeze", "squeeze", row, squeeze_dims=[1, 2])
    graph.dense("fc", row, graph.noise(3, 7))
    types = assert_converts(graph, tmp_path, Style(conv_bottleneck=bottleneck))
    assert types == ["Input", "Pooling", "Convolution" if bottleneck else "InnerProduct"]


def test_a_bottleneck_over_rows_and_columns_as_a_convolution(tmp_path: Path) -> None:
    graph = Graph((1, 4, 5, 3))
    shape = graph.op("Shape", "flat/Shape", "input")
    row = graph.op("Pack", "flat/Pack", shape, graph.const("minus", np.array(-1, np.int32)))
    graph.dense("fc", graph.op("Reshape", "flat/Reshape", "input", row), graph.noise(60, 7))
    prototxt = tf2caffe.convert(graph.save(tmp_path), "net", Style(conv_bottleneck=True)).prototxt
    (window,) = [layer for layer in parse_prototxt(prototxt.decode()).layer if layer.name != "data"]
    assert (window.convolution_param.kernel_h, window.convolution_param.kernel_w) == (4, 5)


def facenet(dims: int = 128) -> Graph:
    """A FaceNet in little: the pool that Caffe rounds up, a residual sum, a bottleneck."""
    graph = Graph((1, 16, 16, 3))
    conv = graph.conv("Net/a", "input", graph.noise(3, 3, 3, 8) / np.float32(5), (2, 2), "SAME")
    relu = graph.op("Relu", "Net/a/Relu", graph.batch_norm("Net/a/BatchNorm", conv, 8))
    graph.pool("MaxPool", relu, (3, 3), (2, 2), "VALID")
    pool = graph.last
    branch = graph.conv("Net/b", pool, graph.noise(1, 1, 8, 8))
    scaled = graph.op("Mul", "Net/mul", graph.const("Net/x", 0.17), branch)
    total = graph.op("Relu", "Net/Relu", graph.op("Add", "Net/add", pool, scaled))
    row = graph.reshape("Net/flat", total, [-1, 72])
    graph.unit_length("embeddings", graph.dense("Net/Bottleneck", row, graph.noise(72, dims)))
    return graph


def convert(graph: Graph, folder: Path, *options: str, name: str = "net.pb") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    source, out = folder / name, folder / "out"
    source.write_bytes(graph.proto.SerializeToString())
    tf2caffe.main([str(source), str(out), *options])
    return out


@pytest.mark.parametrize("dims", [128, 512])
@pytest.mark.parametrize("options", [(), ("--keep-batchnorm", "--conv-bottleneck")])
def test_the_command(
    tmp_path: Path, dims: int, options: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "picture.png"
    Image.fromarray(np.arange(1200, dtype=np.uint8).reshape(20, 20, 3)).save(picture)
    out = convert(
        facenet(dims), tmp_path, "--normalization", "whiten", "--picture", str(picture), *options
    )
    spec = load_spec(out, EmbedderSpec)
    assert (spec.name, spec.dims, spec.crop.size) == ("out", dims, 16)
    assert (spec.input.normalization.kind, spec.licence) == ("whiten", "unknown")
    assert spec.distances.calibration.startswith("not calibrated")
    report = json.loads((out / "report.json").read_bytes())
    assert set(report["embedding"]) == {"random", "smooth", "real"}
    assert max(map(max, (each["differences"].values() for each in report["layers"]))) < 1e-4
    assert report["parameters"] > 72 * dims
    said = capsys.readouterr().out
    assert f"16x16 pixels to {dims} values" in said
    blob = np.zeros((2, 3, 16, 16), np.float32)
    assert run_openvino(out / "facenet.onnx", blob)["embeddings"].shape[:2] == (2, dims)


def test_a_name_counts_only_by_the_users_word(tmp_path: Path) -> None:
    name = "20170512-110547"
    with pytest.raises(ModelError, match=f"say so with --published {name}"):
        convert(facenet(), tmp_path, name=f"{name}.pb")
    out = convert(facenet(), tmp_path, "--published", name)
    spec = load_spec(out, EmbedderSpec)
    assert (spec.name, spec.input.normalization.kind) == (name, "whiten")
    assert (spec.trained_on, spec.distances.threshold) == ("MS-Celeb-1M", 0.6)
    assert "as its converter says" in spec.source
    assert "0.99" not in spec.source, "an accuracy that was not established"


def test_a_name_does_not_hold_against_the_vectors_length(tmp_path: Path) -> None:
    folder = tmp_path / "20170512-110547"
    with pytest.raises(ModelError, match=r"512 values, 20170512-110547 has 128: it is another"):
        convert(facenet(512), folder, "--published", "20170512-110547")
    assert not (folder / "out").exists()
    with pytest.raises(ModelError, match="'mine' is not one of the published models: 20170512"):
        convert(facenet(), tmp_path, "--published", "mine")


def test_what_is_said_of_a_model_goes_before_what_is_known(tmp_path: Path) -> None:
    options = ("--threshold", "0.7", "--licence", "X", "--model", "m", "--normalization", "none")
    said = ("--published", "20170512-110547", *options)
    spec = load_spec(convert(facenet(), tmp_path, *said), EmbedderSpec)
    assert (spec.name, spec.licence, spec.distances.threshold) == ("m", "X", 0.7)
    assert spec.input.normalization.kind == "fixed"


def test_an_unknown_model_needs_its_normalization(tmp_path: Path) -> None:
    with pytest.raises(
        ModelError,
        match="say how its pixels were normalized in training: --normalization none, unit",
    ):
        convert(facenet(), tmp_path)
    assert not (tmp_path / "out").exists()


def test_a_difference_is_always_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged(*arguments: Any) -> dict[str, Runner]:
        forms = write(*arguments)
        run = forms["Caffe"]
        moved = {
            "Caffe": lambda blob, names: {
                k: v + np.eye(*v.shape[:2], dtype=v.dtype).reshape(v.shape)
                if k == "embeddings"
                else v
                for k, v in run(blob, names).items()
            }
        }
        return {**forms, **moved}

    write = converting.write_caffe_and_onnx
    monkeypatch.setattr(converting, "write_caffe_and_onnx", damaged)
    with pytest.raises(ModelError, match=r"embeddings differs by .*, more than 1e-04; --no-check"):
        convert(facenet(), tmp_path, "--normalization", "fixed")
    assert not (tmp_path / "out").exists()
    assert (
        convert(facenet(), tmp_path, "--normalization", "fixed", "--no-check") / "model.toml"
    ).exists()


@pytest.mark.parametrize("right", [True, False])
def test_the_whole_way_is_compared_with_the_sources_own(
    tmp_path: Path, right: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """Vectors that the source's own program made tell whether the normalization is right."""
    graph, pixels = facenet(), np.random.default_rng(1).integers(0, 256, (16, 16, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "face.png")
    (tmp_path / "net.pb").write_bytes(graph.proto.SerializeToString())
    source = read_source(tmp_path / "net.pb")
    blob = ((pixels.astype(np.float32) - 127.5) / 127.5).transpose(2, 0, 1)[None, ::-1]
    np.save(
        tmp_path / "own.npy", source.run(np.ascontiguousarray(blob), ["embeddings"])["embeddings"]
    )
    options = ("--picture", str(tmp_path / "face.png"), "--expected", str(tmp_path / "own.npy"))
    if right:
        convert(graph, tmp_path, "--normalization", "signed", "--channels", "bgr", *options)
        assert "the whole way from picture to vector differs by" in capsys.readouterr().out
        assert load_spec(tmp_path / "out", EmbedderSpec).input.channels == "bgr"
        return
    with pytest.raises(ModelError, match="agrees: --normalization signed --channels bgr"):
        convert(graph, tmp_path, "--normalization", "whiten", *options)
    assert not (tmp_path / "out").exists()


def test_an_open_size_must_be_given(tmp_path: Path) -> None:
    graph = facenet()
    node = graph.proto.node[0]
    node.attr["shape"].CopyFrom(AttrValue())
    node.attr["shape"].shape.unknown_rank = True
    with pytest.raises(ModelError, match="give it"):
        convert(graph, tmp_path, "--normalization", "fixed")
    assert convert(graph, tmp_path, "--normalization", "fixed", "--input-size", "16").exists()


def test_a_graph_that_is_no_facenet(tmp_path: Path) -> None:
    graph = Graph((1, 8, 8, 3))
    graph.conv("a", "input", graph.noise(3, 3, 3, 4))
    with pytest.raises(ModelError, match="this is not a FaceNet: it makes"):
        convert(graph, tmp_path, "--normalization", "fixed")


def test_a_node_can_be_named_as_the_output(tmp_path: Path) -> None:
    graph = facenet()
    graph.op("Tanh", "Net/other", "Net/Bottleneck/MatMul")
    out = convert(graph, tmp_path, "--normalization", "fixed", "--output", "Net/Bottleneck/MatMul")
    assert load_spec(out, EmbedderSpec).dims == 128
    with pytest.raises(ModelError, match="the graph has no node 'nowhere'"):
        convert(graph, tmp_path, "--normalization", "fixed", "--output", "nowhere")


@pytest.mark.parametrize(
    ("source", "out", "says"),
    [
        ("none", "out", "No such file"),
        (".", "out", "holds no checkpoint"),
        ("net.pb", "taken/x", "taken"),
    ],
)
def test_what_cannot_be_done_is_one_line(tmp_path: Path, source: str, out: str, says: str) -> None:
    (tmp_path / "taken").write_text("a file")
    path = tmp_path / source
    if source == "net.pb":
        path.write_bytes(facenet().proto.SerializeToString())
    arguments = [str(path), str(tmp_path / out), "--normalization", "fixed"]
    with pytest.raises(SystemExit) as caught:
        run(lambda: tf2caffe.main(arguments))
    assert str(caught.value).startswith("error: ")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_appear_together_or_not_at_all(tmp_path: Path) -> None:
    write_together(tmp_path / "new", {"a": b"1", "b": b"2"})
    folder = tmp_path / "old"
    (folder / "b" / "in the way").mkdir(parents=True)
    (folder / "a").write_bytes(b"before")
    (folder / "c").mkdir()
    with pytest.raises(OSError, match="name too long"):
        write_together(folder, {"a": b"after", "x" * 300: b""})
    assert (folder / "a").read_bytes() == b"before"
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"a", "b"}


@pytest.mark.parametrize("exists", [False, True])
def test_a_move_that_fails_is_taken_back(tmp_path: Path, exists: bool) -> None:
    folder = tmp_path / "out"
    if exists:
        folder.mkdir()
        (folder / "a").write_bytes(b"before")
    # "b/c" can be prepared, but "b" is missing where it belongs.
    with pytest.raises(FileNotFoundError):
        write_together(folder, {"a": b"after", "b/c": b""})
    if exists:
        assert (folder / "a").read_bytes() == b"before"
        assert [path.name for path in folder.iterdir()] == ["a"]
    else:
        assert not folder.exists()


def fed_by_a_queue(graph: Graph) -> None:
    queue = graph.proto.node.add(name="queue", op="FIFOQueueV2")
    shape = queue.attr["shapes"].list.shape.add()
    for size in (8, 9, 3):
        shape.dim.add(size=size)
    graph.proto.node[0].op = "QueueDequeueUpToV2"
    graph.proto.node[0].input.extend(["queue"])


def fed_by_an_iterator(graph: Graph) -> None:
    node = graph.proto.node[0]
    node.op = "IteratorGetNext"
    node.attr["output_shapes"].list.shape.add().CopyFrom(node.attr["shape"].shape)


def fed_by_default(graph: Graph) -> None:
    node = graph.proto.node[0]
    node.op = "PlaceholderWithDefault"
    node.input.append(graph.const("default", graph.noise(1, 8, 9, 3)))


@pytest.mark.parametrize("feed", [fed_by_a_queue, fed_by_an_iterator, fed_by_default])
def test_pictures_from_elsewhere_come_from_the_input(
    tmp_path: Path, feed: Callable[[Graph], None]
) -> None:
    graph = Graph()
    graph.conv("a", graph.op("Identity", "image_batch", "input"), graph.noise(3, 3, 3, 4))
    graph.op("Identity", "embeddings", graph.last)
    feed(graph)
    assert assert_converts(graph, tmp_path) == ["Input", "Convolution"]


def test_a_condition_that_is_not_the_training_flag_stays(tmp_path: Path) -> None:
    graph = Graph()
    flag = graph.op("Less", "less", graph.const("a", 1.0), graph.const("b", 2.0))
    graph.op("Relu", "relu", graph.op("Switch", "choice", "input", flag))
    with pytest.raises(ModelError, match="'less' has the op 'Less'"):
        tf2caffe.convert(graph.save(tmp_path), "net")


def test_a_negated_flag(tmp_path: Path) -> None:
    graph = Graph()
    training_flag(graph)
    graph.op("LogicalNot", "testing", "phase_train")
    conv = graph.conv("a", "input", graph.noise(1, 1, 3, 3))
    graph.op("Switch", "choice", conv, "testing")
    dead = graph.op("Relu", "dead", "choice")
    graph.op("Merge", "embeddings", dead, "choice:1")
    assert assert_converts(graph, tmp_path) == ["Input", "Convolution"]
