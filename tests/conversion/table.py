"""Measures every source against every target, and writes the table of docs/which-command.md.

    python -m tests.conversion.table [WORDS OF A TITLE]

needs TensorFlow, coremltools and PyTorch (`make test-convert`, `make test-torch`), and measures the
Caffe files in Caffe itself where `scripts/build-pycaffe` has built it. The figures are kept in
table.json, beside this file, which tests compare with the page and with what the code names.
"""

import json
import sys
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from faceserver.conversion import converting
from faceserver.conversion.checks.report import relative
from faceserver.conversion.checks.report_inputs import fed
from faceserver.conversion.network import EMBEDDINGS, Network, read_network
from faceserver.conversion.normalizations import normalization_of
from faceserver.conversion.options import Pixels
from faceserver.conversion.readers.source import open_source
from faceserver.types import Floats

DATA = Path(__file__).with_name("table.json")
PAGE = Path(__file__).resolve().parents[2] / "docs" / "which-command.md"
BEGIN, END = "<!-- table: python -m tests.conversion.table -->", "<!-- end of the table -->"

COLUMNS = {
    "caffe": "Caffe, in OpenCV",
    "real_caffe": "Caffe, in Caffe 1.0",
    "onnx": "ONNX, in OpenVINO",
    "coreml": "CoreML program, weights read back",
    "coreml_run": "CoreML network, by way of ONNX Runtime",
    "tflite": "TFLite, in its interpreter",
}
"""What is measured, and who runs it."""

NO_PRELU = "no PReLU"

Row = dict[str, Any]


def render(rows: list[Row]) -> str:
    """Write the rows as Markdown."""
    head = ["source", "who runs it", *COLUMNS.values()]
    lines = [head, ["---"] * len(head)]
    for row in rows:
        cells = [row["differences"].get(name, "-") for name in COLUMNS]
        shown = [f"{cell:.1e}" if isinstance(cell, float) else cell for cell in cells]
        lines.append([row["source"], row["judge"], *shown])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def shown(page: str) -> str:
    """Return the table that a page shows."""
    return page.partition(BEGIN)[2].partition(END)[0].strip() + "\n"


def main(words: list[str]) -> None:
    """Measure the cases whose titles hold all words, and write the data and the page."""
    if find_spec("caffe"):
        import_module("caffe")  # it crashes where TensorFlow was loaded before it
    from tests.conversion.table_cases import CASES  # noqa: PLC0415 - TensorFlow and PyTorch

    kept = {row["source"]: row for row in json.loads(DATA.read_text())} if DATA.exists() else {}
    for case in CASES:
        if all(word in case.title for word in words):
            kept[case.title] = measure(case)
            print(json.dumps(kept[case.title], indent=1), flush=True)
            rows = [kept[each.title] for each in CASES if each.title in kept]
            DATA.write_text(json.dumps(rows, indent=1) + "\n")
    page = PAGE.read_text()
    old = page[page.index(BEGIN) : page.index(END)]
    PAGE.write_text(page.replace(old, f"{BEGIN}\n\n{render(json.loads(DATA.read_text()))}\n"))


def measure(case: Any) -> Row:
    """Convert a source to every form, and compare what pictures give with what it gives itself."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        source = open_source(case.make(folder), case.opening)
        network = read_network(source, case.opening.size)
        pixels = Pixels(case.channels, normalization_of(case.normalization), None)
        pictures = _pictures(network)
        expected = _expected(network, pixels, pictures)
        apart: dict[str, float | str] = {}
        apart |= _caffe_and_onnx(network, pixels, pictures, expected, folder)
        apart |= _coreml(network, pixels, pictures, folder)
        apart |= _tflite(network, pixels, pictures, expected)
        return {
            "source": case.title,
            "kind": case.kind.name,
            "judge": source.judge,
            "differences": {
                name: cell if isinstance(cell, str) else float(f"{cell:.1e}")
                for name, cell in apart.items()
            },
        }


def _pictures(network: Network) -> Any:
    """Noise and smooth waves, as uint8 pictures of the network's size."""
    _channels, rows, columns = network.input_shape
    noise = np.random.default_rng(1).integers(0, 256, (rows, columns, 3))
    row, column, channel = np.ogrid[0:rows, 0:columns, 0:3]
    waves = 127.5 * (1 + np.sin(row / 11 + channel) * np.cos(column / 17))
    return np.stack([noise, waves]).astype(np.uint8)


