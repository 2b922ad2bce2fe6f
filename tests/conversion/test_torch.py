"""PyTorch's files, in every form, become Caffe and ONNX that PyTorch itself agrees with."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceserver.conversion import convert_any, mtcnn2caffe
from faceserver.conversion.checks.judge import run_opencv, run_openvino, unit
from faceserver.conversion.readers.kinds import Kind, kind_of
from faceserver.conversion.readers.opening import Opening
from faceserver.conversion.readers.source import open_source
from faceserver.errors import ModelError
from faceserver.models.spec import EmbedderSpec, load_spec
from faceserver.types import Floats
from tests.conversion.architectures import edgeface_block
from tests.conversion.architectures import with_random_norms as random_norms

torch = pytest.importorskip("torch")
from faceserver.conversion.readers import torch_resnets  # noqa: E402 - PyTorch

pytestmark = [
    pytest.mark.torch,
    pytest.mark.filterwarnings("ignore"),  # of PyTorch's own, which are many
]

SAID = ("--normalization", "signed", "--channels", "rgb")


def with_random_norms(module: Any) -> Any:
    """Give norms and slopes values as training leaves them."""
    return random_norms(torch, module)


def small(side: int = 24) -> Any:
    class Net(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.conv = torch.nn.Conv2d(3, 6, 3, 2, 1)
            self.norm = torch.nn.BatchNorm2d(6)
            self.act = torch.nn.PReLU(6)
            self.fc = torch.nn.Linear(6 * (side // 2) ** 2, 32)

        def forward(self, x: Any) -> Any:
            made = self.act(self.norm(self.conv(x)))
            row = self.fc(torch.flatten(made, 1))
            return torch.nn.functional.normalize(row)

    return with_random_norms(Net())


def saved_state(folder: Path, module: Any) -> Path:
    path = folder / "net.pt"
    torch.save(
        {"epoch": 3, "state_dict": {f"module.{k}": v for k, v in module.state_dict().items()}}, path
    )
    return path


def embedded(out: Path, blob: Floats) -> Floats:
    return unit({"v": run_openvino(out / "network.onnx", blob)["embeddings"]})["v"]


@pytest.mark.parametrize(
    ("name", "build"),
    [
        ("iresnet18", lambda: torch_resnets.IResNet((2, 2, 2, 2), 512)),
        ("adaface_ir18", lambda: torch_resnets.AdaFaceIR((2, 2, 2, 2), 512)),
        ("mobilefacenet", lambda: torch_resnets.MobileFaceNet((1, 4, 6, 2), 2, 128)),
        ("mobilefacenet", lambda: torch_resnets.MobileFaceNet((2, 3, 4, 2), 1, 64)),
    ],
)
def test_weights_with_their_architectures_name(
    tmp_path: Path, name: str, build: Callable[[], Any]
) -> None:
    module = with_random_norms(build())
    source, out = saved_state(tmp_path, module), tmp_path / "out"
    assert kind_of(source) is Kind.TORCH_WEIGHTS
    convert_any.main([str(source), str(out), "--network", name, *SAID])
    spec = load_spec(out, EmbedderSpec)
    assert spec.crop.size == 112
    blob = np.random.default_rng(1).uniform(-1, 1, (1, 3, 112, 112)).astype(np.float32)
    with torch.no_grad():
        expected = unit({"v": module(torch.from_numpy(blob)).numpy()})["v"]
    assert expected.shape == (1, spec.dims)
    assert np.abs(embedded(out, blob) - expected).max() < 1e-5


def test_weights_as_they_were_saved_before_pytorch_1_6(tmp_path: Path) -> None:
    """As facenet-pytorch's and older ArcFace files are."""
    module = with_random_norms(torch_resnets.MobileFaceNet((1, 4, 6, 2), 1, 64))
    source, out = tmp_path / "net.pt", tmp_path / "out"
    torch.save(module.state_dict(), source, _use_new_zipfile_serialization=False)
    assert kind_of(source) is Kind.TORCH_LEGACY
    convert_any.main([str(source), str(out), "--network", "mobilefacenet", *SAID])
    blob = np.random.default_rng(1).uniform(-1, 1, (1, 3, 112, 112)).astype(np.float32)
    with torch.no_grad():
        expected = unit({"v": module(torch.from_numpy(blob)).numpy()})["v"]
    assert np.abs(embedded(out, blob) - expected).max() < 1e-5


def test_code_in_an_old_file_is_not_run(tmp_path: Path) -> None:
    path = tmp_path / "whole.pt"
    torch.save(torch.nn.Linear(2, 2), path, _use_new_zipfile_serialization=False)
    with pytest.raises(ModelError, match=r"whole\.pt holds more than weights, which is not run"):
        open_source(path, Opening(network="iresnet50"))


def test_a_training_checkpoint_has_a_head_that_is_left_out(tmp_path: Path) -> None:
    """As Lightning writes AdaFace's: the network below `model.`, the classes below `head.`."""
    module = with_random_norms(torch_resnets.AdaFaceIR((2, 2, 2, 2), 64))
    state = {f"model.{name}": values for name, values in module.state_dict().items()}
    state["head.kernel"] = torch.zeros(64, 7)
    torch.save({"epoch": 1, "state_dict": state}, tmp_path / "net.ckpt")
    opened = open_source(tmp_path / "net.ckpt", Opening(network="adaface_ir18"))
    blob = np.random.default_rng(1).uniform(-1, 1, (1, 3, 112, 112)).astype(np.float32)
    with torch.no_grad():
        expected = module(torch.from_numpy(blob)).numpy()
    assert np.array_equal(opened.run(blob, ["output"])["output"], expected)


