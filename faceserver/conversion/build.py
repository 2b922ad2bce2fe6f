"""Builds what is missing of the models: fetches the published weights, converts and checks them.

    python convert/build.py

A caffemodel that is there stays as it is, so that other weights can be dropped in; an ONNX file is
made again whenever it was not made from the prototxt and the caffemodel beside it.
"""

import argparse
import tomllib
from pathlib import Path

from faceserver.conversion.fingerprint import is_made_from
from faceserver.models.spec import DetectorSpec, EmbedderSpec, NetworkFiles, load_spec

_ROOT = Path(__file__).resolve().parents[2]


def specs(models: Path) -> list[DetectorSpec | EmbedderSpec]:
    """Read the descriptions of all models in a folder and its subfolders."""
    return [_load(path) for path in sorted(models.rglob("model.toml"))]


def _load(path: Path) -> DetectorSpec | EmbedderSpec:
    try:
        kind = tomllib.loads(path.read_text(encoding="utf-8")).get("kind")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        kind = None  # load_spec says what is wrong with it
    if kind == "detector":
        return load_spec(path.parent, DetectorSpec)
    return load_spec(path.parent, EmbedderSpec)


def is_built(files: NetworkFiles) -> bool:
    """Tell whether a network's weights are there, and its ONNX file was made from them."""
    caffe = (files.prototxt, files.caffemodel)
    return all(path.exists() for path in caffe) and is_made_from(files.onnx, *caffe)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Build what is missing of the models.")
    parser.add_argument("--models", type=Path, default=_ROOT / "models", help="their folder")
    parser.add_argument(
        "--cache", type=Path, default=_ROOT / ".cache" / "sources", help="where packages are kept"
    )
    options = parser.parse_args(arguments)
    missing = [
        (spec, files)
        for spec in specs(options.models)
        for files in spec.networks.values()
        if not is_built(files)
    ]
    if not missing:
        return
    # The converters and the runtimes that check them take a second to load.
    from faceserver.conversion.build_network import build_network  # noqa: PLC0415

    for spec, files in missing:
        build_network(spec, files, options.cache)