def _expected(network: Network, pixels: Pixels, pictures: Any) -> dict[str, Floats]:
    blobs = fed(pictures, pixels.normalization, pixels.channels)
    made = [network.source.run(blob[None], [*network.outputs.values()]) for blob in blobs]
    return {
        ours: np.concatenate([each[theirs].reshape(1, -1) for each in made])
        for ours, theirs in network.outputs.items()
    }


def _apart(expected: Mapping[str, Floats], found: Mapping[str, Floats]) -> float:
    """Of unit vectors the largest difference; of other outputs in parts of their largest value."""
    largest = 0.0
    for name, values in expected.items():
        ours = found[name].reshape(values.shape)
        if name == EMBEDDINGS:
            values, ours = (  # noqa: PLW2901
                each / np.linalg.norm(each, axis=1, keepdims=True) for each in (values, ours)
            )
        largest = max(largest, relative(values, ours))
    return largest


def _caffe_and_onnx(
    network: Network,
    pixels: Pixels,
    pictures: Any,
    expected: Mapping[str, Floats],
    folder: Path,
) -> dict[str, float | str]:
    from tests.support.pycaffe import HAS_CAFFE, run_caffe  # noqa: PLC0415 - Caffe, if it is there

    files = converting.caffe_files(network, "net", converting.Style(), "a test")
    forms = converting.write_caffe_and_onnx(files, folder, "net", network.source.path)
    blobs = fed(pictures, pixels.normalization, pixels.channels)

    def run(form: Any) -> dict[str, Floats]:
        made = [form(blob[None], [*expected]) for blob in blobs]
        return {name: np.concatenate([each[name] for each in made]) for name in expected}

    apart: dict[str, float | str] = {
        "caffe": _apart(expected, run(forms["Caffe"])),
        "onnx": _apart(expected, run(forms["ONNX"])),
    }
    if HAS_CAFFE:
        caffe = folder / "net.prototxt", folder / "net.caffemodel"
        apart["real_caffe"] = _apart(
            expected, run(lambda blob, names: run_caffe(*caffe, blob, names))
        )
    return apart


def _coreml(
    network: Network, pixels: Pixels, pictures: Any, folder: Path
) -> dict[str, float | str]:
    from faceserver.conversion import tf2coreml  # noqa: PLC0415 - coremltools
    from faceserver.conversion.coreml.about import about  # noqa: PLC0415
    from faceserver.conversion.coreml.check import check_outputs, check_program  # noqa: PLC0415
    from faceserver.conversion.coreml.network import coreml_network  # noqa: PLC0415
    from faceserver.conversion.graph.layers import PRelu  # noqa: PLC0415

    prepared, known = coreml_network(network), about(network, pixels)
    package, older = folder / "net.mlpackage", folder / "net.mlmodel"
    tf2coreml.convert(prepared, known, tf2coreml.Form()).save(str(package))
    apart: dict[str, float | str] = {"coreml": check_program(package, prepared, half=False)}
    if any(isinstance(layer, PRelu) for layer in prepared.layers):
        return {**apart, "coreml_run": NO_PRELU}
    tf2coreml.convert(prepared, known, tf2coreml.Form(neural_network=True)).save(str(older))
    ends = {ours: network.outputs[layer] for layer, ours in prepared.outputs.items()} or None
    apart["coreml_run"] = check_outputs(
        older,
        network.source,
        pixels.normalization,
        pictures,
        half=False,
        channels=pixels.channels,
        outputs=ends,
    )
    return apart


def _tflite(
    network: Network, pixels: Pixels, pictures: Any, expected: Mapping[str, Floats]
) -> dict[str, float | str]:
    from faceserver.conversion.coreml.network import OUTPUT, coreml_network  # noqa: PLC0415
    from faceserver.conversion.tflite.run import run_tflite  # noqa: PLC0415
    from faceserver.conversion.tflite.target import tflite_form  # noqa: PLC0415

    content, _run = tflite_form(network, pixels, "float32")
    made = run_tflite(content, pictures)
    names = {EMBEDDINGS: OUTPUT} if network.dims else coreml_network(network).outputs
    return {"tflite": _apart(expected, {ours: made[name] for ours, name in names.items()})}


if __name__ == "__main__":
    main(sys.argv[1:])
