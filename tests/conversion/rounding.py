"""Measures what fewer bits for the weights cost on phones, and writes the table of docs/coreml.md.

    python -m tests.conversion.rounding [MODEL] [FILE] [WEIGHTS]

needs TensorFlow and coremltools (`make test-convert`). The figures are kept in rounding.json,
beside this file, which a test compares with the page.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from PIL import Image

from faceserver import folders
from faceserver.conversion.network import Network, read_network
from faceserver.conversion.normalizations import normalization_of
from faceserver.conversion.options import Pixels
from faceserver.conversion.readers.source import open_source

DATA = Path(__file__).with_name("rounding.json")
PAGE = Path(__file__).resolve().parents[2] / "docs" / "coreml.md"
BEGIN, END = "<!-- table: python -m tests.conversion.rounding -->", "<!-- end of the table -->"

PICTURES = ("obama.jpg", "obama2.jpg", "biden.jpg", "astronaut.png")

Row = dict[str, Any]


@dataclass(frozen=True)
class Shipped:
    """A model that comes with faceserver, and how its pixels are."""

    title: str
    pattern: str
    normalization: str
    channels: str


MODELS = (
    Shipped("FaceNet 20180408-102900", "graph_final.pb", "signed128", "rgb"),
    Shipped("SFace", "face_recognition_sface_2021dec_int8bq.onnx", "none", "rgb"),
)
FORMS = (
    ("CoreML", "float32"),
    ("CoreML", "float16"),
    ("CoreML", "int8"),
    ("CoreML", "palette"),
    ("TFLite", "float32"),
    ("TFLite", "float16"),
    ("TFLite", "int8"),
)


def render(rows: list[Row]) -> str:
    """Write the rows as Markdown."""
    lines = ["| model | file | weights | size | largest difference |", "|---|---|---|---|---|"]
    lines += [
        f"| {row['model']} | {row['file']} | {row['weights']} | {row['megabytes']:.1f} MB | "
        f"{row['apart']:.1e} |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def shown(page: str) -> str:
    """Return the table that a page shows."""
    return page.partition(BEGIN)[2].partition(END)[0].strip() + "\n"


def main(words: list[str]) -> None:
    """Measure what has all words in its line, and write the data and the page."""
    kept = {_key(row): row for row in json.loads(DATA.read_text())} if DATA.exists() else {}
    for model in MODELS:
        path = next(folders.SOURCES.glob(f"*/{model.pattern}"))
        network = read_network(open_source(path))
        pixels = Pixels(model.channels, normalization_of(model.normalization), None)
        pictures = _photographs(network)
        for file, weights in FORMS:
            key = (model.title, file, weights)
            if not all(word in key for word in words):
                continue
            measure = _coreml if file == "CoreML" else _tflite
            size, apart = measure(network, pixels, pictures, weights)
            row: Row = dict(zip(("model", "file", "weights"), key, strict=True))
            row |= {"megabytes": round(size / 1e6, 1), "apart": float(f"{apart:.1e}")}
            kept[key] = row
            print(row, flush=True)
            keys = [(each.title, *form) for each in MODELS for form in FORMS]
            DATA.write_text(json.dumps([kept[k] for k in keys if k in kept], indent=1) + "\n")
    page = PAGE.read_text()
    old = page[page.index(BEGIN) : page.index(END)]
    PAGE.write_text(page.replace(old, f"{BEGIN}\n\n{render(json.loads(DATA.read_text()))}\n"))


def _key(row: Row) -> tuple[str, str, str]:
    return row["model"], row["file"], row["weights"]


def _photographs(network: Network) -> Any:
    from tests.support.photographs import fetch_photographs  # noqa: PLC0415 - it may fetch them

    found = fetch_photographs()
    _channels, rows, columns = network.input_shape
    each = []
    for name in PICTURES:
        with Image.open(found[name]) as picture:
            each.append(np.asarray(picture.convert("RGB").resize((columns, rows))))
    return np.stack(each)


def _coreml(network: Network, pixels: Pixels, pictures: Any, weights: str) -> tuple[int, float]:
    from faceserver.conversion import tf2coreml  # noqa: PLC0415 - coremltools
    from faceserver.conversion.coreml.about import about  # noqa: PLC0415
    from faceserver.conversion.coreml.compress import loss  # noqa: PLC0415
    from faceserver.conversion.coreml.network import coreml_network, pixel_scaling  # noqa: PLC0415

    prepared = coreml_network(network)
    scaling = pixel_scaling(pixels.normalization, prepared.input_shape, pixels.channels)
    compressed = weights if weights in ("int8", "palette") else ""
    form = tf2coreml.Form(half=weights == "float16", compressed=compressed)
    with TemporaryDirectory() as folder:
        package = Path(folder) / "net.mlpackage"
        tf2coreml.convert(prepared, about(network, pixels), form).save(str(package))
        size = sum(path.stat().st_size for path in package.rglob("*") if path.is_file())
        return size, loss(package, prepared, scaling, pictures)


def _tflite(network: Network, pixels: Pixels, pictures: Any, weights: str) -> tuple[int, float]:
    from faceserver.conversion.coreml.check import expected_embeddings  # noqa: PLC0415
    from faceserver.conversion.tflite.run import run_tflite  # noqa: PLC0415 - TensorFlow
    from faceserver.conversion.tflite.target import tflite_form  # noqa: PLC0415

    expected = expected_embeddings(network.source, pixels.normalization, pictures, pixels.channels)
    content, _run = tflite_form(network, pixels, weights)
    found = run_tflite(content, pictures)["embedding"]
    return len(content), float(np.abs(found - expected).max())


if __name__ == "__main__":
    main(sys.argv[1:])