def test_what_caffe_has_no_layers_for_is_named_at_once(tmp_path: Path) -> None:
    """EdgeFace's attention, layer norms and GELU."""
    path = tmp_path / "edgeface.pt"
    module = edgeface_block(torch)
    torch.jit.save(torch.jit.trace(module, torch.zeros(1, 3, 16, 16)), path)
    with pytest.raises(ModelError) as caught:
        convert_any.main([str(path), str(tmp_path / "out"), *SAID, "--input-size", "16"])
    said = str(caught.value)
    assert said.startswith(f"{path}: node ")
    for op in ("(MVN)", "(ScaledDotProductAttention)", "(Gelu)"):
        assert op in said
    assert "\n" not in said
    assert not (tmp_path / "out").exists()


def test_facenet_pytorchs_network(tmp_path: Path) -> None:
    """The package's own architecture with random weights, and its head for classes."""
    package = pytest.importorskip("facenet_pytorch")
    module = with_random_norms(package.InceptionResnetV1(classify=True, num_classes=7))
    source, out = tmp_path / "net.pt", tmp_path / "out"
    torch.save(module.state_dict(), source)
    convert_any.main([str(source), str(out), "--network", "inception_resnet_v1", *SAID])
    module.classify = False
    blob = np.random.default_rng(1).uniform(-1, 1, (1, 3, 160, 160)).astype(np.float32)
    with torch.no_grad():
        expected = module(torch.from_numpy(blob)).numpy()
    assert np.abs(embedded(out, blob) - expected).max() < 1e-5


def test_facenet_pytorchs_mtcnn(tmp_path: Path) -> None:
    """Its x and y are not swapped, the original's are."""
    package = pytest.importorskip("facenet_pytorch")
    folder = Path(package.__file__).parent / "data"
    mtcnn2caffe.main([str(folder), str(tmp_path)])
    nets = package.models.mtcnn
    for name, build, outputs in (
        ("det1", nets.PNet, ("conv4-2", "prob1")),
        ("det2", nets.RNet, ("conv5-2", "prob1")),
        ("det3", nets.ONet, ("conv6-2", "conv6-3", "prob1")),
    ):
        size = mtcnn2caffe.RECIPES[name].size
        blob = np.random.default_rng(1).uniform(-1, 1, (1, 3, size, size)).astype(np.float32)
        with torch.no_grad():
            expected = build()(torch.from_numpy(blob))
        files = (tmp_path / f"{name}.prototxt", tmp_path / f"{name}.caffemodel")
        turned = np.ascontiguousarray(blob.transpose(0, 1, 3, 2))
        found = run_opencv(*files, turned, outputs)
        for output, values in zip(outputs, expected, strict=True):
            ours = found[output]
            ours = ours.transpose(0, 1, 3, 2) if ours.ndim == 4 else ours
            assert np.abs(ours - values.numpy()).max() < 1e-5, (name, output)


@pytest.mark.parametrize("form", ["script", "export", "onnx"])
def test_each_form_gives_the_same(tmp_path: Path, form: str) -> None:
    module, example = small(), torch.zeros(1, 3, 24, 24)
    path = tmp_path / "net.bin"
    if form == "script":
        torch.jit.save(torch.jit.trace(module, example), path)
    elif form == "export":
        with path.open("wb") as file:  # by a path, it insists on its own ending
            torch.export.save(torch.export.export(module, (example,)), file)
    else:
        torch.onnx.export(module, (example,), path, dynamo=False)
    size = ("--input-size", "24") if form == "script" else ()
    convert_any.main([str(path), str(tmp_path / "out"), *SAID, *size])
    blob = np.random.default_rng(1).uniform(-1, 1, (1, 3, 24, 24)).astype(np.float32)
    with torch.no_grad():
        expected = module(torch.from_numpy(blob)).numpy()
    assert np.abs(embedded(tmp_path / "out", blob) - expected).max() < 1e-6


def test_what_cannot_be_known_is_asked_for(tmp_path: Path) -> None:
    state = saved_state(tmp_path, small())
    with pytest.raises(
        ModelError, match=r"net\.pt holds weights without their architecture.*iresnet50"
    ):
        open_source(state)
    with pytest.raises(ModelError, match="'resnet' is not a known architecture: iresnet18"):
        open_source(state, Opening(network="resnet"))
    with pytest.raises(ModelError, match=r"net\.pt does not hold the weights of iresnet50"):
        open_source(state, Opening(network="iresnet50"))
    script = tmp_path / "script.pt"
    torch.jit.save(torch.jit.trace(small(), torch.zeros(1, 3, 24, 24)), script)
    with pytest.raises(ModelError, match=r"script\.pt leaves its rows and columns open"):
        open_source(script)
    with pytest.raises(ModelError, match=r"script\.pt does not run on \(1, 3, 9, 9\)"):
        open_source(script, Opening(size=(9, 9)))


def test_code_in_a_file_is_not_run(tmp_path: Path) -> None:
    torch.save(torch.nn.Sequential(torch.nn.Linear(2, 2)), tmp_path / "whole.pt")
    with pytest.raises(ModelError, match=r"whole\.pt holds more than weights, which is not run"):
        open_source(tmp_path / "whole.pt", Opening(network="iresnet50"))
