"""Builds one network's files, and puts them in place only after they have been checked."""

from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from faceserver.conversion import caffe2onnx
from faceserver.conversion.caffe.prototxt import read_prototxt
from faceserver.conversion.checks.judge import (
    difference,
    run_opencv,
    run_openvino,
    sample,
    unit,
)
from faceserver.conversion.files import write_whole
from faceserver.conversion.fingerprint import sha256_of
from faceserver.conversion.published import published
from faceserver.conversion.writers.to_onnx import takes_any_size
from faceserver.models.spec import BuiltFiles, EmbedderSpec, Spec
from faceserver.types import Floats

_BATCH = 2


def build_network(
    spec: Spec,
    files: BuiltFiles,
    sha256: Mapping[str, str],
    cache: Path,
    say: Callable[[str], None],
) -> None:
    """Make a network's missing files, and say what was done.

    A caffemodel that is there is taken as it is; otherwise it is made from the published file.

    Raises:
        SetupError: the published file cannot be had.
        ModelError: a file cannot be read or converted, or what was made computes something else
            than its source.
    """
    name = files.caffemodel.stem
    with TemporaryDirectory() as folder:
        if files.caffemodel.exists():
            if sha256_of(files.caffemodel) != sha256.get(files.caffemodel.name):
                say(f"{name}: these are not the published weights; taking them as they are")
            made = files._replace(onnx=Path(folder) / files.onnx.name)
            source = None
        else:
            made = _in_folder(files, Path(folder))
            source = published(name).fetch(spec, cache)
            say(f"{name}: converting {source.name}")
            published(name).convert(source).write(Path(folder), name)
        made.onnx.write_bytes(caffe2onnx.convert(made.prototxt, made.caffemodel))
        say(_check(spec, made, source))
        _put_in_place(made, files)


def _check(spec: Spec, made: BuiltFiles, source: Path | None) -> str:
    """Compare the new files with the published one, or the ONNX file with a given caffemodel."""
    name = made.caffemodel.stem
    normalize = unit if isinstance(spec, EmbedderSpec) else dict
    largest: dict[str, float] = {}
    for blob in _samples(made.prototxt):
        onnx = run_openvino(made.onnx, blob)
        caffe = run_opencv(made.prototxt, made.caffemodel, blob, outputs=onnx)
        expected, found = caffe, {"ONNX": onnx}
        if source is not None:
            names = published(name).outputs
            outputs = published(name).run(source, blob)
            expected = {names[key]: each for key, each in outputs.items()}
            found["Caffe"] = caffe
        for form, outputs in found.items():
            apart = difference(f"{name} in {form}", normalize(expected), normalize(outputs))
            largest[form] = max(largest.get(form, 0.0), apart)
    origin = source.name if source else made.caffemodel.name
    apart_in = ", ".join(f"{apart:.1e} in {form}" for form, apart in largest.items())
    return f"{name}: checked; differs from {origin} by at most {apart_in}"


def _samples(prototxt: Path) -> list[Floats]:
    net = read_prototxt(prototxt)
    _one, channels, rows, columns = net.layer[0].input_param.shape[0].dim
    shapes = [(_BATCH, channels, rows, columns)]
    if takes_any_size(net):
        # What goes down and up again meets itself at multiples of its steps alone.
        odd = not any(layer.type == "Deconvolution" for layer in net.layer)
        shapes.append((_BATCH, channels, 3 * rows + odd, 4 * columns + 3 * odd))
    return [sample(shape) for shape in shapes]


def _in_folder(files: BuiltFiles, folder: Path) -> BuiltFiles:
    return BuiltFiles(*(folder / path.name for path in files))


def _put_in_place(made: BuiltFiles, files: BuiltFiles) -> None:
    """Move the new files, the ONNX file last: it tells that the others are complete."""
    for new, final in (
        (made.caffemodel, files.caffemodel),
        (made.prototxt, files.prototxt),
        (made.onnx, files.onnx),
    ):
        content = new.read_bytes()
        if not final.exists() or final.read_bytes() != content:
            write_whole(final, content)
