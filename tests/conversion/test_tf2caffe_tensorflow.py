"""A checkpoint and a SavedModel that TensorFlow wrote, converted and compared by TensorFlow."""

import json
from pathlib import Path
from typing import Any

import pytest

from faceserver.conversion import tf2caffe, tf2coreml
from faceserver.conversion.caffe.prototxt import read_prototxt
from faceserver.conversion.coreml.library import load
from faceserver.conversion.readers.tf_source import read_source
from faceserver.errors import ModelError
from faceserver.models.spec import EmbedderSpec, load_spec

pytestmark = [
    pytest.mark.convert,
    pytest.mark.filterwarnings("ignore"),  # of TensorFlow's own, which are many
]


def slim_norm(v1: Any, x: Any, is_training: Any, scope: str, *, fused: bool) -> Any:
    """Norm as slim does it: a condition chooses the moving moments when not training."""
    channels = int(x.shape[-1])
    with v1.variable_scope(f"{scope}/BatchNorm"):
        beta = v1.get_variable("beta", [channels], initializer=v1.random_normal_initializer())
        mean = v1.get_variable("moving_mean", [channels])
        variance = v1.get_variable(
            "moving_variance", [channels], initializer=v1.random_uniform_initializer(0.5, 2.0)
        )
        if fused:
            ones = v1.ones([channels])
            return v1.cond(
                is_training,
                lambda: v1.nn.fused_batch_norm(x, ones, beta, epsilon=0.001, is_training=True)[0],
                lambda: v1.nn.fused_batch_norm(
                    x, ones, beta, mean, variance, epsilon=0.001, is_training=False
                )[0],
            )
        axes = list(range(len(x.shape) - 1))
        now = v1.nn.moments(x, axes)
        moments = v1.cond(
            is_training,
            lambda: (v1.identity(now[0]), v1.identity(now[1])),
            lambda: (mean, variance),
        )
        return v1.nn.batch_normalization(x, *moments, beta, None, 0.001)


def build(v1: Any, *, fused: bool, dims: int) -> None:
    """Build a FaceNet in little, fed by a queue, as it is trained."""
    is_training = v1.placeholder(v1.bool, name="phase_train")
    queue = v1.FIFOQueue(10, [v1.float32], shapes=[(12, 12, 3)])
    batch = v1.identity(queue.dequeue_up_to(2, name="batch_join"), "image_batch")
    x = v1.identity(batch, "input")
    with v1.variable_scope("Net"):
        for name, size, stride in (("Conv2d_1a", 3, 2), ("Conv2d_2a", 1, 1)):
            kernel = v1.get_variable(f"{name}/weights", [size, size, int(x.shape[-1]), 8])
            x = v1.nn.conv2d(x, kernel, [1, stride, stride, 1], "VALID", name=f"{name}/Conv2D")
            x = v1.nn.relu(slim_norm(v1, x, is_training, name, fused=fused), f"{name}/Relu")
        up = v1.get_variable("Block/weights", [1, 1, 8, 8])
        x = v1.nn.relu(x + 0.17 * v1.nn.conv2d(x, up, [1, 1, 1, 1], "SAME"), "Block/Relu")
        x = v1.nn.avg_pool(x, [1, 5, 5, 1], [1, 1, 1, 1], "VALID", name="AvgPool/AvgPool")
        x = v1.reshape(x, [v1.shape(x)[0], -1], name="Flatten/Reshape")
        x = v1.cond(is_training, lambda: v1.nn.dropout(x, rate=0.5), lambda: v1.identity(x))
        x = v1.reshape(x, [-1, 8])
        x = v1.matmul(x, v1.get_variable("Bottleneck/weights", [8, dims]), name="Bottleneck/MatMul")
        x = slim_norm(v1, x, is_training, "Bottleneck", fused=False)
    v1.nn.l2_normalize(x, 1, 1e-10, name="embeddings")


