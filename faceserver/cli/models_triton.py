"""``faceserver models export-triton``: the networks that an inference server is to run."""

from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from faceserver.config import load_settings

if TYPE_CHECKING:  # loaded where it is used, so that --help answers at once
    from faceserver.conversion.triton import Backend


@click.command(name="export-triton")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.argument("names", nargs=-1)
@click.option(
    "--backend",
    type=click.Choice(["onnxruntime", "python"]),
    default="onnxruntime",
    show_default=True,
    help="What runs the networks in Triton; python is for one without ONNX Runtime.",
)
@click.option(
    "--max-batch",
    type=click.IntRange(1, 1024),
    default=32,
    show_default=True,
    help="Faces that a network takes at once.",
)
def export_triton(folder: Path, names: tuple[str, ...], backend: str, max_batch: int) -> None:
    """Write a model repository for NVIDIA Triton to FOLDER.

    It has the networks of all built models, or of the models NAMES, that have a name on the server
    (`remote` in their model.toml), with configuration and dynamic batching. Start Triton with
    `--model-repository FOLDER`, and the server with FACESERVER_ENGINE=oip.
    """
    from faceserver.conversion.triton import export_triton as export
    from faceserver.errors import NotFound
    from faceserver.models.files import find_models

    found = find_models(load_settings().models_dir)
    unknown = set(names) - {model.name for model in found}
    if unknown:
        raise NotFound(f"there is no model {min(unknown)!r}; `faceserver models list` lists them")
    chosen = [model for model in found if (model.name in names if names else model.is_built)]
    written = export(chosen, folder, backend=cast("Backend", backend), most=max_batch)
    for each in written:
        most = f"up to {each.most} at once" if each.most else "as many at once as its file says"
        click.echo(f"{folder / each.name}: version {each.version}, {most}")


COMMANDS = (export_triton,)
