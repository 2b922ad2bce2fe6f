"""Turns a face network from TensorFlow into a Caffe network; Keras, ONNX and PyTorch, too.

    python convert/tf2caffe.py SOURCE OUT_FOLDER

SOURCE is a frozen graph (*.pb), a folder with a TF1 checkpoint (*.meta, *.index, *.data-*), the
folder of a SavedModel, a Keras, ONNX or PyTorch file; what each needs is in docs/conversion.md.

OUT_FOLDER then holds facenet.prototxt, facenet.caffemodel, facenet.onnx, model.toml and
report.json, which says layer by layer how far the result is from the source. Make the model usable
by its name with `faceserver models add OUT_FOLDER`.
"""

from pathlib import Path

from faceserver.conversion import convert_any, converting
from faceserver.conversion.converting import Style as Style  # noqa: PLC0414 - for callers
from faceserver.conversion.network import Network, read_network
from faceserver.conversion.readers.source import open_source
from faceserver.conversion.writers.caffe_files import CaffeFiles
from faceserver.errors import ModelError

WRITER = "convert/tf2caffe.py"


def convert(source: Path, name: str, style: Style | None = None) -> CaffeFiles:
    """Convert a network of which nothing needs to be said.

    Args:
        source: the file or folder.
        name: the network's name.
        style: how it is written.

    Returns:
        The network: input ``data``, shape (1, 3, rows, columns); output ``embeddings``, not yet
        scaled to unit length.

    Raises:
        ModelError: the source cannot be read, or its graph not be converted.
    """
    style = style or Style()
    network = read_network(
        open_source(source), keep_batch_norms=style.keep_batch_norms, is_embedding=True
    )
    return converting.caffe_files(network, name, style, WRITER)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line: that of :mod:`convert_any`, with a FaceNet's names."""
    parser = convert_any.parser(__doc__ or "", prog=None, name="facenet")
    convert_any.run(parser.parse_args(arguments), writer=WRITER, require=_require_embedding)


def _require_embedding(network: Network) -> None:
    """Refuse, before long work, what can have no model.toml."""
    _channels, rows, columns = network.input_shape
    if network.dims is None or rows != columns:
        raise ModelError(
            f"{network.source.path}: this is not a FaceNet: it makes {dict(network.output_shapes)} "
            f"of {network.input_shape}, not a vector of a square RGB picture; `faceserver models "
            "convert` takes any network"
        )
