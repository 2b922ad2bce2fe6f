"""The sources of the table of all sources and targets: real weights, or other people's designs."""

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from faceserver import folders
from faceserver.conversion.readers.kinds import Kind
from faceserver.conversion.readers.opening import Opening
from tests.conversion.architectures import ghostfacenet, with_random_norms
from tests.conversion.test_tf2caffe_tensorflow import write_checkpoint


@dataclass(frozen=True)
class Case:
    """A source.

    Attributes:
        title: what it is, as the table says it.
        kind: as the readers tell it.
        make: writes it into a folder, or finds it.
        opening: what must be said of it.
        normalization: of its pixels.
        channels: the order of its colours.
    """

    title: str
    kind: Kind
    make: Callable[[Path], Path]
    opening: Opening = field(default_factory=Opening)
    normalization: str = "signed"
    channels: str = "rgb"


def _published(pattern: str) -> Callable[[Path], Path]:
    return lambda _folder: next(folders.SOURCES.glob(f"*/{pattern}"))


def _checkpoint(folder: Path) -> Path:
    write_checkpoint(folder / "checkpoint", fused=True, dims=128)
    return folder / "checkpoint"


def _keras(suffix: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / f"net{suffix}"
        ghostfacenet(import_module("tensorflow").keras).save(path)
        return path

    return make


def _saved_model(folder: Path) -> Path:
    library = import_module("tensorflow")
    net = ghostfacenet(library.keras)
    shape = library.TensorSpec([1, 112, 112, 3], library.float32)
    call = library.function(lambda x: {"embeddings": net(x, training=False)})
    module = library.Module()
    module.net = net
    signatures = {"serving_default": call.get_concrete_function(shape)}
    library.saved_model.save(module, str(folder / "saved"), signatures=signatures)
    return folder / "saved"


def _state(build: Callable[[Any], Any], *, legacy: bool = False) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        torch = import_module("torch")
        module = with_random_norms(torch, build(import_module(_NETS)))
        options = {"_use_new_zipfile_serialization": False} if legacy else {}
        torch.save(module.state_dict(), folder / "net.pt", **options)
        return folder / "net.pt"

    return make


def _facenet_pytorch(folder: Path) -> Path:
    torch, package = import_module("torch"), import_module("facenet_pytorch")
    module = with_random_norms(torch, package.InceptionResnetV1(classify=True, num_classes=7))
    torch.save(module.state_dict(), folder / "net.pt")
    return folder / "net.pt"


def _script(folder: Path) -> Path:
    torch, nets = import_module("torch"), import_module(_NETS)
    module = with_random_norms(torch, nets.MobileFaceNet((1, 4, 6, 2), 2, 512))
    traced = torch.jit.trace(module, torch.zeros(1, 3, 112, 112))
    torch.jit.save(traced, folder / "net.pt")
    return folder / "net.pt"


def _export(folder: Path) -> Path:
    torch, nets = import_module("torch"), import_module(_NETS)
    module = with_random_norms(torch, nets.IResNet((2, 2, 2, 2), 512))
    program = torch.export.export(module, (torch.zeros(1, 3, 112, 112),))
    torch.export.save(program, folder / "net.pt2")
    return folder / "net.pt2"


_NETS = "faceserver.conversion.readers.torch_resnets"
_RANDOM = "random weights"
_SIZE = (112, 112)

CASES = (
    Case(
        "FaceNet 20180408-102900, a frozen graph",
        Kind.GRAPH_DEF,
        _published("graph_final.pb"),
        normalization="signed128",
    ),
    Case(
        f"a FaceNet's training graph in small, a checkpoint; {_RANDOM}",
        Kind.CHECKPOINT_FOLDER,
        _checkpoint,
        Opening(size=(12, 12)),
        normalization="whiten",
    ),
    Case(f"GhostFaceNet in small, a SavedModel; {_RANDOM}", Kind.SAVED_MODEL_FOLDER, _saved_model),
    Case(f"GhostFaceNet in small, `.keras`; {_RANDOM}", Kind.KERAS, _keras(".keras")),
    Case(f"GhostFaceNet in small, `.h5`; {_RANDOM}", Kind.KERAS_H5, _keras(".h5")),
    Case(
        "SFace, ONNX",
        Kind.ONNX,
        _published("face_recognition_sface_2021dec_int8bq.onnx"),
        normalization="none",
    ),
    Case(
        "YuNet, ONNX",
        Kind.ONNX,
        lambda _folder: folders.MODELS / "yunet" / "yunet.onnx",
        Opening(size=(64, 96)),
        normalization="none",
        channels="bgr",
    ),
    Case(
        "MTCNN's first network, ONNX",
        Kind.ONNX,
        _published("pnet.onnx"),
        Opening(size=(24, 36)),
        normalization="signed128",
    ),
    Case(
        "MTCNN's third network, ONNX", Kind.ONNX, _published("onet.onnx"), normalization="signed128"
    ),
    Case(
        f"facenet-pytorch's Inception-ResNet-v1, a state dict; {_RANDOM}",
        Kind.TORCH_WEIGHTS,
        _facenet_pytorch,
        Opening(network="inception_resnet_v1"),
    ),
    Case(
        f"AdaFace's IR-18, a state dict; {_RANDOM}",
        Kind.TORCH_WEIGHTS,
        _state(lambda nets: nets.AdaFaceIR((2, 2, 2, 2), 512)),
        Opening(network="adaface_ir18"),
        channels="bgr",
    ),
    Case(
        f"MobileFaceNet, a state dict before PyTorch 1.6; {_RANDOM}",
        Kind.TORCH_LEGACY,
        _state(lambda nets: nets.MobileFaceNet((1, 4, 6, 2), 2, 512), legacy=True),
        Opening(network="mobilefacenet"),
    ),
    Case(f"MobileFaceNet, TorchScript; {_RANDOM}", Kind.TORCHSCRIPT, _script, Opening(size=_SIZE)),
    Case(f"ArcFace's IResNet-18, torch.export; {_RANDOM}", Kind.TORCH_EXPORT, _export),
)
