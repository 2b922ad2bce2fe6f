"""Builds what is missing of the models: fetches the published weights, converts and checks them.

A caffemodel that is there stays as it is, so that other weights can be dropped in; an ONNX file is
made again whenever it was not made from the prototxt and the caffemodel beside it.
"""

import argparse
import shutil
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from faceserver import folders
from faceserver.conversion.files import write_whole
from faceserver.conversion.fingerprint import is_made_from
from faceserver.errors import ModelError
from faceserver.models.files import FoundModel, find_models
from faceserver.models.spec import BuiltFiles


def build_models(
    models: Path, cache: Path, say: Callable[[str], None], *, only: Collection[str] | None = None
) -> bool:
    """Build what is missing of all models in a folder.

    Args:
        models: the models' folder.
        cache: where the packages are kept that weights come from.
        say: is told of each step, in a line.
        only: the models by their names; None builds all.

    Returns:
        Whether anything was missing.

    Raises:
        SetupError: a published file cannot be had.
        ModelError: a description or a file is damaged.
    """
    wanted = [model for model in find_models(models) if only is None or model.name in only]
    missing = [
        (model.spec, files.built, files.sha256)
        for model in wanted
        for files in model.spec.networks.values()
        if files.built and not is_built(files.built)
    ]
    taken = _take_published(wanted, cache, say)
    if not missing:
        return taken
    # The converters and the runtimes that check them take a second to load.
    from faceserver.conversion.build_network import build_network  # noqa: PLC0415

    for spec, files, sha256 in missing:
        if not is_built(files):  # models may share a network
            build_network(spec, files, sha256, cache, say)
    return True


def _take_published(models: Sequence[FoundModel], cache: Path, say: Callable[[str], None]) -> bool:
    """Fetch missing ONNX files that are used as they are published; tell whether any was."""
    wanted = [
        (model.spec, files.onnx)
        for model in models
        for files in model.spec.networks.values()
        if files.onnx and not files.built and not files.onnx.exists()
    ]
    if not wanted:
        return False
    from faceserver.conversion.published import as_published  # noqa: PLC0415

    found = [(spec, path, as_published(path.name)) for spec, path in wanted]
    for spec, path, source in found:
        if source:
            write_whole(path, source.fetch(spec, cache).read_bytes())
            say(f"{path.stem}: taken as it is published")
    return any(source for _, _, source in found)


def take_descriptions(models: Path, say: Callable[[str], None]) -> None:
    """Copy the descriptions that come with this version to where they are missing.

    One that is there stays, for ``faceserver evaluate --save`` writes into it; where it differs,
    that is said.

    Raises:
        ModelError: the folder cannot be written.
    """
    if models.resolve() == folders.DESCRIPTIONS.resolve():
        return
    for shipped in sorted(folders.DESCRIPTIONS.rglob("*.*")):
        target = models / shipped.relative_to(folders.DESCRIPTIONS)
        if shipped.suffix not in {".toml", ".prototxt"}:
            continue
        if not target.exists():
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(shipped, target)
            except OSError as error:
                raise ModelError(f"{target} cannot be written: {error.strerror}") from error
        elif target.name == "model.toml" and target.read_bytes() != shipped.read_bytes():
            say(
                f"{target} differs from the one of this version, and is kept; delete it to renew it"
            )


def is_built(files: BuiltFiles) -> bool:
    """Tell whether a network's weights are there, and its ONNX file was made from them."""
    caffe = (files.prototxt, files.caffemodel)
    return all(path.exists() for path in caffe) and is_made_from(files.onnx, *caffe)


def main(arguments: list[str] | None = None) -> None:
    """Run ``convert/build.py``, which says nothing where nothing is missing."""
    parser = argparse.ArgumentParser(description="Build what is missing of the models.")
    parser.add_argument("--models", type=Path, default=folders.MODELS, help="their folder")
    parser.add_argument(
        "--cache", type=Path, default=folders.SOURCES, help="where packages are kept"
    )
    options = parser.parse_args(arguments)
    build_models(options.models, options.cache, lambda line: print(line, flush=True))
