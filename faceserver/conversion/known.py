"""Tells which model a source is: by its hash, or by the user's word. All converters ask here."""

import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from faceserver.conversion.normalizations import NAMES, normalization_of
from faceserver.errors import ModelError
from faceserver.folders import DESCRIPTIONS
from faceserver.models.spec import Crop, EmbedderSpec, Normalization, SquareCrop, load_spec

_TABLE = Path(__file__).with_name("known_models.toml")

SQUARE = SquareCrop(kind="square", side=1.15, lowered=0.1, size=160)
"""The square around the lowered centre that FaceNets have been used with."""


@dataclass(frozen=True)
class Known:
    """What is established of a source.

    Attributes:
        name: the model's.
        source: where the weights come from, in words.
        licence: of the weights.
        trained_on: the photographs that the weights come from, in words.
        dims: length of the embedding.
        channels: the order of the colours.
        normalization: what happens to the pixels first.
        crop: how faces are cut out.
        threshold: squared L2 distance below which two faces are one person.
        calibration: where the threshold comes from.
        by_hash: the source's sha256 says so, not the user alone.
    """

    name: str
    source: str
    licence: str
    trained_on: str
    dims: int
    channels: str
    normalization: Normalization
    crop: Crop
    threshold: float
    calibration: str
    by_hash: bool


@dataclass(frozen=True)
class Published:
    """A published FaceNet as known_models.toml tells of it."""

    name: str
    dims: int
    training_set: str
    licence: str
    normalization: str
    sha256: tuple[str, ...]
    threshold: float
    calibration: str


@cache
def published_models() -> tuple[Published, ...]:
    """Return the published FaceNets."""
    table = tomllib.loads(_TABLE.read_text(encoding="utf-8"))
    return tuple(
        Published(name=name, **{**entry, "sha256": tuple(entry["sha256"])})
        for name, entry in table.items()
    )


def recognise(
    path: Path,
    digests: Iterable[str],
    *,
    published: str | None = None,
    model_toml: Path | None = None,
) -> Known | None:
    """Return what is known of a source, None if nothing is.

    The sha256 of its files comes first: descriptions beside it and among this project's models are
    looked through for it. A name counts where the user says it, never because a file bears it.

    Args:
        path: the file or folder that was given.
        digests: the sha256 of each file that was read of it.
        published: the published model that the user says it is.
        model_toml: a description that the user says is of it.

    Raises:
        ModelError: the user's word names no published model, contradicts the sha256, or the
            description cannot be read.
    """
    if model_toml:
        return _of_spec(_described(model_toml), by_hash=False)
    known = _by_hash(path, frozenset(digests))
    if not published:
        return known
    said = _published(published)
    if known and known.name != said.name:
        raise ModelError(f"{path} is {known.name}, its sha256 says, not {said.name}")
    return known or _of_published(said, by_hash=False)


def require_dims(known: Known | None, path: Path, dims: int) -> None:
    """Refuse to call a network by a model's name if its vectors have another length.

    Raises:
        ModelError: they have.
    """
    if known and known.dims != dims:
        raise ModelError(
            f"{path} makes vectors of {dims} values, {known.name} has {known.dims}: "
            "it is another model"
        )


def ask_for_normalization(path: Path) -> ModelError:
    """Make the error for a source of which nothing tells how its pixels were normalized."""
    hint = next(
        (
            f"; if it is {each.name}, as its name suggests, say so with --published {each.name}"
            for each in published_models()
            if each.name in str(path.resolve())
        ),
        "",
    )
    names = ", ".join(NAMES)
    return ModelError(
        f"{path} is none of the models that are known by their sha256, so say how its pixels were "
        f"normalized in training: --normalization {names} or MEAN,SCALE{hint}"
    )


def _by_hash(path: Path, digests: frozenset[str]) -> Known | None:
    for spec in _descriptions(path, digests):
        named = {*spec.source_sha256.values()}
        for files in spec.networks.values():
            named |= {*files.sha256.values()}
        if named & digests:
            return _of_spec(spec, by_hash=True)
    found = (each for each in published_models() if digests & set(each.sha256))
    return next((_of_published(each, by_hash=True) for each in found), None)


def _descriptions(path: Path, digests: frozenset[str]) -> Iterator[EmbedderSpec]:
    """Read the descriptions that have one of the digests somewhere in them."""
    folder = path if path.is_dir() else path.parent
    for file in (folder / "model.toml", *sorted(DESCRIPTIONS.glob("**/model.toml"))):
        text = file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""
        if 'kind = "embedder"' in text and any(digest in text for digest in digests):
            yield load_spec(file.parent, EmbedderSpec)


def _described(model_toml: Path) -> EmbedderSpec:
    if model_toml.name != "model.toml":
        raise ModelError(f"{model_toml} is not named model.toml")
    return load_spec(model_toml.parent, EmbedderSpec)


def _published(name: str) -> Published:
    found = [each for each in published_models() if each.name == name]
    if not found:
        names = ", ".join(each.name for each in published_models())
        raise ModelError(f"{name!r} is not one of the published models: {names}")
    return found[0]


def _of_spec(spec: EmbedderSpec, *, by_hash: bool) -> Known:
    return Known(
        name=spec.name,
        source=spec.source,
        licence=spec.licence,
        trained_on=spec.trained_on,
        dims=spec.dims,
        channels=spec.input.channels,
        normalization=spec.input.normalization,
        crop=spec.crop,
        threshold=spec.distances.threshold,
        calibration=spec.distances.calibration,
        by_hash=by_hash,
    )


def _of_published(each: Published, *, by_hash: bool) -> Known:
    words = f"FaceNet {each.name}" if by_hash else f"FaceNet {each.name}, as its converter says"
    return Known(
        name=each.name,
        source=words,
        licence=each.licence,
        trained_on=each.training_set,
        dims=each.dims,
        channels="rgb",
        normalization=normalization_of(each.normalization),
        crop=SQUARE,
        threshold=each.threshold,
        calibration=each.calibration,
        by_hash=by_hash,
    )
