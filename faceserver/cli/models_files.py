"""``faceserver models add|show|remove|pull``: models come and go."""

import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from faceserver.config import Settings, load_settings

if TYPE_CHECKING:  # loaded where they are used, so that --help answers at once
    from faceserver.conversion.adopting import Told
    from faceserver.models.files import FoundModel

_FETCH_SECONDS = 1800
_MOST_BYTES = 4 << 30


@click.command()
@click.argument("source", metavar="FILE|FOLDER|ZIP|URL")
@click.option(
    "--as", "--name", "name", help="Its name from now on.  [default: that in its model.toml]"
)
@click.option("--kind", type=click.Choice(["detector", "embedder", "attribute"]))
@click.option("--architecture", help="Which class runs it, such as scrfd, arcface or classes.")
@click.option(
    "--normalization",
    help="What happens to the pixels: none, unit (x/255), signed ((x-127.5)/127.5), signed128 "
    "((x-127.5)/128), imagenet, whiten, or MEAN,SCALE.",
)
@click.option("--crop", type=click.Choice(["aligned", "square", "centred"]))
@click.option("--channels", type=click.Choice(["rgb", "bgr"]), help="The order of the colours.")
@click.option("--labels", help="What an attribute's outputs stand for: A,B,...")
@click.option("--licence", help="Of the weights.")
@click.option("--threshold", type=click.FloatRange(0, 4), help="Squared L2 distance.")
@click.option("--sha256", help="Of the file or zip; another one is refused.")
def add(source: str, name: str | None, sha256: str | None, **said: str | float | None) -> None:
    """Add a model: an ONNX file, a pack of them, or a converted model's folder.

    A FOLDER with a model.toml is copied. Of ONNX files, in a folder or zip or alone, the shapes are
    read and the model is run once; what the file does not tell is asked for, or must be said.
    The files of a pack become NAME/FILE each.
    """
    from faceserver.conversion.adopting import Told

    settings = load_settings()
    labels = tuple(str(said.pop("labels") or "").split(",")) if said.get("labels") else ()
    said.pop("labels", None)
    told = Told(**said, labels=labels)  # type: ignore[arg-type]
    with _at_hand(source, settings, sha256) as path:
        if path.is_dir() and (path / "model.toml").is_file():
            _copy(path, name, settings)
        elif path.is_dir():
            _add_pack(path, name, told, settings)
        else:
            _add_file(path, _named(name), told, settings)


@contextmanager
def _at_hand(source: str, settings: Settings, sha256: str | None) -> Iterator[Path]:
    """The source as a file or folder of this machine; a zip's files in a folder of their own."""
    from faceserver.errors import ModelError, NotFound
    from faceserver.models.files import sha256_of

    with TemporaryDirectory() as folder:
        path = Path(source)
        if source.lower().startswith(("http://", "https://")):
            path = Path(folder, source.split("?", 1)[0].rstrip("/").rsplit("/", 1)[-1] or "model")
            path.write_bytes(_fetched(source, settings))
        if not path.exists():
            raise NotFound(f"there is no file or folder {source!r}")
        if sha256 and (path.is_dir() or sha256_of(path) != sha256.lower()):
            raise ModelError(f"{path.name} has not the sha256 {sha256}")
        if path.is_file() and zipfile.is_zipfile(path):
            yield _unpacked(path, Path(folder, "files"))
        else:
            yield path


def _fetched(url: str, settings: Settings) -> bytes:
    from faceserver.pictures.fetch import Fetcher

    fetcher = Fetcher(
        timeout=_FETCH_SECONDS,
        max_bytes=_MOST_BYTES,
        allow_networks=settings.url_allow_networks,
    )
    return fetcher.fetch(url)


def _unpacked(archive: Path, folder: Path) -> Path:
    """A zip's ONNX files and descriptions, in one folder by their names alone."""
    from faceserver.errors import ModelError

    folder.mkdir()
    try:
        with zipfile.ZipFile(archive) as packed:
            for member in packed.infolist():
                place = folder / Path(member.filename).name
                if place.suffix not in {".onnx", ".toml", ".prototxt", ".caffemodel"}:
                    continue
                if place.exists() or member.file_size > _MOST_BYTES:
                    raise ModelError(f"{archive.name}: {member.filename} cannot be taken out")
                with packed.open(member) as file, place.open("wb") as target:
                    while part := file.read(1 << 20):
                        target.write(part)
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError) as error:
        raise ModelError(f"{archive.name} cannot be unpacked: {error}") from error
    return folder


def _named(name: str | None) -> str:
    from faceserver.errors import InvalidRequest

    if not name:
        raise InvalidRequest("say what it is to be called, with --as NAME")
    return name


def _copy(folder: Path, name: str | None, settings: Settings) -> None:
    from faceserver.models.files import add_model
    from faceserver.models.spec import load_any_spec

    _tell(add_model(folder, settings.models_dir, name or load_any_spec(folder).name))


def _add_pack(folder: Path, name: str | None, told: "Told", settings: Settings) -> None:
    """Add each ONNX file of a folder as a model below a name."""
    from faceserver.conversion.adopting import of_pack
    from faceserver.errors import ModelError

    files = sorted(folder.rglob("*.onnx"))
    if not files:
        raise ModelError(f"there is no model.toml and no ONNX file in {folder.name}")
    name = _named(name)
    if len(files) == 1:
        _add_file(files[0], name, told, settings)
        return
    for file in files:
        known = of_pack(file)
        if known is None:
            click.echo(f"{file.name}: passed over; add it alone, and say what it is", err=True)
            continue
        _add_file(file, f"{name}/{file.stem}", known, settings)


def _add_file(file: Path, name: str, told: "Told", settings: Settings) -> None:
    import shutil

    from faceserver.conversion.adopting import describe, refuse_to_ask, try_out
    from faceserver.models.files import add_model

    ask = _ask if sys.stdin.isatty() else refuse_to_ask
    with TemporaryDirectory() as folder:
        shutil.copy(file, Path(folder, file.name))
        text = describe(Path(folder, file.name), name, told, ask)
        Path(folder, "model.toml").write_text(text, encoding="utf-8")
        try_out(Path(folder))
        _tell(add_model(Path(folder), settings.models_dir, name))


def _ask(name: str, meaning: str, answers: tuple[str, ...]) -> str:
    del name
    choice = click.Choice(answers) if answers else None
    answer: str = click.prompt(f"The file does not tell {meaning}", type=choice)
    return answer


def _tell(model: "FoundModel") -> None:
    click.echo(f"added {model.name}")
    if model.spec.kind == "attribute":
        click.echo(f"to use it: attributes={model.spec.name}")
    else:
        setting = "MODEL" if model.spec.kind == "embedder" else "DETECTOR"
        click.echo(f"to use it: FACESERVER_{setting}={model.name}")
    distances = getattr(model.spec, "distances", None)
    if distances and distances.calibration.startswith("not calibrated"):
        click.echo(f"its distance threshold {distances.threshold} is {distances.calibration}")


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
        raise Conflict(f"{model.name} is in use: set another one first")
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
    """Fetch and build the models NAMES, or all that come with this version."""
    from faceserver import folders
    from faceserver.conversion.build import build_models, take_descriptions

    settings = load_settings()
    take_descriptions(settings.models_dir, click.echo)
    wanted = {_found(name).name for name in names}
    if not build_models(settings.models_dir, folders.SOURCES, click.echo, only=wanted or None):
        click.echo("nothing was missing")


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
