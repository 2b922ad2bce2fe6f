"""``faceserver models add``: from whatever a user holds to an installed and verified model."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from faceserver.cli.models_sources import CONVERTED_FILES, at_hand
from faceserver.config import Settings, load_settings

if TYPE_CHECKING:  # loaded where they are used, so that --help answers at once
    from faceserver.conversion.adopting import Made, Told
    from faceserver.conversion.installing import Wish
    from faceserver.models.files import FoundModel


@click.command()
@click.argument("sources", metavar="FILE|FOLDER|ZIP|URL...", nargs=-1, required=True)
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
@click.option("--network", help="Architecture of PyTorch weights: iresnet50, mobilefacenet, ...")
@click.option("--input-size", metavar="N[xM]", help="Rows and columns, where the file has none.")
@click.option("--output", help="Node or tensor that makes the embedding, where that is not clear.")
@click.option("--published", metavar="NAME", help="The published FaceNet that it is.")
@click.option(
    "--picture",
    "pictures",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A face, cut out as the network takes it; as often as wanted, with --expected.",
)
@click.option(
    "--expected",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A .npy or .json file with the vector of each --picture as the source's own program "
    "makes it: other vectors are refused.",
)
@click.option("--no-check", is_flag=True, help="Add it even if it differs from its source.")
def add(  # noqa: PLR0917 - click passes them by name
    sources: tuple[str, ...],
    name: str | None,
    sha256: str | None,
    network: str | None,
    input_size: str | None,
    output: str | None,
    published: str | None,
    pictures: tuple[Path, ...],
    expected: Path | None,
    no_check: bool,
    **said: str | float | None,
) -> None:
    """Add a model, from whatever it is kept in.

    A prototxt with its caffemodel, an ONNX file or a pack of them, a frozen TensorFlow graph, the
    folder of a checkpoint or SavedModel, a Keras or PyTorch file, a folder with MTCNN's three
    networks, or a folder with a model.toml. What is not ONNX is converted and compared with its
    source; then the model is run once. What the files do not tell is asked for, or must be said.
    The files of a pack become NAME/FILE each.
    """
    from faceserver.conversion.adopting import Told
    from faceserver.conversion.installing import Wish
    from faceserver.conversion.options import size_of
    from faceserver.conversion.readers.opening import Opening
    from faceserver.errors import InvalidRequest

    settings = load_settings()
    labels = tuple(str(said.pop("labels") or "").split(",")) if said.get("labels") else ()
    said.pop("labels", None)
    told = Told(**said, labels=labels)  # type: ignore[arg-type]
    size = size_of(input_size) if input_size else None
    opening = Opening(output=output, network=network, size=size)
    wish = Wish(opening, published, pictures, expected, unchecked=no_check)
    if len(sources) == 2:
        with (
            at_hand(sources[0], settings, None) as first,
            at_hand(sources[1], settings, None) as second,
        ):
            _add_caffe(first, second, _named(name), told, settings, wish)
        return
    if len(sources) != 1:
        raise InvalidRequest("give one file or folder, or a prototxt and its caffemodel")
    with at_hand(sources[0], settings, sha256) as path:
        _add(path, name, told, settings, wish)


def _add(path: Path, name: str | None, told: "Told", settings: Settings, wish: "Wish") -> None:
    from faceserver.conversion.installing import CONVERTED, holds_mtcnn
    from faceserver.conversion.readers.kinds import Kind, kind_of

    kind = kind_of(path)
    if kind is Kind.MODEL_FOLDER:
        _copy(path, name, settings)
    elif kind in CONVERTED:
        _add_converted(path, _named(name), told, settings, wish)
    elif kind is Kind.DLIB:
        _add_dlib(path, name, settings)
    elif kind is Kind.FOLDER and told.architecture in (None, "mtcnn") and holds_mtcnn(path):
        _add_mtcnn(path, _named(name), settings, wish)
    elif kind is Kind.FOLDER:
        _add_folder(path, name, told, settings, wish)
    else:
        _add_file(path, _named(name), told, settings, wish)


def _named(name: str | None) -> str:
    from faceserver.errors import InvalidRequest

    if not name:
        raise InvalidRequest("give it a name with --as NAME")
    return name


def _copy(folder: Path, name: str | None, settings: Settings) -> None:
    from faceserver.models.files import add_model
    from faceserver.models.spec import load_any_spec

    _tell(add_model(folder, settings.models_dir, name or load_any_spec(folder).name))


def _add_folder(
    folder: Path, name: str | None, told: "Told", settings: Settings, wish: "Wish"
) -> None:
    """Add each ONNX file of a folder below a name, or what else the folder holds."""
    from faceserver.conversion.packs import of_pack
    from faceserver.errors import ModelError

    files = sorted(folder.rglob("*.onnx"))
    caffe = [*sorted(folder.rglob("*.prototxt")), *sorted(folder.rglob("*.caffemodel"))]
    others = sorted(path for path in folder.rglob("*") if path.suffix in CONVERTED_FILES)
    if not files and len(caffe) == 2:
        _add_caffe(caffe[0], caffe[1], _named(name), told, settings, wish)
        return
    if not files and len(others) == 1:
        _add_converted(others[0], _named(name), told, settings, wish)
        return
    if not files:
        raise ModelError(
            f"there is no model.toml, no ONNX file, no prototxt with one caffemodel and no other "
            f"network alone in {folder}"
        )
    name = _named(name)
    if len(files) == 1:
        _add_file(files[0], name, told, settings, wish)
        return
    for file in files:
        known = of_pack(file, told)
        if known is None:
            click.echo(f"{file.name}: skipped; add it separately, and say what it is", err=True)
            continue
        click.echo(f"{file.name}: by its name and shapes a file of InsightFace's, {known.licence}")
        _add_file(file, f"{name}/{file.stem}", known, settings, wish)


def _add_file(file: Path, name: str, told: "Told", settings: Settings, wish: "Wish") -> None:
    from faceserver.conversion.installing import of_onnx

    with TemporaryDirectory() as folder:
        made = of_onnx(file, Path(folder), wish)
        _describe_and_add(Path(folder), made.files["onnx"], name, told, settings, made, wish)


def _add_caffe(  # noqa: PLR0917
    first: Path, second: Path, name: str, told: "Told", settings: Settings, wish: "Wish"
) -> None:
    from faceserver.conversion.installing import of_caffe

    with TemporaryDirectory() as folder:
        made = of_caffe(first, second, Path(folder), click.echo, wish)
        _describe_and_add(Path(folder), made.files["onnx"], name, told, settings, made, wish)


def _add_converted(path: Path, name: str, told: "Told", settings: Settings, wish: "Wish") -> None:
    from faceserver.conversion.installing import of_framework

    with TemporaryDirectory() as folder:
        made = of_framework(path, Path(folder), click.echo, wish)
        _describe_and_add(Path(folder), made.files["onnx"], name, told, settings, made, wish)


def _add_mtcnn(path: Path, name: str, settings: Settings, wish: "Wish") -> None:
    from faceserver.conversion.installing import mtcnn
    from faceserver.conversion.trial import try_out
    from faceserver.models.files import add_model

    with TemporaryDirectory() as folder:
        mtcnn(path, Path(folder), name, click.echo, unchecked=wish.unchecked)
        try_out(Path(folder))
        _tell(add_model(Path(folder), settings.models_dir, name))


def _add_dlib(path: Path, name: str | None, settings: Settings) -> None:
    from faceserver.conversion.dlib_model import NAME, add_dlib

    _tell(add_dlib(path, settings.models_dir, name or NAME))


def _describe_and_add(  # noqa: PLR0917
    folder: Path,
    onnx: Path,
    name: str,
    told: "Told",
    settings: Settings,
    made: "Made",
    wish: "Wish",
) -> None:
    from faceserver.conversion.adopting import describe, refuse_to_ask
    from faceserver.conversion.trial import compare_vectors, try_out
    from faceserver.models.files import add_model

    ask = _ask if sys.stdin.isatty() else refuse_to_ask
    text = describe(onnx, name, told, ask, made)
    Path(folder, "model.toml").write_text(text, encoding="utf-8")
    spec = try_out(folder)
    if wish.expected:
        apart = compare_vectors(folder, wish.pictures, wish.expected)
        click.echo(f"the whole way from picture to vector differs by at most {apart:.1e}")
    kept = f"{spec.kind}, {spec.architecture}, {spec.input.channels}"
    click.echo(f"found: {kept}, normalization {spec.input.normalization.model_dump()}")
    _tell(add_model(folder, settings.models_dir, name))


def _ask(name: str, meaning: str, answers: tuple[str, ...]) -> str:
    del name
    choice = click.Choice(answers) if answers else None
    answer: str = click.prompt(f"The file does not say {meaning}", type=choice)
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