def write_checkpoint(folder: Path, *, fused: bool, dims: int) -> None:
    """Write a checkpoint as facenet publishes it, and an older one beside it."""
    v1 = pytest.importorskip("tensorflow").compat.v1
    folder.mkdir()
    v1.disable_control_flow_v2()
    with v1.Graph().as_default(), v1.Session() as session:
        v1.set_random_seed(3)
        with v1.variable_scope("", use_resource=False):
            build(v1, fused=fused, dims=dims)
        session.run(v1.global_variables_initializer())
        saver = v1.train.Saver()
        for step in (9, 250):
            saver.save(session, str(folder / "model.ckpt"), step, write_meta_graph=False)
        saver.export_meta_graph(str(folder / "model-20170512-110547.meta"))


def test_a_checkpoint_becomes_a_coreml_model(tmp_path: Path) -> None:
    load("coremltools")
    folder = tmp_path / "20170512-110547"
    write_checkpoint(folder, fused=False, dims=128)
    said = ["--published", "20170512-110547", "--neural-network"]
    tf2coreml.main([str(folder), str(tmp_path / "out"), *said])
    assert (tmp_path / "out" / "facenet.mlmodel").is_file()


@pytest.mark.parametrize(("fused", "dims"), [(False, 128), (True, 512)])
@pytest.mark.parametrize("keep", [False, True])
def test_a_checkpoint(tmp_path: Path, fused: bool, dims: int, keep: bool) -> None:
    folder = tmp_path / "20170512-110547"
    write_checkpoint(folder, fused=fused, dims=dims)
    out = tmp_path / "out"
    options = ["--keep-batchnorm"] if keep else []
    said = ["--published", "20170512-110547"] if dims == 128 else ["--normalization", "whiten"]
    tf2caffe.main([str(folder), str(out), *said, *options])
    spec = load_spec(out, EmbedderSpec)
    assert (spec.dims, spec.input.normalization.kind) == (dims, "whiten")
    assert spec.name == ("20170512-110547" if dims == 128 else "out")
    assert any(name.startswith("model.ckpt-250.data") for name in spec.source_sha256)
    types = {layer.type for layer in read_prototxt(out / "facenet.prototxt").layer}
    assert ("BatchNorm" in types) == keep
    report = json.loads((out / "report.json").read_bytes())
    assert report["judge"] == "TensorFlow"
    assert len(report["layers"]) > 4


def test_a_saved_model(tmp_path: Path) -> None:
    tf = pytest.importorskip("tensorflow")

    class Net(tf.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            tf.random.set_seed(5)
            self.kernel = tf.Variable(tf.random.normal([3, 3, 3, 6]))
            self.matrix = tf.Variable(tf.random.normal([6, 128]))

        @tf.function(  # type: ignore[untyped-decorator]
            input_signature=[tf.TensorSpec([None, 8, 8, 3], tf.float32)]
        )
        def __call__(self, x: Any) -> Any:
            x = tf.nn.relu(tf.nn.conv2d((x - 127.5) / 128.0, self.kernel, 2, "SAME"))
            x = tf.reduce_mean(x, [1, 2])
            return tf.math.l2_normalize(tf.matmul(x, self.matrix), 1)

    folder, out = tmp_path / "saved", tmp_path / "out"
    net = Net()
    tf.saved_model.save(net, str(folder), signatures=net.__call__)
    tf2caffe.main([str(folder), str(out)])
    spec = load_spec(out, EmbedderSpec)
    assert (spec.dims, spec.crop.size) == (128, 8)
    assert spec.input.normalization.model_dump() == {"kind": "fixed", "mean": 0.0, "scale": 1.0}
    assert "saved_model.pb" in spec.source_sha256


def test_what_is_truncated_is_said(tmp_path: Path) -> None:
    pytest.importorskip("tensorflow")
    (tmp_path / "saved_model.pb").write_bytes(b"\x0a\xff")
    with pytest.raises(ModelError, match="truncated, or not a SavedModel"):
        read_source(tmp_path)
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    (folder / "model.meta").write_bytes(b"")
    (folder / "model.ckpt-1.index").write_bytes(b"x")
    with pytest.raises(ModelError, match="truncated, or not a checkpoint"):
        read_source(folder)
