"""Files and folders that appear whole or not at all, and the words that go into a CoreML file."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from faceserver.conversion.coreml.about import About, metadata, swift_line
from faceserver.conversion.coreml.network import Embedder
from faceserver.errors import ModelError, SetupError


@contextmanager
def staged(target: Path) -> Iterator[Path]:
    """Give a path of the target's name in a folder beside it; move there what was made of it.

    A file or package that was at the target is replaced. If the block raises, nothing changes.

    Raises:
        ModelError: a folder that is no CoreML package is in the way.
        SetupError: the target's folder cannot be written; raised before the block begins where
            that shows at once.
    """
    if target.is_dir() and not (target / "Manifest.json").is_file() and any(target.iterdir()):
        raise ModelError(f"{target} cannot be written: a folder of that name is in the way")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=target.parent, prefix=".") as folder:
            made = Path(folder) / target.name
            yield made
            if target.is_dir():  # which nothing but an empty folder can replace in one step
                os.replace(target, Path(folder) / "replaced")  # noqa: PTH105
            os.replace(made, target)  # noqa: PTH105
    except FileExistsError as error:
        raise SetupError(f"{target} cannot be written: {target.parent} is a file") from error
    except OSError as error:
        raise SetupError(f"{target} cannot be written: {error.strerror or error}") from error


def describe(model: Any, about: About, network: Embedder, sha256: str, class_name: str) -> None:
    """Set a model's author, licence and other words in place.

    Args:
        model: a ``coremltools.models.MLModel``.
        about: of the model.
        network: that was converted.
        sha256: of its source.
        class_name: how Xcode will name the model's class: like the file.
    """
    dims = None if network.outputs else network.dims
    call = swift_line(class_name)
    if dims is None:
        names = ", ".join(network.outputs.values())
        model.short_description = f"{about.name}: makes {names}"
        call = call.removesuffix(".embedding")
    else:
        model.short_description = (
            f"{about.name}: the embedding of a face as a unit vector of {dims} values. {call}"
        )
        model.output_description["embedding"] = f"A unit vector of {dims} values"
    model.author = about.author
    model.license = about.licence
    model.version = about.name
    entries = metadata(about, sha256, network.input_shape, dims)
    for key, value in {**entries, "swift": call}.items():
        model.user_defined_metadata[key] = value
    _channels, rows, columns = network.input_shape
    model.input_description["image"] = f"A face, cut out and scaled to {columns}x{rows} pixels"
