"""Makes the files of a model from whatever a user holds, ready to be described and added."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from faceserver.conversion import caffe2onnx, mtcnn2caffe
from faceserver.conversion.adopting import Made
from faceserver.conversion.caffe.prototxt import read_prototxt
from faceserver.conversion.converting import Style, caffe_files, compare, write_caffe_and_onnx
from faceserver.conversion.fingerprint import sha256_of
from faceserver.conversion.known import recognise
from faceserver.conversion.network import read_network
from faceserver.conversion.normalizations import NORMALIZATIONS
from faceserver.conversion.options import Pixels
from faceserver.conversion.readers.kinds import Kind, kind_of, refusal
from faceserver.conversion.readers.opening import Opening
from faceserver.conversion.readers.source import open_source
from faceserver.errors import ModelError
from faceserver.folders import DESCRIPTIONS

Say = Callable[[str], None]

CONVERTED = {
    Kind.GRAPH_DEF, Kind.CHECKPOINT_FOLDER, Kind.SAVED_MODEL_FOLDER, Kind.KERAS, Kind.KERAS_H5,
    Kind.TORCHSCRIPT, Kind.TORCH_EXPORT, Kind.TORCH_WEIGHTS, Kind.TORCH_LEGACY,
}  # fmt: skip
"""What must be converted before it can be run."""


@dataclass(frozen=True)
class Wish:
    """How a user wants files to be converted.

    Attributes:
        opening: what is said of the source.
        published: the published model that it is said to be.
        pictures: faces of which the source's own program has made vectors.
        expected: the file with these vectors.
        unchecked: whether a difference is no reason to stop.
    """

    opening: Opening = field(default_factory=Opening)
    published: str | None = None
    pictures: tuple[Path, ...] = ()
    expected: Path | None = None
    unchecked: bool = False


def of_caffe(first: Path, second: Path, folder: Path, say: Say, wish: Wish) -> Made:
    """Take a prototxt and a caffemodel, in any order, and make the ONNX file.

    Raises:
        ModelError: they are not such files, cannot be converted, or the ONNX file computes
            something else.
    """
    kinds = {kind_of(path): path for path in (second, first)}
    for path in (first, second):
        if kind_of(path) not in (Kind.PROTOTXT, Kind.CAFFEMODEL):
            raise refusal(path, kind_of(path), "a prototxt with its caffemodel")
    if set(kinds) != {Kind.PROTOTXT, Kind.CAFFEMODEL}:
        raise ModelError(f"{first} and {second} are both {kind_of(first).value}")
    prototxt, caffemodel = kinds[Kind.PROTOTXT], kinds[Kind.CAFFEMODEL]
    content = caffe2onnx.convert(prototxt, caffemodel)
    if not wish.unchecked:
        apart = caffe2onnx.check(prototxt, caffemodel, content)
        say(f"checked: the ONNX file differs from the Caffe files by at most {apart:.1e}")
    stem = _stem(caffemodel)
    files = {
        "prototxt": folder / f"{stem}.prototxt",
        "caffemodel": folder / f"{stem}.caffemodel",
        "onnx": folder / f"{stem}.onnx",
    }
    files["prototxt"].write_bytes(prototxt.read_bytes())
    files["caffemodel"].write_bytes(caffemodel.read_bytes())
    # The Caffe files' content is the same, and with it the fingerprint.
    files["onnx"].write_bytes(content)
    digests = {path.name: sha256_of(path) for path in (prototxt, caffemodel)}
    shape = next(
        layer.input_param.shape[0].dim
        for layer in read_prototxt(prototxt).layer
        if layer.type == "Input"
    )
    known = recognise(caffemodel, digests.values(), published=wish.published)
    return Made(caffemodel, digests, files, known, size=(shape[-2], shape[-1]))


def of_onnx(file: Path, folder: Path, wish: Wish) -> Made:
    """Take an ONNX file as it is.

    Raises:
        ModelError: it is of another kind.
    """
    kind = kind_of(file)
    if kind is not Kind.ONNX:
        raise refusal(file, kind, "a model")
    copied = folder / file.name
    copied.write_bytes(file.read_bytes())
    digests = {file.name: sha256_of(file)}
    known = recognise(file, digests.values(), published=wish.published)
    return Made(file, digests, {"onnx": copied}, known, is_given=True)


def of_framework(path: Path, folder: Path, say: Say, wish: Wish) -> Made:
    """Convert a network of TensorFlow, Keras or PyTorch to Caffe and ONNX.

    Raises:
        ModelError: it cannot be converted, or what was made computes something else.
        SetupError: what reads it is not installed.
    """
    source = open_source(path, wish.opening)
    network = read_network(source, wish.opening.size)
    stem = _stem(path)
    caffe = caffe_files(network, stem, Style(), "`faceserver models add`")
    forms = write_caffe_and_onnx(caffe, folder, stem, path)
    pixels = Pixels("rgb", NORMALIZATIONS["none"], None)
    if not wish.unchecked:
        report = compare(network, caffe, forms, pixels, ())
        report.check()
        where, largest = report.worst()
        say(f"checked against {report.judge}: differs by at most {largest:.1e}, {where}")
    files = {kind: folder / f"{stem}.{kind}" for kind in ("prototxt", "caffemodel", "onnx")}
    digests = source.sha256()
    known = recognise(path, digests.values(), published=wish.published)
    _channels, rows, columns = network.input_shape
    return Made(path, digests, files, known, network.scales_its_input, (rows, columns))


def mtcnn(folder: Path, target: Path, name: str, say: Say, *, unchecked: bool) -> None:
    """Make a whole model of a folder with MTCNN's three networks, whatever they are kept in.

    Args:
        folder: that the user gives.
        target: where the files and their ``model.toml`` are written.
        name: the model's name.
        say: is told of each network.
        unchecked: whether a difference is no reason to stop.

    Raises:
        ModelError: the networks are not there, cannot be converted, or differ from their source.
    """
    text = (DESCRIPTIONS / "mtcnn" / "model.toml").read_text(encoding="utf-8")
    sources = mtcnn2caffe.parts(folder)
    for part, source in sources.items():
        files = mtcnn2caffe.convert_part(source, part)
        files.write(target, part)
        if not unchecked:
            apart = mtcnn2caffe.compare_part(source, part, files)
            say(f"{part}: made of {source.name}; differs by at most {apart:.1e}")
        prototxt, caffemodel = (target / f"{part}.{kind}" for kind in ("prototxt", "caffemodel"))
        (target / f"{part}.onnx").write_bytes(caffe2onnx.convert(prototxt, caffemodel))
        text = re.sub(
            rf'("{part}\.caffemodel" = )"[0-9a-f]*"', rf'\1"{sha256_of(caffemodel)}"', text
        )
    digests = "".join(f'"{path.name}" = "{sha256_of(path)}"\n' for path in sources.values())
    text = re.sub(r"(?<=\[source_sha256\]\n)(?:\".*\n)*", lambda _match: digests, text)
    own = {"name": name, "source": f"from {folder.resolve().name}", "licence": "unknown"}
    for key, value in own.items():
        text = re.sub(
            rf"(?m)^{key} = .*$", f'{key} = "{value}"'.replace("\\", r"\\\\"), text, count=1
        )
    text = re.sub(r"(?m)^trained_on = .*\n", "", text)
    (target / "model.toml").write_text(text, encoding="utf-8")


def holds_mtcnn(folder: Path) -> bool:
    """Tell whether a folder holds MTCNN's three networks."""
    try:
        mtcnn2caffe.parts(folder)
    except ModelError:
        return False
    return True


def _stem(path: Path) -> str:
    """A name for files that is no trouble anywhere."""
    return re.sub(r"[^\w.-]+", "_", path.resolve().stem).strip(".") or "network"
